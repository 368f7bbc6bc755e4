"""The door when many push at once, on both engines: what is counted, spent and kept is so once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from targeting.access import passwords
from targeting.access.roles import LOCAL, NOBODY, Actor
from targeting.access.throttle import FREE, LONGEST_WAIT, MOST_AN_ADDRESS, MOST_IN_ALL, Tries
from targeting.config import Workspace
from targeting.errors import ForbiddenError, TargetingError
from targeting.store import accounts
from targeting.store.engine import open_store, write
from targeting.workflows.access import door, team
from targeting.workflows.access.door import Entered, Refused, Renewed
from targeting.workflows.setup import init_workspace
from tests.races.at_once import at_once
from tests.web.teams import PASSWORD, add_member, cheap_hashes, code_at, found_team

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
LOGIN = "anne.exemple"


@pytest.fixture
def here(unmade: Workspace) -> Iterator[Workspace]:
    with cheap_hashes():
        init_workspace(unmade, communes=["13055"])
        yield unmade


@pytest.fixture
def looked_at(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The passwords that reach the hash."""
    seen: list[str] = []
    real = passwords.is_password

    def is_password(kept: str | None, password: str) -> bool:
        seen.append(password)
        return real(kept, password)

    monkeypatch.setattr(passwords, "is_password", is_password)
    return seen


def test_of_ten_thousand_guesses_an_hour_sixty_are_looked_at(
    here: Workspace, looked_at: list[str]
) -> None:
    found_team(here)
    moment, guesses = NOON, 0
    while guesses < 10_000 and moment < NOON + HOUR:
        done = door.log_in(here, LOGIN, f"guess {guesses}", address="a", now=moment)
        assert isinstance(done, Refused)
        # whoever is told to wait does not help himself by asking meanwhile: those guesses are none
        meanwhile = min(int(done.wait * 100), 10_000 - guesses)
        guesses += 1 + meanwhile
        for _ in range(min(meanwhile, 2)):
            assert door.log_in(here, LOGIN, "again", address="a", now=moment) == done
        moment += timedelta(seconds=done.wait or 0.36)
    assert len(looked_at) <= 60
    owner = door.log_in(here, LOGIN, PASSWORD, address="b", now=NOON + 2 * HOUR)
    assert isinstance(owner, Refused), "no code"
    assert looked_at[-1] == PASSWORD, "nobody is kept out for good"


def test_a_hundred_at_once_are_a_hundred_tries(here: Workspace, looked_at: list[str]) -> None:
    found_team(here)

    def guess() -> int:
        done = [door.log_in(here, LOGIN, "x", address="a", now=NOON) for _ in range(25)]
        return sum(isinstance(one, Refused) for one in done)

    assert sum(at_once(*[guess] * 4)) == 100
    assert len(looked_at) == FREE


def test_one_address_tries_many_names_only_so_often(here: Workspace, looked_at: list[str]) -> None:
    found_team(here)
    tried(here, "a", MOST_AN_ADDRESS - 1)
    for n in range(3):
        door.log_in(here, f"name.{n}", "x", address="a", now=NOON)
    assert len(looked_at) == 1
    tried(here, door.IN_ALL, MOST_IN_ALL - 1)
    for n in range(3):
        door.log_in(here, f"other.{n}", "x", address=f"b{n}", now=NOON)
    assert len(looked_at) == 2
    later = NOON + timedelta(minutes=1)
    assert door.log_in(here, LOGIN, "x", address="a", now=later) == Refused()


def tried(here: Workspace, key: str, count: int) -> None:
    """So many tries within this minute already."""
    kept = Tries(count, NOON, NOON)
    write(open_store(here), lambda s: accounts.keep_tries(s, key, kept), quiet=True)


@pytest.mark.parametrize("alike", ["аnne.exemple", "anne.exemple\u200b", "ａnne.exemple", "ANNE\u0130",
                                   "anne.exemple\x00", "anne․exemple", ""])  # fmt: skip
def test_a_name_that_looks_alike_is_another(here: Workspace, alike: str) -> None:
    found_team(here)
    assert isinstance(door.log_in(here, alike, PASSWORD, now=NOON), Refused)
    with pytest.raises(TargetingError, match="plain letters"):
        team.invite(here, LOCAL, alike, "Anne", "strategist")


def test_who_is_known_is_counted_under_one_name_however_it_is_typed(
    here: Workspace, looked_at: list[str]
) -> None:
    found_team(here)
    for typed in ("Anne.Exemple", " anne.exemple ", "ANNE.EXEMPLE", "anne.exemple"):
        for _ in range(3):
            door.log_in(here, typed, "x", now=NOON)
    assert len(looked_at) == FREE


def test_a_clock_that_was_ahead_keeps_nobody_out(here: Workspace, looked_at: list[str]) -> None:
    found_team(here)
    ahead = NOON + timedelta(days=400)
    for _ in range(FREE + 1):
        door.log_in(here, LOGIN, "x", now=ahead)
    told = door.log_in(here, LOGIN, PASSWORD, now=NOON)
    assert isinstance(told, Refused)
    assert 0 < told.wait <= LONGEST_WAIT
    seen = len(looked_at)
    door.log_in(here, LOGIN, PASSWORD, now=NOON + timedelta(seconds=LONGEST_WAIT))
    assert len(looked_at) == seen + 1


def test_a_session_does_not_live_longer_by_a_clock_set_back(here: Workspace) -> None:
    lead = add_member(here, LOCAL, "team_lead")
    now = datetime.now(UTC)
    assert door.who_is(here, lead.secret, now=now) is not None
    assert door.who_is(here, lead.secret, now=now - HOUR) is None
    assert door.who_is(here, lead.secret, now=now + HOUR) is None


def test_a_code_given_by_two_at_once_lets_one_in(here: Workspace) -> None:
    admin = found_team(here)
    code = code_at(admin.code_secret, NOON)
    done = at_once(*[lambda: door.log_in(here, LOGIN, PASSWORD, code, now=NOON)] * 4)
    assert sorted(isinstance(one, Entered) for one in done) == [False, False, False, True]


def test_a_link_used_by_two_at_once_is_used_once(here: Workspace) -> None:
    link = team.invite(here, LOCAL, "paul.exemple", "Paul", "team_lead").secret

    def use() -> bool:
        try:
            return isinstance(door.take_link(here, link, PASSWORD), Entered)
        except TargetingError as error:
            return "was used" not in str(error) and None  # type: ignore[return-value]

    assert sorted(at_once(use, use, use)) == [False, False, True]


def test_the_first_link_used_by_two_at_once_makes_one_administrator(here: Workspace) -> None:
    link = door.first_link(here)
    assert link

    def use(login: str) -> bool:
        try:
            door.take_link(here, link, PASSWORD, login=login, name="Une")
        except TargetingError:
            return False
        return True

    assert sorted(at_once(lambda: use("une.exemple"), lambda: use("deux.exemple"))) == [False, True]
    assert [p.role for p in team.list_team(here, LOCAL)] == ["administrator"]


@pytest.mark.parametrize("others", [0, 1])
def test_two_administrators_who_close_each_other_leave_one_who_did_it_in_time(
    here: Workspace, others: int
) -> None:
    one = found_team(here)
    two = add_member(here, one.actor, "administrator", "deux.exemple")
    for n in range(others):
        add_member(here, one.actor, "administrator", f"autre.{n}")

    def close(mine: team.Actor, other: team.Actor) -> str:
        try:
            team.disable(here, mine, other.id)
        except TargetingError as error:
            return type(error).__name__
        return "done"

    done = at_once(lambda: close(one.actor, two.actor), lambda: close(two.actor, one.actor))
    assert sorted(done) in (["ForbiddenError", "done"], ["TargetingError", "done"])
    states = {p.id: p.state for p in team.list_team(here, LOCAL)}
    assert sorted(states[m.actor.id] for m in (one, two)) == ["active", "disabled"]


def test_who_lost_the_role_meanwhile_gives_none(here: Workspace) -> None:
    one = found_team(here)
    two = add_member(here, one.actor, "administrator", "deux.exemple")
    lead = add_member(here, one.actor, "team_lead")
    team.change_role(here, one.actor, two.actor.id, "strategist")
    with pytest.raises(ForbiddenError):
        team.change_role(here, two.actor, lead.actor.id, "administrator")
    with pytest.raises(ForbiddenError):
        team.disable(here, two.actor, one.actor.id)


def test_ending_each_others_sessions_ends_both_and_nothing_else(here: Workspace) -> None:
    one = found_team(here)
    two = add_member(here, one.actor, "administrator", "deux.exemple")
    at_once(
        lambda: team.end_session(here, one.actor, two.actor.session),
        lambda: team.end_session(here, two.actor, one.actor.session),
    )
    assert door.who_is(here, one.secret) is None
    assert door.who_is(here, two.secret) is None
    code = code_at(one.code_secret, NOON)
    assert isinstance(door.log_in(here, LOGIN, PASSWORD, code, now=NOON), Entered)


def test_a_new_password_does_not_stand_for_the_code(here: Workspace) -> None:
    admin = found_team(here)
    link = team.renew(here, LOCAL, admin.actor.id)
    other = "violon-caillou-parapluie"
    assert door.take_link(here, link, other) == Renewed()
    assert door.who_is(here, admin.secret) is None, "its sessions are ended"
    assert isinstance(door.log_in(here, LOGIN, other, now=NOON), Refused)
    code = code_at(admin.code_secret, NOON)
    assert isinstance(door.log_in(here, LOGIN, other, code, now=NOON), Entered)


def test_who_is_let_in_by_a_provider_has_no_password(here: Workspace) -> None:
    invited = team.invite(here, LOCAL, "ida.exemple", "Ida", "field_director", subject="s-1")
    assert invited.secret == ""
    with pytest.raises(TargetingError, match="identity provider"):
        team.renew(here, LOCAL, invited.person.id)
    assert isinstance(door.log_in(here, "ida.exemple", "", now=NOON), Refused)
    assert isinstance(door.enter_as(here, "s-1", now=NOON), Entered)
    for other in ("s-2", "", "S-1"):
        assert isinstance(door.enter_as(here, other, now=NOON), Refused)
    team.disable(here, LOCAL, invited.person.id)
    assert isinstance(door.enter_as(here, "s-1", now=NOON), Refused)
    for none in ("", "x" * 256, "é", "a\nb"):
        with pytest.raises(TargetingError, match="subject"):
            team.invite(here, LOCAL, "autre.exemple", "Un", "strategist", subject=none)


def test_four_passwords_are_looked_at_at_once_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    inside, most, lock = [0], [0], threading.Lock()
    gate = threading.Barrier(passwords.AT_ONCE)

    class Counting:
        def verify(self, *_: object) -> bool:
            with lock:
                inside[0] += 1
                most.append(inside[0])
            gate.wait(20)
            with lock:
                inside[0] -= 1
            return True

    monkeypatch.setattr(passwords, "_hasher", Counting())
    at_once(*[lambda: passwords.is_password("kept", "x")] * (2 * passwords.AT_ONCE))
    assert max(most) == passwords.AT_ONCE


def zoe(here: Workspace, times: int) -> list[Actor]:
    """Somebody without a second factor, logged in so many times at noon."""
    add_member(here, found_team(here).actor, "strategist", "zoe.exemple")
    done = [door.log_in(here, "zoe.exemple", PASSWORD, now=NOON) for _ in range(times)]
    return [one.actor for one in done if isinstance(one, Entered)]


def test_who_chooses_a_password_anew_gives_the_old_one_and_is_alone_inside(
    here: Workspace, looked_at: list[str]
) -> None:
    first, second = zoe(here, 2)
    new, moment = "lanterne-cerise-brouette", NOON + timedelta(minutes=2)
    looked_at.clear()
    with pytest.raises(TargetingError, match="too short"):
        door.change_password(here, second, PASSWORD, "short", now=moment)
    assert looked_at == [], "nothing is looked at for a password that is none"
    for _ in range(FREE):
        with pytest.raises(TargetingError, match="present password is not right"):
            door.change_password(here, second, "wrong", new, now=moment)
    with pytest.raises(TargetingError, match="wait 1 s"):
        door.change_password(here, second, PASSWORD, new, now=moment)
    moment += timedelta(seconds=1)
    assert door.change_password(here, second, PASSWORD, new, now=moment) >= 1
    assert door.actor_of(here, first.session, now=moment) == NOBODY
    assert door.actor_of(here, second.session, now=moment) == second
    with pytest.raises(TargetingError, match="present password is not right"):
        door.change_password(here, second, PASSWORD, new, now=moment)


def test_of_two_who_change_one_password_at_once_one_does(here: Workspace) -> None:
    (inside,) = zoe(here, 1)

    def change(new: str) -> Callable[[], bool]:
        def now() -> bool:
            try:
                door.change_password(here, inside, PASSWORD, new, now=NOON)
            except TargetingError:
                return False
            return True

        return now

    done = at_once(change("lanterne-cerise-brouette"), change("armoire-tempete-violon"))
    assert sorted(done) == [False, True]
