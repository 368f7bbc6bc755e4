"""Lists to print: one turf a sheet or two, in walking order, with boxes to tick.

A plain HTML file that prints on A4, in black and white, without network. Places and doors only: no
name, no phone, no score (TRUST PRIV-14).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

import geopandas as gpd
import pandas as pd
from shapely.geometry import box

from targeting.codes import station_label
from targeting.exports.aside import write_aside
from targeting.exports.pages import TEMPLATES
from targeting.locale import text_in
from targeting.outcomes import OUTCOMES, outcome_label

MAP_WIDTH: Final = 680.0
MAP_HEIGHT: Final = 380.0
MARGIN_M: Final = 40.0


@dataclass(frozen=True)
class TurfSheet:
    """One turf as it is printed: facts, stops in order, and its little map in SVG units."""

    campaign: str
    turf_id: str
    n_doors: int
    n_buildings: int
    minutes: int
    walk_m: int
    start: str
    end: str
    stations: str
    stops: list[dict[str, Any]]
    lines: list[str]
    path: str
    scale_m: int
    scale_px: float

    @classmethod
    def of(
        cls,
        campaign: str,
        turf: dict[Any, Any],
        stops: pd.DataFrame,
        streets: gpd.GeoDataFrame | None,
    ) -> TurfSheet:
        """The sheet of one turf, from its row, its stops (with `x`, `y`) and the streets."""
        stops = stops.sort_values("visit_order")
        view = _View.around(stops)
        places = [
            {
                "order": int(s.visit_order), "street": s.street, "number": int(s.number),
                "suffix": s.suffix, "dwellings": int(s.dwellings),
                "first": int(s.first_door), "last": int(s.last_door),
                "part": s.first_door > 1 or s.last_door < s.all_dwellings,
                "closed": ", ".join(str(n) for n in s.closed),
                "px": view.x(s.x), "py": view.y(s.y),
            }
            for s in stops.itertuples()
        ]  # fmt: skip
        scale_m = next(m for m in (500, 200, 100, 50, 20, 10, 5) if m * view.scale <= MAP_WIDTH / 3)
        return cls(
            campaign=campaign,
            turf_id=str(turf["turf_id"]),
            n_doors=int(turf["n_doors"]),
            n_buildings=int(turf["n_buildings"]),
            minutes=round(turf["minutes_expected"]),
            walk_m=round(turf["walk_m"], -1).__int__(),
            start=str(turf["start_address"]),
            end=str(turf["end_address"]),
            stations=", ".join(station_label(s) for s in str(turf["station_ids"]).split()),
            stops=places,
            lines=view.lines(streets),
            path=" ".join(f"{p['px']},{p['py']}" for p in places),
            scale_m=scale_m,
            scale_px=round(scale_m * view.scale, 1),
        )

    @property
    def streets(self) -> list[dict[str, Any]]:
        """Stops in runs of one street, so that the list names a street once."""
        runs: list[dict[str, Any]] = []
        for stop in self.stops:
            if not runs or runs[-1]["street"] != stop["street"]:
                runs.append({"street": stop["street"], "stops": []})
            runs[-1]["stops"].append(stop)
        return runs


@dataclass(frozen=True)
class _View:
    """Metres to the units of the sheet's map."""

    west: float
    north: float
    scale: float
    frame: tuple[float, float, float, float]

    @classmethod
    def around(cls, stops: pd.DataFrame) -> _View:
        west, east = stops["x"].min() - MARGIN_M, stops["x"].max() + MARGIN_M
        south, north = stops["y"].min() - MARGIN_M, stops["y"].max() + MARGIN_M
        scale = min(MAP_WIDTH / (east - west), MAP_HEIGHT / (north - south))
        west -= (MAP_WIDTH / scale - (east - west)) / 2
        north += (MAP_HEIGHT / scale - (north - south)) / 2
        frame = (west, north - MAP_HEIGHT / scale, west + MAP_WIDTH / scale, north)
        return cls(float(west), float(north), float(scale), frame)

    def x(self, x: float) -> float:
        return round((x - self.west) * self.scale, 1)

    def y(self, y: float) -> float:
        return round((self.north - y) * self.scale, 1)

    def lines(self, streets: gpd.GeoDataFrame | None) -> list[str]:
        """Streets inside the frame as SVG point lists."""
        if streets is None:
            return []
        frame = box(*self.frame)
        inside = streets.iloc[streets.sindex.query(frame, predicate="intersects")]
        parts = inside.geometry.intersection(frame).explode()
        return [
            " ".join(f"{self.x(x)},{self.y(y)}" for x, y in line.coords)
            for line in parts
            if line.geom_type == "LineString"
        ]


def render_print_list(
    sheets: Sequence[TurfSheet], credits: Sequence[str], *, language: str = "fr"
) -> str:
    """The HTML of several turfs, each beginning on a page of its own."""
    template = TEMPLATES.get_template("print_list.html")
    return template.render(
        sheets=sheets,
        credits=credits,
        language=language,
        today=date.today(),
        outcomes=[text_in(language, outcome_label(o)) for o in OUTCOMES],
        say=lambda key, **values: text_in(language, key, **values),
        width=MAP_WIDTH,
        height=MAP_HEIGHT,
    )


def write_print_list(
    path: Path, sheets: Sequence[TurfSheet], credits: Sequence[str], *, language: str = "fr"
) -> Path:
    """Write the lists to `path` (HTML)."""
    text = render_print_list(sheets, credits, language=language)
    write_aside(path, lambda to: to.write_text(text))
    return path
