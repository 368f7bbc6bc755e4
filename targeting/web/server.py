"""Routes of our own beside Streamlit's, and what every request passes through."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from os import PathLike, stat_result
from pathlib import Path
from typing import Any, Final

import click
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from targeting import __version__
from targeting.config import ASSETS, workspace_from
from targeting.locale.messages import said, spoken_language
from targeting.web import login
from targeting.web.door import Door
from targeting.web.gate import Gate, other_origins
from targeting.web.headers import SecurityHeaders
from targeting.web.keys import Keys
from targeting.web.ours import FOLDER, OURS
from targeting.workflows.backups import keep_daily

MAIN: Final = Path(__file__).with_name("main.py")
FOREVER: Final = "public, max-age=31536000, immutable"


class MapFiles(StaticFiles):
    """Files whose address changes with their content: a browser never asks for one twice."""

    def file_response(
        self,
        full_path: str | PathLike[str],
        stat_result: stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        """The file, to be kept for good."""
        response = super().file_response(full_path, stat_result, scope, status_code)
        response.headers["Cache-Control"] = FOREVER
        return response


async def health(_request: Request) -> Response:
    """The server answers: nothing else is told."""
    return JSONResponse({"status": "ok", "version": __version__})


def routes(door: Door) -> list[BaseRoute]:
    """`/health`, the pages of the door, the workspace's map files at `/assets`, our own style and
    scripts."""
    maps = workspace_from().maps
    return [
        *login.routes(door),
        Route("/health", health),
        Mount(ASSETS, MapFiles(directory=maps, check_dir=False), name="assets"),
        Mount(OURS, MapFiles(directory=FOLDER), name="ours"),
    ]


def middleware(keys: Keys, door: Door) -> list[Middleware]:
    """What stands before every request: `keys` lets a browser in at one desk, `door` in a team."""
    return [
        Middleware(SecurityHeaders),
        Middleware(Gate, keys=keys, door=door, origins=other_origins()),
    ]


def parts() -> dict[str, Any]:
    """All that `st.App` is built with, one set of keys and one door in it."""
    keys, door = Keys(), Door(workspace_from)
    return {
        "routes": routes(door),
        "middleware": middleware(keys, door),
        "lifespan": lifespan(keys, door),
    }


def print_address(token: str, origin: str, *, another: bool = True) -> None:
    """The address that opens the dashboard in one browser, once."""
    address = f"{origin}/?token={token}"
    words = f"another browser: {address}" if another else f"Relance: {address}"
    click.echo(said(spoken_language(), words))


def print_first(origin: str) -> None:
    """In a team without an administrator: the link of one use that makes the first one."""
    from targeting.workflows.access.door import first_link

    secret = first_link(workspace_from())
    if secret is not None:
        words = f"first administrator (one use, 24 hours): {origin}/join?k={secret}"
        click.echo(said(spoken_language(), words))


def lifespan(keys: Keys, door: Door) -> Callable[[Any], AbstractAsyncContextManager[None]]:
    """At the start, print the address and warm what the first screens need; look after sockets."""

    @asynccontextmanager
    async def around(_app: object) -> AsyncIterator[None]:
        from streamlit import config

        address, port = config.get_option("server.address"), config.get_option("server.port")
        origin = (other_origins() or (f"http://{address or '127.0.0.1'}:{port}",))[0]
        keys.tell = print_address
        if await door.is_team():
            click.echo(said(spoken_language(), f"Relance: {origin} (with accounts)"))
            print_first(origin)
        else:
            print_address(keys.token, origin, another=False)
        threading.Thread(target=_warm, name="warm-up", daemon=True).start()
        watching = asyncio.create_task(door.watch())
        keep_daily(workspace_from())
        yield
        watching.cancel()

    return around


def _warm() -> None:
    """Warm, then let the collector leave alone what stays: a look at it all is a third of a second,
    within somebody's click."""
    from targeting.web.loaders import warm_up

    warm_up()
    gc.collect()
    gc.freeze()
