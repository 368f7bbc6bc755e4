"""What a mapped line is to somebody on foot: a way, a barrier, or nothing.

The words are OpenStreetMap's tags (wiki: Key:highway, Key:access, Key:foot), which layers cut from
it and OSMnx's graphs use too. `kind` of table Streets is the class of the way, but for what matters
more than its class: stairs, bridges, tunnels, wide roads. Barriers are not walked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from pyproj import CRS

WALKED: Final = frozenset({
    "bridleway", "crossing", "footway", "living_street", "path", "pedestrian", "primary",
    "primary_link", "residential", "road", "secondary", "secondary_link", "service", "steps",
    "tertiary", "tertiary_link", "track", "unclassified",
})  # fmt: skip
"""Classes on which one walks unless a tag forbids it."""

ALLOWED: Final = frozenset({"designated", "official", "permissive", "public", "yes"})
CLOSED: Final = frozenset({
    "agricultural", "customers", "delivery", "employees", "forestry", "military", "no", "permit",
    "private", "residents",
})  # fmt: skip
"""Values of `access` that shut a stranger on foot out; `destination` does not."""

SHUT_ON_FOOT: Final = CLOSED - {"no"}
HAS_SIDEWALK: Final = frozenset({"both", "left", "right", "separate", "yes"})
NO: Final = frozenset({"", "no"})

PRIVATE: Final = "private"
"""Kind of a way that is closed to strangers: walked from its entrance, by those who call at its
addresses, and never through."""

NOT_WALKED: Final = "not_walked"
LEFT_OUT: Final = frozenset({NOT_WALKED})
"""Told instead of a kind: counted in the report, and no row of the table."""

GATES: Final = frozenset({
    "door", "full-height_turnstile", "gate", "hampshire_gate", "kissing_gate", "sally_port",
    "sliding_gate", "turnstile", "wicket_gate",
})  # fmt: skip
"""Barriers on a way that stop somebody on foot where they are closed; others stop cars alone."""

WATER, RAIL, MOTORWAY, WIDE = "water", "rail", "motorway", "wide"
BARRIERS: Final = frozenset({WATER, RAIL, MOTORWAY})
"""Of `tables.BARRIER_KINDS`, those that tags tell."""

WIDE_LANES: Final = 4
"""A main road of so many lanes is long to cross; a one-way half of a dual carriageway: half."""

RAILS: Final = frozenset({"light_rail", "narrow_gauge", "rail", "subway"})
RIVERS: Final = frozenset({"canal", "dock", "river", "riverbank"})
ORNAMENTS: Final = frozenset({"basin", "fountain", "pool", "reflecting_pool", "wastewater"})
"""Water that one walks round without a thought."""


@dataclass(frozen=True)
class Ways:
    """Lines of one file, before they are projected.

    geometry: lines in `crs`, one for each of `street` (None: no name) and `kind`; is_noded: they
    meet where they share a vertex and nowhere else; read: ways looked at; left_out: how many, by
    reason; gaps: ways cut because the file lacks some of their nodes; published: date of the data,
    empty where the file does not tell; of_osm: whether they are OpenStreetMap's.
    """

    street: list[str | None]
    kind: list[str]
    geometry: np.ndarray
    crs: CRS
    is_noded: bool
    read: int
    left_out: Counter[str] = field(default_factory=Counter)
    gaps: int = 0
    published: str = ""
    notes: list[str] = field(default_factory=list)
    of_osm: bool = True


def way_kind(tags: Mapping[str, str]) -> str | None:
    """Kind of a line of table Streets, one of LEFT_OUT, or nothing for what is no way.

    >>> way_kind({"highway": "steps"}), way_kind({"highway": "footway", "bridge": "yes"})
    ('stairs', 'bridge')
    >>> way_kind({"highway": "service", "access": "private"}), way_kind({"waterway": "canal"})
    ('private', 'water')
    """
    highway = tags.get("highway", "")
    return _of_highway(highway, tags) if highway else _of_barrier(tags)


def _of_highway(highway: str, tags: Mapping[str, str]) -> str:
    if _is_motorway(highway, tags):
        return NOT_WALKED if _off_ground(tags) else MOTORWAY
    if is_private(tags):
        return PRIVATE
    if tags.get("foot") == "no" or tags.get("indoor", "no") not in NO:
        return NOT_WALKED
    open_to_all = highway in WALKED or highway in ("trunk", "trunk_link")
    if not open_to_all and not (highway == "cycleway" and tags.get("foot") in ALLOWED):
        return NOT_WALKED
    return _told_apart(highway, tags)


def _is_motorway(highway: str, tags: Mapping[str, str]) -> bool:
    """Motorways, and trunk roads without a sidewalk."""
    if highway in ("trunk", "trunk_link"):
        return tags.get("foot") not in ALLOWED and not _has_sidewalk(tags)
    return highway in ("motorway", "motorway_link") or tags.get("motorroad") == "yes"


def is_private(tags: Mapping[str, str]) -> bool:
    """Whether a stranger on foot is shut out: `foot` says it, else `access`, which hours may lift.

    >>> is_private({"access": "private", "foot": "yes"}), is_private({"access": "residents"})
    (False, True)
    >>> is_private({"access": "no", "access:conditional": "yes @ (08:00-20:00)"})
    False
    """
    foot = tags.get("foot", "")
    if foot in ALLOWED or _opens(tags.get("foot:conditional", "")):
        return False
    if foot in SHUT_ON_FOOT:
        return True
    closed = tags.get("access", "") in CLOSED or tags.get("service") == "private"
    return closed and not foot and not _opens(tags.get("access:conditional", ""))


def _opens(conditional: str) -> bool:
    """Whether hours (or another condition) let one in: `yes @ (Mo-Fr 08:00-19:00)`."""
    return any(part.split("@")[0].strip() in ALLOWED for part in conditional.split(";"))


def is_closed_gate(tags: Mapping[str, str]) -> bool:
    """Whether a node stops somebody on foot: a gate that is private, or what `foot` forbids.

    >>> is_closed_gate({"barrier": "gate", "access": "private"})
    True
    >>> is_closed_gate({"barrier": "lift_gate", "access": "private"})
    False
    """
    if "barrier" not in tags:
        return False
    if tags.get("foot", "") in CLOSED:
        return True
    closed = is_private(tags) or tags.get("locked") == "yes"
    return tags["barrier"] in GATES and closed and tags.get("foot", "") not in ALLOWED


def _told_apart(highway: str, tags: Mapping[str, str]) -> str:
    """The class of a walked way, or what matters more."""
    if highway == "steps":
        return "stairs"
    if tags.get("tunnel", "no") not in NO | {"building_passage"}:
        return "tunnel"
    if tags.get("bridge", "no") not in NO:
        return "bridge"
    plain = highway.removesuffix("_link")
    return WIDE if _is_wide(plain, tags) else plain


def _is_wide(highway: str, tags: Mapping[str, str]) -> bool:
    if highway == "trunk" or tags.get("dual_carriageway") == "yes":
        return True
    if highway not in ("primary", "secondary", "tertiary"):
        return False
    lanes = tags.get("lanes", "")[:2].strip(";.|, ")
    one_way = tags.get("oneway", "no") in ("yes", "True", "1", "-1")
    wide = WIDE_LANES // 2 + 1 if one_way and highway == "primary" else WIDE_LANES
    return lanes.isdecimal() and int(lanes) >= wide


def _has_sidewalk(tags: Mapping[str, str]) -> bool:
    keys = ("sidewalk", "sidewalk:both", "sidewalk:left", "sidewalk:right")
    return any(tags.get(key, "") in HAS_SIDEWALK for key in keys)


def _off_ground(tags: Mapping[str, str]) -> bool:
    """On a bridge or below ground: one passes under or over it."""
    return (
        tags.get("tunnel", "no") not in NO
        or tags.get("bridge", "no") not in NO
        or tags.get("covered") == "yes"
        or tags.get("location") == "underground"
    )


def _of_barrier(tags: Mapping[str, str]) -> str | None:
    if _off_ground(tags):
        return None
    if tags.get("waterway") in RIVERS or tags.get("natural") == "coastline":
        return WATER
    if tags.get("natural") == "water" and tags.get("water") not in ORNAMENTS:
        return WATER
    return RAIL if tags.get("railway") in RAILS else None
