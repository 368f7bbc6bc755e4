"""The vote that a campaign prepares is chosen on a screen: its day, its rounds, two who choose."""

from datetime import date, timedelta

import pytest

from targeting.config import Workspace
from targeting.errors import TargetingError
from targeting.workflows.ballot import (
    FURTHEST_YEARS,
    Ballot,
    ballot_of,
    choose_ballot,
    rounds_to_come,
)
from targeting.workflows.setup import CampaignCard, campaign_card, init_workspace

TODAY = date(2026, 3, 1)
FIRST = Ballot("muni", 1, date(2026, 3, 15))


@pytest.fixture
def campaign(unmade: Workspace) -> CampaignCard:
    return init_workspace(unmade, communes=["13055"])


def test_the_vote_chosen_is_the_campaign_s_and_choosing_again_undoes_it(unmade, campaign):
    assert ballot_of(campaign) is None
    card = choose_ballot(unmade, FIRST, seen=campaign, today=TODAY)
    assert (card.election_id, card.ballot_date) == ("2026_muni_t1", FIRST.day)
    assert ballot_of(campaign_card(unmade)) == FIRST
    other = Ballot("pres", 1, date(2027, 4, 11))
    card = choose_ballot(unmade, other, seen=card, today=TODAY)
    assert ballot_of(choose_ballot(unmade, FIRST, seen=card, today=TODAY)) == FIRST
    assert card.communes == ["13055"]


def test_two_who_choose_the_second_is_told_and_changes_nothing(unmade, campaign):
    card = choose_ballot(unmade, FIRST, seen=campaign, today=TODAY)
    with pytest.raises(TargetingError, match="meanwhile"):
        choose_ballot(unmade, FIRST._replace(kind="legi"), seen=campaign, today=TODAY)
    assert campaign_card(unmade) == card
    legislative = FIRST._replace(kind="legi")
    assert ballot_of(choose_ballot(unmade, legislative, seen=card, today=TODAY)) == legislative


@pytest.mark.parametrize(
    ("ballot", "why"),
    [
        (FIRST._replace(day=TODAY - timedelta(days=1)), "is past"),
        (FIRST._replace(day=None), "which day"),
        (FIRST._replace(day=date(TODAY.year + FURTHEST_YEARS + 1, 1, 1)), "further than any vote"),
        (Ballot("", 1, FIRST.day), "which vote"),
        (Ballot("euro", 2, FIRST.day), "which vote"),
        (Ballot("muni", 3, FIRST.day), "which vote"),
    ],
)
def test_a_vote_that_cannot_be_is_told_and_changes_nothing(workspace, ballot, why):
    card = campaign_card(workspace)
    with pytest.raises(TargetingError, match=why):
        choose_ballot(workspace, ballot, seen=card, today=TODAY)
    assert campaign_card(workspace) == card


def test_the_day_itself_and_the_last_year_can_be_chosen(workspace):
    card = choose_ballot(
        workspace, FIRST._replace(day=TODAY), seen=campaign_card(workspace), today=TODAY
    )
    last = FIRST._replace(day=date(TODAY.year + FURTHEST_YEARS, 12, 31))
    assert ballot_of(choose_ballot(workspace, last, seen=card, today=TODAY)) == last


def test_the_second_round_is_the_sunday_after_and_a_fortnight_for_the_president():
    assert FIRST.second_day == date(2026, 3, 22)
    assert Ballot("pres", 1, date(2027, 4, 11)).second_day == date(2027, 4, 25)
    assert Ballot("euro", 1, date(2029, 6, 10)).second_day is None
    assert Ballot("muni", 2, date(2026, 3, 22)).second_day is None
    assert Ballot("muni", 1, None).second_day is None
    assert ("euro", 2) not in rounds_to_come()
    assert {("pres", 2), ("muni", 2), ("legi", 2)} <= set(rounds_to_come())
