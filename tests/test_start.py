"""What a command loads before it works: nothing heavy for help, only what it needs otherwise."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from targeting.config import PROJECT
from targeting.store.engine import MIGRATIONS, NEWEST

HEAVY = (
    "pandas", "numpy", "alembic", "scipy", "sqlalchemy", "geopandas", "pandera", "polars",
    "pyarrow", "numba", "streamlit", "shapely", "pyproj", "sklearn", "mako",
)  # fmt: skip

CALL = """
import sys
from targeting.cli.app import cli
code = cli(sys.argv[1:], standalone_mode=False)
print("loaded", *sorted({name.partition(".")[0] for name in sys.modules}), file=sys.stderr)
sys.exit(code or 0)
"""


def loaded_by(*arguments: object) -> set[str]:
    """Libraries that one command leaves loaded, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", CALL, *map(str, arguments)],
        cwd=PROJECT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    last = done.stderr.splitlines()[-1].split()
    assert last[0] == "loaded"
    assert {"click", "targeting"} <= set(last)
    return set(last)


@pytest.mark.parametrize("page", [("--help",), ("turfs", "cut", "--help"), ("import", "--help")])
def test_a_page_of_help_loads_nothing_heavy(page: tuple[str, ...]) -> None:
    assert not loaded_by(*page) & set(HEAVY)


def test_the_list_of_publications_loads_nothing_heavy(tmp_path: Path) -> None:
    assert not loaded_by("--workspace", tmp_path / "w", "sources") & set(HEAVY)


def test_a_light_command_on_a_workspace_loads_what_it_needs_and_no_more(tmp_path: Path) -> None:
    """Its database is opened, and no table: pandas and what stands on it stay away."""
    loaded_by("--workspace", tmp_path / "w", "init", "--commune", "13055")
    for command in (("init", "--name", "Again"), ("doctor",)):
        found = loaded_by("--workspace", tmp_path / "w", *command)
        assert "sqlalchemy" in found
        assert not found & set(HEAVY) - {"sqlalchemy"}


def test_the_doctor_opens_no_table_of_a_whole_town(demo_folder: Path) -> None:
    """How the roll was found was kept with the buildings, and is read without them."""
    found = loaded_by("--workspace", demo_folder, "doctor")
    assert "sqlalchemy" in found
    assert not found & set(HEAVY) - {"sqlalchemy"}


@pytest.mark.parametrize(
    ("module", "kept_away"),
    [
        ("exports.walk_pdf", set(HEAVY) - {"numpy", "shapely"}),  # what sets pages, in a child
        ("workflows.outings.walkbooks", {"numba", "scipy", "alembic", "streamlit", "sklearn"}),
        ("reference.held", set(HEAVY)),
    ],
)
def test_a_module_loads_what_its_job_needs(module: str, kept_away: set[str]) -> None:
    code = f"import sys, targeting.{module}; print(*{{n.partition('.')[0] for n in sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert not set(done.stdout.split()) & kept_away


def test_the_newest_migration_is_the_one_written_in_the_code() -> None:
    from alembic.script import ScriptDirectory

    assert ScriptDirectory(str(MIGRATIONS)).get_current_head() == NEWEST
