"""Whose data it is: the credits of all that a workspace holds."""

from __future__ import annotations

import re

from targeting.config import Workspace
from targeting.reference.held import election_sheet, list_elections, list_shares
from targeting.reference.sheets import SOURCES
from targeting.reference.tables import list_layers


def credits(workspace: Workspace) -> list[str]:
    """Credits of every source in the workspace, each once: they go under each map and export.

    What was made of several sources credits them on one line, parted by ` · `.
    """
    sheets = [election_sheet(workspace, e) for e in list_elections(workspace)]
    sheets += list_shares(workspace).values()
    for folder in [f for f in SOURCES if f not in ("turnout", "shares")]:
        sheets += [sheet for _, _, sheet in list_layers(workspace, folder)]
    named = [" ".join(part.split()) for s in sheets for part in s.credit.split(" · ")]
    first: dict[str, str] = {}
    for name in filter(None, named):
        first.setdefault(_as_said(name), name)
    return [_as_printed(name) for name in first.values()]


def _as_printed(credit: str) -> str:
    """A credit with the space that French wants before a colon.

    >>> _as_printed("Contours: Cartelec, ODbL") == "Contours\u00a0: Cartelec, ODbL"
    True
    """
    return re.sub(r"[ \u00a0]?: ", "\u00a0: ", credit)


def _as_said(credit: str) -> str:
    """A credit whatever its capitals and apostrophes."""
    return credit.casefold().replace("’", "'").rstrip(".")
