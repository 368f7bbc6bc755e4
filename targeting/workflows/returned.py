"""What any return gives, and how it is kept: a file once, whatever is in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from targeting.config import Workspace
from targeting.store.engine import open_store, reading, write
from targeting.store.queries import add_batch, known_batch

KIND: Final = "visits"


@dataclass(frozen=True)
class Returned:
    """What one file gave: rows read, and those that were new.

    Of a phone besides: `withdrawn` visits taken back; `elsewhere`: new ones at doors that another
    turf holds now, or none; `conflicts`: doors where another return of this outing has another
    result (both are kept); `themes` of the turf's conversations and `corrections` of the list
    (building_id, kind), told here and not stored.
    """

    file: str
    rows: int
    recorded: int
    unchanged: bool = False
    turf_id: str | None = None
    withdrawn: int = 0
    elsewhere: int = 0
    conflicts: list[dict[str, Any]] = field(default_factory=list)
    themes: dict[str, int] = field(default_factory=dict)
    corrections: list[dict[str, str]] = field(default_factory=list)


def record_once(
    workspace: Workspace, file: str, sha256: str, rows: int, record: Callable[[Any], Returned]
) -> Returned:
    """Let `record` write in one transaction, and remember the file's bytes: twice is once."""
    engine = open_store(workspace)

    def work(session: Any) -> Returned:
        if batch := known_batch(session, KIND, sha256):
            return Returned(file, batch.rows, 0, unchanged=True)
        told = record(session)
        add_batch(session, KIND, file, sha256, rows)
        return told

    return write(engine, work)


def already_in(workspace: Workspace, file: str, sha256: str) -> Returned | None:
    """What to tell of a file whose very bytes came in before; None for a new one."""
    with reading(open_store(workspace)) as session:
        batch = known_batch(session, KIND, sha256)
        return None if batch is None else Returned(file, batch.rows, 0, unchanged=True)
