"""OpenStreetMap files (.osm.pbf, .osm, .osm.gz): the ways one walks, and what cannot be crossed.

A way stays one line with all its vertices: ways meet where they share a node, hence a vertex, and
nowhere else, so that an overpass without tags meets nothing. An extract lacks nodes at its edge: a
way is cut at the gap, and its parts are kept.

A node that is a closed gate is not walked through: what lies beyond is reached otherwise, or is
private, in and out by its gate. `access` on areas (the multipolygon of a residence) is not read: it
says nothing of the ways inside, which bear their own tags.

Walls, fences and hedges cut no way that they cross: where one cannot pass, the way ends or bears a
gate, on a node that both share. A wall drawn across a way without one is drawn roughly (the way has
an opening that nobody mapped, or one passes over the other), and who trusted it would lose a street
for a slip of the pen.
"""

from __future__ import annotations

import re
from array import array
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
import shapely
from pyproj import CRS

from targeting.crs import WGS84
from targeting.errors import SourceError
from targeting.sources.streets.gates import hold_at_gates
from targeting.sources.streets.overpass import (
    WITH_NODES,
    has_positions_on_ways,
    osm_of_geom,
    remarks_of_xml,
)
from targeting.sources.streets.ways import (
    BARRIERS,
    LEFT_OUT,
    PRIVATE,
    WATER,
    Ways,
    is_closed_gate,
    way_kind,
)

PBF_HEADER: Final = b"\x0a\x09OSMHeader"
"""What a PBF file has after the four bytes of its first length."""

NO_NODE: Final = 2**31 - 1
"""Coordinate of a node that the file does not have, in units of 1e-7 degree."""

SMALL_WATER_DEGREES: Final = 0.002
"""Ponds with a shore under some 200 m stop nobody."""

KEYS: Final = ("highway", "natural", "railway", "waterway")
WATER_AREAS: Final = (("natural", "water"), ("waterway", "riverbank"))

_OVERPASS_DATE: Final = re.compile(rb'osm_base="(\d{4}-\d{2}-\d{2})')

Source = Callable[[], Any]
"""Gives osmium a file from its beginning, each time it is called."""


def is_pbf(head: bytes) -> bool:
    """Whether a file's first bytes are those of a PBF file."""
    return head[4 : 4 + len(PBF_HEADER)] == PBF_HEADER


def read_pbf(name: str, path: str) -> Ways:
    """Ways of a PBF file. Raises SourceError if it is damaged, or cut short."""
    from osmium.io import File

    return _read(name, lambda: File(path, "pbf"), b"")


def read_osm_xml(name: str, content: bytes) -> Ways:
    """Ways of an OSM XML document. Raises SourceError if it is damaged, or has entities."""
    from osmium.io import FileBuffer

    notes = remarks_of_xml(name, content)
    if b'visible="false"' in content:
        raise _history(name)
    if has_positions_on_ways(content):
        content = osm_of_geom(name, content)
    ways = _read(name, lambda: FileBuffer(content, "osm"), content[:4096])
    return replace(ways, notes=[*notes, *ways.notes])


def read_o5m(name: str, path: str) -> Ways:
    """Ways of an o5m file. Raises SourceError if it is damaged, or cut short."""
    from osmium.io import File

    return _read(name, lambda: File(path, "o5m"), b"")


def _history(name: str) -> SourceError:
    return SourceError(
        name, "a history file: it has every version of each way, those that are gone too.",
        way_out="Give the extract of one day (osmium time-filter makes one).",
    )  # fmt: skip


class _HistoryError(Exception):
    """The file has several versions of its objects."""


@dataclass
class _Nodes:
    """Coordinates of many ways, one after another, in units of 1e-7 degree."""

    x: array[int] = field(default_factory=lambda: array("i"))
    y: array[int] = field(default_factory=lambda: array("i"))
    ref: array[int] = field(default_factory=lambda: array("q"))
    size: list[int] = field(default_factory=list)
    street: list[str | None] = field(default_factory=list)
    kind: list[str] = field(default_factory=list)

    def add(self, street: str | None, kind: str, way: Any) -> None:
        for node in way.nodes:
            self.x.append(node.x)
            self.y.append(node.y)
            self.ref.append(node.ref)
        self.size.append(len(way.nodes))
        self.street.append(street)
        self.kind.append(kind)

    @property
    def missing(self) -> bool:
        return NO_NODE in self.x

    @property
    def are_placed(self) -> bool:
        """Whether one node at least has a place."""
        return any(x != NO_NODE for x in self.x)


def _read(name: str, source: Source, head: bytes) -> Ways:
    try:
        shores = _shores(source)
        gates = _closed_gates(source)
        nodes, read, left_out, published = _collect(source, shores, None)
        if nodes.missing and not _is_sorted(source):  # ways may come before their nodes
            nodes, read, left_out, published = _collect(source, shores, _locations(source))
    except _HistoryError:
        raise _history(name) from None
    except _damages() as error:
        raise SourceError(
            name,
            f"the OpenStreetMap file is damaged or cut short ({str(error)[:90].strip()}).",
            way_out="Download it again: the transfer was probably cut.",
        ) from error
    if nodes.size and not nodes.are_placed:
        raise SourceError(
            name, f"the file has {len(nodes.size):,} ways and none of their nodes.",
            way_out=WITH_NODES,
        )  # fmt: skip
    nodes, notes = _hold_at_gates(nodes, gates)
    lines, way, gaps = _lines(nodes)
    dated = _OVERPASS_DATE.search(head)
    return Ways(
        street=[nodes.street[w] for w in way],
        kind=[nodes.kind[w] for w in way],
        geometry=lines,
        crs=CRS.from_user_input(WGS84),
        is_noded=True,
        read=read,
        left_out=left_out,
        gaps=gaps,
        published=dated[1].decode() if dated else published,
        notes=notes,
    )


def _damages() -> tuple[type[Exception], ...]:
    """What osmium raises for a damaged block or number, an entity, an early end."""
    from osmium import InvalidLocationError

    return RuntimeError, ValueError, OverflowError, InvalidLocationError


def _collect(
    source: Source, shores: set[int], locations: Any | None
) -> tuple[_Nodes, int, Counter[str], str]:
    """Ways of interest with the coordinates of their nodes."""
    nodes, left_out, read = _Nodes(), Counter[str](), 0
    header, ways = _ways(source, locations, None)
    for way in ways:
        tags = {tag.k: tag.v for tag in way.tags}
        kind = way_kind(tags)
        read += "highway" in tags
        if kind in LEFT_OUT:
            left_out[str(kind)] += 1
        elif kind is not None and way.id not in shores:
            nodes.add(tags.get("name") or tags.get("official_name"), kind, way)
    if shores:
        for way in _ways(source, locations, shores)[1]:
            nodes.add(None, WATER, way)
    published = header.get("osmosis_replication_timestamp")[:10]
    return nodes, read, left_out, published


def _ways(source: Source, locations: Any, ids: set[int] | None) -> tuple[Any, Iterator[Any]]:
    """Header and ways of a file, with the places of their nodes; of these ids, if any are given."""
    from osmium import FileProcessor, filter, osm

    processor = FileProcessor(source())
    if processor.header.has_multiple_object_versions:
        raise _HistoryError
    processor = processor.with_locations(locations or "flex_mem")
    chosen = filter.KeyFilter(*KEYS) if ids is None else filter.IdFilter(sorted(ids))
    processor = processor.with_filter(filter.EntityFilter(osm.WAY)).with_filter(chosen)
    return processor.header, iter(processor)


def _shores(source: Source) -> set[int]:
    """Ids of the ways that bound water drawn as a relation: their own tags do not tell."""
    from osmium import FileProcessor, filter, osm

    relations = FileProcessor(source(), osm.RELATION).with_filter(filter.TagFilter(*WATER_AREAS))
    return {
        member.ref
        for relation in relations
        if isinstance(relation, osm.Relation)
        for member in relation.members
        if member.type == "w"
    }


def _closed_gates(source: Source) -> set[int]:
    """Ids of the nodes that stop somebody on foot."""
    from osmium import FileProcessor, filter, osm

    barriers = FileProcessor(source(), osm.NODE).with_filter(filter.KeyFilter("barrier"))
    return {n.id for n in barriers if is_closed_gate({tag.k: tag.v for tag in n.tags})}


def _hold_at_gates(nodes: _Nodes, gates: set[int]) -> tuple[_Nodes, list[str]]:
    """The ways cut at closed gates, and what to tell of it."""
    x, y = np.frombuffer(nodes.x, np.int32), np.frombuffer(nodes.y, np.int32)
    way = np.repeat(np.arange(len(nodes.size)), nodes.size)
    ref = np.frombuffer(nodes.ref, np.int64)
    is_gate = np.isin(ref, sorted(gates)) & (x != NO_NODE)
    is_open = np.array([kind not in BARRIERS | {PRIVATE} for kind in nodes.kind], bool)
    on_gate = np.unique(ref[is_gate & is_open[way]]).size if way.size else 0
    if not on_gate:
        return nodes, []
    held = hold_at_gates(ref, x.astype(np.int64), y.astype(np.int64), way, is_gate, is_open)
    kinds = [nodes.kind[k] for k in held.parent]
    cut = _Nodes(
        x=array("i", held.x.tolist()),
        y=array("i", held.y.tolist()),
        ref=array("q", ref[held.at].tolist()),
        size=np.bincount(held.way).tolist(),
        street=[nodes.street[k] for k in held.parent],
        kind=[PRIVATE if p else k for p, k in zip(held.is_private, kinds, strict=True)],
    )
    beyond = int(held.is_private.sum())
    return cut, [f"{on_gate:,} closed gates not walked through; {beyond:,} ways behind them alone"]


def _is_sorted(source: Source) -> bool:
    from osmium import FileProcessor, osm

    header = FileProcessor(source(), osm.NOTHING).header
    return str(header.get("sorting")) == "Type_then_ID"


def _locations(source: Source) -> Any:
    """Places of all nodes, for a file in which ways come before their nodes."""
    from osmium import FileProcessor, filter, index, osm

    table: Any = index.create_map("flex_mem")
    for _ in (
        FileProcessor(source(), osm.NODE)
        .with_locations(table)
        .with_filter(filter.EntityFilter(osm.WAY))
    ):
        raise AssertionError("only nodes were asked for")
    return table


def _lines(nodes: _Nodes) -> tuple[np.ndarray, np.ndarray, int]:
    """Lines, the way each is of, and how many ways were cut at nodes that are not there."""
    x, y = np.frombuffer(nodes.x, np.int32), np.frombuffer(nodes.y, np.int32)
    way = np.repeat(np.arange(len(nodes.size)), nodes.size)
    if x.size == 0:
        return np.empty(0, object), way, 0
    there = x != NO_NODE
    begins = np.concatenate([[True], (way[1:] != way[:-1]) | ~there[:-1]])
    run = np.cumsum(begins)[there]
    places = np.column_stack([x, y])[there] / 1e7
    numbers, inverse, count = np.unique(run, return_inverse=True, return_counts=True)
    drawn = count >= 2
    kept = drawn[inverse]
    first = np.searchsorted(run, numbers[drawn])
    lines = shapely.linestrings(places[kept], indices=(np.cumsum(drawn) - 1)[inverse[kept]])
    of_way = way[there][first]
    gaps = np.unique(way[~there]).size
    kind = np.array(nodes.kind, dtype=object)[of_way]
    small = (kind == WATER) & shapely.is_closed(lines)
    small &= shapely.length(lines) < SMALL_WATER_DEGREES
    return lines[~small], of_way[~small], gaps
