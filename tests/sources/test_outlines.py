"""Station outlines: each city's way of naming, what is mended, what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from targeting.errors import SourceError
from targeting.sources.outlines.reading import read_outlines
from tests.official import geojson, square

TWO = [(5.38, 43.29), (5.40, 43.29)]


def write(tmp_path: Path, text: str, name: str = "outlines.geojson") -> Path:
    path = tmp_path / name
    path.write_text(text)
    return path


def cartelec(tmp_path: Path, **members: object) -> Path:
    features = [
        ({"BUREAU": 101 + i, "CODE": 13055, "NOM": "Marseille 1er"}, square(*corner))
        for i, corner in enumerate(TWO)
    ]
    return write(tmp_path, geojson(features, **members))


def test_cartelec_numbers_are_padded(tmp_path: Path) -> None:
    outlines = read_outlines(cartelec(tmp_path))
    assert outlines.stations["station_id"].to_list() == ["13055_0101", "13055_0102"]
    assert outlines.stations.crs.to_epsg() == 2154
    assert outlines.notes == ["2 codes: padded to four digits (101 → 0101, 102 → 0102)"]
    # one hundredth of a degree at 43° north: about 811 m by 1,111 m
    assert outlines.stations.geometry.area.iloc[0] == pytest.approx(811 * 1111, rel=0.01)


def test_paris_names_a_station_by_arrondissement_and_number(tmp_path: Path) -> None:
    properties = {"arrondissement": 19, "num_bv": 5, "id_bv": "19-5", "nbr_elect_f": 1267}
    outlines = read_outlines(write(tmp_path, geojson([(properties, square(2.38, 48.88))])))
    assert outlines.stations["station_id"].to_list() == ["75056_1905"]
    assert outlines.registered is not None
    assert outlines.registered.to_dict() == {"75056_1905": 1267}


def test_national_outlines_keep_their_codes_and_arrondissements_go_up_to_the_commune(
    tmp_path: Path,
) -> None:
    features = [({"codeBureauVote": "92002_0001"}, square(2.29, 48.75)),
                ({"codeBureauVote": "13201_0101"}, square(5.38, 43.29))]  # fmt: skip
    outlines = read_outlines(write(tmp_path, geojson(features)))
    assert outlines.stations["station_id"].to_list() == ["13055_0101", "92002_0001"]


def test_a_javascript_wrapper_and_third_coordinates_come_off_and_are_told(tmp_path: Path) -> None:
    ring = [[x, y, 0.0] for x, y in square(-1.55, 47.21)[0]]
    text = geojson([({"ASSOCIANT": "0101", "NOM": "Jean Jaures"}, [ring])])
    path = write(tmp_path, f"var bureaux = {text};\n")
    outlines = read_outlines(path, commune_code="44109")
    assert outlines.stations["station_id"].to_list() == ["44109_0101"]
    assert outlines.notes == ["taken out of its JavaScript wrapper", "third coordinate dropped"]
    assert not outlines.stations.geometry.has_z.any()


def test_an_invalid_ring_is_mended_and_named(tmp_path: Path) -> None:
    bow = [[[5.38, 43.29], [5.39, 43.30], [5.39, 43.29], [5.38, 43.30], [5.38, 43.29]]]
    features = [
        ({"BUREAU": 102 + i, "CODE": 13055}, square(5.40 + i / 50, 43.29)) for i in range(4)
    ]
    features.append(({"BUREAU": 101, "CODE": 13055}, bow))
    outlines = read_outlines(write(tmp_path, geojson(features)))
    assert outlines.stations.geometry.is_valid.all()
    assert outlines.notes[-1] == "1 invalid rings mended: 13055_0101"
    with pytest.raises(SourceError, match="1 of 4 rings are invalid: 13055_0101"):
        read_outlines(write(tmp_path, geojson(features[1:])))


def test_a_station_in_two_parts_becomes_one_and_is_told(tmp_path: Path) -> None:
    features = [({"BUREAU": 101, "CODE": 13055}, square(*corner)) for corner in TWO]
    outlines = read_outlines(write(tmp_path, geojson(features)))
    assert len(outlines.stations) == 1
    assert outlines.stations.geometry.iloc[0].geom_type == "MultiPolygon"
    assert "joined: 13055_0101" in outlines.notes[-1]


def test_lambert_coordinates_are_taken_when_the_file_says_so(tmp_path: Path) -> None:
    ring = [[[892000.0, 6247000.0], [893000.0, 6247000.0], [893000.0, 6248000.0],
             [892000.0, 6247000.0]]]  # fmt: skip
    features = [({"BUREAU": 101, "CODE": 13055}, ring)]
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::2154"}}
    outlines = read_outlines(write(tmp_path, geojson(features, crs=crs)))
    assert outlines.stations.geometry.area.iloc[0] == pytest.approx(500_000)
    with pytest.raises(SourceError, match="no degrees"):
        read_outlines(write(tmp_path, geojson(features)))


@pytest.mark.parametrize(
    ("text", "words"),
    [("", "0 bytes"), ("{", "not a GeoJSON"), ('{"type": "Topology"}', "a topology without objects"),
     ("<html></html>", "web page"), ('{"features": [NaN]}', "NaN is no coordinate"),
     ('{"features": [{"geometry": null}]}', "feature 1 has no properties"),
     ("[" * 100_000, "nested too deep")],
)  # fmt: skip
def test_what_is_no_outline_is_refused(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(SourceError, match=words):
        read_outlines(write(tmp_path, text))


def test_a_file_cut_in_the_middle_is_refused(tmp_path: Path) -> None:
    whole = cartelec(tmp_path).read_text()
    with pytest.raises(SourceError, match="cut short"):
        read_outlines(write(tmp_path, whole[: len(whole) // 2]))


def test_outlines_without_a_known_code_say_which_properties_there_are(tmp_path: Path) -> None:
    features = [({"couleur": "rouge vif"}, square(*corner)) for corner in TWO]
    with pytest.raises(SourceError, match="couleur"):
        read_outlines(write(tmp_path, geojson(features)), commune_code="44109")


def test_a_city_file_without_its_commune_asks_for_it(tmp_path: Path) -> None:
    features = [({"NUM_BUREAU": str(i)}, square(*corner)) for i, corner in enumerate(TWO)]
    with pytest.raises(SourceError, match="--commune"):
        read_outlines(write(tmp_path, geojson(features)))


@pytest.mark.parametrize("gdal", ['<OGRVRTDataSource><OGRVRTLayer name="x"/></OGRVRTDataSource>',
                                  '{"type":"gdal_streamed_alg","command_line":"gdal vector read /etc/passwd"}'])  # fmt: skip
def test_text_that_gdal_would_follow_is_only_text_to_us(tmp_path: Path, gdal: str) -> None:
    with pytest.raises(SourceError):
        read_outlines(write(tmp_path, gdal))


def test_outlines_that_fall_outside_france_are_refused(tmp_path: Path) -> None:
    swapped = [[[y, x] for x, y in square(5.38, 43.29)[0]]]
    features = [({"BUREAU": 101, "CODE": 13055}, square(5.38, 43.29)),
                ({"BUREAU": 102, "CODE": 13055}, swapped)]  # fmt: skip
    with pytest.raises(SourceError, match=r"1 outlines lie outside .* feature 2, 13055_0102"):
        read_outlines(write(tmp_path, geojson(features)))
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32631"}}
    ring = [[[0.0, 0.0], [900.0, 0.0], [900.0, 900.0], [0.0, 0.0]]]
    with pytest.raises(SourceError, match="system another one"):
        read_outlines(write(tmp_path, geojson([(features[0][0], ring)], crs=crs)))


def test_an_outline_that_encloses_nothing_is_left_out_and_told(tmp_path: Path) -> None:
    line = [[[5.38, 43.29], [5.39, 43.30], [5.38, 43.29], [5.38, 43.29]]]
    features = [
        ({"BUREAU": 102 + i, "CODE": 13055}, square(5.40 + i / 50, 43.29)) for i in range(4)
    ]
    features.append(({"BUREAU": 101, "CODE": 13055}, line))
    outlines = read_outlines(write(tmp_path, geojson(features)))
    assert len(outlines.stations) == 4
    assert set(outlines.stations.geometry.geom_type) == {"Polygon"}
    assert "left out, an outline without area: 13055_0101" in outlines.notes
    with pytest.raises(SourceError, match="1 of 1 rings are invalid"):
        read_outlines(write(tmp_path, geojson(features[-1:])))
