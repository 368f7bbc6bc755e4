"""What somebody noted behind the doors of buildings: staircases, floors, doors; a table of ours.

CSV, one line a door or a landing. The building by `building_id`, or by `number`, `suffix` and
`street`; then `staircase`, `floor` (`0` or `RDC` is the ground floor), `door` (what is on it) and
`doors` (how many such doors, 1 where it is empty). No names: what stands on a door is a number, a
letter or a place (`12B`, `gauche`, `fond cour`), and anything else is refused without repeating it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pandas as pd
import polars as pl

from targeting.errors import SourceError
from targeting.sources.delimited import parse, refuse_where
from targeting.sources.files import read_text
from targeting.sources.grids import folded
from targeting.streetnames import suffix_of

WHERE: Final = ("building_id", "number", "suffix", "street")
WHAT: Final = ("staircase", "floor", "door", "doors")
COLUMNS: Final = (*WHERE, *WHAT)
MOST_DOORS: Final = 500
LONGEST: Final = 12

SIDES: Final = frozenset(
    """
    gauche droite face milieu centre fond cour rue jardin palier porte appt apt app
    logement lot studio loge gardien escalier esc hall entree batiment bat bloc tour
    aile cage nord sud est ouest haut bas bis ter quater rdc rez de chaussee sous sol
    cave entresol duplex n no num numero annexe avant arriere left right front back rear
    middle center flat unit door court street garden landing stair stairs staircase
    entrance building block tower wing north south east west upper lower top bottom
    ground basement caretaker annex
    """.split()  # noqa: SIM905 (words, read as words)
)
"""Words that a door or a staircase may be told by, folded: places, never anybody."""

MOST_WORDS: Final = 4
_SIGNS: Final = re.compile(r"(?=.{1,4}$)[a-z]{0,2}[0-9]{1,4}[a-z]{0,2}")
"""`3`, `12b`, `a1`: up to four signs with a number; without one, MOST_LETTERS in all."""

MOST_LETTERS: Final = 2

_FLOOR: Final = re.compile(r"(-?\d{1,2})\s*(?:er|e|ème|eme|th|st|nd|rd)?", re.IGNORECASE)
_GROUND: Final = frozenset({"rdc", "rez-de-chaussée", "rez-de-chaussee", "ground", "g"})


@dataclass(frozen=True)
class DoorFile:
    """A file of doors: `rows` has line, building_id (or number, suffix, street), staircase, floor,
    label; one row a door."""

    name: str
    sha256: str
    rows: pd.DataFrame


def read_doors(path: Path) -> DoorFile:
    """Read a table of doors. Raises SourceError naming the line and the column of what is wrong."""
    file = read_text(path)
    first = file.text.split(b"\n", 1)[0].decode(errors="replace")
    separator = max(";,\t", key=first.count)
    table = parse(file, separator)
    if unknown := sorted(set(table.columns) - set(COLUMNS)):
        raise SourceError(
            file.name, f"{len(unknown)} of its columns are not known here.", line=1,
            way_out=f"Known: {', '.join(COLUMNS)}. No name of anybody goes in here.",
        )  # fmt: skip
    if "building_id" not in table.columns and not {"number", "street"} <= set(table.columns):
        raise SourceError(
            file.name, "no column that tells the building.", line=1,
            way_out="Give building_id, or number, suffix and street.",
        )  # fmt: skip
    for column in set(COLUMNS) - set(table.columns):
        table = table.with_columns(pl.lit(None, dtype=pl.String).alias(column))
    rows = table.with_columns(pl.col(COLUMNS).str.strip_chars().fill_null("")).with_row_index(
        "line", offset=2
    )
    if rows.is_empty():
        raise SourceError(file.name, "headers and not one door.", way_out="Write the doors in.")
    nowhere = (pl.col("building_id") == "") & ((pl.col("street") == "") | (pl.col("number") == ""))
    refuse_where(file, rows, nowhere, "building_id", "the line does not tell its building.")
    number = (pl.col("number") != "") & ~pl.col("number").str.contains(r"^\d{1,5}$")
    refuse_where(file, rows, number, "number", "no house number.")
    count = (pl.col("doors") != "") & ~pl.col("doors").str.contains(r"^[1-9]\d{0,2}$")
    refuse_where(file, rows, count, "doors", "no number of doors.")
    for column in ("staircase", "door"):
        long = pl.col(column).str.len_chars() > LONGEST
        refuse_where(file, rows, long, column, f"too long for a label (a name?). {LABELS}")
        odd = rows.with_columns(
            wrong=pl.Series([not is_label(t) for t in rows[column]], dtype=pl.Boolean)
        )
        refuse_where(file, odd, pl.col("wrong"), column, f"no label of a door (a name?). {LABELS}")
    floors = [_floor(text) for text in rows["floor"]]
    wrong = pl.Series(
        [f is None and text != "" for f, text in zip(floors, rows["floor"], strict=True)]
    )
    refuse_where(file, rows.with_columns(wrong=wrong), pl.col("wrong"), "floor", "no floor.")
    each = rows.drop("floor").to_pandas().astype({c: "str" for c in COLUMNS if c != "floor"})
    each["floor"] = pd.array(floors, dtype="Int64")
    doors = each["doors"].replace("", "1").astype(int)
    repeated = each.loc[each.index.repeat(doors)].reset_index(drop=True)
    repeated["number"] = repeated["number"].replace("", "0").astype(int)
    repeated["suffix"] = repeated["suffix"].map(suffix_of).astype("str")
    kept = ["line", *WHERE, "staircase", "floor"]
    return DoorFile(file.name, file.sha256, repeated[kept].assign(label=repeated["door"]))


LABELS: Final = "Write a number or a letter (12, B, 12B) or a place (gauche, droite, face, fond)."


def is_label(text: str) -> bool:
    """Whether a text may stand for a door or a staircase: up to four short signs or words of place.

    >>> [is_label(t) for t in ("12B", "Gauche", "fond-cour", "Dupont", "0612345678", "M. L")]
    [True, True, True, False, False, False]
    """
    if re.search(r"[^\w\s°'’./-]|_", text):
        return False
    words = folded(text).split()
    if len(words) > MOST_WORDS or sum(w.isdigit() for w in words) > 2:
        return False
    others = [w for w in words if w not in SIDES and not _SIGNS.fullmatch(w)]
    bare = "".join(others)
    titled = len(words) > 1 and "m" in others
    return not titled and len(bare) <= MOST_LETTERS and (bare.isalpha() or not bare)


def _floor(text: str) -> int | None:
    if text.lower() in _GROUND:
        return 0
    match = _FLOOR.fullmatch(text)
    return int(match[1]) if match else None
