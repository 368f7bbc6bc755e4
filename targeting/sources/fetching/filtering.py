"""What of a large national file is kept, as it streams by: the communes asked for, nothing else."""

from __future__ import annotations

import codecs
import csv
import json
import re
from collections.abc import Collection, Iterator
from typing import Any, Final, Protocol

from targeting.codes import commune_of_arrondissement
from targeting.errors import SourceError

LONGEST_FEATURE: Final = 64 * 1024**2
"""A feature longer than this is no station outline: the file is damaged, or another one."""

_FEATURES: Final = re.compile(r'"features"\s*:\s*\[')
_BETWEEN: Final = re.compile(r"[\s,]*")


_PUBLISHER: Final = "The publisher may have changed the file: look at its page."


def _no_constant(constant: str) -> float:
    raise ValueError(f"{constant} is no coordinate")


class Keeper(Protocol):
    """Takes a file chunk by chunk, gives the bytes to write."""

    kept: int

    def feed(self, chunk: bytes) -> bytes: ...

    def finish(self) -> bytes: ...


class Everything:
    """The whole file, as it is."""

    def __init__(self) -> None:
        self.kept = 0

    def feed(self, chunk: bytes) -> bytes:
        return chunk

    def finish(self) -> bytes:
        return b""


class Features:
    """Features of a GeoJSON FeatureCollection whose `id_column` begins with a wanted commune.

    Memory holds one chunk and one feature, whatever the file's size.
    """

    def __init__(self, name: str, communes: Collection[str], id_column: str) -> None:
        self.name, self.communes, self.id_column = name, frozenset(communes), id_column
        self.kept = self.seen = 0
        self._text = ""
        self._decode = codecs.getincrementaldecoder("utf-8")()
        self._json = json.JSONDecoder(parse_constant=_no_constant)
        self._inside = self._ended = False

    def feed(self, chunk: bytes) -> bytes:
        """Features kept of what came; raises SourceError for what is no FeatureCollection."""
        try:
            self._text += self._decode.decode(chunk)
        except UnicodeDecodeError as error:
            raise self._fault("bytes that are no UTF-8 text") from error
        out = []
        if not self._inside:
            start = _FEATURES.search(self._text)
            if start is None:
                if len(self._text) > 1024**2:
                    raise self._fault("no features in its first megabyte")
                return b""
            self._text, self._inside = self._text[start.end() :], True
            out.append(b'{"type":"FeatureCollection","features":[')
        out += [self._written(feature) for feature in self._complete()]
        return b"".join(out)

    def finish(self) -> bytes:
        """The end of the collection. Raises SourceError if the file ended before it."""
        if not self._ended:
            raise self._fault("it ends in the middle of its features")
        return b"]}\n"

    def _complete(self) -> Iterator[dict[str, Any]]:
        at = 0
        while not self._ended:
            at = _BETWEEN.match(self._text, at).end()  # type: ignore[union-attr]
            if at < len(self._text) and self._text[at] == "]":
                self._ended = True
                break
            try:
                feature, at = self._json.raw_decode(self._text, at)
            except json.JSONDecodeError:
                if len(self._text) - at > LONGEST_FEATURE:
                    raise self._fault("a feature that never ends") from None
                break
            except ValueError as error:  # NaN, a number of thousands of digits
                raise self._fault(f"a number that is none: {str(error)[:60]}") from error
            except RecursionError:
                raise self._fault("a feature nested too deep") from None
            if not isinstance(feature, dict):
                raise self._fault("something else than features")
            self.seen += 1
            if self._is_wanted(feature):
                yield feature
        self._text = "" if self._ended else self._text[at:]

    def _is_wanted(self, feature: dict[str, Any]) -> bool:
        properties = feature.get("properties")
        if not isinstance(properties, dict) or self.id_column not in properties:
            raise self._fault(f"feature {self.seen} has no {self.id_column}")
        code = properties[self.id_column]
        return commune_of_arrondissement(str(code or "")[:5]) in self.communes

    def _written(self, feature: dict[str, Any]) -> bytes:
        self.kept += 1
        comma = b",\n" if self.kept > 1 else b"\n"
        text = json.dumps(feature, ensure_ascii=False, separators=(",", ":"))
        try:
            return comma + text.encode()
        except UnicodeEncodeError as error:  # half of a pair: `\\ud83d` alone
            raise self._fault(f"feature {self.seen} has half a letter") from error

    def _fault(self, what: str) -> SourceError:
        return SourceError(self.name, f"not the outlines expected ({what}).", way_out=_PUBLISHER)


class Rows:
    """Rows of a CSV whose `id_column` begins with a wanted commune, and the header.

    Rows are lines: these publications have no line break inside a cell.
    """

    def __init__(self, name: str, communes: Collection[str], id_column: str) -> None:
        self.name, self.communes, self.id_column = name, frozenset(communes), id_column
        self.kept = self.seen = 0
        self._rest = b""
        self._at = self._width = -1
        self._separator = b","

    def feed(self, chunk: bytes) -> bytes:
        """Rows kept of what came; raises SourceError where the header lacks the column."""
        lines = (self._rest + chunk).split(b"\n")
        self._rest = lines.pop()
        out = []
        if self._at < 0 and lines:
            out.append(self._header(lines.pop(0)))
        out += [line + b"\n" for line in lines if self._is_wanted(line)]
        return b"".join(out)

    def finish(self) -> bytes:
        """The last line, where it has no line break. Raises SourceError for a file of one line."""
        last, self._rest = self._rest, b""
        if self._at < 0:
            raise SourceError(self.name, "no line of it is whole.", way_out=_PUBLISHER)
        return last + b"\n" if last and self._is_wanted(last) else b""

    def _header(self, line: bytes) -> bytes:
        self._separator = b";" if line.count(b";") > line.count(b",") else b","
        header = line.decode("utf-8-sig", "replace").rstrip("\r")
        names = [name.strip().strip('"') for name in self._cells(header)]
        if self.id_column not in names:
            raise SourceError(
                self.name,
                f"no column “{self.id_column}”; headers found: {', '.join(names)[:200]}.",
                line=1,
                way_out=_PUBLISHER,
            )
        self._at, self._width = names.index(self.id_column), len(names)
        return line + b"\n"

    def _is_wanted(self, line: bytes) -> bool:
        """Whether a line is of a commune asked for. Raises SourceError for half of such a line."""
        self.seen += 1
        cells = line.split(self._separator, self._at + 1)
        if any(cell.count(b'"') % 2 for cell in cells[: self._at + 1]):  # a separator in a quote
            cells = [cell.encode() for cell in self._cells(line.decode("utf-8", "replace"))]
        if len(cells) <= self._at:
            return False
        code = cells[self._at].strip(b'" \r')[:5].decode("ascii", "replace")
        if commune_of_arrondissement(code) not in self.communes:
            return False
        if (width := len(self._cells(line.decode("utf-8", "replace")))) != self._width:
            raise SourceError(
                self.name,
                f"{width} fields where the header has {self._width}.",
                line=self.seen + 1,
                way_out="The line is damaged or cut short: download the file again.",
            )
        self.kept += 1
        return True

    def _cells(self, line: str) -> list[str]:
        """Cells of a line; none where its quotes do not match."""
        try:
            return next(csv.reader([line], delimiter=self._separator.decode(), strict=True), [])
        except csv.Error:
            return []


def keeper_of(keeps: str, name: str, communes: Collection[str], id_column: str) -> Keeper:
    """The keeper that a publication asks for (`features`, `rows`, or everything)."""
    if keeps == "features":
        return Features(name, communes, id_column)
    if keeps == "rows":
        return Rows(name, communes, id_column)
    return Everything()
