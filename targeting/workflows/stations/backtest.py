"""`backtest`: would the score have been right, on the user's own past?"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from targeting.codes import commune_of_arrondissement, parse_election_id
from targeting.config import Workspace
from targeting.errors import TargetingError, WorkspaceError
from targeting.exports.aside import write_aside
from targeting.exports.backtest_page import write_backtest_page
from targeting.maps.backtests import verdict_lines, verdict_of
from targeting.maps.charts import describe_curve, gain_curve_svg
from targeting.reference.credits import credits
from targeting.reference.held import list_elections
from targeting.scoring import capture as cap
from targeting.scoring.backtest import DRAWS, Backtest, build_transition, run_backtest
from targeting.scoring.basis import Basis
from targeting.scoring.cycles import basis_before, before
from targeting.scoring.methods import LEARNT, OFFERED, all_methods, losses
from targeting.workflows.access.asks import asks
from targeting.workflows.access.log import hand_out
from targeting.workflows.progress import Progress, silent
from targeting.workflows.report import Report
from targeting.workflows.setup import campaign_card
from targeting.workflows.stations.tallies import load_tallies

DRAWN: Final = ("product", "naive", "abstention", "left_low", "random")
"""Methods of the picture besides those asked for: chance, the usual tools, and T0."""


@asks("places.see")
def elections_to_foresee(workspace: Workspace) -> list[str]:
    """First rounds imported that a presidential round and another election came before, latest
    first."""
    elections = list_elections(workspace)
    found = []
    for election in elections:
        known = before(elections, election)
        has_base = any(e.endswith("_pres_t1") for e in known) and len(known) > 1
        if has_base and parse_election_id(election).round_number == 1:
            found.append(election)
    return found[::-1]


@asks("places.see")
def backtest_workspace(
    workspace: Workspace,
    target_election: str,
    *,
    since: str | None = None,
    presidential: str | None = None,
    low: Sequence[str] = (),
    methods: Sequence[str] | None = None,
    communes: Sequence[str] = (),
    draws: int = DRAWS,
    seed: int = 0,
    progress: Progress = silent,
) -> tuple[Backtest, list[str]]:
    """Backtest the score on one election of the workspace; what to tell of it besides.

    Raises TargetingError where the election is not imported, has nothing before it, or turnout
    moved too little.
    """
    parse_election_id(target_election)
    campaign = campaign_card(workspace)
    elections = list_elections(workspace)
    if target_election not in elections:
        raise WorkspaceError(
            f"{target_election} is not imported (imported: {', '.join(elections) or 'none'}): "
            "import its file with `python -m targeting import results FILE`."
        )
    known = before(elections, target_election)
    if not known:
        raise TargetingError(
            f"nothing imported was held before {target_election}: a backtest needs a presidential "
            "first round and a low-turnout election from before it."
        )
    progress(f"reading {len(known) + 1} elections")
    codes = [commune_of_arrondissement(c) for c in communes] or None
    tallies = load_tallies(
        workspace, [*known, target_election], target=campaign.target, communes=codes
    )
    if target_election not in tallies:
        raise WorkspaceError(
            f"{target_election} has no station of {' '.join(codes or [])}: check the commune code."
        )
    if presidential is not None and low:
        basis = Basis(presidential, tuple(low), (float("nan"),) * len(low))
        _refuse_absent(basis, known)
    else:
        basis = basis_before(tallies, target_election)
    transition = build_transition(tallies, basis, target_election, t0=since)
    progress(f"{len(transition.stations):,} stations, {draws} draws")
    rankings, told = all_methods(
        tallies, transition, wanted=None if methods is None else tuple(methods)
    )
    result = run_backtest(tallies, transition, rankings, draws=draws, seed=seed)
    return result, told


def _refuse_absent(basis: Basis, known: Sequence[str]) -> None:
    absent = [e for e in basis.elections if e not in known]
    if absent:
        raise TargetingError(
            f"{', '.join(absent)} is not imported or not before the election to foresee "
            f"(before it: {', '.join(known)})."
        )


@asks("places.see")
def backtest_report(
    workspace: Workspace,
    target_election: str,
    *,
    out: Path | None = None,
    language: str = "fr",
    progress: Progress = silent,
    **options: Any,
) -> Report:
    """Backtest, tell the table, and write backtest.json and backtest.html into `out`."""
    if out is not None and out.exists() and not out.is_dir():
        raise TargetingError(f"{out} is a file: give --out a folder.")
    if out is not None:
        hand_out(workspace, "backtest.html")
    result, told = backtest_workspace(workspace, target_election, progress=progress, **options)
    facts = backtest_facts(result, told)
    written = []
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        page = out / "backtest.html"
        _write_page(workspace, page, result, facts, language)
        table = out / "backtest.json"
        text = json.dumps(facts, ensure_ascii=False, indent=1)
        write_aside(table, lambda to: to.write_text(text + "\n"))
        written = [table, page]
    facts["written"] = [str(p) for p in written]
    return Report(facts, "\n".join([*_text(result, told), *(f"written: {p}" for p in written)]))


@asks("places.see")
def backtest_html(
    workspace: Workspace, result: Backtest, told: Sequence[str], *, language: str = "fr"
) -> bytes:
    """A backtest as one page to keep: see `exports.backtest_page`."""
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "backtest.html"
        _write_page(workspace, page, result, backtest_facts(result, told), language)
        return page.read_bytes()


def _write_page(
    workspace: Workspace, page: Path, result: Backtest, facts: dict[str, Any], language: str
) -> None:
    shown = shown_methods(result)
    svg = gain_curve_svg(result, shown, language)
    alt = describe_curve(result, shown[0], language)
    arena = result.transition.arenas[-1].name  # the picture's
    is_ours = "product" in result.figures.index.get_level_values("method")
    verdict = verdict_lines(verdict_of(result, arena), language) if is_ours else ()
    write_backtest_page(
        page, facts, svg, alt, credits(workspace), verdict=verdict, language=language
    )


def shown_methods(result: Backtest) -> list[str]:
    """Methods of the picture, in its order: those offered, then what they are compared with."""
    there = set(result.figures.index.get_level_values("method"))
    learnt = [m for m in reversed(LEARNT) if m in there]
    return [*learnt[:1], *(m for m in DRAWN if m in there)]


def backtest_facts(result: Backtest, told: Sequence[str]) -> dict[str, Any]:
    """Everything a machine may want to know of a backtest, in plain values."""
    transition = result.transition
    rows = result.figures.reset_index()
    arenas = {
        a.name: {
            "stations": len(a.rows),
            "groups": len(a.labels),
            "registered": float(a.registered.sum()),
            "oracle": {
                label: {
                    "capture_20": result.oracles[a.name, label].at(cap.HEADLINE),
                    "noise_full": _at(result.oracles[a.name, label].full),
                    "noise_half": _at(result.oracles[a.name, label].half),
                }
                for label in ("G", "M")
            },
        }
        for a in transition.arenas
    }
    return {
        "t0": transition.t0,
        "t1": transition.t1,
        "sign": transition.sign,
        "turnout_change": transition.change,
        "basis": {"presidential": transition.basis.presidential, "low": list(transition.basis.low)},
        "stations": len(transition.stations),
        "registered": float(transition.registered.sum()),
        "left_out": transition.dropped,
        "draws": result.draws,
        "arenas": arenas,
        "figures": [
            {k: None if isinstance(v, float) and np.isnan(v) else v for k, v in row.items()}
            for row in rows.to_dict("records")
        ],
        "losses": {
            m: losses(result, m) for m in OFFERED if m in set(rows["method"]) and m != "product"
        },
        "told": list(told),
    }


def _at(curve: np.ndarray) -> float:
    return float(np.interp(cap.HEADLINE, cap.GRID, curve))


def _text(result: Backtest, told: Sequence[str]) -> list[str]:
    transition = result.transition
    left_out = ", ".join(f"{n:,} {why}" for why, n in transition.dropped.items() if n)
    low = ", ".join(transition.basis.low)
    lines = [
        f"Known: {transition.basis.presidential}, {low}. Foreseen: {transition.t1} "
        f"(turnout {100 * transition.change:+.1f} points since {transition.t0}).",
        f"{len(transition.stations):,} stations, {transition.registered.sum():,.0f} registered; "
        f"left out: {left_out or 'none'}.",
        f"Capture of the first 20 % of registered voters, {result.draws} draws of thinned counts "
        "(sd beside it). G: net additional votes. M: added voters × later share.",
    ]
    names = [a.name for a in transition.arenas]
    keys = [(name, label) for label in ("G", "M") for name in names]
    lines.append(f"{'':<22}" + "".join(f"{f'{label} {name[:8]}':>16}" for name, label in keys))
    for method in dict.fromkeys(result.figures.index.get_level_values("method")):
        cells = [result.figures.loc[(name, label, method)] for name, label in keys]
        lines.append(
            f"{method:<22}"
            + "".join(f"{c['capture_20']:>9.3f} ±{c['capture_20_sd']:.3f} " for c in cells)
        )
    best = [result.oracles[key].at(cap.HEADLINE) for key in keys]
    lines.append(f"{'ceiling (no noise)':<22}" + "".join(f"{b:>9.3f}        " for b in best))
    lines.append("Targeting efficiency TE@20 = (C − .2) / (ceiling − .2):")
    for method in [m for m in ("naive", *OFFERED) if _has(result, m)]:
        cells = [result.figures.loc[(name, label, method)] for name, label in keys]
        lines.append(f"{method:<22}" + "".join(f"{c['te_20']:>9.3f}        " for c in cells))
    for method in [m for m in OFFERED[1:] if _has(result, m)]:
        lost = losses(result, method)
        lines.append(f"{method}: " + (f"loses to product: {', '.join(lost)}" if lost else "holds"))
    return [*lines, *told]


def _has(result: Backtest, method: str) -> bool:
    return method in result.figures.index.get_level_values("method")
