"""The README says only what is true today."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from targeting.cli.app import cli
from tests import command_pages

PROJECT = Path(__file__).resolve().parents[1]
README = (PROJECT / "README.md").read_text(encoding="utf8")
PAGES = {
    p: p.read_text(encoding="utf8") for p in [PROJECT / "README.md", *PROJECT.glob("docs/*.md")]
}


@pytest.mark.slow
def test_the_first_example_runs_on_the_invented_town(capsys: pytest.CaptureFixture[str]) -> None:
    example = re.search(r"```python\n(.*?)```", README, re.DOTALL)
    assert example
    exec(compile(example[1], "README.md", "exec"), {})
    printed = capsys.readouterr().out
    assert printed.count("99001_") == 3


def test_every_command_and_option_of_the_readme_exists() -> None:
    lines = [
        line
        for text in PAGES.values()
        for line in text.splitlines()
        if line.startswith("$relance ")
    ]
    assert len(lines) >= 20
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
    for path, text in PAGES.items():
        for name in re.findall(r"\]\(([^)#:]+)\)", text):
            assert (path.parent / name).is_file(), f"{path.name}: {name}"


def test_the_readme_is_short_and_leads_to_the_french_one() -> None:
    lines = README.splitlines()
    assert len(lines) <= 120
    assert "docs/LISEZMOI.md" in lines[1]


def test_commands_of_both_readmes_are_the_same() -> None:
    french = PAGES[PROJECT / "docs" / "LISEZMOI.md"]

    def typed(text: str) -> list[str]:
        return [line.split("#")[0].strip() for line in text.splitlines() if line.startswith("$")]

    assert typed(README) == typed(french)


def test_folders_and_files_that_the_docs_name_are_there() -> None:
    text = PAGES[PROJECT / "docs" / "carrying-on.md"]
    named = re.findall(r"`((?:targeting|tests|pages|sources|web|locale|store)/[\w/.]+)`", text)
    assert len(named) >= 5
    for name in named:
        assert any((root / name).exists() for root in (PROJECT, PROJECT / "targeting")), name


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_pages_of_the_command_line_are_what_the_commands_say(language: str) -> None:
    assert command_pages.page(language) == command_pages.PAGES[language].read_text(encoding="utf8")
