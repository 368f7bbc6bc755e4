"""A plan in words and tables: what it buys, against the rule of thumb, and whom it never visits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import pandas as pd

from targeting.codes import station_label
from targeting.locale import NO_VALUE, number_in, percent_in, text_in
from targeting.maps.listing import Listing, signed_percent


class PlanTold(Protocol):
    """What is told of a plan (`workflows.plan.Plan`).

    planned, ordered: turfs, doors, minutes, expected_talks, votes_p10… of the plan, and of the rule
    of thumb.
    """

    @property
    def chosen(self) -> pd.DataFrame: ...
    @property
    def stations(self) -> list[str]: ...
    @property
    def slots(self) -> int: ...
    @property
    def planned(self) -> dict[str, float]: ...
    @property
    def ordered(self) -> dict[str, float]: ...
    @property
    def knocks(self) -> int: ...
    @property
    def opening_rate(self) -> float: ...
    @property
    def effect_source(self) -> str: ...


def plan_sentences(plan: PlanTold, language: str) -> list[str]:
    """What the plan buys, in sentences; never a vote without its interval and source."""
    lines = [
        text_in(
            language, "plan.told",
            turfs=number_in(language, plan.planned["turfs"]),
            stations=number_in(language, len(plan.stations)),
            slots=number_in(language, plan.slots),
            doors=number_in(language, plan.planned["doors"]),
        ),
        text_in(
            language, "plan.votes",
            middle=number_in(language, round(plan.planned["votes_p50"])),
            low=number_in(language, round(plan.planned["votes_p10"])),
            high=number_in(language, round(plan.planned["votes_p90"])),
            source=plan.effect_source,
        ),
    ]  # fmt: skip
    if plan.ordered.get("value"):
        more = plan.planned["value"] / plan.ordered["value"] - 1
        lines.append(text_in(language, "plan.better", more=signed_percent(language, more)))
    lines.append(
        text_in(
            language, "plan.learnt" if plan.knocks else "plan.prior",
            knocks=number_in(language, plan.knocks),
            opening=percent_in(language, plan.opening_rate),
        )
    )  # fmt: skip
    return lines


def choices_table(plan: PlanTold, language: str) -> pd.DataFrame:
    """The plan and the rule of thumb side by side, as text."""
    rows = {}
    for key, choice in (("plan.this", plan.planned), ("plan.in_order", plan.ordered)):
        rows[text_in(language, key)] = {
            text_in(language, "nav.turfs"): number_in(language, choice["turfs"]),
            text_in(language, "turfcol.doors"): number_in(language, choice["doors"]),
            text_in(language, "plan.hours"): number_in(language, choice["minutes"] / 60),
            text_in(language, "plan.talks"): _between(choice, "talks", language, "expected_talks"),
            text_in(language, "plan.extra"): _between(choice, "votes", language, "votes_p50"),
        }
    return pd.DataFrame(rows).T


def _between(choice: dict[str, float], name: str, language: str, middle: str) -> str:
    if middle not in choice:
        return NO_VALUE
    low, high = (round(choice[f"{name}_p{p}"]) for p in (10, 90))
    return text_in(
        language, "plan.between", middle=number_in(language, round(choice[middle])),
        low=number_in(language, low), high=number_in(language, high),
    )  # fmt: skip


def plan_listing(plan: PlanTold, language: str) -> Listing:
    """Turfs of the plan, the most value a minute first."""

    def title(column: str) -> str:
        return text_in(language, f"turfcol.{column}")

    def count(value: Any) -> str:
        return number_in(language, value)

    def one_decimal(value: Any) -> str:
        return number_in(language, value, decimals=1)

    def two_decimals(value: Any) -> str:
        return number_in(language, value, decimals=2)

    turfs = plan.chosen
    stations = [", ".join(map(station_label, s.split())) or NO_VALUE for s in turfs["station_ids"]]
    columns: dict[str, tuple[Any, Any]] = {
        "rank": (turfs["order"], count),
        "stations": (stations, str),
        "start": (turfs["start_address"], str),
        "doors": (turfs["n_doors"], count),
        "minutes": (turfs["minutes_expected"].round(), count),
        "open": (turfs["expected_open"], one_decimal),
        "talks": (turfs["expected_talks"], one_decimal),
        "votes_low": (turfs["votes_p10"], two_decimals),
        "votes_high": (turfs["votes_p90"], two_decimals),
    }
    table = pd.DataFrame({title(k): pd.Series(list(v)) for k, (v, _) in columns.items()})
    return Listing(list(turfs["turf_id"]), table, {title(k): f for k, (_, f) in columns.items()})


def reach_listing(
    table: pd.DataFrame, language: str, *, bands: Sequence[int] | None = None
) -> Listing:
    """Whom the plan visits and never does, by place; or, with `bands`, by size of the station.

    `bands`: registered voters from which each band goes, and where the last one ends.
    """

    def title(column: str) -> str:
        return text_in(language, f"reach.{column}")

    def count(value: Any) -> str:
        return number_in(language, value)

    names = [str(g) if bands is None else _band(int(g), bands, language) for g in table.index]
    columns: dict[str, tuple[Any, Any]] = {
        "place" if bands is None else "size": (names, str),
        "stations": (table["stations"], count),
        "never": (table["stations_never"], count),
        "registered": (table["registered"], count),
        "doors_planned": (table["doors_planned"], count),
        "reservoir": (table["reservoir"].round(), count),
        "outside": (table["outside_share"], lambda v: percent_in(language, v, decimals=0)),
    }
    rows = pd.DataFrame({title(k): pd.Series(list(v)) for k, (v, _) in columns.items()})
    return Listing(names, rows, {title(k): f for k, (_, f) in columns.items()})


def _band(first: int, bands: Sequence[int], language: str) -> str:
    following = bands[bands.index(first) + 1]
    if following == bands[-1]:
        return text_in(language, "reach.from", first=number_in(language, first))
    return text_in(
        language, "reach.band", first=number_in(language, first),
        last=number_in(language, following - 1),
    )  # fmt: skip
