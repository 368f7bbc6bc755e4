"""What is read of the workspace, kept until it changes; one look at it a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from functools import update_wrapper, wraps
from inspect import Parameter, Signature, signature
from typing import Any, Concatenate, Final, Generic, ParamSpec, TypeVar

import streamlit as st

from targeting.access.roles import Actor
from targeting.config import Workspace, workspace_from
from targeting.store.engine import written_here
from targeting.web.who import actor, still
from targeting.web.words import say
from targeting.workflows import marks
from targeting.workflows.access.asks import ask

KEPT: Final = 4

Opened = TypeVar("Opened")
Asked = ParamSpec("Asked")

_look: ContextVar[dict[tuple[Workspace, int], marks.Marks] | None] = ContextVar(
    "look", default=None
)

_asking: ContextVar[Actor | None] = ContextVar("asking", default=None)


@contextmanager
def asked_as(asking: Actor) -> Iterator[None]:
    """Within, it is this actor who opens the workspace."""
    token = _asking.set(asking)
    try:
        yield
    finally:
        _asking.reset(token)


def at_the_click(make: Callable[Asked, Opened]) -> Callable[Asked, Opened]:
    """What a button makes once it is pressed, outside the run of a screen: for who drew the button,
    with the role that they have by then."""
    drawn_for = workspace().actor

    @wraps(make)
    def pressed(*args: Asked.args, **kwargs: Asked.kwargs) -> Opened:
        with asked_as(still(drawn_for)):
            return make(*args, **kwargs)

    return pressed


@contextmanager
def one_look() -> Iterator[None]:
    """What one run of a screen shows is of one moment: the workspace's marks are looked up once,
    and so is who asks.

    Marks are looked up again once this process has written. Outside, each look is a new one.
    """
    token = _look.set({})
    try:
        with asked_as(actor()):
            yield
    finally:
        _look.reset(token)


def _marks(here: Workspace) -> marks.Marks:
    kept, written = _look.get(), written_here()
    if kept is None:
        return marks.workspace_marks(here)
    if (here, written) not in kept:
        kept[here, written] = marks.workspace_marks(here)
    return kept[here, written]


def mark_of(here: Workspace) -> str:
    return _marks(here).whole


def score_mark_of(here: Workspace) -> str:
    return _marks(here).scores


def workspace_mark() -> str:
    """Changes whenever the workspace does."""
    return mark_of(workspace())


def workspace() -> Workspace:
    """The workspace of this server, as who looks at the screen opens it."""
    return workspace_from().asked_by(_asking.get() or actor())


class Kept(Generic[Asked, Opened]):
    """A loader of the server's workspace whose answer is kept until the workspace changes."""

    def __init__(
        self,
        load: Callable[Concatenate[Workspace, Asked], Opened],
        *,
        asks: str,
        own: bool,
        until: Callable[[Workspace], str],
        entries: int,
        is_copied: bool,
        is_told: bool,
        is_whole: Callable[[Any], bool] | None,
    ) -> None:
        update_wrapper(self, load)
        self.asks, self.own = asks, own
        self.until, self.is_told, self.is_whole = until, is_told, is_whole
        keep = st.cache_data if is_copied else st.cache_resource
        self._kept: Any = keep(max_entries=entries, show_spinner=False)(_marked(load))

    def __call__(self, *args: Asked.args, **kwargs: Asked.kwargs) -> Opened:
        here = workspace()
        if self.asks:  # what is kept is not loaded again: its service is not there to ask
            ask(here, self.asks, own=self.own)
        with st.spinner(say("loading")) if self.is_told else nullcontext():
            return self.of(here, self.until(here), *args, **kwargs)

    def of(self, here: Workspace, mark: str, *args: Asked.args, **kwargs: Asked.kwargs) -> Opened:
        """What is kept of this workspace as its mark tells it, else loaded, without a word."""
        found: Opened = self._kept(here, mark, *args, **kwargs)
        if self.is_whole is not None and not self.is_whole(found):
            self._kept.clear(here, mark, *args, **kwargs)
            found = self._kept(here, mark, *args, **kwargs)
        return found


def kept(
    asks: str,
    *,
    own: bool = False,
    until: Callable[[Workspace], str] = mark_of,
    entries: int = KEPT,
    is_copied: bool = False,
    is_told: bool = False,
    is_whole: Callable[[Any], bool] | None = None,
) -> Callable[[Callable[Concatenate[Workspace, Asked], Opened]], Kept[Asked, Opened]]:
    """Keep what a loader gives until the mark of its workspace changes; it is called without it.

    `asks`: what who looks must be allowed (`access.roles`), on what is theirs where `own`; nothing
    for what everybody inside may see. It is asked at each call: one's answer is kept for all.

    Streamlit loads it once, the others wait; a parameter that begins with `_` is not compared, it
    follows from the workspace. `until`: what tells of a change; `is_copied`: each reader has a copy
    of its own; `is_told`: what takes long the first time says so; `is_whole`: whether what was kept
    can still be used (a file that somebody deleted is written again).
    """

    def decorate(load: Callable[Concatenate[Workspace, Asked], Opened]) -> Kept[Asked, Opened]:
        return Kept(
            load,
            asks=asks,
            own=own,
            until=until,
            entries=entries,
            is_copied=is_copied,
            is_told=is_told,
            is_whole=is_whole,
        )

    return decorate


def _marked(load: Callable[Concatenate[Workspace, Asked], Opened]) -> Callable[..., Opened]:
    """A loader as Streamlit keeps it: by its mark and its own arguments, not by its workspace."""

    @wraps(load)
    def made(_here: Workspace, mark: str, *args: Any, **kwargs: Any) -> Opened:
        return load(_here, *args, **kwargs)

    first = [Parameter(name, Parameter.POSITIONAL_OR_KEYWORD) for name in ("_here", "mark")]
    own = list(signature(load).parameters.values())[1:]
    made.__signature__ = Signature([*first, *own])  # type: ignore[attr-defined]
    return made
