"""A file encrypted at rest: nothing of anybody can be read in it, and no passphrase but its own."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy.exc import DBAPIError

from targeting.cli.app import cli
from targeting.config import Workspace
from targeting.errors import WorkspaceError
from targeting.store import cipher, passphrases, rekeying, swap
from targeting.store.engine import check_integrity, open_store, reading, write
from targeting.store.opening import read_only_engine
from targeting.store.queries import count_contacts, save_campaign
from targeting.workflows.setup import init_workspace
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


@pytest.fixture
def sealed(tmp_path: Path, cheap_keys: str) -> Workspace:
    """A campaign that was encrypted from its first run."""
    workspace = Workspace(tmp_path / "sealed")
    init_workspace(workspace, communes=["13055"])
    return workspace


def call(workspace: Workspace, *words: str, **environment: str) -> tuple[int, str]:
    forget()
    done = CliRunner(env=environment).invoke(cli, ["--workspace", str(workspace.root), *words])
    return done.exit_code, done.output


def test_nobody_is_to_be_read_in_the_file_nor_in_its_log(sealed: Workspace) -> None:
    put_people(sealed, 1000)
    with open_store(sealed).connect() as kept_open:  # so that the log stays beside it
        kept_open.exec_driver_sql("SELECT count(*) FROM contact")
        write(open_store(sealed), lambda s: save_campaign(s, name="Zorglub0001 again").id)
        assert (sealed.root / "relance.db-wal").stat().st_size > 0
        assert files_with(sealed.root, [*names_of(1000), "Toutlemonde", "CREATE TABLE"]) == {}
    assert check_integrity(open_store(sealed)) == "ok"
    read = read_only_engine(sealed.root / "relance.db")
    with reading(read) as session:
        assert count_contacts(session) == 1000


@pytest.mark.parametrize("given", [{"RELANCE_PASSPHRASE": ANOTHER}, {"RELANCE_PASSPHRASE": ""}])
def test_without_its_passphrase_it_is_refused_and_not_called_damaged(
    sealed: Workspace, given: dict[str, str]
) -> None:
    before = (sealed.root / "relance.db").read_bytes()
    code, told = call(sealed, "init", "--name", "x", **given)
    assert code == 2
    assert "passphrase" in told
    assert "damaged" not in told
    assert ANOTHER not in told
    assert (sealed.root / "relance.db").read_bytes() == before


def test_an_encrypted_file_that_is_really_damaged_is_told_so(sealed: Workspace) -> None:
    database = sealed.root / "relance.db"
    content = bytearray(database.read_bytes())
    content[len(content) // 2] ^= 1
    database.write_bytes(content)
    forget()
    with pytest.raises(WorkspaceError, match="is damaged"):
        open_store(sealed)


def test_a_plain_file_and_a_passphrase_do_not_go_together(
    workspace: Workspace, cheap_keys: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RELANCE_PASSPHRASE")
    put_people(workspace)
    code, told = call(workspace, "init", RELANCE_PASSPHRASE=cheap_keys)
    assert (code, "though a passphrase is given" in told) == (2, True)
    monkeypatch.setenv("RELANCE_PASSPHRASE", cheap_keys)
    plain = (workspace.root / "relance.db").read_bytes()
    rekeying.encrypt(workspace, cheap_keys)
    assert people(workspace) == names_of(3)
    (workspace.root / "relance.db").write_bytes(plain)
    code, told = call(workspace, "init")
    assert (code, "is not encrypted, and relance.key says" in told) == (2, True)


def test_the_invented_town_stays_plain_whatever_is_set(tmp_path: Path, cheap_keys: str) -> None:
    town = Workspace(tmp_path / "town")
    init_workspace(town, communes=["13055"], kind="demo")
    assert cipher.is_plain(town.root / "relance.db")
    assert not cipher.is_keyed(town.root / "relance.db")


def test_the_key_file_has_a_twin_and_both_gone_or_damaged_are_told(sealed: Workspace) -> None:
    sheet, twin = cipher.places(sealed.root / "relance.db")
    sheet.write_text("{ not json")
    assert people(sealed) == []
    sheet.unlink()
    assert people(sealed) == []
    twin.write_text(twin.read_text().replace('"passes": 1', '"passes": 2'))
    forget()
    with pytest.raises(WorkspaceError, match=r"relance\.key of .* is damaged, and so is its twin"):
        open_store(sealed)


@pytest.mark.parametrize("cost", [cipher.Cost(1, 8191, 1), cipher.Cost(21, 8192, 1)])
def test_a_key_file_that_would_spend_the_machine_is_none_of_ours(
    sealed: Workspace, cost: cipher.Cost
) -> None:
    file = sealed.root / "relance.db"
    cipher.write_sheet(file, cipher.KeySheet("00" * 16, cost, "00" * 32))
    with pytest.raises(WorkspaceError, match="is damaged"):
        cipher.read_sheet(file)


def test_the_key_is_made_once_a_process(sealed: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    forget()
    made: list[int] = []
    real = cipher.master_key
    monkeypatch.setattr(cipher, "master_key", lambda *a: made.append(1) or real(*a))
    for _ in range(3):
        put_people(sealed, 1)
    assert len(made) == 1


# -- passphrases -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "weak", ["x7!kQ9#mZ2$", "motdepasse2026", "relance-relance", "aaaaaaaaaaaaaaaa", "123456789012"]
)  # fmt: skip
def test_a_weak_passphrase_is_refused_and_nothing_is_made(tmp_path: Path, weak: str) -> None:
    workspace = Workspace(tmp_path / "w")
    with pytest.raises(WorkspaceError, match=r"too short|soon be guessed") as told:
        init_workspace(workspace, passphrase=weak)
    assert weak not in str(told.value)
    assert not workspace.root.exists()


def test_twelve_signs_are_enough_where_nobody_guesses_them() -> None:
    passphrases.refuse_weak("x7!kQ9#mZ2$w")
    with pytest.raises(WorkspaceError, match="too long"):
        passphrases.refuse_weak("x7!kQ9#mZ2$w" * 100)


def test_a_passphrase_file_is_its_owners_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "secret"
    file.write_text("l’été à Café 42 tournevis\n")
    monkeypatch.setenv("RELANCE_PASSPHRASE_FILE", str(file))
    for mode in (0o640, 0o604, 0o660):
        file.chmod(mode)
        with pytest.raises(WorkspaceError, match="may be read by others"):
            passphrases.given("RELANCE_PASSPHRASE")
    file.chmod(0o600)
    assert passphrases.given("RELANCE_PASSPHRASE") == "l’été à Café 42 tournevis"
    file.write_text("l’été à Cafe\u0301 42 tournevis")  # as another keyboard writes it
    assert passphrases.given("RELANCE_PASSPHRASE") == "l’été à Café 42 tournevis"
    for content, said in ((b"", "one line"), (b"a\nb\n", "one line"), (b"\xff\xfe", "no text")):
        file.write_bytes(content)
        with pytest.raises(WorkspaceError, match=said):
            passphrases.given("RELANCE_PASSPHRASE")
    monkeypatch.setenv("RELANCE_PASSPHRASE", "too")
    with pytest.raises(WorkspaceError, match="both set"):
        passphrases.given("RELANCE_PASSPHRASE")


def test_no_command_takes_a_passphrase_as_an_argument(tmp_path: Path) -> None:
    here = Workspace(tmp_path / "w")
    code, told = call(here, "init", "--passphrase", RELANCE_LANG="en")
    assert (code, "no passphrase: give it by RELANCE_PASSPHRASE" in told) == (2, True)
    code, told = call(here, "init", "--passphrase", ANOTHER)
    assert code == 2, "what follows is not taken for it"


# -- encrypt, rotate-key ---------------------------------------------------------------------------


@pytest.fixture
def plain(workspace: Workspace, cheap_keys: str, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A campaign that is plain, with people in it."""
    monkeypatch.delenv("RELANCE_PASSPHRASE")
    put_people(workspace)
    return workspace


def test_what_was_plain_is_encrypted_and_nothing_plain_stays_behind(
    plain: Workspace, cheap_keys: str
) -> None:
    old = os.open(plain.root / "relance.db", os.O_RDONLY)
    try:
        assert b"Zorglub0001" in os.pread(old, 10**7, 0)
        code, told = call(plain, "encrypt", RELANCE_PASSPHRASE=cheap_keys)
        assert code == 0, told
        assert set(os.pread(old, 10**7, 0)) == {0}, "what was there is written over"
    finally:
        os.close(old)
    assert files_with(plain.root, names_of(3)) == {}
    assert call(plain, "encrypt", RELANCE_PASSPHRASE=cheap_keys)[0] == 2, "it is already"


def test_another_passphrase_opens_it_from_now_on_and_the_old_one_no_more(
    sealed: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_people(sealed)
    code, told = call(sealed, "rotate-key", RELANCE_NEW_PASSPHRASE=ANOTHER)
    assert code == 0, told
    assert call(sealed, "init")[0] == 2
    monkeypatch.setenv("RELANCE_PASSPHRASE", ANOTHER)
    assert people(sealed) == names_of(3)
    assert call(sealed, "rotate-key", RELANCE_NEW_PASSPHRASE=ANOTHER)[0] == 2, "it is that of now"
    assert call(sealed, "rotate-key", RELANCE_NEW_PASSPHRASE="short")[0] == 2
    assert people(sealed) == names_of(3)


@pytest.mark.parametrize("act", ["encrypt", "rotate_key"])
def test_killed_anywhere_it_is_old_or_new_and_whole(
    plain: Workspace, cheap_keys: str, act: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if act == "rotate_key":
        rekeying.encrypt(plain, cheap_keys)
        monkeypatch.setenv("RELANCE_PASSPHRASE", cheap_keys)
    saved = plain.root.with_name("saved")
    shutil.copytree(plain.root, saved)
    do = getattr(rekeying, act)
    taken = steps_of(lambda step: do(plain, ANOTHER, step=step))
    assert {"held", "copied", "journal", "moved relance.db", "done"} <= set(taken)
    old_key = cheap_keys if act == "rotate_key" else None
    seen = set()
    for number, name in enumerate(taken):
        shutil.rmtree(plain.root)
        shutil.copytree(saved, plain.root)
        forget()
        if old_key:
            monkeypatch.setenv("RELANCE_PASSPHRASE", old_key)
        killed_at(number, lambda step: do(plain, ANOTHER, step=step))
        swap.finish_if_needed(plain.root)
        is_new = number >= taken.index("journal")
        if is_new or old_key:
            monkeypatch.setenv("RELANCE_PASSPHRASE", ANOTHER if is_new else str(old_key))
        else:
            monkeypatch.delenv("RELANCE_PASSPHRASE", raising=False)
        assert people(plain) == names_of(3), name
        assert not list(plain.root.rglob(".new-*")), name
        assert check_integrity(open_store(plain)) == "ok", name
        if is_new:
            assert files_with(plain.root, names_of(3)) == {}, name
        seen.add(is_new)
    assert seen == {True, False}


def test_who_had_the_old_file_open_loses_no_write_in_silence(
    plain: Workspace, cheap_keys: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = open_store(plain)
    monkeypatch.setattr(swap, "BUSY_MS", 1)
    with before.connect() as busy:
        busy.exec_driver_sql("SELECT count(*) FROM contact")
        with pytest.raises(WorkspaceError, match="is being used"):
            rekeying.encrypt(plain, cheap_keys)
    assert people(plain) == names_of(3)
    before = open_store(plain)
    rekeying.encrypt(plain, cheap_keys)
    with pytest.raises(DBAPIError, match="not a database"):
        write(before, lambda s: save_campaign(s, name="late").id)
    monkeypatch.setenv("RELANCE_PASSPHRASE", cheap_keys)
    assert write(open_store(plain), lambda s: save_campaign(s, name="later").id) == 1


def test_two_do_not_encrypt_or_restore_at_once(plain: Workspace, cheap_keys: str) -> None:
    with swap.working(plain.root), pytest.raises(WorkspaceError, match="another command encrypts"):
        rekeying.encrypt(plain, cheap_keys)
    assert people(plain) == names_of(3)


@pytest.mark.parametrize("content", ["{ not json", '["../../x"]', '"relance.db"', '["blocs.csv"]'])
def test_a_line_of_moves_that_is_not_ours_moves_nothing(plain: Workspace, content: str) -> None:
    (plain.root / swap.JOURNAL).write_text(content)
    before = (plain.root / "relance.db").read_bytes()
    with pytest.raises(WorkspaceError, match="is not one of ours"):
        open_store(plain)
    assert (plain.root / "relance.db").read_bytes() == before


# -- rights ----------------------------------------------------------------------------------------


def test_files_with_people_are_their_owners_whatever_the_umask(
    tmp_path: Path, cheap_keys: str
) -> None:
    workspace = Workspace(tmp_path / "w")
    before = os.umask(0)
    try:
        init_workspace(workspace, communes=["13055"])
        put_people(workspace)
        code, told = call(workspace, "backup")
        assert code == 0, told
    finally:
        os.umask(before)
    for path in (workspace.root, *workspace.root.glob("*"), *workspace.root.glob("backups/*")):
        mode = stat.S_IMODE(path.stat().st_mode)
        people_in = path.name not in ("reference", "cache", "blocs.csv", "workspace.json")
        assert not people_in or not mode & 0o077, f"{path.name} {mode:o}"


def test_the_doctor_says_how_people_are_kept(plain: Workspace, cheap_keys: str) -> None:
    code, told = call(plain, "doctor")
    assert code == 0, told
    assert "the database is not encrypted: `encrypt`" in told
    assert "no backup yet" in told
    assert call(plain, "encrypt", RELANCE_PASSPHRASE=cheap_keys)[0] == 0
    code, told = call(plain, "doctor", RELANCE_PASSPHRASE=cheap_keys)
    assert code == 0, told
    assert "encryption: SQLCipher 4" in told
    assert "-key.backup" in told
    assert "closed_to_others: yes" in told
