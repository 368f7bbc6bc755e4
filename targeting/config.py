"""Where a campaign lives on the disk, and what may be set from outside."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path
from typing import Final

from targeting.access.roles import LOCAL, Actor
from targeting.errors import WorkspaceError
from targeting.shipped import CHECKOUT, OUR_DATA, PACKAGE

PROJECT: Final = PACKAGE.parent
"""The folder that has the package in it: what a child process finds it by."""
DEFAULT_WORKSPACE: Final = OUR_DATA / "workspace" if CHECKOUT else Path.home() / "relance"

ASSETS: Final = "/assets"
"""Where the dashboard serves a workspace's map files."""

OUR_NAMES: Final = (
    "reference", "cache", "logs", "backups", "jobs", ".staging", "relance.db", "workspace.json",
    "blocs.csv", "relance.key", "backups.key", "erased.key", "erased.log",
)  # fmt: skip
"""What a workspace has at its top."""


class AsItIs(Enum):
    AS_IT_IS = "as it is"


AS_IT_IS: Final = AsItIs.AS_IT_IS
"""What leaves a setting alone, where None has a meaning of its own."""


@dataclass(frozen=True)
class Workspace:
    """One campaign in one folder: copy the folder and the campaign has moved.

    `reference/` holds open data (Parquet), `relance.db` what people change, `cache/` what can be
    made again.
    """

    root: Path
    actor: Actor = field(default=LOCAL, compare=False, repr=False)
    """Who opened it, and asks for what is done in it: services ask `access` what they may."""

    def asked_by(self, actor: Actor) -> Workspace:
        """The same workspace, opened by somebody."""
        return replace(self, actor=actor)

    @property
    def reference(self) -> Path:
        return self.root / "reference"

    @property
    def blocs(self) -> Path:
        """The user's copy of the bloc table."""
        return self.root / "blocs.csv"

    @property
    def maps(self) -> Path:
        """Generated map files, served by the dashboard at /assets."""
        return self.root / "cache" / "maps"

    @property
    def jobs(self) -> Path:
        """Files dropped on a screen and what is made of them; served to nobody."""
        return self.root / "jobs"

    @property
    def log(self) -> Path:
        return self.root / "logs" / "relance.log"

    @property
    def database_url(self) -> str:
        """`RELANCE_DATABASE_URL` for a team's PostgreSQL, else the workspace's SQLite file."""
        return os.environ.get("RELANCE_DATABASE_URL") or f"sqlite:///{self.root / 'relance.db'}"

    @property
    def exists(self) -> bool:
        return self.reference.is_dir()

    def required(self) -> Workspace:
        """This workspace if it was initialised, else WorkspaceError with the way out."""
        if not self.exists:
            raise WorkspaceError(
                f"there is no workspace in {self.root}: make one with "
                "`python -m targeting init --commune 13055`, or the invented town's with "
                "`python -m targeting demo`."
            )
        for name in OUR_NAMES:
            place = self.root / name
            if place.is_symlink() and not place.resolve().is_relative_to(self.root.resolve()):
                raise WorkspaceError(
                    f"{place} is a link that leads out of the workspace: put a folder or file of "
                    "its own there (what is written in a workspace stays in it)."
                )
        return self


def workspace_from(folder: Path | None = None) -> Workspace:
    """The workspace asked for: `--workspace`, else `RELANCE_WORKSPACE`, else data/workspace."""
    chosen = folder or Path(os.environ.get("RELANCE_WORKSPACE") or DEFAULT_WORKSPACE)
    return Workspace(chosen.expanduser().resolve())


@dataclass(frozen=True)
class ReadingLimits:
    """What the reading of one foreign file may take (DESIGN §8.12)."""

    megabytes: int = 1024
    seconds: int = 60

    @classmethod
    def from_env(cls) -> ReadingLimits:
        """`RELANCE_READING_MB` and `RELANCE_READING_SECONDS`, for a larger machine's files."""
        return cls(
            _whole("RELANCE_READING_MB", cls.megabytes),
            _whole("RELANCE_READING_SECONDS", cls.seconds),
        )


def _whole(name: str, default: int) -> int:
    """A setting that is a number above zero."""
    text = os.environ.get(name) or str(default)
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 10**7):
        raise WorkspaceError(f"{name} is “{text[:20]}”: write a whole number, as {default}.")
    return int(text)
