"""`make run`: the dashboard on loopback, on a free port, with its address printed."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from typing import Final

import click

from targeting.config import PROJECT, workspace_from
from targeting.errors import TargetingError
from targeting.web.gate import ORIGINS, parse_origin

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
        f"ports {first} to {first + PORTS_TRIED - 1} are all taken: try `make run PORT=9000`."
    )


@click.command()
@click.option("--workspace", type=click.Path(path_type=Path), help="The campaign's folder.")
@click.option("--port", type=click.IntRange(1024, 65535), default=8501, show_default=True)
@click.option(
    "--origin", "origins", multiple=True,
    help="An address by which a proxy of yours opens it too (https://relance.example).",
)  # fmt: skip
def serve(workspace: Path | None, port: int, origins: tuple[str, ...]) -> None:
    """Open the dashboard of a workspace; Ctrl-C stops it."""
    try:
        chosen, free = workspace_from(workspace), free_port(port)
        named = [parse_origin(origin) for origin in origins]
    except TargetingError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(2)
    click.echo(f"Opening the workspace {chosen.root} (Ctrl-C stops). Open this in your browser:")
    sys.stdout.flush()
    os.chdir(PROJECT)
    os.environ["RELANCE_WORKSPACE"] = str(chosen.root)
    if named:
        os.environ[ORIGINS] = " ".join(named)
    options = [f"--server.address={LOOPBACK}", f"--server.port={free}", "--logger.level=warning"]
    command = [sys.executable, "-m", "streamlit", "run", "app.py", *options]
    os.execv(sys.executable, command)  # noqa: S606 (no shell, our own arguments)


if __name__ == "__main__":
    serve()
