"""The campaign, its contacts and the files that came in: small functions of a session.

Writers check the law in words before the constraints enforce it, so that the user reads a reason;
nothing here ever returns a person's data with a place's score.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from targeting.codes import DEFAULT_TARGET
from targeting.config import AS_IT_IS, AsItIs
from targeting.errors import PrivacyError, TargetingError
from targeting.store.models import (
    SOURCES,
    Campaign,
    Consent,
    Contact,
    ContactTheme,
    SourceBatch,
)

CHUNK: Final = 500

UNNAMED: Final = "Campagne"
"""A campaign that nobody gave a name."""

PERSONAL: Final = ("first_name", "last_name", "phone", "email", "age_band")

NEEDED: Final = (
    "source", "category", "legal_basis", "source_date", "notice_date", "notice_version",
    "retention_date",
)  # fmt: skip


NAME_LENGTH: Final = 200


def load_campaign(session: Session) -> Campaign | None:
    """The workspace's campaign, if it was initialised."""
    return session.get(Campaign, 1)


def save_campaign(
    session: Session,
    *,
    name: str | None = None,
    communes: Sequence[str] | None = None,
    election_id: str | None = None,
    target: Sequence[str] | None = None,
    ballot_date: date | AsItIs | None = AS_IT_IS,
) -> Campaign:
    """Make the campaign, or change what is given and leave the rest.

    `ballot_date=None` takes the date out: nobody knows it any more. Raises TargetingError for a
    name of more than 200 letters.
    """
    if name is not None and not 0 < len(name.strip()) <= len(name) <= NAME_LENGTH:
        raise TargetingError(f"the campaign's name has {len(name)} letters: give 1 to 200.")
    campaign = load_campaign(session)
    if campaign is None:
        campaign = Campaign(
            id=1,
            name=name or UNNAMED,
            communes=list(communes or []),
            election_id=election_id,
            target=list(target or DEFAULT_TARGET),
            ballot_date=None if ballot_date is AS_IT_IS else ballot_date,
            created_at=datetime.now(UTC),
        )
        session.add(campaign)
        session.flush()
        return campaign
    for field, value in {
        "name": name,
        "communes": list(communes) if communes is not None else None,
        "election_id": election_id,
        "target": list(target) if target is not None else None,
    }.items():
        if value is not None and getattr(campaign, field) != value:
            setattr(campaign, field, value)
    if ballot_date is not AS_IT_IS and campaign.ballot_date != ballot_date:
        campaign.ballot_date = ballot_date
    session.flush()
    return campaign


def save_ballot(
    session: Session,
    election_id: str,
    ballot_date: date | None,
    *,
    seen: tuple[str | None, date | None],
) -> None:
    """Change the campaign's vote and its day, where they are still those `seen`.

    Raises TargetingError where there is no campaign, or somebody changed them meanwhile.
    """
    campaign = load_campaign(session)
    if campaign is None:
        raise TargetingError("this workspace holds no campaign: choose its commune first.")
    if (campaign.election_id, campaign.ballot_date) != seen:
        raise TargetingError(
            "somebody else chose a vote meanwhile: nothing was changed. Look at it, then choose "
            "again."
        )
    save_campaign(session, election_id=election_id, ballot_date=ballot_date)


def known_batch(session: Session, kind: str, sha256: str) -> SourceBatch | None:
    """The batch of a file already imported, if it was."""
    return session.scalar(select(SourceBatch).filter_by(kind=kind, sha256=sha256))


def add_batch(session: Session, kind: str, file_name: str, sha256: str, rows: int) -> None:
    """Remember a file that came in."""
    session.add(
        SourceBatch(
            kind=kind, file_name=file_name[:255], sha256=sha256, rows=rows,
            imported_at=datetime.now(UTC),
        )
    )  # fmt: skip


def add_contacts(session: Session, contacts: Iterable[Mapping[str, Any]]) -> int:
    """Add people who gave their data; gives how many were new.

    Each row has `contact_id`, the fields of Contact, `themes` (list), and `consent_date`,
    `consent_channel`, `consent_wording`, `ttpa_consent` where they consented. A contact_id already
    there is left as it is.

    Raises PrivacyError, with no data in it, when a row holds more than its consent allows.
    """
    rows = list(contacts)
    known: set[str] = set()
    for start in range(0, len(rows), CHUNK):
        ids = [r["contact_id"] for r in rows[start : start + CHUNK]]
        known |= set(session.scalars(select(Contact.id).where(Contact.id.in_(ids))))
    added = 0
    for number, row in enumerate(rows, 1):
        if row["contact_id"] in known:
            continue
        refuse_unlawful_contact(row, number)
        session.add_all(_contact_rows(row))
        known.add(row["contact_id"])
        added += 1
        if added % CHUNK == 0:
            session.flush()
    session.flush()
    return added


def refuse_unlawful_contact(row: Mapping[str, Any], number: int) -> None:
    """Raise PrivacyError if the row breaks TRUST PRIV-03; the message names the row's number."""
    where = f"contact {number}"
    if row.get("source") and row["source"] not in SOURCES:
        raise PrivacyError(f"{where}: its source is none of {', '.join(SOURCES)}.")
    if missing := [c for c in NEEDED if not row.get(c)]:
        raise PrivacyError(f"{where}: no {', '.join(missing)}: say where the data comes from.")
    if row["category"] == "occasional" and row.get("themes"):
        raise PrivacyError(
            f"{where}: somebody who did not come to us holds no theme of concern: leave it out."
        )
    consented = bool(row.get("consent_date"))
    if row["legal_basis"] == "consent" and not consented:
        raise PrivacyError(f"{where}: its basis is consent, and none is recorded: refused.")
    held = [c for c in ("phone", "email") if row.get(c)] + (["themes"] if row.get("themes") else [])
    if held and not consented:
        raise PrivacyError(f"{where}: {', '.join(held)} without a recorded consent: refused.")
    named = [c for c in PERSONAL if row.get(c)]
    if named and not consented and row["category"] == "occasional":
        raise PrivacyError(f"{where}: a name without consent nor regular contact: refused.")


def _contact_rows(row: Mapping[str, Any]) -> list[Any]:
    rows: list[Any] = []
    consent_id = None
    if row.get("consent_date"):
        consent_id = _uuid_from(f"consent:{row['contact_id']}")
        rows.append(
            Consent(
                id=consent_id, given_on=row["consent_date"], channel=row["consent_channel"],
                wording=row["consent_wording"], ttpa=bool(row.get("ttpa_consent")),
            )
        )  # fmt: skip
    fields = {c: row.get(c) or None for c in (*NEEDED, *PERSONAL, "building_id", "door_id")}
    rows.append(Contact(id=row["contact_id"], consent_id=consent_id, **fields))
    rows += [
        ContactTheme(
            contact_id=row["contact_id"], theme=theme, category=row["category"],
            consent_id=consent_id,
        )
        for theme in row.get("themes") or []
    ]  # fmt: skip
    return rows


def _uuid_from(text: str) -> str:
    digest = hashlib.sha256(text.encode()).hexdigest()
    return f"{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:32]}"


def count_contacts(session: Session) -> int:
    """How many contacts the campaign holds."""
    return session.scalar(select(func.count()).select_from(Contact)) or 0
