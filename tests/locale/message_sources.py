"""The sentences of the code that a user may read, found in its source."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import click

import targeting
from targeting.cli.app import cli

PACKAGE = Path(targeting.__file__).parent
REFUSALS = re.compile(r"^(\w*Error|BadParameter)$")
OURS = {"Exception", "ValueError", "TypeError", "KeyError", "RuntimeError", "AssertionError",
        "NotImplementedError", "AttributeError", "IndexError", "StopIteration", "OSError",
        "NotFetchedError", "OtherFileError"}  # fmt: skip
"""Errors that no user is shown: a mistake of ours; and those of the set-up, whose `make` is in
English."""


def template(node: ast.AST) -> str | None:
    """A text with `{}` for each blank; None where the node is no text."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        text = re.sub(r"\{\w+\}", "{}", node.value)
    elif isinstance(node, ast.JoinedStr):
        text = "".join(str(v.value) if isinstance(v, ast.Constant) else "{}" for v in node.values)
    else:
        return None
    return " ".join(text.split())


def texts_under(root: ast.AST) -> Iterator[str]:
    """Whole texts below a node: not the pieces of an f-string, nor what stands in its blanks."""
    if (text := template(root)) is not None:
        yield text
        return
    for child in ast.iter_child_nodes(root):
        yield from texts_under(child)


def is_sentence(text: str) -> bool:
    """Two words of ours at least: no code, no name, no list of blanks."""
    words = re.findall(r"[A-Za-z’']{2,}", re.sub(r"`[^`]*`|\{\}", " ", text))
    return len(words) >= 2 and " " in text


def refusals() -> dict[str, str]:
    """Each sentence of an error that a user may meet, and the module that raises it."""
    found: dict[str, str] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        if "migrations" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf8"))):
            if not (isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call)):
                continue
            name = getattr(node.exc.func, "id", getattr(node.exc.func, "attr", ""))
            if not REFUSALS.match(name) or name in OURS:
                continue
            parts = [*node.exc.args, *(k.value for k in node.exc.keywords)]
            for text in (t for part in parts for t in texts_under(part)):
                if is_sentence(text):
                    found.setdefault(text, str(path.relative_to(PACKAGE)))
    return found


TELLING = ("sources", "stations", "workflows", "reference", "store", "turf", "scoring", "cli")
"""Packages whose functions put words in notes, reports, progress and answers."""

NOT_SAID = re.compile(
    r"^(SELECT|PRAGMA|CREATE|DROP|BEGIN|ATTACH|DETACH|COPY|REPEATABLE|trim\(|length\(|substr\(|Warning: |Code |Sièges |# )|<\w"
    r"|Licence Ouverte|Baptiste Coulmont|^Voies par|EPSG:|^import results FILE$"
    r"|^python -m targeting$|^\(\?|%s of a reading$"
)
"""Words for a database, a file or a pattern; credits, which are names; words to type; the log's."""


def notes() -> dict[str, str]:
    """Each sentence in the body of a function that tells: notes, lines of reports, steps.

    Words of official files stand in constants of modules, not in functions.
    """
    found: dict[str, str] = {}
    for path in sorted(p for folder in TELLING for p in (PACKAGE / folder).rglob("*.py")):
        if "migrations" in path.parts:
            continue
        tree = ast.parse(path.read_text(encoding="utf8"))
        functions = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)]
        for text in (t for f in functions for n in f.body for t in said_by(n)):
            if is_sentence(text) and not NOT_SAID.search(text):
                found.setdefault(text, str(path.relative_to(PACKAGE)))
    return found


def said_by(node: ast.AST) -> Iterator[str]:
    """Texts of a statement; not its docstring, what it compares with, or what `refusals` reads."""
    if isinstance(node, ast.Raise | ast.Compare):
        return
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return
    if (text := template(node)) is not None:
        yield text
    for child in ast.iter_child_nodes(node):
        if not (isinstance(node, ast.JoinedStr) and isinstance(child, ast.Constant)):
            yield from said_by(child)


def helps(command: click.Command = cli) -> Iterator[str]:
    """The sentences of a command's help page, and of those under it."""
    for paragraph in (command.help or "").split("\n\n"):
        if paragraph.strip():
            yield " ".join(paragraph.split())
    for parameter in command.params:
        if text := getattr(parameter, "help", None):
            yield " ".join(text.split())
    for under in getattr(command, "commands", {}).values():
        yield from helps(under)
