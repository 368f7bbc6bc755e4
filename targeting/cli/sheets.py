"""Commands that hand on what is shown: a sheet of the map, a station's card, files of stations."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import click

from targeting.cli.console import Console, comma_list, day_or_none, json_option
from targeting.config import AsItIs
from targeting.maps.measures import METRICS

OUT = click.Path(path_type=Path, dir_okay=False)


@click.command("map")
@click.option(
    "--metric", type=click.Choice(METRICS), default=METRICS[0], show_default=True,
    help="What colours the stations.",
)  # fmt: skip
@click.option("--stations", "chosen", callback=comma_list, help="Stations to outline: ID,ID.")
@click.option(
    "--area", callback=comma_list,
    help="Look at stations whose ID begins so (13055_14); the others are left pale.",
)  # fmt: skip
@click.option("--min-abstention", type=click.FloatRange(0, 100), default=0, help="Per cent.")
@click.option("--min-left", type=click.FloatRange(0, 100), default=0, help="Per cent of the votes.")
@click.option(
    "--not-visited-since", callback=day_or_none, help="Only stations not visited since that day."
)
@click.option("--sure-past", is_flag=True, help="Only stations whose past is sure.")
@click.option("--no-quarters", is_flag=True, help="Leave out the quarters that are imported.")
@click.option("--paper", type=click.Choice(["A4", "A3"]), default="A4", show_default=True)
@click.option(
    "--out", type=OUT, required=True, help="PDF or PNG; CSV, XLSX or GeoJSON of what is shown."
)
@json_option
@click.pass_obj
def map_command(
    console: Console,
    metric: str,
    chosen: tuple[str, ...],
    area: tuple[str, ...],
    min_abstention: float,
    min_left: float,
    not_visited_since: date | AsItIs | None,
    sure_past: bool,
    no_quarters: bool,
    paper: str,
    out: Path,
) -> None:
    """Write the map of stations on a sheet of paper, or what it shows as a file."""
    from targeting.maps.filters import Filters
    from targeting.workflows.stations.sheets.reports import map_report

    since = not_visited_since if isinstance(not_visited_since, date) else None
    report = map_report(
        console.workspace,
        out,
        metric=metric,
        filters=Filters(min_abstention / 100, min_left / 100, since, sure_past),
        chosen=chosen,
        area=area,
        has_quarters=not no_quarters,
        paper=paper,
        language=console.language,
    )
    console.answer(report.facts, report.text)


@click.command("card")
@click.argument("station")
@click.option("--out", type=OUT, required=True, help="PDF to write.")
@json_option
@click.pass_obj
def card_command(console: Console, station: str, out: Path) -> None:
    """Write the card of one STATION on one page."""
    from targeting.workflows.stations.sheets.reports import card_report

    report = card_report(console.workspace, station, out, language=console.language)
    console.answer(report.facts, report.text)


COMMANDS = (map_command, card_command)
