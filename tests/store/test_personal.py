"""No column about a person without a last day, a purge and an export."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Column, Engine, MetaData, String, Table, func, select, update

from targeting.store.engine import reading, write
from targeting.store.models import NOT_PERSONAL, PERSONAL, Base, Consent
from targeting.store.personal import (
    NOBODYS,
    RULES,
    TEAMS,
    export_person,
    personal_columns,
    purge_due,
    table_of,
)
from targeting.store.queries import add_contacts, save_campaign
from targeting.store.visits import record_visits, visit_uuid

DAY = date(2026, 3, 1)
KEPT_UNTIL = date(2026, 6, 1)
VISIT_KEPT_UNTIL = DAY + timedelta(days=730)
DOOR = "13055_0101_00001/1"


def person(contact_id: str, **changes: Any) -> dict[str, Any]:
    return {
        "contact_id": contact_id, "category": "regular", "source": "door", "source_date": DAY,
        "legal_basis": "consent", "notice_date": DAY, "notice_version": "2026-1",
        "retention_date": KEPT_UNTIL, "building_id": "13055_0101_00001", "door_id": DOOR,
        "first_name": "Ada", "last_name": "Toutlemonde", "phone": "+33639981234",
        "email": "ada@example.org", "age_band": "25-34", "themes": ["housing"],
        "consent_date": DAY, "consent_channel": "paper", "consent_wording": "2026-1",
    } | changes  # fmt: skip


def fill(engine: Engine) -> None:
    """One person and a talk with her, another person at another door, kept longer."""
    other = person(
        "c2", retention_date=date(2029, 1, 1), first_name="Zoé", themes=["school"],
        door_id="13055_0101_00001/2",
    )  # fmt: skip
    visit = {
        "visit_id": "v1", "building_id": "13055_0101_00001", "door_id": DOOR, "outcome": "talked",
        "visited_at": datetime(2026, 3, 1, 18, tzinfo=UTC), "contact_id": "c1",
    }  # fmt: skip
    write(engine, lambda s: add_contacts(s, [person("c1"), other]))
    write(engine, lambda s: record_visits(s, [visit]))


def faults(metadata: MetaData, ruled: set[str], nobodys: frozenset[str]) -> list[str]:
    """Tables without a rule, columns without a mark, marks without a rule."""
    found = [f"{t}: no rule" for t in metadata.tables if t not in ruled | nobodys]
    for table in metadata.tables.values():
        for column in table.columns:
            if table.name in ruled and "personal" not in column.info:
                found.append(f"{column}: no mark")
            if table.name in nobodys and column.info.get("personal"):
                found.append(f"{column}: personal, in a table without a rule")
    return found


RULED = {rule.rows.__tablename__ for rule in RULES}


def test_each_table_has_a_rule_or_is_nobodys_and_each_column_of_a_person_its_mark() -> None:
    assert faults(Base.metadata, RULED, NOBODYS | TEAMS) == []
    assert set(Base.metadata.tables) == RULED | NOBODYS | TEAMS
    assert not RULED & NOBODYS


def test_what_is_forgotten_in_a_new_table_or_column_is_found() -> None:
    toy = MetaData()
    Table("elector", toy, Column("name", String))
    Table("contact", toy, Column("id", String, info=PERSONAL), Column("nickname", String),
          Column("version", String, info=NOT_PERSONAL))  # fmt: skip
    Table("turf", toy, Column("walker", String, info=PERSONAL))
    assert faults(toy, RULED, NOBODYS) == [
        "elector: no rule", "contact.nickname: no mark",
        "turf.walker: personal, in a table without a rule",
    ]  # fmt: skip


def test_no_table_of_nobodys_has_a_column_that_names_people() -> None:
    people = {"contact_id", "first_name", "last_name", "phone", "email", "age_band", "theme"}
    for name in NOBODYS | TEAMS:
        assert not people & set(Base.metadata.tables[name].columns.keys()), name


def test_a_person_is_handed_every_personal_column_and_nobody_elses(engine: Engine) -> None:
    fill(engine)
    with reading(engine) as session:
        handed = export_person(session, "c1")
        for rule in RULES:
            table = table_of(rule.rows)
            (row,) = handed[table.name]
            assert set(row) == {c.key for c in personal_columns(table)}, table.name
            wanted = session.execute(
                select(*personal_columns(table)).where(rule.of_person("c1"))
            ).mappings()
            assert [row] == [dict(one) for one in wanted]
        assert export_person(session, "nobody") == {table: [] for table in handed}
    told = str(handed)
    for value in ("Ada", "Toutlemonde", "+33639981234", "ada@example.org", "25-34", "housing",
                  DOOR, "talked", "paper"):  # fmt: skip
        assert value in told
    assert "Zoé" not in told
    assert "school" not in told


def test_of_two_people_behind_one_door_each_is_handed_their_own_talk_and_the_knocks_of_nobody(
    engine: Engine,
) -> None:
    write(engine, lambda s: add_contacts(s, [person("c1"), person("c2", first_name="Zoé")]))
    knock = {"building_id": "13055_0101_00001", "door_id": DOOR}
    evening = datetime(2026, 3, 1, 18, tzinfo=UTC)
    ids = {led_to: visit_uuid(f"of {led_to}") for led_to in ("c1", "c2", None)}
    visits = [
        knock | {"visit_id": visit, "outcome": "talked" if led_to else "not_home",
                 "visited_at": evening + timedelta(days=n), "contact_id": led_to}
        for n, (led_to, visit) in enumerate(ids.items())
    ]  # fmt: skip
    write(engine, lambda s: record_visits(s, visits))
    with reading(engine) as session:
        for one in ("c1", "c2"):
            handed = {row["id"] for row in export_person(session, one)["visit"]}
            assert handed == {ids[one], ids[None]}


def count(engine: Engine) -> dict[str, int]:
    with reading(engine) as session:
        return {
            r.rows.__tablename__: session.scalar(select(func.count()).select_from(r.rows)) or 0
            for r in RULES
        }


def test_rows_of_a_person_are_kept_through_their_last_day_and_purged_on_the_next(
    engine: Engine,
) -> None:
    fill(engine)
    everything = {"visit": 1, "contact_theme": 2, "contact": 2, "consent": 2}
    assert count(engine) == everything
    write(engine, lambda s: purge_due(s, KEPT_UNTIL))
    assert count(engine) == everything
    gone = write(engine, lambda s: purge_due(s, KEPT_UNTIL + timedelta(days=1)))
    assert gone == {"visit": 0, "contact_theme": 1, "contact": 1, "consent": 1, "visit_undone": 0}
    assert count(engine) == {"visit": 1, "contact_theme": 1, "contact": 1, "consent": 1}
    with reading(engine) as session:
        assert export_person(session, "c1") == {rule.rows.__tablename__: [] for rule in RULES}
    write(engine, lambda s: purge_due(s, VISIT_KEPT_UNTIL))
    assert count(engine)["visit"] == 1
    write(engine, lambda s: purge_due(s, VISIT_KEPT_UNTIL + timedelta(days=1)))
    assert count(engine) == {"visit": 0, "contact_theme": 1, "contact": 1, "consent": 1}


@pytest.mark.parametrize(("after", "kept"), [(15, 1), (16, 0)])
def test_visits_go_once_the_ballot_is_fifteen_days_past(engine: Engine, after, kept) -> None:
    fill(engine)
    write(engine, lambda s: save_campaign(s, name="x", ballot_date=DAY).id)
    write(engine, lambda s: purge_due(s, DAY + timedelta(days=after)))
    assert count(engine)["visit"] == kept


@pytest.mark.parametrize(
    ("basis", "withdrawn", "kept"),
    [("consent", DAY, False), ("consent", DAY + timedelta(days=1), True), ("consent", None, True),
     ("regular_contact", DAY, True)],
)  # fmt: skip
def test_who_is_kept_by_a_consent_goes_on_the_day_it_is_withdrawn(
    engine: Engine, basis, withdrawn, kept
) -> None:
    write(engine, lambda s: add_contacts(s, [person("c1", legal_basis=basis)]))
    write(engine, lambda s: s.execute(update(Consent).values(withdrawn_on=withdrawn)))
    write(engine, lambda s: purge_due(s, DAY))
    assert count(engine) == {"visit": 0, **dict.fromkeys(("contact_theme", "contact", "consent"), int(kept))}  # fmt: skip
