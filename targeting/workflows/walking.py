"""The walking graph of a workspace: built once, kept in its cache till an input moves."""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from targeting.config import Workspace
from targeting.store import reference
from targeting.turf.graph import StreetGraph, build_street_graph
from targeting.workflows.progress import Progress, silent

VERSION: Final = "walking-3"
"""To be changed with what a graph is made of, or how."""

KEPT: Final = 4
"""Graphs in the cache: the communes of one campaign, asked for together or by some."""

COLUMNS: Final = ["building_id", "street", "number", "suffix", "x", "y"]
"""What of a building the graph depends on."""


def walking_graph(
    workspace: Workspace, buildings: pd.DataFrame, *, progress: Progress = silent
) -> StreetGraph:
    """The graph of these buildings on the workspace's streets (without any, on their own numbers).

    A graph in the cache is loaded; a damaged one is made again.
    """
    path = _place(workspace, buildings)
    kept = load_graph(path)
    if kept is not None:
        return kept
    progress(f"street graph of {len(buildings):,} buildings")
    graph = build_street_graph(buildings, reference.load_streets(workspace))
    save_graph(graph, path)
    for old in _newest_first(path.parent)[KEPT:]:
        old.unlink(missing_ok=True)
    return graph


def told_links(graph: StreetGraph) -> str | None:
    """The links that nobody has drawn, in one line; nothing where there is none."""
    count = len(graph.links[0])
    if not count:
        return None
    metres = graph.links_m
    return (
        f"{count:,} links where no way is drawn, {metres.sum():,.0f} m in all (longest "
        f"{metres.max():,.0f} m): they cost up to ten times their length"
    )


def save_graph(graph: StreetGraph, path: Path) -> None:
    """Write a graph as plain arrays: nothing in the file is run when it is loaded."""
    arrays: dict[str, Any] = {
        "building_ids": np.asarray(graph.building_ids, dtype=np.str_),
        "basis": np.array(graph.basis),
        **{name: getattr(graph, name) for name in ("x", "y", "junctions", "is_far")},
        **{
            f"{name}_{k}": part
            for name in ("ladder", "streets", "links", "fronts")
            for k, part in enumerate(getattr(graph, name))
        },
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".draft")
    with open(draft, "wb") as file:
        np.savez(file, **arrays)
    draft.replace(path)


def load_graph(path: Path) -> StreetGraph | None:
    """The graph in a file; nothing where there is none, or what is there is damaged."""
    try:
        with np.load(path, allow_pickle=False) as kept:
            arrays = {name: kept[name] for name in kept.files}
        parts: dict[str, Any] = {
            name: tuple(arrays[f"{name}_{k}"] for k in range(count))
            for name, count in (("ladder", 3), ("streets", 9), ("links", 3), ("fronts", 3))
        }
        parts |= {name: arrays[name] for name in ("x", "y", "junctions", "is_far")}
        return StreetGraph(
            building_ids=pd.Index(arrays["building_ids"], dtype="str"),
            basis=str(arrays["basis"]),
            **parts,
        )
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None  # cut short by a crash: it is built again


def _place(workspace: Workspace, buildings: pd.DataFrame) -> Path:
    """Named by what the graph is made of: other addresses or streets, another file."""
    rows = pd.util.hash_pandas_object(buildings[COLUMNS], index=False).to_numpy()
    parts: list[object] = [VERSION, hashlib.sha256(np.sort(rows).tobytes()).hexdigest()]
    for path in sorted((workspace.reference / "streets").glob("*.parquet")):
        stat = path.stat()
        parts.append([path.name, stat.st_size, stat.st_mtime_ns])
    digest = hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]
    return workspace.root / "cache" / f"walking-{digest}.npz"


def _newest_first(folder: Path) -> list[Path]:
    return sorted(folder.glob("walking-*.npz"), key=lambda p: p.stat().st_mtime_ns, reverse=True)
