"""The election is told from the content, or asked for."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from targeting.errors import SourceError
from targeting.sources.results.blocs import merge_blocs, read_blocs, refuse_unknown_lines
from targeting.sources.results.elections import recognise_election
from targeting.sources.results.wide import read_wide_results
from tests.official import (
    DUEL,
    PRES_2017,
    PRES_2022,
    Ballot,
    Row,
    marseille_rows,
    native,
    numbered,
    write_latin,
)

BLOCS = read_blocs()


def results(tmp_path: Path, text: str, name: str = "same-name-for-all.txt"):
    return read_wide_results(write_latin(tmp_path / name, text))


def duel(tmp_path: Path, name: str = "results.txt"):
    rows = [Row("0101", [300, 200]), Row("0102", [250, 300], registered=1200)]
    return results(tmp_path, native(rows, Ballot.of_names(DUEL)), name)


@pytest.mark.parametrize(
    ("names", "election"), [(PRES_2017, "2017_pres_t1"), (PRES_2022, "2022_pres_t1")]
)
def test_a_presidential_first_round_is_told_from_its_candidates(
    tmp_path: Path, names: list[tuple[str, str]], election: str
) -> None:
    file = results(tmp_path, native(marseille_rows(), Ballot.of_names(names)))
    assert recognise_election(file, BLOCS, {}) == election


@pytest.mark.parametrize(
    ("nuances", "election"),
    [(["NUP", "ENS", "RN", "LR", "REC"], "2022_legi_t1"), (["NUP", "ENS"], "2022_legi_t2"),
     (["FI", "REM", "FN", "LR", "ECO"], "2017_legi_t1"), (["REM", "FN"], "2017_legi_t2")],
)  # fmt: skip
def test_a_legislative_round_is_told_from_its_nuances_and_how_many_stand(
    tmp_path: Path, nuances: list[str], election: str
) -> None:
    rows = [Row("0101", [100] * len(nuances)), Row("0102", [90] * len(nuances))]
    file = results(tmp_path, native(rows, Ballot.of_nuances(*nuances)))
    assert recognise_election(file, BLOCS, {}) == election


def test_the_two_rounds_of_2024_are_told_apart(tmp_path: Path) -> None:
    one = Ballot.of_nuances("UG", "ENS", "RN", "EXG", "REC")
    two = Ballot.of_nuances("UG", "RN")
    first = results(tmp_path, numbered([Row("0001", [90] * 5)], one, quoted=False, width=5))
    second = results(tmp_path, numbered([Row("0001", [90, 80])], two, quoted=True))
    assert recognise_election(first, BLOCS, {}) == "2024_legi_t1"
    assert recognise_election(second, BLOCS, {}) == "2024_legi_t2"


def test_two_duels_alike_are_refused_with_what_to_say(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="--election 2017_pres_t2 or --election 2022_pres_t2"):
        recognise_election(duel(tmp_path), BLOCS, {})


def test_a_duel_is_told_by_the_roll_of_its_first_round(tmp_path: Path) -> None:
    rolls = {
        "2017_pres_t1": pd.Series({"13055_0101": 900, "13055_0102": 1100}),
        "2022_pres_t1": pd.Series({"13055_0101": 1001, "13055_0102": 1199}),
    }
    assert recognise_election(duel(tmp_path), BLOCS, rolls) == "2022_pres_t2"


def test_a_duel_is_told_by_the_ministrys_file_name_last_of_all(tmp_path: Path) -> None:
    assert recognise_election(duel(tmp_path, "PR17_BVot_T2_FE.txt"), BLOCS, {}) == "2017_pres_t2"


def test_what_the_user_says_settles_a_duel(tmp_path: Path) -> None:
    told = recognise_election(duel(tmp_path), BLOCS, {}, election_id="2017_pres_t2")
    assert told == "2017_pres_t2"


def test_what_the_user_says_is_refused_when_the_content_says_otherwise(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"lines are those of 2017_pres_t2 or 2022_pres_t2"):
        recognise_election(duel(tmp_path), BLOCS, {}, election_id="2022_legi_t1")


def test_lines_of_no_known_election_are_named(tmp_path: Path) -> None:
    file = results(tmp_path, native([Row("0101", [50, 40])], Ballot.of_nuances("QQQ", "ZZZ")))
    with pytest.raises(SourceError, match="QQQ, ZZZ"):
        recognise_election(file, BLOCS, {})


def test_an_unknown_nuance_stops_the_import_and_names_itself(tmp_path: Path) -> None:
    ballot = Ballot.of_nuances("NUP", "ENS", "RN", "LR", "NEW")
    file = results(tmp_path, native([Row("0101", [90, 80, 70, 60, 5])], ballot))
    assert recognise_election(file, BLOCS, {}) == "2022_legi_t1"
    with pytest.raises(SourceError, match=r"unknown nuance for 2022_legi_t1: “NEW” \(5 votes\)"):
        refuse_unknown_lines(file.name, file.votes, BLOCS, "2022_legi_t1")


def test_a_row_of_the_users_table_makes_the_nuance_known(tmp_path: Path) -> None:
    edited = tmp_path / "blocs.csv"
    edited.write_text("2022_legi,NEW,,ecologist,local knowledge\n2022_legi,DVG,,centre,ours\n")
    blocs = merge_blocs(BLOCS, read_blocs(edited))
    of_2022 = blocs[blocs["election_id"] == "2022_legi"].set_index("nuance_code")["bloc"]
    assert of_2022["NEW"] == "ecologist"
    assert of_2022["DVG"] == "centre", "the user's row wins over ours"
    assert of_2022.index.is_unique


def test_an_edited_bloc_table_is_read_again_and_what_a_reader_changes_stays_its_own(
    tmp_path: Path,
) -> None:
    edited = tmp_path / "blocs.csv"
    edited.write_text("2022_legi,NEW,,ecologist,local knowledge\n")
    read_blocs(edited)["bloc"] = "centre"
    assert read_blocs(edited)["bloc"].to_list() == ["ecologist"]
    edited.write_text("2022_legi,NEW,,far_left,local knowledge\n")
    assert read_blocs(edited)["bloc"].to_list() == ["far_left"]


@pytest.mark.parametrize(
    ("line", "words"),
    [("2022_legi,NEW,,martian,me", "martian"), ("2022,NEW,,left,me", "“2022” is no election"),
     ("2022_legi,,,left,me", "neither nuance nor candidate"), ("2022_legi,NEW,,left,", "no source"),
     ("2022_legi,NEW,left", "3 cells")],
)  # fmt: skip
def test_a_wrong_row_of_the_bloc_table_is_named_with_its_line(
    tmp_path: Path, line: str, words: str
) -> None:
    path = tmp_path / "blocs.csv"
    path.write_text(f"# mine\n2022_legi,DVG,,left,me\n{line}\n")
    with pytest.raises(SourceError, match=words) as caught:
        read_blocs(path)
    assert "line 3" in str(caught.value)


def test_our_bloc_table_gives_a_source_for_each_row_and_the_left_of_the_literature() -> None:
    assert BLOCS["source"].str.len().min() > 20
    left = BLOCS[BLOCS["bloc"].isin(["left", "ecologist", "far_left"])]
    candidates = set(left.loc[left["election_id"] == "2022_pres", "candidate"])
    assert {c.split()[0] for c in candidates} == {
        "MÉLENCHON", "JADOT", "ROUSSEL", "HIDALGO", "POUTOU", "ARTHAUD",
    }  # fmt: skip
    assert set(left.loc[left["election_id"] == "2022_legi", "nuance_code"]) == {
        "NUP", "DXG", "DVG", "RDG", "ECO",
    }  # fmt: skip
    assert set(left.loc[left["election_id"] == "2024_legi", "nuance_code"]) == {
        "UG", "EXG", "COM", "FI", "SOC", "VEC", "DVG", "RDG", "ECO",
    }  # fmt: skip
