"""Outlines built twice of the same points."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from targeting.config import Workspace
from targeting.workflows.imports.built import BuiltCommune, build_stations


def test_the_sheet_of_built_stations_keeps_no_seconds() -> None:
    def built(seconds: float) -> BuiltCommune:
        return BuiltCommune(
            "29039", "2022", "voters", 2, 9, 9.0, 1.0, 0, 0.0, 0, 0.0, 0.0, 0.0, "", [], [], seconds
        )  # fmt: skip

    assert built(0.7).notes() == built(8.0).notes()
    assert built(0.7).lines()[0].endswith(" in 0.7 s")


@pytest.mark.slow
def test_the_invented_town_is_built_and_again_to_the_same_bytes(
    demo_folder: Path, tmp_path: Path
) -> None:
    workspace = Workspace(Path(shutil.copytree(demo_folder, tmp_path / "demo")))
    sheets = []
    for _ in range(2):
        (told,) = build_stations(workspace)
        assert told.stations == 63
        sheets.append((workspace.reference / "stations/99001-built_2022.json").read_bytes())
    assert sheets[0] == sheets[1]
