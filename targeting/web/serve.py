"""`serve`, `make run`: the dashboard on loopback, on a free port, with its address printed."""

from __future__ import annotations

import os
import socket
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NoReturn

import click

from targeting.config import Workspace
from targeting.errors import TargetingError
from targeting.locale import DEFAULT
from targeting.locale.messages import LANGUAGE_VARIABLE, said
from targeting.shipped import CHECKOUT, PACKAGE
from targeting.web.asking import parse_origin
from targeting.web.door import TEAM
from targeting.web.gate import ORIGINS

PORTS_TRIED: Final = 20
LOOPBACK: Final = "127.0.0.1"


def free_port(first: int) -> int:
    """The first free port from `first` on. Raises TargetingError when twenty are taken."""
    for port in range(first, first + PORTS_TRIED):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
            return port
    raise TargetingError(
        f"ports {first} to {first + PORTS_TRIED - 1} are all taken:"
        " try --port 9000 (`make run PORT=9000`)."
    )


def become_the_server(
    chosen: Workspace, port: int, origins: Sequence[str] = (), *, language: str = DEFAULT,
    is_team: bool = False,
) -> NoReturn:  # fmt: skip
    """The process becomes the dashboard's server: what follows never runs.

    `origins` are addresses by which a proxy opens it too; `is_team`: nobody comes in without an
    account. Raises TargetingError for a wrong address,
    where twenty ports from `port` on are taken, and for a team where there is no workspace yet.
    """
    if is_team:  # accounts are rows of its database
        chosen.required()
    free = free_port(port)
    named = [parse_origin(origin) for origin in origins]
    words = f"Opening the workspace {chosen.root} (Ctrl-C stops). Open this in your browser:"
    click.echo(said(language, words))
    sys.stdout.flush()
    os.environ[LANGUAGE_VARIABLE] = language
    os.environ["RELANCE_WORKSPACE"] = str(chosen.root)
    if is_team:
        os.environ[TEAM] = "1"
    if named:
        os.environ[ORIGINS] = " ".join(named)
    options = [f"--server.address={LOOPBACK}", f"--server.port={free}", "--logger.level=warning"]
    if CHECKOUT:  # Streamlit finds `.streamlit/config.toml` where it is started
        os.chdir(CHECKOUT)
        app = CHECKOUT / "app.py"
    else:
        options, app = [*shipped_options(), *options], PACKAGE / "web" / "app.py"
    command = [sys.executable, "-m", "streamlit", "run", str(app), *options]
    os.execv(sys.executable, command)  # noqa: S606 (no shell, our own arguments)


def shipped_options() -> list[str]:
    """Streamlit's settings that came with an installed package, as words of a command line."""
    settings = tomllib.loads((PACKAGE / "web" / "streamlit" / "config.toml").read_text("utf8"))
    return [
        f"--{name}={str(value).lower() if isinstance(value, bool) else value}"
        for name, value in _flat(settings)
    ]


def _flat(settings: Mapping[str, Any], within: str = "") -> Iterator[tuple[str, Any]]:
    """Each setting with the names of its sections (`theme.dark.textColor`)."""
    for name, value in settings.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{within}{name}.")
        else:
            yield f"{within}{name}", value
