"""Rows that people change: the campaign, its contacts and consents, turfs and visits.

The law is in the constraints, so that no path around the services can break it (TRUST 1.3):
a visit that met nobody, or a refusal, carries nothing else; a phone, an e-mail or a theme needs a
recorded consent; somebody approached without having asked holds no theme. No column puts an
area's score on a person. Migration 0003 adds those that each engine writes its own way (dates are
dates on SQLite too; an occasional contact is kept two years at most), and the triggers that keep
`open_door`.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any, Final

from sqlalchemy import (
    JSON,
    CheckConstraint,
    Date,
    DateTime,
    Dialect,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    MetaData,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
    event,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from targeting.outcomes import OUTCOMES, TALKED, THEMES
from targeting.store.columns import OfRow, SealedText, sealed_shape

CATEGORIES: Final = ("member", "regular", "occasional")
SOURCES: Final = (
    "door", "stand", "meeting", "website", "form", "membership", "phone", "other",
)  # fmt: skip
LEGAL_BASES: Final = ("consent", "regular_contact", "legitimate_interest")
AGE_BANDS: Final = ("18-24", "25-34", "35-49", "50-64", "65+")
PERSONAL: Final = {"personal": True}
"""Mark of a column about a person: `store.personal` says until when it is kept."""

NOT_PERSONAL: Final = {"personal": False}

TOMBSTONES: Final = ("erased", "objection")

OPEN_STATUSES: Final = ("ready", "in_progress")
"""A door stands in one such turf at most: `open_door` holds it, whatever path wrote it."""

TURF_STATUSES: Final = ("ready", "in_progress", "done", "withdrawn")


class UtcDateTime(TypeDecorator[datetime]):
    """A moment, stored in UTC and given back in UTC; a moment without zone is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment needs its time zone")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        moment: datetime = value
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


SIGNS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_.:-"
_NUMBER: Final = "substr(door_id, length(building_id) + 2)"
BUILDING_CHECK: Final = (
    "building_id IS NULL OR (length(building_id) BETWEEN 7 AND 60 "
    f"AND substr(building_id, 6, 1) = '_' AND trim(building_id, '{SIGNS}') = '')"
)
"""A BAN id (`13055_0101_00012`): no phone, no name."""
DOOR_CHECK: Final = (
    "door_id IS NULL OR (building_id IS NOT NULL "
    "AND substr(door_id, 1, length(building_id) + 1) = building_id || '/' "
    f"AND length({_NUMBER}) BETWEEN 1 AND 5 AND trim({_NUMBER}, '0123456789') = '')"
)


def _one_of(column: str, values: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(repr(v) for v in values)})"


HEX: Final = "0123456789abcdef"


def _made_of(value: str, signs: str) -> str:
    """SQL of both engines: nothing is left of the text once these signs are trimmed."""
    return f"trim({value}, '{signs}') = ''"


def uuid_shape(column: str) -> str:
    """SQL of both engines: a UUID in small letters."""
    dashes = " AND ".join(f"substr({column}, {n}, 1) = '-'" for n in (9, 14, 19, 24))
    bare = f"length(replace({column}, '-', '')) = 32"
    return f"length({column}) = 36 AND {dashes} AND {bare} AND {_made_of(column, HEX + '-')}"


def book_shape(column: str) -> str:
    """SQL of both engines: sixteen bytes in hexadecimal."""
    return f"length({column}) = 32 AND {_made_of(column, HEX)}"


def building_shape(column: str) -> str:
    """SQL of both engines: the signs that ids of buildings are made of; a space is none."""
    return f"length({column}) BETWEEN 1 AND 60 AND {_made_of(column, SIGNS)}"


DOOR_SHAPE: Final = (
    "substr(door_id, 1, length(building_id) + 1) = building_id || '/' AND "
    f"length({_NUMBER}) BETWEEN 1 AND 5 AND substr({_NUMBER}, 1, 1) <> '0' AND "
    + _made_of(_NUMBER, "0123456789")
)
"""SQL of both engines: a door is a number, from 1, of the visit's own building."""


class Base(DeclarativeBase):
    """Base of all stored rows; constraint names are fixed so that migrations can speak of them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class Campaign(Base):
    """The one campaign of a workspace: where, which vote, which blocs."""

    __tablename__ = "campaign"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    communes: Mapped[list[str]] = mapped_column(JSON)
    election_id: Mapped[str | None] = mapped_column(String(20))
    target: Mapped[list[str]] = mapped_column(JSON)
    ballot_date: Mapped[date | None] = mapped_column(Date)
    next_turf: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    version: Mapped[int] = mapped_column(default=1)

    __table_args__ = (
        CheckConstraint("id = 1", name="one_campaign"),
        CheckConstraint("trim(name) <> '' AND length(name) <= 200", name="name"),
    )
    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 (SQLAlchemy's way)


class StoreMark(Base):
    """Which database this is, and how many transactions wrote to it: one row."""

    __tablename__ = "store_mark"

    id: Mapped[int] = mapped_column(primary_key=True)
    store_id: Mapped[str] = mapped_column(String(36))
    writes: Mapped[int] = mapped_column(default=0)
    last_write: Mapped[str] = mapped_column(String(32), default="", server_default="")
    """Drawn anew with each: an older database put back has another one, however many were
    written."""
    column_key: Mapped[str | None] = mapped_column(String(64))

    __table_args__ = (CheckConstraint("id = 1", name="one_mark"),)


class Tombstone(Base):
    """Somebody was erased, or objected: a keyed mark that says it again, and never who it was."""

    __tablename__ = "tombstone"

    mark: Mapped[str] = mapped_column(String(64), primary_key=True)
    kind: Mapped[str] = mapped_column(String(12))
    noted_on: Mapped[date] = mapped_column(Date)

    __table_args__ = (
        CheckConstraint(_one_of("kind", TOMBSTONES), name="kind"),
        CheckConstraint(f"length(mark) = 64 AND {_made_of('mark', HEX)}", name="mark"),
    )


class SourceBatch(Base):
    """One file of people or visits that came in: its hash makes a second import a no-op."""

    __tablename__ = "source_batch"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    file_name: Mapped[str] = mapped_column(String(255))
    sha256: Mapped[str] = mapped_column(String(64))
    rows: Mapped[int]
    rejected: Mapped[int] = mapped_column(default=0)
    imported_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (
        UniqueConstraint("kind", "sha256"),
        CheckConstraint(
            "length(kind) <= 20 AND length(file_name) <= 255 AND length(sha256) = 64",
            name="lengths",
        ),
    )


class Consent(Base):
    """What somebody agreed to, when, on which wording; `ttpa` is the separate online one."""

    __tablename__ = "consent"

    id: Mapped[str] = mapped_column(String(36), primary_key=True, info=PERSONAL)
    given_on: Mapped[date] = mapped_column(Date, info=PERSONAL)
    channel: Mapped[str] = mapped_column(String(30), info=PERSONAL)
    wording: Mapped[str] = mapped_column(String(60), info=PERSONAL)
    ttpa: Mapped[bool] = mapped_column(default=False, info=PERSONAL)
    withdrawn_on: Mapped[date | None] = mapped_column(Date, info=PERSONAL)

    __table_args__ = (
        CheckConstraint("trim(channel) <> '' AND trim(wording) <> ''", name="said"),
        CheckConstraint(
            "length(id) <= 36 AND length(channel) <= 30 AND length(wording) <= 60", name="lengths"
        ),
        CheckConstraint(
            "withdrawn_on IS NULL OR withdrawn_on >= given_on", name="withdrawn_after_given"
        ),
    )


class Contact(Base):
    """Somebody who gave their data, with the proof that we may keep it. Never a score."""

    __tablename__ = "contact"

    id: Mapped[str] = mapped_column(String(36), primary_key=True, info=PERSONAL)
    category: Mapped[str] = mapped_column(String(12), info=PERSONAL)
    source: Mapped[str] = mapped_column(String(60), info=PERSONAL)
    source_date: Mapped[date] = mapped_column(Date, info=PERSONAL)
    legal_basis: Mapped[str] = mapped_column(String(30), info=PERSONAL)
    notice_date: Mapped[date] = mapped_column(Date, info=PERSONAL)
    notice_version: Mapped[str] = mapped_column(String(30), info=PERSONAL)
    retention_date: Mapped[date] = mapped_column(Date, index=True, info=PERSONAL)
    building_id: Mapped[str | None] = mapped_column(String(60), index=True, info=PERSONAL)
    door_id: Mapped[str | None] = mapped_column(String(70), info=PERSONAL)
    consent_id: Mapped[str | None] = mapped_column(
        ForeignKey("consent.id"), unique=True, info=PERSONAL
    )
    first_name: Mapped[str | None] = mapped_column(String(100), info=PERSONAL)
    last_name: Mapped[str | None] = mapped_column(String(100), info=PERSONAL)
    phone: Mapped[str | None] = mapped_column(SealedText("contact", "phone", 200), info=PERSONAL)
    email: Mapped[str | None] = mapped_column(SealedText("contact", "email", 1240), info=PERSONAL)
    age_band: Mapped[str | None] = mapped_column(String(6), info=PERSONAL)
    version: Mapped[int] = mapped_column(default=1, info=NOT_PERSONAL)

    __table_args__ = (
        UniqueConstraint("id", "category", "consent_id", name="uq_contact_theme_key"),
        CheckConstraint(_one_of("category", CATEGORIES), name="category"),
        CheckConstraint(_one_of("legal_basis", LEGAL_BASES), name="legal_basis"),
        CheckConstraint("source <> '' AND notice_version <> ''", name="origin"),
        CheckConstraint(f"age_band IS NULL OR {_one_of('age_band', AGE_BANDS)}", name="age_band"),
        CheckConstraint(
            "consent_id IS NOT NULL OR (phone IS NULL AND email IS NULL)",
            name="reachable_by_consent",
        ),
        CheckConstraint(
            "consent_id IS NOT NULL OR category <> 'occasional' OR "
            "(first_name IS NULL AND last_name IS NULL AND age_band IS NULL)",
            name="named_by_consent",
        ),
        CheckConstraint(_one_of("source", SOURCES), name="source"),
        CheckConstraint(
            "legal_basis <> 'consent' OR consent_id IS NOT NULL", name="consent_is_recorded"
        ),
        CheckConstraint(
            "retention_date >= source_date AND retention_date < '2100-01-01'",
            name="kept_after_it_came",
        ),
        CheckConstraint(
            "trim(notice_version) <> '' AND length(notice_version) <= 30", name="notice"
        ),
        CheckConstraint(BUILDING_CHECK, name="building"),
        CheckConstraint(DOOR_CHECK, name="door"),
        CheckConstraint(
            "phone IS NULL OR trim(phone, '0123456789+. ()-') = '' OR "
            f"({sealed_shape('phone', 160)})",
            name="phone",
        ),
        CheckConstraint(
            "length(id) <= 36 AND (first_name IS NULL OR length(first_name) <= 100) "
            "AND (last_name IS NULL OR length(last_name) <= 100) "
            f"AND (email IS NULL OR length(email) <= 200 OR ({sealed_shape('email', 1200)})) "
            f"AND (phone IS NULL OR length(phone) <= 30 OR ({sealed_shape('phone', 160)}))",
            name="lengths",
        ),
    )
    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012


@event.listens_for(Contact, "before_insert")
@event.listens_for(Contact, "before_update")
def _of_its_row(_mapper: Any, _connection: Any, contact: Contact) -> None:
    """What is sealed is bound to its row (`columns`)."""
    for name in ("phone", "email"):
        value = getattr(contact, name)
        if value is not None and getattr(value, "row", None) != contact.id:
            setattr(contact, name, OfRow(value, contact.id))


class ContactTheme(Base):
    """A concern that somebody told us about: by consent, and never of an occasional contact."""

    __tablename__ = "contact_theme"

    contact_id: Mapped[str] = mapped_column(String(36), primary_key=True, info=PERSONAL)
    theme: Mapped[str] = mapped_column(String(20), primary_key=True, info=PERSONAL)
    category: Mapped[str] = mapped_column(String(12), info=PERSONAL)
    consent_id: Mapped[str] = mapped_column(String(36), info=PERSONAL)

    __table_args__ = (
        ForeignKeyConstraint(
            ["contact_id", "category", "consent_id"],
            ["contact.id", "contact.category", "contact.consent_id"],
            ondelete="CASCADE",
            onupdate="CASCADE",
        ),
        CheckConstraint("category <> 'occasional'", name="regular_contact"),
        CheckConstraint(_one_of("theme", THEMES), name="theme"),
    )


class TurfCut(Base):
    """One cut: what was asked, and the doors identity that came out."""

    __tablename__ = "turf_cut"

    id: Mapped[int] = mapped_column(primary_key=True)
    parameters: Mapped[dict[str, Any]] = mapped_column(JSON)
    doors_in: Mapped[int]
    doors_in_turfs: Mapped[int]
    doors_left_out: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (
        CheckConstraint("doors_in = doors_in_turfs + doors_left_out", name="no_door_lost"),
    )


class Turf(Base):
    """What one pair walks in one outing. Its code is given once and never again.

    `parent_ids` are the turfs whose unanswered doors it took over; a locked turf is changed neither
    by hand nor by a new cut; its walk starts near `start_building_id` where one is given. A turf
    that a cut replaced says which (`withdrawn_by`): it can be called back.
    """

    __tablename__ = "turf"

    id: Mapped[str] = mapped_column(String(12), primary_key=True)
    cut_id: Mapped[int] = mapped_column(ForeignKey("turf_cut.id"), index=True)
    rank: Mapped[int]
    station_ids: Mapped[str] = mapped_column(Text)
    n_buildings: Mapped[int]
    n_doors: Mapped[int]
    registered_estimate: Mapped[float]
    minutes_expected: Mapped[float]
    walk_m: Mapped[float]
    longest_leg_m: Mapped[float]
    start_address: Mapped[str] = mapped_column(String(200))
    end_address: Mapped[str] = mapped_column(String(200))
    status: Mapped[str] = mapped_column(String(12), default="ready")
    is_locked: Mapped[bool] = mapped_column(default=False)
    parent_ids: Mapped[str] = mapped_column(Text, default="")
    start_building_id: Mapped[str | None] = mapped_column(String(60))
    withdrawn_by: Mapped[int | None]
    version: Mapped[int] = mapped_column(default=1)

    __table_args__ = (
        CheckConstraint(_one_of("status", TURF_STATUSES), name="status"),
        CheckConstraint("length(id) BETWEEN 1 AND 12", name="code"),
        CheckConstraint(
            "length(start_address) <= 200 AND length(end_address) <= 200", name="addresses"
        ),
        CheckConstraint("n_doors >= 0 AND n_buildings >= 0", name="counts"),
    )
    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012


class TurfDoor(Base):
    """The doors of one building in one turf: all of them, or a range of a tower's.

    `dwellings` counts those to knock at: doors closed when the turf was cut are in the range only.
    """

    __tablename__ = "turf_door"

    turf_id: Mapped[str] = mapped_column(
        ForeignKey("turf.id", ondelete="CASCADE"), primary_key=True
    )
    visit_order: Mapped[int] = mapped_column(primary_key=True)
    building_id: Mapped[str] = mapped_column(String(60), index=True)
    first_door: Mapped[int]
    last_door: Mapped[int]
    dwellings: Mapped[int]

    __table_args__ = (
        CheckConstraint("first_door >= 1 AND last_door >= first_door", name="range"),
        CheckConstraint("dwellings BETWEEN 1 AND last_door - first_door + 1", name="doors"),
        CheckConstraint("length(building_id) <= 60", name="building"),
    )


class OpenDoor(Base):
    """A door of a turf that is ready or in progress: once, or the database refuses it.

    Triggers keep it from `turf` and `turf_door`: nobody writes it. The key holds at any isolation
    level, where a look for ranges that overlap would not.
    """

    __tablename__ = "open_door"

    building_id: Mapped[str] = mapped_column(String(60), primary_key=True)
    door: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    turf_id: Mapped[str] = mapped_column(String(12))

    __table_args__ = ({"sqlite_with_rowid": False},)


class TurfExcluded(Base):
    """A building left out of a cut, and why."""

    __tablename__ = "turf_excluded"

    cut_id: Mapped[int] = mapped_column(
        ForeignKey("turf_cut.id", ondelete="CASCADE"), primary_key=True
    )
    building_id: Mapped[str] = mapped_column(String(60), primary_key=True)
    reason: Mapped[str] = mapped_column(String(60), primary_key=True)
    dwellings: Mapped[int]

    __table_args__ = (
        CheckConstraint("length(building_id) <= 60 AND length(reason) <= 60", name="lengths"),
        CheckConstraint("dwellings >= 0", name="counted"),
    )


class TurfEdit(Base):
    """One change made by hand, with the turfs it touched as they were and as they became."""

    __tablename__ = "turf_edit"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    before: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    after: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    is_undone: Mapped[bool] = mapped_column(default=False)


class VisitUndone(Base):
    """A visit that its canvasser took back: an older file that still holds it changes nothing."""

    __tablename__ = "visit_undone"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    undone_at: Mapped[datetime] = mapped_column(UtcDateTime)
    book_id: Mapped[str | None] = mapped_column(String(32))

    __table_args__ = (CheckConstraint(uuid_shape("id"), name="id_is_a_uuid"),)


class PhoneBook(Base):
    """A phone book that was written: what its returns may speak of, and nothing of anybody."""

    __tablename__ = "phone_book"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    turf_id: Mapped[str] = mapped_column(String(12))
    doors: Mapped[list[list[Any]]] = mapped_column(JSON)
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (CheckConstraint(book_shape("id"), name="id_is_drawn"),)


class Visit(Base):
    """One knock at one door: no name, no opinion; `store.visits.erase_date` says when it goes."""

    __tablename__ = "visit"

    id: Mapped[str] = mapped_column(String(36), primary_key=True, info=PERSONAL)
    building_id: Mapped[str] = mapped_column(String(60), index=True, info=PERSONAL)
    door_id: Mapped[str] = mapped_column(String(70), index=True, info=PERSONAL)
    turf_id: Mapped[str | None] = mapped_column(ForeignKey("turf.id"), index=True, info=PERSONAL)
    visited_at: Mapped[datetime] = mapped_column(UtcDateTime, info=PERSONAL)
    outcome: Mapped[str] = mapped_column(String(16), info=PERSONAL)
    contact_id: Mapped[str | None] = mapped_column(
        ForeignKey("contact.id", ondelete="SET NULL"), info=PERSONAL
    )
    book_id: Mapped[str | None] = mapped_column(String(32), info=PERSONAL)

    __table_args__ = (
        CheckConstraint(_one_of("outcome", OUTCOMES), name="outcome"),
        CheckConstraint(
            f"outcome = '{TALKED}' OR contact_id IS NULL", name="only_a_talk_leads_to_a_contact"
        ),
        CheckConstraint(uuid_shape("id"), name="id_is_a_uuid"),
        CheckConstraint(building_shape("building_id"), name="building_id_has_its_signs"),
        CheckConstraint(DOOR_SHAPE, name="door_id_is_a_number_of_its_building"),
        CheckConstraint(f"book_id IS NULL OR ({book_shape('book_id')})", name="book_id_is_drawn"),
        Index("ix_visit_turf_door", "turf_id", "door_id"),
    )
