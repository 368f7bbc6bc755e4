"""A row of four square stations, drawn by hand."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely.geometry import box

from targeting.maps.board import Board
from targeting.scoring.basis import Basis
from targeting.scoring.calibration import Calibrations
from targeting.scoring.intervals import SHIPPED as RESERVOIR
from targeting.scoring.ranks import SHIPPED as TAU
from targeting.stations.joins import Join

IDS = ["13055_0101", "13055_0102", "13055_0103", "13055_0104"]
BASIS = Basis("2022_pres_t1", ("2022_legi_t1", "2017_legi_t2"), (0.26, 0.31))


@pytest.fixture
def board():
    """Priorities 0.4, 0.3, 0.2; the fourth station is too small to rank and has no past."""
    table = pd.DataFrame(
        {
            "registered": [900, 800, 1000, 60],
            "abstention_rate": [0.8, 0.6, 0.5, float("nan")],
            "tide": [0.45, 0.39, 0.28, float("nan")],
            "history_share": [1.0, 1.0, 1.0, 0.5],
            "left_share": [0.5, 0.5, 0.4, 0.3],
            "score": [0.4, 0.3, 0.2, float("nan")],
            "rank": pd.array([1, 2, 3, None], dtype="Int64"),
            "reservoir": [120.0, 80.4, 10.0, float("nan")],
            "reservoir_low": [60.2, float("nan"), float("nan"), float("nan")],
            "reservoir_high": [181.7, float("nan"), float("nan"), float("nan")],
            "top_k_probability": [0.87, float("nan"), float("nan"), float("nan")],
            "reservoir_left": [90.0, 80.4, 10.0, float("nan")],
            "contacted_rate": [0.25, 0.0, 0.0, 0.0],
            "priority": [0.3, 0.3, 0.2, float("nan")],
            "priority_rank": pd.array([1, 2, 3, None], dtype="Int64"),
            "priority_rank_low": [1.0, 1.0, 3.0, float("nan")],
            "priority_rank_high": [2.0, 2.0, 3.0, float("nan")],
            "households": pd.array([500, 450, 600, 30], dtype="Int64"),
            "households_visited": pd.array([300, None, 0, 0], dtype="Int64"),
            "households_contacted": pd.array([125, None, 0, 0], dtype="Int64"),
            "last_visit_date": [pd.Timestamp("2026-03-01").date(), None, None, None],
            "reasons": ["", "roll_moved:2022_legi_t1", "", "small_station|no_past:2017_legi_t2"],
            "place": ["École <b>Jaurès</b>", "", "", ""],
            "vintage": ["2022", "2022", "2022", None],
            "origin": ["published", "built", "published", None],
        },
        index=pd.Index(IDS, name="station_id"),
    )
    abstentions = pd.DataFrame(
        {"2022_legi_t1": [0.85, 0.62, 0.5, float("nan")], "2017_legi_t2": [0.75, 0.58, 0.5, 0.4]},
        index=table.index,
    )
    join = Join("2022_pres_t1", 4, 4)
    errors = pd.DataFrame(
        {"x": np.log(table["priority"].astype(float)), "sigma": [0.1, 0.11, 0.12, float("nan")]}
    )
    return Board(
        table, abstentions, BASIS, ["left"], ["A source"], True, join,
        errors=errors, calibrations=Calibrations(RESERVOIR, TAU, ()),
    )  # fmt: skip


@pytest.fixture
def outlines():
    shapes = [box(893000 + 200 * n, 6247000, 893200 + 200 * n, 6247200) for n in range(3)]
    return gpd.GeoDataFrame({"station_id": IDS[:3]}, geometry=shapes, crs="EPSG:2154")
