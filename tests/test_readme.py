"""The README says only what is true today."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from targeting.cli.app import cli

README = (Path(__file__).resolve().parents[1] / "README.md").read_text()


@pytest.mark.slow
def test_the_first_example_runs_on_the_invented_town(capsys: pytest.CaptureFixture[str]) -> None:
    example = re.search(r"```python\n(.*?)```", README, re.DOTALL)
    assert example
    exec(compile(example[1], "README.md", "exec"), {})
    printed = capsys.readouterr().out
    assert printed.count("99001_") == 3


def test_every_command_and_option_of_the_readme_exists() -> None:
    lines = [line for line in README.splitlines() if line.startswith("$relance ")]
    assert len(lines) >= 7
    for line in lines:
        words = line.split("#")[0].split()[1:]
        command = [w for w in words if re.fullmatch(r"[a-z]+", w)][:2]
        if command[0] not in ("import", "turfs"):
            command = command[:1]
        shown = CliRunner().invoke(cli, [*command, "--help"])
        assert shown.exit_code == 0, line
        for option in (w for w in words if w.startswith("--")):
            assert option in shown.output, line


def test_the_files_it_shows_are_there() -> None:
    for name in re.findall(r"!\[.*?\]\((.*?)\)", README):
        assert (Path(__file__).resolve().parents[1] / name).is_file(), name
