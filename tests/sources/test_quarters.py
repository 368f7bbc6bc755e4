"""Quarters: which property is the name, what is left out and told, what is refused."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import geopandas as gpd
import pytest

from targeting.errors import SourceError
from targeting.sources.apart import read_apart
from targeting.sources.outlines.quarters import (
    LONGEST_NAME,
    MOST_MET,
    MOST_QUARTERS,
    QuarterFile,
    read_quarters,
)
from tests.official import geojson, square

Properties = dict[str, object]
ABC = [{"nom": "Le Panier"}, {"nom": "Belsunce"}, {"nom": "Noailles"}]


def write(tmp_path: Path, rows: list[Properties], *, step: float = 0.01) -> Path:
    """Squares in a row, a kilometre each."""
    features = [(row, square(5.38 + step * i, 43.29)) for i, row in enumerate(rows)]
    path = tmp_path / "quarters.geojson"
    path.write_text(geojson(features))
    return path


def read(tmp_path: Path, rows: list[Properties], **options: object) -> QuarterFile:
    named = {"commune_code": "13055", **options}
    return read_quarters(write(tmp_path, rows), **named)  # type: ignore[arg-type]


def names(found: QuarterFile) -> list[str]:
    return found.quarters["name"].to_list()


@pytest.mark.parametrize(
    "column",
    ["nom_qua", "l_qu", "NOM_IRIS", "nmquart", "LIBQUART", "nomQuartier", "name", "Libellé"],
)
def test_the_name_is_told_by_the_property_that_publications_call_so(
    tmp_path: Path, column: str
) -> None:
    rows: list[Properties] = [
        {column: name, "id": i, "code": f"Q{i:03}", "typ": "H", "nom_elu": f"Maire {name}",
         "page": f"https://ville.example/{name}", "nom_com": "Marseille"}
        for i, name in enumerate(["Le Panier", "Belsunce", "Noailles"])
    ]  # fmt: skip
    found = read(tmp_path, rows)
    assert names(found) == ["Belsunce", "Le Panier", "Noailles"]
    assert found.recipe == f"names in “{column}”"
    assert found.quarters.crs.to_epsg() == 2154


def test_two_properties_that_may_be_the_name_are_a_question_with_both_named(tmp_path: Path) -> None:
    rows: list[Properties] = [
        {"nom": "Conseil nord", "quartier": "Le Panier"},
        {"nom": "Conseil sud", "quartier": "Belsunce"},
        {"nom": "Conseil est", "quartier": "Noailles"},
    ]
    with pytest.raises(SourceError, match=r"“nom” \(Conseil nord first\), “quartier” \(Le Panier"):
        read(tmp_path, rows)
    assert names(read(tmp_path, rows, name_column="quartier"))[0] == "Belsunce"
    with pytest.raises(SourceError, match="no property “quartie”; properties: nom, quartier"):
        read(tmp_path, rows, name_column="quartie")


def test_one_name_in_two_spellings_is_no_question_and_small_letters_are_taken(
    tmp_path: Path,
) -> None:
    rows: list[Properties] = [
        {"NOM_MAJ": "LE CANET D'EN HAUT", "nom_min": "Le Canet d’en haut"},
        {"NOM_MAJ": "L'ESTAQUE", "nom_min": "L’Estaque"},
    ]
    assert names(read(tmp_path, rows)) == ["L’Estaque", "Le Canet d’en haut"]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"texte": "Le Panier"}, "(“texte” might, but nothing in it says so)"),
        ({"nom": "Q12"}, "no property holds the name of a quarter"),
        ({"nom_elu": "Jeanne Martin"}, "(“nom_elu” might, but nothing in it says so)"),
        ({"nom": "https://ville.example/a"}, "no property holds the name of a quarter"),
    ],
)
def test_a_text_that_nothing_calls_a_name_is_never_taken_for_one(
    tmp_path: Path, row: Properties, said: str
) -> None:
    with pytest.raises(SourceError) as refused:
        read(tmp_path, [row])
    assert said in refused.value.reason
    assert "--name-column NAME" in refused.value.way_out


def test_a_name_that_repeats_is_that_of_something_larger(tmp_path: Path) -> None:
    """Half of the names are different: a question; more than half: parts of one quarter."""
    rows: list[Properties] = [{"nom": n} for n in ("Nord", "Nord", "Nord", "Sud", "Sud", "Centre")]
    with pytest.raises(SourceError, match=r"\(“nom” repeats its names\)"):
        read(tmp_path, rows)
    assert len(read(tmp_path, rows, name_column="nom").quarters) == 3
    found = read(tmp_path, [*rows[2:], {"nom": "Est"}, {"nom": "Ouest"}])
    assert names(found) == ["Centre", "Est", "Nord", "Ouest", "Sud"]
    assert found.notes == ["outlines in several parts joined: Sud"]


def test_what_has_no_name_is_left_out_and_told_until_it_is_most_of_the_file(tmp_path: Path) -> None:
    found = read(tmp_path, [{"nom": "Le Panier"}, {"nom": None}, {"nom": " "}, {"nom": "Arenc"}])
    assert names(found) == ["Arenc", "Le Panier"]
    assert found.notes == ["2 features without a name left out: 2, 3"]
    rows: list[Properties] = [{"nom": "Le Panier"}, {"nom": None}, {"nom": "null"}]
    with pytest.raises(SourceError, match="“nom” names 1 of 3 features"):
        read(tmp_path, rows, name_column="nom")


def test_features_of_other_communes_are_left_out_and_counted(tmp_path: Path) -> None:
    rows: list[Properties] = [
        {"nom": "Le Panier", "insee": "13202"},
        {"nom": "Belsunce", "insee": "13201"},
        {"nom": "Centre", "insee": "13001"},
    ]
    found = read(tmp_path, rows, communes=["13055"])
    assert names(found) == ["Belsunce", "Le Panier"]
    assert found.notes == ["1 features of other communes left out: 13001 (1)"]
    assert found.names_commune
    with pytest.raises(SourceError, match=r"none of its 3 features is of 59350.*13055 \(2\)"):
        read(tmp_path, rows, communes=["59350"])
    with pytest.raises(SourceError, match="does not say the commune of its quarters"):
        read(tmp_path, [*ABC], commune_code=None)


def test_two_communes_may_have_a_quarter_of_one_name(tmp_path: Path) -> None:
    rows: list[Properties] = [
        {"nom": "Centre", "insee": "13055"}, {"nom": "CENTRE", "insee": "13001"},
        {"nom": "Gare", "insee": "13001"},
    ]  # fmt: skip
    found = read(tmp_path, rows, communes=["13055", "13001"])
    assert list(zip(found.quarters["commune_code"], names(found), strict=True)) == [
        ("13001", "CENTRE"), ("13001", "Gare"), ("13055", "Centre"),
    ]  # fmt: skip


def test_quarters_over_each_other_are_told_with_the_share_of_the_smaller(tmp_path: Path) -> None:
    """Squares a hundredth of a degree wide, side by side, then eight thousandths apart."""
    assert read_quarters(write(tmp_path, [*ABC]), commune_code="13055").notes == []
    path = write(tmp_path, [*ABC], step=0.008)
    assert read_quarters(path, commune_code="13055").notes == [
        "2 pairs of quarters lie over each other: Belsunce / Le Panier (20%), "
        "Belsunce / Noailles (20%)"
    ]


def test_a_heap_of_features_is_no_layer_of_quarters(tmp_path: Path) -> None:
    """All over each other: 61 make 30 pairs each, 62 more."""
    rows: list[Properties] = [{"nom": f"Quartier {n}"} for n in range(2 * MOST_MET + 2)]
    heap = write(tmp_path, rows[:-1], step=0.0)
    assert len(read_quarters(heap, commune_code="13055").quarters) == 2 * MOST_MET + 1
    with pytest.raises(SourceError, match=r"its 62 features lie over each other \(1,891 pairs\)"):
        read_quarters(write(tmp_path, rows, step=0.0), commune_code="13055")


def test_a_name_keeps_no_sign_that_does_not_show_and_has_a_bound(tmp_path: Path) -> None:
    rows: list[Properties] = [{"nom": "Le \u202ePanier\n"}, {"nom": "<b>Belsunce</b>"}]
    assert names(read(tmp_path, rows)) == ["<b>Belsunce</b>", "Le Panier"]
    assert len(names(read(tmp_path, [{"nom": "é" * LONGEST_NAME}]))[0]) == LONGEST_NAME
    with pytest.raises(SourceError, match="feature 1: a name of 81 letters, and 80 are the most"):
        read(tmp_path, [{"nom": "é" * (LONGEST_NAME + 1)}])


def test_points_buildings_and_other_countries_are_no_quarters(tmp_path: Path) -> None:
    path = tmp_path / "points.geojson"
    point = {"type": "Point", "coordinates": [5.38, 43.29]}
    feature = {"type": "Feature", "properties": {"nom": "Le Panier"}, "geometry": point}
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    with pytest.raises(SourceError, match="quarters are polygons, and its features are points"):
        read_quarters(path, commune_code="13055")
    many: list[Properties] = [{"nom": f"Bâtiment numéro {n}"} for n in range(MOST_QUARTERS + 1)]
    with pytest.raises(SourceError, match=r"3,001 features: more than the 3,000 quarters"):
        read_quarters(write(tmp_path, many, step=0.0), commune_code="13055")
    path.write_text(geojson([({"nom": "Centre"}, square(13.38, 52.5))]))
    with pytest.raises(SourceError, match=r"lie outside mainland France .*feature 1, Centre\)"):
        read_quarters(path, commune_code="13055")


def test_every_format_of_layers_gives_the_same_quarters_through_a_process_apart(
    tmp_path: Path,
) -> None:
    path = write(tmp_path, [*ABC])
    layer = gpd.read_file(path)
    layer.to_file(tmp_path / "quarters.gpkg")
    layer.to_parquet(tmp_path / "quarters.parquet")
    layer.to_file(tmp_path / "quarters.shp")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for part in ("shp", "shx", "dbf", "prj"):
            archive.write(tmp_path / f"quarters.{part}", f"quarters.{part}")
    (tmp_path / "quarters.zip").write_bytes(packed.getvalue())
    for suffix in ("geojson", "gpkg", "parquet", "zip"):
        found = read_apart(
            read_quarters, tmp_path / f"quarters.{suffix}", commune_code="13055", communes=["13055"]
        )
        assert names(found) == ["Belsunce", "Le Panier", "Noailles"]
        assert found.quarters.geometry.area.sum() == pytest.approx(3 * 811 * 1111, rel=0.01)
