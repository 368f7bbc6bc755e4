"""Points into stations, and whether outlines are those of the results."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely.geometry import box

from targeting.errors import CrsError, JoinError
from targeting.stations.joins import Join, best_sound_join, join_outlines
from targeting.stations.places import assign_stations, to_wgs84


def two_squares() -> gpd.GeoDataFrame:
    """Two squares of 100 m side by side, with a gap of 40 m."""
    ids = ["13055_0101", "13055_0102"]
    return gpd.GeoDataFrame(
        {"station_id": ids, "commune_code": "13055"},
        geometry=[box(0, 0, 100, 100), box(140, 0, 240, 100)],
        crs="EPSG:2154",
    )


def test_a_point_goes_to_the_station_around_it_or_very_near_else_nowhere() -> None:
    x = pd.Series([50.0, 200.0, 115.0, 500.0], index=[7, 3, 5, 1])
    found = assign_stations(x, pd.Series(50.0, index=x.index), two_squares())
    assert found.index.to_list() == [7, 3, 5, 1]
    assert found.to_list()[:3] == ["13055_0101", "13055_0102", "13055_0101"]
    assert pd.isna(found.iloc[3])


def test_overlapping_outlines_give_the_point_to_one_station_only() -> None:
    squares = two_squares()
    squares.loc[1, "geometry"] = box(50, 0, 150, 100)
    found = assign_stations(pd.Series([75.0]), pd.Series([50.0]), squares)
    assert found.to_list() == ["13055_0101"]


def test_outlines_in_degrees_are_refused() -> None:
    squares = two_squares().to_crs("EPSG:4326")
    with pytest.raises(CrsError, match="to_crs"):
        assign_stations(pd.Series([75.0]), pd.Series([50.0]), squares)


def test_lambert_metres_become_degrees() -> None:
    degrees = to_wgs84(pd.Series([650852.91]), pd.Series([6862571.27]))
    assert degrees.iloc[0].to_list() == pytest.approx([2.330113, 48.861299], abs=1e-6)


def turnout(*numbers: str, registered: int = 1000) -> pd.DataFrame:
    return pd.DataFrame({"station_id": [f"13055_{n}" for n in numbers], "registered": registered})


def test_the_join_rate_is_the_share_of_result_stations_with_an_outline() -> None:
    join = join_outlines(two_squares(), turnout("0101", "0102", "0103", "0104"), election_id="e")
    assert join.rate == 0.5
    assert "2 of 4 stations have an outline (50.0%)" in join.sentence()


def test_other_communes_do_not_count() -> None:
    results = pd.concat(
        [turnout("0101", "0102"), turnout("0101").replace("13055_0101", "13001_0101")]
    )
    assert join_outlines(two_squares(), results, election_id="e").rate == 1.0


def test_outlines_of_another_numbering_are_refused_with_their_figure() -> None:
    with pytest.raises(JoinError, match=r"41 of 207 stations have an outline \(19.8%\)"):
        best_sound_join("nantes.geojson", [Join("2022_pres_t1", 207, 41)])


def test_same_codes_with_other_voters_are_refused_too() -> None:
    registered = pd.Series({"13055_0101": 600.0, "13055_0102": 1500.0})
    join = join_outlines(
        two_squares(), turnout("0101", "0102"), election_id="e", registered=registered
    )
    assert join.rate == 1.0
    assert not join.is_sound
    with pytest.raises(JoinError, match="45% apart"):
        best_sound_join("renumbered.geojson", [join])


def test_the_election_that_fits_best_is_chosen() -> None:
    joins = [Join("2017_legi_t2", 480, 450), Join("2022_pres_t1", 480, 470)]
    assert best_sound_join("x", joins).election_id == "2022_pres_t1"


def test_the_latest_of_equals_is_chosen() -> None:
    ids = ["2022_legi_t1", "2024_legi_t1", "2022_pres_t2", "2017_pres_t1"]
    assert best_sound_join("x", [Join(e, 480, 470) for e in ids]).election_id == "2024_legi_t1"


def test_a_place_that_is_nowhere_is_nowhere_in_degrees_too():
    known = pd.Series([892000.0, np.nan, 651000.0], index=[7, 8, 9])
    found = to_wgs84(known, pd.Series([6247000.0, 6247000.0, 6862000.0], index=[7, 8, 9]))
    assert found.index.tolist() == [7, 8, 9]
    assert found["longitude"].round(1).tolist()[::2] == [5.4, 2.3]
    assert found["latitude"].round(1).tolist()[::2] == [43.3, 48.9]
    assert found.loc[8].isna().all()
