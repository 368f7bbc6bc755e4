"""Layers of street lines (GeoJSON, GeoPackage, zipped shapefile, Parquet): names and kinds.

Columns are known by the names that OSM's extracts, IGN's BD TOPO and our own table give them. Such
lines meet where they cross or end on each other, bridges and tunnels at their ends only.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Any, Final

import numpy as np

from targeting.codes import BARRIER_KINDS
from targeting.sources.layers.reading import Layer
from targeting.sources.streets.ways import LEFT_OUT, PRIVATE, WIDE, Ways, is_private, way_kind

NAMES: Final = (
    "street", "name", "nom_voie", "nom_collaboratif_gauche", "nom_voie_ban_gauche", "nom_1_gauche",
    "nom_rue_gauche", "nom_rue", "libelle", "libelle_voie", "lib_voie", "voie", "nom",
)  # fmt: skip
CLASSES: Final = ("highway", "fclass")
"""OSM's own, and that of Geofabrik's shapefiles."""

IGN_KINDS: Final = {
    "type autoroutier": "motorway", "quasi-autoroute": "motorway", "autoroute": "motorway",
    "bretelle": "motorway", "escalier": "stairs", "sentier": "path", "chemin": "track",
    "route empierrée": "track", "route à 2 chaussées": WIDE, "bac ou liaison maritime": "",
}  # fmt: skip
"""BD TOPO, `nature` (TRONCON_DE_ROUTE): kind; empty: no way on foot. Others are streets."""

OSM_IDS: Final = ("@id", "full_id", "osm_id", "osm_way_id", "osmid")
"""Where tools write OpenStreetMap's numbers: Overpass turbo and osmium, QuickOSM, GDAL, OSMnx."""
_OSM_ID: Final = re.compile(r"\[?(?:(?:node|way|relation)/|[nwra])?-?[0-9]+\b")

OURS: Final = BARRIER_KINDS | {PRIVATE, "bridge", "stairs", "street", "tunnel", WIDE}
TRUE: Final = frozenset({"1", "t", "true", "yes"})


def ways_of_layer(layer: Layer) -> Ways:
    """Ways of a layer of lines, in its own coordinate system."""
    rows = [{str(k).lower(): v for k, v in row.items()} for row in layer.properties]
    there = {key for row in rows[:1000] for key in row}
    name = next((n for n in NAMES if n in there), None)
    kinds = [_kind(row) for row in rows]
    kept = np.array([kind not in LEFT_OUT for kind in kinds], dtype=bool)
    named = f"names in “{name}”" if name else "no column of names: no address finds its own street"
    return Ways(
        street=[_text(row.get(name)) or None if name else None for row in _chosen(rows, kept)],
        kind=list(_chosen(kinds, kept)),
        geometry=layer.geometry[kept],
        crs=layer.crs,
        is_noded=False,
        read=len(rows),
        left_out=Counter(_chosen(kinds, ~kept)),
        notes=[*layer.notes, named],
        of_osm=_is_of_osm(rows),
    )


def _is_of_osm(rows: list[dict[str, Any]]) -> bool:
    """Whether a row bears OpenStreetMap's own number: whoever shows the layer owes the credit."""
    return any(_OSM_ID.match(_text(row[c])) for row in rows for c in OSM_IDS if row.get(c))


def _chosen(items: list[Any], kept: np.ndarray) -> Iterable[Any]:
    return [item for item, is_kept in zip(items, kept, strict=True) if is_kept]


def _kind(row: dict[str, Any]) -> str:
    """The kind that a row's own columns tell; `street` where none does."""
    highway = next((_text(row[c]) for c in CLASSES if row.get(c)), "")
    tags = {key: _text(value) for key, value in row.items() if value is not None}
    if highway:
        flags = {k: "yes" for k in ("bridge", "tunnel") if _text(row.get(k)).lower() in TRUE}
        unset = {k: "no" for k in ("bridge", "tunnel") if _text(row.get(k)).lower() in ("f", "0")}
        return way_kind({**tags, **unset, **flags, "highway": highway}) or "street"
    kind = tags.get("kind", "")
    if kind in OURS:
        return kind
    if "nature" in tags:
        return _ign_kind(tags)
    if is_private(tags):
        return PRIVATE
    return way_kind(tags) or kind or "street"


def _ign_kind(tags: dict[str, str]) -> str:
    kind = IGN_KINDS.get(tags["nature"].lower(), "street")
    if not kind:
        return "not_walked"
    level = tags.get("position_par_rapport_au_sol", tags.get("pos_sol", "0"))
    closed = tags.get("acces_pieton", "").lower() in ("restreint aux ayants droit", "a.d.")
    if closed or tags.get("prive", "").lower() in TRUE or is_private(tags):
        return PRIVATE
    if kind == "motorway":
        return kind if level in ("0", "") else "not_walked"
    if level.lstrip("-").isdecimal() and int(level):
        return "bridge" if int(level) > 0 else "tunnel"
    return kind


def _text(value: Any) -> str:
    return "" if value is None else str(value).strip()
