"""Results files, whatever their layout: one entry, and a refusal that names the nearest layouts."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

from targeting.codes import parse_election_id
from targeting.errors import SourceError
from targeting.sources.files import TextFile, read_bounded, read_text, sha256_of
from targeting.sources.results.aggregated import Half, find_half, read_aggregated
from targeting.sources.results.counts import Results, short
from targeting.sources.results.long import find_long_layout, parse_long_results
from targeting.sources.results.recipe_files import load_recipe, our_recipes
from targeting.sources.results.recipes import find_recipe, read_recipe_results
from targeting.sources.results.tidy import SIGNATURE, is_tidy, parse_tidy_results
from targeting.sources.results.wide import parse_wide_results
from targeting.sources.results.wide_layouts import (
    NATIVE_NAMES,
    NUMBERED_NAMES,
    SHEET,
    UnknownLayoutError,
    cells_of,
    find_layout,
)
from targeting.sources.results.workbooks import is_workbook, read_sheets

KNOWN_COLUMNS: Final = {  # layout: columns it cannot do without, as published
    "native (2015 to 2022)": (*NATIVE_NAMES.values(), "Voix"),
    "numbered (since 2024)": (*NUMBERED_NAMES.values(), "Voix 1"),
    "municipal 2020": ("Code du département", "Code B.Vote", "N.Pan.", "Inscrits", "Voix"),
    "long (2007 to 2014)": (
        "N° tour", "Code département", "Code de la commune", "N° de bureau de vote", "Inscrits",
        "Votants", "Exprimés", "Nom du candidat", "Nombre de voix du candidat",
    ),
    "tidy": SIGNATURE,
    "general_results": ("id_election", "id_brut_miom", "code_commune", "code_bv", "inscrits",
                        "votants", "exprimes"),
    "candidats_results": ("id_election", "id_brut_miom", "voix"),
}  # fmt: skip
NEAREST: Final = 3

Read = Callable[[TextFile], list[Results]]
"""Reads a text of its own layout."""

ABROAD: Final = {  # words of a header: the country that publishes so
    "Germany": ("wahlbezirk", "wahlkreis", "gültige", "wahlberechtigte"),
    "Austria": ("gkz", "wahlkarte"),
    "Switzerland": ("gemeinde_nummer", "kanton", "abstimmung"),
    "Spain": ("mesa", "sección", "municipio", "censo"),
    "Italy": ("sezione", "comune", "elettori", "votanti"),
    "Portugal": ("freguesia", "concelho", "inscritos"),
    "the Netherlands": ("stembureau", "kieskring", "gemeente"),
    "Belgium": ("kanton", "stemgerechtigden", "kieskring"),
    "the United Kingdom": ("ward", "constituency", "electorate", "returning officer"),
    "the United States": ("precinct", "county", "ballots cast", "registered voters"),
    "Canada": ("poll number", "electoral district", "electors"),
}
TELLTALE_WORDS: Final = 2


def group_files(files: Sequence[Path]) -> list[tuple[Path, ...]]:
    """Files that are read together: the two halves of the aggregated results, else one alone.

    Raises SourceError naming the half that is missing.
    """
    halves: dict[str, list[Half]] = {"general": [], "candidates": []}
    groups: list[tuple[Path, ...]] = []
    for path in files:
        half = find_half(path)
        if half is None:
            groups.append((path,))
        else:
            halves[half.kind].append(half)
    general, candidates = halves["general"], halves["candidates"]
    for alone in general[len(candidates) :] + candidates[len(general) :]:
        has = "turnout without votes" if alone.kind == "general" else "votes without turnout"
        raise SourceError(
            alone.path.name,
            f"it is one half of the aggregated results, {has}: {alone.missing} is missing.",
            way_out=f"Give both in one command: import results {alone.path.name} "
            f"{alone.missing}.csv.",
        )
    pairs = zip(general, candidates, strict=True)
    return groups + [(one.path, other.path) for one, other in pairs]


def read_results(
    path: Path, *more: Path, election_id: str | None = None, recipe: str | None = None
) -> Iterator[Results]:
    """Read one results file, or the two halves of the aggregated results, whatever the layout.

    Parameters
    ----------
    path, more
        The file, plain or compressed, or the two halves in any order.
    election_id
        The one election wanted: other elections of the file, or its other round, are left out.
    recipe
        A recipe's name or file, for a city portal's own layout.

    Yields
    ------
    results
        One a round: two for the long files of both rounds, many for the aggregated results.

    Raises
    ------
    SourceError
        Naming file, line, reason and way out; for a layout never seen, the columns found and what
        the nearest known layouts lack.
    """
    if more:
        yield from _aggregated(path, *more, election_id=election_id)
        return
    found = list(_read(path, recipe))
    if election_id is not None and len(found) > 1:
        wanted = parse_election_id(election_id).round_number
        found = [r for r in found if r.round_number == wanted]
    while found:
        yield found.pop(0)


def _aggregated(*paths: Path, election_id: str | None) -> Iterator[Results]:
    halves = {half.kind: half for path in paths if (half := find_half(path)) is not None}
    if len(paths) != 2 or set(halves) != {"general", "candidates"}:
        raise SourceError(
            paths[0].name, "only general_results and candidats_results are read together."
        )
    yield from read_aggregated(halves["general"], halves["candidates"], election_id=election_id)


def _read(path: Path, recipe: str | None) -> Iterator[Results]:
    if is_workbook(_start(path)) and (content := _workbook(path)) is not None:
        yield from _from_workbook(path, content)
        return
    if find_half(path) is not None:
        group_files([path])
    if recipe is not None:
        yield read_recipe_results(read_text(path), load_recipe(recipe))
        return
    texts = [read_text(path)]
    yield from _reader_of(texts[0])(texts.pop())  # handed over: a national text is large


def _start(path: Path) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(8)
    except OSError as error:
        raise SourceError(path.name, f"cannot be read ({error.strerror}).") from error


def _workbook(path: Path) -> bytes | None:
    """The content of a workbook; nothing for another zip (one CSV inside)."""
    content = read_bounded(path)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError):
        return None
    return content if any(n.startswith("xl/") for n in names) else None


def _from_workbook(path: Path, content: bytes) -> Iterator[Results]:
    """Each sheet whose columns are known; the others are told, unless none is known."""
    read: list[Results] = []
    first_fault: SourceError | None = None
    left: list[str] = []
    for sheet in read_sheets(path.name, content, sha256_of(content)):
        try:
            read += parse_results(sheet)
        except UnknownLayoutError as fault:
            first_fault = first_fault or fault
            left.append(sheet.encoding)
    if not read:
        raise first_fault or SourceError(
            path.name, "the workbook has no sheet with rows.", way_out="Download it again."
        )
    notes = (f"sheets that are no results left out: {', '.join(left)}",) if left else ()
    for results in read:
        yield replace(results, notes=(*results.notes, *notes))


def parse_results(file: TextFile) -> list[Results]:
    """`read_results` on a text already opened."""
    return _reader_of(file)(file)


def _reader_of(file: TextFile) -> Read:
    """The reader of this layout. Raises SourceError for a layout never seen."""
    unknown: list[UnknownLayoutError] = []
    for find in READERS:
        try:
            read = find(file)
        except UnknownLayoutError as reason:
            unknown.append(reason)
        else:
            if read is not None:
                return read
    raise _refusal(file, unknown[0])


def _long(file: TextFile) -> Read | None:
    layout = find_long_layout(file)
    return partial(parse_long_results, layout=layout) if layout else None


def _tidy(file: TextFile) -> Read | None:
    return (lambda text: [parse_tidy_results(text)]) if is_tidy(file) else None


def _wide(file: TextFile) -> Read | None:
    find_layout(file)
    return lambda text: [parse_wide_results(text)]


def _of_city(file: TextFile) -> Read | None:
    recipe = find_recipe(file, our_recipes())
    return (lambda text: [read_recipe_results(text, recipe)]) if recipe else None


READERS: Final[tuple[Callable[[TextFile], Read | None], ...]] = (_long, _tidy, _wide, _of_city)
"""Each says how it reads a text, or nothing where the text is none of its own; the first that does
is taken. One that raises UnknownLayoutError tells why, in case nobody else knows the text."""


# -- what is none of ours --------------------------------------------------------------------------


def _refusal(file: TextFile, unknown: UnknownLayoutError) -> SourceError:
    """The refusal of a layout never seen: its columns, its country if it shows, what is nearest."""
    first = file.text[:8192].decode("utf-8", "replace").lstrip().split("\n", 1)[0]
    if first[:1] in ("{", "[") or first.startswith("var "):
        return _json_refusal(file)
    separator = max((SHEET, ";", ",", "\t", "|"), key=first.count)
    headers = [h for h in cells_of(first, separator) if h]
    if country := _country(headers):
        return SourceError(
            file.name,
            f"it looks like results of {country}: {short('; '.join(headers), 200)}.",
            line=1,
            way_out="Only results published in France are read.",
        )
    near = _nearest(headers)
    if not near:
        return unknown
    told = "; ".join(
        f"{layout} lacks {', '.join(f'“{c}”' for c in lacks[:3])}{' …' if len(lacks) > 3 else ''}"
        for layout, lacks in near
    )
    return UnknownLayoutError(
        file.name,
        f"{unknown.reason} Nearest known layouts: {told}.",
        line=1,
        way_out="Use the file as published; for a city portal's own, write a recipe (--recipe).",
    )


def _nearest(headers: list[str]) -> list[tuple[str, list[str]]]:
    """The layouts that share most of their columns with the file, and what it lacks of each."""
    there = {h.casefold() for h in headers}
    shares = {
        layout: sum(c.casefold() in there for c in columns) / len(columns)
        for layout, columns in KNOWN_COLUMNS.items()
    }
    best = sorted(shares, key=lambda k: -shares[k])[:NEAREST]
    return [
        (layout, [c for c in KNOWN_COLUMNS[layout] if c.casefold() not in there])
        for layout in best
        if shares[layout] > 0
    ]


def _country(headers: list[str]) -> str | None:
    text = " ; ".join(headers).casefold()
    hits = {land: sum(word in text for word in words) for land, words in ABROAD.items()}
    best = max(hits, key=lambda land: hits[land])
    return best if hits[best] >= TELLTALE_WORDS else None


_OF_PORTAL: Final = re.compile(
    rb'^\s*\{.*"(results|records)"\s*:\s*\[|"(datasetid|recordid)"\s*:', re.DOTALL
)
"""What Opendatasoft's answers have."""


def _json_refusal(file: TextFile) -> SourceError:
    names = ", ".join(Path(r.file).stem for r in our_recipes())
    start = " ".join(file.text[:200].decode("utf-8", "replace").split())
    if _OF_PORTAL.search(file.text[:4096]):
        return UnknownLayoutError(
            file.name,
            "a portal's JSON: its answer to a query, often its first rows alone.",
            way_out="On the portal's page, export it again as CSV, whole.",
        )
    return UnknownLayoutError(
        file.name,
        f"a JSON that no recipe knows ({short(start, 60)}).",
        way_out=f"Write a recipe and give it with --recipe; ours: {names}.",
    )
