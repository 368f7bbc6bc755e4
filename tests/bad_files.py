"""Small files that eat a machine, and files that crashed a reader: invented, made when asked for.

`python -m tests.bad_files` reads them all apart and prints what each took and what is said of it.
"""

from __future__ import annotations

import gzip
import io
import json
import math
import resource
import sqlite3
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from targeting.errors import SourceError
from targeting.sources.addresses.reading import read_addresses
from targeting.sources.apart import last_reading, read_apart
from targeting.sources.outlines.reading import read_outlines
from targeting.sources.results.reading import group_files, read_results
from targeting.sources.streets.reading import read_streets

HEADER = "id_brut_bv_reu;code_commune_ref;longitude;latitude;nb_adresses\n"
ROW = "29039_1;29039;-3.9;47.9;1\n"


@dataclass(frozen=True)
class BadFile:
    """name: of the file; write: makes it; reader; said: what the refusal says; large: by hand."""

    name: str
    write: Callable[[Path], Any]
    reader: Callable[..., Any]
    said: str
    large: bool = False


def _layer(rings: list[list[list[float]]]) -> dict[str, Any]:
    properties = {"codeBureauVote": "29039_1"}
    shape = {"type": "Polygon", "coordinates": rings}
    feature = {"type": "Feature", "properties": properties, "geometry": shape}
    return {"type": "FeatureCollection", "features": [feature]}


def many_times_one_arc(path: Path) -> None:
    steps = [[0, 0], *([1, 1], [1, -1]) * 10_000]
    feature = {
        "type": "Polygon", "arcs": [[0] * 400], "properties": {"codeBureauVote": "29039_1"},
    }  # fmt: skip
    objects = {"a": {"type": "GeometryCollection", "geometries": [feature] * 100}}
    transform = {"scale": [1e-7, 1e-7], "translate": [-3.9, 47.9]}
    document = {"type": "Topology", "transform": transform, "arcs": [steps], "objects": objects}
    path.write_text(json.dumps(document))


def equal_rows(path: Path, rows: int = 39_000_000) -> None:
    """Rows of one value take hardly a byte together."""
    batch = 1_000_000
    columns = {
        "id_brut_bv_reu": pa.array(["29039_1"] * batch), "code_commune_ref": pa.array(["29039"] * batch),
        "longitude": pa.array(np.full(batch, -3.9)), "latitude": pa.array(np.full(batch, 47.9)),
        "nb_adresses": pa.array(np.ones(batch, np.int64)),
    }  # fmt: skip
    table = pa.table(columns)
    with pq.ParquetWriter(path, table.schema, compression="zstd") as writer:
        for _ in range(rows // batch):
            writer.write_table(table)


def swollen(size: int) -> Callable[[Path], None]:
    """Rows that are as they should be, in a file that swells some sixty times."""

    def write(path: Path) -> None:
        noise = np.random.default_rng(1).integers(0, 10**6, 20_000)
        rows = "".join(f"29039_1;29039;-3.9;47.{n};1\n" + ROW * 12 for n in noise).encode()
        with gzip.open(path, "wb", compresslevel=6) as file:
            file.write(HEADER.encode())
            for _ in range(size // len(rows)):
                file.write(rows)

    return write


def tangled(points: int) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        places = np.random.default_rng(7).uniform((-3.9, 47.9), (-3.8, 48.0), (points, 2)).tolist()
        path.write_text(json.dumps(_layer([[*places, places[0]]])))

    return write


def many_holes(holes: int) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        side = math.isqrt(holes) + 1
        step = 0.1 / (side + 1)
        shell = [[-4.0, 47.8], [-3.8, 47.8], [-3.8, 48.0], [-4.0, 48.0], [-4.0, 47.8]]
        rings = [shell]
        for n in range(holes):
            x, y = -3.95 + step * (n % side), 47.85 + step * (n // side)
            d = step / 2
            rings.append([[x, y], [x, y + d], [x + d, y + d], [x + d, y], [x, y]])
        path.write_text(json.dumps(_layer(rings)))

    return write


def long_line(size: int) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        with open(path, "wb") as file:
            file.write(HEADER.encode())
            file.writelines(b"x" * min(size, 2**20) for _ in range(max(1, size // 2**20)))

    return write


def wide_sheet(rows: int) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        cells = "".join(
            f'<row r="{n}"><c r="ALP{n}"><v>1</v></c></row>' for n in range(1, rows + 1)
        )
        sheet = f'<worksheet xmlns="{_MAIN}"><sheetData>{cells}</sheetData></worksheet>'
        book = (
            f'<workbook xmlns="{_MAIN}" xmlns:r="{_DOC}/relationships"><sheets>'
            '<sheet name="a" sheetId="1" r:id="rId1"/></sheets></workbook>'
        )
        types = (
            f'<Types xmlns="{_PACK}/content-types"><Default Extension="rels" ContentType="'
            'application/vnd.openxmlformats-package.relationships+xml"/><Override '
            'PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-'
            'officedocument.spreadsheetml.sheet.main+xml"/><Override PartName="/xl/worksheets/'
            'sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.'
            'spreadsheetml.worksheet+xml"/></Types>'
        )
        link = '<Relationships xmlns="{}/relationships"><Relationship Id="rId1" Type="{}" Target="{}"/></Relationships>'
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            archive.writestr("[Content_Types].xml", types)
            root = link.format(_PACK, f"{_DOC}/relationships/officeDocument", "xl/workbook.xml")
            archive.writestr("_rels/.rels", root)
            archive.writestr("xl/workbook.xml", book)
            inner = link.format(_PACK, f"{_DOC}/relationships/worksheet", "worksheets/sheet1.xml")
            archive.writestr("xl/_rels/workbook.xml.rels", inner)
            archive.writestr("xl/worksheets/sheet1.xml", sheet)

    return write


_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_DOC = "http://schemas.openxmlformats.org/officeDocument/2006"
_PACK = "http://schemas.openxmlformats.org/package/2006"


def many_columns(columns: int) -> Callable[[Path], Any]:
    return lambda path: path.write_bytes(b"abc;" * columns + b"z\n" + b"1;" * columns + b"1\n")


def endless_view(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE ground (geom BLOB)")
        db.execute(
            "CREATE VIEW gpkg_contents AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 "
            "FROM n) SELECT 'ground' AS table_name, 'features' AS data_type FROM n WHERE i < 0"
        )
        db.commit()


def locked_zip(path: Path) -> None:
    """A zip whose one member says that it needs a password."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        archive.writestr("a.csv", HEADER + ROW)
    content = bytearray(whole.getvalue())
    content[6] |= 1
    content[content.find(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)


def far_edge(path: Path) -> None:
    keys = "".join(
        f'<key id="{k}" for="node" attr.name="{k}" attr.type="string"/>' for k in ("x", "y")
    )
    nodes = "".join(
        f'<node id="{n}"><data key="x">{x}</data><data key="y">0</data></node>'
        for n, x in enumerate((1e300, -1e300))
    )
    path.write_text(
        f'<graphml xmlns="http://graphml.graphdrawing.org/xmlns">{keys}<graph>{nodes}'
        '<edge source="0" target="1"/></graph></graphml>'
    )


CORPUS = (
    BadFile("one_arc.topojson", many_times_one_arc, read_outlines, "points: more than"),
    BadFile("equal.parquet", equal_rows, read_addresses, "rows in", large=True),
    BadFile("few-equal.parquet", lambda p: equal_rows(p, 1_000_000), read_addresses, "rows in"),
    BadFile("swollen.csv.gz", swollen(590 * 2**20), read_addresses, "swells to more", large=True),
    BadFile("valid-rows.csv.gz", swollen(390 * 2**20), read_addresses, "MB of memory", large=True),
    BadFile("tangled-30000.geojson", tangled(30_000), read_outlines, "crosses itself", large=True),
    BadFile("tangled-4000.geojson", tangled(4_000), read_outlines, "crosses itself"),
    BadFile("line-500MB.csv", long_line(500 * 2**20), read_results, "more than", large=True),
    BadFile("line-1GB.csv", long_line(2**30), read_addresses, "more than", large=True),
    BadFile("line-2MB.csv", long_line(2**21), read_results, "a line of more than"),
    BadFile("wide.xlsx", wide_sheet(150_000), read_results, "cells", large=True),
    BadFile("holes-60000.geojson", many_holes(60_000), read_outlines, "holes", large=True),
    BadFile("holes-1001.geojson", many_holes(1_001), read_outlines, "1,001 holes"),
    BadFile("columns-10M.csv", many_columns(10**7), read_results, "a line of more", large=True),
    BadFile("columns-1201.csv", many_columns(1_200), read_results, "1,201 columns"),
    BadFile("view.gpkg", endless_view, read_outlines, "is a view"),
    BadFile("locked.zip", locked_zip, read_results, "locked with a password"),
    BadFile("locked-outlines.zip", locked_zip, read_outlines, "locked with a password"),
    BadFile("far.graphml", far_edge, read_streets, "no degrees"),
)


def main() -> None:
    """Print, of each file: its size, seconds and MB of the child, MB of this process, the words."""
    with tempfile.TemporaryDirectory() as folder:
        for bad in CORPUS:
            place = Path(folder) / bad.name
            bad.write(place)
            began = time.perf_counter()
            said = _said(bad, place)
            took, ended = time.perf_counter() - began, last_reading()
            ours = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            child = f"{ended.seconds:5.1f} s {ended.megabytes:5.0f} MB" if ended else "-"
            size = place.stat().st_size / 1e6
            sys.stdout.write(f"{size:8.2f} MB | {child} | {took:5.1f} s {ours:4.0f} MB | {said}\n")
            sys.stdout.flush()
            place.unlink()


def _said(bad: BadFile, place: Path) -> str:
    try:
        if bad.reader is read_results:
            read_apart(group_files, [place])
        found = read_apart(bad.reader, place)
        return f"{bad.name}: READ ({type(found).__name__})"
    except SourceError as error:
        return str(error)


if __name__ == "__main__":
    main()
