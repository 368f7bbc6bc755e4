"""The command line: the same functions as the screens, one line when the input is wrong.

Exit 0: done. 2: the input is wrong (one line: file, line, reason, way out). 1: our fault (an id;
the trace is in the workspace's log). `--json` prints one JSON object on stdout and nothing else
there; progress goes to stderr.
"""

from __future__ import annotations

import sys
from dataclasses import asdict
from datetime import date
from pathlib import Path

import click

from targeting import __version__
from targeting.cli import imports as cli_imports
from targeting.cli import sheets as cli_sheets
from targeting.cli import turfs as cli_turfs
from targeting.cli import users as cli_users
from targeting.cli import vault as cli_vault
from targeting.cli.console import Console, MethodName, Relance, comma_list, day_or_none, json_option
from targeting.cli.words import language_of, speak
from targeting.config import AsItIs, workspace_from
from targeting.locale import LANGUAGES
from targeting.shipped import OPENED_BY, PROGRAM
from targeting.store import passphrases


@click.group(cls=Relance, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--workspace",
    type=click.Path(path_type=Path),
    help="The campaign's folder (default: RELANCE_WORKSPACE, else data/workspace of the checkout; "
    "installed, relance at home).",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")
@click.option(
    "--lang", "language", type=click.Choice(LANGUAGES), is_eager=True,
    help="Language of what is said: fr or en (default: RELANCE_LANG, else French).",
)  # fmt: skip
@click.version_option(__version__, prog_name="relance")
@click.pass_context
def cli(ctx: click.Context, workspace: Path | None, as_json: bool, language: str | None) -> None:
    """Relance: where the abstainers of the left live, and in which order to knock."""
    ctx.obj = Console(workspace_from(workspace), as_json=as_json, language=language_of(ctx))
    passphrases.ask_with(lambda new: cli_vault.ask_passphrase(language_of(ctx), new=new))


@cli.result_callback()
@click.pass_obj
def once_a_day(console: Console, /, *_: object, **__: object) -> None:
    """The day's backup, after the first command of the day that opened the database."""
    if not console.workspace.exists or "sqlalchemy" not in sys.modules:
        return
    from targeting.store.backup_names import is_due

    if not is_due(console.workspace):
        return
    from targeting.workflows.backups import daily_backup

    if (trouble := daily_backup(console.workspace)) is not None:
        console.progress(f"Warning: {trouble}")


@cli.command()
@click.option("--commune", "communes", multiple=True, help="INSEE code, as 13055; may be repeated.")
@click.option("--election", "election_id", help="The election campaigned for, as 2026_muni_t1.")
@click.option("--target", callback=comma_list, help="Blocs: left,ecologist,far_left.")
@click.option("--ballot-date", callback=day_or_none, help="Day of the vote, or none.")
@click.option("--name", help="Name of the campaign.")
@click.option(
    "--new-database",
    is_flag=True,
    help="Begin again where the database is lost; codes of turfs go on where they were.",
)
@click.option(
    "--passphrase", "encrypted", is_flag=True,
    help="Encrypt the database from the start; the passphrase is asked, or RELANCE_PASSPHRASE's.",
)  # fmt: skip
@json_option
@click.pass_obj
def init(
    console: Console,
    communes: tuple[str, ...],
    election_id: str | None,
    target: tuple[str, ...],
    ballot_date: date | AsItIs | None,
    name: str | None,
    new_database: bool,
    encrypted: bool,
) -> None:
    """Make the workspace's campaign, or change it."""
    from targeting.workflows.setup import init_workspace

    passphrase = None
    if encrypted:
        from targeting.workflows.vault import new_passphrase

        passphrase = new_passphrase()
    card = init_workspace(
        console.workspace,
        communes=communes,
        election_id=election_id,
        target=target,
        ballot_date=ballot_date,
        name=name,
        new_database=new_database,
        passphrase=passphrase,
    )
    where = ", ".join(card.communes) or "all communes imported"
    console.answer(
        {"workspace": console.workspace.root, **asdict(card)},
        f"Campaign in {console.workspace.root}: {where}; target {', '.join(card.target)}.",
    )


@cli.command()
@click.option("--seed", type=int, default=2026, show_default=True, help="Another town.")
@json_option
@click.pass_obj
def demo(console: Console, seed: int) -> None:
    """Fill the workspace with the invented town."""
    from targeting.workflows.demo import fill_demo

    facts = fill_demo(console.workspace, seed=seed, progress=console.progress)
    console.answer(
        facts,
        f"{facts['town']} is in {console.workspace.root}: {facts['stations']} stations, "
        f"{facts['addresses']:,} addresses, {facts['contacts']:,} invented contacts, "
        f"{facts['turfs']} turfs, {facts['visits']:,} visits. Open it with `{OPENED_BY}`.",
    )


@cli.command()
@click.option("--commune", "communes", multiple=True, help="INSEE code; may be repeated.")
@click.option(
    "--by",
    type=click.Choice(["commune", "constituency", "national"]),
    help="Arena of the rank (default: all the stations scored, together).",
)
@click.option(
    "--method", type=MethodName(), default="product", show_default=True,
    help="boosted and ensemble learn on the cycle before, and are refused where they lose to it.",
)  # fmt: skip
@click.option("--presidential", help="Presidential first round to rest on (give --low too).")
@click.option("--low", callback=comma_list, help="Low-turnout rounds, latest first, with commas.")
@click.option("--first", "k", type=click.IntRange(1), help="How many stations count as the first.")
@click.option(
    "--table",
    type=click.Choice(["scores", "priorities", "coverage"]),
    default="scores",
    show_default=True,
    help="Which table to write.",
)
@click.option("--out", type=click.Path(path_type=Path), help="CSV, Parquet, GeoJSON or GPKG.")
@click.option("--top", type=click.IntRange(0), default=20, show_default=True, help="Rows printed.")
@json_option
@click.pass_obj
def score(
    console: Console,
    communes: tuple[str, ...],
    by: str | None,
    method: str,
    presidential: str | None,
    low: tuple[str, ...],
    k: int | None,
    table: str,
    out: Path | None,
    top: int,
) -> None:
    """Score polling stations: abstention × left share, with the reservoir in people."""
    from targeting.workflows.reports import score_report

    report = score_report(
        console.workspace,
        communes=communes,
        by=by,
        table=table,
        out=out,
        top=top,
        progress=console.progress,
        method=method,
        presidential=presidential,
        low=low,
        k=k,
    )
    console.answer(report.facts, report.text)


@cli.command()
@click.option("--target", "target", required=True, help="The election to foresee: 2024_legi_t1.")
@click.option("--since", help="What the gains are counted from (default: by how turnout moved).")
@click.option("--presidential", help="Presidential first round to rest on (give --low too).")
@click.option("--low", callback=comma_list, help="Low-turnout rounds, latest first, with commas.")
@click.option(
    "--method", "methods", multiple=True,
    help="One that `score` has; may be repeated (default: all the past supports).",
)  # fmt: skip
@click.option("--commune", "communes", multiple=True, help="INSEE code (default: all imported).")
@click.option("--draws", type=click.IntRange(1, 50), default=5, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--out", type=click.Path(path_type=Path), help="Folder: backtest.json and .html.")
@click.option("--lang", type=click.Choice(["fr", "en"]), default="fr", show_default=True)
@json_option
@click.pass_obj
def backtest(
    console: Console,
    target: str,
    since: str | None,
    presidential: str | None,
    low: tuple[str, ...],
    methods: tuple[str, ...],
    communes: tuple[str, ...],
    draws: int,
    seed: int,
    out: Path | None,
    lang: str,
) -> None:
    """Rank with what was known before an election, and see what the ranking captured."""
    from targeting.workflows.stations.backtest import backtest_report

    report = backtest_report(
        console.workspace,
        target,
        since=since,
        presidential=presidential,
        low=low,
        methods=methods or None,
        communes=communes,
        draws=draws,
        seed=seed,
        out=out,
        language=lang,
        progress=console.progress,
    )
    console.answer(report.facts, report.text)


@cli.command()
@click.option("--commune", "communes", multiple=True, help="INSEE code (default: the campaign's).")
@click.option("--out", type=click.Path(path_type=Path), help="CSV or Parquet: the whole matrix.")
@json_option
@click.pass_obj
def health(console: Console, communes: tuple[str, ...], out: Path | None) -> None:
    """Elections × stations: what is there, carried, uncertain, lost; joins, and age of sources."""
    from targeting.workflows.stations.health import health_report

    report = health_report(console.workspace, communes=communes, out=out, progress=console.progress)
    console.answer(report.facts, report.text)


@cli.command()
@click.option("--port", type=click.IntRange(1024, 65535), default=8501, show_default=True)
@click.option(
    "--origin", "origins", multiple=True,
    help="An address by which a proxy of yours opens it too (https://relance.example).",
)  # fmt: skip
@click.option(
    "--team", "is_team", is_flag=True,
    help="With accounts: nobody comes in without one, be there none yet.",
)  # fmt: skip
@click.pass_obj
def serve(console: Console, port: int, origins: tuple[str, ...], is_team: bool) -> None:
    """Open the dashboard of a workspace; Ctrl-C stops it."""
    from targeting.web.serve import become_the_server
    from targeting.workflows.vault import unlock_for_children

    unlock_for_children(console.workspace)
    become_the_server(console.workspace, port, origins, language=console.language, is_team=is_team)


@cli.command()
@json_option
@click.pass_obj
def doctor(console: Console) -> None:
    """Check the set-up and the workspace, and say what is missing."""
    from targeting.workflows.doctor import examine

    report = examine(console.workspace)
    console.answer(report.facts, report.text)
    if report.facts["faults"]:
        sys.exit(1)


for command in (
    *cli_sheets.COMMANDS,
    *cli_imports.COMMANDS,
    *cli_turfs.COMMANDS,
    *cli_users.COMMANDS,
    *cli_vault.COMMANDS,
):
    cli.add_command(command)
speak(cli)


def main() -> None:
    """Entry point."""
    cli(prog_name=PROGRAM)
