"""The formats that tables and turfs are written in, declared once: by extension, with its writer.

Another format is a row here and its writer: commands, screens and refusals follow.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import geopandas as gpd
import pandas as pd

from targeting.errors import TargetingError
from targeting.exports.files import write_csv, write_geojson, write_gpkg, write_parquet
from targeting.exports.tracks import write_gpx, write_kml

TABLE: Final = "table"
MAP: Final = "map"
SHEETS: Final = "sheets"
WALKS: Final = "walks"
PAGES: Final = "pages"
HELD: Final = (TABLE, MAP, SHEETS, WALKS, PAGES)
"""What a file holds: a frame, a frame with outlines, frames by name, `Track`s, `TurfSheet`s."""


class About(NamedTuple):
    """What a file says besides what it holds."""

    credits: Sequence[str] = ()
    title: str = ""
    language: str = "fr"


class Format(NamedTuple):
    """One format. `label`: key of the words on its button; without one, its name alone."""

    suffix: str
    name: str
    mime: str
    holds: str
    write: Callable[[Path, Any, About], list[Path]]
    label: str = ""
    is_offered: bool = True
    """Whether screens offer it; commands take all."""


def _workbook(path: Path, sheets: Any, about: About) -> list[Path]:
    from targeting.exports.workbooks import write_workbook  # none of it for who writes a CSV

    return [write_workbook(path, sheets, credits=about.credits)]


def _print_list(path: Path, sheets: Any, about: About) -> list[Path]:
    from targeting.exports.print_list import write_print_list

    return [write_print_list(path, sheets, about.credits, language=about.language)]


FORMATS: Final = (
    Format(".csv", "CSV", "text/csv", TABLE,
           lambda path, table, about: write_csv(table, path, about.credits), "turfs.file_csv"),
    Format(".xlsx", "XLSX", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
           SHEETS, _workbook, "turfs.file_xlsx"),
    Format(".geojson", "GeoJSON", "application/geo+json", MAP,
           lambda path, layer, about: write_geojson(layer, path, about.credits),
           "turfs.file_geojson"),
    Format(".gpkg", "GeoPackage", "application/geopackage+sqlite3", MAP,
           lambda path, layer, about: write_gpkg(layer, path, about.credits)),
    Format(".kml", "KML", "application/vnd.google-earth.kml+xml", WALKS,
           lambda path, walks, about: [write_kml(path, walks, title=about.title,
                                                 credits=about.credits)]),
    Format(".gpx", "GPX", "application/gpx+xml", WALKS,
           lambda path, walks, about: [write_gpx(path, walks, title=about.title,
                                                 credits=about.credits)], "turfs.file_gpx"),
    Format(".html", "HTML", "text/html", PAGES, _print_list, "turfs.file_html"),
    Format(".parquet", "Parquet", "application/vnd.apache.parquet", TABLE,
           lambda path, table, about: write_parquet(table, path, about.credits),
           is_offered=False),
)  # fmt: skip
"""In the order of the screens' buttons."""


def suffixes(*held: str) -> tuple[str, ...]:
    """Extensions of the formats that hold these, in their order."""
    return tuple(one.suffix for what in held for one in FORMATS if one.holds == what)


TABLE_FORMATS: Final = suffixes(TABLE)
MAP_FORMATS: Final = suffixes(MAP)
ALL_FORMATS: Final = suffixes(*HELD)


def known_format(path: Path, formats: Sequence[str] = ALL_FORMATS) -> Format:
    """The format of `path`; raises TargetingError if its extension is none of `formats`.

    Long work asks before it begins: nothing is computed for a file that cannot be written.
    """
    suffix = path.suffix.lower()
    found = next((one for one in FORMATS if one.suffix == suffix and suffix in formats), None)
    if found is None:
        known = ", ".join(formats)
        raise TargetingError(f"{path.name}: unknown format “{suffix}”: end the name with {known}.")
    return found


def write_table(
    table: pd.DataFrame,
    path: Path,
    *,
    credits: Sequence[str] = (),
    geometry: gpd.GeoSeries | None = None,
) -> list[Path]:
    """Write `table` to `path` in the format of its extension; gives the files written.

    `geometry` is on the table's index, with a CRS: map formats need it, in WGS 84 for GeoJSON.
    Raises TargetingError for an unknown extension, or a map without outlines.
    """
    form = known_format(path, (*TABLE_FORMATS, *MAP_FORMATS))
    if form.holds == TABLE:
        return form.write(path, table, About(credits))
    if geometry is None:
        raise TargetingError(
            f"{path.name}: no outlines to draw: import them with `import stations FILE`, or write "
            "a .csv or a .parquet."
        )
    return form.write(path, gpd.GeoDataFrame(table, geometry=geometry), About(credits))
