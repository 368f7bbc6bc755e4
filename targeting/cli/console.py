"""What every command has at hand: the workspace, one way to answer, options met again."""

from __future__ import annotations

import json
import logging
import re
import traceback
import uuid
from collections.abc import Callable
from dataclasses import asdict, is_dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import click

from targeting.cli.words import language_of
from targeting.config import AS_IT_IS, AsItIs, Workspace
from targeting.errors import TargetingError
from targeting.locale import DEFAULT
from targeting.locale.messages import said


class Relance(click.Group):
    """The group: turns a TargetingError into one line and exit 2, anything else into an id."""

    def invoke(self, ctx: click.Context) -> Any:
        language = language_of(ctx)
        try:
            return super().invoke(ctx)
        except TargetingError as error:
            click.echo(said(language, f"Error: {error}"), err=True)
            ctx.exit(2)
        except click.exceptions.NoArgsIsHelpError as error:
            click.echo(error.format_message(), err=True)
            ctx.exit(2)
        except click.ClickException as error:
            reason = " ".join(error.format_message().split())
            refused = said(language, f"Error: {reason}")
            click.echo(f"{refused} {said(language, _help(error))}".rstrip(), err=True)
            ctx.exit(2)
        except (click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:  # noqa: BLE001 (told with an id, logged whole)
            if (trouble := _named_trouble(ctx.obj, error)) is not None:
                click.echo(said(language, f"Error: {trouble}"), err=True)
                ctx.exit(2)
            reference = _log_fault(ctx.obj, error)
            told = f"Internal error {reference}: please report it. {_log_place(ctx, reference)}"
            click.echo(said(language, told), err=True)
            ctx.exit(1)


def _help(error: click.ClickException) -> str:
    """Where the way out is: the help of the command that was called."""
    ctx = getattr(error, "ctx", None)
    return f"See `{ctx.command_path} --help`." if ctx is not None else ""


def _named_trouble(console: Console | None, error: Exception) -> str | None:
    """What the disk or the database said, in words; nothing for a fault of ours."""
    if console is None:
        return None
    from targeting.store.opening import named_trouble

    return named_trouble(console.workspace, error)


def _log_fault(console: Console | None, error: Exception) -> str:
    """Keep the trace under an id: in the workspace's log, else on stderr."""
    reference = uuid.uuid4().hex[:8]
    trace = "".join(traceback.format_exception(error))
    if console is not None and console.workspace.exists:
        log = console.workspace.log
        try:
            log.parent.mkdir(parents=True, exist_ok=True)
            with open(log, "a") as file:
                file.write(f"{datetime.now().isoformat()} {reference}\n{trace}\n")
        except OSError:  # the disk is full, or read only: the trace is still to be had
            logging.getLogger("relance").error("%s\n%s", reference, trace)
    else:
        logging.getLogger("relance").error("%s\n%s", reference, trace)
    return reference


def _log_place(ctx: click.Context, reference: str) -> str:
    console: Console | None = ctx.obj
    if console is None or not console.workspace.log.is_file():
        return ""
    try:
        kept = reference in console.workspace.log.read_text(errors="replace")
    except OSError:
        return ""
    return f"The trace is in {console.workspace.log}." if kept else ""


class Console:
    """What every command gets: the workspace, and how to answer."""

    def __init__(self, workspace: Workspace, *, as_json: bool, language: str = DEFAULT) -> None:
        self.workspace = workspace
        self.as_json = as_json
        self.language = language

    def progress(self, text: str) -> None:
        """A step, on stderr."""
        click.echo(said(self.language, text), err=True)

    def answer(self, facts: dict[str, Any], text: str) -> None:
        """The result: the facts as JSON, or the text."""
        told = json.dumps(_plain(facts), ensure_ascii=False) if self.as_json else None
        click.echo(said(self.language, text) if told is None else told)


def _plain(value: Any) -> Any:
    """Plain JSON values: missing numbers are null."""
    if is_dataclass(value) and not isinstance(value, type):
        value = asdict(value)
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set):
        return [_plain(v) for v in value]
    if isinstance(value, Path | date):
        return str(value)
    if value is None or isinstance(value, str | int):
        return value
    import pandas as pd

    missing = pd.isna(value)
    return None if missing else value.item() if hasattr(value, "item") else value


def json_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--json` may stand after the command as well as before it."""

    def remember(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
        if value:
            ctx.obj.as_json = True

    return click.option(
        "--json", is_flag=True, expose_value=False, callback=remember, help="Print one JSON object."
    )(function)


class MethodName(click.ParamType[str]):
    """One of `scoring.methods.METHODS`, looked up when asked: they import much."""

    name = "method"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The name, if it is one."""
        return self._choice().convert(value, param, ctx)

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str | None:
        """All of them, for the help."""
        return self._choice().get_metavar(param, ctx)

    def _choice(self) -> click.Choice[str]:
        from targeting.scoring.methods import OFFERED

        return click.Choice(OFFERED)


BOOK_FORMATS = ("pdf", "html")
FILE = click.Path(path_type=Path, exists=True, dir_okay=False, readable=True)


def comma_list(_ctx: click.Context, _param: click.Parameter, value: str | None) -> tuple[str, ...]:
    return tuple(v.strip() for v in (value or "").split(",") if v.strip())


def formats_list(_ctx: click.Context, _param: click.Parameter, value: str) -> tuple[str, ...]:
    formats = tuple(v.strip() for v in value.split(",") if v.strip())
    if not formats or set(formats) - set(BOOK_FORMATS):
        raise click.BadParameter(f"“{value}” is no format: write {', '.join(BOOK_FORMATS)}.")
    return formats


def days(_ctx: click.Context, _param: click.Parameter, value: str) -> int:
    number = value.removesuffix("d")
    if not (number.isascii() and number.isdigit()):
        raise click.BadParameter("write a number of days, as 60d.")
    return int(number)


def day_or_none(
    _ctx: click.Context, _param: click.Parameter, value: str | None
) -> date | AsItIs | None:
    """A day; `none` where it is no longer known; as it is where nothing is said."""
    if value is None:
        return AS_IT_IS
    if value.strip().lower() in ("none", "aucune", "aucun"):
        return None
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value.strip()):
        raise click.BadParameter("write a day, as 2027-04-18, or none.")
    try:
        return date.fromisoformat(value.strip())
    except ValueError as error:
        raise click.BadParameter("write a day, as 2027-04-18, or none.") from error
