"""Readers of several tables of `reference/` see one moment, whatever imports move in meanwhile."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Concatenate, Final, ParamSpec, TypeVar

from targeting.config import Workspace
from targeting.errors import WorkspaceError
from targeting.reference.checksums import Stamp, stamp
from targeting.reference.staging import recover_if_needed

Read = TypeVar("Read")
Given = ParamSpec("Given")

STEADY_TRIES: Final = 5


def steady(workspace: Workspace, work: Callable[[], Read]) -> Read:
    """What `work` reads, all of one moment: done again if an import came in meanwhile.

    Raises WorkspaceError if imports keep coming.
    """
    for _ in range(STEADY_TRIES):
        recover_if_needed(workspace)
        before = _moment(workspace)
        try:
            result = work()
        except Exception:
            if _moment(workspace) == before:
                raise
            continue  # it failed over a half of the new files
        if _moment(workspace) == before:
            return result
    raise WorkspaceError(
        f"files keep coming into {workspace.root}: wait until the imports end, then try again."
    )


def one_moment(
    function: Callable[Concatenate[Workspace, Given], Read],
) -> Callable[Concatenate[Workspace, Given], Read]:
    """A function of a workspace that reads several tables: all of one moment (see `steady`)."""

    @functools.wraps(function)
    def steadily(workspace: Workspace, /, *given: Given.args, **named: Given.kwargs) -> Read:
        return steady(workspace, lambda: function(workspace, *given, **named))

    return steadily


def _moment(workspace: Workspace) -> list[tuple[str, Stamp]] | None:
    """What every table of `reference/` is now; changes with each move of an import."""
    while True:
        try:
            tables = sorted(workspace.reference.glob("*/*.parquet"))
            return [(str(path), stamp(path)) for path in tables]
        except FileNotFoundError:
            continue  # taken away between the list and the look
