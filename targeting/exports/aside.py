"""A file written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from targeting.errors import TargetingError


def ensure_writable(path: Path) -> None:
    """Raise TargetingError if nothing can be written beside `path`; asked before long work."""
    write_aside(path.with_name(f".{path.name}.probe"), lambda to: to.write_text(""))
    path.with_name(f".{path.name}.probe").unlink(missing_ok=True)


def write_aside(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` write to a name beside `path`, then move it there: whole, or not at all.

    Raises TargetingError when the disk says no.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _replace_with(path, write)
    except OSError as error:
        raise TargetingError(
            f"{path} cannot be written ({error.strerror or error}): check the folder, its rights "
            "and the room left on the disk."
        ) from error


def _replace_with(path: Path, write: Callable[[Path], object]) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=path.suffix)
    os.close(handle)
    aside = Path(name)
    try:
        aside.unlink()
        write(aside)
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)
