"""Every layout of results: the tables it gives, the election it is told as, what is refused."""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

import polars as pl
import pytest

from targeting.errors import SourceError
from targeting.reference.results import TURNOUT_COLUMNS, VOTES_COLUMNS
from targeting.sources.results.blocs import build_bloc_votes, read_blocs, refuse_unknown_lines
from targeting.sources.results.counts import LONGEST_COUNT, Results, count_fault
from targeting.sources.results.elections import missing_departments, recognise_election
from targeting.sources.results.reading import group_files, read_results
from targeting.tables import BlocVotes, Turnout, Votes
from tests import layouts
from tests.layouts import COLUMNS, LEGI_2024, MUNI_2014, PRES_2012, RECIPE_OF_COLUMNS, TEXTS, THREE
from tests.official import DUEL, Ballot, Row, native

BLOCS = read_blocs()


def written(tmp_path: Path, text: str | bytes, encoding: str = "utf-8", name: str = "file.csv"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
    return path


def read(tmp_path: Path, text: str | bytes, encoding: str = "utf-8", **options) -> list[Results]:
    return list(read_results(written(tmp_path, text, encoding), **options))


def refused(tmp_path: Path, text: str | bytes, encoding: str = "utf-8", **options) -> str:
    with pytest.raises(SourceError) as caught:
        read(tmp_path, text, encoding, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def check_contract(results: Results, election: str) -> None:
    named = pl.lit(election).alias("election_id")
    turnout = results.turnout.with_columns(named).select(TURNOUT_COLUMNS).to_pandas()
    texts = {"constituency_code": "str", "flag": "str"}
    counts = {"blank_votes": "Int64", "null_votes": "Int64"}
    Turnout.check(turnout.astype({**texts, **counts}))
    votes = results.votes.with_columns(named).select(VOTES_COLUMNS).to_pandas()
    Votes.check(votes.astype({"candidate": "str", "party_list": "str", "nuance_code": "str"}))
    BlocVotes.check(build_bloc_votes(results.votes, BLOCS, election).to_pandas())


@pytest.mark.parametrize("layout", TEXTS)
def test_each_layout_gives_its_counts_and_is_told_from_its_content(
    layout: str, tmp_path: Path
) -> None:
    maker, encoding, election = TEXTS[layout]
    (results,) = read(tmp_path, maker(), encoding)
    assert recognise_election(results, BLOCS, {}) == election
    if results.shares is not None:
        assert results.shares["station_id"].unique().sort().to_list() == [
            "13055_0810", "13055_0818", "13055_1267",
        ]  # fmt: skip
        return
    assert results.flagged.is_empty()
    assert results.votes["votes"].sum() == results.turnout["valid_votes"].sum() > 0
    refuse_unknown_lines("file", results.votes, BLOCS, election)
    check_contract(results, election)
    if not layout.startswith("city"):
        assert results.turnout["station_id"].to_list() == [
            "13055_0101", "13055_0102", "13055_0103",
        ]  # fmt: skip
        assert results.turnout["registered"].to_list() == [1000, 1000, 1000]
        first = results.votes.filter(station_id="13055_0101")["votes"].to_list()
        assert first[:2] == [60, 50]


@pytest.mark.parametrize(
    ("text", "separator", "election"),
    [(layouts.departmental(THREE, layouts.DPMT_2021), ";", "2021_dpmt_t1"),
     (layouts.municipal_2020(THREE, layouts.MUNI_2020), "\t", "2020_muni_t1"),
     (layouts.numbered_lists(THREE, layouts.EURO_2024, year=2024), ";", "2024_euro_t1"),
     (layouts.numbered_2024([r.with_(votes=r.votes[:2]) for r in THREE], quoted=False), ";",
      "2024_legi_t2"),
     (layouts.explorer([r.with_(votes=r.votes[:2]) for r in THREE]), ";", "2022_legi_t2"),
     (layouts.long_with_header({1: THREE}, PRES_2012), ",", "2012_pres_t1")],
)  # fmt: skip
def test_a_workbook_of_native_rows_reads_as_their_text(
    text: str, separator: str, election: str, tmp_path: Path
) -> None:
    (results,) = read(tmp_path, layouts.workbook(text, separator))
    (plain,) = read(tmp_path, text)
    assert recognise_election(results, BLOCS, {}) == election
    assert results.turnout.equals(plain.turnout)
    assert results.votes.equals(plain.votes)


def test_a_fault_in_a_workbook_names_its_row_in_the_sheet(tmp_path: Path) -> None:
    rows = [*THREE[:2], THREE[2].with_(cast=2000)]
    text = layouts.departmental(rows, layouts.DPMT_2021)
    message = refused(tmp_path, layouts.workbook(text, blank_after=1))
    assert "line 5: more votes cast (2000)" in message, "header, a station, a blank row, a station"


def test_columns_of_ones_own_after_a_native_group_are_left_out(tmp_path: Path) -> None:
    text = layouts.departmental(THREE, layouts.DPMT_2021, eol="\n")
    lines = text.strip().split("\n")
    wide = [lines[0] + ";" * 18 + ";Code_commune"] + [line + ";92_002" for line in lines[1:]]
    (results,) = read(tmp_path, "\n".join(wide) + "\n", "latin-1")
    (plain,) = read(tmp_path, text, "latin-1")
    assert results.votes.equals(plain.votes)


def test_both_rounds_of_a_long_file_are_two_results(tmp_path: Path) -> None:
    second = [r.with_(votes=[0, 0, *r.votes[:2]], registered=999) for r in THREE]
    text = layouts.long_headerless({1: THREE, 2: second}, PRES_2012)
    one, two = read(tmp_path, text, "latin-1")
    assert (one.round_number, two.round_number) == (1, 2)
    assert recognise_election(one, BLOCS, {}) == "2012_pres_t1"
    assert recognise_election(two, BLOCS, {}) == "2012_pres_t2"
    assert one.turnout["blank_votes"].is_null().all(), "not counted apart in 2012"
    assert one.turnout["file_line"].to_list() == [18, 22, 26], "after the 17 comment lines"
    assert two.turnout["registered"].to_list() == [999, 999, 999]
    (only,) = read(tmp_path, text, "latin-1", election_id="2012_pres_t2")
    assert only.round_number == 2


@pytest.mark.parametrize(
    ("lists", "election"), [(4, "2014_muni_t1"), (20, "2014_euro_t1")]
)  # fmt: skip
def test_municipal_and_european_2014_are_told_by_how_many_lists_stand(
    lists: int, election: str, tmp_path: Path
) -> None:
    codes = ["LDVG", "LUMP", "LFN", "LVEC"]
    lines = [(f"NOM{n}", "Anne", codes[n % 4]) for n in range(lists)]
    rows = [r.with_(votes=[5] * lists) for r in THREE]
    (results,) = read(tmp_path, layouts.long_headerless({1: rows}, lines, fields=13), "latin-1")
    assert recognise_election(results, BLOCS, {}) == election


def test_two_rounds_of_a_european_election_are_refused(tmp_path: Path) -> None:
    lines = [(f"NOM{n}", "Anne", "LUMP") for n in range(16)]
    rows = [r.with_(votes=[5] * 16) for r in THREE]
    text = layouts.long_headerless({1: rows, 2: rows}, lines, fields=13)
    _, two = read(tmp_path, text, "latin-1")
    with pytest.raises(SourceError, match="a European election has one round"):
        recognise_election(two, BLOCS, {})


def test_two_rounds_in_a_wide_file_are_refused(tmp_path: Path) -> None:
    text = native([*THREE, *(r.with_(votes=r.votes[:2]) for r in THREE)], layouts.LEGI_2022)
    assert "13055_0101 stands twice" in refused(tmp_path, text, "latin-1")


@pytest.mark.parametrize(
    ("change", "words"),
    [(("1000;190;", "1000;191;"), "not those of its first line"), (("1;13;", "3;13;"), "“3” is no round"),
     ((";60\r", f";{'1' * 25}\r"), "is too large to be a count"),
     ((";60\r", ";soixante\r"), "“soixante” is not a whole number"), (("13;055", "13;055;x"), "16 fields"),
     ((";0102;", ";0101;"), "not those of its first line")],
)  # fmt: skip
def test_a_wrong_line_of_a_long_file_is_named(
    change: tuple[str, str], words: str, tmp_path: Path
) -> None:
    text = layouts.long_headerless({1: [THREE[0].with_(blank=8, null=2), *THREE[1:]]}, PRES_2012)
    assert change[0] in text
    message = refused(tmp_path, text.replace(*change, 1), "latin-1")
    assert words in message
    assert "line " in message


@pytest.mark.parametrize(
    ("cell", "words"),
    [("0", ""), ("-1", ""), ("1" * LONGEST_COUNT, ""), ("1" * (LONGEST_COUNT + 1), "too large to be a count"),
     ("", "not a whole number"), ("1.5", "not a whole number"), ("1 000", "not a whole number")],
)  # fmt: skip
def test_a_cell_is_a_count_up_to_twelve_signs(cell: str, words: str) -> None:
    assert words in count_fault(cell)
    assert bool(words) == bool(count_fault(cell))
    assert count_fault("", may_be_empty=True) == ""


# -- municipal lists ---------------------------------------------------------------------------


def test_stray_tabs_are_mended_and_told(tmp_path: Path) -> None:
    text = layouts.municipal_2020(THREE, layouts.MUNI_2020)
    lines = text.split("\r\n")
    lines[1] = lines[1].replace("VIVRE ICI 1", "VIVRE\tICI 1")
    lines[2] = lines[2].replace("Commune", "Com\tmune") + "\t"
    lines[3] += "\t\t"
    (mended,) = read(tmp_path, "\r\n".join(lines), "latin-1")
    (whole,) = read(tmp_path, text, "latin-1")
    assert mended.turnout.equals(whole.turnout)
    assert mended.votes.drop("party_list").equals(whole.votes.drop("party_list"))
    assert [n.split(":")[0] for n in mended.notes] == ["line 2", "line 3", "line 4"]
    assert "1 stray tab(s) mended (“VIVRE ICI 1”)" in mended.notes[0]


def test_a_line_with_a_cell_too_few_is_refused_not_mended(tmp_path: Path) -> None:
    lines = layouts.municipal_2020(THREE, layouts.MUNI_2020).split("\r\n")
    lines[2] = lines[2].replace("\t90\t", "\t", 1)
    assert "line 3" in refused(tmp_path, "\r\n".join(lines), "latin-1")


@pytest.mark.parametrize("nuance", ["NC", "LNC", ""])
def test_lists_without_nuance_count_under_other(nuance: str, tmp_path: Path) -> None:
    text = layouts.municipal_2020(THREE, [*layouts.MUNI_2020[:3], nuance], panels=[1, 2, 3, 4])
    (results,) = read(tmp_path, text, "latin-1")
    assert recognise_election(results, BLOCS, {}) == "2020_muni_t1"
    refuse_unknown_lines("file", results.votes, BLOCS, "2020_muni_t1")
    blocs = build_bloc_votes(results.votes, BLOCS, "2020_muni_t1")
    assert blocs.filter(bloc="other")["votes"].sum() == 30 + 70 + 8


def test_two_lists_alone_leave_the_round_to_the_user(tmp_path: Path) -> None:
    rows = [r.with_(votes=r.votes[:2]) for r in THREE]
    (results,) = read(tmp_path, layouts.municipal_2020(rows, layouts.MUNI_2020), "latin-1")
    with pytest.raises(SourceError, match="--election 2020_muni_t1 or --election 2020_muni_t2"):
        recognise_election(results, BLOCS, {})
    told = recognise_election(results, BLOCS, {}, election_id="2020_muni_t2")
    assert told == "2020_muni_t2"


def test_the_sector_councils_are_another_election_than_the_commune_s(tmp_path: Path) -> None:
    text = layouts.numbered_lists(THREE, layouts.MUNI_2026, year=2026, sector=True)
    without = text.replace(";Code commune", ";Autre code", 1)
    for given in (text, without):
        (results,) = read(tmp_path, given)
        assert recognise_election(results, BLOCS, {}) == "2026_sect_t1"
        assert set(results.turnout["commune_code"]) == {"13055"}


def test_a_layout_of_another_kind_than_the_election_given_is_refused(tmp_path: Path) -> None:
    rows = [r.with_(votes=[3, 3, 3, 3]) for r in THREE]
    unknown = layouts.departmental(rows, ["BC-A", "BC-B", "BC-C", "BC-D"])
    (results,) = read(tmp_path, unknown, "latin-1")
    with pytest.raises(SourceError, match="its columns are those of dpmt or cant"):
        recognise_election(results, BLOCS, {}, election_id="2022_legi_t1")


# -- overseas ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("department", "commune", "code"),
    [("971", "101", "97101"), ("976", "501", "97601"), ("ZM", "501", "97601"), ("987", "011", "98711"),
     ("986", "001", "98601"), ("988", "833", "98833"), ("977", "701", "ZX701"), ("978", "801", "ZX801"),
     ("971", "971101", "97101"), ("99", "001", "99001"), ("ZZ", "001", "ZZ001")],
)  # fmt: skip
def test_overseas_communes_of_2014_become_insee_codes(
    department: str, commune: str, code: str, tmp_path: Path
) -> None:
    rows = [Row("0001", [6, 5, 4, 3], department=department, commune=commune)]
    (results,) = read(tmp_path, layouts.long_headerless({1: rows}, MUNI_2014, fields=13), "latin-1")
    assert results.turnout["commune_code"].to_list() == [code]


# -- the aggregated pair -----------------------------------------------------------------------


def pair(tmp_path: Path, **options) -> tuple[Path, Path]:
    elections = {"2024_legi_t1": THREE, "2022_legi_t1": [r.with_(registered=900) for r in THREE]}
    general, candidates = layouts.aggregated(elections, LEGI_2024, **options)
    return (
        written(tmp_path, general, name="a.csv"), written(tmp_path, candidates, name="b.csv")
    )  # fmt: skip


@pytest.mark.parametrize("old_names", [False, True])
def test_the_aggregated_pair_gives_each_of_its_elections(tmp_path: Path, old_names: bool) -> None:
    general, candidates = pair(tmp_path, old_names=old_names)
    assert group_files([candidates, general]) == [(general, candidates)]
    first, second = read_results(candidates, general)
    assert (first.election_id, second.election_id) == ("2022_legi_t1", "2024_legi_t1")
    assert second.turnout["station_id"].to_list() == ["13055_0101", "13055_0102", "13055_0103"]
    assert first.turnout["registered"].to_list() == [900, 900, 900]
    assert second.votes["candidate"].to_list()[:2] == ["UN Anne", "DEUX Jean"]
    assert second.votes["votes"].sum() == second.turnout["valid_votes"].sum()
    check_contract(second, "2024_legi_t1")
    (only,) = read_results(general, candidates, election_id="2024_legi_t1")
    assert only.turnout.equals(second.turnout)


def test_the_pair_reads_the_same_from_parquet_and_from_gzip(tmp_path: Path) -> None:
    general, candidates = pair(tmp_path)
    plain = list(read_results(general, candidates))
    parquet = [
        written(tmp_path, layouts.as_parquet(p.read_text()), name=f"{p.stem}.parquet")
        for p in (general, candidates)
    ]
    zipped = [
        written(tmp_path, gzip.compress(p.read_bytes()), name=f"{p.stem}.csv.gz")
        for p in (general, candidates)
    ]
    for files in (parquet, zipped):
        assert group_files(files) == [tuple(files)]
        for one, other in zip(plain, read_results(*files), strict=True):
            assert one.turnout.equals(other.turnout)
            assert one.votes.equals(other.votes)


def test_one_half_alone_says_what_is_missing(tmp_path: Path) -> None:
    general, candidates = pair(tmp_path)
    with pytest.raises(SourceError, match="turnout without votes: candidats_results is missing"):
        group_files([general])
    with pytest.raises(SourceError, match="votes without turnout: general_results is missing"):
        list(read_results(candidates))


@pytest.mark.parametrize(
    ("half", "change", "words"),
    [("b.csv", ("2022_legi_t1;13055_0102", "2022_legi_t1;13055_9999"), "votes of 13055_9999"),
     ("b.csv", ("2022_legi_t1", "2021_regi_t1"), "no 2021_regi_t1"), ("a.csv", ("2024_legi_t1", "2024"), "“2024” is no election"),
     ("a.csv", (";1000;", ";mille;"), "“mille” is not a whole number"), ("b.csv", (";60;", ";;"), "is not a whole number"),
     ("a.csv", ("\n2024_legi_t1;13055_0102;13", "\n2024_legi_t1;13055_0102"), "cannot be read to its end")],
)  # fmt: skip
def test_a_fault_in_a_half_is_named(
    half: str, change: tuple[str, str], words: str, tmp_path: Path
) -> None:
    general, candidates = pair(tmp_path)
    path = tmp_path / half
    assert change[0] in path.read_text()
    path.write_text(path.read_text().replace(*change, 1))
    with pytest.raises(SourceError, match=words) as caught:
        list(read_results(general, candidates))
    assert half in str(caught.value)


def test_an_election_that_neither_half_has_is_told(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no 2017_pres_t1 in it"):
        list(read_results(*pair(tmp_path), election_id="2017_pres_t1"))


# -- recipes -----------------------------------------------------------------------------------


def test_a_users_recipe_reads_a_portal_without_headers(tmp_path: Path) -> None:
    recipe = written(tmp_path, RECIPE_OF_COLUMNS, name="mine.toml")
    (results,) = read(tmp_path, COLUMNS, recipe=str(recipe))
    assert results.turnout["station_id"].to_list() == ["31555_0001", "31555_0002"]
    assert results.votes["votes"].to_list() == [90, 60, 30, 70]
    assert results.votes["nuance_code"].to_list() == ["LUG", "LUMP"] * 2
    assert results.origin.publisher == "Une ville"
    with pytest.raises(SourceError, match="2014_muni_t1 or --election 2014_muni_t2"):
        recognise_election(results, BLOCS, {})


def test_repeated_groups_are_read_and_whole_communes_left_out(tmp_path: Path) -> None:
    (results,) = read(tmp_path, layouts.city_groups())
    assert results.turnout["station_id"].to_list() == ["49007_0101", "49007_0102"]
    assert results.votes["votes"].to_list() == [90, 60, 100]
    assert "1 rows that are no station of 49007 left out: 0251" in results.notes
    assert results.turnout["file_line"].to_list() == [2, 4]


def test_percentages_are_shares_and_never_counts(tmp_path: Path) -> None:
    (results,) = read(tmp_path, layouts.city_percentages())
    assert results.turnout.is_empty()
    assert results.votes.is_empty()
    assert results.shares is not None
    assert results.shares["share"].to_list()[:3] == pytest.approx([0.448, 0.352, 0.2])
    assert results.shares["registered"].is_null().all()


def test_percentages_of_votes_cast_become_shares_of_valid_votes(tmp_path: Path) -> None:
    lines = [{"rolland": 45.0}, {"garnier": 30.0}, {"chiron": 10.0}, {"gobet": 5.0}, {"nuls": 10.0}]
    text = f'var results = {{"0101": {str(lines).replace(chr(39), chr(34))}}}'
    (results,) = read(tmp_path, text)
    assert results.shares is not None
    assert results.shares["share"].to_list() == pytest.approx([0.5, 1 / 3, 1 / 9, 1 / 18])


@pytest.mark.parametrize(
    ("change", "words"),
    [(('format = "csv"', 'format = "xml"'), "neither csv nor json"), (("header = false", "heading = 1"), "unknown keys heading"),
     (('"31555"', '"Toulouse"'), "no INSEE code"), (('how = "fields"', 'how = "magic"'), "no lines.how"),
     (("[counts]", "[signature]"), "no counts of registered"), (('"2014_muni"', '"2014"'), "is not an election"),
     (("[station]", "[station"), "no TOML")],
)  # fmt: skip
def test_a_wrong_recipe_is_refused_by_its_fault(
    change: tuple[str, str], words: str, tmp_path: Path
) -> None:
    recipe = written(tmp_path, RECIPE_OF_COLUMNS.replace(*change), name="mine.toml")
    message = refused(tmp_path, COLUMNS, recipe=str(recipe))
    assert words in message
    assert message.startswith("mine.toml")


def test_a_recipe_that_is_not_there_names_ours(tmp_path: Path) -> None:
    assert "nantes_2014_t1" in refused(tmp_path, COLUMNS, recipe="nowhere")


@pytest.mark.parametrize(
    "text", ["{" * 100_000, "[" * 5000 + "]" * 5000, '{"data": NaN}', '{"data": [1, 2', "var x = ;"]
)
def test_a_json_that_is_no_plain_data_is_refused(text: str, tmp_path: Path) -> None:
    refused(tmp_path, text, recipe="nantes_2014_t1")
    refused(tmp_path, text)


# -- what is none of ours ----------------------------------------------------------------------


def test_a_layout_never_seen_is_refused_with_the_nearest_ones(tmp_path: Path) -> None:
    header = "Code département;Code commune;Bureau;Inscrits;Votants;Exprimés;Blancs;Voix 1"
    message = refused(tmp_path, f"{header}\n13;13055;1;10;5;5;0;5\n")
    assert "headers found are Code département; Code commune; Bureau" in message
    assert "Nearest known layouts: numbered (since 2024) lacks “Code BV”, “Nuls”" in message
    assert message.count(" lacks ") == 3


@pytest.mark.parametrize(
    ("header", "country"),
    [("Wahlkreis;Wahlbezirk;Wahlberechtigte;Gültige", "Germany"), ("county,precinct,ballots cast,x", "the United States"),
     ("municipio;sección;mesa;censo;votos", "Spain"), ("comune;sezione;elettori;votanti", "Italy")],
)  # fmt: skip
def test_a_file_of_another_country_is_refused_by_name(
    header: str, country: str, tmp_path: Path
) -> None:
    assert f"results of {country}" in refused(tmp_path, f"{header}\n1;2;3;4;5\n")


def bomb(tmp_path: Path) -> Path:
    path = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("xl/worksheets/sheet1.xml", b"<row/>" * 5_000_000)
    return path


def test_a_workbook_that_swells_is_refused_before_it_is_opened(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="archive bomb"):
        list(read_results(bomb(tmp_path)))


def test_a_workbook_with_a_member_outside_or_broken_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "odd.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
        archive.writestr("../evil", "x")
    with pytest.raises(SourceError, match="no member of a workbook"):
        list(read_results(path))
    good = layouts.workbook(layouts.departmental(THREE, layouts.DPMT_2021))
    refused(tmp_path, good[: len(good) // 2])


def test_an_entity_in_a_workbook_is_refused(tmp_path: Path) -> None:
    good = layouts.workbook(layouts.departmental(THREE, layouts.DPMT_2021))
    path = written(tmp_path, good, name="good.xlsx")
    evil = tmp_path / "evil.xlsx"
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(evil, "w", zipfile.ZIP_DEFLATED) as new:
        for member in old.infolist():
            content = old.read(member)
            if member.filename.endswith("sheet1.xml"):
                content = b'<!DOCTYPE x [<!ENTITY a "b">]>' + content
            new.writestr(member.filename, content)
    with pytest.raises(SourceError, match=r"entities|damaged"):
        list(read_results(evil))


# -- a national file in part -------------------------------------------------------------------


def test_departments_that_a_national_file_lacks_are_named() -> None:
    most = [f"{n:02d}" for n in range(1, 96) if n not in (20, 13, 59)]
    missing = missing_departments(most, "2024_legi_t1")
    assert {"13", "59", "2A", "971"} <= set(missing)
    assert missing_departments(["13", "83", "84"], "2024_legi_t1") == [], "a region is no nation"
    assert "75" not in missing_departments([d for d in most if d != "75"], "2021_dpmt_t1")


def test_a_duel_of_names_known_in_two_years_is_still_asked(tmp_path: Path) -> None:
    rows = [r.with_(votes=r.votes[:2]) for r in THREE]
    (results,) = read(tmp_path, native(rows, Ballot.of_names(DUEL)), "latin-1")
    with pytest.raises(SourceError, match="same candidates"):
        recognise_election(results, BLOCS, {})


@pytest.mark.parametrize(
    ("lines", "contest"),
    [([("UN", "Anne", "SOC"), ("DEUX", "Jean", "UMP"), ("TROIS", "Luc", "FN"), ("QUATRE", "Zoé", "FG")], "2012_legi"),
     ([("ROYAL", "Ségolène", "ROYA"), ("SARKOZY", "Nicolas", "SARK"), ("BAYROU", "François", "BAYR"),
       ("LE PEN", "Jean-Marie", "LEPE")], "2007_pres")],
)  # fmt: skip
def test_legislative_2012_and_presidential_2007_are_long_files_too(
    lines: list[tuple[str, str, str]], contest: str, tmp_path: Path
) -> None:
    """Written from the documented layout: they are presumed alike to presidential 2012."""
    text = layouts.long_headerless(
        {1: THREE, 2: [r.with_(votes=r.votes[:2]) for r in THREE]}, lines
    )
    told = [recognise_election(r, BLOCS, {}) for r in read(tmp_path, text, "latin-1")]
    assert told == [f"{contest}_t1", f"{contest}_t2"]
    assert read(tmp_path, text, "latin-1")[0].turnout["constituency_code"][0] == "1304"
