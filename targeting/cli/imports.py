"""Commands that bring data in, and follow stations through time."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from targeting.cli.console import FILE, Console, json_option


@click.command()
@json_option
@click.pass_obj
def sources(console: Console) -> None:
    """List the official publications that `fetch` can download."""
    from targeting.workflows.imports.fetch import sources_report

    report = sources_report(console.workspace)
    console.answer(report.facts, report.text)


@click.command()
@click.argument("source")
@click.option("--commune", "communes", multiple=True, help="INSEE code (default: the campaign's).")
@click.option("--accept-new-version", "accept_new", is_flag=True,
              help="Take a file whose checksum is not the one recorded.")  # fmt: skip
@json_option
@click.pass_obj
def fetch(console: Console, source: str, communes: tuple[str, ...], accept_new: bool) -> None:
    """Download one official publication, checked; a cut download goes on where it stopped."""
    from targeting.workflows.imports.fetch import fetch_report

    report = fetch_report(
        console.workspace,
        source,
        communes=communes,
        accept_new=accept_new,
        progress=console.progress,
    )
    console.answer(report.facts, report.text)


@click.group(name="import")
def import_() -> None:
    """Bring official files in: results, stations, addresses, streets, quarters."""
    from targeting.sources.apart import get_ready

    get_ready(READERS.get(str(click.get_current_context().invoked_subcommand), ""))


READERS = {  # command: module of its reader, loaded beside ours
    "results": "targeting.sources.results.reading",
    "stations": "targeting.sources.outlines.reading",
    "addresses": "targeting.sources.addresses.reading",
    "streets": "targeting.sources.streets.reading",
    "doors": "targeting.sources.addresses.doors",
    "quarters": "targeting.sources.outlines.quarters",
}


commune_option = click.option(
    "--commune", "commune_code",
    help="The commune to keep, and that of a file that does not say (default: the campaign's).",
)  # fmt: skip
commune_property_option = click.option(
    "--commune-property", help="The property that holds the commune's INSEE code."
)
layer_option = click.option(
    "--layer", help="Where the file has several layers, objects, columns of shapes: its name."
)
crs_option = click.option(
    "--crs", help="Where the file does not tell its coordinate system: EPSG:2154."
)


def _kept(told: Any) -> str:
    """What is added to the line of a file whose content is in place already."""
    return " (already imported: nothing changed)" if told.unchanged else ""


@import_.command()
@click.argument("files", nargs=-1, required=True, type=FILE)
@click.option(
    "--election",
    "election_id",
    help="Where the content fits several, or to take one of those in the file: 2022_pres_t2.",
)
@click.option("--recipe", help="A city portal's own layout: a recipe's name, or a TOML file.")
@json_option
@click.pass_obj
def results(
    console: Console, files: tuple[Path, ...], election_id: str | None, recipe: str | None
) -> None:
    """Import official results per polling station: all the FILES, or none.

    Any layout of the ministry since 2007 (one line a station, or a station and candidate; both
    rounds in one file), data.gouv's aggregated general_results and candidats_results (give both),
    tidy copies, workbooks of their rows, and city portals through a recipe. Plain, .gz, .xz or
    .zip. The election is told from the content.
    """
    from targeting.workflows.imports.results import import_results

    imported = import_results(
        console.workspace, files, election_id=election_id, recipe=recipe, progress=console.progress
    )
    lines = [line for told in imported for line in _results_lines(told)]
    console.answer({"imported": [asdict(t) for t in imported]}, "\n".join(lines))


def _results_lines(told: Any) -> list[str]:
    """What one round gave, in lines."""
    figures = (
        "shares only, no counts"
        if told.shares_only
        else f"{told.registered:,} registered, {told.votes_cast:,} votes cast, "
        f"{told.valid_votes:,} valid votes"
    )
    lines = [f"{told.file}: {told.election_id}, {told.stations:,} stations, {figures}{_kept(told)}"]
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
@commune_option
@click.option("--code-property", help="The property that holds the station number.")
@commune_property_option
@layer_option
@crs_option
@json_option
@click.pass_obj
def stations(
    console: Console,
    file: Path,
    vintage: str | None,
    commune_code: str | None,
    code_property: str | None,
    commune_property: str | None,
    layer: str | None,
    crs: str | None,
) -> None:
    """Import station outlines, or a point a station; refused when not those of the results.

    GeoJSON, TopoJSON, GeoPackage, zipped shapefile, GeoParquet, or a CSV with a
    shape or a point a line. What two readings fit is asked, never chosen.
    """
    from targeting.workflows.imports.stations import import_stations

    told = import_stations(
        console.workspace,
        file,
        vintage=vintage,
        commune_code=commune_code,
        code_property=code_property,
        layer=layer,
        crs=crs,
        commune_property=commune_property,
        progress=console.progress,
    )
    kind = "points" if told.origin == "points" else "outlines"
    lines = [f"{told.file}: {told.stations:,} {kind} of {told.vintage}, {told.recipe}{_kept(told)}"]
    lines += [f"  {note}" for note in told.notes] + [f"  {j.sentence()}" for j in told.joins]
    joins = [{**asdict(j), "rate": j.rate} for j in told.joins]
    console.answer({**asdict(told), "joins": joins}, "\n".join(lines))


@import_.command()
@click.argument("file", type=FILE)
@click.option(
    "--commune", "communes", multiple=True,
    help="Of Insee's national table, the communes to keep; the commune of a table of streets.",
)  # fmt: skip
@click.option("--vintage", help="Year of the roll, where it is not the layout's own.")
@json_option
@click.pass_obj
def addresses(console: Console, file: Path, communes: tuple[str, ...], vintage: str | None) -> None:
    """Import a BAN file, registered voters per address, Insee's addresses of voters, or streets."""
    from targeting.workflows.imports.addresses import import_addresses

    told = import_addresses(
        console.workspace, file, communes=communes, vintage=vintage, progress=console.progress
    )
    voters = f", {told.voters:,} registered voters" if told.voters is not None else ""
    placed = f"; {told.placed:,} voters placed in the BAN" if told.placed is not None else ""
    what = {"points": "points of stations", "ranges": "sides of streets"}.get(
        told.kind, "addresses"
    )
    where = f"{told.communes} commune{'s' if told.communes > 1 else ''}"
    lines = [f"{told.file}: {told.rows:,} {what} of {where}{voters}{placed}{_kept(told)}"]
    console.answer(asdict(told), "\n".join([*lines, *(f"  {note}" for note in told.notes)]))


@import_.command(name="streets")
@click.argument("file", type=FILE)
@click.option(
    "--commune", "communes", multiple=True,
    help="Keep the streets around its addresses (default: the campaign's communes).",
)  # fmt: skip
@click.option("--layer", help="Where the file has several layers: its name.")
@click.option("--crs", help="Where a layer does not tell its coordinate system: EPSG:2154.")
@json_option
@click.pass_obj
def streets_(
    console: Console, file: Path, communes: tuple[str, ...], layer: str | None, crs: str | None
) -> None:
    """Import streets: OpenStreetMap (.osm.pbf, .osm), GraphML of OSMnx, or a layer of lines.

    Kept around the addresses imported; a file of another town is refused, one of a part of the town
    is taken and told. On the ground it covers, a newer file takes the place of an older one.
    """
    from targeting.workflows.imports.streets import import_streets

    told = import_streets(
        console.workspace, file, communes=communes, layer=layer, crs=crs, progress=console.progress
    )
    first, *others = told.lines()
    console.answer(asdict(told), "\n".join([first, *(f"  {line}" for line in others)]))


@import_.command()
@click.argument("file", type=FILE)
@json_option
@click.pass_obj
def doors(console: Console, file: Path) -> None:
    """Import what is behind buildings' doors: staircases, floors, doors (CSV)."""
    from targeting.workflows.imports.layouts import import_doors

    told = import_doors(console.workspace, file)
    lines = [f"{told.file}: {told.doors:,} doors of {told.buildings:,} buildings{_kept(told)}"]
    lines += [f"  line {r['line']}: {r['building_id']} {r['reason']}" for r in told.rejected]
    console.answer(asdict(told), "\n".join(lines))


@import_.command()
@click.argument("file", type=FILE)
@click.option("--name-column", help="The property that holds the name of the quarter.")
@commune_option
@commune_property_option
@layer_option
@crs_option
@click.option("--credit", default="", help="Whose drawing it is and its licence, for the maps.")
@json_option
@click.pass_obj
def quarters(
    console: Console,
    file: Path,
    name_column: str | None,
    commune_code: str | None,
    commune_property: str | None,
    layer: str | None,
    crs: str | None,
    credit: str,
) -> None:
    """Import quarters: polygons with a name, that maps draw and filters know.

    GeoJSON, TopoJSON, GeoPackage, zipped shapefile, GeoParquet. They take the place of those of
    their commune. Two properties that may be the name are asked, never chosen.
    """
    from targeting.workflows.imports.quarters import import_quarters

    told = import_quarters(
        console.workspace,
        file,
        name_column=name_column,
        commune_code=commune_code,
        commune_property=commune_property,
        layer=layer,
        crs=crs,
        credit=credit,
        progress=console.progress,
    )
    where = ", ".join(told.communes[:6]) + (" …" if len(told.communes) > 6 else "")
    lines = [f"{told.file}: {told.quarters:,} quarters of {where}, {told.recipe}{_kept(told)}"]
    if told.stations:
        inside, known = told.stations_inside, told.stations
        lines.append(f"  {inside:,} of {known:,} stations lie in a quarter")
    lines += [f"  {note}" for note in told.notes]
    console.answer(asdict(told), "\n".join(lines))


@click.group(name="stations")
def stations_() -> None:
    """Follow stations through time; build outlines where none are published."""


@stations_.command()
@click.option("--commune", "communes", multiple=True, help="INSEE code (default: the campaign's).")
@click.option("--out", type=click.Path(path_type=Path), help="CSV or Parquet, one row a station.")
@click.option("--lang", type=click.Choice(["fr", "en"]), default="fr", show_default=True)
@json_option
@click.pass_obj
def ledger(console: Console, communes: tuple[str, ...], out: Path | None, lang: str) -> None:
    """Where each station's past comes from, and how sure that is."""
    from targeting.workflows.stations.health import ledger_report

    report = ledger_report(
        console.workspace, communes=communes, out=out, language=lang, progress=console.progress
    )
    console.answer(report.facts, report.text)


@stations_.command()
@click.option("--commune", "communes", multiple=True, help="INSEE code (default: the campaign's).")
@click.option(
    "--from", "source", type=click.Choice(["voters", "points", "ranges"]),
    help="What to build from (default: the first of these that is imported).",
)  # fmt: skip
@click.option("--vintage", help="Year of the roll (default: the newest imported).")
@json_option
@click.pass_obj
def build(
    console: Console, communes: tuple[str, ...], source: str | None, vintage: str | None
) -> None:
    """Build outlines from where the voters live: an exact partition of each commune."""
    from targeting.workflows.imports.built import build_stations

    told = build_stations(
        console.workspace,
        communes=communes,
        source=source,
        vintage=vintage,
        progress=console.progress,
    )
    built = [{**asdict(t), "joins": [{**asdict(j), "rate": j.rate} for j in t.joins]} for t in told]
    console.answer({"built": built}, "\n".join(line for t in told for line in t.lines()))


COMMANDS = (sources, fetch, import_, stations_)
