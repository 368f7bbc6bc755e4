"""Routes of our own beside Streamlit's, and what every request passes through."""

from __future__ import annotations

from os import PathLike, stat_result
from pathlib import Path
from typing import Final

from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from targeting import __version__
from targeting.config import workspace_from
from targeting.maps.files import ASSETS
from targeting.web.headers import SecurityHeaders

MAIN: Final = Path(__file__).with_name("main.py")
FOREVER: Final = "public, max-age=31536000, immutable"


class MapFiles(StaticFiles):
    """Map files, named by their content: a browser never asks for one twice."""

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


def routes() -> list[BaseRoute]:
    """`/health`, and the workspace's map files at `/assets`."""
    maps = workspace_from().maps
    return [
        Route("/health", health),
        Mount(ASSETS, MapFiles(directory=maps, check_dir=False), name="assets"),
    ]


def middleware() -> list[Middleware]:
    """What stands before every request."""
    return [Middleware(SecurityHeaders)]
