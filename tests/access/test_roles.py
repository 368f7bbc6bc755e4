"""The matrix of roles, whole."""

from __future__ import annotations

import pytest

from targeting.access.roles import (
    ACTIONS,
    LOCAL,
    NOBODY,
    ROLES,
    SYSTEM,
    TABLE,
    Actor,
    Reach,
    require,
)
from targeting.errors import ForbiddenError

ALLOWED = {
    "strategist": {"places.see", "places.export", "plan.see"},
    "team_lead": {"places.see"},
    "canvasser": set(),
    "data_steward": {
        "places.see", "places.export", "files.import", "people.see", "people.reveal", "people.add",
        "people.change", "people.import", "people.object", "people.erase",
    },
    "field_director": {
        "places.see", "places.export", "campaign.change", "files.import", "plan.see", "turfs.see",
        "turfs.cut", "turfs.assign", "turfs.print", "returns.type", "people.see", "people.reveal",
        "people.add", "people.export", "people.object",
    },
    "administrator": set(ACTIONS),
}  # fmt: skip
"""Written a second time, by role: what each may do to anything."""

ON_THEIR_OWN = {
    "team_lead": {
        "turfs.see", "turfs.assign", "turfs.print", "returns.type", "people.see", "people.reveal",
        "people.add", "people.object",
    },
    "canvasser": {"turfs.see", "turfs.print", "returns.type", "people.add", "people.object"},
}  # fmt: skip
SESSIONS = {"sessions.end"}


def test_each_row_of_the_table_names_every_role() -> None:
    assert all(len(row) == len(ROLES) for row in TABLE.values())
    assert set(ALLOWED) == set(ROLES)


@pytest.mark.parametrize("role", ROLES)
def test_a_role_may_what_is_written_and_nothing_else(role: str) -> None:
    one = Actor("a" * 32, role)
    own = ALLOWED[role] | ON_THEIR_OWN.get(role, set()) | SESSIONS
    assert {a for a in ACTIONS if one.may(a)} == ALLOWED[role]
    assert {a for a in ACTIONS if one.may(a, own=True)} == own
    for action in ACTIONS:
        for is_own, allowed in ((False, ALLOWED[role]), (True, own)):
            if action in allowed:
                require(one, action, own=is_own)
            else:
                with pytest.raises(ForbiddenError, match=r"your role .* does not allow this"):
                    require(one, action, own=is_own)


def test_who_is_known_no_more_may_nothing_and_this_machine_everything() -> None:
    for action in ACTIONS:
        with pytest.raises(ForbiddenError, match="your session has ended"):
            require(NOBODY, action, own=True)
        require(LOCAL, action)
        require(SYSTEM, action)


def test_an_action_nobody_declared_is_a_fault_not_a_permission() -> None:
    with pytest.raises(KeyError):
        require(LOCAL, "people.sell")
    assert Reach.NONE < Reach.OWN < Reach.ALL
