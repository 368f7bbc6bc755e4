"""What `score` prints and writes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from targeting.config import Workspace
from targeting.errors import WorkspaceError
from targeting.exports.formats import MAP_FORMATS, TABLE_FORMATS, known_format, write_table
from targeting.reference.credits import credits as stored_credits
from targeting.scoring.priorities import publish_coverage
from targeting.scoring.product import ELSEWHERE, reachable
from targeting.workflows.access.asks import asks
from targeting.workflows.access.log import hand_out
from targeting.workflows.buildings import has_buildings
from targeting.workflows.progress import Progress, silent
from targeting.workflows.report import Report
from targeting.workflows.stations.history import find_outlines
from targeting.workflows.stations.scores import (
    Scored,
    score_stations,
    station_coverage,
    station_priorities,
)


@asks("places.see")
def score_report(
    workspace: Workspace,
    *,
    communes: Sequence[str] = (),
    by: str | None = None,
    table: str = "scores",
    out: Path | None = None,
    top: int = 20,
    progress: Progress = silent,
    **options: Any,
) -> Report:
    """Score, write the table asked for, and tell the first stations.

    `options`: method, presidential, low, k of `scores.score_stations`. Raises TargetingError when
    the map asked for has no outlines, or the format is unknown, before anything is written.
    """
    if out is not None:
        known_format(out, (*TABLE_FORMATS, *MAP_FORMATS))
        hand_out(workspace, f"{table}{out.suffix.lower()}")
    scored = score_stations(
        workspace, communes=communes or None, by=by, progress=progress, **options
    )
    rows = _table(workspace, scored, table)
    written = []
    if out is not None:
        geometry = _geometry(workspace, scored, rows) if out.suffix.lower() in MAP_FORMATS else None
        if geometry is not None:
            rows = rows[rows["station_id"].isin(geometry.index)].reset_index(drop=True)
            geometry = gpd.GeoSeries(
                geometry.reindex(rows["station_id"]).to_numpy(), index=rows.index, crs=geometry.crs
            )
        credits = stored_credits(workspace)
        written = write_table(rows, out, credits=credits, geometry=geometry)
    first = scored.scores.dropna(subset="rank").sort_values(["rank", "station_id"]).head(top)
    facts = {
        "basis": {
            "presidential": scored.basis.presidential,
            "low": list(scored.basis.low),
            "gaps": list(scored.basis.gaps),
        },
        "by": scored.by,
        "method": scored.method,
        "told": list(scored.told),
        "unranked": _unranked(scored.scores),
        "stations": len(scored.scores),
        "ranked": int(scored.scores["rank"].notna().sum()),
        "uncertain_past": _uncertain(scored),
        "reservoir": float(scored.scores["reservoir"].sum()),
        "reachable": float(reachable(scored.scores["reservoir"]).sum()),
        "written": [str(p) for p in written],
        "top": first.to_dict("records"),
    }
    return Report(facts, _text(scored, first, written))


def _unranked(scores: pd.DataFrame) -> dict[str, int]:
    """Stations without rank, by the reason they bear."""
    without = scores.loc[scores["rank"].isna(), "reasons"].str.split("|").str[0]
    counts = without.where(without != "", "no_past").value_counts()
    return {str(reason): int(n) for reason, n in counts.items()}


def _table(workspace: Workspace, scored: Scored, table: str) -> pd.DataFrame:
    if table == "scores":
        return scored.scores
    if table == "priorities":
        return station_priorities(workspace, scored)
    if not has_buildings(workspace, scored.communes):
        raise WorkspaceError("no addresses: import the BAN with `import addresses FILE` first.")
    return publish_coverage(station_coverage(workspace, scored.communes))


def _geometry(workspace: Workspace, scored: Scored, rows: pd.DataFrame) -> gpd.GeoSeries:
    drawn = find_outlines(workspace, scored.communes)
    if drawn is None:
        where = " ".join(scored.communes or []) or "any commune"
        raise WorkspaceError(
            f"no station outlines for {where}: run `python -m targeting import stations FILE`."
        )
    if drawn.outlines.empty:
        raise WorkspaceError(
            "the outlines imported lie elsewhere than the stations of their codes (`health` says "
            "the figure): import those of the same years with `import stations FILE`."
        )
    layer = drawn.outlines.set_index("station_id").geometry
    found = layer[layer.index.isin(rows["station_id"])]
    if found.empty:
        raise WorkspaceError(
            "the outlines imported have no station of these results: import those of the same "
            "commune with `import stations FILE`."
        )
    return found


def _uncertain(scored: Scored) -> int:
    """Stations whose past is uncertain for an election that the score rests on."""
    return int(scored.scores["reasons"].str.contains("uncertain:", regex=False).sum())


def _text(scored: Scored, first: pd.DataFrame, written: list[Path]) -> str:
    basis = scored.basis
    low = ", ".join(f"{e} (−{g:.1%})" for e, g in zip(basis.low, basis.gaps, strict=True))
    people = scored.scores["reservoir"].sum()
    sure = scored.scores["reservoir_low"].notna().any()
    without = ", ".join(f"{n:,} {why}" for why, n in _unranked(scored.scores).items())
    lines = [
        f"Abstention of {low} × left share of {basis.presidential}, per registered voter.",
        *scored.told[1:],
        f"without rank: {without or 'none'}",
        f"{len(scored.scores):,} stations, {int(scored.scores['rank'].notna().sum()):,} ranked; "
        f"reservoir {people:,.0f} people, {people * (1 - ELSEWHERE):,.0f} of them reachable "
        f"(assumed: {ELSEWHERE:.0%} live elsewhere).",
        f"{_uncertain(scored):,} stations have an uncertain past: `stations ledger` says why.",
        f"{'rank':>5}  {'station':<12} {'score':>6} {'abst.':>6} {'left':>6} {'registered':>10} "
        f"{'reservoir':>9}" + (f" {'80 %':>11} {'first':>6}" if sure else ""),
    ]
    lines += [
        f"{row.rank:>5}  {row.station_id:<12} {row.score:>6.3f} {row.abstention_rate:>6.1%} "
        f"{row.left_share:>6.1%} {row.registered:>10,} {row.reservoir:>9.0f}" + _sure(row)
        for row in first.itertuples()
    ]
    return "\n".join(lines + [f"written: {p}" for p in written])


def _sure(row: Any) -> str:
    """The interval of a reservoir and the chance to be among the first, where calibrated."""
    if pd.isna(row.reservoir_low):
        return ""
    first = "" if pd.isna(row.top_k_probability) else f"{row.top_k_probability:.0%}"
    return f" {f'{row.reservoir_low:.0f}-{row.reservoir_high:.0f}':>11} {first:>6}"
