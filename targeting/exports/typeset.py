"""Pages set by typst, from JSON: no text is ever pasted into a template's source.

The same facts and day give the same bytes on every machine: fonts are those inside typst, and one
sans of our own (Source Sans Pro, under the SIL Open Font License: `fonts/OFL.txt`).
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

import typst

from targeting.errors import TargetingError

TEMPLATES: Final = Path(__file__).with_name("templates")
FONTS: Final = Path(__file__).with_name("fonts")

SCREEN_PPI: Final = 150
"""A sheet of A4 as a picture of 1754 × 1240 points: read on a screen, and printed if need be."""

KINDS: Final = ("pdf", "png")


def set_pages(
    template: str,
    facts: Mapping[str, Any],
    *,
    today: date,
    kind: str = "pdf",
    pictures: Mapping[str, str] | None = None,
) -> bytes:
    """The pages of `template` filled with `facts`, as the bytes of a PDF or of a PNG (one page).

    `pictures`: SVG by file name, for the template's `image`. Raises TargetingError when typst
    cannot set them.
    """
    midnight = datetime(today.year, today.month, today.day, tzinfo=UTC)
    with tempfile.TemporaryDirectory(prefix="relance-pages-") as folder:
        for source in TEMPLATES.glob("*.typ"):
            shutil.copy(source, folder)
        Path(folder, "data.json").write_text(json.dumps(facts, ensure_ascii=False))
        for name, svg in (pictures or {}).items():
            Path(folder, name).write_text(svg)
        try:
            compiler = typst.Compiler(
                Path(folder, template), root=folder, font_paths=_fonts(), ignore_system_fonts=True
            )
            made = compiler.compile(
                format=kind,  # type: ignore[arg-type]  # one of KINDS
                ppi=SCREEN_PPI,
                timestamp=midnight,
                pdf_tags=False,
            )
        except typst.TypstError as error:
            raise TargetingError(f"{template}: the pages cannot be set ({error}).") from error
    assert isinstance(made, bytes)  # one page, or one PDF
    return made


@cache
def _fonts() -> typst.Fonts:
    """Fonts inside typst and ours, read once: every machine prints the same."""
    return typst.Fonts(include_system_fonts=False, font_paths=[FONTS])


@cache
def template_mark() -> str:
    """Changes with any template or drawing of ours: what another version has set is set again."""
    digest = hashlib.sha256()
    for source in sorted([*TEMPLATES.glob("*.typ"), *Path(__file__).parent.glob("*.py")]):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]
