"""The map on which turfs are changed by hand."""

import pandas as pd

from targeting.maps.handmap import hand_figure, picked_buildings
from targeting.maps.listing import signed_percent


def stops() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "turf_id": ["S0001", "S0001", "S0002"], "visit_order": [1, 2, 1],
            "building_id": ["a", "b", "c"], "street": "Rue <b>A</b>", "number": [1, 3, 5],
            "suffix": "", "x": [0.0, 20.0, 40.0], "y": [0.0, 0.0, 5.0],
        }
    )  # fmt: skip


def test_every_building_is_a_dot_that_knows_itself():
    figure = hand_figure(stops(), None, "fr", chosen=["c"])
    dots = [t for t in figure.data if t.customdata is not None]
    assert [list(t.customdata[:, 0]) for t in dots] == [["a", "b"], ["c"]]
    assert [t.name for t in dots] == ["S0001", "S0002"]
    (ring,) = (t for t in figure.data if t.customdata is None)
    assert list(ring.x) == [40.0]


def test_turfs_of_one_colour_have_another_shape():
    ids = [f"S{n:04d}" for n in range(9)]
    rows = pd.concat([stops().iloc[[0]].assign(turf_id=t) for t in ids])
    drawn = {(t.marker.color, t.marker.symbol) for t in hand_figure(rows, None, "en").data}
    assert len(drawn) == len(ids)


def test_a_lasso_gives_each_building_once_and_passes_lines_over():
    points = [{"customdata": ["a"]}, {"customdata": ["b"]}, {"customdata": ["a"]}, {"x": 1.0}]
    assert picked_buildings(points) == ["a", "b"]


def test_a_deviation_bears_its_sign():
    assert [signed_percent("en", v) for v in (0.123, -0.08, 0.0)] == ["+12%", "−8%", "0%"]
