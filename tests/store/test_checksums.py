"""Tables are what was imported, or it is told; what is read is of one moment."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from targeting.config import Workspace
from targeting.errors import WorkspaceError
from targeting.reference import checksums
from targeting.reference.checksums import adopt_tables, is_sound
from targeting.reference.held import list_elections
from targeting.reference.manifest import MANIFEST
from targeting.reference.moments import steady
from targeting.reference.results import load_bloc_votes, load_turnout
from targeting.reference.staging import JOURNAL, staged
from targeting.reference.tables import lost_files
from targeting.store import engine
from targeting.store.engine import open_store
from targeting.workflows.imports.results import import_results
from tests.crash.flips import SILENT, UNCAUGHT, look, try_flips

ELECTION = "2022_pres_t1"


@pytest.fixture
def filled(workspace: Workspace, presidential: Path) -> Workspace:
    """A campaign with one election."""
    import_results(workspace, [presidential])
    return workspace


def read_all(workspace: Workspace) -> None:
    for election_id in list_elections(workspace):
        load_turnout(workspace, election_id)
        load_bloc_votes(workspace, election_id)


def forget() -> None:
    checksums._seen.clear()
    engine._opened.clear()


def spoil(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x10
    path.write_bytes(content)


@pytest.mark.parametrize("table", ["turnout", "votes"])
def test_a_changed_table_is_told_and_mended_by_the_same_file(
    filled: Workspace, presidential: Path, table: str
) -> None:
    before = load_turnout(filled, ELECTION)
    spoil(filled.reference / table / f"{ELECTION}.parquet")
    with pytest.raises(WorkspaceError, match=rf"{table}/.*import it again \(pres.txt\).*results"):
        read_all(filled)
    [again] = import_results(filled, [presidential])
    assert not again.unchanged
    assert load_turnout(filled, ELECTION).equals(before)
    assert lost_files(filled) == {}


def test_a_copy_is_looked_at_again_whatever_its_dates_say(filled: Workspace) -> None:
    table = Path("reference/turnout") / f"{ELECTION}.parquet"
    assert is_sound(filled, filled.root / table)
    copy = Workspace(filled.root.with_name("copy"))
    shutil.copytree(filled.root, copy.root)
    spoil(copy.root / table)
    shutil.copystat(filled.root / table, copy.root / table)
    assert not is_sound(copy, copy.root / table)


@pytest.mark.parametrize("gone", ["turnout/{}.parquet", "votes/{}.parquet", "turnout/{}.json"])
def test_half_of_an_election_gone_is_told(filled: Workspace, gone: str) -> None:
    (filled.reference / gone.format(ELECTION)).unlink()
    with pytest.raises(WorkspaceError, match=r"import it again|is not imported"):
        read_all(filled)


def test_a_changed_sheet_is_told(filled: Workspace) -> None:
    sheet = filled.reference / "turnout" / f"{ELECTION}.json"
    sheet.write_text(sheet.read_text().replace('"rows": ', '"rows": 1'))
    with pytest.raises(WorkspaceError, match="is damaged"):
        load_turnout(filled, ELECTION)


def test_sheets_of_before_get_their_checksums_once(filled: Workspace) -> None:
    sheet = filled.reference / "turnout" / f"{ELECTION}.json"
    lines = [line for line in sheet.read_text().splitlines() if '"seal"' not in line]
    text = "\n".join(lines).replace(" },\n}", " }\n}")
    checksum = text.index('"checksums"')
    sheet.write_text(text[:checksum] + '"checksums": {}' + text[text.index("}", checksum) + 1 :])
    (filled.root / MANIFEST).write_text('{"kind": "campaign"}')
    (filled.root / "backups" / MANIFEST).unlink()
    assert adopt_tables(filled) == 1
    assert adopt_tables(filled) == 0
    spoil(filled.reference / "votes" / f"{ELECTION}.parquet")
    with pytest.raises(WorkspaceError, match="is damaged"):
        load_bloc_votes(filled, ELECTION)


@pytest.mark.slow
def test_no_flipped_byte_is_silent_and_none_is_an_internal_error(demo_folder: Path) -> None:
    found = try_flips(demo_folder, 12, seed=5)
    assert found[[SILENT, UNCAUGHT]].to_numpy().sum() == 0
    assert found.to_numpy().sum() == 12


def test_a_reader_sees_one_moment_while_an_import_moves_its_files_in(filled: Workspace) -> None:
    names = [f"reference/{kind}/e.parquet" for kind in ("turnout", "votes")]

    def move_in(text: str) -> None:
        with staged(filled) as staging:
            for name in names:
                staging.path(name).write_text(text)

    move_in("old")
    looks = iter(["new"])

    def read() -> list[str]:
        first = (filled.root / names[0]).read_text()
        for text in looks:
            move_in(text)  # another actor, between the two
        return [first, (filled.root / names[1]).read_text()]

    assert steady(filled, read) == ["new", "new"]
    assert not (filled.root / JOURNAL).exists()


def test_a_look_sees_all_of_the_figures(filled: Workspace) -> None:
    open_store(filled)
    with pytest.raises(WorkspaceError, match="no station outlines"):
        look(filled)
