from datetime import date

import pytest

from targeting.maps.filters import Filters
from targeting.maps.shown import shown_table
from tests.maps.conftest import IDS


@pytest.mark.parametrize(
    ("filters", "passing"),
    [
        (Filters(), IDS),
        (Filters(min_abstention=0.5), IDS[:3]),  # the fourth is unknown
        (Filters(min_abstention=0.6), IDS[:2]),  # at the bound it passes
        (Filters(min_abstention=0.61), IDS[:1]),
        (Filters(min_left=0.5), IDS[:2]),
        (Filters(not_visited_since=date(2026, 3, 1)), IDS[1:]),  # visited that very day
        (Filters(not_visited_since=date(2026, 3, 2)), IDS),
        (Filters(min_abstention=0.5, not_visited_since=date(2026, 3, 1)), IDS[1:3]),
    ],
)
def test_what_passes_a_filter(board, filters, passing):
    assert list(filters.passing(board)) == passing


def test_a_sure_past_leaves_out_the_doubtful(board):
    board.table["reasons"] = ["", "uncertain:2022_legi_t1", "", ""]
    assert list(Filters(is_sure=True).passing(board)) == [IDS[0], *IDS[2:]]


def test_each_filter_that_is_on_is_told(board):
    every = Filters(0.55, 0.4, date(2026, 3, 1), True)
    assert [t.replace("\u00a0", " ") for t in every.told(board, "fr")] == [
        "abstention d’au moins 55 %", "part de la gauche d’au moins 40 %",
        "pas visité depuis le 1 mars 2026", "passé sûr seulement",
    ]  # fmt: skip
    assert Filters().told(board, "fr") == []


def test_the_table_for_a_human_has_headings_words_and_masked_counts(board):
    table = shown_table(board, board.table, "fr", chosen=[IDS[1]])
    assert list(table.columns) == [
        "Rang", "Bureau", "Lieu de vote", "Choisi", "Priorité (pour 100 inscrits)",
        "Abstentionnistes visés (pour 100 inscrits)", "Abstention (%)", "Part de la gauche (%)", "Inscrits",
        "Avant toute visite (environ)", "À aller chercher (environ)", "Foyers (estimation)", "Foyers visités",
        "Foyers rencontrés", "Dernier passage", "À savoir",
    ]  # fmt: skip
    assert list(table["Choisi"]) == ["", "×", "", ""]
    assert list(table["Foyers rencontrés"]) == ["125", "<\u00a011", "0", "0"]
    assert table["Abstention (%)"].iloc[0] == 80
    assert list(table["Bureau"]) == ["101", "102", "103", "104"]
    assert "2022_legi_t1" not in " ".join(table["À savoir"])
