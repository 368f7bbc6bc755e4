"""Rows on who works with the tool: accounts, sessions, invitations, tries, and what was done.

Secrets are kept as what checks them (a hash), never as they are; the audit has no name in it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from targeting.access.roles import ROLES
from targeting.store.models import Base, UtcDateTime

STATES: Final = ("invited", "active", "disabled")
INVITATIONS: Final = ("join", "renew", "first")
"""What a link of one use is for: to join, to choose a password anew, to be the first of all."""

HEX: Final = "0123456789abcdef"


def _hex(column: str, length: int) -> str:
    return f"length({column}) = {length} AND trim({column}, '{HEX}') = ''"


def _one_of(column: str, values: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(repr(v) for v in values)})"


class Account(Base):
    """Somebody who may log in. `subject` is who they are at the identity provider, if there is
    one."""

    __tablename__ = "account"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    login: Mapped[str] = mapped_column(String(80))
    name: Mapped[str] = mapped_column(String(80))
    role: Mapped[str] = mapped_column(String(20))
    state: Mapped[str] = mapped_column(String(10), default="invited")
    password_hash: Mapped[str | None] = mapped_column(String(200))
    code_secret: Mapped[str | None] = mapped_column(String(64))
    code_step: Mapped[int | None]
    subject: Mapped[str | None] = mapped_column(String(300))
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    login_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    version: Mapped[int] = mapped_column(default=1)

    __table_args__ = (
        UniqueConstraint("login"),
        UniqueConstraint("subject"),
        CheckConstraint(_hex("id", 32), name="id_is_drawn"),
        CheckConstraint(_one_of("role", ROLES), name="role"),
        CheckConstraint(_one_of("state", STATES), name="state"),
        CheckConstraint(
            "length(login) BETWEEN 3 AND 80 AND length(name) BETWEEN 1 AND 80 "
            "AND (password_hash IS NULL OR length(password_hash) <= 200) "
            "AND (code_secret IS NULL OR length(code_secret) <= 64) "
            "AND (subject IS NULL OR length(subject) <= 300)",
            name="lengths",
        ),
        CheckConstraint(
            "state <> 'active' OR password_hash IS NOT NULL OR subject IS NOT NULL",
            name="active_can_log_in",
        ),
    )
    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012


class DoorSession(Base):
    """A browser that somebody logged in with. Ended rows are kept a day, so that it can be told."""

    __tablename__ = "session"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    digest: Mapped[str] = mapped_column(String(64))
    account_id: Mapped[str] = mapped_column(
        ForeignKey("account.id", ondelete="CASCADE"), index=True
    )
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    browser: Mapped[str] = mapped_column(String(60), default="")

    __table_args__ = (
        UniqueConstraint("digest"),
        CheckConstraint(
            f"{_hex('id', 32)} AND {_hex('digest', 64)} AND length(browser) <= 60", name="shapes"
        ),
    )


class Invitation(Base):
    """A link of one use: what is kept of it is its digest."""

    __tablename__ = "invitation"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    digest: Mapped[str] = mapped_column(String(64))
    account_id: Mapped[str | None] = mapped_column(
        ForeignKey("account.id", ondelete="CASCADE"), index=True
    )
    kind: Mapped[str] = mapped_column(String(10))
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (
        UniqueConstraint("digest"),
        CheckConstraint(_one_of("kind", INVITATIONS), name="kind"),
        CheckConstraint(f"{_hex('id', 32)} AND {_hex('digest', 64)}", name="shapes"),
        CheckConstraint("(kind = 'first') = (account_id IS NULL)", name="first_has_no_account"),
    )


class LoginTry(Base):
    """Failures of one account or tries from one address, by the digest of its name."""

    __tablename__ = "login_try"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    count: Mapped[int]
    since: Mapped[datetime] = mapped_column(UtcDateTime)
    last: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (CheckConstraint(f"{_hex('key', 64)} AND count > 0", name="shapes"),)


class Assignment(Base):
    """A turf in somebody's hands: one open one a turf, whatever path wrote it."""

    __tablename__ = "assignment"

    id: Mapped[int] = mapped_column(primary_key=True)
    turf_id: Mapped[str] = mapped_column(ForeignKey("turf.id", ondelete="CASCADE"), index=True)
    account_id: Mapped[str] = mapped_column(
        ForeignKey("account.id", ondelete="CASCADE"), index=True
    )
    out_at: Mapped[datetime] = mapped_column(UtcDateTime)
    back_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    version: Mapped[int] = mapped_column(default=1)

    __table_args__ = (
        Index(
            "ix_assignment_open", "turf_id", unique=True,
            sqlite_where=text("back_at IS NULL"), postgresql_where=text("back_at IS NULL"),
        ),
        CheckConstraint("back_at IS NULL OR back_at >= out_at", name="back_after_out"),
    )  # fmt: skip
    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012


class AuditLine(Base):
    """One thing done: who, what, to how many, why, when. Chained: each line holds the hash of all
    before it."""

    __tablename__ = "audit"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    actor: Mapped[str] = mapped_column(String(32), index=True)
    role: Mapped[str] = mapped_column(String(20))
    act: Mapped[str] = mapped_column(String(30), index=True)
    object: Mapped[str] = mapped_column(String(80), default="")
    count: Mapped[int] = mapped_column(default=1)
    reason: Mapped[str] = mapped_column(String(200), default="")
    hash: Mapped[str] = mapped_column(String(64))

    __table_args__ = (
        CheckConstraint(
            "length(actor) BETWEEN 1 AND 32 AND length(role) <= 20 AND length(act) BETWEEN 1 AND 30"
            " AND length(object) <= 80 AND length(reason) <= 200 AND count >= 0",
            name="lengths",
        ),
        CheckConstraint(_hex("hash", 64), name="hash"),
    )


class AuditHead(Base):
    """Where the chain begins and ends: a line taken from either end is missed."""

    __tablename__ = "audit_head"

    id: Mapped[int] = mapped_column(primary_key=True)
    first: Mapped[int] = mapped_column(default=1)
    before_first: Mapped[str] = mapped_column(String(64))
    last: Mapped[int] = mapped_column(default=0)
    last_hash: Mapped[str] = mapped_column(String(64))

    __table_args__ = (CheckConstraint("id = 1", name="one_head"),)
