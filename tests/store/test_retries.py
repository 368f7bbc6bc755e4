"""What an engine says may be tried again is, a few times; anything else is told at once."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm.exc import StaleDataError

from targeting.store import engine as store_engine
from targeting.store.engine import RETRIES, reading, write
from targeting.store.queries import load_campaign, save_campaign

ENCRYPTED_TOO = True


class Lost(Exception):
    """An error as psycopg tells it."""

    def __init__(self, state: str) -> None:
        self.sqlstate = state


def busy() -> Exception:
    said = sqlite3.OperationalError("database is locked")
    said.sqlite_errorcode = sqlite3.SQLITE_BUSY | 2 << 8  # SQLITE_BUSY_SNAPSHOT
    return OperationalError("UPDATE", {}, said)


def lost(state: str) -> Exception:
    return DBAPIError("UPDATE", {}, Lost(state))


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """No test waits: how long would have been is noted."""
    waited: list[float] = []
    monkeypatch.setattr(store_engine.time, "sleep", waited.append)
    return waited


def failing(errors: list[Exception]) -> Any:
    """Work that writes, then fails with each of the errors in turn, then succeeds."""

    def work(session: Any) -> int:
        number: int = save_campaign(session, name="written").id
        session.execute(text("UPDATE campaign SET next_turf = next_turf + 1"))
        if errors:
            raise errors.pop(0)
        return number

    return work


@pytest.mark.parametrize(
    "error", [StaleDataError("row changed"), lost("40001"), lost("40P01"), busy()],
    ids=["stale", "serialization", "deadlock", "busy"],
)  # fmt: skip
def test_what_may_be_retried_is_until_the_last_time_and_written_once(
    engine: Engine, error: Exception, at_once: list[float]
) -> None:
    write(engine, failing([error] * RETRIES))
    assert len(at_once) == RETRIES
    assert all(0 < wait <= 0.2 * (n + 1) for n, wait in enumerate(at_once))
    with reading(engine) as session:
        campaign = load_campaign(session)
        assert campaign is not None
        assert campaign.next_turf == 2, "each try but the last was taken back whole"
    with pytest.raises(type(error)):
        write(engine, failing([error] * (RETRIES + 1)))


@pytest.mark.parametrize(
    "error", [lost("23505"), lost("57014"), RuntimeError("ours"), OperationalError(
        "UPDATE", {}, sqlite3.OperationalError("disk I/O error"))],
    ids=["unique", "cancelled", "ours", "disk"],
)  # fmt: skip
def test_what_cannot_succeed_is_not_tried_again(
    engine: Engine, error: Exception, at_once: list[float]
) -> None:
    with pytest.raises(type(error)):
        write(engine, failing([error]))
    assert at_once == []
    with reading(engine) as session:
        assert load_campaign(session) is None


def test_a_reader_sees_one_moment_whatever_is_written_meanwhile(engine: Engine) -> None:
    write(engine, lambda s: save_campaign(s, name="before").id)

    def name(session: Any) -> object:
        return session.execute(text("SELECT name FROM campaign")).scalar()

    with reading(engine) as session:
        assert name(session) == "before"
        write(engine, lambda s: save_campaign(s, name="after").id)
        assert name(session) == "before"
        session.expire_all()
        campaign = load_campaign(session)
        assert campaign is not None
        assert campaign.name == "before"
    with reading(engine) as session:
        assert name(session) == "after"
