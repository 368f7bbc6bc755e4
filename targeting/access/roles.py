"""What each role may do, in one table; services ask it, no page decides.

Roles and reach follow TRUST 2.3, deny by default: an action that a role's row does not name is
refused. `OWN` is what one leads or was handed (turfs, outings, one's own sessions).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

from targeting.errors import ForbiddenError

ROLES: Final = (
    "administrator", "field_director", "strategist", "team_lead", "canvasser", "data_steward",
)  # fmt: skip
SECOND_FACTOR: Final = ("administrator", "field_director")
"""Roles that log in with a code beside their password."""


class Reach(IntEnum):
    """How far a role's action goes."""

    NONE = 0
    OWN = 1
    ALL = 2


NO: Final = Reach.NONE
OWN: Final = Reach.OWN
ALL: Final = Reach.ALL

TABLE: Final = {
    #                   admin  field  strat  lead  canvass  steward
    "places.see":      (ALL,   ALL,   ALL,   ALL,  NO,      ALL),
    "places.export":   (ALL,   ALL,   ALL,   NO,   NO,      ALL),
    "campaign.change": (ALL,   ALL,   NO,    NO,   NO,      NO),
    "files.import":    (ALL,   ALL,   NO,    NO,   NO,      ALL),
    "plan.see":        (ALL,   ALL,   ALL,   NO,   NO,      NO),
    "turfs.see":       (ALL,   ALL,   NO,    OWN,  OWN,     NO),
    "turfs.cut":       (ALL,   ALL,   NO,    NO,   NO,      NO),
    "turfs.assign":    (ALL,   ALL,   NO,    OWN,  NO,      NO),
    "turfs.print":     (ALL,   ALL,   NO,    OWN,  OWN,     NO),
    "returns.type":    (ALL,   ALL,   NO,    OWN,  OWN,     NO),
    "people.see":      (ALL,   ALL,   NO,    OWN,  NO,      ALL),
    "people.reveal":   (ALL,   ALL,   NO,    OWN,  NO,      ALL),
    "people.add":      (ALL,   ALL,   NO,    OWN,  OWN,     ALL),
    "people.change":   (ALL,   NO,    NO,    NO,   NO,      ALL),
    "people.import":   (ALL,   NO,    NO,    NO,   NO,      ALL),
    "people.export":   (ALL,   ALL,   NO,    NO,   NO,      NO),
    "people.object":   (ALL,   ALL,   NO,    OWN,  OWN,     ALL),
    "people.erase":    (ALL,   NO,    NO,    NO,   NO,      ALL),
    "privacy.purge":   (ALL,   NO,    NO,    NO,   NO,      NO),
    "audit.read":      (ALL,   NO,    NO,    NO,   NO,      NO),
    "users.manage":    (ALL,   NO,    NO,    NO,   NO,      NO),
    "sessions.end":    (ALL,   OWN,   OWN,   OWN,  OWN,     OWN),
    "backup.make":     (ALL,   NO,    NO,    NO,   NO,      NO),
    "backup.restore":  (ALL,   NO,    NO,    NO,   NO,      NO),
}  # fmt: skip
"""Each action's reach, by role in the order of ROLES."""

ACTIONS: Final = tuple(TABLE)


@dataclass(frozen=True)
class Actor:
    """Who asks: an account with its role, or this machine (nobody logged in: `LOCAL`, `SYSTEM`)."""

    id: str
    role: str
    name: str = field(default="", compare=False)
    session: str = field(default="", compare=False)
    """The public id of the session that asks, where one does."""

    def reach(self, action: str) -> Reach:
        """How far this actor's role lets them go. Raises KeyError for an action nobody declared."""
        return TABLE[action][ROLES.index(self.role)]

    def may(self, action: str, *, own: bool = False) -> bool:
        """Whether they may, on what is theirs (`own`) or on anything.

        >>> Actor("a1", "team_lead").may("turfs.print"), Actor("a1", "team_lead").may(
        ...     "turfs.print", own=True)
        (False, True)
        """
        return self.reach(action) >= (Reach.OWN if own else Reach.ALL)

    @property
    def is_account(self) -> bool:
        """Whether somebody logged in stands behind it."""
        return self not in (LOCAL, SYSTEM, NOBODY)


LOCAL: Final = Actor("local", "administrator", "")
"""Whoever sits at this machine: its files are theirs already. What they do is logged as theirs."""

SYSTEM: Final = Actor("system", "administrator", "")
"""What the tool does by itself: the daily backup, the purge of a day."""

NOBODY: Final = Actor("nobody", "canvasser", "")
"""A session that is known no more: everything is refused to it, see `require`."""


def require(actor: Actor, action: str, *, own: bool = False) -> None:
    """Raise ForbiddenError unless the actor may."""
    if actor == NOBODY or not actor.may(action, own=own):
        raise ForbiddenError(actor.role if actor != NOBODY else "", action)
