"""What a screen hands on: sheets, cards, files, and the plan once it is kept."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from targeting.config import Workspace
from targeting.maps.filters import Filters
from targeting.web.kept import at_the_click, mark_of, score_mark_of, workspace
from targeting.web.loaders import load_board, load_scored
from targeting.workflows.access.log import hand_out
from targeting.workflows.stations.board import campaign_quarters
from targeting.workflows.stations.sheets import card, files, parts
from targeting.workflows.stations.sheets import map as sheet
from targeting.workflows.turfs import plan as plans
from targeting.workflows.turfs.plan import Plan


def _at_hand(here: Workspace) -> parts.AtHand:
    """What sheets are made of, as the screens keep it."""
    return parts.AtHand(
        load_board.of(here, mark_of(here)), load_scored.of(here, score_mark_of(here))
    )


def map_sheet(
    metric: str,
    filters: Filters,
    chosen: tuple[str, ...],
    area: tuple[str, ...] | None,
    paper: str,
    kind: str,
    lang: str,
) -> bytes:
    """The map as it is shown, on a sheet (`pdf`) or as a picture (`png`)."""
    here = workspace()
    return sheet.map_sheet(
        here, metric, filters, chosen, area, paper=paper, kind=kind, language=lang,
        at_hand=_at_hand(here), quarters=campaign_quarters(here),
    )  # fmt: skip


def card_pdf(station_id: str, lang: str) -> bytes:
    """The card of a station on one page."""
    here = workspace()
    return card.card_sheet(here, station_id, lang, at_hand=_at_hand(here))


def stations_file(
    suffix: str,
    filters: Filters,
    chosen: tuple[str, ...],
    area: tuple[str, ...] | None,
    lang: str,
) -> bytes:
    """The stations shown, as a file of that extension."""
    here = workspace()
    return files.shown_file(
        here, suffix, filters, chosen, area, language=lang, at_hand=_at_hand(here)
    )


def replaced_by_plan(plan: Plan) -> dict[str, int]:
    """Ready turfs that keeping this plan withdraws, with their version."""
    return plans.replaced_by_plan(workspace(), plan)


def keep_plan(plan: Plan, expected: dict[str, int]) -> int:
    """Make the plan's turfs the campaign's; gives how many. `expected`: see `workflows.plan`."""
    return len(plans.keep_plan(workspace(), plan, expected=expected).codes)


def handing(what: str, make: Callable[[], bytes]) -> Callable[[], bytes]:
    """What a button hands out of a table that a screen shows: asked at the click, and written down.

    `what`: see `workflows.access.log.hand_out`.
    """

    def handed() -> bytes:
        hand_out(workspace(), what)
        return make()

    return at_the_click(handed)


def plan_csv(plan: Plan) -> bytes:
    """The plan's turfs as a file."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "plan.csv"
        plans.write_plan(workspace(), plan, out)
        return out.read_bytes()
