"""The turfs to walk with their account, as screens show them and as files."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import geopandas as gpd

from targeting.config import Workspace
from targeting.errors import WorkspaceError
from targeting.exports.formats import About, known_format, write_table
from targeting.reference.credits import credits
from targeting.reference.streets import load_streets as load_stored_streets
from targeting.store.engine import open_store, reading
from targeting.store.turfs import latest_cut
from targeting.store.withdrawn import can_be_restored
from targeting.turf.cut import share_within
from targeting.workflows.access.asks import asks, whose
from targeting.workflows.setup import campaign_card
from targeting.workflows.turfs.board import CampaignTurfs, load_campaign_turfs
from targeting.workflows.turfs.files import export_turfs, turf_sheets
from targeting.workflows.turfs.recut import turfs_with_doors_left

DRAWN_STREETS: Final = 60_000
"""More ways than this are not drawn: the map of a big city is read without them."""


@dataclass(frozen=True)
class TurfBoard:
    """Turfs to walk, and the account of the last cut.

    left_out: doors left out of it, by reason code; within: share of its turfs within ten percent
    of the mean; mean: of minutes or doors, as `balanced_on` says; begun: turfs with visits that
    have doors left to cut anew today; restorable: turfs that the last cut replaced; last_cut: those
    that it made and that are still to walk.
    """

    kept: CampaignTurfs
    doors_in: int
    doors_in_turfs: int
    doors_left_out: int
    left_out: dict[str, int]
    balanced_on: str
    mean: float
    within: float
    begun: int
    restorable: list[str]
    last_cut: list[str]

    @property
    def ready(self) -> int:
        """Turfs that nobody began: a new cut of their stations replaces them."""
        return int((self.kept.turfs["status"] == "ready").sum())


@asks("turfs.see", own=True)
def load_turf_board(workspace: Workspace) -> TurfBoard | None:
    """The turfs of the workspace with the account of the last cut; nothing before one."""
    try:
        kept = load_campaign_turfs(workspace)
    except WorkspaceError:
        return None
    with reading(open_store(workspace)) as session:
        cut = latest_cut(session)
        if cut is None:
            return None
        facts = (cut.id, cut.doors_in, cut.doors_in_turfs, cut.doors_left_out)
        restorable = can_be_restored(session)
    if whose(workspace, "turfs.see") is not None:
        doors = int(kept.stops["dwellings"].sum())  # the account of the cut is not theirs
        facts, restorable = (facts[0], doors, doors, 0), []
    balanced_on = "n_doors" if kept.parameters.get("doors") else "minutes_expected"
    size = kept.turfs.loc[kept.turfs["cut_id"] == facts[0], balanced_on].astype(float)
    if size.empty:  # the last cut was taken back
        size = kept.turfs[balanced_on].astype(float)
    may_cut = workspace.actor.may("turfs.cut")
    mean = float(size.mean())
    return TurfBoard(
        kept,
        *facts[1:],
        left_out={
            str(k): int(v) for k, v in kept.excluded.groupby("reason")["dwellings"].sum().items()
        },
        balanced_on=balanced_on,
        mean=mean,
        within=share_within(size),
        begun=turfs_with_doors_left(workspace) if may_cut else 0,
        restorable=restorable,
        last_cut=kept.turfs.loc[kept.turfs["cut_id"] == facts[0], "turf_id"].to_list(),
    )


@asks("turfs.print", own=True)
def turf_file(
    workspace: Workspace, kind: str, turf_ids: Sequence[str] | None, *, language: str
) -> bytes:
    """A file of the turfs, by its extension, or `excluded` (CSV of what was left out)."""
    with tempfile.TemporaryDirectory() as folder:
        if kind == "excluded":
            out = Path(folder) / "excluded.csv"
            write_table(load_campaign_turfs(workspace).excluded, out)
        else:
            out = Path(folder) / f"turfs.{kind}"
            export_turfs(workspace, out, turf_ids=turf_ids, language=language)
        return out.read_bytes()


@asks("turfs.see", own=True)
def turf_preview(workspace: Workspace, turf_id: str, *, language: str) -> str:
    """The list of one turf as it would be printed, to be looked at: no file goes out."""
    kept = load_campaign_turfs(workspace, [turf_id])
    about = About(credits(workspace), campaign_card(workspace).name, language)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "turf.html"
        known_format(out).write(out, turf_sheets(workspace, kept), about)
        return out.read_text("utf-8")


def load_streets(workspace: Workspace) -> gpd.GeoDataFrame | None:
    """Ways to draw under turfs, without the barriers."""
    return load_stored_streets(workspace, barriers=False)
