"""Real outlines in every format, and outlines rebuilt from the voters of Paris and Concarneau."""

from __future__ import annotations

import zipfile
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from targeting.errors import SourceError
from targeting.households.points import station_points_of_voters
from targeting.sources.addresses.reading import read_addresses
from targeting.sources.layers.reading import read_layer
from targeting.sources.outlines.quarters import read_quarters
from targeting.sources.outlines.reading import read_outlines
from targeting.stations.built import Built, build_outlines, commune_of
from targeting.stations.places import assign_stations
from targeting.stations.quarters import assign_quarters
from tests.conftest import REAL

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not REAL.is_dir(), reason="../shared/data is absent: NOT checked"),
]

CITIES = REAL / "cities"
SECTORS = CITIES / "paris/secteurs-des-bureaux-de-vote.geojson"

# file, commune to say, stations, first id, words among the notes
READ = [
    ("angers/ALM_201_ADM_SECTEUR_BUREAU_VOTE.geojson", "49007", 83, "49007_0101", "101 → 0101"),
    ("format-samples/Contours 32208 Lectoure.geojson", "32208", 4, "32208_0001", "2 invalid rings"),
    ("hauts-de-seine-circo13/contours/circo_contours.geojson", None, 91, "92002_0001", ""),
    ("hauts-de-seine-circo13/contours/circo_contours_bvnames_corrected.geojson", None, 91, "92002_0001", ""),
    ("le-mans/secteurs.json", "72181", 96, "72181_0001", "Secteur 1 → 0001"),
    ("marseille/contours/13-04.topojson", None, 60, "13055_0101", ""),
    ("marseille/contours/bureaux_marseille.geojson", None, 471, "13055_0101", "5 invalid rings"),
    ("marseille/derived/bureaux_marseille.stripped.geojson", None, 471, "13055_0101", "5 invalid rings"),
    ("nantes/contours/bureaux.geojson", "44109", 209, "44109_0101", "third coordinate"),
    ("paris/secteurs-des-bureaux-de-vote.geojson", None, 896, "75056_0101", "1-1 → 0101"),
]  # fmt: skip


@pytest.mark.parametrize(("file", "commune", "stations", "first", "words"), READ)
def test_outlines_of_each_city_are_read(
    file: str, commune: str | None, stations: int, first: str, words: str
) -> None:
    outlines = read_outlines(CITIES / file, commune_code=commune)
    assert (len(outlines.stations), outlines.origin) == (stations, "published")
    assert outlines.stations["station_id"].iloc[0] == first
    assert outlines.stations.geometry.is_valid.all()
    assert not words or any(words in note for note in outlines.notes)


def test_points_of_stations_are_read_without_outline() -> None:
    outlines = read_outlines(REAL / "results/station_points_100m.csv.gz")
    assert (len(outlines.stations), outlines.origin) == (65611, "points")
    places = read_outlines(CITIES / "paris/bureaux-de-votes.csv")
    assert (len(places.stations), places.origin) == (896, "points")


@pytest.mark.parametrize(
    "file",
    ["hauts-de-seine-circo13/socio/carreaux.gpkg", "hauts-de-seine-circo13/socio/carreaux_geo.geojson",
     "marseille/contours/marseille_quartiers_111.geojson", "marseille/derived/iris_marseille.geojson"],
)  # fmt: skip
def test_layers_of_other_things_are_refused_by_name(file: str) -> None:
    with pytest.raises(
        SourceError, match=r"no property holds a station|numbers are degrees"
    ) as caught:
        read_outlines(CITIES / file, commune_code="92002")
    assert Path(file).name in str(caught.value)


def converted(layer: gpd.GeoDataFrame, kind: str, folder: Path) -> Path:
    path = folder / f"stations.{kind}"
    if kind == "gpkg":
        layer.to_file(path)
    elif kind == "parquet":
        layer.to_parquet(path)
    else:
        short = layer.rename(columns={column: column[:10] for column in layer.columns})
        short.loc[:, ~short.columns.duplicated()].to_file(folder / "stations.shp", encoding="UTF-8")
        with zipfile.ZipFile(path, "w") as archive:
            for part in folder.glob("stations.*"):
                if part != path:
                    archive.write(part, part.name)
    return path


@pytest.mark.parametrize("kind", ["gpkg", "parquet", "zip"])
@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:2154"])
@pytest.mark.parametrize(
    "file", ["paris/secteurs-des-bureaux-de-vote.geojson",
             "hauts-de-seine-circo13/contours/circo_contours_bvnames_corrected.geojson"],
)  # fmt: skip
def test_the_same_outlines_come_back_from_every_format(
    tmp_path: Path, file: str, kind: str, crs: str
) -> None:
    raw = read_layer(CITIES / file)
    plain = pd.DataFrame(raw.properties)
    plain = plain[[c for c in plain.columns if not isinstance(plain[c].iloc[0], list)]]
    layer = gpd.GeoDataFrame(plain, geometry=raw.geometry, crs=raw.crs).to_crs(crs)
    theirs = read_outlines(CITIES / file)
    ours = read_outlines(converted(layer, kind, tmp_path))
    assert ours.stations.drop(columns="geometry").equals(theirs.stations.drop(columns="geometry"))
    assert ours.recipe == theirs.recipe
    moved = shapely.hausdorff_distance(ours.stations.geometry, theirs.stations.geometry)
    assert moved.max() < 1e-3, "metres"


@pytest.fixture(scope="module")
def paris() -> pd.DataFrame:
    """Voters of 2012 at their address in the BAN."""
    ban = read_addresses(REAL / "addresses/ban-adresses-75-2024.csv.gz").table
    voters = read_addresses(REAL / "addresses/paris2012_electeurs_par_adresse.csv.gz")
    placed = station_points_of_voters(voters.table, ban, vintage=voters.vintage)
    assert placed.placed_share > 0.999
    return placed.points


def assert_partition(built: Built, commune: shapely.Geometry) -> None:
    outlines = built.stations.geometry.to_numpy()
    assert shapely.is_valid(outlines).all()
    assert shapely.coverage_is_valid(outlines)
    union = shapely.union_all(outlines)
    assert shapely.symmetric_difference(union, commune).area < 1e-6 * commune.area
    assert shapely.area(outlines).sum() == pytest.approx(commune.area, rel=1e-6)


def test_paris_is_rebuilt_from_its_voters(paris: pd.DataFrame) -> None:
    sectors = read_outlines(SECTORS).stations
    ground = commune_of(sectors)
    built = build_outlines(paris, ground)
    assert_partition(built, ground)
    assert len(built.stations) == 869
    assert built.inside_share > 0.998
    now = assign_stations(paris["x"], paris["y"], sectors)
    same = paris["weight"][now == paris["station_id"]].sum() / paris["weight"].sum()
    assert 0.79 < same < 0.83, "stations were redrawn between 2012 and 2017: about 81 %"


def test_the_raw_union_of_the_outlines_is_parted_as_exactly(paris: pd.DataFrame) -> None:
    """896 islands with streets between them: nothing is closed before."""
    union = shapely.union_all(read_outlines(SECTORS).stations.geometry.to_numpy())
    built = build_outlines(paris, union)
    assert_partition(built, union)
    assert built.inside_share > 0.99


def test_concarneau_is_built_from_the_addresses_of_its_roll() -> None:
    read = read_addresses(REAL / "addresses/reu-table-adresses-sample-29039-29116.csv.gz")
    assert read.table.groupby("commune_code")["weight"].sum().to_dict() == {
        "29039": 8877.0, "29116": 59.0,
    }  # fmt: skip
    built = build_outlines(read.table[read.table["commune_code"] == "29039"])
    assert built.from_hull
    assert_partition(built, built.commune)
    assert len(built.stations) == 17
    assert built.inside_share > 0.99


def test_the_streets_of_le_mans_are_read_but_one_row() -> None:
    read = read_addresses(CITIES / "le-mans/VOIES_PAR_BUREAU_VOTE.csv", commune_code="72181")
    assert read.notes[0] == "1,962 of 1,963 rows read, 3,557 sides of streets"
    assert read.table["station_id"].nunique() == 97
    assert "197 overlaps" in read.notes[2]


QUARTERS = [
    ("marseille/contours/marseille_quartiers_111.geojson", 111, "names in “nom_qua”, communes in “depco”"),
    ("marseille/derived/iris_marseille.geojson", 393, "names in “NOM_IRIS”, communes in “DEPCOM”"),
]  # fmt: skip


@pytest.mark.parametrize(("file", "quarters", "recipe"), QUARTERS)
def test_quarters_of_marseille_are_read_and_every_station_lies_in_one(
    file: str, quarters: int, recipe: str
) -> None:
    read = read_quarters(CITIES / file, communes=["13055"])
    assert (len(read.quarters), read.recipe, read.notes) == (quarters, recipe, [])
    outlines = read_outlines(CITIES / "marseille/contours/bureaux_marseille_2017_2022.geojson")
    found = assign_quarters(read.quarters, outlines.stations)
    assert len(found) == 480
    assert found.notna().all()


def test_a_layer_of_stations_or_sectors_is_not_taken_for_quarters() -> None:
    with pytest.raises(SourceError, match="no property holds the name of a quarter"):
        read_quarters(SECTORS, commune_code="75056")
