"""Whose each outline is: told from the values and the results, asked where two readings fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from targeting.errors import SourceError
from targeting.sources.outlines.reading import Outlines, read_outlines
from tests.official import geojson, square

KNOWN = {f"29061_{n:04d}" for n in range(1, 7)}
SHUFFLED = [4, 1, 6, 2, 3, 5]


def read(
    folder: Path, rows: list[dict[str, Any]], *, east: float = 0.0, **options: Any
) -> Outlines:
    """Squares of 400 m side by side, one a row; from the seventh on `east` degrees farther."""
    features = [
        (row, square(-4.46 + 0.01 * (i % 6) + (east if i > 5 else 0.0), 48.45, 0.004))
        for i, row in enumerate(rows)
    ]
    path = folder / "layer.geojson"
    path.write_text(geojson(features))
    options = {"commune_code": "29061", "communes": ["29061"], "known": KNOWN, **options}
    return read_outlines(path, **options)


def places(outlines: Outlines) -> list[str]:
    """Station ids from west to east."""
    x = outlines.stations.geometry.centroid.x
    return outlines.stations.assign(x=x).sort_values("x")["station_id"].to_list()


IN_ORDER = sorted(KNOWN)


@pytest.mark.parametrize(
    "record",
    [
        "gid",
        "fid",
        "id",
        "OBJECTID",
        "OBJECTID_1",
        "ogc_fid",
        "rownum",
        "index",
        "cartodb_id",
        "X1",
    ],
)
def test_the_number_of_a_record_is_never_that_of_a_station(tmp_path: Path, record: str) -> None:
    rows: list[dict[str, Any]] = [{record: SHUFFLED[i], "nom_prefect": f"{i + 1:04d}"}
                                  for i in range(6)]  # fmt: skip
    assert places(read(tmp_path, rows)) == IN_ORDER
    with pytest.raises(
        SourceError, match=f"“{record}” is the record's own number.*--code-property"
    ):
        read(tmp_path, [{record: row[record]} for row in rows])
    said = read(tmp_path, [{record: i + 1} for i in range(6)], code_property=record)
    assert places(said) == IN_ORDER, "the user may say so"


def test_a_refusal_shows_the_campaign_s_commune_and_none_that_is_known_already(
    tmp_path: Path,
) -> None:
    parks = [{"surface": 10.5 + i} for i in range(6)]
    with pytest.raises(SourceError, match="no property holds a station number") as known:
        read(tmp_path, parks)
    assert "--commune" not in str(known.value)
    both = {"commune_code": None, "communes": ["29061", "29019"]}
    with pytest.raises(SourceError, match="and the commune with --commune 29019"):
        read(tmp_path, parks, **both)
    with pytest.raises(SourceError, match=r"Add --commune 29019 \(the INSEE code"):
        read(tmp_path, [{"num_bv": i + 1} for i in range(6)], **both)
    with pytest.raises(SourceError, match="--commune-property, or --commune 29019"):
        read(tmp_path, parks, commune_property="surface", **both)
    with pytest.raises(SourceError, match="and the commune with --commune 29061"):
        read(tmp_path, parks, commune_code=None, communes=[])


def test_two_properties_that_fit_and_differ_are_a_question_naming_both(tmp_path: Path) -> None:
    rows = [{"num_bv": i + 1, "code_prefect": f"{SHUFFLED[i]:04d}"} for i in range(6)]
    with pytest.raises(SourceError, match=r"“code_prefect” \(100%.*“num_bv” \(100%.*code-property"):
        read(tmp_path, rows)
    assert places(read(tmp_path, rows, code_property="num_bv")) == IN_ORDER


def test_properties_that_agree_in_all_features_are_one_answer(tmp_path: Path) -> None:
    rows = [{"num_bv": i + 1, "id_bv": f"29061_{i + 1}", "nom": f"Bureau n° {i + 1}", "gid": 6 - i}
            for i in range(6)]  # fmt: skip
    assert places(read(tmp_path, rows)) == IN_ORDER


def test_of_two_properties_the_one_that_the_results_know_is_taken(tmp_path: Path) -> None:
    rows = [{"num_ancien_bv": 100 + SHUFFLED[i], "num_bv": i + 1} for i in range(6)]
    assert places(read(tmp_path, rows)) == IN_ORDER
    with pytest.raises(SourceError, match="they differ"):
        read(tmp_path, rows, known=())


@pytest.mark.parametrize(
    "spelling",
    ["29061_{0:04d}", "29061-{0}", "29061{0:04d}", "29-061-{0:04d}", "Secteur {0}", "BV n° {0}",
     "{0} - Mairie annexe", "{0:03d} ECOLE"],
)  # fmt: skip
def test_a_number_is_read_out_of_an_identifier_or_a_name(tmp_path: Path, spelling: str) -> None:
    rows = [{"nom": spelling.format(i + 1), "adresse": f"{SHUFFLED[i]} rue inventée"}
            for i in range(6)]  # fmt: skip
    assert places(read(tmp_path, rows)) == IN_ORDER


def test_features_of_other_communes_are_left_out_and_counted(tmp_path: Path) -> None:
    rows = [{"OBJECTID": 12 - i, "DEPCO": "29061" if i < 6 else "29019", "BVOTE": i % 6 + 1}
            for i in range(12)]  # fmt: skip
    one = read(tmp_path, rows, east=0.1)
    assert places(one) == IN_ORDER
    assert "6 features of other communes left out: 29019 (6)" in one.notes
    both = read(tmp_path, rows, east=0.1, commune_code=None, communes=["29061", "29019"])
    assert sorted(set(both.stations["commune_code"])) == ["29019", "29061"]
    assert len(read(tmp_path, rows, east=0.1, commune_code=None, communes=()).stations) == 12
    with pytest.raises(SourceError, match=r"none of its 12 features is of 35001: .* 29019 \(6\)"):
        read(tmp_path, rows, commune_code="35001", communes=["35001"])


def test_a_department_and_three_figures_are_a_commune(tmp_path: Path) -> None:
    rows = [{"CODE_DEPT": "29", "CODE_COM": 61 if i < 5 else 19, "BUREAU": i + 1} for i in range(6)]
    assert places(read(tmp_path, rows, commune_code=None)) == IN_ORDER[:5]


def test_two_properties_that_tell_different_communes_are_a_question(tmp_path: Path) -> None:
    rows = [{"insee_com": "29061" if i < 5 else "29019", "insee_old": "29061", "bureau": i + 1}
            for i in range(6)]  # fmt: skip
    with pytest.raises(SourceError, match=r"several properties tell the commune.*commune-property"):
        read(tmp_path, rows)
    assert places(read(tmp_path, rows, commune_property="insee_old")) == IN_ORDER


def test_a_postcode_is_no_commune(tmp_path: Path) -> None:
    rows = [{"code_postal": "29019", "bureau": i + 1} for i in range(6)]
    assert places(read(tmp_path, rows)) == IN_ORDER


def test_an_arrondissement_is_its_city_and_its_short_numbers_bear_it(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [{"CODE": "13216", "BUREAU": "13216_1601", "BUREAUNUM": "132161601"},
                                  {"CODE": "13201", "BUREAU": "13201_0101", "BUREAUNUM": "132010101"}]  # fmt: skip
    known = {"13055_1601", "13055_0101"}
    composed = read(tmp_path, rows, commune_code=None, communes=["13055"], known=known)
    assert set(composed.stations["station_id"]) == known
    assert composed.credit == "", "not Cartelec's, although the names are its"
    short = [{"codeCommune": "13216", "codeBureauVote": "01"}, {"codeCommune": "13201",
             "codeBureauVote": "01"}]  # fmt: skip
    split = read(tmp_path, short, commune_code=None, communes=["13055"], known=known)
    assert set(split.stations["station_id"]) == known


def test_numbers_that_repeat_over_unnamed_communes_are_refused(tmp_path: Path) -> None:
    rows = [{"BVOTE": i % 6 + 1, "fid": i} for i in range(12)]
    with pytest.raises(SourceError, match="6 numbers for 12 features"):
        read(tmp_path, rows, east=0.1)
    with pytest.raises(SourceError, match=r"lie kilometres apart: 29061_000\d \(7\.\d km\)"):
        read(tmp_path, rows, east=0.1, code_property="BVOTE")
    named = [{**row, "commune": "Ici" if i < 6 else "Ailleurs"} for i, row in enumerate(rows)]
    with pytest.raises(SourceError, match="several communes \\(Ailleurs, Ici"):
        read(tmp_path, named, code_property="BVOTE")


def test_parts_of_one_station_far_apart_are_told_with_the_distance(tmp_path: Path) -> None:
    rows = [{"insee": "29061", "bureau": i % 6 + 1} for i in range(7)]
    told = read(tmp_path, rows, east=0.1).notes[-1]
    assert told.startswith("parts of one station lie far apart, to be looked at: 29061_0001 (7.")


def test_a_feature_without_a_number_is_left_out_and_told(tmp_path: Path) -> None:
    rows = [{"bureau": str(i % 6 + 1) if i < 10 else None} for i in range(11)]
    told = read(tmp_path, rows, code_property="bureau").notes
    assert "1 features without a station number left out: 11" in told
    with pytest.raises(SourceError, match="feature 9: “29061”, “” is no commune and station"):
        read(tmp_path, [*rows[:8], rows[10]], code_property="bureau")
