"""The walking graph of a workspace: built once, kept in its cache till an input moves."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
import pandas as pd

from targeting.config import Workspace
from targeting.reference.moments import one_moment
from targeting.reference.streets import load_streets
from targeting.turf.graph.build import build_street_graph
from targeting.turf.graph.model import StreetGraph
from targeting.turf.kernels.arrays import Edges, Fronts, Rows, WalkNet
from targeting.workflows.cache import Kind, cached, content_of
from targeting.workflows.progress import Progress, silent

VERSION: Final = "walking-6"
"""To be changed with what a graph is made of, or how."""

COLUMNS: Final = ["building_id", "street", "number", "suffix", "x", "y"]
"""What of a building the graph depends on."""


@one_moment
def walking_graph(
    workspace: Workspace, buildings: pd.DataFrame, *, progress: Progress = silent
) -> StreetGraph:
    """The graph of these buildings on the workspace's streets (without any, on their own numbers).

    A graph in the cache is loaded; a damaged one is made again.
    """

    def build() -> StreetGraph:
        progress(f"street graph of {len(buildings):,} buildings")
        return build_street_graph(buildings, load_streets(workspace))

    rows = pd.util.hash_pandas_object(buildings[COLUMNS], index=False).to_numpy()
    where = hashlib.sha256(np.sort(rows).tobytes()).hexdigest()
    parts = [VERSION, where, *content_of(workspace, ["streets"])]
    return cached(workspace, "walking", parts, build, GRAPH)


def told_links(graph: StreetGraph) -> str | None:
    """The links that nobody has drawn, in one line; nothing where there is none."""
    count = len(graph.links.a)
    if not count:
        return None
    metres = graph.links_m
    return (
        f"{count:,} links where no way is drawn, {metres.sum():,.0f} m in all (longest "
        f"{metres.max():,.0f} m): they cost up to ten times their length"
    )


def write_graph(graph: StreetGraph, file: BinaryIO) -> None:
    """Write a graph as plain arrays: nothing in the file is run when it is loaded."""
    arrays: dict[str, Any] = {
        "building_ids": np.asarray(graph.building_ids, dtype=np.str_),
        "basis": np.array(graph.basis),
        **{name: getattr(graph, name) for name in ("x", "y", "junctions", "is_far")},
        **_named("ladder", graph.ladder),
        **_named("links", graph.links),
        **_named("fronts", graph.fronts),
        **_named("ways", graph.walk_net.rows),
        **_named("walk_net", graph.walk_net),
    }
    np.savez(file, **arrays)


def read_graph(path: Path) -> StreetGraph:
    """The graph in a file; raises one of `cache.damage` where it is cut short or changed."""
    with np.load(path, allow_pickle=False) as kept:
        arrays = {name: kept[name] for name in kept.files}
    ways = Rows(**_of(arrays, "ways"))
    return StreetGraph(
        building_ids=pd.Index(arrays["building_ids"], dtype="str"),
        basis=str(arrays["basis"]),
        ladder=Rows(**_of(arrays, "ladder")),
        links=Edges(**_of(arrays, "links")),
        fronts=Fronts(**_of(arrays, "fronts")),
        walk_net=WalkNet(rows=ways, **_of(arrays, "walk_net")),
        **{name: arrays[name] for name in ("x", "y", "junctions", "is_far")},
    )


def _named(whole: str, fields: Any) -> dict[str, Any]:
    """The arrays of a named tuple, under the name of the whole and their own."""
    named = fields._asdict().items()
    return {f"{whole}.{name}": array for name, array in named if not isinstance(array, tuple)}


def _of(arrays: dict[str, Any], whole: str) -> dict[str, Any]:
    """The arrays kept under the name of a whole, by their own."""
    start = f"{whole}."
    return {name.removeprefix(start): a for name, a in arrays.items() if name.startswith(start)}


GRAPH: Final = Kind(".npz", write_graph, read_graph)
