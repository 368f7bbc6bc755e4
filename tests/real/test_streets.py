"""Streets of real towns: lengths, parts, and how the BAN's addresses stand on them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from targeting.sources.addresses.reading import read_addresses
from targeting.sources.streets.reading import read_streets
from targeting.turf.graph.from_streets import put_on_streets
from targeting.turf.graph.noding import node_streets
from tests.conftest import REAL

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not REAL.is_dir(), reason="../shared/data is absent: NOT checked"),
]

OSM = REAL / "osm"

# file, km to walk, share of the length in the largest part, ways cut at missing nodes, kinds
TOWNS = [
    ("andorra-2013.osm.pbf", 822, 0.798, 0, {"stairs", "bridge", "tunnel", "water"}),
    ("lemans-centre-2020.osm.pbf", 11.4, 0.924, 0, {"stairs", "water"}),
    ("liechtenstein-2015.osm.pbf", 1093, 0.954, 0, {"rail", "water", "bridge"}),
    # a bridge for customers alone parts 3 km of it
    ("maisons-laffitte-walk-2022.graphml.gz", 71.8, 0.9445, 0, {"bridge"}),
    ("monaco-2021.osm.pbf", 114.6, 0.971, 0, {"stairs", "bridge", "tunnel", "water", "wide"}),
    ("paris-marais-republique.osm.pbf", 73.0, 0.935, 122, {"stairs", "wide"}),
    ("paris-trocadero-walk-2022.graphml.gz", 105.6, 0.999, 0, {"stairs", "wide"}),
    ("porto.osm.pbf", 9904, 0.985, 0, {"stairs", "bridge", "motorway"}),
    ("redon.osm.gz", 23.2, 0.983, 64, {"rail", "water"}),
    ("saint-germain-en-laye-walk-2022.graphml.gz", 597.6, 0.995, 0, {"bridge"}),
]  # fmt: skip


@pytest.mark.parametrize(("file", "km", "main_share", "gaps", "kinds"), TOWNS)
def test_streets_of_each_town_are_read_and_hang_together(
    file: str, km: float, main_share: float, gaps: int, kinds: set[str]
) -> None:
    read = read_streets(OSM / file)
    walked = read.walked[read.walked["kind"] != "private"]  # private ways serve their own doors
    assert walked.length.sum() / 1000 == pytest.approx(km, rel=0.005)
    assert read.gaps == gaps
    assert kinds <= set(read.streets["kind"])
    parts = node_streets(walked, {}).parts()
    assert parts.sum() == pytest.approx(walked.length.sum(), rel=0.001)
    assert parts[0] / parts.sum() == pytest.approx(main_share, abs=0.002)


def test_addresses_of_the_marais_stand_on_the_streets_of_their_names() -> None:
    streets = read_streets(OSM / "paris-marais-republique.osm.pbf").streets
    ban = read_addresses(REAL / "addresses/ban-adresses-75-2024.csv.gz").table
    west, south, east, north = streets.total_bounds
    ban = ban[ban["x"].between(west, east) & ban["y"].between(south, north)]
    _, snaps, _ = put_on_streets(ban, streets)
    near = snaps.access_m <= 30
    assert 7_000 < near.sum() < 7_400
    assert np.median(snaps.access_m[near]) < 7.5
    assert np.quantile(snaps.access_m[near], 0.95) < 21
    assert snaps.on_own_street[near].mean() > 0.96


@pytest.mark.parametrize("name", ["monaco-2021.osm.pbf", "liechtenstein-2015.osm.pbf"])
def test_a_pbf_cut_short_is_refused(tmp_path: Path, name: str) -> None:
    from targeting.errors import SourceError

    content = (OSM / name).read_bytes()
    for share in (0.3, 0.9):
        (tmp_path / name).write_bytes(content[: int(share * len(content))])
        with pytest.raises(SourceError, match="damaged or cut short"):
            read_streets(tmp_path / name)
