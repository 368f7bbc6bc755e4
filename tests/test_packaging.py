"""What an installed package holds is what the checkout holds."""

from __future__ import annotations

import fnmatch
import subprocess
import tomllib
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
TOOL = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf8"))["tool"]["setuptools"]
PLACES = TOOL["package-dir"]


def place(package: str) -> str:
    """The folder of a package, as `package-dir` says."""
    if package in PLACES:
        return PLACES[package]
    parent, _, name = package.rpartition(".")
    return f"{place(parent)}/{name}"


def test_every_file_of_the_package_is_installed_but_the_screenshot() -> None:
    tracked = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "targeting", "pages", "data", ".streamlit"],
        cwd=PROJECT, capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    folders = {place(package) for package in TOOL["packages"]}
    patterns = ["*.py", *TOOL["package-data"]["*"]]
    left_out = {
        name
        for name in tracked
        if str(Path(name).parent) not in folders
        or not any(fnmatch.fnmatch(Path(name).name, pattern) for pattern in patterns)
    }
    assert left_out == set()
    assert TOOL["exclude-package-data"] == {"targeting.data": ["screenshot.png"]}


def test_every_package_named_is_a_folder_that_is_there() -> None:
    assert [p for p in TOOL["packages"] if not (PROJECT / place(p)).is_dir()] == []
    assert TOOL["packages"] == sorted(TOOL["packages"])
