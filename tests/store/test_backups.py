"""A backup that is one comes back whole; what was erased since does not come back with it."""

from __future__ import annotations

import json
import os
import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import text

from targeting.cli.app import cli
from targeting.config import Workspace
from targeting.errors import PrivacyError, WorkspaceError
from targeting.store import (
    accounts,
    audit,
    backups,
    cipher,
    engine,
    restoring,
    sessions,
    strongbox,
    tombstones,
)
from targeting.store.backup_names import is_due, list_backups
from targeting.store.backups import Backup
from targeting.store.engine import check_integrity, open_store, reading, write
from targeting.store.erasing import erase
from targeting.store.queries import add_contacts, save_campaign
from targeting.store.tombstones import Stone
from targeting.workflows.backups import to_keep, turn
from targeting.workflows.setup import init_workspace
from tests.conftest import PASSPHRASE
from tests.store.test_personal import person
from tests.store.vaults import (
    ANOTHER,
    files_with,
    forget,
    killed_at,
    names_of,
    people,
    put_people,
    steps_of,
)

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)


@pytest.fixture
def plain(workspace: Workspace) -> Workspace:
    put_people(workspace)
    return workspace


@pytest.fixture
def sealed(tmp_path: Path, cheap_keys: str) -> Workspace:
    workspace = Workspace(tmp_path / "sealed")
    init_workspace(workspace, communes=["13055"])
    put_people(workspace)
    return workspace


@pytest.fixture(
    params=["sqlite", "sqlcipher", pytest.param("postgres", marks=pytest.mark.postgres)]
)
def campaign(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Workspace:
    """A campaign with people in it, on each engine in turn."""
    if request.param == "sqlcipher":
        request.getfixturevalue("cheap_keys")
    if request.param == "postgres":
        monkeypatch.setenv("RELANCE_DATABASE_URL", request.getfixturevalue("postgres_database"))
    workspace = Workspace(tmp_path / "campaign")
    init_workspace(workspace, communes=["13055"])
    put_people(workspace)
    return workspace


def content(workspace: Workspace) -> dict[str, bytes]:
    """What lies in the workspace, as bytes; not what is made again."""
    forget()
    return {
        str(p.relative_to(workspace.root)): p.read_bytes()
        for p in workspace.root.rglob("*")
        if p.is_file() and "cache" not in p.parts and not p.name.endswith(".lock")
    }


# -- there and back --------------------------------------------------------------------------------


def test_one_erased_after_a_backup_is_not_brought_back_by_it(campaign: Workspace) -> None:
    made = backups.take(campaign, "asked")
    assert made.facts.rows["contact"] == 3
    erase(campaign, "c1")
    write(open_store(campaign), lambda s: save_campaign(s, name="changed since").id)
    done = restoring.restore(campaign, made.path)
    assert done.erased_again == 1
    assert people(campaign) == ["Zorglub0000", "Zorglub0002"]
    with reading(open_store(campaign)) as session:
        assert session.execute(text("SELECT name FROM campaign")).scalar() == "Campagne"
        assert session.execute(text("SELECT count(*) FROM consent")).scalar() == 2
        assert len(tombstones.stones_in(session)) == 1
    assert check_integrity(open_store(campaign)) == "ok"
    assert done.before is not None
    back = restoring.restore(campaign, done.before.path)
    assert back.erased_again == 0
    with reading(open_store(campaign)) as session:
        assert session.execute(text("SELECT name FROM campaign")).scalar() == "changed since"


@pytest.mark.parametrize("kind", ["sealed", "plain"])
def test_nobody_is_to_be_read_in_a_backup(kind: str, request: pytest.FixtureRequest) -> None:
    workspace: Workspace = request.getfixturevalue(kind)
    put_people(workspace, 1000)
    made = backups.take(workspace, "asked")
    assert made.path.stat().st_mode & 0o077 == 0
    assert files_with(workspace.root / "backups", [*names_of(1000), "Toutlemonde"]) == {}
    assert b"SQLite" not in made.path.read_bytes()


def test_a_database_that_is_put_back_by_hand_forgets_whom_it_should(plain: Workspace) -> None:
    old = (plain.root / "relance.db").read_bytes()
    erase(plain, "c0")
    assert files_with(plain.root, ["Zorglub0000"]) == {}, "no byte of the name stays"
    (plain.root / "relance.db").write_bytes(old)
    assert people(plain) == ["Zorglub0001", "Zorglub0002"]
    assert files_with(plain.root, ["Zorglub0000"]) == {}


@pytest.mark.parametrize("lost", ["gone", "damaged", "garbage"])
def test_what_is_lost_is_put_back_and_what_was_there_is_kept(sealed: Workspace, lost: str) -> None:
    made = backups.take(sealed, "asked")
    database = sealed.root / "relance.db"
    whole = database.read_bytes()
    wrong = {"damaged": whole[:9000] + b"x" * 5000 + whole[14000:], "garbage": b"no database" * 99}
    if lost == "gone":
        database.unlink()
    else:
        database.write_bytes(wrong[lost])
    forget()
    done = restoring.restore(sealed, made.path)
    assert done.before is None
    assert (done.kept.read_bytes() if done.kept else None) == wrong.get(lost)
    assert people(sealed) == names_of(3)


def test_a_backup_alone_makes_the_campaign_on_another_machine(
    sealed: Workspace, tmp_path: Path
) -> None:
    made = backups.take(sealed, "asked")
    erase(sealed, "c1")
    later = backups.take(sealed, "asked")
    other = Workspace(tmp_path / "other")
    init_workspace(other, new_database=True)
    (other.root / "relance.db").unlink()
    for name in ("workspace.json", "backups/workspace.json"):
        (other.root / name).unlink()
    forget()
    restoring.restore(other, later.path)
    assert people(other) == ["Zorglub0000", "Zorglub0002"]
    with pytest.raises(WorkspaceError, match="of another campaign"):
        restoring.restore(other, _of_another_campaign(tmp_path))
    restoring.restore(other, made.path)
    assert people(other) == ["Zorglub0000", "Zorglub0002"], "its own stones came with the backup"


def _of_another_campaign(tmp_path: Path) -> Path:
    stranger = Workspace(tmp_path / "stranger")
    init_workspace(stranger, communes=["13055"])
    return backups.take(stranger, "asked").path


def test_after_another_passphrase_an_older_backup_opens_with_its_own(
    sealed: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    from targeting.store.rekeying import rotate_key

    made = backups.take(sealed, "asked")
    rotate_key(sealed, ANOTHER)
    monkeypatch.setenv("RELANCE_PASSPHRASE", ANOTHER)
    forget()
    with pytest.raises(WorkspaceError, match="give the passphrase that it was taken under"):
        restoring.restore(sealed, made.path)
    monkeypatch.setenv("RELANCE_BACKUP_PASSPHRASE", PASSPHRASE)
    restoring.restore(sealed, made.path)
    monkeypatch.delenv("RELANCE_BACKUP_PASSPHRASE")
    assert people(sealed) == names_of(3), "under the passphrase of now"


# -- refused ---------------------------------------------------------------------------------------


def test_what_is_cut_short_or_changed_is_refused_and_nothing_is_touched(
    plain: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(strongbox, "PIECE", 4096)
    made = backups.take(plain, "asked").path
    whole, before = made.read_bytes(), content(plain)
    head = len(strongbox.MAGIC) + 4
    start = head + int.from_bytes(whole[head - 4 : head])
    piece = 4096 + strongbox.TAG
    cuts = [
        0,
        5,
        head,
        start - 1,
        start,
        start + 1,
        start + piece,
        start + 2 * piece,
        len(whole) - 1,
    ]
    wrong = [whole[:cut] for cut in cuts]
    for at in (0, head - 2, head + 3, start, start + 100, start + piece, len(whole) - 1):
        wrong.append(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
    wrong.append(whole + b"\0")
    wrong.append(whole[:start] + whole[start + piece : start + 2 * piece] + whole[start + piece :])
    for number, other in enumerate(wrong):
        file = tmp_path / f"wrong-{number}.backup"
        file.write_bytes(other)
        with pytest.raises(WorkspaceError, match=r"damaged|no backup|does not open"):
            restoring.restore(plain, file)
    assert content(plain) == before


def test_foreign_files_and_those_of_a_newer_relance_are_refused(
    plain: Workspace, tmp_path: Path
) -> None:
    foreign = tmp_path / "photo.jpg"
    foreign.write_bytes(os.urandom(5000))
    code, told = call(plain, "restore", str(foreign))
    assert (code, "is no backup of Relance" in told) == (2, True)
    opened = open_store(plain)
    with opened.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    newer = backups.take(plain, "asked").path
    with opened.begin() as connection:
        connection.exec_driver_sql(f"UPDATE alembic_version SET version_num = '{engine.NEWEST}'")
    before = content(plain)
    with pytest.raises(WorkspaceError, match="by a newer Relance"):
        restoring.restore(plain, newer)
    (plain.root / backups.KEY_FILE).rename(tmp_path / "key")
    with pytest.raises(WorkspaceError, match=r"opens with backups\.key, which is not in"):
        restoring.restore(plain, newer)
    (tmp_path / "key").rename(plain.root / backups.KEY_FILE)
    assert content(plain) == before


def test_a_backup_that_does_not_come_up_as_it_was_is_thrown_away(
    plain: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = backups.snapshots.look_at
    monkeypatch.setattr(
        backups.snapshots, "look_at",
        lambda *a: backups.Facts(**{**vars(real(*a)), "hashes": {}}),
    )  # fmt: skip
    with pytest.raises(WorkspaceError, match="it was thrown away"):
        backups.take(plain, "asked")
    assert not [p for p in (plain.root / "backups").iterdir() if p.name != "workspace.json"]


def test_a_backup_killed_half_way_leaves_nothing_of_anybody(plain: Workspace) -> None:
    assert steps_of(lambda step: backups.take(plain, "asked", step=step)) == ["packed", "checked"]
    (made,) = list_backups(plain)
    made[0].unlink()
    for number in (0, 1):
        killed_at(number, lambda step: backups.take(plain, "asked", step=step))
        (left,) = (plain.root / "backups").glob(".backup-*")
        (left / "copy.db-plain").write_text("Zorglub0001")
        assert people(plain) == names_of(3)
        assert not left.exists()
    assert list_backups(plain) == []


def test_a_lost_database_put_aside_is_not_kept_beyond_the_ballot(plain: Workspace) -> None:
    lost = plain.root / "backups" / "replaced-00ff00ff.db"
    lost.write_text("Zorglub0001")
    made = datetime.fromtimestamp(lost.stat().st_mtime, UTC)
    write(open_store(plain), lambda s: save_campaign(s, ballot_date=made.date()).id)
    last = made.date() + timedelta(days=15)
    for day, there in ((last, True), (last + timedelta(days=1), False)):
        turn(plain, now=datetime.combine(day, NOW.time(), UTC))
        assert lost.exists() is there


def test_restoring_killed_anywhere_leaves_before_or_after(
    sealed: Workspace,
) -> None:
    made = backups.take(sealed, "asked")
    erase(sealed, "c1")
    rows = [person(f"n{n}", last_name="Newcomer") for n in range(2)]
    write(open_store(sealed), lambda s: add_contacts(s, rows))
    saved = sealed.root.with_name("saved")
    shutil.copytree(sealed.root, saved)
    taken = steps_of(lambda step: restoring.restore(sealed, made.path, step=step))
    assert {"checked", "kept", "replayed", "journal", "done"} <= set(taken)
    for number, name in enumerate(taken):
        shutil.rmtree(sealed.root)
        shutil.copytree(saved, sealed.root)
        forget()
        killed_at(number, lambda step: restoring.restore(sealed, made.path, step=step))
        after = number >= taken.index("journal")
        since = [] if after else ["Newcomer", "Newcomer"]
        assert people(sealed) == [*since, "Zorglub0000", "Zorglub0002"], name
        assert check_integrity(open_store(sealed)) == "ok", name


# -- stones ----------------------------------------------------------------------------------------


def test_a_stone_says_nothing_of_anybody_and_is_noted_once(plain: Workspace) -> None:
    erase(plain, "c1", today=date(2026, 3, 1))
    with pytest.raises(PrivacyError, match="no such contact"):
        erase(plain, "c1")
    secret = tombstones.secret_of(plain)
    (stone,) = tombstones.read_stones(plain)
    assert stone == Stone("erased", tombstones.mark(secret, "erased", "c1"), date(2026, 3, 1))
    assert tombstones.note(plain, [stone]) == 0
    assert "c1" not in json.loads((plain.root / tombstones.LOG).read_text()).values()
    objection = Stone("objection", tombstones.mark(secret, "phone", "+33639981234"), stone.noted_on)
    assert tombstones.note(plain, [objection, objection]) == 1
    forget()
    with reading(open_store(plain)) as session:
        marks = {stone.mark, objection.mark, "0" * 64}
        assert tombstones.is_marked(session, marks) == {stone.mark, objection.mark}


def test_a_log_that_was_tampered_with_is_told_and_a_torn_line_is_none(plain: Workspace) -> None:
    for one in ("c0", "c1"):
        erase(plain, one)
    log = plain.root / tombstones.LOG
    whole = log.read_bytes()
    first, second = whole.splitlines(keepends=True)
    for wrong in (second, whole.replace(b"erased", b"object", 1), first + b"{}\n" + second):
        log.write_bytes(wrong)
        forget()
        with pytest.raises(WorkspaceError, match=r"erased\.log, line 1: it was changed|line 2"):
            open_store(plain)
    log.write_bytes(whole + second[:20])
    assert len(tombstones.read_stones(plain)) == 2
    erase(plain, "c2")
    assert len(tombstones.read_stones(plain)) == 3
    log.write_bytes(first)  # its end taken away: the database knows the others
    assert people(plain) == []
    assert len(tombstones.read_stones(plain)) == 3
    (plain.root / tombstones.KEY).unlink()
    forget()
    with pytest.raises(WorkspaceError, match=r"erased\.key is gone"):
        tombstones.secret_of(plain)


def test_an_erasure_that_died_half_way_is_finished_at_the_next_opening(plain: Workspace) -> None:
    secret = tombstones.secret_of(plain)
    tombstones.note(plain, [Stone("erased", tombstones.mark(secret, "erased", "c2"), NOW.date())])
    assert people(plain) == ["Zorglub0000", "Zorglub0001"]


# -- which are kept, and when ----------------------------------------------------------------------


def daily(days: int) -> list[tuple[Path, datetime]]:
    return [(Path(str(n)), NOW - timedelta(days=n)) for n in range(days)]


def test_seven_days_four_weeks_and_three_months_are_kept() -> None:
    kept = sorted(int(path.name) for path in to_keep(daily(400), NOW, None))
    assert kept == [0, 1, 2, 3, 4, 5, 6, 12, 19, 26, 27, 58]
    assert {f"{NOW - timedelta(days=n):%a}" for n in kept[7:10]} == {"Sun"}
    assert [(NOW - timedelta(days=n)).strftime("%d %b") for n in kept[10:]] == ["31 Oct", "30 Sep"]
    morning = [(Path(f"m{n}"), NOW - timedelta(minutes=n)) for n in range(9)]
    assert {p.name for p in to_keep(morning, NOW, None)} == {f"m{n}" for n in range(5)}
    assert to_keep([], NOW, None) == set()


@pytest.mark.parametrize(("today", "kept"), [(15, True), (16, False)])
def test_once_the_ballot_is_past_its_days_no_backup_of_before_stays(today: int, kept: bool) -> None:
    ballot = NOW.date()
    old = [(Path("old"), NOW)]
    assert bool(to_keep(old, NOW + timedelta(days=today), ballot)) is kept


def test_a_backup_is_due_once_a_day(plain: Workspace, demo_folder: Path) -> None:
    now = datetime.now(UTC)
    assert not is_due(plain, now=now)
    assert is_due(plain, now=now + timedelta(hours=25)), "the campaign is a day old"
    made: Backup = backups.take(plain, "daily")
    assert not is_due(plain, now=made.made_at + timedelta(hours=23, minutes=59))
    assert is_due(plain, now=made.made_at + timedelta(hours=24))
    assert turn(plain, now=made.made_at + timedelta(days=400)) == 0, "the last one stays"
    assert not is_due(Workspace(demo_folder), now=now + timedelta(days=9))
    assert not is_due(Workspace(plain.root / "nowhere"), now=now)


def call(workspace: Workspace, *words: str) -> tuple[int, str]:
    forget()
    done = CliRunner().invoke(cli, ["--workspace", str(workspace.root), *words])
    return done.exit_code, done.output


def test_the_invented_town_comes_back_from_its_backup(demo_folder: Path, tmp_path: Path) -> None:
    town = Workspace(tmp_path / "town")
    shutil.copytree(demo_folder, town.root)
    code, told = call(town, "backup", "--json")
    assert code == 0, told
    made = json.loads(told)
    write(open_store(town), lambda s: s.execute(text("DELETE FROM visit")) and None)
    code, told = call(town, "restore", made["file"], "--json")
    assert code == 0, told
    assert json.loads(told)["rows"] == made["rows"]
    again = backups.take(town, "asked").facts.rows
    assert again == made["rows"] | {"audit": made["rows"]["audit"] + 1}, "and a line that tells it"
    assert again["visit"] > 1000


def test_before_a_migration_a_backup_is_taken(plain: Workspace) -> None:
    engine.downgrade(open_store(plain), "0006")
    assert people(plain) == names_of(3)
    (made,) = list_backups(plain)
    assert made[2] == "migration"
    restoring.restore(plain, made[0])
    assert people(plain) == names_of(3)
    assert cipher.is_plain(plain.root / "relance.db")


def test_who_was_inside_is_out_and_the_log_goes_on_where_it_was(campaign: Workspace) -> None:
    store = open_store(campaign)
    person = write(store, lambda s: accounts.add_account(s, "anna", "Anna", "strategist", NOW))
    write(store, lambda s: audit.record(s, person.actor, "login", now=NOW))
    made = backups.take(campaign, "asked")
    opened = write(store, lambda s: sessions.open_session(s, person.id, "", NOW))
    write(store, lambda s: accounts.add_invitation(s, person.id, "renew", NOW))
    write(store, lambda s: audit.record(s, person.actor, "export", now=NOW))
    restoring.restore(campaign, made.path)
    forget()
    with reading(open_store(campaign)) as session:
        told = [line.act for line in audit.lines_of(session)][::-1]
        told = [act for act in told if act in ("login", "export", "restore")]
        assert told == ["login", "export", "restore"]
        assert audit.verify_chain(session).is_whole
        assert sessions.find_session(session, opened.secret, NOW) is None
        assert accounts.find_by_login(session, "anna") is not None
        assert sessions.list_sessions(session, NOW) == []
