"""The past of some communes cut out of a country's: what following them alone gives, row for row.

A toy country of three departments, drawn from a seed: stations renumbered, split and joined, a
commune that became part of another, one that only the earlier rounds have, second rounds that miss
what the first settled.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from targeting.stations.flows import communes_of
from targeting.stations.history import History, Round, build_history, history_within
from targeting.stations.ledger import build_ledger
from tests.stations.towns import some_years_later, town_of

JOINED, ITS_HOME = "49200", "49007"
EARLIER_ONLY = "84007"


def country(seed: int) -> list[Round]:
    """Rounds of 2017, 2022 (both of two rounds) and 2024."""
    rng = np.random.default_rng(seed)
    towns = [town_of(seed + n, int(rng.integers(1, 9)), commune=f"49{n:03d}") for n in range(1, 9)]
    towns.append(town_of(seed + 20, 24, commune="13055"))
    before = pd.concat(
        [
            *towns,
            town_of(seed + 30, 3, commune=JOINED),
            town_of(seed + 40, 2, commune=EARLIER_ONLY),
        ],
        ignore_index=True,
    )
    joined = {f"{JOINED}_{n:04d}": f"{ITS_HOME}_{90 + n:04d}" for n in (1, 2, 3)}
    before["registered"] = before["registered"].astype("float64")
    there = before[communes_of(before["station_id"]) != EARLIER_ONLY]
    chosen = rng.choice(there["station_id"].to_numpy(), 4, replace=False)
    renumbered = {s: f"{s[:5]}_{700 + at:04d}" for at, s in enumerate(chosen) if s not in joined}
    between = some_years_later(there, seed=seed, codes=joined | renumbered)
    split = between.iloc[[int(rng.integers(len(between)))]]
    halves = split.assign(
        station_id=split["station_id"].str.slice(0, 5) + "_0800",
        registered=split["registered"] / 2,
    )
    between.loc[split.index, "registered"] /= 2
    between = pd.concat([between, halves], ignore_index=True)
    last = some_years_later(between, seed=seed + 1)
    gone = rng.choice(last["station_id"].to_numpy(), 1)[0]
    alone = communes_of(last["station_id"]).value_counts()[gone[:5]] == 1
    last = last if alone else last[last["station_id"] != gone]
    return [
        Round("2017_pres_t1", before),
        Round("2017_legi_t2", before[rng.random(len(before)) < 0.7]),
        Round("2022_pres_t1", between),
        Round("2022_legi_t2", between[rng.random(len(between)) < 0.7]),
        Round("2024_legi_t1", last),
    ]


def rounds_of(rounds: list[Round], communes: list[str]) -> list[Round]:
    """What a workspace of these communes alone would hold."""
    parts = [Round(r.vintage, r.rolls[r.communes.isin(communes)]) for r in rounds]
    return [part for part in parts if len(part.rolls)]


def assert_same(cut: History, alone: History, rounds: list[Round]) -> None:
    pd.testing.assert_frame_equal(cut.flows, alone.flows, check_exact=True)
    pd.testing.assert_frame_equal(cut.now, alone.now, check_exact=True)
    pd.testing.assert_frame_equal(
        build_ledger(cut, rounds), build_ledger(alone, rounds), check_exact=True
    )


@pytest.mark.parametrize("seed", [3, 8])
def test_what_is_cut_out_is_what_following_the_communes_alone_gives(seed: int) -> None:
    rounds = country(seed)
    whole = build_history(rounds)
    stayed = ["13055", ITS_HOME, "49001", "49003", "49005", EARLIER_ONLY]
    for communes in [[commune] for commune in stayed] + [stayed[:-1]]:
        part = history_within(whole, communes)
        assert part is not None, communes
        theirs = rounds_of(rounds, communes)
        assert_same(part, build_history(theirs), theirs)


def test_a_commune_that_became_part_of_another_is_not_cut_out_but_its_home_is() -> None:
    whole = build_history(country(3))
    assert history_within(whole, [JOINED]) is None
    assert history_within(whole, [ITS_HOME]) is not None
    assert history_within(whole, [JOINED, ITS_HOME]) is None


def test_communes_that_end_at_different_rounds_are_not_cut_out_together() -> None:
    """Alone, the later round could tell that the other is gone; in the country it does not."""
    whole = build_history(country(3))
    assert history_within(whole, [EARLIER_ONLY]) is not None
    assert history_within(whole, ["13055"]) is not None
    assert history_within(whole, ["13055", EARLIER_ONLY]) is None


def test_a_commune_that_no_round_has_is_not_cut_out() -> None:
    assert history_within(build_history(country(3)), ["13055", "01004"]) is None
