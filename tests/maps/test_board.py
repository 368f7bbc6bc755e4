from dataclasses import replace

import pandas as pd

from targeting.maps.board import published_count, sector_words, station_label, station_option
from targeting.maps.cards.card import build_card
from targeting.maps.listing import station_listing, turf_listing


def test_filters_never_change_a_rank(board):
    assert list(board.passing(min_abstention=0.55)) == ["13055_0101", "13055_0102"]
    kept = board.passing(min_abstention=0.55, min_left=0.45)
    assert list(board.table.loc[kept, "priority_rank"]) == [1, 2]


def test_a_filter_at_zero_lets_the_unknown_pass(board):
    assert len(board.passing()) == 4
    assert "13055_0104" not in board.passing(min_abstention=0.01)


def test_a_station_is_called_as_its_poster_says(board):
    assert station_label("13055_0101") == "101"
    assert station_label("75056_JUS1") == "JUS1"
    assert station_option(board, "13055_0102", "fr") == "Bureau 102 · 1er arrondissement"
    assert station_option(board, "13055_0101", "en") == "Station 101 · École <b>Jaurès</b>"


def test_the_card_says_why_and_how_many(board):
    card = build_card(board, "13055_0101", "fr")
    assert card.rank == "**1er** sur 3 par priorité · 1er par score"
    assert any("80,0\u00a0% d’abstention × 50,0\u00a0%" in line for line in card.why)
    assert "Abstention, législatives 2022, 1er tour\u00a0: **85,0\u00a0%**" in card.why
    assert any("**84**" in line for line in card.people)  # 120 × 0.7
    assert "Dernier passage\u00a0: 1 mars 2026" in card.done
    assert card.warnings == []


def test_the_card_of_a_small_station_says_so(board):
    card = build_card(board, "13055_0104", "en")
    assert card.rank == "Not ranked"
    assert card.why[0] == "Score unknown."
    assert len(card.warnings) == 2
    assert card.outline == "No outline for this station."


def test_a_count_from_1_to_10_is_never_written(board):
    card = build_card(board, "13055_0102", "fr")
    assert "Visités\u00a0: **<\u00a011**" in card.done
    assert published_count("fr", pd.NA) == "<\u00a011"
    assert published_count("fr", 0) == "0"
    listing = station_listing(board, board.table, "fr")
    shown = listing.rows["Foyers rencontrés"]
    assert not ((shown > 0) & (shown < 11)).fillna(False).any()


def test_the_listing_keeps_the_order_of_the_map_and_sorts_on_values(board):
    listing = station_listing(board, board.table, "fr")
    assert listing.ids == list(board.table.index)
    assert listing.rows["Abstention"].iloc[0] == 0.8
    assert listing.words["Abstention"].iloc[0] == "80,0\u00a0%"


def test_the_share_of_other_targets_is_not_called_left(board):
    object.__setattr__(board, "target", ["right"])
    assert "Blocs visés" in station_listing(board, board.table, "fr").rows
    assert "Gauche" not in station_listing(board, board.table, "fr").rows


def test_doors_done_are_shown_from_the_first_one_on_as_they_count_no_people():
    turfs = pd.DataFrame(
        {
            "turf_id": ["S0001", "S0002"], "rank": [1, 2], "status": ["in_progress", "ready"],
            "n_doors": [50, 40], "n_buildings": [10, 8], "minutes_expected": [119.6, 110.0],
            "walk_m": [300.0, 200.0], "longest_leg_m": [80.0, 60.0], "doors_done": [4, 0],
            "start_address": ["1 rue A", "2 rue B"], "station_ids": ["13055_0101", ""],
        }
    )  # fmt: skip
    listing = turf_listing(turfs, "fr")
    assert list(listing.rows["Portes faites"]) == [4, 0]
    assert list(listing.rows["État"]) == ["en cours", "prêt"]
    assert list(listing.rows["Bureaux"]) == ["101", "—"]


def test_the_card_tells_an_interval_where_the_past_has_calibrated_one_or_says_why_not(board):
    sure, unsure = (build_card(board, f"13055_010{n}", "en") for n in (1, 2))
    assert any("Between **60** and **182** people" in line for line in sure.people)
    assert any(line.startswith("87% chance to be among the first") for line in sure.people)
    assert not any("Between" in line or "chance" in line for line in unsure.people)
    assert any("No interval" in line for line in unsure.people)


def test_the_card_says_between_which_ranks_a_station_lies_once_the_past_has_calibrated_it(board):
    terms = pd.DataFrame(
        {"expected": 100.0, "from_abstention": 12.4, "from_share": -3.0, "from_both": 0.2,
         "rank_at_mean_abstention": pd.array([2] * 4, dtype="Int64"),
         "rank_at_mean_share": pd.array([None] * 4, dtype="Int64")},
        index=board.table.index,
    )  # fmt: skip
    lines = build_card(replace(board, terms=terms), board.table.index[0], "en").terms
    assert lines[1] == "Abstention: +12 people. At the mean, the station would be 2nd."
    assert len(lines) == 4
    known = terms.assign(rank_low=1.0, rank_high=21.0, score_low=0.2, score_high=0.55)
    lines = build_card(replace(board, terms=known), board.table.index[0], "en").terms
    assert "between the 1st and the 21st rank" in lines[-1]


def test_among_several_communes_a_station_is_named_with_its_own(board):
    assert not board.has_communes
    other = board.table.rename(index={"13055_0102": "93005_0102"})
    wide = replace(board, table=other)
    assert station_option(wide, "93005_0102", "fr") == "Bureau 102 · 93005"
    assert station_option(wide, "13055_0101", "fr") == "Bureau 101 · 13055 · École <b>Jaurès</b>"


def test_sectors_are_those_that_the_place_has_and_a_filter_takes_several(board):
    assert board.sectors == {}, "one arrondissement, and no quarter"
    quarters = pd.Series(["Le Panier", "Belsunce", "Belsunce", None], dtype="str").to_numpy()
    table = board.table.assign(quarter=quarters, constituency_code=["1301", "1301", "1304", None])
    table = table.rename(index={"13055_0103": "13055_1603"})
    town = replace(board, table=table)
    assert list(town.sectors) == ["quarter", "arrondissement", "constituency"]

    def kept(**sectors):
        return [s.split("_")[1] for s in town.passing(sectors=sectors)]

    assert kept(quarter=["Belsunce"]) == ["0102", "1603"]
    assert kept(quarter=["Belsunce", "Le Panier"]) == ["0101", "0102", "1603"]
    assert kept(quarter=["Belsunce"], arrondissement=["13201"]) == ["0102"]
    assert kept(constituency=["1304"], quarter=[]) == ["1603"]
    assert kept(quarter=[]) == kept()
    kept = town.passing(sectors={"quarter": ["Belsunce"]})
    assert list(town.table.loc[kept, "priority_rank"]) == [2, 3]
    assert len(board.passing(sectors={"quarter": ["Belsunce"]})) == 4, "no such kind here"


def test_a_sector_is_said_in_words_with_its_place_where_there_are_several(board):
    table = board.table.assign(constituency_code=["1301", "1304", "1304", None])
    town = replace(board, table=table)
    assert sector_words(town, "quarter", "Le Panier", "fr") == "Le Panier"
    assert sector_words(town, "arrondissement", "13201", "fr") == "1er arrondissement"
    assert sector_words(town, "arrondissement", "69389", "en") == "9th arrondissement"
    assert sector_words(town, "constituency", "1301", "fr") == "1re circonscription"
    assert sector_words(town, "constituency", "1304", "en") == "4th constituency"
    wide = table.assign(constituency_code=["1301", "7502", "ZZ01", None])
    wide = replace(board, table=wide.rename(index={"13055_0102": "75056_1801"}))
    assert sector_words(wide, "constituency", "7502", "fr") == "75 · 2e circonscription"
    assert sector_words(wide, "arrondissement", "75118", "fr") == "75056 · 18e arrondissement"


def test_a_station_without_a_polling_place_is_told_by_its_quarter(board):
    table = board.table.assign(quarter=["Le Panier", "Belsunce", None, None])
    town = replace(board, table=table)
    assert station_option(town, "13055_0102", "fr") == "Bureau 102 · Belsunce"
    assert station_option(town, "13055_0103", "fr") == "Bureau 103 · 1er arrondissement"
    assert station_option(town, "13055_0101", "fr") == "Bureau 101 · École <b>Jaurès</b>"


def test_sectors_are_named_without_reading_all_stations_for_each(board, monkeypatch):
    """A country has 70,000 stations and 577 constituencies: a product of both is no page."""
    from targeting.maps import board as module

    asked = []
    known = module.department_of
    monkeypatch.setattr(module, "department_of", lambda code: asked.append(code) or known(code))
    codes = [f"13{n:02}" for n in range(1, 5)]
    board.table["constituency_code"] = codes
    for code in codes:
        assert sector_words(board, "constituency", code, "fr").endswith("circonscription")
    first = len(asked)
    for code in codes:
        sector_words(board, "constituency", code, "fr")
    assert len(asked) - first <= 3 * len(codes)
