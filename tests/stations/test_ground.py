"""Outlines lie where the stations of their codes lie, or nothing is painted with them."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd
import pytest
from shapely.geometry import box

from targeting.errors import JoinError
from targeting.stations.ground import likeness, pieces_share
from targeting.stations.joins import Evidence, Join, best_sound_join, equally_good, join_outlines


def town(side: int = 6, gap: float = 40.0) -> gpd.GeoDataFrame:
    """A grid of squares of 300 m, streets of `gap` metres between them, numbered row by row."""
    cells = [(x, y) for y in range(side) for x in range(side)]
    step = 300 + gap
    return gpd.GeoDataFrame(
        {"station_id": [f"29061_{i + 1:04d}" for i in range(len(cells))], "commune_code": "29061"},
        geometry=[box(x * step, y * step, x * step + 300, y * step + 300) for x, y in cells],
        crs="EPSG:2154",
    )


def halves(outlines: gpd.GeoDataFrame) -> pd.Series:
    """Constituency: the south of the town, and its north."""
    south = outlines.geometry.centroid.y < outlines.geometry.centroid.y.median()
    names = south.map({True: "2901", False: "2902"})
    return pd.Series(names.to_numpy(), outlines["station_id"], dtype="object")


def renumbered(outlines: gpd.GeoDataFrame, kept: int = 0) -> gpd.GeoDataFrame:
    """The same outlines, their codes dealt out anew: all codes are there, few are right."""
    ids = outlines["station_id"].to_list()
    moved = ids[kept:]
    return outlines.assign(station_id=ids[:kept] + moved[1::2] + moved[::2])


def results(outlines: gpd.GeoDataFrame, constituency: pd.Series | None = None) -> pd.DataFrame:
    table = pd.DataFrame({"station_id": outlines["station_id"], "registered": 1000})
    return table if constituency is None else table.assign(
        constituency_code=table["station_id"].map(constituency)
    )  # fmt: skip


def test_stations_of_a_constituency_are_one_piece_until_they_are_renumbered() -> None:
    outlines = town()
    share = pieces_share(outlines, halves(outlines))
    assert share.to_dict() == {"29061": 1.0}
    wide = town(gap=51.0)
    assert pieces_share(wide, halves(wide))["29061"] < 0.1, "streets of 51 m part everything"
    assert pieces_share(renumbered(outlines), halves(outlines))["29061"] < 0.8


def test_nothing_is_told_by_one_constituency_or_by_nine_stations() -> None:
    outlines = town()
    assert pieces_share(outlines, halves(outlines).replace("2902", "2901")).empty
    nine, ten = outlines.iloc[3:12], outlines.iloc[3:13]
    assert pieces_share(nine, halves(nine)).empty
    assert len(pieces_share(ten, halves(ten))) == 1


def test_neighbours_vote_alike_until_the_codes_are_others() -> None:
    outlines = town()
    left = pd.Series(outlines.geometry.centroid.y.to_numpy(), outlines["station_id"])
    assert (likeness(outlines, left / left.max()) or 0) > 0.5
    assert likeness(outlines.iloc[:29], left) is None
    city = town(12)
    left = pd.Series(city.geometry.centroid.y.to_numpy(), city["station_id"])
    drawn = city["station_id"].sample(frac=1, random_state=1).to_list()
    assert abs(likeness(city.assign(station_id=drawn), left) or 0) < 0.1


def test_renumbered_outlines_are_refused_with_the_figure_although_every_code_is_there() -> None:
    outlines = town()
    right = join_outlines(outlines, results(outlines, halves(outlines)), election_id="2022_pres_t1")
    assert (right.rate, right.pieces, right.is_sound) == (1.0, 1.0, True)
    wrong = join_outlines(
        renumbered(outlines), results(outlines, halves(outlines)), election_id="2022_pres_t1"
    )
    assert (wrong.rate, wrong.is_sound) == (1.0, False)
    with pytest.raises(JoinError, match=r"numbered its stations anew.*36 of 36.*% of the stations"):
        best_sound_join("town.geojson", [wrong])


def test_constituencies_of_the_same_time_serve_a_round_without_them() -> None:
    outlines = town()
    evidence = Evidence({2022: halves(outlines)})
    for election_id, told in (("2021_regi_t1", False), ("2020_muni_t1", True)):
        join = join_outlines(
            renumbered(outlines), results(outlines), election_id=election_id, evidence=evidence
        )
        assert join.is_sound is told, "two years away the codes may be others"


def test_points_of_stations_tell_where_no_constituency_does() -> None:
    outlines = town()
    points = outlines.assign(geometry=outlines.geometry.centroid)
    evidence = Evidence(points=points)
    right = join_outlines(outlines, results(outlines), election_id="e", evidence=evidence)
    assert (right.near, right.is_sound) == (1.0, True)
    wrong = join_outlines(renumbered(outlines), results(outlines), election_id="e",
                          evidence=evidence)  # fmt: skip
    assert not wrong.is_sound
    assert "lie near the point of their station" in wrong.sentence()


def test_the_lines_are_held_at_the_line() -> None:
    assert Join("e", 10, 10, pieces=0.8).is_sound
    assert not Join("e", 10, 10, pieces=0.799).is_sound
    assert Join("e", 10, 10, near=0.5).is_sound
    assert not Join("e", 10, 10, near=0.499).is_sound
    assert Join("e", 10, 10, alike=0.1).is_sound
    assert not Join("e", 10, 10, alike=0.099).is_sound
    assert Join("e", 10, 10, alike=0.0, pieces=0.9).is_sound, "the constituencies have told"


def test_points_are_never_called_outlines() -> None:
    points = town(2).assign(origin="points")
    join = join_outlines(points, results(points), election_id="e")
    assert join.sentence() == "e: 4 of 4 stations have a point, none has an outline (100.0%)"


def test_outlines_without_a_station_count_as_stations_without_an_outline_do() -> None:
    older, newer = (
        Join("2017_pres_t1", 8, 8, outlines=10),
        Join("2022_pres_t1", 11, 10, outlines=10),
    )
    assert (older.rate, older.strangers, newer.strangers) == (1.0, 2, 0)
    assert best_sound_join("x", [older, newer]).election_id == "2022_pres_t1"
    assert "2 outlines have no station" in older.sentence()
    rolls = [Join("2017_pres_t1", 10, 10, 0.01), Join("2022_pres_t1", 10, 10, 0.06)]
    assert equally_good(rolls) == rolls[:1], "of two that fit alike, the nearest rolls"


def test_points_of_other_stations_tell_nothing() -> None:
    outlines = town()
    elsewhere = outlines.assign(
        station_id=[f"29019_{i:04d}" for i in range(len(outlines))],
        geometry=outlines.geometry.centroid,
    )
    assert Evidence(points=elsewhere).near_points(outlines).empty
    assert Evidence(points=elsewhere).near_points(outlines.iloc[:0]).empty
    assert join_outlines(
        outlines, results(outlines), election_id="2022_pres_t1", evidence=Evidence(points=elsewhere)
    ).is_sound
