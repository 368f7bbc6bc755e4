"""How long work tells its steps, whoever listens: a command's stderr, a screen's bar."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str], None]


def silent(_step: str) -> None:
    """Progress that nobody watches."""
