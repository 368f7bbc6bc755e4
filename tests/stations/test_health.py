"""What is there for each station and election, and outlines under the names of now."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd
import pytest
from shapely.geometry import Point, box

from targeting.errors import CrsError
from targeting.stations.flows import as_flows
from targeting.stations.health import count_statuses, health_matrix, outline_gaps
from targeting.stations.history import build_history
from targeting.stations.ledger import build_ledger
from targeting.stations.redrawn import name_as_now
from tests.stations.towns import rolls, round_of


def test_each_station_has_one_status_at_each_election() -> None:
    before = rolls(s0001=1000, s0002=1600, s0003=900, s0004=1100)
    now = rolls(s0001=1000, s0002=800, s0003=900, s0004=1100, s0005=800)
    second = rolls(s0001=1000, s0003=900, s0004=1100)
    rounds = [
        round_of("2017_pres_t1", before), round_of("2022_legi_t1", now),
        round_of("2022_legi_t2", second),
    ]  # fmt: skip
    history = build_history(rounds)
    elections = ["2017_pres_t1", "2022_legi_t1", "2022_legi_t2", "2024_euro_t1"]
    covered = {e: ["13"] for e in elections[:3]} | {"2024_euro_t1": ["75"]}
    matrix = health_matrix(
        build_ledger(history, rounds), history.now["station_id"].to_list(), elections, covered
    )
    assert matrix["2017_pres_t1"].to_list() == [
        "complete", "uncertain", "complete", "complete", "uncertain",
    ]  # fmt: skip
    assert matrix["2022_legi_t1"].to_list() == ["complete"] * 5
    assert matrix["2022_legi_t2"].to_list() == [
        "complete", "settled", "complete", "complete", "settled",
    ]  # fmt: skip
    assert set(matrix["2024_euro_t1"]) == {"absent"}
    counts = count_statuses(matrix)
    assert counts.sum(axis=1).to_list() == [5, 5, 5, 5]
    assert counts.loc["2022_legi_t2", ["complete", "settled"]].to_list() == [3, 2]


def strip(*names: str) -> gpd.GeoDataFrame:
    ids = [f"13055_{n}" for n in names]
    return gpd.GeoDataFrame(
        {"station_id": pd.Series(ids, dtype="str"), "vintage": "2017", "commune_code": "13055",
         "number": list(names), "name": None, "polling_place": None, "origin": "published"},
        geometry=[box(100 * i, 0, 100 * i + 100, 100) for i in range(len(names))],
        crs="EPSG:2154",
    )  # fmt: skip


def test_a_renumbered_station_keeps_its_outline_under_its_new_number() -> None:
    flows = as_flows(
        ["13055_0001", "13055_0002"], ["13055_0001", "13055_0102"], 1.0,
        ["same_code", "renumbered"], [1.0, 0.9],
    )  # fmt: skip
    told = name_as_now(strip("0001", "0002"), flows)
    assert told.outlines["station_id"].to_list() == ["13055_0001", "13055_0102"]
    assert told.outlines["number"].to_list() == ["0001", "0102"]
    assert told.renamed == {"13055_0002": "13055_0102"}
    assert not told.dropped


def test_a_number_that_another_station_took_does_not_take_its_outline() -> None:
    """0001 and 0002 exchanged their numbers: so do their outlines."""
    flows = as_flows(
        ["13055_0001", "13055_0002"], ["13055_0002", "13055_0001"], 1.0, "renumbered", 0.9
    )
    outlines = name_as_now(strip("0001", "0002"), flows).outlines.set_index("station_id")
    assert outlines.loc["13055_0002"].geometry.bounds[0] == 0


def test_merged_stations_are_painted_together_and_shared_or_guessed_ones_not_at_all() -> None:
    flows = as_flows(
        ["13055_0001", "13055_0002", "13055_0003", "13055_0003", "13055_0004"],
        ["13055_0001", "13055_0001", "13055_0008", "13055_0009", "13055_0007"],
        [1.0, 1.0, 0.5, 0.5, 1.0], ["same_code", "rolls", "rolls", "rolls", "rolls"],
        [1.0, 0.9, 0.9, 0.9, 0.2],
    )  # fmt: skip
    told = name_as_now(strip("0001", "0002", "0003", "0004"), flows)
    assert told.outlines["station_id"].to_list() == ["13055_0001"]
    assert told.outlines.geometry.area.to_list() == [20_000]
    assert told.joined == ["13055_0001", "13055_0002"]
    assert told.dropped == ["13055_0003", "13055_0004"]


def test_gaps_between_points_and_outlines_are_metres_and_zero_inside() -> None:
    points = strip("0001", "0002", "0003").assign(
        geometry=[Point(50, 50), Point(350, 50), Point(250, 50)]
    )
    gaps = outline_gaps(strip("0001", "0002"), points)
    assert gaps.to_dict() == {"13055_0001": 0.0, "13055_0002": pytest.approx(150.0)}
    with pytest.raises(CrsError):
        outline_gaps(strip("0001").to_crs("EPSG:4326"), points)
