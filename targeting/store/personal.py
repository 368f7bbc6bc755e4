"""What the store holds about persons: until when, how it is purged, what a person is handed.

A column about a person is marked `info=PERSONAL` in `models`; every other column of such a table
says `info=NOT_PERSONAL`. A table has its rule here, or stands in NOBODYS: a test holds that none is
forgotten.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Table, and_, delete, false, or_, select, update
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import flag_modified

from targeting.store import models_access  # noqa: F401 (its tables join the metadata)
from targeting.store.models import (
    Base,
    Consent,
    Contact,
    ContactTheme,
    StoreMark,
    Visit,
    VisitUndone,
)

NOBODYS: Final = frozenset(
    {"campaign", "store_mark", "source_batch", "turf_cut", "turf", "turf_door", "open_door",
     "turf_excluded", "turf_edit", "phone_book", "visit_undone", "tombstone"}
)  # fmt: skip
"""Tables that say nothing of anybody. A visit taken back leaves an id drawn by chance: whose door
it was is not kept; it goes with the visits all the same."""

TEAMS: Final = frozenset(
    {"account", "session", "invitation", "login_try", "assignment", "audit", "audit_head"}
)
"""Tables on who works with the tool. An account lasts as long as its campaign has it; sessions,
tries and lines of the log go by themselves (`workflows.access.door.tidy`)."""


class Rule(NamedTuple):
    """Which rows of one table are due to go, and which are a person's."""

    rows: type[Base]
    due: Callable[[Session, date], ColumnElement[bool]]
    of_person: Callable[[str], ColumnElement[bool]]


def purge_due(session: Session, today: date) -> dict[str, int]:
    """Delete all whose last day is past; gives how many rows of each table went.

    A row is kept through its last day. What hangs on another row goes before it, or with it.
    """
    gone = {}
    for rule in (*RULES, UNDONE):
        statement = delete(rule.rows).where(rule.due(session, today))
        options = {"synchronize_session": False}
        gone[rule.rows.__tablename__] = session.execute(
            statement, execution_options=options
        ).rowcount  # type: ignore[attr-defined]
    session.expire_all()
    return gone


def seal_columns(session: Session, key_mark: str) -> int:
    """Seal phones and e-mails that are plain, and have the database know their key; gives how many
    contacts were written."""
    reachable = or_(Contact.phone.is_not(None), Contact.email.is_not(None))
    people = session.scalars(select(Contact).where(reachable)).all()
    for person in people:
        for name in ("phone", "email"):
            if getattr(person, name) is not None:
                flag_modified(person, name)
    session.execute(update(StoreMark).values(column_key=key_mark))
    session.flush()
    return len(people)


def erase_person(session: Session, contact_id: str) -> bool:
    """Delete all that is held about one person; tells whether there was anything.

    A visit that led to them stays as the knock at a door that it is, and leads to nobody.
    """
    known = session.execute(select(Contact.consent_id).where(Contact.id == contact_id)).first()
    for statement in (
        update(Visit).where(Visit.contact_id == contact_id).values(contact_id=None),
        delete(ContactTheme).where(ContactTheme.contact_id == contact_id),
        delete(Contact).where(Contact.id == contact_id),
        delete(Consent).where(Consent.id == (known[0] if known else None)),
    ):
        session.execute(statement, execution_options={"synchronize_session": False})
    session.expire_all()
    return known is not None


def export_person(session: Session, contact_id: str) -> dict[str, list[dict[str, Any]]]:
    """All that is held about one person, table by table: every personal column, no other."""
    return {
        rule.rows.__tablename__: [
            dict(row)
            for row in session.execute(
                select(*personal_columns(table_of(rule.rows))).where(rule.of_person(contact_id))
            ).mappings()
        ]
        for rule in RULES
    }


def table_of(rows: type[Base]) -> Table:
    """The table of stored rows."""
    return Base.metadata.tables[rows.__tablename__]


def personal_columns(table: Table) -> list[Any]:
    """Those of its columns that are about a person."""
    return [column for column in table.columns if column.info.get("personal")]


# -- rules -----------------------------------------------------------------------------------------


def _contact_due(_session: Session, today: date) -> ColumnElement[bool]:
    """Past their last day, or kept by a consent that was withdrawn."""
    withdrawn = select(Consent.id).where(Consent.withdrawn_on <= today)
    return or_(
        Contact.retention_date < today,
        and_(Contact.legal_basis == "consent", Contact.consent_id.in_(withdrawn)),
    )


def _theme_due(session: Session, today: date) -> ColumnElement[bool]:
    return ContactTheme.contact_id.in_(select(Contact.id).where(_contact_due(session, today)))


def _consent_due(_session: Session, _today: date) -> ColumnElement[bool]:
    """Nobody's any more: its contact goes before it."""
    held = select(Contact.consent_id).where(Contact.consent_id.is_not(None))
    return Consent.id.not_in(held)


def _visit_due(session: Session, today: date) -> ColumnElement[bool]:
    before = _forgotten_before(session, today)
    return false() if before is None else Visit.visited_at < before


def _undone_due(session: Session, today: date) -> ColumnElement[bool]:
    before = _forgotten_before(session, today)
    return false() if before is None else VisitUndone.undone_at < before


def _forgotten_before(session: Session, today: date) -> datetime | None:
    from targeting.store.visits import forgotten_before  # brings pandas: no opening needs it

    return forgotten_before(session, today)


def _visits_of(contact_id: str) -> ColumnElement[bool]:
    """Those that led to the person, and those of their door that led to nobody: what another at
    the same door said is not theirs to be handed."""
    door = select(Contact.door_id).where(Contact.id == contact_id, Contact.door_id.is_not(None))
    nobodys = and_(Visit.door_id.in_(door), Visit.contact_id.is_(None))
    return or_(Visit.contact_id == contact_id, nobodys)


RULES: Final = (
    Rule(Visit, _visit_due, _visits_of),
    Rule(ContactTheme, _theme_due, lambda one: ContactTheme.contact_id == one),
    Rule(Contact, _contact_due, lambda one: Contact.id == one),
    Rule(Consent, _consent_due,
         lambda one: Consent.id.in_(select(Contact.consent_id).where(Contact.id == one))),
)  # fmt: skip
"""In the order in which rows go."""

UNDONE: Final = Rule(VisitUndone, _undone_due, lambda _one: false())
