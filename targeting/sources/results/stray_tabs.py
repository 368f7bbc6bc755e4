"""Municipal results of 2020, first round: tabs in labels break lines into too many cells.

Lines 13751, 13752 and 16921 of the publication have them. Such a line is read against the layout:
counts and percentages stand where they must, and a label takes the cells that are too many.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

import numpy as np

from targeting.sources.files import TextFile
from targeting.sources.results.counts import short
from targeting.sources.results.wide_layouts import Layout, cells_of, header_of

MOST_STRAYS: Final = 6
"""More stray tabs than that on one line are no slip: the line is refused."""

_WHOLE: Final = re.compile(r"\d+")
_CODE: Final = re.compile(r"[\w.\-]*")
_SHARE: Final = re.compile(r"(\d+(,\d+)?)?")


def mend_stray_tabs(
    file: TextFile, layout: Layout, widths: np.ndarray
) -> tuple[TextFile, list[str]]:
    """The text with the lines mended that can be in one way, and what was mended, in words.

    A line that fits in no way stays as it is: the reader refuses it.
    """
    start, width = layout.first_group, layout.group_width
    broken = (widths < start + width) | ((widths - start) % width > 0)
    broken[0] = False
    if not broken.any():
        return file, []
    names = cells_of(header_of(file), layout.separator)
    lines = file.text.split(b"\n")
    notes = []
    for row in np.flatnonzero(broken).tolist():
        cells = lines[row].decode("utf-8", "replace").rstrip("\r").split("\t")
        mended = _mended(cells, names, start, width)
        if mended is not None:
            end = b"\r" if lines[row].endswith(b"\r") else b""
            lines[row] = "\t".join(mended).encode() + end
            notes.append(
                f"line {row + 1}: {len(cells) - len(mended)} stray tab(s) mended "
                f"(“{short(_joined(cells, mended), 40)}”)"
            )
    return (replace(file, text=b"\n".join(lines)), notes) if notes else (file, [])


def _joined(cells: list[str], mended: list[str]) -> str:
    """The first label that was put together again."""
    return next((m for c, m in zip(cells, mended, strict=False) if c != m), "end of the line")


def _mended(cells: list[str], names: list[str], start: int, width: int) -> list[str] | None:
    groups = (len(cells) - start) // width
    extra = (len(cells) - start) % width
    if groups < 1 or extra > MOST_STRAYS:
        return None
    slots = names[:start] + names[start : start + width] * groups
    at_end = 0  # tabs at the end of the line
    while at_end < extra and not cells[-1 - at_end].strip():
        at_end += 1
    return _fit(cells[: len(cells) - at_end], slots, extra - at_end)


def _fit(cells: list[str], slots: list[str], extra: int) -> list[str] | None:
    """Cells laid into slots in order, labels taking the `extra` ones; None where that cannot be."""

    def laid(cell: int, slot: int, left: int) -> list[str] | None:
        if slot == len(slots):
            return [] if cell == len(cells) else None
        most = left if _is_label(slots[slot]) else 0
        for more in range(most + 1):
            if cell + more >= len(cells):
                return None
            label = " ".join(cells[cell : cell + more + 1])
            if not _may_stand(label, slots[slot]):
                continue
            rest = laid(cell + more + 1, slot + 1, left - more)
            if rest is not None:
                return [label, *rest]
        return None

    return laid(0, 0, extra)


_COUNTS: Final = (
    "Inscrits", "Abstentions", "Votants", "Blancs", "Nuls", "Exprimés", "Voix", "N.Pan.",
)  # fmt: skip


def _is_label(name: str) -> bool:
    return name.startswith(("Libellé", "Nom", "Prénom", "Liste"))


def _may_stand(cell: str, name: str) -> bool:
    cell = cell.strip()
    if name in _COUNTS:
        return bool(_WHOLE.fullmatch(cell))
    if name.startswith("%"):
        return bool(_SHARE.fullmatch(cell))
    if name == "Sexe":
        return cell in ("M", "F", "")
    return _is_label(name) or bool(_CODE.fullmatch(cell))
