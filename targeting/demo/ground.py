"""The ground of the invented town: river, railway, streets, and the blocks between them.

Main ways are drawn by hand in the parameters; blocks are then cut in two until they have the
size of their quarter, each cut being a street. River and railway bound blocks from the start:
no cut ever crosses them. All is done on a straight drawing, bent at the end.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.interpolate import CubicSpline
from shapely import LineString, Point, Polygon
from shapely.affinity import rotate
from shapely.geometry.base import BaseGeometry
from shapely.ops import split as split_by

from targeting.crs import METRIC_CRS
from targeting.demo.parameters import chance_of, parameters

GRID_M: Final = 0.1
"""The drawing lies on this grid, so that a street's end is a corner of the street it meets."""

LOOSE: Final = 1.45
"""A block this many times its quarter's size is cut again."""

JUNCTION_M: Final = 32.0
"""A street ends at an existing junction when there is one this near."""

CROSSINGS: Final = {"river": "bridge", "rail": "underpass"}

OPEN_KINDS: Final = ("fields", "park")

DEAD_END_TYPES: Final = {"living_street": "Impasse", "track": "Chemin"}
"""A plain street's name, changed for what these ways are."""

TRIES: Final = 5
"""A cut that misses its block is drawn again so many times."""


@dataclass(frozen=True)
class Ground:
    """Layers of the ground, EPSG:2154.

    `edges` has one row a piece of line between two junctions: `line` (which way it is a piece of),
    `along_m` (how far along), `street`, `kind`, `role` (street, river, rail, limit).
    `blocks` tile the commune: `block`, `quarter` (its row in the parameters), `kind`, `is_bank`
    (between a street and water or track). `links` are the pairs of blocks that touch elsewhere
    than across the river or the railway.
    """

    outline: Polygon
    water: BaseGeometry
    edges: gpd.GeoDataFrame
    blocks: gpd.GeoDataFrame
    links: list[tuple[int, int]]


@dataclass
class Drawing:
    """Lines while the town is being drawn: geometry, role, kind and name go together."""

    lines: list[LineString] = field(default_factory=list)
    roles: list[str] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)

    def add(self, shape: BaseGeometry, role: str, kind: str = "", name: str = "") -> None:
        """Add each part of a line as a way of its own."""
        for part in shapely.get_parts(shape):
            if isinstance(part, LineString) and part.length > 1:
                self.lines.append(part)
                self.roles.append(role)
                self.kinds.append(kind)
                self.names.append(name)


def build_ground(seed: int) -> Ground:
    """Draw the ground: the same seed draws the same ground."""
    chance = chance_of("ground", seed)
    outline = smooth_ring(parameters()["commune"]["outline"])
    drawing, corridors = draw_main_ways(outline)
    cut_blocks(drawing, outline, corridors, chance)
    add_lanes(drawing, corridors, chance)
    edges = split_at_junctions(drawing)
    name_edges(edges, drawing, chance_of("names", seed))
    bend = Bend(chance)
    edges["geometry"] = [bend.line(line) for line in edges.geometry]
    blocks = build_blocks(edges)
    commune = shapely.union_all(blocks.geometry.values)
    return Ground(
        outline=commune,
        water=bend.polygon(corridors["water"]).intersection(commune),
        edges=edges,
        blocks=blocks,
        links=link_blocks(edges, blocks),
    )


def smooth_line(points: list[list[float]]) -> LineString:
    """A curve through the given points, drawn every few metres."""
    xy = np.asarray(points, dtype=float)
    reach = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(xy, axis=0).T))])
    steps = np.unique(np.concatenate([reach, np.linspace(0, reach[-1], int(reach[-1] // 30))]))
    return LineString(np.round(CubicSpline(reach, xy, bc_type="natural")(steps), 2))


def smooth_ring(points: list[list[float]]) -> Polygon:
    """A closed curve through the given points."""
    xy = np.asarray([*points, points[0]], dtype=float)
    reach = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(xy, axis=0).T))])
    steps = np.linspace(0, reach[-1], int(reach[-1] // 30))
    curve = CubicSpline(reach, xy, bc_type="periodic")(steps)
    return Polygon(np.round(curve[:-1], 2))


def draw_main_ways(outline: Polygon) -> tuple[Drawing, dict[str, BaseGeometry]]:
    """River, railway and main streets; the latter stop at a bank unless they have a bridge."""
    layout = parameters()["layout"]
    ways = {line["name"]: smooth_line(line["points"]) for line in parameters()["lines"]}
    by_role = {line["kind"]: ways[line["name"]] for line in parameters()["lines"]}
    river, rail = by_role["river"], by_role["rail"]
    corridors = {
        "river": river.buffer(layout["quay_m"]),
        "rail": rail.buffer(layout["railside_m"]),
        "water": river.buffer(layout["water_half_width_m"]),
    }
    drawing = Drawing()
    drawing.add(outline.exterior, "limit")
    drawing.add(river.intersection(outline), "river")
    drawing.add(rail.intersection(outline), "rail")
    for role, line in (("river", river), ("rail", rail)):
        strip = corridors[role]
        crossings = [ways[w["name"]] for w in parameters()["lines"] if CROSSINGS[role] in w]
        sides = banks(strip.boundary.intersection(outline), crossings)
        for side, name in zip(sides, parameters()["names"]["banks"][role], strict=True):
            drawing.add(side, "street", "residential", name)
        for rib in ribs(line, layout["corridor_piece_m"], strip):
            drawing.add(rib.intersection(outline), "limit")
    for way in parameters()["lines"]:
        if way["kind"] in ("river", "rail"):
            continue
        line = ways[way["name"]].intersection(outline)
        for role, crossing in CROSSINGS.items():
            if crossing in way:
                drawing.add(line.intersection(corridors[role]), "street", crossing, way[crossing])
            line = line.difference(corridors[role])
        drawing.add(line, "street", way["kind"], way["name"])
    return drawing, corridors


def banks(edge: BaseGeometry, crossings: list[LineString]) -> list[LineString]:
    """The streets along a strip, from west to east, cut where a way crosses it."""
    pieces = list(shapely.get_parts(shapely.line_merge(edge)))
    for crossing in crossings:
        pieces = [part for piece in pieces for part in shapely.get_parts(split_by(piece, crossing))]
    return sorted(pieces, key=lambda piece: (piece.centroid.x, piece.centroid.y))


def ribs(line: LineString, every_m: float, strip: BaseGeometry) -> list[BaseGeometry]:
    """Short lines across a strip, so that no block follows the river from end to end."""
    places = np.arange(every_m, line.length - every_m, every_m)
    here = shapely.get_coordinates(shapely.line_interpolate_point(line, places))
    ahead = shapely.get_coordinates(shapely.line_interpolate_point(line, places + 1.0))
    normal = np.stack([-(ahead - here)[:, 1], (ahead - here)[:, 0]], axis=1)
    normal *= 100 / np.hypot(*normal.T)[:, None]
    return [
        LineString([a, b]).intersection(strip)
        for a, b in zip(here - normal, here + normal, strict=True)
    ]


def quarter_at(points: np.ndarray) -> np.ndarray:
    """Row of the quarter that each point lies in: the nearest, less its reach."""
    quarters = parameters()["quarters"]
    centres = np.array([q["at"] for q in quarters], dtype=float)
    reach = np.array([q["reach"] for q in quarters], dtype=float)
    away = np.hypot(*(points[:, None, :] - centres[None]).transpose(2, 0, 1)) - reach
    nearest: np.ndarray = away.argmin(axis=1)
    return nearest


def kind_at(shape: BaseGeometry) -> str:
    """Kind of the quarter in which a shape's middle lies."""
    quarter = quarter_at(np.array([[shape.centroid.x, shape.centroid.y]]))[0]
    return str(parameters()["quarters"][quarter]["kind"])


def noded(lines: list[LineString]) -> np.ndarray:
    """Lines broken wherever they meet; an end that nearly touches a line becomes its corner."""
    drawn = shapely.transform(
        np.array(lines, dtype=object), lambda xy: np.round(xy / GRID_M) * GRID_M
    )
    tips = shapely.get_coordinates(shapely.get_point(drawn, [[0], [-1]]))
    ends = shapely.points(np.unique(tips, axis=0))
    line, end = shapely.STRtree(ends).query(drawn, predicate="dwithin", distance=GRID_M * 2)
    met = [shapely.multipoints(ends[end[line == i]]) for i in range(len(drawn))]
    pieces: np.ndarray = shapely.get_parts(
        shapely.unary_union(shapely.snap(drawn, met, GRID_M * 2))
    )
    return pieces


def faces_of(lines: list[LineString]) -> list[Polygon]:
    """The pieces of plane between lines."""
    return [p for p in shapely.get_parts(shapely.polygonize(noded(lines))) if p.area > 1]


def cut_blocks(
    drawing: Drawing,
    outline: Polygon,
    corridors: dict[str, BaseGeometry],
    chance: np.random.Generator,
) -> None:
    """Cut what lies between main ways until blocks have their size; each cut is a street."""
    strips = shapely.union_all([corridors["river"], corridors["rail"]])
    waiting = [
        face
        for face in faces_of(list(drawing.lines))
        if not strips.contains(face.representative_point())
    ]
    corners = [Point(xy) for xy in shapely.get_coordinates(shapely.get_point(drawing.lines, 0))]
    while waiting:
        block = waiting.pop()
        kind = kind_at(block)
        for _ in range(TRIES):
            cut = choose_cut(block, parameters()["kinds"][kind]["block_m"], corners, chance)
            pieces = [] if cut is None else split(block, cut)
            if cut is not None and len(pieces) > 1:
                drawing.add(cut, "street", "track" if kind in OPEN_KINDS else "residential", kind)
                corners += [Point(cut.coords[0]), Point(cut.coords[-1])]
                waiting += pieces
                break


def choose_cut(
    block: Polygon, size_m: list[float], corners: list[Point], chance: np.random.Generator
) -> LineString | None:
    """A line through the block across its longest side for its quarter, or none if small enough."""
    box = shapely.get_coordinates(shapely.minimum_rotated_rectangle(block))
    sides = sorted((box[1] - box[0], box[2] - box[1]), key=lambda v: float(np.hypot(*v)))
    (width, length), (short, long) = size_m, (float(np.hypot(*side)) for side in sides)
    if max(short / width, long / length) < LOOSE or short < width * 0.55:
        return None
    along, across = (sides[1], sides[0]) if long / length >= short / width else (sides[0], sides[1])
    middle = box[:4].mean(axis=0) + along * chance.uniform(-0.12, 0.12)
    reach = across / np.hypot(*across) * (long + short)
    ruler = rotate(LineString([middle - reach, middle + reach]), chance.uniform(-6, 6))
    inside = [p for p in shapely.get_parts(ruler.intersection(block)) if p.length > 1]
    if not inside:
        return None
    cut = max(inside, key=lambda part: float(part.length))
    return join_corners(cut, block, corners)


def join_corners(cut: LineString, block: Polygon, corners: list[Point]) -> LineString:
    """Move the ends of a cut to junctions on the block's edge, if near and still inside."""
    ends = [Point(cut.coords[0]), Point(cut.coords[-1])]
    points = np.array(corners, dtype=object)
    on_edge = points[shapely.dwithin(points, block.exterior, GRID_M * 3)]
    for side, end in enumerate(ends):
        if len(on_edge):
            away = shapely.distance(on_edge, end)
            if away.min() < JUNCTION_M:
                ends[side] = on_edge[away.argmin()]
    moved = LineString(np.round(shapely.get_coordinates(ends) / GRID_M) * GRID_M)
    fits = moved.length > 20 and block.buffer(GRID_M * 3).contains(moved)
    deep = fits and block.exterior.intersection(moved.buffer(4)).length < 40
    return moved if deep else cut


def split(block: Polygon, cut: LineString) -> list[Polygon]:
    """The two pieces of a block."""
    roomy = block.buffer(GRID_M * 2)
    pieces = faces_of([block.exterior, cut])
    return [piece for piece in pieces if roomy.contains(piece.representative_point())]


def add_lanes(
    drawing: Drawing, corridors: dict[str, BaseGeometry], chance: np.random.Generator
) -> None:
    """Dead ends into the larger blocks of quarters that have some."""
    strips = shapely.union_all([corridors["river"], corridors["rail"]])
    for block in faces_of(list(drawing.lines)):
        if strips.contains(block.representative_point()):
            continue
        kind = kind_at(block)
        width = parameters()["kinds"][kind]["block_m"][0]
        draw, place = chance.uniform(size=2)
        if draw > parameters()["kinds"][kind]["lanes"] or block.area < 0.8 * width**2:
            continue
        box = shapely.get_coordinates(shapely.minimum_rotated_rectangle(block))
        middle = block.centroid
        ends = (box[[0, 1]].mean(axis=0), box[[1, 2]].mean(axis=0))
        long_way = np.hypot(*(box[1] - box[0])) < np.hypot(*(box[2] - box[1]))
        start = ends[0] if long_way else ends[1]
        towards = np.array([middle.x, middle.y]) - start
        ruler = LineString([start - towards * 0.2, start + towards * (1.0 + 0.25 * place)])
        part = ruler.intersection(block)
        if isinstance(part, LineString) and part.length > 55:
            drawing.add(part, "street", "living_street", kind)


def split_at_junctions(drawing: Drawing) -> gpd.GeoDataFrame:
    """One row a piece between two junctions, running the way its line was drawn."""
    pieces = noded(drawing.lines)
    lines = np.array(drawing.lines, dtype=object)
    middles = shapely.line_interpolate_point(pieces, 0.5, normalized=True)
    owner = shapely.STRtree(lines).nearest(middles)
    first = shapely.line_locate_point(lines[owner], shapely.get_point(pieces, 0))
    last = shapely.line_locate_point(lines[owner], shapely.get_point(pieces, -1))
    forward = np.where(first <= last, pieces, shapely.reverse(pieces))
    edges = gpd.GeoDataFrame(
        {
            "line": owner,
            "along_m": np.minimum(first, last).round(2),
            "role": [drawing.roles[i] for i in owner],
            "kind": [drawing.kinds[i] for i in owner],
        },
        geometry=list(forward),
    )
    return edges.sort_values(["line", "along_m"], ignore_index=True)


def name_edges(edges: gpd.GeoDataFrame, drawing: Drawing, chance: np.random.Generator) -> None:
    """Name each street: main ways as drawn, the others after the kind of their quarter."""
    pools = {kind: name_pool(kind, chance) for kind in parameters()["names"]["stems"]}
    names: dict[int, str] = {}
    for line in sorted(set(edges.loc[edges["role"] == "street", "line"])):
        name, kind = drawing.names[line], drawing.kinds[line]
        if name in pools:
            name = pools[name].pop(0) if pools[name] else f"Voie {line}"
            if kind in DEAD_END_TYPES:
                name = name.replace("Rue", DEAD_END_TYPES[kind], 1)
        names[line] = name
    edges["street"] = edges["line"].map(names).astype("str")


def name_pool(kind: str, chance: np.random.Generator) -> list[str]:
    """Names for a kind of quarter, plain streets first."""
    stems = parameters()["names"]["stems"][kind]
    return [
        f"{way} {stem}"
        for way in parameters()["names"]["types"].get(kind, parameters()["names"]["types"]["any"])
        for stem in chance.permutation(stems).tolist()
    ]


class Bend:
    """A smooth displacement of the plane that gives straight streets their curves."""

    def __init__(self, chance: np.random.Generator) -> None:
        self.amplitude = parameters()["layout"]["warp_m"]
        self.origin = np.array(parameters()["commune"]["origin"])
        self.waves = chance.normal(0, 1, (6, 2)) / chance.uniform(110, 260, (6, 1))
        self.phases = chance.uniform(0, 2 * np.pi, (2, 6))

    def points(self, xy: np.ndarray) -> np.ndarray:
        """Bent points, in EPSG:2154, on the grid."""
        angles = xy @ self.waves.T
        shift = np.stack([np.sin(angles + phase).sum(axis=1) for phase in self.phases], axis=1)
        bent: np.ndarray = np.round(xy + self.origin + self.amplitude / np.sqrt(6) * shift, 2)
        return bent

    def line(self, line: LineString) -> LineString:
        """A bent line, its ends where those of its neighbours go."""
        return LineString(self.points(shapely.get_coordinates(shapely.segmentize(line, 14))))

    def polygon(self, shape: BaseGeometry) -> BaseGeometry:
        """A bent polygon."""
        return shapely.make_valid(shapely.transform(shapely.segmentize(shape, 14), self.points))


def build_blocks(edges: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """The blocks between all lines; each takes the quarter its middle lies in."""
    faces = shapely.get_parts(shapely.polygonize(edges.geometry.values))
    faces = shapely.normalize(faces)
    middles = shapely.get_coordinates(shapely.centroid(faces))
    order = np.lexsort((middles[:, 1], middles[:, 0]))
    faces, middles = faces[order], middles[order]
    quarter = quarter_at(middles - np.array(parameters()["commune"]["origin"]))
    kinds = [parameters()["quarters"][q]["kind"] for q in quarter]
    return gpd.GeoDataFrame(
        {"block": np.arange(len(faces)), "quarter": quarter, "kind": kinds},
        geometry=list(faces),
        crs=METRIC_CRS,
    )


def link_blocks(edges: gpd.GeoDataFrame, blocks: gpd.GeoDataFrame) -> list[tuple[int, int]]:
    """Pairs of blocks that touch on land; marks those by the river or the track as banks."""
    middles = shapely.line_interpolate_point(edges.geometry.values, 0.5, normalized=True)
    piece, block = shapely.STRtree(blocks.geometry.values).query(
        middles, predicate="dwithin", distance=0.05
    )
    pairs = pd.DataFrame({"piece": piece, "block": block}).sort_values(["piece", "block"])
    sides = pairs.groupby("piece")["block"].agg(["first", "last", "size"])
    sides["role"] = edges["role"].to_numpy()[sides.index]
    sides = sides[sides["size"] == 2]
    wet = sides[sides["role"].isin(["river", "rail"])]
    blocks["is_bank"] = blocks["block"].isin([*wet["first"], *wet["last"]])
    dry = sides[~sides["role"].isin(["river", "rail"])]
    links = sorted({(int(a), int(b)) for a, b in zip(dry["first"], dry["last"], strict=True)})
    return links


def components(size: int, links: list[tuple[int, int]]) -> np.ndarray:
    """Number of the connected part that each of `size` things belongs to."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    a, b = np.array(links, dtype=int).reshape(-1, 2).T
    graph = coo_matrix((np.ones(len(a)), (a, b)), shape=(size, size))
    labels: np.ndarray = connected_components(graph, directed=False)[1]
    return labels


def streets_of(ground: Ground) -> gpd.GeoDataFrame:
    """The `Streets` table: one row a piece of street between two junctions."""
    walked = ground.edges[ground.edges["role"] == "street"]
    streets = gpd.GeoDataFrame(
        {"street": walked["street"], "kind": walked["kind"]},
        geometry=walked.geometry,
        crs=METRIC_CRS,
    )
    return streets.reset_index(drop=True)
