"""Turfs that a change leads to, as the store takes them (`store.turf_states`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import pandas as pd

from targeting.codes import turf_order
from targeting.store.turf_states import State

DOOR_COLUMNS: Final = ["visit_order", "building_id", "first_door", "last_door", "dwellings"]


def draft_states(
    states: Sequence[State], turfs: pd.DataFrame, walked: pd.DataFrame, starts: Mapping[str, str]
) -> list[State]:
    """States that a change leads to; a turf left without stops is withdrawn, its doors kept.

    Doors of a withdrawn turf stay with it: a list of it that was printed can still be typed in.

    Parameters
    ----------
    states
        Turfs touched, as they are: at least one.
    turfs, walked
        Tables Turfs and TurfStops (with first_door, last_door) as they are to become; a turf_id
        that is in no state is a new turf.
    starts
        Building that a walk sets out from, by turf_id; the others keep theirs.
    """
    was = {s["turf"]["id"]: s for s in states}
    model = states[0]["turf"]
    parents = " ".join(
        sorted({p for s in states for p in s["turf"]["parent_ids"].split()}, key=turf_order)
    )
    doors_of = dict(list(walked.groupby("turf_id")))
    drafts: list[State] = []
    for row in turfs.drop(columns="rank").to_dict("records"):
        turf_id = str(row.pop("turf_id"))
        old = was[turf_id]["turf"] if turf_id in was else model | {"is_locked": False}
        start = starts.get(turf_id, old["start_building_id"])
        more = {"id": turf_id, "parent_ids": parents, "start_building_id": start}
        doors = [_plain(d) for d in doors_of[turf_id][DOOR_COLUMNS].to_dict("records")]
        drafts.append({"turf": old | _plain(row) | more, "doors": doors})
    left = [s for turf_id, s in was.items() if turf_id not in set(turfs["turf_id"])]
    return drafts + [s | {"turf": s["turf"] | {"status": "withdrawn"}} for s in left]


def _plain(row: Mapping[Any, Any]) -> dict[str, Any]:
    """Values as JSON has them."""
    return {str(k): v.item() if hasattr(v, "item") else v for k, v in row.items()}


def name_new(states: Sequence[State], codes: Mapping[str, str]) -> list[State]:
    """The states with new turfs under the codes given to them."""
    return [
        s | {"turf": s["turf"] | {"id": codes.get(s["turf"]["id"], s["turf"]["id"])}}
        for s in states
    ]
