"""Whether what was made of a workspace is still true: marks that change when it does."""

from __future__ import annotations

import hashlib
from typing import Any, Final, NamedTuple

from targeting.config import Workspace
from targeting.store.engine import last_write, open_store, reading
from targeting.store.queries import load_campaign


class Marks(NamedTuple):
    """What tells whether something kept is still true.

    scores: changes whenever the scores may (open data, blocs, the campaign's communes and target);
    visits and cuts leave it as it is, since a score is of places. whole: changes whenever the
    workspace does, with a new file, visit, cut or campaign.
    """

    scores: str
    whole: str


NO_WORKSPACE: Final = Marks("none", "none")


def workspace_marks(workspace: Workspace) -> Marks:
    """Both marks, from one look at the files and one at the database."""
    if not workspace.exists:
        return NO_WORKSPACE
    parts: list[Any] = [str(workspace.root)]
    for path in sorted(workspace.reference.rglob("*.parquet")):
        stat = path.stat()
        parts.append((str(path.relative_to(workspace.reference)), stat.st_size, stat.st_mtime_ns))
    if workspace.blocs.exists():
        parts.append(workspace.blocs.stat().st_mtime_ns)
    with reading(open_store(workspace)) as session:
        campaign = load_campaign(session)
        if campaign is not None:
            parts += [campaign.communes, campaign.target]
        written = last_write(session)
    scores = _digest(parts)
    return Marks(scores, _digest([scores, written]))


def workspace_mark(workspace: Workspace) -> str:
    """Changes whenever the workspace does: see `Marks`."""
    return workspace_marks(workspace).whole


def _digest(parts: list[Any]) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]
