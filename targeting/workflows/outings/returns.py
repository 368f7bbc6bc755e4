"""Returns of an outing, whatever they came on: a typed grid, a phone's file, scanned frames."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from targeting.codes import FRANCE
from targeting.config import Workspace
from targeting.errors import ForbiddenError, SourceError, TargetingError
from targeting.field.phone_return import has_frames, is_return, sealed_of_file, sealed_of_frames
from targeting.sources.apart import read_apart
from targeting.sources.files import TextFile
from targeting.sources.grids import read_grid_text
from targeting.workflows.access.asks import asks
from targeting.workflows.outings.grids import import_grid
from targeting.workflows.outings.phones import import_sealed
from targeting.workflows.outings.returned import Returned, already_in


@dataclass(frozen=True)
class Desk:
    """What the desk says about returns of phones.

    `passphrase`: for books of another desk's secret; `received_at`: when they were handed in, by
    the desk's clock, where that of the phone is wrong.
    """

    passphrase: str | None = None
    received_at: datetime | None = None


@asks("returns.type", own=True)
def import_returns(
    workspace: Workspace,
    paths: Path | Sequence[Path],
    *,
    passphrase: str | None = None,
    received_at: datetime | None = None,
) -> list[Returned]:
    """Record the visits of these files, recognised from their content: each whole, or not at all.

    Texts of scanned frames are read together: a chain may be spread over several. `received_at` is
    in French time where it has no zone. Raises SourceError naming the file; those before it are
    recorded, and give nothing new a second time.
    """
    workspace.required()
    if received_at is not None and received_at.tzinfo is None:
        received_at = received_at.replace(tzinfo=FRANCE)
    desk = Desk(passphrase, received_at)
    files = [read_apart(read_grid_text, p) for p in ([paths] if isinstance(paths, Path) else paths)]
    framed = [f for f in files if has_frames(f.text.decode())]
    told = [_import_file(workspace, f, desk) for f in files if f not in framed]
    return [*told, *_import_frames(workspace, framed, desk)]


def _import_file(workspace: Workspace, file: TextFile, desk: Desk) -> Returned:
    if known := already_in(workspace, file.name, file.sha256):
        return known
    text = file.text.decode()
    if not is_return(text):
        return import_grid(workspace, file)
    try:
        return _import_sealed(workspace, file.name, sealed_of_file(text), desk)
    except (SourceError, ForbiddenError):
        raise
    except TargetingError as error:
        raise SourceError(file.name, str(error)) from error


def _import_frames(workspace: Workspace, files: Sequence[TextFile], desk: Desk) -> list[Returned]:
    if not files:
        return []
    name = ", ".join(f.name for f in files)
    try:
        chains = sealed_of_frames("\n".join(f.text.decode() for f in files))
        return [_import_sealed(workspace, name, sealed, desk) for sealed in chains]
    except ForbiddenError:
        raise
    except TargetingError as error:
        raise SourceError(name, str(error)) from error


def _import_sealed(workspace: Workspace, name: str, sealed: bytes, desk: Desk) -> Returned:
    sha256 = hashlib.sha256(sealed).hexdigest()
    if known := already_in(workspace, name, sha256):
        return known
    return import_sealed(
        workspace, name, sealed, sha256,
        passphrase=desk.passphrase, received_at=desk.received_at,
    )  # fmt: skip
