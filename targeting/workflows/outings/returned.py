"""What any return gives, and how it is kept: a file once, whatever is in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from targeting.config import Workspace
from targeting.store import audit
from targeting.store.engine import open_store, reading
from targeting.store.queries import add_batch, known_batch
from targeting.workflows.access.asks import noting_refusals
from targeting.workflows.report import Report

KIND: Final = "visits"


@dataclass(frozen=True)
class Returned:
    """What one file gave: rows read, and those that were new.

    Of a phone besides: `withdrawn` visits taken back; `elsewhere`: new ones at doors that another
    turf holds now, or none; `conflicts`: doors where another return of this outing has another
    result (both are kept); `themes` of the turf's conversations and `corrections` of the list
    (building_id, kind), told here and not stored; `outside`: visits at doors that are not its
    book's, or no door here, which are not recorded (`outside_buildings`: those that are known).

    Of a grid: `repeated`, numbers of lines that say the same; `overruled`, those that an opposition
    of the same knock (the first of each list) leaves out.
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
    outside: int = 0
    outside_buildings: list[str] = field(default_factory=list)
    repeated: list[list[int]] = field(default_factory=list)
    overruled: list[list[int]] = field(default_factory=list)


def record_once(
    workspace: Workspace, file: str, sha256: str, rows: int, record: Callable[[Any], Returned]
) -> Returned:
    """Let `record` write in one transaction, and remember the file's bytes: twice is once."""

    def work(session: Any) -> Returned:
        if batch := known_batch(session, KIND, sha256):
            return Returned(file, batch.rows, 0, unchanged=True)
        told = record(session)
        add_batch(session, KIND, file, sha256, rows)
        audit.record(session, workspace.actor, "import", object=KIND, count=told.recorded)
        return told

    return noting_refusals(workspace, work)


def already_in(workspace: Workspace, file: str, sha256: str) -> Returned | None:
    """What to tell of a file whose very bytes came in before; None for a new one."""
    with reading(open_store(workspace)) as session:
        batch = known_batch(session, KIND, sha256)
        return None if batch is None else Returned(file, batch.rows, 0, unchanged=True)


def returns_report(told: Sequence[Returned]) -> Report:
    """What came in: the facts of one file as they are, of several as a list with their sums."""
    facts = [asdict(one) for one in told]
    sums = {c: sum(f[c] for f in facts) for c in ("rows", "recorded", "withdrawn")}
    whole = facts[0] if len(facts) == 1 else {"files": facts, **sums}
    return Report(whole, "\n".join(line for one in told for line in _lines(one)))


def _lines(one: Returned) -> list[str]:
    kept = " (already imported: nothing changed)" if one.unchanged else ""
    lines = [f"{one.file}: {one.rows:,} visits read, {one.recorded:,} recorded{kept}"]
    if (before := _recorded_before(one)) > 0:
        lines.append(f"  {before} recorded before, and once is enough")
    lines += [f"  lines {_and(same)} say the same: one visit" for same in one.repeated]
    lines += [
        f"  line {first} says not to come back: it is kept, and {_and(others)} of the same moment "
        "left out"
        for first, *others in one.overruled
    ]
    if one.outside:
        where = f" (at {', '.join(one.outside_buildings)})" if one.outside_buildings else ""
        lines.append(
            f"  {one.outside} at doors that are not of this book{where}: not recorded; type them "
            "into a grid if they were knocked at"
        )
    if one.withdrawn:
        lines.append(f"  {one.withdrawn} taken back on the phone since an earlier return: out")
    if one.elsewhere:
        lines.append(f"  {one.elsewhere} at doors that another turf holds now, or none: kept there")
    lines += [
        f"  door {c['door_id']}: two returns differ ({', '.join(c['outcomes'])}): both are kept"
        for c in one.conflicts
    ]
    if one.themes:
        heard = ", ".join(f"{theme} {count}" for theme, count in one.themes.items() if count)
        lines.append(f"  themes heard in {one.turf_id}, told here and not stored: {heard}")
    lines += [
        f"  list to mend at {c['building_id']}: {c['kind'].replace('_', ' ')}"
        for c in one.corrections
    ]
    return lines


def _recorded_before(one: Returned) -> int:
    """Visits of a grid that are in the campaign already, by another file."""
    if one.unchanged or one.turf_id is not None:
        return 0
    in_file = sum(len(lines) - 1 for lines in (*one.repeated, *one.overruled))
    return one.rows - one.recorded - in_file


def _and(numbers: Sequence[int]) -> str:
    return " and ".join(str(n) for n in numbers)
