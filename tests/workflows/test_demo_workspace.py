"""The invented town end to end: scored, met, cut, printed, never mixed with the truth."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from targeting.cli.app import cli
from targeting.config import Workspace
from targeting.demo import build_town
from targeting.errors import TargetingError
from targeting.reference.checksums import seal_sheet, sheet_path
from targeting.store.engine import open_store, reading
from targeting.store.models import Contact
from targeting.workflows.buildings import load_buildings
from targeting.workflows.demo import fill_demo
from targeting.workflows.stations.scores import score_stations, station_coverage, station_priorities
from targeting.workflows.turfs import candidates
from targeting.workflows.turfs.board import load_campaign_turfs
from targeting.workflows.turfs.candidates import chosen_stations
from targeting.workflows.turfs.cutting import cut_campaign_turfs
from targeting.workflows.turfs.files import STOP_COLUMNS, export_turfs
from targeting.workflows.turfs.overview import load_turf_board, turf_file
from tests.conftest import DEMO_DAY as DAY

pytestmark = pytest.mark.slow  # the whole invented town, many times over


@pytest.fixture
def town(town_folder: Path, tmp_path: Path) -> Iterator[Workspace]:
    """The invented town's workspace, a copy of its own for each test: a campaign is portable."""
    copy = tmp_path / "town"
    shutil.copytree(town_folder, copy)
    return Workspace(copy)


def call(workspace: Workspace, *arguments: object):  # type: ignore[no-untyped-def]
    return CliRunner().invoke(cli, ["--workspace", str(workspace.root), *map(str, arguments)])


def first_station(workspace: Workspace) -> str:
    priorities = station_priorities(workspace, score_stations(workspace))
    return str(priorities.set_index("priority_rank").loc[1, "station_id"])


def grid(path: Path, rows: list[dict[str, object]]) -> Path:
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def knocks(workspace: Workspace, station_id: str, count: int, outcome: str = "talked"):  # type: ignore[no-untyped-def]
    """One knock at each of the first `count` doors of a station."""
    buildings = load_buildings(workspace)
    there = buildings[buildings["station_id"] == station_id]
    doors = [(b, n) for b, d in zip(there["building_id"], there["dwellings"], strict=True)
             for n in range(1, d + 1)]  # fmt: skip
    return [
        {"building_id": b, "door": n, "outcome": outcome, "visited_at": "2026-10-20 18:30"}
        for b, n in doors[:count]
    ]


def test_two_hundred_visits_lower_the_priority_of_the_first_station_and_not_its_score(
    town: Workspace, tmp_path: Path
) -> None:
    station = first_station(town)
    before_scores = score_stations(town)
    before = station_priorities(town, before_scores).set_index("station_id").loc[station]
    visits = grid(tmp_path / "grid.csv", knocks(town, station, 200))
    result = call(town, "returns", visits, "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["recorded"] == 200

    after_scores = score_stations(town)
    after = station_priorities(town, after_scores).set_index("station_id").loc[station]
    pd.testing.assert_frame_equal(before_scores.scores, after_scores.scores)
    assert after["priority"] < before["priority"]
    assert after["reservoir_left"] < before["reservoir_left"]
    assert after["priority_rank"] > 1
    counts = station_coverage(town).set_index("station_id").loc[station]
    assert counts["households_contacted"] >= 200


def test_the_same_grid_twice_is_once(town: Workspace, tmp_path: Path) -> None:
    rows = knocks(town, first_station(town), 20)
    first = call(town, "returns", grid(tmp_path / "a.csv", rows), "--json")
    again = call(town, "returns", tmp_path / "a.csv", "--json")
    shuffled = call(town, "returns", grid(tmp_path / "b.csv", rows[::-1]), "--json")
    assert [r.exit_code for r in (first, again, shuffled)] == [0, 0, 0], again.output
    told = [json.loads(r.stdout) for r in (first, again, shuffled)]
    assert [t["recorded"] for t in told] == [20, 0, 0]
    assert told[1]["unchanged"]


@pytest.mark.parametrize(
    ("change", "words"),
    [({"outcome": "shouted"}, "no outcome"), ({"door": 9999}, "has doors 1 to"),
     ({"building_id": "elsewhere"}, "no building"), ({"visited_at": "yesterday"}, "no date"),
     ({"theme": "logement"}, "holds no name, no phone, no note"),
     ({"building_id": "", "turf_id": "S0001", "visit_order": 999}, "no stop 999"),
     ({"door": "²"}, "has doors 1 to"), ({"visited_at": "0001-01-01"}, "no date"),
     ({"turf_id": "S9999"}, "its turf is not here"), ({"name": "Ada"}, "holds no name"),
     ({"visited_at": "2099-01-01"}, "in the future")],
)  # fmt: skip
def test_a_wrong_line_of_a_grid_is_refused_and_none_is_recorded(
    town: Workspace, tmp_path: Path, change: dict[str, object], words: str
) -> None:
    rows = knocks(town, first_station(town), 5)
    rows[3] = {**rows[3], **change}
    rows = [{**dict.fromkeys(rows[3], ""), **r} for r in rows]
    before = station_coverage(town)
    result = call(town, "returns", grid(tmp_path / "grid.csv", rows))
    assert result.exit_code == 2, result.output
    assert words in result.stderr
    pd.testing.assert_frame_equal(station_coverage(town), before)


def open_stop(workspace: Workspace):  # type: ignore[no-untyped-def]
    """A stop of a turf nobody has begun, with more than one door."""
    kept = load_campaign_turfs(workspace)
    ready = kept.turfs[kept.turfs["status"] == "ready"]["turf_id"]
    stops = kept.stops[kept.stops["turf_id"].isin(ready) & (kept.stops["dwellings"] > 1)]
    return stops.iloc[0]


def test_visits_are_typed_back_from_what_is_on_paper(town: Workspace, tmp_path: Path) -> None:
    stop = open_stop(town)
    row = {"turf_id": stop["turf_id"], "visit_order": stop["visit_order"],
           "door": stop["first_door"], "outcome": "talked", "visited_at": "2026-10-20 18:30"}  # fmt: skip
    result = call(town, "returns", grid(tmp_path / "paper.csv", [row]), "--json")
    assert json.loads(result.stdout)["recorded"] == 1, result.output
    turfs = load_campaign_turfs(town).turfs.set_index("turf_id")
    assert turfs.loc[stop["turf_id"], "status"] == "in_progress"
    assert turfs.loc[stop["turf_id"], "doors_done"] == 1


def test_a_door_that_asked_not_to_be_called_on_is_in_no_later_cut_and_named_on_paper(
    town: Workspace, tmp_path: Path
) -> None:
    stop = open_stop(town)
    building, door = stop["building_id"], stop["first_door"]
    row = {"building_id": building, "door": door, "outcome": "do_not_contact",
           "visited_at": "2020-01-01 18:30"}  # fmt: skip
    before = cut_campaign_turfs(town, chosen=stop["station_id"]).facts
    assert call(town, "returns", grid(tmp_path / "grid.csv", [row])).exit_code == 0
    html = tmp_path / "list.html"
    export_turfs(town, html)
    assert f"sauf {door}" in html.read_text(), "already on the lists printed from now on"
    after = cut_campaign_turfs(town, chosen=stop["station_id"]).facts
    assert after["doors_in"] == before["doors_in"]
    counts = [f["left_out_by_reason"].get("do_not_contact", 0) for f in (before, after)]
    assert counts[1] == counts[0] + 1


def test_households_met_lately_are_left_alone_and_come_back_after_their_time(
    town: Workspace,
) -> None:
    lately = cut_campaign_turfs(town, chosen="top:10%").facts
    always = cut_campaign_turfs(town, chosen="top:10%", exclude_contacted=0).facts
    assert lately["left_out_by_reason"]["already_met"] > 0
    assert "already_met" not in always["left_out_by_reason"]
    assert lately["doors_in"] == always["doors_in"]


def test_no_door_is_in_two_turfs_to_walk(town: Workspace) -> None:
    cut_campaign_turfs(town, chosen="top:10%")
    kept = load_campaign_turfs(town)
    to_walk = kept.turfs[kept.turfs["status"] != "done"]["turf_id"]
    stops = kept.stops[kept.stops["turf_id"].isin(to_walk)]
    doors = [
        (s.building_id, n)
        for s in stops.itertuples()
        for n in range(s.first_door, s.last_door + 1)
        if n not in s.closed
    ]
    assert len(doors) == len(set(doors))


def test_every_file_of_the_screen_is_there_after_a_second_cut(town: Workspace) -> None:
    """Turfs being walked are of another cut than the new ones."""
    cut_campaign_turfs(town, chosen="top:10%")
    board = load_turf_board(town)
    assert board is not None
    assert board.kept.turfs["cut_id"].nunique() == 2
    for kind in ("csv", "geojson", "html", "excluded"):
        assert turf_file(town, kind, None, language="fr"), kind
    excluded = pd.read_csv(io.BytesIO(turf_file(town, "excluded", ["S0001"], language="fr")))
    assert excluded["dwellings"].sum() == board.doors_left_out


def test_a_withdrawn_turf_stays_withdrawn_whatever_comes_back(
    town: Workspace, tmp_path: Path
) -> None:
    stop = open_stop(town)
    row = {"building_id": stop["building_id"], "turf_id": stop["turf_id"],
           "door": stop["first_door"], "outcome": "not_home", "visited_at": "2026-10-20"}  # fmt: skip
    cut_campaign_turfs(town, chosen="top:10%")
    assert call(town, "returns", grid(tmp_path / "late.csv", [row])).exit_code == 0
    assert stop["turf_id"] not in set(load_campaign_turfs(town).turfs["turf_id"])


def test_a_visit_to_a_building_of_another_turf_is_refused(town: Workspace, tmp_path: Path) -> None:
    kept = load_campaign_turfs(town)
    one, other = kept.turfs["turf_id"].iloc[0], kept.turfs["turf_id"].iloc[-1]
    building = kept.stops[kept.stops["turf_id"] == other]["building_id"].iloc[0]
    assert building not in set(kept.stops[kept.stops["turf_id"] == one]["building_id"])
    row = {"building_id": building, "turf_id": one, "door": 1, "outcome": "talked",
           "visited_at": "2026-10-20"}  # fmt: skip
    result = call(town, "returns", grid(tmp_path / "grid.csv", [row]))
    assert result.exit_code == 2
    assert "line 2" in result.stderr
    assert f"is not in turf {one}" in result.stderr


def test_contacts_and_results_do_not_touch_each_other(town: Workspace) -> None:
    """Permuting contacts between persons changes no score; permuting results, no contact."""

    def contacts() -> list[tuple[object, ...]]:
        with reading(open_store(town)) as session:
            columns = list(Contact.__table__.columns)
            return sorted(session.query(*columns).all())

    scores, people = score_stations(town).scores, contacts()
    for path in (town.reference / "votes").glob("*.parquet"):
        votes = pd.read_parquet(path)
        votes["votes"] = votes["votes"].sample(frac=1, random_state=1).to_numpy()
        votes.to_parquet(path, index=False)
        seal_sheet(town, sheet_path(path))
    assert contacts() == people
    assert not score_stations(town).scores["score"].equals(scores["score"])


def test_the_planted_truth_is_nowhere_in_the_workspace(town: Workspace) -> None:
    truth = set(build_town(today=DAY).truth.columns) - {"building_id"}
    for path in town.root.rglob("*.parquet"):
        assert not truth & set(pd.read_parquet(path).columns), path.name
    everything = b"".join(p.read_bytes() for p in town.root.rglob("*") if p.is_file())
    for name in truth:
        assert name.encode() not in everything


def test_turfs_are_cut_counted_and_exported_in_walking_order(
    town: Workspace, tmp_path: Path
) -> None:
    out = tmp_path / "turfs.csv"
    told = json.loads(
        call(town, "turfs", "cut", "--stations", "top:3", "--out", out, "--json").stdout
    )
    assert told["doors_in"] == told["doors_in_turfs"] + told["doors_left_out"]
    stops = pd.read_csv(out, dtype={"station_id": "str"})
    assert list(stops.columns) == STOP_COLUMNS
    assert stops["dwellings"].sum() == told["doors_in_turfs"]
    orders = stops.groupby("turf_id")["visit_order"].apply(list)
    assert all(order == list(range(1, len(order) + 1)) for order in orders)
    excluded = pd.read_csv(tmp_path / "turfs.excluded.csv")
    assert excluded["dwellings"].sum() == told["doors_left_out"]
    assert list(excluded.columns) == ["building_id", "dwellings", "reason"]
    registered = stops.groupby("station_id")["registered_estimate"].sum()
    scores = score_stations(town).scores.set_index("station_id")["registered"]
    assert (registered <= scores[registered.index] + 1).all(), "a split building counts once"
    buildings = load_buildings(town)
    held = set(stops["building_id"]) | set(excluded["building_id"])
    assert told["doors_in"] == buildings[buildings["building_id"].isin(held)]["dwellings"].sum()
    asked = buildings["station_id"].isin(chosen_stations(town, "top:3") or [])
    assert asked.any()
    assert set(buildings.loc[asked, "building_id"]) <= held, "others come with turfs replaced"


def test_a_new_cut_leaves_walked_turfs_alone_and_never_gives_a_code_again(town: Workspace) -> None:
    before = cut_campaign_turfs(town, chosen="top:10%").facts
    again = cut_campaign_turfs(town, chosen="top:10%").facts
    first, second = ({t["turf_id"] for t in facts["table"]} for facts in (before, again))
    assert not first & second
    assert before["left_out_by_reason"]["in_another_turf"] > 0
    assert {k: before[k] for k in ("turfs", "doors_in", "doors_in_turfs")} == {
        k: again[k] for k in ("turfs", "doors_in", "doors_in_turfs")
    }


def test_where_no_station_is_ranked_the_first_ones_are_refused_in_words(
    town: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    unranked = station_priorities(town, score_stations(town)).assign(priority_rank=float("nan"))
    monkeypatch.setattr(candidates, "station_priorities", lambda *_: unranked)
    for chosen in ("top:3", "top:20%"):
        with pytest.raises(TargetingError, match="no station is ranked here"):
            chosen_stations(town, chosen)


@pytest.mark.parametrize("chosen", ["top:0", "best", "13055", "top:x%"])
def test_a_choice_of_no_station_is_refused(town: Workspace, chosen: str) -> None:
    result = call(town, "turfs", "cut", "--stations", chosen)
    assert result.exit_code == 2
    assert "top:20%" in result.stderr


def test_a_format_nobody_knows_is_refused_before_anything_is_cut(
    town: Workspace, tmp_path: Path
) -> None:
    before = [t["turf_id"] for t in load_campaign_turfs(town).turfs.to_dict("records")]
    result = call(town, "turfs", "cut", "--out", tmp_path / "turfs.docx")
    assert result.exit_code == 2
    assert "unknown format" in result.stderr
    assert [t["turf_id"] for t in load_campaign_turfs(town).turfs.to_dict("records")] == before


@pytest.mark.parametrize("suffix", [".geojson", ".gpkg"])
def test_turfs_are_written_as_shapes(town: Workspace, tmp_path: Path, suffix: str) -> None:
    import geopandas as gpd

    out = tmp_path / f"turfs{suffix}"
    assert call(town, "turfs", "export", "--out", out).exit_code == 0
    layer = gpd.read_file(out)
    assert layer["turf_id"].is_unique
    assert layer["turf_id"].str.match(r"^S\d{4}$").all(), "GDAL takes no code for a time of day"
    assert layer.geometry.is_valid.all()
    shown = layer["doors_done"].dropna()
    assert ((shown == 0) | (shown >= 11)).all(), "counts under eleven are not shown"


def test_the_printed_list_holds_places_and_boxes_and_nobody(
    town: Workspace, tmp_path: Path
) -> None:
    out = tmp_path / "lists.html"
    export_turfs(town, out)
    html = out.read_text()
    with reading(open_store(town)) as session:
        named = session.query(Contact).filter(Contact.last_name.is_not(None)).limit(400).all()
        assert named
        for person in named:
            assert person.phone is None or person.phone not in html
            assert person.email is None or person.email not in html
            assert f"{person.first_name} {person.last_name}" not in html
    assert "score" not in html.lower()
    assert "abstention" not in html.lower()
    assert not re.search(r"""(?:src|href)\s*=\s*["'](?!#)""", html), "prints without network"
    assert "99001_" not in html, "stations are numbered as posters have them"
    assert html.count('class="sheet"') == html.count("<svg")


def test_real_files_do_not_go_into_the_invented_town(town: Workspace, presidential: Path) -> None:
    result = call(town, "import", "results", presidential)
    assert result.exit_code == 2
    assert "invented town" in result.stderr


def test_the_invented_town_does_not_go_over_a_campaign(workspace: Workspace) -> None:
    result = call(workspace, "demo")
    assert result.exit_code == 2
    assert "holds a campaign" in result.stderr


def test_the_same_seed_and_day_give_the_same_workspace(town: Workspace, tmp_path: Path) -> None:
    other = Workspace(tmp_path / "other")
    fill_demo(other, today=DAY)
    for path in sorted(town.reference.rglob("*.parquet")):
        twin = other.reference / path.relative_to(town.reference)
        assert path.read_bytes() == twin.read_bytes(), path.name
    pd.testing.assert_frame_equal(station_coverage(town), station_coverage(other))


def test_the_past_of_a_station_is_told_election_by_election(town: Workspace) -> None:
    from targeting.workflows.stations.board import load_board, load_station_line

    board = load_board(town)
    station = board.table.index[0]
    line = load_station_line(town, station)
    assert line["election_id"].is_unique
    basis = board.basis
    row = line.set_index("election_id").loc[basis.latest_low]
    assert row["turnout_rate"] == pytest.approx(1 - board.abstentions.at[station, basis.latest_low])
    high = line.set_index("election_id").loc[basis.presidential]
    assert high["left_share"] == pytest.approx(board.table.at[station, "left_share"])


def test_a_town_of_sixty_stations_has_intervals_and_says_where_they_come_from(
    town: Workspace,
) -> None:
    from targeting.workflows.stations.scores import score_bounds, score_stations

    scored = score_stations(town)
    told = " ".join(scored.told)
    assert "shipped, from the errors of" in told
    assert "200 are wanted to calibrate an interval" in told
    assert "learnt on 2024_legi_t1" in told
    table = scored.scores.set_index("station_id")
    bounds = score_bounds(scored)
    assert bounds is not None
    ranked = table["rank"].notna()
    assert (bounds["rank_low"].notna() == ranked).all()
    rank = table["rank"].astype("float64")
    assert ((bounds["rank_low"] <= rank) & (rank <= bounds["rank_high"]))[ranked].all()
    assert ((bounds["score_low"] <= table["score"]) & (table["score"] <= bounds["score_high"]))[
        ranked
    ].all()
    people = table["reservoir"]
    assert ((table["reservoir_low"] <= people) & (people <= table["reservoir_high"])).all()
