"""Streets read from OpenStreetMap, from OSMnx's graphs and from layers of lines."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely

from targeting.errors import SourceError
from targeting.sources.streets.reading import StreetFile, read_streets
from targeting.sources.streets.ways import way_kind
from targeting.tables import Streets
from targeting.turf.graph.noding import Network, node_streets
from tests.osm_files import ORIGIN, cross_town, degrees, edge, graphml, osm_xml, write_pbf

HOUSE = {"highway": "residential"}


def written(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize(
    ("tags", "kind"),
    [
        ({"highway": "residential"}, "residential"),
        ({"highway": "tertiary_link"}, "tertiary"),
        ({"highway": "steps", "bridge": "yes"}, "stairs"),
        ({"highway": "footway", "tunnel": "yes"}, "tunnel"),
        ({"highway": "footway", "tunnel": "building_passage"}, "footway"),
        ({"highway": "primary", "bridge": "viaduct"}, "bridge"),
        ({"highway": "service", "access": "private"}, "private"),
        ({"highway": "service", "access": "private", "foot": "yes"}, "service"),
        ({"highway": "residential", "access": "no"}, "private"),
        ({"highway": "path", "foot": "private"}, "private"),
        ({"highway": "path", "foot": "no"}, "not_walked"),
        ({"highway": "cycleway"}, "not_walked"),
        ({"highway": "cycleway", "foot": "designated"}, "cycleway"),
        ({"highway": "footway", "indoor": "yes"}, "not_walked"),
        ({"highway": "proposed"}, "not_walked"),
        ({"highway": "motorway"}, "motorway"),
        ({"highway": "motorway_link", "tunnel": "yes"}, "not_walked"),
        ({"highway": "trunk"}, "motorway"),
        ({"highway": "trunk", "sidewalk": "both"}, "wide"),
        ({"highway": "trunk", "foot": "yes", "bridge": "yes"}, "bridge"),
        ({"highway": "primary", "lanes": "4"}, "wide"),
        ({"highway": "primary", "lanes": "3", "oneway": "yes"}, "wide"),
        ({"highway": "primary", "lanes": "3"}, "primary"),
        ({"highway": "secondary", "dual_carriageway": "yes"}, "wide"),
        ({"highway": "residential", "lanes": "4"}, "residential"),
        ({"highway": "primary", "lanes": "many"}, "primary"),
        ({"waterway": "river"}, "water"),
        ({"waterway": "canal", "tunnel": "culvert"}, None),
        ({"waterway": "stream"}, None),
        ({"natural": "water"}, "water"),
        ({"natural": "water", "water": "fountain"}, None),
        ({"railway": "rail"}, "rail"),
        ({"railway": "rail", "bridge": "yes"}, None),
        ({"railway": "subway", "tunnel": "yes"}, None),
        ({"railway": "tram"}, None),
        ({"building": "yes"}, None),
    ],
)
def test_tags_tell_what_a_line_is_on_foot(tags: dict[str, str], kind: str | None) -> None:
    assert way_kind(tags) == kind


@pytest.mark.parametrize("form", ["osm", "osm.gz", "osm.pbf"])
def test_a_town_is_the_same_whatever_the_file(tmp_path: Path, form: str) -> None:
    path = tmp_path / f"town.{form}"
    if form == "osm.pbf":
        write_pbf(path, cross_town())
    else:
        content = cross_town().encode()
        written(path, gzip.compress(content) if form.endswith("gz") else content)
    read = read_streets(path)
    Streets.check(read.streets)
    assert read.streets["kind"].tolist() == [
        "residential", "residential", "bridge", "residential", "tertiary", "water",
    ]  # fmt: skip
    assert read.walked.length.round().tolist() == [400, 280, 40, 180, 400]
    assert read.streets["street"].iloc[1] == "Rue du Pont"
    assert read.credit == "© OpenStreetMap contributors, ODbL"
    assert read.streets.crs.to_epsg() == 2154
    assert abs(read.walked.geometry.iloc[0].coords[0][0] - ORIGIN[0]) < 0.02


def test_ways_meet_where_they_share_a_node_and_nowhere_else(tmp_path: Path) -> None:
    nodes = {"a": (0, 0), "o": (50, 0), "b": (100, 0), "c": (50, -50), "d": (50, 50)}
    crossing = osm_xml(nodes, [("aob", HOUSE), ("cod", HOUSE)])
    overpass = osm_xml(nodes, [("ab", HOUSE), ("cd", HOUSE)])  # no tag says so
    parts = [
        node_streets(read_streets(written(tmp_path / "x.osm", town)).streets, {}).parts().round()
        for town in (crossing, overpass)
    ]
    assert [p.tolist() for p in parts] == [[200.0], [100.0, 100.0]]


def test_a_way_is_cut_where_the_file_lacks_its_nodes(tmp_path: Path) -> None:
    nodes = {name: (50.0 * k, 0.0) for k, name in enumerate("abcdef")}
    town = osm_xml(nodes, [("abcdef", HOUSE)], missing="c")
    read = read_streets(written(tmp_path / "clipped.osm", town))
    assert read.streets.length.round().tolist() == [50, 100]
    assert read.gaps == 1


def test_ways_may_come_before_their_nodes(tmp_path: Path) -> None:
    nodes = {"a": (0, 0), "b": (100, 0)}
    town = osm_xml(nodes, [("ab", HOUSE)], ways_first=True)
    assert read_streets(written(tmp_path / "town.osm", town)).streets.length.round().tolist() == [
        100
    ]


def test_water_drawn_as_a_relation_bounds_its_shores_and_a_pond_stops_nobody(
    tmp_path: Path,
) -> None:
    nodes = {
        "a": (0, 0), "b": (100, 0), "p": (0, 50), "q": (400, 50), "r": (0, 90), "s": (400, 90),
        "i": (10, 10), "j": (14, 10), "k": (14, 14),
    }  # fmt: skip
    ways = [("ab", HOUSE), ("pq", {}), ("rs", {}), ("ijki", {"natural": "water"})]
    town = osm_xml(nodes, ways, relations=[([2, 3], {"natural": "water", "type": "multipolygon"})])
    read = read_streets(written(tmp_path / "river.osm", town))
    assert read.streets["kind"].tolist() == ["residential", "water", "water"]


def test_overpass_and_planet_files_tell_their_date(tmp_path: Path) -> None:
    nodes = {"a": (0, 0), "b": (100, 0)}
    head = '<osm version="0.6"><meta osm_base="2026-03-01T10:00:00Z"/>'
    read = read_streets(written(tmp_path / "x.osm", osm_xml(nodes, [("ab", HOUSE)], head=head)))
    assert read.credit == "© OpenStreetMap contributors, ODbL (2026-03-01)"


def test_bad_osm_files_are_refused_with_the_way_out(tmp_path: Path) -> None:
    whole = write_pbf(tmp_path / "whole.osm.pbf", cross_town()).read_bytes()
    nothing = '<?xml version="1.0"?><osm version="0.6"></osm>'
    private = osm_xml({"a": (0, 0), "b": (9, 0)}, [("ab", HOUSE | {"access": "private"})])
    bomb = '<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "aaaa">]>' + cross_town()[38:].replace(
        "Rue Basse", "&a;"
    )
    bad = {
        "cut.osm.pbf": (whole[: len(whole) - 20], "cut short"),
        "zero.osm.pbf": (b"", "empty"),
        "empty.osm": (nothing, "0 ways and none that one walks"),
        "private.osm": (private, "1 private"),
        "cut.osm": (cross_town()[:900], "damaged or cut short"),
        "id.osm": (cross_town().replace('id="1001"', 'id="c001"'), "illegal id"),
        "place.osm": (cross_town().replace('lon="5', 'lon="x5'), "damaged"),
        "bomb.osm": (bomb, "entities are not supported"),
        "town.osm.bz2": (b"BZh91AY&SY", "bzip2"),
        "page.osm": ("<!doctype html><html>gone</html>", "web page"),
    }
    for name, (content, reason) in bad.items():
        with pytest.raises(SourceError, match=reason) as refused:
            read_streets(written(tmp_path / name, content))
        assert name in str(refused.value)


def test_a_swelling_archive_is_refused(tmp_path: Path) -> None:
    bomb = gzip.compress(b'<?xml version="1.0"?><osm version="0.6">' + b" " * 20_000_000)
    with pytest.raises(SourceError, match="archive bomb"):
        read_streets(written(tmp_path / "bomb.osm.gz", bomb))


def test_where_lambert_93_measures_wrong_the_file_is_refused(tmp_path: Path) -> None:
    island = '<node id="1" lon="55.5" lat="-21.1"/><node id="2" lon="55.6" lat="-21.1"/>'
    way = '<way id="1"><nd ref="1"/><nd ref="2"/><tag k="highway" v="path"/></way>'
    town = f'<?xml version="1.0"?><osm version="0.6">{island}{way}</osm>'
    with pytest.raises(SourceError, match=r"88%.*Overseas"):
        read_streets(written(tmp_path / "reunion.osm", town))
    lisbon = town.replace("55.5", "-9.1").replace("55.6", "-9.2").replace("-21.1", "38.7")
    read = read_streets(written(tmp_path / "lisbon.osm", lisbon))
    assert read.notes == ["so far from France, Lambert-93 errs by 0.8% in lengths"]


# -- GraphML -------------------------------------------------------------------------------------


def test_a_graph_of_osmnx_gives_each_street_once(tmp_path: Path) -> None:
    bend = shapely.LineString([degrees(100, 0), degrees(130, 50), degrees(100, 100)])
    edges = (
        edge("1", "2", h="residential", n="[\"Rue de l'Abbé\", 'Rue Basse']")
        + edge("2", "1", h="residential", n="['Rue Basse', \"Rue de l'Abbé\"]")
        + edge("2", "3", h="['steps', 'footway']", g=bend.wkt)
        + edge("3", "2", h="['steps', 'footway']", g=bend.reverse().wkt)
    )
    read = read_streets(
        written(tmp_path / "walk.graphml.gz", gzip.compress(graphml(edges).encode()))
    )
    assert read.streets["kind"].tolist() == ["residential", "stairs"]
    assert read.streets["street"].fillna("-").tolist() == ["Rue de l'Abbé", "-"]
    assert read.streets.length.round().tolist() == [100, 117]
    assert node_streets(read.streets, {}).parts().round().tolist() == [217.0]
    assert read.published == "2025-06-01"


def test_bad_graphs_are_refused_with_the_way_out(tmp_path: Path) -> None:
    good = edge("1", "2", h="path")
    bomb = '<!DOCTYPE g [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>'
    bad = {
        "cut": (graphml(good)[:-40], "cut short"),
        "bomb": (graphml(good.replace("path", "&b;"), head=bomb), "damaged"),
        "places": (graphml(good, nodes='<node id="1"/>'), "without its place"),
        "words": (
            graphml(good, nodes='<node id="1"><data key="x">e</data><data key="y">1</data></node>'),
            "without its place",
        ),
        "far": (graphml(good).replace(">43.", ">430."), "are no degrees"),
        "letters": (graphml(good).replace('"utf-8"', '"ut8"'), "unknown encoding"),
        "nan": (graphml(good).replace(">43.", ">nan<!-- -->"), "without its place"),
        "stranger": (graphml(edge("1", "9", h="path")), "an edge of the graph is damaged"),
        "wkt": (graphml(edge("1", "2", g="LINESTRING (1 2, 3")), "an edge of the graph is damaged"),
        "alone": (graphml(""), "without one edge"),
        "crs": (graphml(good).replace("epsg:4326", "epsg:nowhere"), "not understood"),
    }
    for name, (content, reason) in bad.items():
        with pytest.raises(SourceError, match=reason):
            read_streets(written(tmp_path / f"{name}.graphml", content))


# -- layers of lines -----------------------------------------------------------------------------


def geojson(rows: list[dict[str, str | None]], shapes: list[list[tuple[float, float]]]) -> str:
    features = [
        {
            "type": "Feature",
            "properties": row,
            "geometry": {"type": "LineString", "coordinates": [degrees(*p) for p in shape]},
        }
        for row, shape in zip(rows, shapes, strict=True)
    ]
    return json.dumps({"type": "FeatureCollection", "features": features})


def test_a_layer_of_lines_is_known_by_its_columns(tmp_path: Path) -> None:
    west, cross = [(0, 0), (100, 0)], [(50, -50), (50, 50)]
    layers = {
        "geofabrik": [{"fclass": "steps", "name": "Montée"}, {"fclass": "footway", "bridge": "T"}],
        "ign": [
            {"nature": "Escalier", "nom_voie": "Montée", "position_par_rapport_au_sol": "0"},
            {"nature": "Route à 1 chaussée", "position_par_rapport_au_sol": "1"},
        ],
        "ours": [{"street": "Montée", "kind": "stairs"}, {"kind": "bridge"}],
    }
    for name, rows in layers.items():
        read = read_streets(written(tmp_path / f"{name}.geojson", geojson(rows, [west, cross])))
        assert read.streets["kind"].tolist() == ["stairs", "bridge"], name
        assert read.streets["street"].fillna("").tolist() == ["Montée", ""]
        assert read.credit == ""
        # a bridge drawn across meets nothing, whatever the format
        assert len(node_streets(read.streets, {}).parts()) == 2


def test_plain_lines_meet_where_they_cross_and_keep_no_name(tmp_path: Path) -> None:
    shapes = [[(0, 0), (100, 0)], [(50, -50), (50, 50)]]
    read = read_streets(written(tmp_path / "x.geojson", geojson([{"a": "b"}, {"a": "c"}], shapes)))
    assert read.streets["kind"].tolist() == ["street", "street"]
    assert len(node_streets(read.streets, {}).parts()) == 1
    assert read.notes == ["no column of names: no address finds its own street"]


def test_a_geopackage_of_lines_is_read_and_one_of_outlines_is_refused(tmp_path: Path) -> None:
    line = shapely.LineString([ORIGIN, (ORIGIN[0] + 80, ORIGIN[1])])
    layer = gpd.GeoDataFrame({"nom": ["Rue Haute"]}, geometry=[line], crs="EPSG:2154")
    layer.to_file(tmp_path / "lines.gpkg", driver="GPKG")
    assert read_streets(tmp_path / "lines.gpkg").streets.length.round().tolist() == [80]
    layer.assign(geometry=layer.buffer(5)).to_file(tmp_path / "outlines.gpkg", driver="GPKG")
    with pytest.raises(SourceError, match="streets are lines, and 1 of 1 features are not"):
        read_streets(tmp_path / "outlines.gpkg")


# -- what Overpass gives, and what is no extract --------------------------------------------------


def overpass(*, geom: bool, nodes: bool = True, **more: object) -> str:
    """Two streets that share a node, as Overpass's JSON; `geom`: with positions on the ways."""
    places = {1: (0, 0), 2: (100, 0), 3: (100, 80)}

    def place(k: int) -> dict[str, float]:
        lon, lat = degrees(*places[k])
        return {"lat": lat, "lon": lon}

    ways = [
        {"type": "way", "id": 7 - k, "nodes": list(ends), "tags": HOUSE | {"name": f"Rue {k}"}}
        | ({"geometry": [place(n) for n in ends]} if geom else {})
        for k, ends in enumerate([(1, 2), (2, 3)])
    ]
    points = [{"type": "node", "id": k, **place(k)} for k in places] if nodes and not geom else []
    base = {"osm3s": {"timestamp_osm_base": "2026-01-02T00:00:00Z"}}
    return json.dumps({"version": 0.6, **base, "elements": [*ways, *points], **more})


@pytest.mark.parametrize("geom", [True, False])
def test_overpass_s_json_is_read_with_its_date(tmp_path: Path, geom: bool) -> None:
    read = read_streets(written(tmp_path / "town.json", overpass(geom=geom)))
    assert sorted(read.streets["street"]) == ["Rue 0", "Rue 1"]
    assert node_streets(read.streets, {}).parts().round().tolist() == [180]
    assert read.credit.endswith("(2026-01-02)")


def test_ways_with_the_positions_of_their_nodes_are_read(tmp_path: Path) -> None:
    places = [degrees(0, 0), degrees(100, 0)]
    points = "".join(f'<nd ref="{k}" lat="{y}" lon="{x}"/>' for k, (x, y) in enumerate(places, 1))
    text = f'<osm version="0.6"><way id="1">{points}<tag k="highway" v="road"/></way></osm>'
    read = read_streets(written(tmp_path / "geom.osm", text))
    assert read.walked.length.round().tolist() == [100]


def test_what_is_no_whole_extract_is_named_for_what_it_is(tmp_path: Path) -> None:
    remark = "runtime error: Query timed out in &quot;query&quot; at line 3 after 26 seconds."
    town = cross_town()
    bad = {
        "ways.json": (overpass(geom=False, nodes=False), r"2 ways and none of their nodes.*\(\._;>;\)"),
        "ways.osm": (osm_xml({"a": (0, 0), "b": (9, 0)}, [("ab", HOUSE)], missing="ab"),
                     "1 ways and none of their nodes"),
        "late.json": (overpass(geom=True, remark="runtime error: timeout"), "incomplete"),
        "late.osm": (town.replace("</osm>", f"<remark>{remark}</remark></osm>"), "incomplete"),
        "cut.json": (overpass(geom=True)[:-30], "cut short"),
        "day.osc": ('<?xml version="1.0"?><osmChange version="0.6"></osmChange>', "changes"),
        "day.adiff": ("<osmAugmentedDiff></osmAugmentedDiff>", "augmented diff"),
        "query.xml": ('<osm-script timeout="5"></osm-script>', "Overpass query"),
        "day.o5c": (b"\xff\xe0\x04o5c2\xfe", "changes"),
        "old.osm": (town.replace('<way id="1"', '<way id="1" visible="false"'), "history file"),
        "trace.gpx": ('<?xml version="1.0"?><gpx version="1.1"></gpx>', "GPX"),
    }  # fmt: skip
    for name, (content, reason) in bad.items():
        with pytest.raises(SourceError, match=reason) as refused:
            read_streets(written(tmp_path / name, content))
        assert name in str(refused.value)


def test_lines_are_taken_of_a_layer_that_has_points_and_areas_too(tmp_path: Path) -> None:
    layer = json.loads(geojson([HOUSE], [[(0, 0), (100, 0)]]))
    ring = [degrees(*p) for p in [(0, 0), (50, 0), (50, 50), (0, 50), (0, 0)]]
    others = {
        "crossing": {"type": "Point", "coordinates": degrees(50, 0)},
        "pedestrian": {"type": "Polygon", "coordinates": [ring]},
        "": {"type": "Polygon", "coordinates": [ring]},
    }
    layer["features"] += [
        {"type": "Feature", "properties": {"highway": kind} if kind else {}, "geometry": shape}
        for kind, shape in others.items()
    ]
    read = read_streets(written(tmp_path / "turbo.geojson", json.dumps(layer)))
    assert read.streets["kind"].tolist() == ["residential", "pedestrian"]
    assert read.streets.length.round().tolist() == [100, 200]
    assert "2 features that are no lines left out" in read.notes


@pytest.mark.parametrize(
    ("properties", "credit"),
    [
        ({"@id": "way/4"}, "© OpenStreetMap contributors, ODbL"),
        ({"full_id": "w4"}, "© OpenStreetMap contributors, ODbL"),
        ({"osm_id": 4}, "© OpenStreetMap contributors, ODbL"),
        ({"osmid": "[4, 5]"}, "© OpenStreetMap contributors, ODbL"),
        ({"osm_id": None}, ""),
        ({"@id": "https://city.example/4"}, ""),
        ({"id": "way/4"}, ""),
    ],
)
def test_lines_that_bear_openstreetmap_s_numbers_bear_its_credit(
    tmp_path: Path, properties: dict[str, object], credit: str
) -> None:
    ours = geojson([HOUSE, HOUSE | properties], [[(0, 0), (100, 0)], [(0, 9), (100, 9)]])
    read = read_streets(written(tmp_path / "turbo.geojson", ours))
    assert (read.credit, read.licence) == (credit, "ODbL" if credit else "unstated")
    assert read.format == "lines"


# -- private ways ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tags", "kind"),
    [
        ({"access": "permit"}, "private"),
        ({"access": "residents"}, "private"),
        ({"access": "customers"}, "private"),
        ({"access": "destination"}, "residential"),
        ({"access": "private", "foot": "designated"}, "residential"),
        ({"access": "no", "access:conditional": "yes @ (08:00-20:00)"}, "residential"),
        ({"access": "yes", "foot": "residents"}, "private"),
        ({"motor_vehicle": "private"}, "residential"),
        ({"service": "driveway"}, "residential"),
    ],
)
def test_access_is_what_openstreetmap_says_of_it(tags: dict[str, str], kind: str) -> None:
    assert way_kind(HOUSE | tags) == kind


def test_access_is_honoured_in_graphs_and_in_layers(tmp_path: Path) -> None:
    edges = edge("1", "2", h="residential") + edge("2", "3", h="residential").replace(
        "</edge>", "<data key=\"access\">['yes', 'private']</data></edge>"
    )
    key = '<key id="access" for="edge" attr.name="access" attr.type="string"/>'
    text = graphml(edges).replace("<graph>", f"{key}<graph>")
    assert read_streets(written(tmp_path / "w.graphml", text)).streets["kind"].tolist() == [
        "residential", "private",
    ]  # fmt: skip
    rows = [{"nom_voie": "Rue Basse"}, {"nom_voie": "Allée", "access": "private"}]
    layer = geojson(rows, [[(0, 0), (100, 0)], [(0, 50), (100, 50)]])
    read = read_streets(written(tmp_path / "w.geojson", layer))
    assert read.streets["kind"].tolist() == ["street", "private"]


def test_a_private_way_is_met_at_one_place_and_never_walked_through(tmp_path: Path) -> None:
    nodes = {"a": (0, 0), "b": (300, 0), "c": (0, 100), "d": (300, 100)}
    around = [("acd", HOUSE), ("bd", HOUSE | {"access": "private"}), ("ab", HOUSE)]
    read = read_streets(written(tmp_path / "town.osm", osm_xml(nodes, around)))
    network = node_streets(read.streets, {})
    lane = int((read.streets["kind"] == "private").to_numpy().argmax())
    ends = network.u[network.line == lane].tolist() + network.v[network.line == lane].tolist()
    others = set(network.u[network.line != lane]) | set(network.v[network.line != lane])
    assert sum(end in others for end in ends) == 1
    assert len(network.parts()) == 1


# -- gates ---------------------------------------------------------------------------------------


def gated(path: Path, gate: dict[str, str], ways: list[str]) -> tuple[StreetFile, Network]:
    """A town whose node `g` is a gate, the ways that one walks, and where they meet."""
    nodes = {"a": (0, 0), "b": (400, 0), "g": (200, 100), "c": (0, 100), "d": (400, 100),
             "e": (400, 200), "h": (500, 200)}  # fmt: skip
    text = osm_xml(nodes, [(way, HOUSE) for way in ways])
    tags = "".join(f'<tag k="{k}" v="{v}"/>' for k, v in gate.items())
    at = text.index("/>", text.index('<node id="1002"'))
    read = read_streets(written(path / "town.osm", f"{text[:at]}>{tags}</node>{text[at + 2 :]}"))
    return read, node_streets(read.streets, {})


CLOSED_GATES = [
    {"barrier": "gate", "access": "private"},
    {"barrier": "gate", "locked": "yes"},
    {"barrier": "gate", "foot": "private", "access": "yes"},
    {"barrier": "lift_gate", "foot": "no"},
]
OPEN_GATES = [
    {"barrier": "gate"},
    {"barrier": "gate", "access": "private", "foot": "yes"},
    {"barrier": "lift_gate", "access": "private"},
    {"barrier": "bollard"},
]


@pytest.mark.parametrize("barrier", ["wall", "fence", "hedge"])
def test_a_wall_drawn_across_a_street_parts_nothing(tmp_path: Path, barrier: str) -> None:
    nodes = {"a": (0, 0), "b": (100, 0), "c": (50, -50), "d": (50, 50)}
    town = osm_xml(nodes, [("ab", HOUSE), ("cd", {"barrier": barrier})])
    read = read_streets(written(tmp_path / "walled.osm", town))
    assert (read.streets["kind"].tolist(), read.notes) == (["residential"], [])
    assert node_streets(read.streets, {}).parts().round().tolist() == [100.0]


@pytest.mark.parametrize("gate", CLOSED_GATES)
def test_a_street_is_not_walked_through_a_closed_gate(tmp_path: Path, gate: dict[str, str]) -> None:
    read, network = gated(tmp_path, gate, ["cgd", "ca", "ab", "bd"])
    assert read.notes == ["1 closed gates not walked through; 0 ways behind them alone"]
    assert set(read.streets["kind"]) == {"residential"}
    assert len(read.streets) == 5
    assert len(network.parts()) == 1
    assert network.u.size == len(network.junctions) - 1  # no ring is left


@pytest.mark.parametrize("gate", OPEN_GATES)
def test_a_gate_that_stops_cars_alone_is_walked_through(
    tmp_path: Path, gate: dict[str, str]
) -> None:
    read, network = gated(tmp_path, gate, ["cgd", "ca", "ab", "bd"])
    assert (read.notes, len(read.streets)) == ([], 4)
    assert network.u.size == len(network.junctions)


def test_what_a_gate_alone_leads_to_is_private_and_met_at_the_gate(tmp_path: Path) -> None:
    read, network = gated(tmp_path, CLOSED_GATES[0], ["cg", "gd", "deh", "ca", "ab"])
    kinds = ["residential", "private", "private", "residential", "residential"]
    assert read.streets["kind"].tolist() == kinds
    assert read.notes == ["1 closed gates not walked through; 2 ways behind them alone"]
    assert len(network.parts()) == 1


def test_a_gate_at_the_entrance_of_a_lane_does_not_cut_the_street(tmp_path: Path) -> None:
    read, network = gated(tmp_path, CLOSED_GATES[0], ["cgd", "gb", "ca", "ab"])
    assert len(read.streets) == 4
    assert set(read.streets["kind"]) == {"residential"}
    street = network.line == 0
    assert np.isclose((network.end_m - network.start_m)[street].sum(), 400, atol=1)
    lane = set(network.u[network.line == 1]) | set(network.v[network.line == 1])
    assert len(lane & (set(network.u[street]) | set(network.v[street]))) == 0


@pytest.mark.parametrize("far", [1e4, 1e30, 1e308])
def test_a_graph_with_an_edge_beyond_the_earth_is_refused(tmp_path: Path, far: float) -> None:
    edges = edge("1", "2", h="residential") + edge(
        "2", "3", h="residential", g=f"LINESTRING (2.3 48.8, {far:g} {far:g}, 2.4 48.8)"
    )
    with pytest.raises(SourceError, match="no degrees"):
        read_streets(written(tmp_path / "far.graphml", graphml(edges)))
