"""The command line: the same functions as the screens, one line when the input is wrong.

Exit 0: done. 2: the input is wrong (one line: file, line, reason, way out). 1: our fault (an id;
the trace is in the workspace's log). `--json` prints one JSON object on stdout and nothing else
there; progress goes to stderr.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
import uuid
from collections.abc import Callable
from dataclasses import asdict, is_dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import click
import pandas as pd

from targeting import __version__
from targeting.config import Workspace, workspace_from
from targeting.errors import TargetingError


class Relance(click.Group):
    """The group: turns a TargetingError into one line and exit 2, anything else into an id."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except TargetingError as error:
            click.echo(f"Error: {error}", err=True)
            ctx.exit(2)
        except click.ClickException as error:
            click.echo(
                f"Error: {' '.join(error.format_message().split())} {_help(error)}", err=True
            )
            ctx.exit(2)
        except (click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:  # noqa: BLE001 (told with an id, logged whole)
            reference = _log_fault(ctx.obj, error)
            click.echo(f"Internal error {reference}: please report it. {_log_place(ctx)}", err=True)
            ctx.exit(1)


def _help(error: click.ClickException) -> str:
    """Where the way out is: the help of the command that was called."""
    ctx = getattr(error, "ctx", None)
    return f"See `{ctx.command_path} --help`." if ctx is not None else ""


def _log_fault(desk: Desk | None, error: Exception) -> str:
    reference = uuid.uuid4().hex[:8]
    trace = "".join(traceback.format_exception(error))
    if desk is not None and desk.workspace.exists:
        log = desk.workspace.log
        log.parent.mkdir(parents=True, exist_ok=True)
        with open(log, "a") as file:
            file.write(f"{datetime.now().isoformat()} {reference}\n{trace}\n")
    else:
        logging.getLogger("relance").error("%s\n%s", reference, trace)
    return reference


def _log_place(ctx: click.Context) -> str:
    desk: Desk | None = ctx.obj
    if desk is not None and desk.workspace.exists:
        return f"The trace is in {desk.workspace.log}."
    return ""


class Desk:
    """What every command gets: the workspace, and how to answer."""

    def __init__(self, workspace: Workspace, *, as_json: bool) -> None:
        self.workspace = workspace
        self.as_json = as_json

    def progress(self, text: str) -> None:
        """A step, on stderr."""
        click.echo(text, err=True)

    def answer(self, facts: dict[str, Any], text: str) -> None:
        """The result: the facts as JSON, or the text."""
        click.echo(json.dumps(_plain(facts), ensure_ascii=False) if self.as_json else text)


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
    missing = value is None or pd.isna(value)
    return None if missing else value.item() if hasattr(value, "item") else value


def _json_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--json` may stand after the command as well as before it."""

    def remember(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
        if value:
            ctx.obj.as_json = True

    return click.option(
        "--json", is_flag=True, expose_value=False, callback=remember, help="Print one JSON object."
    )(function)


BOOK_FORMATS = ("pdf", "html")
FILE = click.Path(path_type=Path, exists=True, dir_okay=False, readable=True)


def _comma_list(_ctx: click.Context, _param: click.Parameter, value: str | None) -> tuple[str, ...]:
    return tuple(v.strip() for v in (value or "").split(",") if v.strip())


def _formats(_ctx: click.Context, _param: click.Parameter, value: str) -> tuple[str, ...]:
    formats = tuple(v.strip() for v in value.split(",") if v.strip())
    if not formats or set(formats) - set(BOOK_FORMATS):
        raise click.BadParameter(f"“{value}” is no format: write {', '.join(BOOK_FORMATS)}.")
    return formats


def _days(_ctx: click.Context, _param: click.Parameter, value: str) -> int:
    number = value.removesuffix("d")
    if not (number.isascii() and number.isdigit()):
        raise click.BadParameter("write a number of days, as 60d.")
    return int(number)


@click.group(cls=Relance, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--workspace",
    type=click.Path(path_type=Path),
    help="The campaign's folder (default: RELANCE_WORKSPACE, else data/workspace).",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")
@click.version_option(__version__, prog_name="relance")
@click.pass_context
def cli(ctx: click.Context, workspace: Path | None, as_json: bool) -> None:
    """Relance: where the abstainers of the left live, and in which order to knock."""
    ctx.obj = Desk(workspace_from(workspace), as_json=as_json)


@cli.command()
@click.option("--commune", "communes", multiple=True, help="INSEE code, as 13055; may be repeated.")
@click.option("--election", "election_id", help="The election campaigned for, as 2026_muni_t1.")
@click.option("--target", callback=_comma_list, help="Blocs: left,ecologist,far_left.")
@click.option("--ballot-date", type=click.DateTime(["%Y-%m-%d"]), help="Day of the vote.")
@click.option("--name", help="Name of the campaign.")
@_json_option
@click.pass_obj
def init(
    desk: Desk,
    communes: tuple[str, ...],
    election_id: str | None,
    target: tuple[str, ...],
    ballot_date: datetime | None,
    name: str | None,
) -> None:
    """Make the workspace's campaign, or change it."""
    from targeting.workflows.setup import init_workspace

    day = ballot_date.date() if ballot_date else None
    card = init_workspace(
        desk.workspace,
        communes=communes,
        election_id=election_id,
        target=target,
        ballot_date=day,
        name=name,
    )
    where = ", ".join(card.communes) or "all communes imported"
    desk.answer(
        {"workspace": desk.workspace.root, **asdict(card)},
        f"Campaign in {desk.workspace.root}: {where}; target {', '.join(card.target)}.",
    )


@cli.command()
@click.option("--seed", type=int, default=2026, show_default=True, help="Another town.")
@_json_option
@click.pass_obj
def demo(desk: Desk, seed: int) -> None:
    """Fill the workspace with the invented town."""
    from targeting.workflows.demo import fill_demo

    facts = fill_demo(desk.workspace, seed=seed, progress=desk.progress)
    desk.answer(
        facts,
        f"{facts['town']} is in {desk.workspace.root}: {facts['stations']} stations, "
        f"{facts['addresses']:,} addresses, {facts['contacts']:,} invented contacts, "
        f"{facts['turfs']} turfs, {facts['visits']:,} visits. Open it with `make run`.",
    )


@cli.command()
@_json_option
@click.pass_obj
def sources(desk: Desk) -> None:
    """List the official publications that `fetch` can download."""
    from targeting.workflows.fetch import sources_report

    report = sources_report(desk.workspace)
    desk.answer(report.facts, report.text)


@cli.command()
@click.argument("source")
@click.option("--commune", "communes", multiple=True, help="INSEE code (default: the campaign's).")
@click.option("--accept-new-version", "accept_new", is_flag=True,
              help="Take a file whose checksum is not the one recorded.")  # fmt: skip
@_json_option
@click.pass_obj
def fetch(desk: Desk, source: str, communes: tuple[str, ...], accept_new: bool) -> None:
    """Download one official publication, checked; a cut download goes on where it stopped."""
    from targeting.workflows.fetch import fetch_report

    report = fetch_report(
        desk.workspace, source, communes=communes, accept_new=accept_new, progress=desk.progress
    )
    desk.answer(report.facts, report.text)


@cli.group(name="import")
def import_() -> None:
    """Bring official files in: results, stations, addresses, streets."""


@import_.command()
@click.argument("files", nargs=-1, required=True, type=FILE)
@click.option(
    "--election",
    "election_id",
    help="Where the content fits several, or to take one of those in the file: 2022_pres_t2.",
)
@click.option("--recipe", help="A city portal's own layout: a recipe's name, or a TOML file.")
@_json_option
@click.pass_obj
def results(
    desk: Desk, files: tuple[Path, ...], election_id: str | None, recipe: str | None
) -> None:
    """Import official results per polling station: all the FILES, or none.

    Any layout of the ministry since 2007 (one line a station, or a station and candidate; both
    rounds in one file), data.gouv's aggregated general_results and candidats_results (give both),
    tidy copies, workbooks of their rows, and city portals through a recipe. Plain, .gz, .xz or
    .zip. The election is told from the content.
    """
    from targeting.workflows.imports import import_results

    imported = import_results(
        desk.workspace, files, election_id=election_id, recipe=recipe, progress=desk.progress
    )
    lines = [line for told in imported for line in _results_lines(told)]
    desk.answer({"imported": [asdict(t) for t in imported]}, "\n".join(lines))


def _results_lines(told: Any) -> list[str]:
    """What one round gave, in lines."""
    kept = " (already imported: nothing changed)" if told.unchanged else ""
    figures = (
        "shares only, no counts"
        if told.shares_only
        else f"{told.registered:,} registered, {told.votes_cast:,} votes cast, "
        f"{told.valid_votes:,} valid votes"
    )
    lines = [f"{told.file}: {told.election_id}, {told.stations:,} stations, {figures}{kept}"]
    if told.missing_departments:
        missing = told.missing_departments
        lines.append(f"  partial: no station of {len(missing)} departments: {', '.join(missing)}")
    lines += [f"  {note}" for note in told.notes]
    lines += [
        f"  kept as published: {row['station_id']} (line {row['file_line']}): candidates have "
        f"{row['given']} votes, {row['valid_votes']} valid votes published"
        for row in told.flagged
    ]
    return lines


@import_.command()
@click.argument("file", type=FILE)
@click.option("--vintage", help="Year of the outlines (default: of the election that fits best).")
@click.option("--commune", "commune_code", help="Where the file does not say: 44109.")
@click.option("--code-property", help="The property that holds the station number.")
@click.option("--layer", help="Where the file has several layers (or objects): its name.")
@click.option("--crs", help="Where the file does not tell its coordinate system: EPSG:2154.")
@_json_option
@click.pass_obj
def stations(
    desk: Desk,
    file: Path,
    vintage: str | None,
    commune_code: str | None,
    code_property: str | None,
    layer: str | None,
    crs: str | None,
) -> None:
    """Import station outlines, or a point a station; refused when not those of the results.

    GeoJSON, TopoJSON, GeoPackage, zipped shapefile, GeoParquet, or a CSV of points.
    """
    from targeting.workflows.imports import import_stations

    told = import_stations(
        desk.workspace,
        file,
        vintage=vintage,
        commune_code=commune_code,
        code_property=code_property,
        layer=layer,
        crs=crs,
        progress=desk.progress,
    )
    kept = " (already imported: nothing changed)" if told.unchanged else ""
    kind = "points" if told.origin == "points" else "outlines"
    lines = [f"{told.file}: {told.stations:,} {kind} of {told.vintage}, {told.recipe}{kept}"]
    lines += [f"  {note}" for note in told.notes] + [f"  {j.sentence()}" for j in told.joins]
    joins = [{**asdict(j), "rate": j.rate} for j in told.joins]
    desk.answer({**asdict(told), "joins": joins}, "\n".join(lines))


@import_.command()
@click.argument("file", type=FILE)
@click.option(
    "--commune", "communes", multiple=True,
    help="Of Insee's national table, the communes to keep; the commune of a table of streets.",
)  # fmt: skip
@click.option("--vintage", help="Year of the roll, where it is not the layout's own.")
@_json_option
@click.pass_obj
def addresses(desk: Desk, file: Path, communes: tuple[str, ...], vintage: str | None) -> None:
    """Import a BAN file, registered voters per address, Insee's addresses of voters, or streets."""
    from targeting.workflows.addresses import import_addresses

    told = import_addresses(
        desk.workspace, file, communes=communes, vintage=vintage, progress=desk.progress
    )
    kept = " (already imported: nothing changed)" if told.unchanged else ""
    voters = f", {told.voters:,} registered voters" if told.voters is not None else ""
    placed = f"; {told.placed:,} voters placed in the BAN" if told.placed is not None else ""
    what = {"points": "points of stations", "ranges": "sides of streets"}.get(
        told.kind, "addresses"
    )
    where = f"{told.communes} commune{'s' if told.communes > 1 else ''}"
    lines = [f"{told.file}: {told.rows:,} {what} of {where}{voters}{placed}{kept}"]
    desk.answer(asdict(told), "\n".join([*lines, *(f"  {note}" for note in told.notes)]))


@import_.command(name="streets")
@click.argument("file", type=FILE)
@click.option(
    "--commune", "communes", multiple=True,
    help="Keep the streets around its addresses (default: the campaign's communes).",
)  # fmt: skip
@click.option("--layer", help="Where the file has several layers: its name.")
@click.option("--crs", help="Where a layer does not tell its coordinate system: EPSG:2154.")
@_json_option
@click.pass_obj
def streets_(
    desk: Desk, file: Path, communes: tuple[str, ...], layer: str | None, crs: str | None
) -> None:
    """Import streets: OpenStreetMap (.osm.pbf, .osm), GraphML of OSMnx, or a layer of lines.

    Kept around the addresses imported; a file of another town is refused, one of a part of the town
    is taken and told. On the ground it covers, a newer file takes the place of an older one.
    """
    from targeting.workflows.streets import import_streets

    told = import_streets(
        desk.workspace, file, communes=communes, layer=layer, crs=crs, progress=desk.progress
    )
    first, *others = told.lines()
    desk.answer(asdict(told), "\n".join([first, *(f"  {line}" for line in others)]))


@import_.command()
@click.argument("file", type=FILE)
@_json_option
@click.pass_obj
def doors(desk: Desk, file: Path) -> None:
    """Import what is behind buildings' doors: staircases, floors, doors (CSV)."""
    from targeting.workflows.layouts import import_doors

    told = import_doors(desk.workspace, file)
    kept = " (already imported: nothing changed)" if told.unchanged else ""
    lines = [f"{told.file}: {told.doors:,} doors of {told.buildings:,} buildings{kept}"]
    lines += [f"  line {r['line']}: {r['building_id']} {r['reason']}" for r in told.rejected]
    desk.answer(asdict(told), "\n".join(lines))


@cli.group(name="stations")
def stations_() -> None:
    """Follow stations through time; build outlines where none are published."""


@stations_.command()
@click.option("--commune", "communes", multiple=True, help="INSEE code (default: the campaign's).")
@click.option("--out", type=click.Path(path_type=Path), help="CSV or Parquet, one row a station.")
@click.option("--lang", type=click.Choice(["fr", "en"]), default="fr", show_default=True)
@_json_option
@click.pass_obj
def ledger(desk: Desk, communes: tuple[str, ...], out: Path | None, lang: str) -> None:
    """Where each station's past comes from, and how sure that is."""
    from targeting.workflows.health import ledger_report

    report = ledger_report(
        desk.workspace, communes=communes, out=out, language=lang, progress=desk.progress
    )
    desk.answer(report.facts, report.text)


@stations_.command()
@click.option("--commune", "communes", multiple=True, help="INSEE code (default: the campaign's).")
@click.option(
    "--from", "source", type=click.Choice(["voters", "points", "ranges"]),
    help="What to build from (default: the first of these that is imported).",
)  # fmt: skip
@click.option("--vintage", help="Year of the roll (default: the newest imported).")
@_json_option
@click.pass_obj
def build(desk: Desk, communes: tuple[str, ...], source: str | None, vintage: str | None) -> None:
    """Build outlines from where the voters live: an exact partition of each commune."""
    from targeting.workflows.built import build_stations

    told = build_stations(
        desk.workspace, communes=communes, source=source, vintage=vintage, progress=desk.progress
    )
    built = [{**asdict(t), "joins": [{**asdict(j), "rate": j.rate} for j in t.joins]} for t in told]
    desk.answer({"built": built}, "\n".join(line for t in told for line in t.lines()))


@cli.command()
@click.option("--commune", "communes", multiple=True, help="INSEE code; may be repeated.")
@click.option(
    "--by",
    type=click.Choice(["commune", "constituency", "national"]),
    help="Arena of the rank (default: all the stations scored, together).",
)
@click.option(
    "--method", type=click.Choice(["product", "shrunk", "boosted", "ensemble"]),
    default="product", show_default=True,
    help="boosted and ensemble learn on the cycle before, and are refused where they lose to it.",
)  # fmt: skip
@click.option("--presidential", help="Presidential first round to rest on (give --low too).")
@click.option("--low", callback=_comma_list, help="Low-turnout rounds, latest first, with commas.")
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
@_json_option
@click.pass_obj
def score(
    desk: Desk,
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
        desk.workspace,
        communes=communes,
        by=by,
        table=table,
        out=out,
        top=top,
        progress=desk.progress,
        method=method,
        presidential=presidential,
        low=low,
        k=k,
    )
    desk.answer(report.facts, report.text)


@cli.command()
@click.option("--target", "target", required=True, help="The election to foresee: 2024_legi_t1.")
@click.option("--since", help="What the gains are counted from (default: by how turnout moved).")
@click.option("--presidential", help="Presidential first round to rest on (give --low too).")
@click.option("--low", callback=_comma_list, help="Low-turnout rounds, latest first, with commas.")
@click.option(
    "--method", "methods", multiple=True,
    help="product, shrunk, boosted or ensemble; may be repeated (default: all the past supports).",
)  # fmt: skip
@click.option("--commune", "communes", multiple=True, help="INSEE code (default: all imported).")
@click.option("--draws", type=click.IntRange(1, 50), default=5, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--out", type=click.Path(path_type=Path), help="Folder: backtest.json and .html.")
@click.option("--lang", type=click.Choice(["fr", "en"]), default="fr", show_default=True)
@_json_option
@click.pass_obj
def backtest(
    desk: Desk,
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
    from targeting.workflows.backtest import backtest_report

    report = backtest_report(
        desk.workspace,
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
        progress=desk.progress,
    )
    desk.answer(report.facts, report.text)


@cli.command()
@click.option("--teams", type=click.IntRange(1), required=True, help="Teams of two, each evening.")
@click.option("--evenings", type=click.IntRange(1), required=True)
@click.option("--minutes", type=click.FloatRange(10, 600), default=120.0, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--keep", is_flag=True, help="Make the plan's turfs the campaign's.")
@click.option("--out", type=click.Path(path_type=Path), help="CSV or Parquet: turfs of the plan.")
@_json_option
@click.pass_obj
def plan(
    desk: Desk,
    teams: int,
    evenings: int,
    minutes: float,
    seed: int,
    keep: bool,
    out: Path | None,
) -> None:
    """Which stations and turfs so many evenings buy, against going down the list of stations."""
    from targeting.workflows.plan import plan_report

    report = plan_report(
        desk.workspace, teams=teams, evenings=evenings, minutes=minutes, seed=seed, keep=keep,
        out=out, progress=desk.progress,
    )  # fmt: skip
    desk.answer(report.facts, report.text)


@cli.group()
def turfs() -> None:
    """Cut, list and export turfs."""


@turfs.command()
@click.option(
    "--stations", "chosen", default="top:20%", show_default=True,
    help="top:20%, top:3, station ids with commas, or all.",
)  # fmt: skip
@click.option("--minutes", type=click.FloatRange(10, 600), help="Minutes per turf (default 120).")
@click.option("--doors", type=click.IntRange(1, 2000), help="Doors per turf, instead of minutes.")
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--fast", is_flag=True, help="The fast cut alone, without polish.")
@click.option(
    "--exclude-contacted", default="60d", show_default=True, callback=_days,
    help="Leave alone who talked or refused in so many days; who asked never to be, always.",
)  # fmt: skip
@click.option(
    "--start", help="Where pairs meet: an address, a building's id, or longitude,latitude."
)
@click.option("--one-side-first", is_flag=True, help="One side of a street, then the other.")
@click.option("--keep-stations", is_flag=True, help="No turf crosses the border of two stations.")
@click.option("--out", type=click.Path(path_type=Path), help="CSV (stops) or GeoJSON/GPKG (turfs).")
@_json_option
@click.pass_obj
def cut(
    desk: Desk,
    chosen: str,
    minutes: float | None,
    doors: int | None,
    seed: int,
    fast: bool,
    exclude_contacted: int,
    start: str | None,
    one_side_first: bool,
    keep_stations: bool,
    out: Path | None,
) -> None:
    """Cut turfs over the stations of highest priority, and store them."""
    from targeting.workflows.cutting import cut_campaign_turfs

    report = cut_campaign_turfs(
        desk.workspace,
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
        progress=desk.progress,
    )
    desk.answer(report.facts, report.text)


@turfs.command()
@click.argument("turf_ids", nargs=-1)
@click.option(
    "--minutes", type=click.FloatRange(10, 600), help="Minutes (default: the last cut's)."
)
@click.option("--doors", type=click.IntRange(1, 2000), help="Doors per turf, instead of minutes.")
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--fast", is_flag=True, help="The fast cut alone, without polish.")
@click.option(
    "--start", help="Where pairs meet: an address, a building's id, or longitude,latitude."
)
@click.option("--out", type=click.Path(path_type=Path), help="As for `turfs export`.")
@_json_option
@click.pass_obj
def recut(
    desk: Desk,
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
    from targeting.workflows.recut import recut_campaign_turfs

    report = recut_campaign_turfs(
        desk.workspace,
        turf_ids or None,
        minutes=minutes,
        doors=doors,
        seed=seed,
        fast=fast,
        start=start,
        out=out,
        progress=desk.progress,
    )
    desk.answer(report.facts, report.text)


@turfs.command()
@click.argument("turf_ids", nargs=-1)
@click.option("--out", required=True, type=click.Path(path_type=Path),
              help="CSV/Parquet (stops), GeoJSON/GPKG (turfs), XLSX (both), KML/GPX (walks), "
              "HTML (lists to print).")  # fmt: skip
@click.option("--layout", type=click.Choice(["van", "nationbuilder"]),
              help="CSV in the words of another system.")  # fmt: skip
@click.option("--lang", type=click.Choice(["fr", "en"]), default="fr", show_default=True)
@_json_option
@click.pass_obj
def export(desk: Desk, turf_ids: tuple[str, ...], out: Path, layout: str | None, lang: str) -> None:
    """Write stored turfs to a file: all that are open, or those named."""
    from targeting.workflows.turf_files import export_turfs

    written = export_turfs(
        desk.workspace, out, turf_ids=turf_ids or None, layout=layout, language=lang
    )
    desk.answer({"written": [str(p) for p in written]}, "\n".join(f"written: {p}" for p in written))


@cli.command()
@click.option("--turf", "turf_ids", multiple=True,
              help="S0001,S0002; may be repeated (default: all open turfs).")  # fmt: skip
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder to write to.")
@click.option("--format", "formats", default="pdf", show_default=True, callback=_formats,
              help="pdf: a packet with an index in front, and one file a turf; html: an "
              "encrypted phone book a turf.")  # fmt: skip
@click.option("--passphrase", envvar="RELANCE_PASSPHRASE", prompt=True, prompt_required=False,
              hide_input=True, confirmation_prompt=True,
              help="Opens the phone books; asked for where no word follows; by default four words "
              "are drawn and told once.")  # fmt: skip
@click.option("--lang", type=click.Choice(["fr", "en"]), default="fr", show_default=True)
@_json_option
@click.pass_obj
def walkbook(
    desk: Desk,
    turf_ids: tuple[str, ...],
    out: Path,
    formats: tuple[str, ...],
    passphrase: str | None,
    lang: str,
) -> None:
    """Write walk books: a map, door lines with boxes to tick, consent slips apart."""
    from targeting.workflows.walkbooks import write_walk_books

    named = [t.strip() for given in turf_ids for t in given.split(",") if t.strip()]
    report = write_walk_books(
        desk.workspace, out, turf_ids=named or None, language=lang, formats=formats,
        passphrase=passphrase, progress=desk.progress,
    )  # fmt: skip
    desk.answer(report.facts, report.text)


@cli.command()
@click.argument("files", nargs=-1, required=True, type=FILE)
@click.option("--passphrase", envvar="RELANCE_PASSPHRASE",
              help="A phone book's phrase: only for what another workspace wrote.")  # fmt: skip
@click.option("--received-at", type=click.DateTime(["%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"]),
              help="When a phone gave its visits back (French time), where its clock is wrong: all "
              "its times move with it.")  # fmt: skip
@_json_option
@click.pass_obj
def returns(
    desk: Desk, files: tuple[Path, ...], passphrase: str | None, received_at: datetime | None
) -> None:
    """Record visits: a typed grid (CSV), a phone's file, a text of scanned codes; twice is once."""
    from targeting.workflows.returned import returns_report
    from targeting.workflows.returns import import_returns

    told = import_returns(desk.workspace, files, passphrase=passphrase, received_at=received_at)
    report = returns_report(told)
    desk.answer(report.facts, report.text)


@cli.command()
@click.option("--commune", "communes", multiple=True, help="INSEE code (default: the campaign's).")
@click.option("--out", type=click.Path(path_type=Path), help="CSV or Parquet: the whole matrix.")
@_json_option
@click.pass_obj
def health(desk: Desk, communes: tuple[str, ...], out: Path | None) -> None:
    """Elections × stations: what is there, carried, uncertain, lost; joins, and age of sources."""
    from targeting.workflows.health import health_report

    report = health_report(desk.workspace, communes=communes, out=out, progress=desk.progress)
    desk.answer(report.facts, report.text)


@cli.command()
@_json_option
@click.pass_obj
def doctor(desk: Desk) -> None:
    """Check the set-up and the workspace, and say what is missing."""
    from targeting.workflows.doctor import examine

    report = examine(desk.workspace)
    desk.answer(report.facts, report.text)
    if report.facts["faults"]:
        sys.exit(1)


def main() -> None:
    """Entry point."""
    cli(prog_name="python -m targeting")
