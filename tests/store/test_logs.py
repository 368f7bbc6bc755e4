"""The log: chained, whole at both ends, carried over when an older database is put back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, text

from targeting.access.roles import SYSTEM, Actor
from targeting.store import audit
from targeting.store.engine import reading, write

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
ANNA = Actor("a" * 32, "strategist")


def tell(engine: Engine, *acts: str, at: datetime = NOON) -> None:
    for act in acts:
        write(engine, lambda s, act=act: audit.record(s, ANNA, act, object="list 3", now=at))


def verdict(engine: Engine) -> audit.Verdict:
    with reading(engine) as session:
        return audit.verify_chain(session)


def test_an_empty_log_and_one_with_lines_are_whole(engine: Engine) -> None:
    assert verdict(engine) == (0, None, "")
    tell(engine, "login", "export", "logout")
    assert verdict(engine) == (3, None, "")


@pytest.mark.parametrize(
    ("change", "at", "why"),
    [
        ("UPDATE audit SET count = 2 WHERE id = 2", 2, "a line was changed"),
        ("UPDATE audit SET reason = 'x' WHERE id = 3", 3, "a line was changed"),
        ("UPDATE audit SET actor = 'b' WHERE id = 1", 1, "a line was changed"),
        ("DELETE FROM audit WHERE id = 1", 1, "a line is missing"),
        ("DELETE FROM audit WHERE id = 2", 2, "a line is missing"),
        ("DELETE FROM audit WHERE id = 3", 3, "the end is missing"),
        ("DELETE FROM audit", 1, "the end is missing"),
    ],
)
def test_a_line_changed_or_taken_from_anywhere_is_missed(
    engine: Engine, change: str, at: int, why: str
) -> None:
    tell(engine, "login", "export", "logout")
    write(engine, lambda s: s.execute(text(change)) and None)
    found = verdict(engine)
    assert (found.broken_at, found.why) == (at, why)


def test_lines_go_after_twelve_months_from_the_beginning_and_the_rest_stays_whole(
    engine: Engine,
) -> None:
    tell(engine, "login", "export")
    tell(engine, "logout", at=NOON + timedelta(days=1))
    year = NOON + audit.KEPT
    assert write(engine, lambda s: audit.forget_old(s, year)) == 0
    assert write(engine, lambda s: audit.forget_old(s, year + timedelta(seconds=1))) == 2
    assert verdict(engine) == (1, None, "")
    tell(engine, "login")
    assert verdict(engine) == (2, None, "")
    assert write(engine, lambda s: audit.forget_old(s, year + timedelta(days=400))) == 2
    assert verdict(engine) == (0, None, "")


def test_an_act_that_is_none_is_a_fault(engine: Engine) -> None:
    with pytest.raises(ValueError, match="no act"):
        tell(engine, "sell")


def kept(engine: Engine) -> audit.Kept:
    with engine.connect() as connection:
        cursor = connection.connection.cursor()
        head = tuple(cursor.execute(audit.KEPT_HEAD).fetchone())
        return audit.Kept(head, [tuple(r) for r in cursor.execute(audit.KEPT_LINES).fetchall()])


def test_a_log_is_taken_over_where_it_goes_on_and_no_other(engine: Engine) -> None:
    tell(engine, "login", "logout")
    short = kept(engine)
    tell(engine, "export")
    long = kept(engine)
    other = long._replace(lines=[(*line[:-1], "f" * 64) for line in long.lines])
    for log, taken in ((short, False), (other, False), (long, True)):
        assert write(engine, lambda s, log=log: audit.carry_on(s, log)) is taken
        assert verdict(engine) == (3, None, "")
    write(engine, lambda s: s.execute(text("DELETE FROM audit WHERE id = 3")) and None)
    write(
        engine,
        lambda s: (
            s.execute(
                text("UPDATE audit_head SET last = 2, last_hash = :h"), {"h": short.lines[-1][-1]}
            )
            and None
        ),
    )
    assert verdict(engine) == (2, None, "")
    assert write(engine, lambda s: audit.carry_on(s, long))
    assert verdict(engine) == (3, None, "")
    write(engine, lambda s: audit.record(s, SYSTEM, "restore", now=NOON))
    assert verdict(engine) == (4, None, "")
