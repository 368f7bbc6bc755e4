"""Change one byte of a workspace's database or tables, and see what the product says.

    python -m tests.crash.flips WORKSPACE [COUNT] [SEED]

WORKSPACE is copied; each flip is made in the copy, looked at, and taken back. What a look is: the
opening, then turnout, votes, outlines, addresses, voters, streets, visits and turfs, read whole.
"""

from __future__ import annotations

import hashlib
import random
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path

import pandas as pd

from targeting.config import Workspace
from targeting.errors import TargetingError
from targeting.reference import checksums
from targeting.reference.addresses import load_addresses, load_voter_addresses
from targeting.reference.credits import credits
from targeting.reference.held import list_elections
from targeting.reference.results import load_bloc_votes, load_turnout
from targeting.reference.stations import load_stations
from targeting.reference.streets import load_streets
from targeting.store import engine
from targeting.store.engine import open_store, reading
from targeting.store.queries import load_campaign
from targeting.store.turfs import load_stops, load_turfs
from targeting.store.visits import load_visits

HARMLESS, TOLD, SILENT, UNCAUGHT = "harmless", "told", "SILENT", "UNCAUGHT"


def look(workspace: Workspace) -> str:
    """A hash of all that figures are made of; raises TargetingError where damage is told."""
    database = open_store(workspace)
    elections = list_elections(workspace)
    tables: list[pd.DataFrame] = [load_turnout(workspace, e) for e in elections]
    tables += [load_bloc_votes(workspace, e) for e in elections]
    tables += [load_stations(workspace), load_addresses(workspace)]
    tables.append(load_voter_addresses(workspace))
    streets = load_streets(workspace)
    tables += [] if streets is None else [streets]
    with reading(database) as session:
        campaign = load_campaign(session)
        facts = (campaign.communes, campaign.target, campaign.next_turf) if campaign else ()
        tables += [load_visits(session), load_turfs(session), load_stops(session)]
    whole = hashlib.sha256(repr((elections, credits(workspace), facts)).encode())
    for table in tables:
        whole.update(table.to_csv().encode())
    return whole.hexdigest()


def forget() -> None:
    """As a new process would: nothing is known of any file."""
    checksums._seen.clear()
    engine._opened.clear()


def flip(path: Path, rng: random.Random) -> tuple[int, int]:
    """Change one bit or byte of the file; gives the place and what was there."""
    at, mask = rng.randrange(path.stat().st_size), rng.choice([1 << rng.randrange(8), 0xFF])
    with open(path, "r+b") as file:
        file.seek(at)
        was = file.read(1)[0]
        file.seek(at)
        file.write(bytes([was ^ mask]))
    return at, was


def try_flips(source: Path, count: int, seed: int = 1) -> pd.DataFrame:
    """One row a kind of file: how many flips were harmless, told, silent, uncaught."""
    rng = random.Random(seed)
    outcomes: Counter[tuple[str, str]] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "flipped"
        shutil.copytree(source, root)
        workspace = Workspace(root)
        forget()
        sound = look(workspace)
        tables = sorted(workspace.reference.glob("*/*.parquet"))
        for number in range(count):
            path = root / "relance.db" if number % 2 else rng.choice(tables)
            kept = path.read_bytes()
            at, _ = flip(path, rng)
            forget()
            try:
                outcome = HARMLESS if look(workspace) == sound else SILENT
            except TargetingError:
                outcome = TOLD
            except Exception as error:
                outcome = UNCAUGHT
                print(f"{path.name} byte {at}: {error!r:.200}", file=sys.stderr)
            if outcome == SILENT:
                print(f"{path.name} byte {at}: silent", file=sys.stderr)
            outcomes["database" if number % 2 else "tables", outcome] += 1
            for ending in ("-wal", "-shm"):
                path.with_name(path.name + ending).unlink(missing_ok=True)
            path.write_bytes(kept)
    rows = {
        kind: {o: outcomes[kind, o] for o in (HARMLESS, TOLD, SILENT, UNCAUGHT)}
        for kind in ("database", "tables")
    }
    return pd.DataFrame(rows).T


if __name__ == "__main__":
    given = sys.argv[1:]
    found = try_flips(Path(given[0]), int((given[1:] or ["500"])[0]), int((given[2:] or ["1"])[0]))
    print(found.to_string())
    sys.exit(int(found[[SILENT, UNCAUGHT]].to_numpy().sum() > 0))
