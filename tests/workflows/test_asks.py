"""Every service that takes a workspace asks what its caller may, or says why it does not; each role
is tried on each of them."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable
from importlib import import_module
from typing import Any, Final

import pytest

from targeting.access.roles import LOCAL, NOBODY, ROLES, SYSTEM, Actor
from targeting.config import Workspace
from targeting.errors import ForbiddenError
from targeting.shipped import CHECKOUT, PACKAGE
from targeting.store import audit
from targeting.store.engine import open_store, reading
from targeting.workflows.access.asks import MOST_REFUSALS, Asked, asks, whose

WORKFLOWS: Final = PACKAGE / "workflows"

ASKED: Final = {
    "campaign.change": """
        setup.init_workspace guide.choose_communes demo.fill_demo jobs.desk.order_town
        jobs.town.leave_town
        ballot.choose_ballot""",
    "files.import": """
        guide.read_guide imports.addresses.import_addresses imports.built.build_stations
        imports.fetch.fetch_source imports.fetch.sources_report imports.fetch.fetch_report
        imports.layouts.import_doors imports.quarters.import_quarters
        imports.results.import_results imports.stations.import_stations
        imports.streets.import_streets jobs.desk.drop_file jobs.desk.order jobs.desk.ask_import
        jobs.desk.ask_undo jobs.desk.answer jobs.desk.ask_again jobs.desk.stop jobs.desk.dismiss
        jobs.desk.campaign_is_made jobs.desk.jobs_now jobs.records.can_be_done_again""",
    "backup.make": "backups.backup_report",
    "backup.restore": """
        backups.restore_report vault.encrypt_workspace vault.rotate_passphrase""",
    "places.see": """
        reports.score_report stations.backtest.elections_to_foresee
        stations.backtest.backtest_workspace stations.backtest.backtest_report
        stations.backtest.backtest_html stations.board.load_scored stations.board.load_board
        stations.board.load_commune_lines stations.board.load_station_line
        stations.board.load_city_line stations.board.write_station_map
        stations.board.write_workbench_map stations.board.write_hatching
        stations.board.campaign_quarters stations.board.write_quarters stations.health.data_health
        stations.health.health_report stations.health.ledger_report stations.past.load_past
        stations.scenarios.turnout_levels stations.verdict.verdict stations.scores.score_stations
        stations.scores.station_priorities""",
    "places.export": """
        stations.sheets.card.card_sheet stations.sheets.files.write_shown
        stations.sheets.files.shown_file stations.sheets.map.map_sheet
        stations.sheets.reports.map_report stations.sheets.reports.card_report""",
    "plan.see": """
        desk.load_desk turfs.plan.make_plan turfs.plan.plan_report turfs.plan.write_plan""",
    "turfs.see": """
        turfs.board.load_campaign_turfs turfs.overview.load_turf_board turfs.overview.turf_preview
        turfs.assign.turfs_in_hand""",
    "turfs.cut": """
        turfs.cutting.cut_campaign_turfs turfs.cutting.preview_cut turfs.cutting.preview_report
        turfs.cutting.restore_report turfs.cutting.cut_as turfs.edits.load_hand_board
        turfs.edits.move_buildings turfs.edits.forecast_move turfs.edits.move_street
        turfs.edits.split turfs.edits.merge turfs.edits.lock turfs.edits.start_at turfs.edits.undo
        turfs.edits.redo turfs.edits.what_can_be_undone turfs.plan.keep_plan
        turfs.plan.replaced_by_plan turfs.polishing.polish_latest_cut turfs.polishing.start_polish
        turfs.polishing.polish_state
        turfs.recut.recut_campaign_turfs""",
    "turfs.assign": "turfs.assign.assign_turf turfs.assign.take_back turfs.assign.list_teammates",
    "turfs.print": """
        outings.walkbooks.load_walk_books outings.walkbooks.write_walk_books
        outings.walkbooks.walk_book_pdf outings.walkbooks.phone_book_zip
        outings.phonebooks.write_phone_files outings.phonebooks.phone_books_zip
        turfs.files.export_turfs turfs.overview.turf_file""",
    "returns.type": """
        outings.grids.import_grid outings.phones.import_sealed outings.returns.import_returns""",
}
"""What each service asks (`access.roles.TABLE`)."""

OWN: Final = ("turfs.see", "turfs.assign", "turfs.print", "returns.type")
"""Actions whose services keep to what is the actor's own, where the role goes no further."""

FREE: Final = {
    "the door itself: who asks is not known yet, or asks of themselves": """
        access.door.log_in access.door.enter_as access.door.who_is access.door.actor_of
        access.door.still_live access.door.must_set_code access.door.log_out access.door.first_link
        access.door.welcome access.door.take_link access.door.set_code access.door.change_password access.door.tidy
        access.team.is_team""",
    "asks inside, of the actor it is given (tests/workflows/test_team.py)": """
        access.team.list_team access.team.find access.team.invite access.team.renew access.team.change_role
        access.team.disable access.team.enable access.team.reset_code access.team.list_open
        access.team.end_session access.team.end_all access.log.read_log access.log.verify_log""",
    "asks and writes down for others": """
        access.asks.ask access.asks.note_refusal access.asks.noting_refusals access.asks.whose
        access.log.note access.log.hand_out access.log.logged_moves""",
    "on every screen: the campaign's name and day, whether something changed, what there is": """
        setup.campaign_card setup.is_demo home.load_holdings marks.workspace_mark
        marks.workspace_marks""",
    "the tool by itself, when it starts": """
        backups.keep_daily backups.daily_backup vault.unlock_for_children""",
    "streets and water, drawn under everybody's turfs": """
        stations.board.write_backdrop turfs.overview.load_streets""",
}
"""Services that ask nothing, and why."""


def names_in(text: str) -> list[str]:
    return text.split()


def services() -> dict[str, Callable[..., Any]]:
    """Every public function of workflows that takes a Workspace, by `module.name`."""
    found = {}
    for path in sorted(WORKFLOWS.rglob("*.py")):
        name = ".".join(path.relative_to(WORKFLOWS).with_suffix("").parts).removesuffix("__init__")
        module = import_module(f"targeting.workflows.{name}".rstrip("."))
        for each, function in inspect.getmembers(module, inspect.isfunction):
            if each.startswith("_") or function.__module__ != module.__name__:
                continue
            first = list(inspect.signature(function).parameters.values())
            if any(str(p.annotation) == "Workspace" for p in first):
                found[f"{name}.{each}"] = function
    return found


SERVICES: Final = services()
DECLARED: Final = {n: action for action, names in ASKED.items() for n in names_in(names)}
STATED: Final = [n for names in FREE.values() for n in names_in(names)]


def called_from_outside() -> set[str]:
    """Names of workflows that a screen, or the part before it, imports."""
    found: set[str] = set()
    for folder in (PACKAGE / "web", PACKAGE / "cli", CHECKOUT / "pages" if CHECKOUT else PACKAGE):
        for path in folder.rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                module = getattr(node, "module", None) or ""
                if isinstance(node, ast.ImportFrom) and module.startswith("targeting.workflows"):
                    inside = module.removeprefix("targeting.workflows").lstrip(".")
                    found |= {f"{inside}.{a.name}".lstrip(".") for a in node.names}
    whole = {n.rpartition(".")[0] for n in SERVICES} & found  # `from … import plan as plans`
    text = "".join(p.read_text() for p in [*(PACKAGE / "web").rglob("*.py")])
    return found | {
        n for n in SERVICES if n.rpartition(".")[0] in whole and f".{n.rpartition('.')[2]}(" in text
    }


def test_each_service_is_declared_once_and_asks_what_is_declared() -> None:
    assert len(DECLARED) == sum(len(names_in(n)) for n in ASKED.values())
    assert not set(DECLARED) & set(STATED)
    assert not (set(DECLARED) | set(STATED)) - set(SERVICES), "declared, and no service"
    asked = {n: f.asked for n, f in SERVICES.items() if hasattr(f, "asked")}
    assert asked == {n: Asked(a, a in OWN) for n, a in DECLARED.items()}


def test_what_a_screen_or_a_command_calls_asks_or_says_why_not() -> None:
    """The others are steps of services: nobody outside imports them."""
    machine = {"doctor.examine", "setup.refuse_demo", "setup.readiness"}
    steps = set(SERVICES) - set(DECLARED) - set(STATED)
    assert sorted(steps & called_from_outside() - machine) == []
    assert {"guide.read_guide", "turfs.plan.make_plan"} <= called_from_outside()


class Reached(Exception):
    """The service was let on to its work."""


class Untouchable:
    """A workspace of which only who opened it can be read: work on it stops at its first step."""

    def __init__(self, actor: Actor) -> None:
        self.actor = actor

    def __getattr__(self, name: str) -> Any:
        raise Reached(name)


def arguments(service: Callable[..., Any]) -> dict[str, Any]:
    """Something for each argument that must be given, but the workspace."""
    wanted = list(inspect.signature(service).parameters.values())[1:]
    empty = inspect.Parameter.empty
    kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return {p.name: object() for p in wanted if p.default is empty and p.kind not in kinds}


@pytest.mark.parametrize("role", ROLES)
def test_each_role_on_each_service(role: str, workspace: Workspace) -> None:
    """Refused before any work, with the role's own refusal; or let on, whatever comes of it."""
    actor = Actor("a" * 32, role)
    for name, action in DECLARED.items():
        service = SERVICES[name]
        if actor.may(action, own=action in OWN):
            try:
                service(Untouchable(actor), **arguments(service))
            except ForbiddenError:
                pytest.fail(f"{name} is refused to {role}")
            except Exception:  # what cannot be worked on may say so as it likes
                continue
        else:
            with pytest.raises(ForbiddenError) as refused:
                service(workspace.asked_by(actor), **arguments(service))
            assert (refused.value.role, refused.value.action) == (role, action)


def test_a_session_that_has_ended_is_refused_everything(workspace: Workspace) -> None:
    for name in DECLARED:
        with pytest.raises(ForbiddenError):
            SERVICES[name](workspace.asked_by(NOBODY), **arguments(SERVICES[name]))
    with reading(open_store(workspace)) as session:
        assert not audit.lines_of(session, acts=["refused"]), "no account stands behind it"


def test_what_is_seen_on_the_way_is_not_asked_again_and_what_writes_is(
    workspace: Workspace,
) -> None:
    @asks("places.see")
    def look(_here: Workspace) -> str:
        return "scores"

    @asks("turfs.cut")
    def cut(_here: Workspace) -> str:
        return "cut"

    @asks("turfs.print", own=True)
    def print_own(here: Workspace, then: Callable[[Workspace], str]) -> str:
        return then(here)

    walker = workspace.asked_by(Actor("b" * 32, "canvasser"))
    assert print_own(walker, look) == "scores"
    with pytest.raises(ForbiddenError):
        look(walker)
    with pytest.raises(ForbiddenError, match=r"turfs\.cut"):
        print_own(walker, cut)
    steward = Actor("c" * 32, "data_steward")
    assert print_own(walker, lambda here: look(here.asked_by(steward))) == "scores"
    with pytest.raises(ForbiddenError, match=r"turfs\.print"):
        print_own(walker.asked_by(steward), look)


def test_refusals_of_an_account_are_written_down_and_bounded(workspace: Workspace) -> None:
    from targeting.workflows.stations.past import load_past
    from targeting.workflows.turfs.edits import undo

    one, two = Actor("d" * 32, "canvasser"), Actor("e" * 32, "strategist")
    for _ in range(MOST_REFUSALS + 2):
        with pytest.raises(ForbiddenError):
            load_past(workspace.asked_by(one))
    with pytest.raises(ForbiddenError):
        undo(workspace.asked_by(two))
    with reading(open_store(workspace)) as session:
        lines = audit.lines_of(session, acts=["refused"])
    told = [(line.actor, line.role, line.object) for line in lines]
    assert told == [
        (two.id, "strategist", "turfs.cut"),
        *[(one.id, "canvasser", "places.see")] * MOST_REFUSALS,
    ]


def test_whose_things_an_action_goes_to(workspace: Workspace) -> None:
    lead = Actor("f" * 32, "team_lead")
    assert whose(workspace.asked_by(lead), "turfs.see") == lead.id
    for all_of_them in (LOCAL, SYSTEM, Actor("f" * 32, "field_director")):
        assert whose(workspace.asked_by(all_of_them), "turfs.see") is None


def test_an_action_that_nobody_declared_is_a_fault_of_ours() -> None:
    with pytest.raises(KeyError):
        asks("people.sell")
