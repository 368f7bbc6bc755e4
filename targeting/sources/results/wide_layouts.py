"""Where the columns that count stand in a wide results file, told from its header line."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final

from targeting.errors import SourceError
from targeting.sources.files import TextFile
from targeting.sources.results.counts import short

FIXED: Final = {  # as published: ours
    "Code du département": "department",
    "Code département": "department",
    "Code de la circonscription": "constituency",
    "Code du canton": "canton",
    "Code canton": "canton",
    "Code de la commune": "commune",
    "Code commune": "commune",
    "Code secteur": "sector",
    "Code du b.vote": "number",
    "Code B.Vote": "number",
    "Code BV": "number",
    "Inscrits": "registered",
    "Votants": "votes_cast",
    "Blancs": "blank_votes",
    "Nuls": "null_votes",
    "Exprimés": "valid_votes",
}
GROUP: Final = {
    "N°Panneau": "line",
    "N.Pan.": "line",
    "N°Liste": "line",
    "Numéro de panneau": "line",
    "Nom": "surname",
    "Nom candidat": "surname",
    "Prénom": "first_name",
    "Prénom candidat": "first_name",
    "Binôme": "pair",
    "Libellé binôme": "pair",
    "Nuance": "nuance_code",
    "Code Nuance": "nuance_code",
    "Nuance Liste": "nuance_code",
    "Nuance liste": "nuance_code",
    "Nuance candidat": "nuance_code",
    "Nuance binôme": "nuance_code",
    "Libellé Abrégé Liste": "short_list",
    "Libellé abrégé de liste": "short_list",
    "Libellé Etendu Liste": "long_list",
    "Libellé de liste": "long_list",
    "Liste": "long_list",
    "Nom Tête de Liste": "head",
    "Voix": "votes",
}
NEEDED: Final = (
    "department", "commune", "number", "registered", "votes_cast", "blank_votes", "null_votes",
    "valid_votes",
)  # fmt: skip
NATIVE_NAMES: Final = {
    "department": "Code du département", "commune": "Code de la commune",
    "number": "Code du b.vote", "registered": "Inscrits", "votes_cast": "Votants",
    "blank_votes": "Blancs", "null_votes": "Nuls", "valid_votes": "Exprimés",
}  # fmt: skip
NUMBERED_NAMES: Final = {
    **NATIVE_NAMES, "department": "Code département", "commune": "Code commune",
    "number": "Code BV",
}  # fmt: skip
NATIVE_STARTS: Final = ("N°Panneau", "N.Pan.", "N°Liste")
"""First column of a candidate's group in the native files."""

MISREAD: Final = ("Ã", "�", "Ž", "ƒ", "¡", "‚")
"""What é, É and ° look like once read in a wrong encoding: no header has them."""

SHEET: Final = "\x1f"
"""Separator of texts made of a workbook's rows: no cell holds it."""


class UnknownLayoutError(SourceError):
    """A header that is none of these: another reader may know it."""


@dataclass(frozen=True)
class Layout:
    """Where the columns that count stand in one file.

    columns: our name → position of the fixed columns; groups: the same for each candidate;
    ragged: lines may end after any whole group; quoted: cells may be quoted; kinds: elections
    published so.
    """

    name: str
    columns: dict[str, int]
    groups: tuple[dict[str, int], ...]
    width: int
    group_width: int
    ragged: bool
    quoted: bool
    separator: str = ";"
    kinds: tuple[str, ...] = ()
    start: int = 0

    @property
    def first_group(self) -> int:
        return self.start

    def widened(self, widest: int) -> Layout:
        """The layout with as many groups as the widest line, where the header names one only."""
        if not self.ragged:
            return self
        count = max(1, (widest - self.start) // self.group_width)
        first = self.groups[0]
        groups = tuple(
            {ours: at + k * self.group_width for ours, at in first.items()} for k in range(count)
        )
        return replace(self, groups=groups, width=self.start + count * self.group_width)


def header_of(file: TextFile) -> str:
    """The first line of the text."""
    end = file.text.find(b"\n")
    return file.text[: end if end >= 0 else len(file.text)].decode("utf-8", "replace").rstrip("\r")


def cells_of(header: str, separator: str) -> list[str]:
    """Headers without their quotes, nor what pandas adds to a name that comes again (`Voix.1`)."""
    cells = [cell.strip().strip('"') for cell in header.split(separator)]
    return ["" if _UNNAMED.fullmatch(c) else _again(c) for c in cells]


_UNNAMED: Final = re.compile(r"Unnamed: \d+")
_AGAIN: Final = re.compile(r"(.+)\.\d+")


def _again(header: str) -> str:
    found = _AGAIN.fullmatch(header)
    return found[1] if found else header


def find_layout(file: TextFile) -> Layout:
    """Tell the layout from the header line.

    Raises SourceError with the headers found (UnknownLayoutError where nothing is like ours)."""
    first = header_of(file)
    separator = _separator(first)
    headers = cells_of(first, separator)
    if len(headers) < 3:
        _refuse_separator(file, first)
    if any(mark in first for mark in MISREAD):
        raise SourceError(
            file.name,
            f"the accents of the header are unreadable (“{short(first)}”).",
            line=1,
            way_out="The file was saved in a wrong encoding: use it as published, or save it as "
            "UTF-8.",
        )
    if {"Code du b.vote", "Code B.Vote", *NATIVE_STARTS} & set(headers):
        return _native_layout(file, headers, separator)
    if "Code BV" in headers or "Numéro de panneau 1" in headers:
        return _numbered_layout(file, headers, separator)
    told = "; ".join(h for h in headers if h)
    raise UnknownLayoutError(
        file.name,
        f"not a results layout known here: headers found are {short(told, 300)}.",
        line=1,
        way_out="Known: the ministry's files per polling station, 2012 to 2026.",
    )


def _separator(first: str) -> str:
    """Semicolons; tabs in the one publication that has them (municipal 2020, first round)."""
    if SHEET in first:
        return SHEET
    if "N.Pan." in first and first.count("\t") > first.count(";"):
        return "\t"
    return ";"


def _refuse_separator(file: TextFile, first: str) -> None:
    for separator, name in ((",", "commas"), ("\t", "tabs"), ("|", "bars")):
        if first.count(separator) >= 5:
            raise UnknownLayoutError(
                file.name,
                f"columns are separated by {name}; the official file uses semicolons.",
                line=1,
                way_out="Use the file as published, or save it again with semicolons.",
            )
    raise UnknownLayoutError(
        file.name,
        f"no columns in the first line (“{short(first)}”).",
        line=1,
        way_out="A results file begins with its headers, separated by semicolons.",
    )


def _places(headers: list[str], wanted: dict[str, str], offset: int = 0) -> dict[str, int]:
    """Our name → position, of the first header of each."""
    places: dict[str, int] = {}
    for at, header in enumerate(headers):
        if header in wanted:
            places.setdefault(wanted[header], at + offset)
    return places


def _refuse_missing(file: TextFile, headers: list[str], missing: list[str]) -> None:
    if missing:
        told = "; ".join(h for h in headers if h)
        raise SourceError(
            file.name,
            f"no column {', '.join(f'“{m}”' for m in missing)}; headers found: {short(told, 300)}.",
            line=1,
            way_out="Use the file as published, with all its columns.",
        )


# -- native ----------------------------------------------------------------------------------------


def _native_layout(file: TextFile, headers: list[str], separator: str) -> Layout:
    starts = [headers.index(h) for h in NATIVE_STARTS if h in headers]
    start = min(starts, default=len(headers))
    fixed = _places(headers[:start], FIXED)
    missing = [NATIVE_NAMES[c] for c in NEEDED if c not in fixed]
    if start == len(headers):
        _refuse_missing(file, headers, [*missing, "N°Panneau"])
    after = [at for at in range(start + 1, len(headers)) if headers[at] in ("", headers[start])]
    group_width = (after[0] if after else len(headers)) - start
    names = headers[start : start + group_width]
    if not after and names[-1] not in _GROUP_ENDS and any(n in _GROUP_ENDS for n in names):
        last = max(at for at, n in enumerate(names) if n in _GROUP_ENDS)
        group_width, names = last + 1, names[: last + 1]
    in_group = _places(names, GROUP, start)
    missing += [] if "votes" in in_group else ["Voix"]
    _refuse_missing(file, headers, missing)
    end = _end_of_groups(headers, start, group_width, set(names))
    whole = len(headers) > start + group_width
    groups = tuple(
        {ours: at + k * group_width for ours, at in in_group.items()}
        for k in range(max(1, (end - start) // group_width) if whole else 1)
    )
    if separator == ";":
        _refuse_quoted_cells(file, fixed)
    kind, kinds = _native_kinds(headers, fixed, in_group)
    return Layout(
        f"native {kind}", fixed, groups, len(headers), group_width, ragged=not whole,
        quoted=False, separator=separator, kinds=kinds, start=start,
    )  # fmt: skip


_GROUP_ENDS: Final = ("% Voix/Exp", "Sièges / Elu", "Sièges Secteur", "Sièges CC", "Sièges", "Elu")
"""What a group may end with: columns after the last of them are the user's own."""


def _end_of_groups(headers: list[str], start: int, group_width: int, names: set[str]) -> int:
    """Where the groups end: at the first named column that is none of theirs (someone's own)."""
    for at in range(start + group_width, len(headers)):
        if headers[at] and headers[at] not in names:
            return at
    return len(headers)


def _native_kinds(
    headers: list[str], fixed: dict[str, int], group: dict[str, int]
) -> tuple[str, tuple[str, ...]]:
    """What the columns say of the election: word for the layout's name, kinds possible."""
    if "canton" in fixed or "pair" in group:
        return "departmental", ("dpmt", "cant")
    if "N.Pan." in headers:
        return "municipal", ("muni",)
    if "short_list" in group or "long_list" in group or "head" in group:
        lists = "nuance_code" in group
        return ("lists", ("regi", "muni", "euro")) if lists else ("European", ("euro",))
    if "constituency" in fixed:
        legislative = "nuance_code" in group
        return ("legislative", ("legi",)) if legislative else ("presidential", ("pres",))
    return "lists", ("muni", "regi", "euro", "pres")


def _refuse_quoted_cells(file: TextFile, fixed: dict[str, int]) -> None:
    """Native files have no quotes around cells: a spreadsheet put them there."""
    start = file.text.find(b"\n") + 1
    end = file.text.find(b"\n", start)
    row = file.text[start : end if end >= 0 else None].decode("utf-8", "replace")
    cells = row.rstrip("\r").split(";") if start else []
    quoted = [c for at in fixed.values() if at < len(cells) and (c := cells[at]).startswith('"')]
    if quoted:
        raise SourceError(
            file.name,
            f"cells are quoted: {short(quoted[0], 40)}; the official file has no quotes.",
            line=2,
            way_out="Use the file as published, or save it again without quotes around cells.",
        )


# -- numbered --------------------------------------------------------------------------------------


def _numbered_layout(file: TextFile, headers: list[str], separator: str) -> Layout:
    fixed = _places(headers, FIXED)
    numbers = [h.removeprefix("Voix ") for h in headers if h.startswith("Voix ")]
    given = {"commune": "sector", "department": "sector"}
    missing = [
        NUMBERED_NAMES[c] for c in NEEDED if c not in fixed and given.get(c) not in fixed
    ]  # fmt: skip
    _refuse_missing(file, headers, missing + ([] if numbers else ["Voix 1"]))
    at = {h: place for place, h in reversed(list(enumerate(headers)))}
    groups = tuple(
        {ours: at[f"{theirs} {n}"] for theirs, ours in GROUP.items() if f"{theirs} {n}" in at}
        for n in numbers
    )
    wanted = set().union(*groups)
    _refuse_missing(
        file,
        headers,
        [f"Voix {n}: {c}" for n, g in zip(numbers, groups, strict=True) for c in wanted - set(g)],
    )
    group_width = (
        groups[1]["votes"] - groups[0]["votes"]
        if len(groups) > 1
        else len(headers) - min(groups[0].values())
    )
    word, kinds = _numbered_kinds(headers, fixed, wanted)
    return Layout(
        "numbered" + word, fixed, groups, len(headers), group_width, ragged=False,
        quoted=separator != SHEET and b'"' in file.text, separator=separator, kinds=kinds,
        start=min(groups[0].values()),
    )  # fmt: skip


def _numbered_kinds(
    headers: list[str], fixed: dict[str, int], group: set[str]
) -> tuple[str, tuple[str, ...]]:
    if "sector" in fixed:
        return " sector councils", ("sect",)
    if "pair" in group:
        return " departmental", ("dpmt",)
    if any(h.startswith("Sièges au CM ") for h in headers):
        return " municipal", ("muni",)
    if "Nuance candidat 1" in headers:
        return "", ("legi", "dpmt")
    if "short_list" in group or "long_list" in group:
        return " lists", ("euro", "muni", "regi")
    return " presidential", ("pres",)
