"""Commands of the field: the plan, turfs, walk books and what comes back."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from targeting.cli.console import FILE, Console, days, formats_list, json_option

doors_option = click.option(
    "--doors", type=click.IntRange(1, 2000), help="Doors per turf, instead of minutes."
)
seed_option = click.option("--seed", type=int, default=0, show_default=True)
fast_option = click.option("--fast", is_flag=True, help="The fast cut alone, without polish.")
start_option = click.option(
    "--start", help="Where pairs meet: an address, a building's id, or longitude,latitude."
)


@click.command()
@click.option("--teams", type=click.IntRange(1), required=True, help="Teams of two, each evening.")
@click.option("--evenings", type=click.IntRange(1), required=True)
@click.option("--minutes", type=click.FloatRange(10, 600), default=120.0, show_default=True)
@seed_option
@click.option("--keep", is_flag=True, help="Make the plan's turfs the campaign's.")
@click.option("--out", type=click.Path(path_type=Path), help="CSV or Parquet: turfs of the plan.")
@json_option
@click.pass_obj
def plan(
    console: Console,
    teams: int,
    evenings: int,
    minutes: float,
    seed: int,
    keep: bool,
    out: Path | None,
) -> None:
    """Which stations and turfs so many evenings buy, against going down the list of stations."""
    from targeting.workflows.turfs.plan import plan_report

    report = plan_report(
        console.workspace, teams=teams, evenings=evenings, minutes=minutes, seed=seed, keep=keep,
        out=out, progress=console.progress,
    )  # fmt: skip
    console.answer(report.facts, report.text)


@click.group()
def turfs() -> None:
    """Cut, list and export turfs."""


@turfs.command()
@click.option(
    "--stations", "chosen", default="top:20%", show_default=True,
    help="top:20%, top:3, station ids with commas, or all.",
)  # fmt: skip
@click.option("--minutes", type=click.FloatRange(10, 600), help="Minutes per turf (default 120).")
@doors_option
@seed_option
@fast_option
@click.option(
    "--exclude-contacted", default="60d", show_default=True, callback=days,
    help="Leave alone who talked or refused in so many days; who asked never to be, always.",
)  # fmt: skip
@start_option
@click.option("--one-side-first", is_flag=True, help="One side of a street, then the other.")
@click.option("--keep-stations", is_flag=True, help="No turf crosses the border of two stations.")
@click.option("--dry-run", is_flag=True, help="Tell which turfs would be withdrawn; cut nothing.")
@click.option("--out", type=click.Path(path_type=Path), help="CSV (stops) or GeoJSON/GPKG (turfs).")
@json_option
@click.pass_obj
def cut(
    console: Console,
    chosen: str,
    minutes: float | None,
    doors: int | None,
    seed: int,
    fast: bool,
    exclude_contacted: int,
    start: str | None,
    one_side_first: bool,
    keep_stations: bool,
    dry_run: bool,
    out: Path | None,
) -> None:
    """Cut turfs over the stations of highest priority, and store them.

    Turfs of other stations stay; those of these stations that nobody began are replaced.
    """
    from targeting.workflows.turfs.cutting import cut_campaign_turfs, preview_report

    if dry_run:
        told = preview_report(console.workspace, chosen, exclude_contacted=exclude_contacted)
        console.answer(told.facts, told.text)
        return
    report = cut_campaign_turfs(
        console.workspace,
        chosen=chosen,
        minutes=minutes,
        doors=doors,
        seed=seed,
        fast=fast,
        exclude_contacted=exclude_contacted,
        start=start,
        one_side_first=one_side_first,
        keep_stations=keep_stations,
        out=out,
        progress=console.progress,
    )
    console.answer(report.facts, report.text)


@turfs.command()
@click.argument("turf_ids", nargs=-1)
@click.option(
    "--minutes", type=click.FloatRange(10, 600), help="Minutes (default: the last cut's)."
)
@doors_option
@seed_option
@fast_option
@start_option
@click.option("--out", type=click.Path(path_type=Path), help="As for `turfs export`.")
@json_option
@click.pass_obj
def recut(
    console: Console,
    turf_ids: tuple[str, ...],
    minutes: float | None,
    doors: int | None,
    seed: int,
    fast: bool,
    start: str | None,
    out: Path | None,
) -> None:
    """Cut what is left of begun turfs anew: all of them, or those named.

    Doors answered stay away until their date; turfs nobody has begun stay as they are.
    """
    from targeting.workflows.turfs.recut import recut_campaign_turfs

    report = recut_campaign_turfs(
        console.workspace,
        turf_ids or None,
        minutes=minutes,
        doors=doors,
        seed=seed,
        fast=fast,
        start=start,
        out=out,
        progress=console.progress,
    )
    console.answer(report.facts, report.text)


@turfs.command()
@click.argument("turf_ids", nargs=-1)
@json_option
@click.pass_obj
def restore(console: Console, turf_ids: tuple[str, ...]) -> None:
    """Call back turfs that a cut withdrew: those named, or all that the last cut replaced."""
    from targeting.workflows.turfs.cutting import restore_report

    report = restore_report(console.workspace, turf_ids)
    console.answer(report.facts, report.text)


@turfs.command()
@click.argument("turf_ids", nargs=-1)
@click.option("--out", required=True, type=click.Path(path_type=Path),
              help="CSV/Parquet (stops), GeoJSON/GPKG (turfs), XLSX (both), KML/GPX (walks), "
              "HTML (lists to print).")  # fmt: skip
@click.option("--layout", type=click.Choice(["van", "nationbuilder"]),
              help="CSV in the words of another system.")  # fmt: skip
@click.option("--lang", type=click.Choice(["fr", "en"]), default="fr", show_default=True)
@json_option
@click.pass_obj
def export(
    console: Console, turf_ids: tuple[str, ...], out: Path, layout: str | None, lang: str
) -> None:
    """Write stored turfs to a file: all that are open, or those named."""
    from targeting.workflows.turfs.files import export_turfs

    written = export_turfs(
        console.workspace, out, turf_ids=turf_ids or None, layout=layout, language=lang
    )
    console.answer(
        {"written": [str(p) for p in written]}, "\n".join(f"written: {p}" for p in written)
    )


@click.command()
@click.option("--turf", "turf_ids", multiple=True,
              help="S0001,S0002; may be repeated (default: all open turfs).")  # fmt: skip
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder to write to.")
@click.option("--format", "formats", default="pdf", show_default=True, callback=formats_list,
              help="pdf: a packet with an index in front, and one file a turf; html: an "
              "encrypted phone book a turf.")  # fmt: skip
@click.option("--passphrase", envvar="RELANCE_PASSPHRASE", prompt=True, prompt_required=False,
              hide_input=True, confirmation_prompt=True,
              help="Opens the phone books; asked for where no word follows; by default five words "
              "are drawn and told once.")  # fmt: skip
@click.option("--lang", type=click.Choice(["fr", "en"]), default="fr", show_default=True)
@json_option
@click.pass_obj
def walkbook(
    console: Console,
    turf_ids: tuple[str, ...],
    out: Path,
    formats: tuple[str, ...],
    passphrase: str | None,
    lang: str,
) -> None:
    """Write walk books: a map, door lines with boxes to tick, consent slips apart."""
    from targeting.workflows.outings.walkbooks import write_walk_books

    named = [t.strip() for given in turf_ids for t in given.split(",") if t.strip()]
    report = write_walk_books(
        console.workspace, out, turf_ids=named or None, language=lang, formats=formats,
        passphrase=passphrase, progress=console.progress,
    )  # fmt: skip
    console.answer(report.facts, report.text)


@click.command()
@click.argument("files", nargs=-1, required=True, type=FILE)
@click.option("--passphrase", envvar="RELANCE_PASSPHRASE",
              help="A phone book's phrase: only for what another workspace wrote.")  # fmt: skip
@click.option("--received-at", type=click.DateTime(["%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"]),
              help="When a phone gave its visits back (French time), where its clock is wrong: all "
              "its times move with it.")  # fmt: skip
@json_option
@click.pass_obj
def returns(
    console: Console, files: tuple[Path, ...], passphrase: str | None, received_at: datetime | None
) -> None:
    """Record visits: a typed grid (CSV), a phone's file, a text of scanned codes; twice is once."""
    from targeting.workflows.outings.returned import returns_report
    from targeting.workflows.outings.returns import import_returns

    told = import_returns(console.workspace, files, passphrase=passphrase, received_at=received_at)
    report = returns_report(told)
    console.answer(report.facts, report.text)


COMMANDS = (plan, turfs, walkbook, returns)


@turfs.command()
@click.argument("turf_id")
@click.argument("login")
@json_option
@click.pass_obj
def assign(console: Console, turf_id: str, login: str) -> None:
    """Put a turf into the hands of an account: its list, its prints and its returns are theirs."""
    from targeting.workflows.turfs.assign import assign_turf

    done = assign_turf(console.workspace, turf_id, login)
    told = f"{done.turf_id} is in the hands of {done.name}."
    if not done.is_new:
        told = f"{done.turf_id} was in the hands of {done.name} already: nothing changed."
    console.answer({"turf_id": done.turf_id, "name": done.name, "is_new": done.is_new}, told)


@turfs.command()
@click.argument("turf_id")
@json_option
@click.pass_obj
def unassign(console: Console, turf_id: str) -> None:
    """Take a turf back from whoever has it."""
    from targeting.workflows.turfs.assign import take_back

    code = turf_id.strip().upper()
    name = take_back(console.workspace, code)
    told = f"{code} was in nobody's hands: nothing changed."
    if name is not None:
        told = f"{code} was taken back from {name}."
    console.answer({"turf_id": code, "taken_from": name}, told)
