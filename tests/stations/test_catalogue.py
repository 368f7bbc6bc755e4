"""Stations joined by integers are joined as their ids are."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from targeting.codes import ARRONDISSEMENT_COMMUNES
from targeting.stations.catalogue import LOST, Catalogue, key_flows, name_flows
from targeting.stations.flows import (
    BASES,
    as_flows,
    communes_of,
    compose,
    compose_ranked,
    tidy_flows,
    tidy_ranked,
    zones_of,
)
from targeting.stations.rolls import key_rolls, match_keyed, match_rolls
from tests.stations.towns import some_years_later, town_of

STATIONS = st.sampled_from(
    ["01004_0001", "01004_069A", "13055_0101", "13055_0201", "2A004_0001", "75056_0101", "ZZ001_1"]
)
FLOWS = st.lists(
    st.tuples(
        STATIONS,
        STATIONS | st.none(),
        st.floats(0.001, 1.0),
        st.sampled_from(BASES),
        st.floats(0, 1),
    ),
    min_size=1,
    max_size=20,
)


def ids(*stations: str | None) -> pd.Series:
    return pd.Series(list(stations), dtype="str")


@given(st.lists(STATIONS | st.none(), max_size=12), st.lists(STATIONS, max_size=5))
def test_a_key_is_the_place_of_an_id_among_the_sorted_ones(listed, others) -> None:
    catalogue = Catalogue.of([ids(*listed), ids(*others)])
    known = sorted({s for s in [*listed, *others] if s is not None})
    assert catalogue.ids.tolist() == known
    keys = catalogue.keys_of(ids(*listed))
    assert keys.dtype == np.int32
    assert keys.tolist() == [LOST if s is None else known.index(s) for s in listed]
    pd.testing.assert_series_equal(catalogue.ids_of(keys), ids(*listed), check_names=False)


def test_an_id_that_is_not_in_the_catalogue_has_no_key_and_a_flow_to_it_is_left_out() -> None:
    catalogue = Catalogue.of([ids("13055_0101", "13055_0102")])
    assert catalogue.keys_of(ids("13055_0101", "13055_0999", None)).tolist() == [0, LOST, LOST]
    flows = as_flows(
        ["13055_0101", "13055_0101", "13055_0999", "13055_0102"],
        ["13055_0102", "13055_0999", "13055_0101", None], 1.0, "voters", 1.0,
    )  # fmt: skip
    kept = name_flows(key_flows(flows, catalogue), catalogue)
    pd.testing.assert_frame_equal(kept, flows.iloc[[0, 3]].reset_index(drop=True))


@given(st.lists(STATIONS, min_size=1, max_size=8))
def test_communes_zones_and_departments_are_those_of_the_ids(listed) -> None:
    catalogue = Catalogue.of([ids(*listed)])
    named = pd.Series(catalogue.ids, dtype="str")
    for keys, codes in (
        (catalogue.commune, communes_of(named)),
        (catalogue.zone, zones_of(named)),
        (catalogue.department, named.str.slice(0, 2)),
    ):
        assert keys.tolist() == [sorted(set(codes)).index(code) for code in codes]
    assert set(ARRONDISSEMENT_COMMUNES) >= {"13055", "75056"}, "the towns above are divided"
    assert catalogue.department_of_commune[catalogue.commune].tolist() == list(catalogue.department)


def plainly_composed(first: list[tuple], second: list[tuple]) -> dict[tuple, float]:
    """(then, now) → weight, as the sentence of `compose` has it."""
    onward = defaultdict(list)
    for between, now, weight, _, _ in second:
        onward[between].append((now, weight))
    weights: dict[tuple, float] = defaultdict(float)
    for then, between, weight, _, _ in first:
        for now, part in onward.get(between, [(None, 1.0)]) if between else [(None, 1.0)]:
            weights[then, now] += weight * part
    return weights


def weights_of(flows: pd.DataFrame) -> dict[tuple, float]:
    return {
        (row.station_id_then, None if pd.isna(row.station_id) else row.station_id): row.weight
        for row in flows.itertuples()
    }


@given(FLOWS, FLOWS)
def test_flows_composed_by_key_are_the_flows_composed_by_id(first, second) -> None:
    one, two = (as_flows(*zip(*rows, strict=True)) for rows in (first, second))
    named = compose(one, two)
    assert weights_of(named) == pytest.approx(plainly_composed(first, second))
    catalogue = Catalogue.of(t[c] for t in (one, two) for c in ("station_id_then", "station_id"))
    keyed = compose_ranked(key_flows(one, catalogue), key_flows(two, catalogue))
    pd.testing.assert_frame_equal(name_flows(keyed, catalogue), named, rtol=1e-12)


@given(FLOWS)
def test_flows_tidied_by_key_are_the_flows_tidied_by_id(rows) -> None:
    flows = as_flows(*zip(*rows, strict=True))
    catalogue = Catalogue.of([flows["station_id_then"], flows["station_id"]])
    named = tidy_flows(flows)
    assert named.groupby("station_id_then")["weight"].sum().to_numpy() == pytest.approx(1.0)
    keyed = tidy_ranked(key_flows(flows, catalogue))
    pd.testing.assert_frame_equal(name_flows(keyed, catalogue), named, rtol=1e-12)


@settings(max_examples=15)
@given(st.integers(0, 9), st.integers(1, 25), st.integers(0, 3), st.data())
def test_rolls_are_matched_alike_whatever_else_the_catalogue_holds(
    seed, stations, missing, data
) -> None:
    then = town_of(seed, stations, commune="31555")
    codes = data.draw(st.permutations(list(then["station_id"])))
    renamed = dict(zip(then["station_id"], codes, strict=True))
    now = some_years_later(then, seed=seed + 1, codes=renamed)
    now = now.iloc[min(missing, len(now) - 1) :]
    others = ids("01004_0001", "31554_0001", "31555_0000", "31555_9999", "97601_0001")
    catalogue = Catalogue.of([others, then["station_id"], now["station_id"]])
    keyed = match_keyed(key_rolls(then, catalogue), key_rolls(now, catalogue), catalogue)
    pd.testing.assert_frame_equal(
        name_flows(keyed, catalogue), match_rolls(then, now), check_exact=True
    )
