"""Backups of a campaign: taken, turned, put back; and what is well with them, in words."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

from targeting.config import Workspace
from targeting.errors import TargetingError
from targeting.store.backup_names import is_due, list_backups
from targeting.store.backups import Backup, take
from targeting.store.engine import open_store, reading
from targeting.store.queries import load_campaign
from targeting.store.swap import wipe
from targeting.workflows.access.asks import asks
from targeting.workflows.report import Report

LATEST: Final = 5
"""Kept whatever their day: a morning of imports takes nobody's last good one away."""
DAYS, WEEKS, MONTHS = 7, 4, 3
"""The newest of each of the last days, weeks, months is kept (TRUST REL-15)."""
AFTER_BALLOT_DAYS: Final = 15
"""As visits: a backup of before keeps nobody longer than the campaign itself may."""
LOOK_AGAIN: Final = 3600.0
PUT_ASIDE: Final = ("relance-*.db*", "replaced-*.db*")
"""Databases that were lost, another's or damaged, as they were: they hold people too."""


@asks("backup.make")
def backup_report(workspace: Workspace, *, reason: str = "asked") -> Report:
    """Take a backup, then turn the older ones."""
    made = take(workspace, reason)
    gone = turn(workspace)
    rows = sum(made.facts.rows.values())
    size = made.path.stat().st_size
    facts = {
        "file": str(made.path), "bytes": size, "rows": made.facts.rows, "reason": reason,
        "schema": made.facts.revision, "older_taken_away": gone,
    }  # fmt: skip
    name = made.path.relative_to(workspace.root)
    lines = [
        f"{name}: {rows:,} rows, {size / 1e6:.1f} MB; put up aside and found whole.",
        *([f"{gone} older backups were taken away."] if gone else []),
    ]
    return Report(facts, "\n".join(lines))


def backup_before(workspace: Workspace, reason: str) -> Backup:
    """A backup before what cannot be undone: `import` of people, `migration`, `purge`."""
    made = take(workspace, reason)
    turn(workspace)
    return made


@asks("backup.restore")
def restore_report(workspace: Workspace, file: Path) -> Report:
    """Put a backup back."""
    from targeting.store.restoring import restore

    done = restore(workspace, file)
    kept = done.before.path if done.before is not None else done.kept
    rows = sum(done.rows.values())
    facts = {
        "file": str(file), "made_at": done.made_at, "rows": done.rows,
        "erased_again": done.erased_again, "kept": str(kept) if kept else None,
    }  # fmt: skip
    lines = [f"{file.name} is back, as of {done.made_at[:16]} UTC: {rows:,} rows."]
    if done.erased_again:
        lines.append(f"{done.erased_again} people erased since were erased again.")
    if kept is not None:
        lines.append(f"What was here before is in {kept.relative_to(workspace.root)}.")
    return Report(facts, "\n".join(lines))


# -- which are kept --------------------------------------------------------------------------------


def turn(workspace: Workspace, *, now: datetime | None = None) -> int:
    """Take away the backups that are no longer to be kept; gives how many."""
    with reading(open_store(workspace)) as session:
        campaign = load_campaign(session)
        ballot = campaign.ballot_date if campaign else None
    found = [(one.path, one.made_at) for one in list_backups(workspace)]
    kept = to_keep(found, now or datetime.now(UTC), ballot)
    gone = [path for path, _ in found if path not in kept]
    others = [(path, _day_of(path)) for name in PUT_ASIDE
              for path in (workspace.root / "backups").glob(name)]  # fmt: skip
    stay = to_keep(others, now or datetime.now(UTC), ballot)
    for path in gone:
        path.unlink(missing_ok=True)
    for path in (path for path, _ in others if path not in stay):
        wipe(path)
    return len(gone)


def _day_of(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


def to_keep(
    found: Sequence[tuple[Path, datetime]], now: datetime, ballot: date | None
) -> set[Path]:
    """The latest ones, and the newest of each day, week and month; once the ballot is past its
    days, none of before."""
    purged = ballot + timedelta(days=AFTER_BALLOT_DAYS) if ballot is not None else None
    if purged is not None and now.date() > purged:
        found = [(path, made) for path, made in found if made.date() > purged]
    newest_first = sorted(found, key=lambda one: one[1], reverse=True)
    kept = {path for path, _ in newest_first[:LATEST]}
    today = now.date()
    for path, made in _first_of_each(newest_first, lambda day: day.toordinal()):
        kept |= {path} if (today - made.date()).days < DAYS else set()
    for path, made in _first_of_each(newest_first, lambda day: day.isocalendar()[:2]):
        kept |= {path} if (today - made.date()).days < 7 * WEEKS else set()
    for path, made in _first_of_each(newest_first, lambda day: (day.year, day.month)):
        months = 12 * (today.year - made.year) + today.month - made.month
        kept |= {path} if months < MONTHS else set()
    return kept


def _first_of_each(
    found: Sequence[tuple[Path, datetime]], of_day: Callable[[date], Hashable]
) -> Iterator[tuple[Path, datetime]]:
    seen: set[Hashable] = set()
    for path, made in found:
        if (group := of_day(made.date())) not in seen:
            seen.add(group)
            yield path, made


# -- once a day ------------------------------------------------------------------------------------


def daily_backup(workspace: Workspace) -> str | None:
    """Take the day's backup if it is due; gives what is to be told where it could not be."""
    try:
        if is_due(workspace):
            backup_before(workspace, "daily")
    except TargetingError as error:
        return f"the day's backup could not be taken: {error}"
    return None


def keep_daily(workspace: Workspace) -> threading.Thread:
    """Have a running server take the day's backup, looking once an hour."""

    def run() -> None:
        while not stop.wait(LOOK_AGAIN):
            daily_backup(workspace)

    stop = threading.Event()
    thread = threading.Thread(target=run, name="daily-backup", daemon=True)
    thread.start()
    return thread
