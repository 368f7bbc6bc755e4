"""Writers that begin at one moment: each does all of its work, and none undoes another's."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import Engine

from targeting.store.engine import reading, write
from targeting.store.queries import add_contacts, count_contacts, load_campaign, save_campaign
from targeting.store.turfs import reserve_codes
from tests.races.at_once import at_once
from tests.store.test_models import contact

ENCRYPTED_TOO = True


def test_codes_given_at_once_are_given_once_and_the_settings_beside_them_stay(
    engine: Engine,
) -> None:
    write(engine, lambda s: save_campaign(s, name="before").id)

    def give() -> list[str]:
        return write(engine, lambda s: reserve_codes(s, 3))

    def rename() -> list[str]:
        write(engine, lambda s: save_campaign(s, name="after", ballot_date=date(2027, 4, 18)).id)
        return []

    given = [code for codes in at_once(give, rename, give, give) for code in codes]
    assert sorted(given) == [f"S{n:04d}" for n in range(1, 10)]
    with reading(engine) as session:
        campaign = load_campaign(session)
        assert campaign is not None
        facts = campaign.name, campaign.ballot_date, campaign.next_turf
    assert facts == ("after", date(2027, 4, 18), 10)


def test_one_list_of_people_given_twice_at_once_is_one(engine: Engine) -> None:
    people: list[dict[str, Any]] = [contact(contact_id=f"c{n}") for n in range(3)]

    def add() -> int:
        return write(engine, lambda s: add_contacts(s, people))

    assert sorted(at_once(add, add, add)) == [0, 0, 3]
    with reading(engine) as session:
        assert count_contacts(session) == 3
