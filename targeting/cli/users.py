"""Commands of the team: accounts, their sessions, the log."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

import click

from targeting.access.roles import LOCAL, ROLES
from targeting.cli.console import Console, json_option
from targeting.locale import NO_VALUE, moment_in, text_in

ORIGIN = "https://relance.example"


def origin_option(function: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--origin", help="The address of the dashboard, that the link begins with (default: the "
        "first of RELANCE_ORIGINS).",
    )(function)  # fmt: skip


@click.group()
def users() -> None:
    """Accounts of the team: who may log in, as what, and who is in."""


@users.command()
@origin_option
@json_option
@click.pass_obj
def first(console: Console, origin: str | None) -> None:
    """Print the link of one use that makes the first administrator."""
    from targeting.errors import TargetingError
    from targeting.workflows.access.door import FIRST_HOURS, first_link

    secret = first_link(console.workspace)
    if secret is None:
        raise TargetingError(
            "the campaign has an administrator: `users renew LOGIN` gives a new link to somebody."
        )
    _tell_link(console, secret, origin, {"hours": FIRST_HOURS})


@users.command()
@click.argument("login")
@click.option("--name", required=True, help="As the others call them.")
@click.option("--role", type=click.Choice(ROLES), required=True)
@click.option("--subject", help="Who they are at the identity provider: it lets them in, no link.")
@origin_option
@json_option
@click.pass_obj
def invite(
    console: Console, login: str, name: str, role: str, subject: str | None, origin: str | None
) -> None:
    """Make an account, closed until its link is used."""
    from targeting.store.accounts import INVITATION_HOURS
    from targeting.workflows.access import team

    made = team.invite(console.workspace, LOCAL, login, name, role, subject=subject)
    facts = {"login": made.person.login, "name": made.person.name, "role": role}
    if subject is not None:
        console.answer(facts, f"{made.person.login} comes in by the identity provider.")
        return
    _tell_link(console, made.secret, origin, facts | {"hours": INVITATION_HOURS})


@users.command(name="list")
@json_option
@click.pass_obj
def list_(console: Console) -> None:
    """List the accounts."""
    from targeting.workflows.access import team

    say = partial(text_in, console.language)
    people = team.list_team(console.workspace, LOCAL)
    lines = [
        f"{p.login:<28} {say(f'role.{p.role}'):<22} {_when(console, p.login_at):<17} {p.name}"
        + ("" if p.state == "active" else f" ({say(f'state.{p.state}')})")
        for p in people
    ]
    none = (
        "no account: whoever sits at this machine may do everything; `users first` begins a team."
    )
    facts = [
        {k: v for k, v in p._asdict().items() if k != "id"} | {"login_at": _moment(p.login_at)}
        | {"made_at": _moment(p.made_at)}
        for p in people
    ]  # fmt: skip
    console.answer({"accounts": facts}, "\n".join(lines) or none)


def _when(console: Console, at: datetime | None) -> str:
    return moment_in(console.language, at) if at else NO_VALUE


def _moment(at: Any) -> str | None:
    return at.isoformat() if at else None


@users.command()
@click.argument("login")
@click.argument("role", type=click.Choice(ROLES))
@json_option
@click.pass_obj
def role(console: Console, login: str, role: str) -> None:
    """Give an account another role: its screens follow at their next move."""
    from targeting.workflows.access import team

    there = team.find(console.workspace, LOCAL, login)
    done = team.change_role(console.workspace, LOCAL, there.id, role, version=there.version)
    console.answer({"login": done.login, "role": done.role}, f"{done.login}: {done.role}.")


@users.command()
@click.argument("login")
@json_option
@click.pass_obj
def disable(console: Console, login: str) -> None:
    """Close an account: its sessions end within two seconds."""
    from targeting.workflows.access import team

    there = team.find(console.workspace, LOCAL, login)
    done = team.disable(console.workspace, LOCAL, there.id, version=there.version)
    console.answer({"login": done.login, "state": done.state}, f"{done.login}: closed.")


@users.command()
@click.argument("login")
@json_option
@click.pass_obj
def enable(console: Console, login: str) -> None:
    """Open a closed account again."""
    from targeting.workflows.access import team

    there = team.find(console.workspace, LOCAL, login)
    done = team.enable(console.workspace, LOCAL, there.id, version=there.version)
    console.answer({"login": done.login, "state": done.state}, f"{done.login}: open again.")


@users.command()
@click.argument("login")
@origin_option
@json_option
@click.pass_obj
def renew(console: Console, login: str, origin: str | None) -> None:
    """Print a link to choose a password anew, or to join where that was not done."""
    from targeting.store.accounts import INVITATION_HOURS
    from targeting.workflows.access import team

    there = team.find(console.workspace, LOCAL, login)
    secret = team.renew(console.workspace, LOCAL, there.id)
    _tell_link(console, secret, origin, {"login": there.login, "hours": INVITATION_HOURS})


@users.command(name="reset-code")
@click.argument("login")
@json_option
@click.pass_obj
def reset_code(console: Console, login: str) -> None:
    """Take the codes of a lost telephone away: its sessions end, it is asked for at the next
    login."""
    from targeting.workflows.access import team

    there = team.find(console.workspace, LOCAL, login)
    done = team.reset_code(console.workspace, LOCAL, there.id)
    console.answer({"login": done.login}, f"{done.login}: its codes are taken away.")


@users.command()
@click.option("--end", "session_id", help="End this session.")
@click.option("--end-all", is_flag=True, help="End all of them.")
@json_option
@click.pass_obj
def sessions(console: Console, session_id: str | None, end_all: bool) -> None:
    """List the browsers that are logged in, or end them."""
    from targeting.workflows.access import team

    here, ended = console.workspace, 0
    if end_all:
        ended = team.end_all(here, LOCAL, everybody=True)
    elif session_id is not None:
        ended = int(team.end_session(here, LOCAL, session_id))
    shown = team.list_open(here, LOCAL)
    facts = [
        {"id": s.id, "name": s.name, "browser": s.browser, "made_at": _moment(s.made_at),
         "seen_at": _moment(s.seen_at)}
        for s in shown
    ]  # fmt: skip
    lines = [f"sessions ended: {ended}"] if end_all or session_id else []
    lines += [f"{s.id}  {_when(console, s.seen_at)}  {s.name}, {s.browser}" for s in shown]
    console.answer({"ended": ended, "sessions": facts}, "\n".join(lines) or "nobody is logged in.")


@click.group()
def privacy() -> None:
    """What is kept of people, and of what was done."""


@privacy.command(name="verify-log")
@json_option
@click.pass_obj
def verify_log(console: Console) -> None:
    """Look the log over: each line holds the mark of all before it."""
    from targeting.errors import TargetingError
    from targeting.workflows.access import log

    found = log.verify_log(console.workspace, LOCAL)
    if not found.is_whole:
        raise TargetingError(
            f"the log does not hold at line {found.broken_at} ({found.why}): somebody changed the "
            "database by hand. Keep a copy, and compare it with a backup."
        )
    console.answer(
        {"lines": found.lines, "whole": True}, f"The chain is whole: {found.lines} lines."
    )


def _tell_link(console: Console, secret: str, origin: str | None, facts: dict[str, Any]) -> None:
    """A link of one use, told this once."""
    from targeting.web.asking import parse_origin
    from targeting.web.gate import other_origins

    begins = parse_origin(origin) if origin else next(iter(other_origins()), "")
    link = f"{begins}/join?k={secret}"
    lines = [f"link of one use, good for {facts['hours']} hours, told this once: {link}"]
    if not begins:
        lines.append(f"put the address of the dashboard before it, as {ORIGIN}/join…")
    console.answer(facts | {"link": link}, "\n".join(lines))


COMMANDS = (users, privacy)
