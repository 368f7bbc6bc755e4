"""What so many teams and evenings buy: stations and turfs chosen, against rules of thumb, and whom
the plan never visits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd

from targeting.codes import commune_of
from targeting.config import Workspace
from targeting.errors import TargetingError
from targeting.exports.aside import ensure_writable
from targeting.exports.formats import TABLE_FORMATS, known_format, write_table
from targeting.households.doors import COOLING_OFF_DAYS, door_ranges
from targeting.reference.credits import credits
from targeting.stations.places import to_wgs84
from targeting.store.engine import open_store, reading, write
from targeting.store.turfs import load_ranges, save_cut
from targeting.turf.cut import cut_turfs, with_closed
from targeting.turf.learning import FieldModel
from targeting.turf.plan import choose_turfs, in_order, reach
from targeting.turf.value import total_value, value_turfs, valued_stops
from targeting.workflows.access.asks import asks
from targeting.workflows.access.log import hand_out
from targeting.workflows.buildings import load_buildings
from targeting.workflows.progress import Progress, silent
from targeting.workflows.report import Report
from targeting.workflows.stations.scores import score_stations, station_priorities
from targeting.workflows.turfs.candidates import (
    IN_ANOTHER_TURF,
    Candidates,
    load_candidates,
)
from targeting.workflows.turfs.cutting import withdrawn_lines
from targeting.workflows.turfs.field_model import campaign_field_model
from targeting.workflows.turfs.walking import walking_graph

NOT_PLANNED: Final = "not_in_plan"
ARRONDISSEMENTS: Final = ("75056", "69123", "13055")
SIZE_BANDS: Final = (0, 500, 800, 1100, 10**9)
"""Registered voters: small stations, and those above what a French station usually has."""

MOST: Final = {"teams": 500, "evenings": 200}

PLAN_COLUMNS: Final = [
    "order", "turf_id", "station_ids", "n_doors", "n_buildings", "registered_estimate",
    "minutes_expected", "minutes_low", "minutes_high", "walk_m", "start_address", "end_address",
    "expected_open", "expected_talks", "talks_p10", "talks_p90", "votes_p10", "votes_p50",
    "votes_p90", "value",
]  # fmt: skip


@dataclass(frozen=True)
class Plan:
    """A plan and what it is weighed against.

    Attributes
    ----------
    turfs
        Every turf that could be walked (table Turfs and the columns of `turf.value`), with
        `is_planned` and `is_in_order` (the rule of thumb: best stations first).
    stops
        Stops of all turfs, with `station_id`.
    closed, excluded, doors_in
        Doors left alone, table Excluded of all that no turf holds, and the doors looked at.
    planned, ordered
        Expected conversations and extra voters of both choices, with intervals.
    by_place, by_size
        Whom the plan visits and never does (see `turf.plan.reach`).
    gap
        Share of the value that a better choice could still add; 0: none can.
    found
        The doors that could be taken when it was made.
    located
        `stops` with the address, longitude and latitude of each building.
    """

    turfs: pd.DataFrame
    stops: pd.DataFrame
    closed: pd.DataFrame
    excluded: pd.DataFrame
    doors_in: int
    planned: dict[str, float]
    ordered: dict[str, float]
    by_place: pd.DataFrame
    by_size: pd.DataFrame
    gap: float
    found: Candidates
    model: FieldModel
    asked: dict[str, Any]
    located: pd.DataFrame

    @property
    def chosen(self) -> pd.DataFrame:
        """Turfs of the plan, the most value a minute first, with their order."""
        rows = self.turfs[self.turfs["is_planned"]]
        rate = rows["value"] / rows["minutes_expected"]
        rows = rows.loc[rate.sort_values(ascending=False, kind="stable").index]
        return rows.assign(order=np.arange(1, len(rows) + 1)).reset_index(drop=True)

    @property
    def walked(self) -> pd.DataFrame:
        """Stops of the plan's turfs, with address, longitude and latitude."""
        return self.located[self.located["turf_id"].isin(self.chosen["turf_id"])]

    @property
    def slots(self) -> int:
        """Outings: teams × evenings."""
        return int(self.asked["teams"] * self.asked["evenings"])

    @property
    def knocks(self) -> int:
        """Doors of the log that the rates were learnt from."""
        return self.model.knocks

    @property
    def opening_rate(self) -> float:
        return self.model.opening.mean

    @property
    def effect_source(self) -> str:
        return self.model.effect.source

    @property
    def stations(self) -> list[str]:
        """Stations that the plan visits, most planned doors first."""
        ids = self.stops[self.stops["turf_id"].isin(self.chosen["turf_id"])]
        doors = ids.groupby("station_id")["dwellings"].sum()
        return list(doors.sort_values(ascending=False, kind="stable").index)


@asks("plan.see")
def make_plan(
    workspace: Workspace,
    *,
    teams: int,
    evenings: int,
    minutes: float,
    seed: int = 0,
    exclude_contacted: int = COOLING_OFF_DAYS,
    progress: Progress = silent,
) -> Plan:
    """Choose the turfs that so many teams of two walk in so many evenings of so many minutes.

    Every scored station's open doors are cut into turfs of one evening (in memory: nothing is
    kept), and the best choice within the time is found. Raises TargetingError for a budget of
    nothing, or where there is no result to score with.
    """
    for name, value in (("teams", teams), ("evenings", evenings)):
        if not 1 <= value <= MOST[name]:
            raise TargetingError(f"{value} {name}: from 1 to {MOST[name]}.")
    scored = score_stations(workspace)
    priorities = station_priorities(workspace, scored).set_index("station_id")
    ranked = priorities.dropna(subset=["priority_rank"]).sort_values("priority_rank")
    progress("buildings")
    found = load_candidates(workspace, list(ranked.index), whole=False, met_days=exclude_contacted)
    model = campaign_field_model(workspace, found.visits)
    graph = walking_graph(workspace, load_buildings(workspace), progress=progress)
    progress("cutting")
    cut = cut_turfs(
        found.to_visit, graph, minutes=minutes, seed=seed, excluded=found.excluded, fast=True,
        station_order=list(ranked.index), keep_stations=True, time_model=model.time,
    )  # fmt: skip
    cut = with_closed(cut, found.closed)
    if cut.turfs.empty:
        raise TargetingError("no door is left to knock at: all were met, or are in turfs begun.")
    progress(f"choosing among {len(cut.turfs):,} turfs")
    stops = valued_stops(cut.stops, found.to_visit, found.visits, priorities["priority"])
    turfs = pd.concat([cut.turfs, value_turfs(stops, cut.turfs, model, seed=seed)], axis=1)
    slots = teams * evenings
    choice = choose_turfs(turfs, minutes=slots * minutes, slots=slots, evening=minutes)
    by_station = turfs["station_ids"].str.split().str[0].map(ranked["priority_rank"])
    ordered = in_order(
        turfs, by_station.astype(float).fillna(np.inf), minutes=slots * minutes, slots=slots,
        evening=minutes,
    )  # fmt: skip
    turfs = turfs.assign(is_planned=choice.is_chosen, is_in_order=ordered)
    asked = {
        "teams": teams, "evenings": evenings, "minutes": minutes, "seed": seed,
        "exclude_contacted_days": exclude_contacted,
    }  # fmt: skip
    stations = _stations(found, priorities, scored.scores)
    planned_ids = turfs.loc[choice.is_chosen, "turf_id"]
    doors = stops[stops["turf_id"].isin(planned_ids)]
    return Plan(
        turfs, stops, found.closed, cut.excluded, cut.identity.doors_in,
        planned=_total(turfs, stops, "is_planned", model, seed),
        ordered=_total(turfs, stops, "is_in_order", model, seed),
        by_place=reach(stations, doors, stations["place"]),
        by_size=reach(stations, doors, stations["size"]),
        gap=choice.gap, found=found, model=model, asked=asked,
        located=_located(stops, found.to_visit),
    )  # fmt: skip


def _located(stops: pd.DataFrame, buildings: pd.DataFrame) -> pd.DataFrame:
    rows = buildings[["building_id", "street", "number", "suffix", "x", "y"]]
    at = stops.merge(rows, on="building_id", how="left", validate="many_to_one")
    return at.join(to_wgs84(at["x"], at["y"]))


def _total(
    turfs: pd.DataFrame, stops: pd.DataFrame, column: str, model: FieldModel, seed: int
) -> dict[str, float]:
    chosen = turfs[turfs[column]]
    mine = stops[stops["turf_id"].isin(chosen["turf_id"])]
    facts = {
        "turfs": float(len(chosen)),
        "doors": float(chosen["n_doors"].sum()),
        "minutes": float(chosen["minutes_expected"].sum()),
    }
    return facts | (total_value(mine, model, seed=seed) if len(mine) else {})


def _stations(found: Candidates, priorities: pd.DataFrame, scores: pd.DataFrame) -> pd.DataFrame:
    """Stations as `reach` takes them, with `place` and `size`."""
    table = scores.set_index("station_id")[["registered"]].join(priorities["reservoir_left"])
    table = table.rename(columns={"reservoir_left": "reservoir"})
    doors = found.to_visit.groupby("station_id")["dwellings"].sum()
    edges = pd.cut(table["registered"], SIZE_BANDS, right=False, labels=False)
    return table.assign(
        doors=doors.reindex(table.index).fillna(0).astype("int64"),
        place=[_place(s) for s in table.index],
        size=[SIZE_BANDS[int(e)] for e in edges],
    )


def _place(station_id: str) -> str:
    """Arrondissement of a station of Paris, Lyon or Marseille; elsewhere its commune."""
    commune = commune_of(station_id)
    number = station_id.split("_", 1)[1]
    return f"{commune} {number[:2]}" if commune in ARRONDISSEMENTS else commune


@asks("plan.see")
def plan_report(
    workspace: Workspace,
    *,
    teams: int,
    evenings: int,
    minutes: float,
    seed: int = 0,
    out: Path | None = None,
    keep: bool = False,
    progress: Progress = silent,
) -> Report:
    """Make a plan, write its turfs, and tell it; with `keep`, they become the campaign's turfs."""
    if out is not None:
        known_format(out, TABLE_FORMATS)
        ensure_writable(out)
    plan = make_plan(
        workspace, teams=teams, evenings=evenings, minutes=minutes, seed=seed, progress=progress
    )
    kept = keep_plan(workspace, plan) if keep else KeptPlan({}, [])
    codes = kept.codes
    written = write_plan(workspace, plan, out, codes) if out else []
    facts = _facts(plan) | {
        "kept": len(codes), "withdrawn": kept.withdrawn, "written": [str(p) for p in written],
    }  # fmt: skip
    lines = [*_lines(plan), *(f"written: {p}" for p in written)]
    if keep:
        lines.append(f"{len(codes)} turfs kept: print them with `walkbook`.")
        lines += withdrawn_lines(kept.withdrawn)
    elif workspace.actor.may("turfs.cut") and (would := replaced_by_plan(workspace, plan)):
        lines.append(
            f"with --keep, {len(would)} turfs that nobody began would be withdrawn: "
            f"{', '.join(would)}"
        )
    return Report(facts, "\n".join(lines))


@asks("plan.see")
def write_plan(
    workspace: Workspace, plan: Plan, out: Path, codes: Mapping[str, str] | None = None
) -> list[Path]:
    """Write the turfs of a plan, under the codes given to them if they were kept."""
    hand_out(workspace, f"plan{out.suffix.lower()}", action="plan.see")
    table = plan.chosen
    table["turf_id"] = table["turf_id"].replace(dict(codes or {})).astype("str")
    rows = table[PLAN_COLUMNS].round(dict.fromkeys(PLAN_COLUMNS, 2))
    return write_table(rows, out, credits=credits(workspace))


class KeptPlan(NamedTuple):
    """Codes given to the plan's turfs (theirs → ours), and the turfs withdrawn for them."""

    codes: dict[str, str]
    withdrawn: list[str]


@asks("turfs.cut")
def replaced_by_plan(workspace: Workspace, plan: Plan) -> dict[str, int]:
    """Ready turfs, with their version, that keeping this plan withdraws: those that stand in one of
    its buildings. The others stay."""
    with reading(open_store(workspace)) as session:
        return _replaced(session, plan, plan.found.replaced)


def _replaced(session: Any, plan: Plan, ready: Mapping[str, int]) -> dict[str, int]:
    buildings = set(plan.walked["building_id"])
    ranges = load_ranges(session, ready)
    return {t: v for t, v in ready.items() if not buildings.isdisjoint(ranges[t])}


@asks("turfs.cut")
def keep_plan(
    workspace: Workspace, plan: Plan, *, expected: Mapping[str, int] | None = None
) -> KeptPlan:
    """Make the plan's turfs the campaign's, as a cut does; gives their codes.

    Ready turfs that stand in their buildings are replaced, the others stay. The doors that the plan
    could have taken are left out as `not_in_plan`, or `in_another_turf` where one stays. A tower of
    which some turfs only are planned keeps to their doors.

    Raises TargetingError where turfs or visits of these doors changed since the plan was made, or
    other turfs than the `expected` would be withdrawn.
    """
    chosen = plan.chosen.assign(rank=lambda t: t["order"])
    dwellings = load_buildings(workspace).set_index("building_id")["dwellings"]
    columns = ["turf_id", "visit_order", "building_id", "dwellings"]
    ranged = door_ranges(plan.stops[columns], dwellings, plan.closed)
    is_planned = ranged["turf_id"].isin(chosen["turf_id"])
    others = ranged[~is_planned].groupby("building_id")["dwellings"].sum().reset_index()
    parameters = {"plan": plan.asked, "minutes": plan.asked["minutes"], "doors": None}

    def work(session: Any) -> KeptPlan:
        plan.found.look_again(session)
        replaced = _replaced(session, plan, plan.found.replaced)
        if expected is not None and dict(expected) != replaced:
            raise TargetingError(
                "the turfs that this plan withdraws are no longer those you were told of: nothing "
                "was changed. Look at them again."
            )
        staying = load_ranges(session, set(plan.found.replaced) - set(replaced)).values()
        held = {building_id for ranges in staying for building_id in ranges}
        reasons = np.where(others["building_id"].isin(list(held)), IN_ANOTHER_TURF, NOT_PLANNED)
        excluded = pd.concat(
            [others.assign(reason=reasons), plan.excluded], ignore_index=True
        ).astype({"building_id": "str", "reason": "str"})
        doors = int(ranged.loc[is_planned, "dwellings"].sum() + excluded["dwellings"].sum())
        if doors != plan.doors_in:
            raise TargetingError(
                f"the plan lost count: {doors:,} of {plan.doors_in:,} doors. This is our fault: "
                "nothing was kept."
            )
        _, codes = save_cut(
            session, chosen, ranged[is_planned], excluded, parameters, replaced=replaced
        )
        return KeptPlan(codes, list(replaced))

    return write(open_store(workspace), work)


def _facts(plan: Plan) -> dict[str, Any]:
    time = plan.model.time
    return {
        "asked": plan.asked,
        "planned": plan.planned,
        "top_stations_in_order": plan.ordered,
        "gap": plan.gap,
        "stations": plan.stations,
        "could_be_walked": len(plan.turfs),
        "by_place": plan.by_place.reset_index(names="place").to_dict("records"),
        "by_size": plan.by_size.reset_index(names="from_registered").to_dict("records"),
        "model": {
            "opening_rate": plan.model.opening.mean,
            "opening_by_kind": {k: r.mean for k, r in plan.model.opening_by_kind.items()},
            "talking_share": plan.model.talking.mean,
            "knock_minutes": time.knock_minutes,
            "talk_minutes": time.talk_minutes,
            "opening_by_hour": plan.model.by_hour.to_dict("records"),
            "knocks_in_the_log": plan.model.knocks,
            "source": plan.model.effect.source,
        },
    }


def _lines(plan: Plan) -> list[str]:
    asked = plan.asked
    lines = [
        f"{asked['teams']} teams × {asked['evenings']} evenings × {asked['minutes']:.0f} min: "
        f"{len(plan.chosen)} turfs of {len(plan.turfs):,} in {len(plan.stations)} stations "
        f"({plan.planned['minutes']:,.0f} of {plan.slots * asked['minutes']:,.0f} min)",
        _choice_line("this plan", plan.planned),
        _choice_line("top stations in order", plan.ordered),
    ]
    if plan.ordered.get("value"):
        more = plan.planned.get("value", 0.0) / plan.ordered["value"] - 1
        lines.append(
            f"value (conversations, weighed by the priority of their station): {more:+.1%}"
        )
    lines.append(
        "proven best" if plan.gap < 1e-6 else f"a better choice could add {plan.gap:.2%} at most"
    )
    lines.append(f"effect of a talk: {plan.model.effect.source}")
    lines += ["never visited, by place:", *_reach_lines(plan.by_place)]
    lines += ["never visited, by size (registered, from):", *_reach_lines(plan.by_size)]
    return lines


def _choice_line(name: str, choice: Mapping[str, float]) -> str:
    if not choice.get("doors"):
        return f"{name}: no turf"
    return (
        f"{name}: {choice['doors']:,.0f} doors, {choice['expected_talks']:,.0f} conversations "
        f"({choice['talks_p10']:,.0f} to {choice['talks_p90']:,.0f}), extra voters "
        f"{_whole(choice['votes_p50'])} ({_whole(choice['votes_p10'])} to "
        f"{_whole(choice['votes_p90'])}, 80 %)"
    )


def _reach_lines(table: pd.DataFrame) -> list[str]:
    lines = []
    for group, row in zip(table.index, table.itertuples(), strict=True):
        share = "–" if pd.isna(row.outside_share) else f"{row.outside_share:.0%}"
        lines.append(
            f"  {group}: {row.stations_never} of {row.stations} stations, "
            f"{share} of the reservoir outside"
        )
    return lines


def _whole(number: float) -> str:
    """A number without decimals, and nothing that is nearly zero below it."""
    return f"{round(number):,}"
