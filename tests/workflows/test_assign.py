"""Turfs in hands: one holder a turf on both engines, and who has only their own sees no more."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from targeting.access.roles import Actor
from targeting.config import Workspace
from targeting.errors import ForbiddenError, NotYoursError, TargetingError, WorkspaceError
from targeting.store import accounts, assignments, audit
from targeting.store.engine import open_store, reading, write
from targeting.workflows.access import team
from targeting.workflows.imports.addresses import import_addresses
from targeting.workflows.outings.returns import import_returns
from targeting.workflows.outings.walkbooks import load_walk_books, phone_book_zip, walk_book_pdf
from targeting.workflows.setup import init_workspace
from targeting.workflows.turfs.assign import (
    assign_turf,
    list_teammates,
    take_back,
    turfs_in_hand,
)
from targeting.workflows.turfs.board import load_campaign_turfs
from targeting.workflows.turfs.cutting import cut_campaign_turfs, preview_cut, restore_report
from targeting.workflows.turfs.files import export_turfs
from targeting.workflows.turfs.overview import load_turf_board, turf_file
from tests.races.at_once import at_once
from tests.workflows.test_import_streets import along, ban

NOW = datetime.now(UTC)
TEAM = {"paul": "canvasser", "nour": "canvasser", "lise": "team_lead", "dana": "field_director"}


def make_town(tmp_path: Path, unmade: Workspace) -> Workspace:
    """Three streets of twenty doors, in turfs of ten, and a team of four."""
    init_workspace(unmade, communes=["13055"])
    rows = [r for k, name in enumerate("ABC") for r in along(f"Rue {name}", y=9.0 + 100 * k)]
    import_addresses(unmade, ban(tmp_path / "ban.csv", rows))
    cut_campaign_turfs(unmade, chosen="all", doors=10, fast=True)

    def add(session: object) -> None:
        for login, role in TEAM.items():
            more = {"state": "active", "subject": login}
            accounts.add_account(session, login, login.title(), role, NOW, **more)  # type: ignore[arg-type]

    write(open_store(unmade), add)
    return unmade


@pytest.fixture
def town(tmp_path: Path, unmade: Workspace) -> Workspace:
    """The town on each engine."""
    return make_town(tmp_path, unmade)


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("town")
    return make_town(folder, Workspace(folder / "workspace")).root


@pytest.fixture
def here(made_once: Path, tmp_path: Path) -> Workspace:
    """The town on SQLite, for what no engine changes."""
    return Workspace(Path(shutil.copytree(made_once, tmp_path / "workspace")))


def of(town: Workspace, login: str) -> Workspace:
    """The workspace as somebody opens it."""
    with reading(open_store(town)) as session:
        person = accounts.find_by_login(session, login)
    assert person is not None
    return town.asked_by(person.actor)


def holders(town: Workspace) -> dict[str, str]:
    return {held.turf_id: held.name for held in turfs_in_hand(town)}


def test_of_two_that_give_one_turf_at_once_one_wins_and_the_other_is_told_who_has_it(
    town: Workspace,
) -> None:
    def give(login: str) -> str:
        try:
            return assign_turf(of(town, "dana"), "S0001", login).name
        except TargetingError as error:
            return str(error)

    told = at_once(lambda: give("paul"), lambda: give("nour"), lambda: give("paul"))
    has = holders(town)["S0001"]
    refused = f"S0001 is in the hands of {has} already: take it back first."
    assert set(told) == {has, refused}
    with reading(open_store(town)) as session:
        lines = audit.lines_of(session, acts=["assign"])
        person = accounts.find_by_login(session, has.lower())
        assert person is not None
        assert [line.object for line in lines] == [f"S0001 {person.id}"], "twice is once"
        assert audit.verify_chain(session).is_whole


def test_a_turf_taken_back_and_given_again_is_not_taken_from_its_new_holder(
    town: Workspace,
) -> None:
    assign_turf(town, "S0002", "paul")
    (seen,) = turfs_in_hand(town)
    assert at_once(*[lambda: take_back(town, "S0002", seen=seen.id)] * 2).count("Paul") == 1
    assert holders(town) == {}
    assign_turf(town, "s0002 ", "Nour")
    with pytest.raises(TargetingError, match="went into the hands of Nour meanwhile"):
        take_back(town, "S0002", seen=seen.id)
    earlier = NOW - timedelta(days=1)
    assert take_back(town, "S0002", now=earlier) == "Nour", "a clock set back takes it all the same"
    assert take_back(town, "S0002") is None


def test_a_cut_and_a_turf_given_at_once_leave_no_withdrawn_turf_in_hand(town: Workspace) -> None:
    def cut() -> str:
        try:
            cut_campaign_turfs(town, chosen="all", doors=10, fast=True)
        except TargetingError as error:
            return str(error)
        return "cut"

    def give() -> str:
        try:
            return assign_turf(town, "S0003", "paul").name
        except TargetingError as error:
            return str(error)

    told, given = at_once(cut, give)
    with reading(open_store(town)) as session:
        status = assignments.status_of(session, "S0003")
    if given == "Paul":
        assert status == "ready", told
    else:
        assert (status, told) == ("withdrawn", "cut")
        assert "is done or withdrawn" in given


def test_a_cut_leaves_alone_what_is_in_hand(here: Workspace) -> None:
    assign_turf(here, "S0001", "paul")
    assert "S0001" not in preview_cut(here, "all").replaced
    cut_campaign_turfs(here, chosen="all", doors=10, fast=True)
    assert holders(here) == {"S0001": "Paul"}
    assert "S0001" in set(load_campaign_turfs(of(here, "paul")).turfs["turf_id"])
    newest = load_campaign_turfs(here).turfs["turf_id"].iloc[0]
    assign_turf(here, newest, "nour")
    with pytest.raises(TargetingError, match=f"{newest} of that cut was .*handed out"):
        restore_report(here)


@pytest.mark.parametrize("login", ["paul", "lise"])
def test_who_has_only_their_own_sees_and_prints_no_other(
    here: Workspace, login: str, tmp_path: Path
) -> None:
    mine = of(here, login)
    assert load_turf_board(mine) is None
    with pytest.raises(WorkspaceError, match="no turf is in your hands"):
        load_campaign_turfs(mine)
    with pytest.raises(WorkspaceError, match="no turf is in your hands"):
        walk_book_pdf(mine, None, language="fr")
    assign_turf(here, "S0002", login)
    assign_turf(here, "S0004", "nour")
    board = load_turf_board(mine)
    assert board is not None
    assert board.kept.turfs["turf_id"].to_list() == ["S0002"]
    assert set(board.kept.stops["turf_id"]) == {"S0002"}
    doors = int(board.kept.turfs["n_doors"].sum())
    account = (board.doors_in, board.doors_in_turfs, board.doors_left_out, board.left_out)
    assert account == (doors, doors, 0, {}), "nothing is counted of the others'"
    assert (board.begun, board.restorable, board.kept.identity) == (0, [], "")
    assert board.kept.excluded.empty
    assert [b.turf_id for b in load_walk_books(mine)] == ["S0002"]
    assert [h.turf_id for h in turfs_in_hand(mine)] == ["S0002"]
    for other in ("S0004", "S0099"):
        refused = f"no open turf {other}: see `turfs cut`."
        for read in (
            lambda t=other: load_walk_books(mine, [t]),
            lambda t=other: phone_book_zip(mine, ["S0002", t], language="fr"),
            lambda t=other: turf_file(mine, "csv", [t], language="fr"),
        ):
            with pytest.raises(TargetingError) as told:
                read()
            assert str(told.value) == refused, "another's is no turf at all"
    export_turfs(mine, tmp_path / "mine.csv")
    assert "S0004" not in (tmp_path / "mine.csv").read_text()
    assert not (tmp_path / "mine.excluded.csv").exists()
    take_back(here, "S0002")
    assert load_turf_board(mine) is None


def test_returns_are_typed_for_ones_own_doors_alone(here: Workspace, tmp_path: Path) -> None:
    assign_turf(here, "S0001", "paul")
    kept = load_campaign_turfs(here)
    stops = kept.stops.sort_values("visit_order").groupby("turf_id")["building_id"].first()

    def grid(name: str, *lines: str) -> Path:
        path = tmp_path / name
        path.write_text(
            "turf_id,visit_order,building_id,door,outcome,visited_at\n" + "\n".join(lines)
        )
        return path

    day = "2026-03-10 18:30"
    own = grid("own.csv", f"S0001,1,,1,talked,{day}")
    paul = of(here, "paul")
    assert import_returns(paul, own)[0].recorded == 1
    others = {
        "by building": grid("b.csv", f",,{stops['S0002']},1,talked,{day}"),
        "under one's own code": grid("c.csv", f"S0001,,{stops['S0002']},1,talked,{day}"),
        "by theirs": grid("f.csv", f"S0002,1,,1,talked,{day}"),
        "under theirs": grid("d.csv", f"S0002,,{stops['S0001']},1,refused,2026-03-11"),
        "beside one's own": grid(
            "e.csv", "S0001,1,,1,not_home,2026-03-12", f",,{stops['S0003']},1,talked,{day}"
        ),
    }
    for how, file in others.items():
        with pytest.raises(NotYoursError):
            import_returns(paul, file)
        assert load_campaign_turfs(here).turfs["doors_done"].sum() == 1, how
    with pytest.raises(ForbiddenError):
        import_returns(of(here, "paul").asked_by(Actor("9" * 32, "strategist")), own)
    take_back(here, "S0001")
    with pytest.raises(TargetingError):
        import_returns(paul, grid("g.csv", "S0001,1,,1,not_home,2026-03-13"))
    assert import_returns(of(here, "dana"), others["by building"])[0].recorded == 1
    with reading(open_store(here)) as session:
        lines = audit.lines_of(session, acts=["import", "refused"])
    told = [(line.act, line.object, line.count) for line in lines if line.actor == paul.actor.id]
    assert told == [*[("refused", "returns.type", 1)] * 6, ("import", "visits", 1)]


def test_who_leads_hands_on_and_gives_back_their_own_alone(here: Workspace) -> None:
    lise, paul = of(here, "lise"), of(here, "paul")
    assign_turf(here, "S0001", "lise")
    assign_turf(here, "S0002", "nour")
    for turf_id in ("S0002", "S0003", "S0099"):
        with pytest.raises(NotYoursError) as told:
            assign_turf(lise, turf_id, "paul")
        assert "Nour" not in str(told.value)
        with pytest.raises(NotYoursError):
            take_back(lise, turf_id)
    assert assign_turf(lise, "S0001", "paul").name == "Paul"
    assert holders(here) == {"S0001": "Paul", "S0002": "Nour"}
    with pytest.raises(NotYoursError):
        take_back(lise, "S0001")
    with pytest.raises(ForbiddenError):
        take_back(paul, "S0001")
    assert [p.login for p in list_teammates(lise)] == ["dana", "lise", "nour", "paul"]


def test_a_turf_goes_to_an_open_account_that_prints_and_is_open_itself(here: Workspace) -> None:
    with reading(open_store(here)) as session:
        nour = accounts.find_by_login(session, "nour")
    assert nour is not None
    team.disable(here, here.actor, nour.id)
    team.invite(here, here.actor, "anna", "Anna", "strategist")
    for login, why in (("nour", "no open account"), ("nobody", "no open account"),
                       ("anna", "prints no turfs")):  # fmt: skip
        with pytest.raises(TargetingError, match=why):
            assign_turf(here, "S0001", login)
    for turf_id, why in (("S0099", "there is no turf"), ("x" * 50, "there is no turf")):
        with pytest.raises(TargetingError, match=why):
            assign_turf(here, turf_id, "paul")
    assert {p.login for p in list_teammates(here)} == {"dana", "lise", "paul"}
