"""Erase one person, for good: from the database, and from whatever is restored later."""

from __future__ import annotations

from datetime import UTC, date, datetime

from sqlalchemy.orm import Session

from targeting.config import Workspace
from targeting.errors import PrivacyError
from targeting.store import tombstones
from targeting.store.engine import forget_pages, open_store, reading, write
from targeting.store.models import Contact
from targeting.store.personal import erase_person
from targeting.store.tombstones import Stone


def erase(workspace: Workspace, contact_id: str, *, today: date | None = None) -> None:
    """Erase a contact with consents, themes and the link of visits; a stone says so from now on.

    Raises PrivacyError where there is none.
    """
    engine = open_store(workspace)
    with reading(engine) as session:
        if session.get(Contact, contact_id) is None:
            raise PrivacyError("there is no such contact: it was erased already, or never was.")
    day = today or datetime.now(UTC).date()
    secret = tombstones.secret_of(workspace)
    stone = Stone("erased", tombstones.mark(secret, "erased", contact_id), day)
    tombstones.note(workspace, [stone])

    def work(session: Session) -> None:
        erase_person(session, contact_id)
        tombstones.record(session, [stone])

    write(engine, work)
    forget_pages(engine)
