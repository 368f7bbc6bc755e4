"""Put a backup in the database's place: checked, erasures said again, all of it or nothing."""

from __future__ import annotations

import os
import shutil
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, update
from sqlalchemy.engine import URL
from sqlalchemy.orm import Session

from targeting.config import Workspace
from targeting.errors import WorkspaceError
from targeting.reference.manifest import changed_manifest, read_manifest
from targeting.store import (
    backups,
    cipher,
    engine,
    opening,
    passphrases,
    postgres_copies,
    snapshots,
    strongbox,
    swap,
    tombstones,
)
from targeting.store.backups import Backup, PutUp
from targeting.store.models import StoreMark
from targeting.store.swap import Step
from targeting.store.tombstones import Stone


@dataclass(frozen=True)
class Restored:
    """What was put back, and what became of what was here."""

    made_at: str
    rows: dict[str, int]
    before: Backup | None
    kept: Path | None
    erased_again: int


def restore(workspace: Workspace, path: Path, *, step: Step = swap.nothing) -> Restored:
    """Put a backup back. What is here stays until it is replaced whole, and is kept: as a backup,
    or, where it cannot be read, as it is.

    Raises WorkspaceError, with nothing touched, for a file that is damaged, another campaign's or
    of a newer Relance, or while others use the database.
    """
    root = workspace.root
    swap.finish_if_needed(root)
    with opening.told(workspace), swap.working(root), swap.aside_of(root) as aside:
        master = backups.key_to_open(workspace, path, strongbox.read_head(path))
        with backups.put_up(workspace, path, master, aside) as up:
            _refuse_unfit(workspace, path, up)
            step("checked")
            if isinstance(up.place, URL):
                before, kept, back = _onto_server(workspace, up, up.place, step)
            else:
                before, kept, back = _into_file(workspace, up, up.place, step)
    changed_manifest(root, next_turf=up.found.next_turf)
    engine.forget_engines()
    engine.open_store(workspace)
    return Restored(up.inside.made_at, up.found.rows, before, kept, back)


def _refuse_unfit(workspace: Workspace, path: Path, up: PutUp) -> None:
    if up.found != up.inside.facts:
        raise strongbox.damaged(path)
    server = opening.database_file(workspace) is None
    if server != isinstance(up.place, URL):
        raise WorkspaceError(
            f"{path.name} was taken of a file of SQLite, and the campaign is on a server: unset "
            "RELANCE_DATABASE_URL, then try again."
        )
    if not engine.is_known(up.found.revision):
        raise WorkspaceError(
            f"{path.name} was taken by a newer Relance (schema {up.found.revision}): nothing was "
            "changed. Update Relance, then try again."
        )
    known = read_manifest(workspace).get("database")
    if known is not None and up.found.store_id not in ("", known["id"]):
        raise WorkspaceError(
            f"{path.name} is of another campaign than {workspace.root}: nothing was changed. Give "
            "it a --workspace of its own."
        )


def _bring_up(
    workspace: Workspace, made: Engine, up: PutUp, stones: list[Stone], secret: bytes
) -> int:
    """The schema of now, and erasures said again, in a database that nobody sees yet."""
    known = read_manifest(workspace).get("database")
    if up.found.revision != engine.NEWEST:
        engine.upgrade(made)

    def work(session: Session) -> int:
        if not up.found.store_id and known is not None:  # of before it had an id
            session.execute(update(StoreMark).values(store_id=known["id"]))
        return tombstones.replay(session, stones, secret)

    return engine.write(made, work)


def _secret(workspace: Workspace, up: PutUp) -> bytes:
    """What erased people are told by: what is here, else the backup's own."""
    if not (workspace.root / tombstones.KEY).exists():
        return tombstones.keep_secret(workspace, bytes.fromhex(up.inside.erased_key))
    return tombstones.secret_of(workspace)


# -- a file ----------------------------------------------------------------------------------------


def _into_file(
    workspace: Workspace, up: PutUp, copy: Path, step: Step
) -> tuple[Backup | None, Path | None, int]:
    file = opening.database_file(workspace)
    assert file is not None
    readable = _fit_key(workspace, file)
    before, kept = _kept(workspace, file, readable=readable)
    step("kept")
    master = cipher.master_of(file)
    key = cipher.raw_key(master) if master is not None else ""
    draft, secret = swap.draft_of(file), _secret(workspace, up)
    try:
        with swap.held(file, key) if before is not None else nullcontext() as here:
            step("held")
            stones = [*tombstones.read_stones(workspace), *_stones_of(here)]
            _copy(copy, up.inside.key, draft, key)
            step("copied")
            made = engine.open_engine(f"sqlite:///{draft}")
            back = _bring_up(workspace, made, up, stones, secret)
            made.dispose()
            _fold(draft, key)
            step("replayed")
            swap.put_in(workspace.root, [file], step)
    finally:
        swap.let_go()
        if not (workspace.root / swap.JOURNAL).exists():
            for side in ("", *swap.SIDES):
                draft.with_name(draft.name + side).unlink(missing_ok=True)
    return before, kept, back


def _fit_key(workspace: Workspace, file: Path) -> bool:
    """See that what is put back will have the key that it should; tells whether what is here can
    be opened.

    Raises WorkspaceError without the passphrase.
    """
    try:
        keyed = cipher.read_sheet(file) is not None
    except WorkspaceError:
        keyed = False  # damaged, and its twin: a new one is made
    if keyed:
        cipher.master_of(file)
        return file.exists()
    plain = cipher.is_plain(file)
    given = passphrases.given(passphrases.PASSPHRASE)
    if plain and not cipher.is_keyed(file):
        return True
    was_sealed = cipher.is_keyed(file) or (file.exists() and file.stat().st_size > 0)
    if given is None and was_sealed:
        given = passphrases.asked(new=True)
        if given is None and cipher.is_keyed(file):
            raise WorkspaceError(
                "the workspace was encrypted: give the passphrase that it is to have "
                "(RELANCE_PASSPHRASE), then try again."
            )
    if given is not None and read_manifest(workspace)["kind"] != "demo":
        cipher.make_key(file, given)
    return False


def _kept(workspace: Workspace, file: Path, *, readable: bool) -> tuple[Backup | None, Path | None]:
    """What is here, as a backup; as it is, where it cannot be read."""
    if not file.exists() or not file.stat().st_size:
        return None, None
    if readable:
        try:
            return backups.take(workspace, "restore"), None
        except WorkspaceError:
            cipher.master_of(file)  # without its passphrase nothing is replaced
    kept = workspace.root / "backups" / f"replaced-{os.urandom(4).hex()}.db"
    for side in ("", "-wal"):
        part = file.with_name(file.name + side)
        if part.exists():
            shutil.copyfile(part, kept.with_name(kept.name + side))
            os.chmod(kept.with_name(kept.name + side), 0o600)
    return None, kept


def _stones_of(connection: Any) -> list[Stone]:
    """The stones of the database that is here, which its log may not have (a team's folders)."""
    if connection is None:
        return []
    known = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'tombstone'").fetchone()
    rows = connection.execute("SELECT kind, mark, noted_on FROM tombstone") if known else []
    return [Stone(kind, mark, date.fromisoformat(day)) for kind, mark, day in rows]


def _copy(source: Path, source_key: str, target: Path, key: str) -> None:
    connection = cipher.apart(str(source), source_key, isolation_level=None)
    try:
        snapshots.export(connection, target, key)
    finally:
        connection.close()


def _fold(file: Path, key: str) -> None:
    """Have everything in the file itself, nothing beside it."""
    connection = cipher.connect(str(file), key, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode=DELETE")
    finally:
        connection.close()


# -- a server --------------------------------------------------------------------------------------


def _onto_server(
    workspace: Workspace, up: PutUp, url: URL, step: Step
) -> tuple[Backup | None, None, int]:
    """Erasures are said again in the database beside; from there all is copied over in one
    transaction, while writers wait."""
    address, secret = workspace.database_url, _secret(workspace, up)
    here = engine.open_engine(address)
    made = engine.open_engine(url.render_as_string(hide_password=False))
    try:
        with here.connect() as connection:
            is_there = opening.schema_revision(connection) is not None
        before = backups.take(workspace, "restore") if is_there else None
        step("kept")
        with postgres_copies.no_writer(address, engine.WRITE_LOCK):
            stones = tombstones.read_stones(workspace)
            if is_there:
                with engine.reading(here) as session:
                    stones += tombstones.stones_in(session)
            back = _bring_up(workspace, made, up, stones, secret)
            made.dispose()
            step("replayed")
            postgres_copies.copy_over(url, address)
            step("done")
    finally:
        made.dispose()
        here.dispose()
    return before, None, back
