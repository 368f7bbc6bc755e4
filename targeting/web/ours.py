"""What our pages bring with them: style sheet, scripts, the library of the map; one folder."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

import streamlit

from targeting.shipped import PACKAGE
from targeting.web.library import MAP, MAP_FILES

FOLDER: Final = PACKAGE / "web" / "assets"


def folder_mark(folder: Path) -> str:
    """Changes whenever a file of the folder does: it stands in the address, for good."""
    seal = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        seal.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return seal.hexdigest()[:12]


OURS: Final = f"/ours/{folder_mark(FOLDER)}"
"""Where the folder is served: a browser asks for a file of it once a version."""

LIBRARY_STYLE: Final = f"{OURS}/{MAP.name}/maplibre-gl.css"
"""The address of the library's style sheet, whether it is there or not."""


def our_url(name: str) -> str:
    """The address of a file of the folder. Raises FileNotFoundError when it is not there."""
    if not (FOLDER / name).is_file():
        raise FileNotFoundError(name)
    return f"{OURS}/{name}"


def has_library() -> bool:
    """Whether the map's library was placed by the set-up; else the map is pydeck's."""
    return all((MAP / Path(name).name).is_file() for name in MAP_FILES)


def font_url() -> str:
    """The address of Streamlit's own text font: its name carries a mark of its version."""
    media = Path(streamlit.__file__).parent / "static" / "static" / "media"
    found = sorted(media.glob("SourceSansVF-Upright*.woff2"))
    return f"/static/media/{found[0].name}" if found else ""
