"""The command line's pages of docs/, written from the commands: `python -m tests.command_pages`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click
from click.testing import CliRunner

from targeting.cli.app import cli
from targeting.locale.messages import LANGUAGE_VARIABLE

DOCS: Final = Path(__file__).resolve().parents[1] / "docs"
PAGES: Final = {"en": DOCS / "commands.md", "fr": DOCS / "commandes.md"}
HEADS: Final = {
    "en": "# The command line\n\nWritten from the commands (`make docs`): what each `--help` says.\n",
    "fr": "# La ligne de commande\n\nÉcrite d’après les commandes (`make docs`) : ce que dit chaque `--help`.\n",
}


def commands(command: click.Command, words: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Each command by its words, groups before what is in them."""
    yield words
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from commands(inner, (*words, name))


def page(language: str) -> str:
    """The page of a language, as one Markdown text."""
    parts = [HEADS[language]]
    environment = {LANGUAGE_VARIABLE: language, "COLUMNS": "98", "TERMINAL_WIDTH": "98"}
    for words in commands(cli):
        shown = CliRunner(env=environment).invoke(
            cli, [*words, "--help"], prog_name="relance", terminal_width=98
        )
        assert shown.exit_code == 0, shown.output
        title = " ".join(("relance", *words))
        body = "\n".join(line.rstrip() for line in shown.output.strip().splitlines())
        parts.append(f"## `{title}`\n\n```text\n{body}\n```\n")
    return "\n".join(parts)


def main() -> None:
    for language, path in PAGES.items():
        path.write_text(page(language), encoding="utf8")


if __name__ == "__main__":
    os.environ.pop("RELANCE_WORKSPACE", None)
    main()
