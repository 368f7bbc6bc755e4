"""What is done leaves its line in the log, and no line has a name, a phone or an address in it."""

from __future__ import annotations

import io
import re
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from targeting.access.roles import LOCAL, Actor
from targeting.config import Workspace
from targeting.errors import ForbiddenError, TargetingError
from targeting.store import accounts, audit
from targeting.store.engine import open_store, reading, write
from targeting.store.models import Contact
from targeting.workflows.access import log, team
from targeting.workflows.jobs import desk, worker
from targeting.workflows.outings.walkbooks import phone_book_zip, walk_book_pdf
from targeting.workflows.setup import campaign_card, init_workspace
from targeting.workflows.stations.past import load_past
from targeting.workflows.stations.sheets.files import write_shown
from targeting.workflows.turfs.assign import assign_turf, take_back
from targeting.workflows.turfs.board import load_campaign_turfs
from targeting.workflows.turfs.overview import turf_file, turf_preview
from tests.workflows.test_import_streets import along, ban

NOW = datetime.now(UTC)


def account(here: Workspace, login: str, name: str, role: str) -> Workspace:
    """The workspace as an account that was just made opens it."""
    more = {"state": "active", "subject": login}
    made = write(
        open_store(here), lambda s: accounts.add_account(s, login, name, role, NOW, **more)
    )
    return here.asked_by(made.actor)


def lines_of(here: Workspace) -> list[audit.Line]:
    with reading(open_store(here)) as session:
        return audit.lines_of(session, most=1000)[::-1]


@pytest.mark.slow
def test_a_walk_through_the_tool_leaves_no_name_phone_or_address(
    demo_folder: Path, tmp_path: Path
) -> None:
    here = Workspace(Path(shutil.copytree(demo_folder, tmp_path / "demo")))
    anne = account(here, "anne.exemple", "Anne Exemple", "administrator")
    paul = account(here, "paul@example.org", "Paul Exemplaire", "canvasser")
    turf_id = load_campaign_turfs(here).turfs.query("status == 'ready'")["turf_id"].iloc[0]
    team.invite(anne, anne.actor, "zoe", "Zoé Modèle", "team_lead")
    assign_turf(anne, turf_id, "paul@example.org")
    walk_book_pdf(paul, None, language="fr")
    phone_book_zip(paul, [turf_id], language="fr")
    turf_file(paul, "csv", None, language="fr")
    turf_preview(paul, turf_id, language="fr")
    write_shown(anne, tmp_path / "Anne Exemple 0639980001.csv")
    init_workspace(anne, name="Anne Exemple, 12 rue du Bac")
    for refused in (lambda: load_past(paul), lambda: team.list_team(paul, paul.actor)):
        with pytest.raises(ForbiddenError):
            refused()
    take_back(anne, turf_id)
    lines = lines_of(here)
    done = [(line.act, line.object, line.count) for line in lines if line.actor != LOCAL.id]
    both = f"{turf_id} {paul.actor.id}"
    with reading(open_store(here)) as session:
        zoe = accounts.find_by_login(session, "zoe")
        people = session.execute(select(Contact.first_name, Contact.last_name, Contact.phone)).all()
        assert zoe is not None
        assert audit.verify_chain(session) == audit.Verdict(len(lines), None, "")
    assert done == [
        ("invite", zoe.id, 1), ("assign", both, 1), ("print", "books", 1), ("print", "books", 1),
        ("file", "turfs.csv", 1), ("file", "stations.csv", 1), ("settings", "campaign", 1),
        ("refused", "places.see", 1), ("refused", "users.manage", 1), ("unassign", both, 1),
    ]  # fmt: skip
    told = "\n".join(f"{line.object} {line.reason}" for line in lines)
    assert not re.search(r"0[1-9](?:[ .]?\d\d){4}|\+33|@|\brue\b|\bavenue\b", told, re.IGNORECASE)
    names = {name for first, last, _ in people for name in (first, last) if name}
    names |= {"Anne", "Exemple", "Exemplaire", "Zoé", "paul", "anne", "zoe"}
    assert len(names) > 100
    words = set(re.findall(r"[\w’'-]+", told))
    assert not words & names


def test_an_import_by_a_job_is_of_who_asked_and_so_is_its_undoing(
    workspace: Workspace, tmp_path: Path, by_hand: None
) -> None:
    steward = account(workspace, "dana", "Dana", "data_steward")
    file = ban(tmp_path / "ban.csv", along("Rue A", y=9.0))

    def done(act: str) -> str:
        taken = worker.take(workspace)
        assert taken is not None
        assert taken.act == act
        worker.do(workspace, taken)
        (job,) = desk.jobs_now(workspace)
        return job.phase

    job = desk.drop_file(steward, "ban.csv", io.BytesIO(file.read_bytes()))
    assert done("look") == "looked"
    assert lines_of(workspace)[-1].act == "settings", "a look moves nothing in"
    desk.ask_import(steward, job.id)
    assert done("import") == "done"
    desk.ask_undo(steward, job.id)
    assert done("undo") == "undone"
    told = [(x.act, x.actor, x.role, x.object) for x in lines_of(workspace)[1:]]
    who = (steward.actor.id, "data_steward", "addresses")
    assert told == [("import", *who), ("import_undo", *who)]


def test_files_of_places_are_written_down_and_never_braked_those_of_people_are(
    workspace: Workspace,
) -> None:
    one = Actor("a" * 32, "field_director")
    here = workspace.asked_by(one)
    for _ in range(log.MOST_EXPORTS + 1):
        log.hand_out(here, "scores.csv")
    for _ in range(log.MOST_EXPORTS):
        log.note(here, one, "export", object="people.csv")
    with pytest.raises(TargetingError, match="too many in too short a time"):
        log.note(here, one, "export", object="people.csv")
    acts = [line.act for line in lines_of(workspace)]
    assert [acts.count(act) for act in ("file", "export", "brake")] == [4, 3, 1]


def test_a_file_that_a_role_may_not_take_out_is_refused_before_it_is_made(
    workspace: Workspace,
) -> None:
    lead = workspace.asked_by(Actor("b" * 32, "team_lead"))
    with pytest.raises(ForbiddenError):
        log.hand_out(lead, "scores.csv")
    last = lines_of(workspace)[-1]
    assert (last.act, last.object) == ("refused", "places.export")


def test_the_campaign_and_the_line_that_tells_of_its_change_stand_or_fall_together(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_args: object, **_named: object) -> int:
        raise OSError("the disk is full")

    monkeypatch.setattr(audit, "record", full)
    with pytest.raises(OSError, match="disk is full"):
        init_workspace(workspace, name="Another")
    assert campaign_card(workspace).name != "Another"


def test_a_page_of_the_log_tells_the_accounts_in_it_by_name(workspace: Workspace) -> None:
    team.invite(workspace, LOCAL, "zoe", "Zoé Modèle", "canvasser")
    page = log.read_log(workspace, LOCAL, acts=["invite"])
    (line,) = page.lines
    assert page.names == {line.object: "Zoé Modèle"}
