"""Rows that are no station, lines of one candidate each, and counts below zero."""

from __future__ import annotations

import json
from pathlib import Path

import openpyxl
import polars as pl
import pytest

from targeting.errors import SourceError
from targeting.sources.results.blocs import bloc_of_lines, read_blocs
from targeting.sources.results.elections import recognise_election
from targeting.sources.results.reading import read_results
from targeting.sources.results.totals import without_totals
from tests import layouts
from tests.layouts import LEGI_2024, THREE
from tests.official import PRES_2022, Ballot, Row, native

LISTS = layouts.LISTS_2019[:4]
NAMES = Ballot.of_names(PRES_2022)
TOWN = [
    Row("0001", [5, 20, 90, 80, 320, 40, 15]),
    Row("0002", [7, 30, 60, 81, 300, 50, 12], registered=901),
    Row("069A", [1, 10, 40, 70, 100, 30, 11], registered=655),
]


def total(number: str, rows: list[Row] = TOWN, **changed) -> Row:
    summed = {
        "votes": [sum(v) for v in zip(*(r.votes for r in rows), strict=True)],
        "registered": sum(r.registered for r in rows),
        "blank": sum(r.blank for r in rows),
        "null": sum(r.null for r in rows),
    } | changed
    return Row(number, **summed)


def results_of(tmp_path: Path, text: str, name: str = "results.txt"):
    path = tmp_path / name
    path.write_bytes(text.encode("latin-1"))
    (results,) = read_results(path)
    return results


def read(tmp_path: Path, rows: list[Row]):
    return results_of(tmp_path, native(rows, NAMES))


@pytest.mark.parametrize(
    "number",
    ["TOTAL", "Total commune", "Ensemble", "S/T", "Somme", "9999", "0000", "nan", "01/02/2022", ""],
)
def test_a_row_that_is_the_sum_of_its_commune_is_left_out_and_told(
    tmp_path: Path, number: str
) -> None:
    results = read(tmp_path, [*TOWN, total(number)])
    numbers = results.turnout["station_id"].str.slice(6).to_list()
    assert numbers == ["0001", "0002", "069A"]
    assert results.votes.height == 3 * len(PRES_2022)
    assert "line 5" in " ".join(results.notes)


def test_totals_after_each_commune_and_a_total_of_totals_are_left_out(tmp_path: Path) -> None:
    other = [Row(r.number, [v + 1 for v in r.votes], commune="056") for r in TOWN[:2]]
    one, two = total("4"), total("3", other)
    two.commune = "056"
    whole = total("TOTAL", [one, two])
    results = read(tmp_path, [*TOWN, one, *other, two, whole])
    assert results.turnout.height == 5
    assert results.turnout["registered"].sum() == sum(r.registered for r in [*TOWN, *other])


def test_a_word_that_is_no_sum_is_left_out_and_says_that_stations_may_be_missing(
    tmp_path: Path,
) -> None:
    results = read(tmp_path, [*TOWN[:2], total("TOTAL")])
    assert results.turnout.height == 2
    assert "stations may be missing" in " ".join(results.notes)


def test_the_total_of_a_commune_of_one_station_is_told_by_its_number_alone(tmp_path: Path) -> None:
    one, other = TOWN[0], Row("0001", [9, 9, 9, 9, 9, 9, 9], commune="056")
    assert read(tmp_path, [one, total("9999", [one]), other]).turnout.height == 2
    both = read(tmp_path, [one, total("0002", [one]), other])
    assert both.turnout.height == 3
    assert "lines 2 and 3 have the same counts" in " ".join(both.notes)


def test_a_sum_of_all_counts_but_one_candidate_s_is_a_station(tmp_path: Path) -> None:
    near = total("0004")
    near.votes[0] += 1
    near.votes[1] -= 1
    results = read(tmp_path, [*TOWN, near])
    assert results.turnout.height == 4


@pytest.mark.parametrize(
    "number", ["1e400", "#N/A", "2022-02-01", "12-févr", "janv-01", "-1", "Mairie", "1,5E3"]
)
def test_what_cannot_be_a_number_is_refused_where_it_is_no_total(
    tmp_path: Path, number: str
) -> None:
    odd = Row(number, [1, 2, 3, 4, 5, 6, 7])
    with pytest.raises(SourceError, match=r"line 5.*station number"):
        read(tmp_path, [*TOWN, odd])


@pytest.mark.parametrize(
    ("given", "ours"),
    [("1.0", "0001"), ("01.1", "01.1"), ("0E21", "0E21"), ("JUS1", "JUS1"), ("T001", "T001"),
     ("BV12", "BV12"), ("A", "A")],
)  # fmt: skip
def test_odd_numbers_that_are_real_stay(tmp_path: Path, given: str, ours: str) -> None:
    results = read(tmp_path, [*TOWN[1:], Row(given, [1, 2, 3, 4, 5, 6, 7])])
    assert results.turnout["station_id"][-1] == f"13055_{ours}"


# -- one line a candidate --------------------------------------------------------------------------


def mirror(rows: list[Row], *, titles: bool = True, separator: str = ";") -> list[str]:
    """Lines as a national mirror gives them: written from the layout of FORMATS, numbers invented."""
    headers = [
        "Code du département", "Code de la circonscription", "Code de la commune", "Bureau de vote",
        "Inscrits", "Votants", "% Vot/Ins", "Blancs", "Nuls", "Exprimés", "N°Panneau", "Nom",
        "Prénom", "Voix", "Code Insee", "Coordonnées",
    ]  # fmt: skip
    plain = [
        "code_du_departement", "code_de_la_circonscription", "code_de_la_commune",
        "code_du_b_vote", "inscrits", "votants", "vot_ins", "blancs", "nuls", "exprimes",
        "ndegpanneau", "nom", "prenom", "voix", "code_insee", "coordonnees",
    ]  # fmt: skip
    lines = [separator.join(headers if titles else plain)]
    for row in rows:
        for at, ((name, first), votes) in enumerate(zip(PRES_2022, row.votes, strict=True), 1):
            cells = [
                row.department, row.constituency, row.commune, row.number, row.registered,
                row.votes_cast, "79.96", row.blank, row.null, row.valid_votes, at, name, first,
                votes, "13055", "48.4 -4.4",
            ]  # fmt: skip
            lines.append(separator.join(map(str, cells)))
    return lines


@pytest.mark.parametrize("titles", [True, False])
@pytest.mark.parametrize("separator", [";", ","])
def test_one_line_a_candidate_reads_as_the_wide_file_in_any_order(
    tmp_path: Path, titles: bool, separator: str
) -> None:
    header, *lines = mirror([*TOWN, total("TOTAL")], titles=titles, separator=separator)
    shuffled = sorted(lines, key=lambda line: line[::-1])
    path = tmp_path / "long.csv"
    path.write_text("\n".join([header, *shuffled, ""]), encoding="utf-8-sig")
    (results,) = read_results(path)
    wide = read(tmp_path, TOWN)
    assert "no station but the sum of others" in results.notes[0]
    for column in ("registered", "votes_cast", "valid_votes", "blank_votes"):
        assert results.turnout[column].sum() == wide.turnout[column].sum()
    keys = ["station_id", "candidate", "votes"]
    assert results.votes.select(keys).sort(keys).equals(wide.votes.select(keys).sort(keys))
    assert results.kinds == ("pres",)


def test_a_candidate_s_line_that_is_missing_is_told_and_other_counts_are_refused(
    tmp_path: Path,
) -> None:
    lines = mirror(TOWN)
    short = results_of(tmp_path, "\n".join([*lines[:3], *lines[4:], ""]))
    assert short.flagged["station_id"].to_list() == ["13055_0001"]
    lines[4] = lines[4].replace(";1000;", ";1001;")
    with pytest.raises(SourceError, match=r"line 5: the counts of station 13055_0001"):
        results_of(tmp_path, "\n".join([*lines, ""]))


def test_a_recipe_says_that_several_lines_are_one_station(tmp_path: Path) -> None:
    recipe = tmp_path / "mine.toml"
    recipe.write_text(
        'name = "mine"\nformat = "csv"\nseparator = ";"\ncommune = "13055"\npublisher = "x"\n'
        'licence = "x"\ncredit = "x"\n[station]\nfield = "Bureau de vote"\n[counts]\n'
        'registered = "Inscrits"\nvotes_cast = "Votants"\nvalid_votes = "Exprimés"\n'
        '[lines]\nhow = "rows"\ncandidate = "Nom"\nfirst_name = "Prénom"\nvalue = "Voix"\n',
        encoding="utf-8",
    )
    path = tmp_path / "long.csv"
    header, *lines = mirror([*TOWN, total("TOTAL")])
    path.write_text("\n".join([header, *sorted(lines, reverse=True), ""]), encoding="utf-8")
    (results,) = read_results(path, recipe=str(recipe))
    assert results.turnout.height == 3
    assert results.turnout["registered"].sum() == sum(r.registered for r in TOWN)
    assert results.votes.height == 3 * len(PRES_2022)
    recipe.write_text(recipe.read_text(encoding="utf-8").replace('"rows"', '"groups"'), "utf-8")
    (grouped,) = read_results(path, recipe=str(recipe))
    assert grouped.votes.equals(results.votes)
    assert grouped.turnout.equals(results.turnout)
    path.write_text("\n".join([header, *lines, lines[0], ""]), encoding="utf-8")
    (twice,) = read_results(path, recipe=str(recipe))
    assert twice.flagged["station_id"].to_list() == ["13055_0001"]


def test_surnames_alone_tell_the_candidates_of_a_presidential_election(tmp_path: Path) -> None:
    recipe = tmp_path / "mine.toml"
    recipe.write_text(
        'name = "mine"\nformat = "csv"\nseparator = ";"\ncommune = "13055"\npublisher = "x"\n'
        'licence = "x"\ncredit = "x"\n[station]\nfield = "Bureau de vote"\n[counts]\n'
        'registered = "Inscrits"\nvotes_cast = "Votants"\nvalid_votes = "Exprimés"\n'
        '[lines]\nhow = "groups"\ncandidate = "Nom"\nvalue = "Voix"\n',
        encoding="utf-8",
    )
    path = tmp_path / "long.csv"
    path.write_text("\n".join([*mirror(TOWN), ""]), encoding="utf-8")
    (results,) = read_results(path, recipe=str(recipe))
    blocs = read_blocs()
    assert recognise_election(results, blocs, {}) == "2022_pres_t1"
    of_blocs = bloc_of_lines(results.votes, blocs, "2022_pres_t1")
    assert of_blocs["bloc"].null_count() == 0


def test_a_total_in_a_workbook_is_left_out_by_the_row_of_the_sheet(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    lines = native([*TOWN, total("TOTAL")], NAMES).splitlines()
    widest = max(line.count(";") for line in lines)
    for line in lines:
        sheet.append(line.split(";") + [""] * (widest - line.count(";")))
    book.save(tmp_path / "results.xlsx")
    (results,) = read_results(tmp_path / "results.xlsx")
    assert results.turnout.height == 3
    assert "line 5" in results.notes[0]


def test_a_total_in_a_tidy_file_is_left_out_whatever_its_number(tmp_path: Path) -> None:
    alone = results_of(tmp_path, layouts.tidy(THREE, LISTS), "tidy.csv")
    for number in ("TOTAL", "9999", "0104"):
        text = layouts.tidy([*THREE, total(number, THREE)], LISTS)
        results = results_of(tmp_path, text, "tidy.csv")
        assert f"line 5 (“{number}”)" in results.notes[0]
        assert results.turnout.equals(alone.turnout)
        assert results.votes.equals(alone.votes)


def test_a_total_in_the_aggregated_pair_is_left_out_of_both_halves(tmp_path: Path) -> None:
    def of(rows: list[Row]):
        halves = layouts.aggregated({"2024_legi_t1": rows}, LEGI_2024)
        for name, text in zip("ab", halves, strict=True):
            (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")
        (results,) = read_results(tmp_path / "a.csv", tmp_path / "b.csv")
        return results

    alone, results = of(THREE), of([THREE[0], total("0104", THREE), *THREE[1:]])
    assert "line 3 (“0104”)" in results.notes[0]
    columns = ["station_id", "registered", "votes_cast", "valid_votes"]
    assert results.turnout.select(columns).equals(alone.turnout.select(columns))
    assert results.votes.equals(alone.votes)


def test_a_total_among_percentages_is_told_by_its_word(tmp_path: Path) -> None:
    text = layouts.city_percentages()
    alone = results_of(tmp_path, text, "shares.json")
    _, first, rest = text.partition('"818": ')
    line = rest[: rest.index("]") + 1]
    results = results_of(tmp_path, f'var results = {{"Total": {line}, {first}{rest}', "shares.json")
    assert "“Total”" in " ".join(results.notes)
    assert results.shares.equals(alone.shares)


# -- counts below zero -----------------------------------------------------------------------------


@pytest.mark.parametrize(("stations", "is_read"), [(100, True), (99, False)])
def test_one_count_below_zero_costs_no_more_than_its_station_up_to_one_in_a_hundred(
    tmp_path: Path, stations: int, is_read: bool
) -> None:
    rows = [
        Row(f"{n:04d}", [n, 2, 3, 4, 5, 6, 7 + n % 5], registered=500 + n)
        for n in range(1, stations + 1)
    ]
    rows[12].null, rows[12].blank = -1, 3
    if not is_read:
        with pytest.raises(SourceError, match="line 14: a count is negative"):
            read(tmp_path, rows)
        return
    results = read(tmp_path, rows)
    odd = results.turnout.row(12, named=True)
    assert (odd["null_votes"], odd["blank_votes"], odd["flag"]) == (None, 3, "negative_count")
    assert "13055_0013 (line 14): below zero (null_votes -1)" in results.notes[0]
    assert results.turnout.height == 100


def test_a_count_below_zero_on_a_last_line_without_its_end_is_no_cut_file(tmp_path: Path) -> None:
    rows = [Row(f"{n:04d}", [n, 2, 3, 4, 5, 6, 7], registered=500 + n) for n in range(1, 101)]
    rows[-1].null = -1
    for lines in (native(rows, NAMES), "\n".join(mirror(rows))):
        results = results_of(tmp_path, lines.rstrip("\r\n"))
        assert results.turnout["flag"][-1] == "negative_count"


@pytest.mark.parametrize("wrapped", ["results", "records", "data"])
def test_a_portal_s_json_of_results_is_told_to_be_exported_as_csv(
    tmp_path: Path, wrapped: str
) -> None:
    path = tmp_path / "export.json"
    path.write_text(json.dumps({"total_count": 1, wrapped: [{"inscrits": 900}]}), "utf-8")
    with pytest.raises(SourceError) as refused:
        list(read_results(path))
    assert ("export it again as CSV" in str(refused.value)) == (wrapped != "data")


def test_a_commune_called_somme_keeps_its_stations() -> None:
    """Somme-Vesle is no sum: a word in the commune's name tells a total where no number stands."""
    rows = pl.DataFrame(
        {
            "row": [0, 1, 2], "file_line": [2, 3, 4], "number": ["0001", "0001", ""],
            "commune": ["548", "549", "549"], "department": ["51", "51", "51"],
            "commune_name": ["Somme-Vesle", "Somme-Yèvre", "Ensemble"],
            "registered": [257, 89, 400], "votes_cast": [104, 66, 200],
        }
    )  # fmt: skip
    kept = without_totals("town.csv", rows, None)
    assert kept.rows["commune_name"].to_list() == ["Somme-Vesle", "Somme-Yèvre"]
    assert kept.left_out == (2,)
