"""The command line's own words: which language, and help pages in it."""

from __future__ import annotations

import inspect
from collections.abc import Iterable

import click

from targeting.locale.messages import said, spoken_language


def language_of(ctx: click.Context | None) -> str:
    """The language asked for with --lang, else by RELANCE_LANG, else French."""
    asked = None
    while ctx is not None and asked is None:
        asked = ctx.params.get("language")
        ctx = ctx.parent
    return asked or spoken_language()


class HelpPage(click.HelpFormatter):
    """A help page in the user's language."""

    @property
    def language(self) -> str:
        """The language of the command whose help this is."""
        return language_of(click.get_current_context(silent=True))

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        super().write_usage(prog, args, said(self.language, prefix or "Usage:") + " ")

    def write_heading(self, heading: str) -> None:
        super().write_heading(said(self.language, f"{heading}:").removesuffix(":"))

    def write_text(self, text: str) -> None:
        paragraphs = (" ".join(p.split()) for p in text.split("\n\n"))
        super().write_text("\n\n".join(said(self.language, p) for p in paragraphs))

    def write_dl(
        self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2
    ) -> None:
        told = [(name, self._told(text)) for name, text in rows]
        super().write_dl(told, col_max, col_spacing)

    def _told(self, text: str) -> str:
        words, gap, bracket = text.partition("  [" if "  [" in text else "[")
        if gap and bracket.endswith("]"):
            bracket = "; ".join(said(self.language, b) for b in bracket[:-1].split("; ")) + "]"
        return said(self.language, words) + gap + bracket


class SpokenContext(click.Context):
    """A context whose help pages are in the user's language."""

    formatter_class = HelpPage


def speak(command: click.Command) -> None:
    """Let a command and all those under it say their help in the user's language."""
    command.context_class = SpokenContext
    text = inspect.cleandoc(command.help or "")
    command.short_help = " ".join(text.split("\n\n")[0].split())
    for under in getattr(command, "commands", {}).values():
        speak(under)
