"""What a place and filters leave of the board: right, and found once."""

from datetime import date

import pandas as pd
import pytest

from targeting.maps import view as views
from targeting.maps.areas import Areas
from targeting.maps.cards.compare import total_of
from targeting.maps.filters import Filters
from targeting.maps.once import Once, Same
from targeting.maps.view import ANSWERS, VIEWS, View, view_of
from tests.maps.conftest import IDS


@pytest.mark.parametrize(
    ("filters", "area", "shown", "hidden"),
    [
        (Filters(), IDS, IDS, []),
        (Filters(min_abstention=0.55), IDS, IDS[:2], IDS[2:]),
        (Filters(min_abstention=0.55), IDS[1:3], IDS[1:2], IDS[2:3]),
        (Filters(min_abstention=0.99), IDS, [], IDS),
        (Filters(), [], [], []),
    ],
)
def test_what_is_shown_and_what_a_filter_takes_away(board, filters, area, shown, hidden):
    found = View(board, pd.Index(area, dtype="str"), filters)
    assert (list(found.stations), found.hidden) == (shown, hidden)
    assert (len(found), found.is_whole) == (len(shown), shown == IDS)
    assert list(filters.passing(board)[filters.passing(board).isin(area)]) == shown
    classes = found.classes("abstention")
    rates = board.table.loc[shown, "abstention_rate"]
    assert sum(classes.counts) == rates.notna().sum()
    assert classes.unknown == rates.isna().sum()
    assert found.unplaced == board.table.loc[shown, "origin"].isna().sum()
    assert found.total_words([], "fr") == total_of(board, shown, "fr").words
    listing = found.listing(found.rows, "fr")
    assert listing.ids == shown
    assert len(listing.words) == len(listing.rows) == len(shown)


def test_doubts_are_counted_among_what_is_shown(board):
    board.table["reasons"] = ["", "uncertain:2022_legi_t1", "", "uncertain:2022_legi_t1"]
    assert View(board, board.table.index, Filters()).doubtful == 2
    assert View(board, board.table.index, Filters(min_abstention=0.1)).doubtful == 1
    assert View(board, board.table.index, Filters(is_sure=True)).doubtful == 0


def test_the_same_question_has_the_same_view_and_each_answer_is_made_once(board, monkeypatch):
    made = []
    for name in ("total_at", "counted", "station_listing"):
        work = getattr(views, name)

        def noted(*args, work=work, name=name, **kwargs):
            made.append(name)
            return work(*args, **kwargs)

        monkeypatch.setattr(views, name, noted)
    for _ in range(3):
        shown = view_of(board, board.table.index, Filters(min_left=0.35, sectors={"quarter": []}))
        assert len(shown) == 3
        shown.total_words([], "fr")
        shown.classes("left")
        shown.listing(shown.rows, "fr")
        shown.listing(shown.rows[1:], "fr")
    assert sorted(made) == ["counted", "station_listing", "total_at"]
    assert view_of(board, board.table.index, Filters(min_left=0.36)) is not shown


def test_filters_that_ask_the_same_have_one_key():
    same = [
        Filters(sectors={"quarter": ["a", "b"], "arrondissement": []}),
        Filters(sectors={"quarter": ["b", "a"]}),
    ]
    assert len({one.key for one in same}) == 1
    others = [
        Filters(), Filters(0.1), Filters(0.0, 0.1), Filters(not_visited_since=date(2026, 3, 1)),
        Filters(is_sure=True), *same[:1], Filters(sectors={"arrondissement": ["a", "b"]}),
    ]  # fmt: skip
    assert len({one.key for one in others}) == len(others)


def test_names_are_the_same_list_unless_a_choice_is_not_among_the_first(board):
    shown = view_of(board, board.table.index, Filters())
    assert shown.named([], 2) == IDS[:2]
    assert shown.named([IDS[1]], 2) is shown.named([], 2)
    assert shown.named([IDS[3], IDS[1]], 2) == [IDS[3], *IDS[:2]]


def test_no_more_views_are_kept_than_are_wanted(board):
    first = view_of(board, board.table.index, Filters())
    for at in range(VIEWS):
        view_of(board, board.table.index, Filters(min_left=(at + 1) / 100))
    again = view_of(board, board.table.index, Filters())
    assert again is not first
    assert list(again.stations) == list(first.stations)
    pages = {id(again.total_words([one], "fr")) for one in IDS}
    assert len(pages) == len(IDS) <= ANSWERS


def test_what_is_asked_last_is_what_stays():
    made = []

    def make(key):
        return kept.of(key, lambda: made.append(key))

    kept = Once(2)
    for key in ("a", "b", "a", "c", "a", "b"):
        make(key)
    assert made == ["a", "b", "c", "b"]


def test_two_who_ask_at_once_are_given_one_and_the_same():
    kept = Once()

    def slow():
        kept.of("x", lambda: "the other's")
        return "mine"

    assert kept.of("x", slow) == "the other's"


def test_a_thing_without_a_hash_is_a_key_by_itself_alone():
    one, other = pd.Index(IDS), pd.Index(IDS)
    assert Same(one) == Same(one)
    assert Same(one) != Same(other)
    assert Same(one) != one.size
    assert len({Same(one), Same(one), Same(other)}) == 2


def test_a_place_has_the_same_stations_each_time_it_is_asked():
    ids = pd.Index(["13001_0002", "2A004_0001", "13002_0001", "13001_0001"], dtype="str")
    areas = Areas(ids)
    assert areas.communes == {"13001", "13002", "2A004"}
    assert areas.departments == {"13", "2A"}
    assert areas.communes_of("13") == ["13001", "13002"]
    assert areas.communes_of(None) == ["13001", "13002", "2A004"]
    assert areas.within(None, None) is ids
    assert list(areas.within("13", None)) == ["13001_0002", "13002_0001", "13001_0001"]
    assert list(areas.within("13", "13001")) == ["13001_0002", "13001_0001"]
    assert areas.within("2A", None) is areas.within("2A", None)
    assert len(areas.within("69", None)) == 0
