"""The wide official results, from small files in their layouts."""

from __future__ import annotations

import gzip
import lzma
import zipfile
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from targeting.errors import SourceError
from targeting.reference.results import TURNOUT_COLUMNS, VOTES_COLUMNS
from targeting.sources.files import TextFile
from targeting.sources.results.wide import parse_wide_results, read_wide_results
from targeting.tables import Turnout, Votes
from tests.official import (
    DUEL,
    PRES_2022,
    Ballot,
    Row,
    marseille_rows,
    native,
    numbered,
    write_latin,
)

LEGISLATIVE = Ballot.of_nuances("NUP", "ENS", "RN", "LR", "DXG")


def read(tmp_path: Path, text: str, encoding: str = "latin-1", name: str = "results.txt"):
    path = tmp_path / name
    path.write_bytes(text.encode(encoding))
    return read_wide_results(path)


def refused(tmp_path: Path, text: str | bytes, name: str = "results.txt") -> str:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode("latin-1"))
    with pytest.raises(SourceError) as caught:
        read_wide_results(path)
    message = str(caught.value)
    assert message.startswith(name)
    assert "\n" not in message
    return message


def test_a_presidential_file_gives_each_count_of_each_station(tmp_path: Path) -> None:
    results = read(tmp_path, native(marseille_rows(), Ballot.of_names(PRES_2022)))
    first = results.turnout.row(0, named=True)
    assert first["station_id"] == "13055_0101"
    assert (first["registered"], first["votes_cast"], first["valid_votes"]) == (1000, 585, 570)
    assert first["constituency_code"] == "1304"
    assert results.votes.filter(station_id="13055_0101")["votes"].to_list() == [
        5, 20, 90, 80, 320, 40, 15,
    ]  # fmt: skip
    assert results.votes["candidate"][4] == "MÉLENCHON Jean-Luc"
    assert results.votes["nuance_code"].is_null().all()


def test_a_station_keeps_letters_and_points_in_its_number(tmp_path: Path) -> None:
    rows = marseille_rows(["101", "069A", "01.1", "JUS1"])
    results = read(tmp_path, native(rows, Ballot.of_names(PRES_2022)))
    assert results.turnout["station_id"].to_list() == [
        "13055_0101", "13055_069A", "13055_01.1", "13055_JUS1",
    ]  # fmt: skip


def test_legislative_lines_may_have_as_many_candidates_as_they_like(tmp_path: Path) -> None:
    rows = [Row("0101", [100, 90]), Row("0102", [100, 90, 80, 70, 5]), Row("0103", [7, 8, 9])]
    results = read(tmp_path, native(rows, LEGISLATIVE))
    assert results.votes.group_by("station_id", maintain_order=True).len()["len"].to_list() == [
        2, 5, 3,
    ]  # fmt: skip
    assert results.votes["nuance_code"].unique().sort().to_list() == [
        "DXG", "ENS", "LR", "NUP", "RN",
    ]  # fmt: skip


def test_a_first_round_of_2024_gets_its_zeros_back(tmp_path: Path) -> None:
    ballot = Ballot.of_nuances("UG", "ENS", "RN")
    rows = [Row("0001", [10, 20, 30], department="01", commune="001", registered=100)]
    text = numbered(rows, ballot, quoted=False)
    assert ";1001;" in text, "the invented file has lost its zeros too"
    results = read(tmp_path, text, "utf-8")
    assert results.turnout["station_id"].to_list() == ["01001_0001"]
    assert results.turnout["department"].to_list() == ["01"]


def test_a_second_round_of_2024_is_read_through_its_quotes(tmp_path: Path) -> None:
    ballot = Ballot.of_nuances("UG", "RN")
    ballot.candidates[0].surname = "D'UNE; SEULE"  # a semicolon inside quotes is no separator
    rows = [Row("0001", [10, 20], department="01", commune="001", registered=100),
            Row("0002", [0, 0], registered=0, blank=0, null=0, department="01", commune="001")]  # fmt: skip
    results = read(tmp_path, numbered(rows, ballot, quoted=True), "utf-8")
    assert results.turnout["station_id"].to_list() == ["01001_0001", "01001_0002"]
    assert results.votes["candidate"][0] == "D'UNE; SEULE Prénom1"
    assert results.turnout["registered"].to_list() == [100, 0]


@pytest.mark.parametrize(
    ("department", "commune", "code"),
    [("ZA", "101", "97101"), ("ZM", "601", "97601"), ("ZN", "801", "98801"), ("ZP", "711", "98711"),
     ("ZS", "502", "97502"), ("ZW", "001", "98601"), ("ZX", "701", "ZX701"), ("ZZ", "001", "ZZ001"),
     ("2A", "004", "2A004"), ("01", "1", "01001"), ("75", "056", "75056")],
)  # fmt: skip
def test_old_department_codes_become_insee_communes(
    tmp_path: Path, department: str, commune: str, code: str
) -> None:
    rows = [Row("0001", [10, 20], department=department, commune=commune)]
    results = read(tmp_path, native(rows, Ballot.of_names(DUEL)))
    assert results.turnout["commune_code"].to_list() == [code]


def test_votes_that_do_not_add_up_are_kept_and_flagged(tmp_path: Path) -> None:
    rows = [Row("0101", [10, 20]), Row("0102", [10, 20], valid=31)]
    results = read(tmp_path, native(rows, Ballot.of_names(DUEL)))
    assert results.flagged["station_id"].to_list() == ["13055_0102"]
    assert results.flagged["flag"].to_list() == ["votes_do_not_add_up"]
    assert results.flagged["file_line"].to_list() == [3]
    assert results.turnout["valid_votes"].to_list() == [30, 31], "kept as published"


@pytest.mark.parametrize("wrap", ["gz", "xz", "zip"])
def test_a_compressed_file_reads_as_the_plain_one(tmp_path: Path, wrap: str) -> None:
    text = native(marseille_rows(), Ballot.of_names(PRES_2022)).encode("latin-1")
    path = tmp_path / "anything.csv"  # the name says nothing: the first bytes do
    if wrap == "gz":
        path.write_bytes(gzip.compress(text))
    elif wrap == "xz":
        path.write_bytes(lzma.compress(text))
    else:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("results.txt", text)
    plain = write_latin(tmp_path / "plain.txt", text.decode("latin-1"))
    assert read_wide_results(path).votes.equals(read_wide_results(plain).votes)


def test_what_is_read_keeps_the_contract_of_the_tables(tmp_path: Path) -> None:
    results = read(tmp_path, native(marseille_rows(), Ballot.of_names(PRES_2022)))
    named = pl.lit("2022_pres_t1").alias("election_id")
    turnout = results.turnout.with_columns(named).select(TURNOUT_COLUMNS).to_pandas()
    texts = {"constituency_code": "str", "flag": "str"}
    counts = {"blank_votes": "Int64", "null_votes": "Int64"}
    Turnout.check(turnout.astype({**texts, **counts}))
    votes = results.votes.with_columns(named, party_list=pl.lit(None, pl.String))
    columns = {"party_list": "str", "nuance_code": "str"}
    Votes.check(votes.select(VOTES_COLUMNS).to_pandas().astype(columns))


# -- what must be refused --------------------------------------------------------------------------


GOOD = native(marseille_rows(), Ballot.of_names(PRES_2022))


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    assert "0 bytes" in refused(tmp_path, b"")


def test_an_empty_gzip_is_refused(tmp_path: Path) -> None:
    assert "0 bytes" in refused(tmp_path, b"", "results.txt.gz")
    assert "nothing inside" in refused(tmp_path, gzip.compress(b""), "results.txt.gz")


def test_a_cut_gzip_is_refused(tmp_path: Path) -> None:
    whole = gzip.compress(GOOD.encode("latin-1"))
    assert "cut short" in refused(tmp_path, whole[: len(whole) // 2], "results.txt.gz")


def test_an_archive_bomb_is_refused(tmp_path: Path) -> None:
    assert "bomb" in refused(tmp_path, gzip.compress(b";" * 200_000_000, 9), "results.txt.gz")


def test_a_workbook_renamed_csv_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "results.csv"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("xl/workbook.xml", "<workbook/>")
    assert "spreadsheet" in refused(tmp_path, path.read_bytes(), "results.csv")
    assert "Excel" in refused(tmp_path, b"\xd0\xcf\x11\xe0" + b"0" * 600, "old.csv")


def test_a_web_page_saved_as_csv_is_refused(tmp_path: Path) -> None:
    page = "<!DOCTYPE html>\n<html><body>404 Not Found</body></html>"
    assert "web page" in refused(tmp_path, page, "results.csv")


def test_another_separator_is_named(tmp_path: Path) -> None:
    assert "commas" in refused(tmp_path, GOOD.replace(",", ".").replace(";", ","))
    assert "tabs" in refused(tmp_path, GOOD.replace(";", "\t"))


def test_a_wrong_encoding_is_named(tmp_path: Path) -> None:
    assert "UTF-16" in refused(tmp_path, GOOD.encode("utf-16"))
    twice = GOOD.encode().decode("latin-1").encode()  # UTF-8 taken for Latin-1, saved again
    assert "accents" in refused(tmp_path, twice)
    assert "accents" in refused(tmp_path, GOOD.encode("mac-roman"))


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    without = GOOD.replace(";Nuls;", ";Autre chose;", 1)
    assert "“Nuls”" in refused(tmp_path, without)


def test_a_station_that_stands_twice_is_named_with_its_line(tmp_path: Path) -> None:
    rows = [*marseille_rows(), marseille_rows()[1]]
    message = refused(tmp_path, native(rows, Ballot.of_names(PRES_2022)))
    assert "13055_0102 stands twice" in message
    assert "line 6" in message


@pytest.mark.parametrize(
    ("change", "words"),
    [({"registered": 500}, "more votes cast"), ({"valid": 600, "cast": 590}, "more valid votes"),
     ({"blank": -3}, "negative"), ({"cast": 800}, "blank, null and valid"),
     ({"department": "XY"}, "“XY” is not a French department"),
     ({"department": "00"}, "not a French department")],
)  # fmt: skip
def test_impossible_counts_are_named_with_their_line(
    tmp_path: Path, change: dict[str, object], words: str
) -> None:
    rows = marseille_rows()
    rows[2] = rows[2].with_(**change)
    message = refused(tmp_path, native(rows, Ballot.of_names(PRES_2022)))
    assert words in message
    assert "line 4" in message


def test_a_cell_that_is_no_number_is_named_with_line_and_column(tmp_path: Path) -> None:
    lines = GOOD.split("\r\n")
    lines[2] = lines[2].replace(";1000;", ";mille;", 1)
    message = refused(tmp_path, "\r\n".join(lines))
    assert "“mille” is not a whole number" in message
    assert "line 3" in message
    assert "registered" in message


def test_headers_alone_are_refused(tmp_path: Path) -> None:
    assert "not one station" in refused(tmp_path, GOOD.split("\r\n")[0] + "\r\n")


def test_a_table_of_something_else_is_refused(tmp_path: Path) -> None:
    message = refused(tmp_path, "nom;rue;numero;ville\nA;B;3;C\n")
    assert "not a results layout" in message
    assert "nom; rue" in message


@pytest.mark.parametrize(
    ("votes", "words"),
    [([-3, 33], "a candidate's votes are negative (-3)"), ([40, -20], "negative (-20)"),
     ([900, 2], "one candidate has 900 votes, of 45 votes cast")],
)  # fmt: skip
def test_votes_that_cannot_be_are_refused_even_where_sums_could_be_flagged(
    tmp_path: Path, votes: list[int], words: str
) -> None:
    rows = [Row("0101", [10, 20]), Row("0102", votes, valid=30)]
    message = refused(tmp_path, native(rows, Ballot.of_names(DUEL)))
    assert "line 3, column “votes”" in message
    assert words in message


@pytest.mark.parametrize("blank", ["\r\n\r\n", "  \r\n", "\n\n\n"])
def test_blank_lines_at_the_end_are_skipped(tmp_path: Path, blank: str) -> None:
    assert read(tmp_path, GOOD + blank).turnout.equals(read(tmp_path, GOOD).turnout)
    one = Ballot.of_nuances("UG", "RN")
    for quoted in (False, True):
        text = numbered([Row("0001", [10, 20])], one, quoted=quoted)
        assert read(tmp_path, text + blank, "utf-8").turnout.height == 1


def test_a_native_file_with_quoted_cells_is_told_so(tmp_path: Path) -> None:
    quoted = "\r\n".join(
        ";".join(f'"{cell}"' for cell in line.split(";")) for line in GOOD.splitlines()
    )
    message = refused(tmp_path, quoted + "\r\n")
    assert 'line 2: cells are quoted: "13"' in message


def test_a_count_of_thirty_digits_is_named_with_its_line(tmp_path: Path) -> None:
    message = refused(tmp_path, GOOD.replace(";1000;", f";{'9' * 30};", 1))
    assert "line 2, column “registered”" in message
    assert "too large" in message


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"number": "01/1"}, "“01/1” is no station number"), ({"number": "é1"}, "no station number"),
     ({"commune": "A5B"}, "“A5B” is no commune"), ({"commune": "-55"}, "“-55” is no commune")],
)  # fmt: skip
def test_codes_that_are_none_are_named_with_their_line(
    tmp_path: Path, changes: dict[str, str], words: str
) -> None:
    rows = [Row("0101", [10, 20]), Row("0102", [10, 20]).with_(**changes)]
    message = refused(tmp_path, native(rows, Ballot.of_names(DUEL)))
    assert "line 3" in message
    assert words in message


@given(cut=st.integers(min_value=1, max_value=len(GOOD) - 1))
def test_a_file_cut_anywhere_is_refused_or_reads_the_whole_lines_rightly(cut: int) -> None:
    """Cut at the end of a line, a file cannot be told from a shorter one; elsewhere it is refused,
    unless nothing but an unread percentage or the newline is gone."""
    whole = parse_wide_results(TextFile("f", GOOD.encode(), "utf-8", ""))
    text = GOOD[: cut + 1].encode()
    try:
        results = parse_wide_results(TextFile("f", text, "utf-8", ""))
    except SourceError:
        return
    kept = results.turnout.height
    assert results.turnout.equals(whole.turnout.head(kept))
    assert results.votes.equals(whole.votes.head(results.votes.height))
    assert results.votes["station_id"].n_unique() == kept


counts = st.integers(0, 400)


@given(st.lists(st.lists(counts, min_size=2, max_size=5), min_size=1, max_size=8))
def test_whatever_the_votes_the_tables_give_them_back(votes: list[list[int]]) -> None:
    rows = [
        Row(f"{i:04d}", v, registered=sum(v) + 100, blank=3, null=2) for i, v in enumerate(votes, 1)
    ]
    text = native(rows, LEGISLATIVE).encode()
    results = parse_wide_results(TextFile("f", text, "utf-8", ""))
    given_back = results.votes.group_by("station_id", maintain_order=True).agg("votes")
    assert given_back["votes"].to_list() == votes
    assert results.turnout["registered"].to_list() == [r.registered for r in rows]
    assert results.flagged.is_empty()


@given(st.binary(min_size=1, max_size=300))
def test_bytes_at_random_are_a_clear_refusal(junk: bytes) -> None:
    with pytest.raises(SourceError):
        parse_wide_results(TextFile("f", junk.decode("latin-1").encode(), "latin-1", ""))
