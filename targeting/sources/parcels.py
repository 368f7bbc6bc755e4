"""What a reader gives, as files that are safe to open: Arrow for tables, JSON for the rest.

A reader works on a stranger's bytes in a process of its own (`apart`). What comes back from there
is a stranger's too: no pickle, no name of a class but those of `RECORDS`, no table whose offsets
were not looked at, no value that the record's own fields do not announce.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Final, Union, get_args, get_origin, get_type_hints

RECORDS: Final = {  # what readers give, and where it is declared
    "AddressFile": "targeting.sources.addresses.reading",
    "DoorFile": "targeting.sources.addresses.doors",
    "Origin": "targeting.sources.results.counts",
    "Outlines": "targeting.sources.outlines.reading",
    "QuarterFile": "targeting.sources.outlines.quarters",
    "Results": "targeting.sources.results.counts",
    "StreetFile": "targeting.sources.streets.reading",
    "TextFile": "targeting.sources.files",
}
DTYPES: Final = frozenset(
    {"str", "object", "bool", "boolean", "int32", "uint32", "int64", "Int64", "float64", "Float64"}
)
_CONTAINERS: Final = (
    (Counter, "counter"), (dict, "dict"), (tuple, "tuple"), (frozenset, "frozenset"),
)  # fmt: skip
PLAIN: Final = (str, int, float, bool, NoneType)
ANSWER: Final = "answer.json"
LARGEST_ANSWER: Final = 128 * 1024**2
_FILE: Final = re.compile(r"part-\d+\.(arrow|bytes)")
_SYSTEM: Final = re.compile(r"EPSG:\d{1,6}")


class ParcelError(ValueError):
    """What came back is not what a reader gives."""


class Packer:
    """Lays values down in a folder, one after another; each becomes plain JSON and some files."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.parts = folder, 0

    def pack(self, value: Any) -> Any:
        """JSON that stands for `value`; its tables and bytes are files of the folder."""
        if isinstance(value, PLAIN):
            return value
        if isinstance(value, list):
            return [self.pack(v) for v in value]
        if is_dataclass(value) and type(value).__name__ in RECORDS:
            of: Any = {f.name: self.pack(getattr(value, f.name)) for f in fields(value)}
            return {"is": "record", "name": type(value).__name__, "of": of}
        for kind, name in _CONTAINERS:
            if isinstance(value, kind):
                of = [[self.pack(k), self.pack(v)] for k, v in value.items()] if isinstance(
                    value, dict) else [self.pack(v) for v in value]  # fmt: skip
                return {"is": name, "of": of}
        if isinstance(value, bytes):
            return {"is": "bytes", "file": self._file("bytes", value)}
        return {"is": "path", "of": str(value)} if isinstance(value, Path) else (
            self._pack_table(value)
        )  # fmt: skip

    def _pack_table(self, value: Any) -> Any:
        import numpy as np
        import polars as pl

        if isinstance(value, np.generic):
            return self.pack(value.item())
        if isinstance(value, pl.DataFrame):
            table = value.to_arrow(compat_level=pl.CompatLevel.oldest())
            return {"is": "polars", "file": self._arrow(table)}
        return self._pack_pandas(value)

    def _pack_pandas(self, value: Any) -> Any:
        import geopandas as gpd
        import pandas as pd
        import pyarrow as pa

        if isinstance(value, pd.Series):
            whole = pd.DataFrame({"index": value.index, "value": value.to_numpy()})
            return {"is": "series", "name": value.name, "of": self._pack_table(whole)}
        if not isinstance(value, pd.DataFrame):
            raise TypeError(f"a reader gives a {type(value).__name__}")
        system, dtypes = None, [str(dtype) for dtype in value.dtypes]
        if isinstance(value, gpd.GeoDataFrame):
            system, name = value.crs.to_string(), value.geometry.name
            value = pd.DataFrame(value).assign(**{name: value.geometry.to_wkb()})
        table = pa.Table.from_pandas(value, preserve_index=False).replace_schema_metadata(None)
        return {"is": "pandas", "file": self._arrow(table), "dtypes": dtypes, "crs": system}

    def _arrow(self, table: Any) -> str:
        import pyarrow as pa

        name = f"part-{self.parts}.arrow"
        self.parts += 1
        place = str(self.folder / name)
        with pa.OSFile(place, "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table)
        return name

    def _file(self, ending: str, content: bytes) -> str:
        name = f"part-{self.parts}.{ending}"
        self.parts += 1
        (self.folder / name).write_bytes(content)
        return name


class Unpacker:
    """Makes the values again; raises ParcelError for what no reader gives."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def unpack(self, value: Any) -> Any:
        """The value that `Packer.pack` was given."""
        if isinstance(value, PLAIN):
            return value
        if isinstance(value, list):
            return [self.unpack(v) for v in value]
        makers = {
            "tuple": lambda v: tuple(self.unpack(list(v["of"]))),
            "frozenset": lambda v: frozenset(self.unpack(list(v["of"]))),
            "dict": lambda v: dict(self.unpack(list(v["of"]))),
            "counter": lambda v: Counter(dict(self.unpack(list(v["of"])))),
            "record": lambda v: self._record(str(v["name"]), v["of"]),
            "path": lambda v: Path(str(v["of"])),
            "bytes": lambda v: self._place(v).read_bytes(),
            "polars": self._polars, "pandas": self._pandas, "series": self._series,
        }  # fmt: skip
        kind = value.get("is") if isinstance(value, dict) else None
        if kind not in makers:
            raise ParcelError(f"“{str(kind)[:20]}”")
        return makers[kind](value)

    def _series(self, value: dict[str, Any]) -> Any:
        table = self._pandas(value["of"])
        return table.set_index("index")["value"].rename(value["name"]).rename_axis(None)

    def _record(self, name: str, of: dict[str, Any]) -> Any:
        if name not in RECORDS:
            raise ParcelError(f"a record “{name[:20]}”")
        kind = getattr(import_module(RECORDS[name]), name)
        hints = _hints(kind)
        if set(of) != set(hints):
            raise ParcelError(f"a {name} with other fields")
        values = {field: self.unpack(v) for field, v in of.items()}
        for field, hint in hints.items():
            if not conforms(values[field], hint):
                raise ParcelError(f"{name}.{field} is no {hint}")
        return kind(**values)

    def _place(self, value: dict[str, Any]) -> Path:
        name = str(value["file"])
        if not _FILE.fullmatch(name) or (self.folder / name).is_symlink():
            raise ParcelError(f"a file “{name[:20]}”")
        return self.folder / name

    def _table(self, value: dict[str, Any]) -> Any:
        import pyarrow as pa

        try:
            with pa.memory_map(str(self._place(value))) as source:
                table = pa.ipc.open_file(source).read_all()
            table.validate(full=True)
        except pa.ArrowException as error:
            raise ParcelError(f"a damaged table ({str(error)[:60]})") from error
        return table

    def _polars(self, value: dict[str, Any]) -> Any:
        import polars as pl

        return pl.from_arrow(self._table(value))

    def _pandas(self, value: dict[str, Any]) -> Any:
        import geopandas as gpd
        import shapely
        from shapely.errors import GEOSException

        arrow, dtypes, system = self._table(value), value["dtypes"], value["crs"]
        if len(dtypes) != arrow.num_columns or not set(dtypes) <= DTYPES | {"geometry"}:
            raise ParcelError("columns of other types")
        if (system is not None) != ("geometry" in dtypes):
            raise ParcelError("a geometry without its system")
        table = arrow.replace_schema_metadata(None).to_pandas()
        table = table.astype({
            c: "object" if d == "geometry" else d for c, d in zip(table, dtypes, strict=True)
        })  # fmt: skip
        if system is None:
            return table
        if not _SYSTEM.fullmatch(str(system)):
            raise ParcelError("another coordinate system")
        column = table.columns[dtypes.index("geometry")]
        try:
            shapes = shapely.from_wkb(table[column].to_numpy())
        except (GEOSException, TypeError) as error:
            raise ParcelError("a damaged geometry") from error
        plain = table.assign(**{column: gpd.GeoSeries(shapes, index=table.index, crs=system)})
        return gpd.GeoDataFrame(plain, geometry=column, crs=system)


@lru_cache(maxsize=32)
def _hints(kind: type) -> dict[str, Any]:
    there = get_type_hints(kind)
    return {field.name: there[field.name] for field in fields(kind)}


def conforms(value: Any, hint: Any) -> bool:
    """Whether a value is what a field announces: the kinds that records of readers have.

    >>> conforms(("a", "b"), tuple[str, ...]), conforms({"a": 1}, dict[str, str])
    (True, False)
    """
    origin, of = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return any(conforms(value, one) for one in of)
    if hint in (float, int):
        numbers = (int, float) if hint is float else (int,)
        return isinstance(value, numbers) and not isinstance(value, bool)
    if hint is not Any and not isinstance(value, origin or hint):
        return False
    if origin is dict:
        return all(conforms(k, of[0]) and conforms(v, of[1]) for k, v in value.items())
    if origin is tuple and of[-1] is not Ellipsis:
        return len(value) == len(of) and all(map(conforms, value, of))
    return not of or all(conforms(one, of[0]) for one in value)


def write_answer(folder: Path, answer: dict[str, Any]) -> None:
    """Put the answer beside the files it names."""
    (folder / ANSWER).write_text(json.dumps(answer), "utf-8")


def load_answer(folder: Path) -> dict[str, Any] | None:
    """The answer, where there is one of a bearable size; raises ParcelError for what is none."""
    place = folder / ANSWER
    if not place.exists():
        return None
    if place.is_symlink() or place.stat().st_size > LARGEST_ANSWER:
        raise ParcelError("an answer beyond measure")
    try:
        answer = json.loads(place.read_bytes())
    except (ValueError, RecursionError) as error:
        raise ParcelError("no answer in words") from error
    if not isinstance(answer, dict):
        raise ParcelError("no answer in words")
    return answer


def unpack_each(folder: Path, parcels: list[Any]) -> Iterator[Any]:
    """The values one by one, each made when it is asked for."""
    unpacker = Unpacker(folder)
    while parcels:
        yield unpacker.unpack(parcels.pop(0))
