"""`make hooks`: a commit waits for the quick checks, and goes no further where one fails."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from targeting.config import PROJECT

pytestmark = pytest.mark.skipif(
    not (shutil.which("git") and shutil.which("make")), reason="git or make is missing: NOT checked"
)

TOOL = """#!/bin/sh
echo "$(basename "$0") $*" >> tools.log
test ! -e broken
"""
"""Stands for ruff, mypy and python: says that it was called, and fails where a file `broken` is."""


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    env = {k: v for k, v in os.environ.items() if not k.startswith(("GIT_", "MAKE"))}
    return subprocess.run(
        words, cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=60
    )


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with our Makefile, whose tools are already set up."""
    folder = tmp_path / "a checkout"
    (folder / ".venv" / "bin").mkdir(parents=True)
    for name in ("Makefile", "requirements.txt", "requirements-dev.txt"):
        shutil.copy(PROJECT / name, folder)
    for name in ("ruff", "mypy", "python"):
        (folder / ".venv" / "bin" / name).write_text(TOOL)
        (folder / ".venv" / "bin" / name).chmod(0o755)
    for name in (".installed", ".installed-dev"):
        (folder / ".venv" / name).touch()
    run(folder, "git", "init", "-q")
    run(folder, "git", "config", "user.email", "someone@example.org")
    run(folder, "git", "config", "user.name", "Someone")
    run(folder, "git", "add", "Makefile")
    return folder


def test_a_commit_waits_for_the_checks_and_is_refused_where_one_fails(checkout: Path) -> None:
    told = run(checkout, "make", "hooks")
    assert told.returncode == 0, told.stderr
    assert "make check-quick" in told.stdout
    (checkout / "broken").touch()
    refused = run(checkout, "git", "commit", "-qm", "One")
    assert refused.returncode == 1
    assert run(checkout, "git", "rev-parse", "HEAD").returncode != 0
    assert (checkout / "tools.log").read_text().splitlines() == ["ruff format --check ."]
    (checkout / "broken").unlink()
    done = run(checkout, "git", "commit", "-qm", "One")
    assert done.returncode == 0, done.stderr
    called = (checkout / "tools.log").read_text()
    assert "mypy" in called
    assert "python -m pytest" in called


def test_hooks_are_written_again_but_never_over_somebody_elses(checkout: Path) -> None:
    hook = checkout / ".git" / "hooks" / "pre-commit"
    assert run(checkout, "make", "hooks").returncode == 0
    assert run(checkout, "make", "hooks").returncode == 0
    assert os.access(hook, os.X_OK)
    hook.write_text("#!/bin/sh\n")
    told = run(checkout, "make", "hooks")
    assert told.returncode == 2
    assert "another's" in told.stdout
    assert hook.read_text() == "#!/bin/sh\n"
