"""Small worlds of a campaign: a town of two stations, and whatever a desk and its phones do to it.

A world knows what must be recorded, whatever came in which order, and what may never be.
"""

from __future__ import annotations

import itertools
import uuid
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pyproj import Transformer
from sqlalchemy import text

from targeting.codes import FRANCE
from targeting.config import Workspace
from targeting.crs import METRIC_CRS, WGS84
from targeting.errors import TargetingError
from targeting.households.doors import closed_doors, load_cooling_off
from targeting.outcomes import OPPOSITION, OUTCOMES
from targeting.store.engine import open_store, reading, write
from targeting.store.turfs import handed_on, latest_cut, load_excluded, load_stops, load_turfs
from targeting.store.visits import bind_books, load_visits
from targeting.workflows.buildings import load_buildings
from targeting.workflows.imports.addresses import import_addresses
from targeting.workflows.imports.layouts import import_doors
from targeting.workflows.imports.results import import_results
from targeting.workflows.imports.stations import import_stations
from targeting.workflows.outings.phone_secret import make_secret
from targeting.workflows.outings.returns import import_returns
from targeting.workflows.setup import init_workspace
from targeting.workflows.turfs import edits as handwork
from targeting.workflows.turfs.cutting import cut_campaign_turfs, restore_report
from targeting.workflows.turfs.plan import keep_plan, make_plan
from targeting.workflows.turfs.polishing import polish_latest_cut
from targeting.workflows.turfs.recut import recut_campaign_turfs
from tests.field.phones import Phone
from tests.official import PRES_2022, Ballot, Row, geojson, native, write_latin
from tests.osm_files import ORIGIN
from tests.races.doors import doors_in_two_open_turfs
from tests.workflows.test_import_streets import along, ban

WEST, EAST = "13055_0101", "13055_0102"
"""The two stations: numbers 1 to 10 of each street, and 11 to 20."""

TOWERS = {("Rue A", 5): 24, ("Rue B", 12): 31, ("Rue C", 20): 7}
"""Doors of the buildings that are no houses."""


def found_town(workspace: Workspace, folder: Path) -> None:
    """Three streets of twenty numbers, a tower in each; two elections of two stations."""
    init_workspace(workspace, communes=["13055"])
    for name, ballot, votes in (
        ("pres.txt", Ballot.of_names(PRES_2022), [[3, 2, 9, 12, 9, 4, 2], [1, 1, 20, 8, 4, 2, 9]]),
        ("legi.txt", Ballot.of_nuances("NUP", "ENS", "RN"), [[9, 3, 7], [4, 16, 5]]),
    ):
        rows = [
            Row(station[-4:], [10 * n for n in counts], registered=500, blank=10, null=0)
            for station, counts in zip((WEST, EAST), votes, strict=True)
        ]
        import_results(workspace, [write_latin(folder / name, native(rows, ballot))])
    to_degrees = Transformer.from_crs(METRIC_CRS, WGS84, always_xy=True).transform
    features: list[tuple[dict[str, object], list[object]]] = []
    for station, left, right in ((WEST, -30.0, 199.0), (EAST, 199.0, 430.0)):
        x, y = ORIGIN
        corners = [(left, -40.0), (right, -40.0), (right, 260.0), (left, 260.0), (left, -40.0)]
        ring = [list(to_degrees(x + dx, y + dy)) for dx, dy in corners]
        features.append(({"NUM_BV": station[-4:]}, [ring]))
    layer = folder / "outlines.geojson"
    layer.write_text(geojson(features))
    import_stations(workspace, layer, commune_code="13055", vintage="2022")
    streets = [f"Rue {letter}" for letter in "ABC"]
    rows_ = [r for k, name in enumerate(streets) for r in along(name, y=9.0 + 100 * k)]
    import_addresses(workspace, ban(folder / "ban.csv", rows_))
    lines = [f"{n},{street},{doors}" for (street, n), doors in TOWERS.items()]
    counted = folder / "doors.csv"
    counted.write_text("\n".join(["number,street,doors", *lines]) + "\n")
    import_doors(workspace, counted)


Door = tuple[str, int]


def each(stops: pd.DataFrame) -> list[Door]:
    """Doors of these stops, as often as they are held."""
    columns = (stops["building_id"], stops["first_door"], stops["last_door"])
    return [(str(b), n) for b, a, z in zip(*columns, strict=True) for n in range(a, z + 1)]


class World:
    """What happens to one campaign, drawn from a seed, and what must be true of it at all times."""

    def __init__(self, workspace: Workspace, folder: Path, seed: int) -> None:
        self.workspace, self.folder = workspace, folder
        self.chance = np.random.default_rng(seed)
        self.dwellings = load_buildings(workspace).set_index("building_id")["dwellings"]
        self.secret = make_secret(workspace)
        self.minute = itertools.count()
        self.phones: list[Phone] = []
        self.files: list[tuple[Path, Callable[[], None]]] = []
        self.expected: dict[str, tuple[str, str]] = {}
        """Visits by phone: door and outcome by id; those typed are in `typed`."""
        self.undone: set[str] = set()
        self.typed: Counter[tuple[str, str]] = Counter()
        self.did: Counter[str] = Counter()
        """What was done, and `… refused`."""

    # -- looking ---------------------------------------------------------------------------------

    def look(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        with reading(open_store(self.workspace)) as session:
            return load_turfs(session), load_stops(session)

    def pick(self, values: Any) -> Any:
        listed = list(values)
        return listed[int(self.chance.integers(len(listed)))]

    def turfs_of(self, *statuses: str) -> list[str]:
        turfs = self.look()[0]
        return list(turfs.loc[turfs["status"].isin(statuses), "turf_id"])

    # -- what a desk does ------------------------------------------------------------------------

    def first_cut(self) -> None:
        cut_campaign_turfs(self.workspace, chosen="all", doors=20, fast=True)

    def cut(self) -> None:
        chosen = self.pick(["all", WEST, EAST, "top:1", f"{WEST},{EAST}"])
        size = int(self.chance.integers(6, 40))
        cut_campaign_turfs(self.workspace, chosen=chosen, doors=size, fast=True)
        self.check_account()

    def recut(self) -> None:
        recut_campaign_turfs(self.workspace, doors=int(self.chance.integers(5, 30)), fast=True)
        self.check_account()

    def plan(self) -> None:
        teams = int(self.chance.integers(1, 4))
        keep_plan(self.workspace, make_plan(self.workspace, teams=teams, evenings=1, minutes=45))
        self.check_account()

    def polish(self) -> None:
        polish_latest_cut(self.workspace)

    def restore(self) -> None:
        restore_report(self.workspace)

    def move(self) -> None:
        board = handwork.load_hand_board(self.workspace)
        if board.can_change:
            held = board.stops_of(board.can_change)["building_id"].unique()
            buildings = list(self.chance.choice(held, size=min(3, len(held)), replace=False))
            handwork.move_buildings(
                self.workspace, buildings, self.pick([*board.can_change, handwork.NEW])
            )

    def split(self) -> None:
        handwork.split(self.workspace, self.pick(self.turfs_of("ready", "in_progress") or ["S1"]))

    def merge(self) -> None:
        handwork.merge(self.workspace, self.turfs_of("ready")[:2])

    def lock(self) -> None:
        ids = self.turfs_of("ready")[:1]
        handwork.lock(self.workspace, ids, locked=bool(self.chance.random() < 0.4))

    def undo(self) -> None:
        handwork.undo(self.workspace)

    def redo(self) -> None:
        handwork.redo(self.workspace)

    # -- what comes back -------------------------------------------------------------------------

    def phone(self) -> None:
        """A book is made, or one out is walked on: taps, one taken back, a file; given in or kept
        for later."""
        turfs, stops = self.look()
        if turfs.empty:
            return
        if self.phones and self.chance.random() < 0.4:
            phone = self.pick(self.phones)
        else:
            turf_id = str(self.pick(turfs["turf_id"]))
            mine = stops[stops["turf_id"] == turf_id]
            phone = Phone(self.secret, turf_id, mine["building_id"].tolist())
            ranges = zip(mine["first_door"], mine["last_door"], strict=True)
            doors = dict(zip(phone.buildings, [(int(a), int(z)) for a, z in ranges], strict=True))
            write(open_store(self.workspace), lambda s: bind_books(s, [phone.bound(doors)]))
            phone.doors = doors  # type: ignore[attr-defined]
            self.phones.append(phone)
        doors = phone.doors  # type: ignore[attr-defined]
        everything = self.chance.random() < 0.5
        for stop, building in enumerate(phone.buildings):
            for door in range(doors[building][0], doors[building][1] + 1):
                if everything or self.chance.random() < 0.3:
                    phone.tap(stop, door, self.outcome())
        if phone.visits and self.chance.random() < 0.4:
            phone.undo(self.pick(phone.visits)[0])
        told = {
            v[0]: (f"{phone.buildings[v[1]]}/{v[2]}", v[3]) for v in (list(v) for v in phone.visits)
        }
        undone = set(phone.undone)

        def happen() -> None:
            self.undone |= undone
            self.expected |= told

        path = phone.file(self.folder / f"{uuid.uuid4().hex}.json")
        self.files.append((path, happen))
        if self.chance.random() < 0.7:
            self.give(self.files[-1])

    def grid(self) -> None:
        """A list typed back, its lines in any order, some twice; now and then an opposition that
        another line of the same knock denies."""
        path = self.folder / f"{uuid.uuid4().hex}.csv"
        lines: list[str] = []
        told: Counter[tuple[str, str]] = Counter()
        for _ in range(int(self.chance.integers(1, 9))):
            building = str(self.pick(self.dwellings.index))
            door = int(self.chance.integers(1, self.dwellings[building] + 1))
            days = int(self.chance.integers(1, 120))
            at = datetime.now(FRANCE) - timedelta(days=days, minutes=next(self.minute))
            start = f"{building},{door}"
            outcome = self.outcome()
            lines.append(f"{start},{outcome},{at:%Y-%m-%d %H:%M}")
            if self.chance.random() < 0.3:
                lines.append(lines[-1])
            if outcome == OPPOSITION:
                lines.append(f"{start},not_home,{at:%Y-%m-%d %H:%M}")
            told[f"{building}/{door}", outcome] += 1
        self.chance.shuffle(lines)
        path.write_text("\n".join(["building_id,door,outcome,visited_at", *lines]) + "\n")

        def happen() -> None:
            nonlocal told
            self.typed += told
            told = Counter()

        self.files.append((path, happen))
        if self.chance.random() < 0.7:
            self.give(self.files[-1])

    def late(self) -> None:
        """Files given in again, or for the first time, in any order: several at once."""
        for _ in range(min(3, len(self.files))):
            self.give(self.pick(self.files))

    def give(self, file: tuple[Path, Callable[[], None]]) -> None:
        """No return is ever refused for what a desk did meanwhile."""
        try:
            import_returns(self.workspace, file[0])
        except TargetingError as error:
            raise AssertionError(f"a return was refused: {error}") from error
        file[1]()

    def outcome(self) -> str:
        return str(self.chance.choice(OUTCOMES))

    # -- days ------------------------------------------------------------------------------------

    ACTS = ("phone", "grid", "late", "cut", "recut", "plan", "polish", "restore", "move", "split",
            "merge", "lock", "undo", "redo")  # fmt: skip
    WEIGHTS = (5, 3, 3, 4, 3, 1, 1, 2, 3, 2, 1, 1, 2, 1)

    def act(self, name: str | None = None) -> None:
        """One thing happens, or is refused in a sentence with nothing done; the laws hold after."""
        shares = np.array(self.WEIGHTS) / sum(self.WEIGHTS)
        name = name or str(self.chance.choice(self.ACTS, p=shares))
        with reading(open_store(self.workspace)) as session:
            turfs, stops = load_turfs(session), load_stops(session)
            passed_on = handed_on(session)
        try:
            getattr(self, name)()
            self.did[name] += 1
        except TargetingError as error:
            if "our fault" in str(error) or "Tell us" in str(error):
                raise AssertionError(f"{name}: {error}") from error
            self.did[f"{name} refused"] += 1
        self.check(name, turfs, stops, passed_on)

    def check_account(self) -> None:
        """The cut just made holds, or tells, as many doors as it looked at."""
        with reading(open_store(self.workspace)) as session:
            cut = latest_cut(session)
            assert cut is not None
            turfs, stops = load_turfs(session), load_stops(session)
            left_out = load_excluded(session, cut.id)["dwellings"].sum()
            mine = turfs[turfs["cut_id"] == cut.id]
            held = stops.loc[stops["turf_id"].isin(mine["turf_id"]), "dwellings"].sum()
            assert held == mine["n_doors"].sum() == cut.doors_in_turfs
            assert left_out == cut.doors_left_out
            assert cut.doors_in == cut.doors_in_turfs + cut.doors_left_out

    def check(
        self, name: str, before: pd.DataFrame, stops_before: pd.DataFrame, passed_on: set[str]
    ) -> None:
        """The laws: visits, doors, statuses, oppositions."""
        with reading(open_store(self.workspace)) as session:
            turfs, stops = load_turfs(session), load_stops(session)
            visits = load_visits(session)
            rows = session.execute(text("SELECT building_id, door, turf_id FROM open_door"))
            table = Counter((str(b), int(d), str(t)) for b, d, t in rows)
            cut = latest_cut(session)
            left_out = set(load_excluded(session, cut.id)["building_id"]) if cut else set()
        said = f"after {name}"

        kept = Counter(zip(visits["door_id"], visits["outcome"], strict=True))
        by_phone = [v for i, v in self.expected.items() if i not in self.undone]
        assert kept == self.typed + Counter(by_phone), f"{said}: a visit was lost or doubled"

        assert doors_in_two_open_turfs(turfs, stops) == 0, f"{said}: a door in two open turfs"
        is_open = turfs.loc[turfs["status"].isin(["ready", "in_progress"]), "turf_id"]
        held = Counter(
            (b, d, str(turf_id))
            for turf_id, mine in stops[stops["turf_id"].isin(is_open)].groupby("turf_id")
            for b, d in each(mine)
        )
        assert table == held, f"{said}: the table of open doors is not what turfs hold"

        was_open = before.loc[before["status"].isin(["ready", "in_progress"]), "turf_id"]
        lost = set(each(stops_before[stops_before["turf_id"].isin(was_open)])) - set(each(stops))
        if name != "restore":
            assert {b for b, _ in lost} <= left_out, f"{said}: doors left turfs without a word"

        done = set(before.loc[before["status"] == "done", "turf_id"]) & passed_on
        now = turfs.set_index("turf_id")["status"]
        still = [t for t in done if t not in now.index or now[t] == "done"]
        if name != "restore":
            assert set(still) == done, f"{said}: a turf that was handed on is open again"

        shut = closed_doors(visits, now=datetime.now(UTC), cooling_off=load_cooling_off())
        opposed = {d for d, o in kept if o == OPPOSITION}
        closed = {f"{b}/{d}" for b, d in zip(shut["building_id"], shut["door"], strict=True)}
        assert opposed <= closed, f"{said}: an opposition was lost"
