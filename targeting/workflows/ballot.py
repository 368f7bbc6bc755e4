"""The vote that a campaign prepares: which one, and its day; the law tells the second round's."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final, NamedTuple

from targeting.codes import Election, parse_election_id
from targeting.config import Workspace
from targeting.errors import TargetingError
from targeting.locale import ONE_ROUND
from targeting.store import audit
from targeting.store.engine import Session, open_store, write
from targeting.store.queries import save_ballot
from targeting.workflows.access.asks import asks
from targeting.workflows.setup import CampaignCard, campaign_card

KINDS_TO_COME: Final = ("muni", "pres", "legi", "euro", "regi", "dpmt", "refe")
"""Kinds that are still voted for; those of sectors are on the municipal day."""

FURTHEST_YEARS: Final = 7
"""A mandate is of six years at most, and a law may prolong it by one."""

LATER_DAYS: Final = {"pres": 14}
SUNDAY_AFTER: Final = 7
"""From the first round to the second: the fourteenth day (Constitution, art. 7) for the president,
the Sunday after for the others (electoral code, L. 56, L. 193, L. 336)."""


class Ballot(NamedTuple):
    """One round of a vote and its day; `day` None: nobody knows it."""

    kind: str
    round_number: int
    day: date | None

    @property
    def second_day(self) -> date | None:
        """The day of the second round, where this is the first of two."""
        if self.day is None or self.kind in ONE_ROUND or self.round_number != 1:
            return None
        return self.day + timedelta(days=LATER_DAYS.get(self.kind, SUNDAY_AFTER))


def ballot_of(card: CampaignCard) -> Ballot | None:
    """The vote that a campaign prepares; none where nothing was ever chosen."""
    if card.election_id is None:
        return None if card.ballot_date is None else Ballot("", 1, card.ballot_date)
    election = parse_election_id(card.election_id)
    return Ballot(election.kind, election.round_number, card.ballot_date)


def rounds_to_come() -> list[tuple[str, int]]:
    """What can be chosen: each kind, with its rounds."""
    return [
        (kind, number)
        for kind in KINDS_TO_COME
        for number in ((1,) if kind in ONE_ROUND else (1, 2))
    ]


@asks("campaign.change")
def choose_ballot(
    workspace: Workspace, ballot: Ballot, *, seen: CampaignCard, today: date
) -> CampaignCard:
    """Have the campaign prepare this vote; choosing again undoes it.

    `seen`: the campaign as whoever chooses saw it: where somebody chose meanwhile, nothing is
    changed. Raises TargetingError for a vote that is none, or a day past or too far.
    """
    if (ballot.kind, ballot.round_number) not in rounds_to_come():
        raise TargetingError("which vote? Choose one of the list, with its round.")
    if ballot.day is None:
        raise TargetingError("which day? Choose the day of the vote.")
    if ballot.day < today:
        raise TargetingError(f"{ballot.day.isoformat()} is past: choose a day from today on.")
    if ballot.day.year > today.year + FURTHEST_YEARS:
        raise TargetingError(
            f"{ballot.day.isoformat()} is further than any vote: choose a day within "
            f"{FURTHEST_YEARS} years."
        )
    election = Election(ballot.day.year, ballot.kind, ballot.round_number)

    def save(session: Session) -> None:
        before = (seen.election_id, seen.ballot_date)
        save_ballot(session, election.election_id, ballot.day, seen=before)
        audit.record(session, workspace.actor, "settings", object="campaign")

    write(open_store(workspace), save)
    return campaign_card(workspace)
