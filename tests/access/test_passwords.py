"""What is taken as a password, a login, a code of the moment; how long a guesser waits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from targeting.access.codes import code_address, new_code_secret, step_of_code
from targeting.access.names import login_of, shown_name
from targeting.access.passwords import (
    LONGEST,
    SHORTEST,
    check_password,
    hash_password,
    is_outdated,
    is_password,
)
from targeting.access.sessions import CLOCK, IDLE, Times, digest, is_live
from targeting.access.sessions import LONGEST as OLDEST
from targeting.access.throttle import (
    FORGOTTEN_AFTER,
    FREE,
    LONGEST_WAIT,
    MOST_AN_ADDRESS,
    WINDOW,
    Tries,
    is_flood,
    one_more,
    one_more_in_window,
    seconds_to_wait,
)
from targeting.errors import TargetingError

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
GOOD = "girafe-balcon-tournevis"
SECOND = timedelta(seconds=1)


def test_a_password_has_twelve_signs_and_two_hundred_and_fifty_six_at_most() -> None:
    check_password("qzkvbwxjhfmp")
    for short in ("", "qzkvbwxjhfm"):
        with pytest.raises(TargetingError, match="too short: 12 signs"):
            check_password(short)
    check_password(GOOD * 11 + "qzk")
    assert len(GOOD * 11 + "qzk") == LONGEST
    with pytest.raises(TargetingError, match="longer than 256"):
        check_password(GOOD * 11 + "qzkv")
    assert SHORTEST == 12


@pytest.mark.parametrize(
    "common",
    ["passwordpassword", "123456789012", "azertyuiop12", "aaaaaaaaaaaaaa", "motdepasse123",
     "Relance2026!", "jeanne.martin1"],
)  # fmt: skip
def test_what_is_guessed_first_is_no_password(common: str) -> None:
    with pytest.raises(TargetingError, match="tried first"):
        check_password(common, ["jeanne.martin", "Jeanne", "Martin"])


def test_a_password_is_kept_so_that_only_itself_fits_and_no_two_are_alike() -> None:
    kept = hash_password(GOOD)
    assert kept.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert GOOD not in kept
    assert kept != hash_password(GOOD)
    assert is_password(kept, GOOD)
    assert not is_password(kept, GOOD + "x")
    assert not is_password(kept, GOOD * 3000)
    assert not is_password(None, "nobody has this password")
    assert not is_password("no hash at all", GOOD)
    assert not is_outdated(kept)
    assert is_outdated(kept.replace("m=65536,t=3", "m=65536,t=2"))


def test_the_same_letters_typed_on_two_keyboards_are_one_password() -> None:
    composed, decomposed = "é" * 12, "e\N{COMBINING ACUTE ACCENT}" * 12
    assert composed != decomposed
    assert is_password(hash_password(composed), decomposed)


@pytest.mark.parametrize(
    "alike",
    ["jeаnne", "ａnna", "jeanne ", "an", "a" * 81, "jean\u200bne", "a b", ".anna", "ANNA\n"],
)
def test_a_login_that_looks_like_anothers_is_none(alike: str) -> None:
    if alike in ("jeanne ", "ANNA\n"):
        assert login_of(alike) == alike.strip().lower()
        return
    with pytest.raises(TargetingError, match="plain letters"):
        login_of(alike)


def test_a_name_has_no_sign_that_turns_or_hides_text() -> None:
    assert shown_name("  Zoé   O’Brien ") == "Zoé O’Brien"
    for bad in ("", "  ", "a" * 81, "Anna\u202egnp", "A\x00", "A\u200bB"):
        with pytest.raises(TargetingError, match="1 to 80"):
            shown_name(bad)


# -- codes of the moment ---------------------------------------------------------------------------


def test_a_code_is_good_for_its_half_minute_and_a_neighbour_once() -> None:
    secret = new_code_secret()
    totp = pyotp.TOTP(secret)
    step = int(NOON.timestamp()) // 30
    for off, found in ((-2, None), (-1, step - 1), (0, step), (1, step + 1), (2, None)):
        assert step_of_code(secret, totp.generate_otp(step + off), NOON, None) == found
    code = totp.generate_otp(step)
    assert step_of_code(secret, f" {code[:3]} {code[3:]} ", NOON, step - 1) == step
    assert step_of_code(secret, code, NOON, step) is None
    assert step_of_code(secret, code, NOON, step + 1) is None


@pytest.mark.parametrize("bad", ["", "12345", "1234567", "abcdef", "١٢٣٤٥٦", "-12345"])
def test_what_is_no_code_is_none(bad: str) -> None:
    assert step_of_code(new_code_secret(), bad, NOON, None) is None


def test_the_square_to_scan_names_the_product_and_the_login() -> None:
    secret = new_code_secret()
    assert code_address(secret, "anna").startswith(f"otpauth://totp/Relance:anna?secret={secret}")


# -- waits -----------------------------------------------------------------------------------------


def test_five_failures_are_free_then_the_wait_doubles_up_to_five_minutes() -> None:
    waits = [seconds_to_wait(Tries(n, NOON, NOON), NOON) for n in range(1, 16)]
    assert waits[: FREE - 1] == [0.0] * 4
    assert waits[FREE - 1 :] == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]
    late = Tries(100, NOON, NOON)
    assert seconds_to_wait(late, NOON + 299 * SECOND) == 1.0
    assert seconds_to_wait(late, NOON + 300 * SECOND) == 0.0
    assert seconds_to_wait(late, NOON - timedelta(days=400)) == LONGEST_WAIT
    assert seconds_to_wait(None, NOON) == 0.0


def test_at_most_sixty_guesses_an_hour_reach_one_account() -> None:
    tries, now, made = None, NOON, 0
    while now < NOON + timedelta(hours=1):
        if seconds_to_wait(tries, now) == 0.0:
            tries, made = one_more(tries, now), made + 1
        now += SECOND
    assert made <= 60


def test_failures_are_forgotten_an_hour_after_the_last() -> None:
    old = Tries(50, NOON, NOON)
    assert seconds_to_wait(old, NOON + FORGOTTEN_AFTER + SECOND) == 0.0
    assert one_more(old, NOON + FORGOTTEN_AFTER + SECOND).count == 1
    assert one_more(old, NOON + FORGOTTEN_AFTER).count == 51


def test_an_address_has_twenty_tries_a_minute() -> None:
    tries = None
    for _ in range(MOST_AN_ADDRESS):
        assert not is_flood(tries, NOON, MOST_AN_ADDRESS)
        tries = one_more_in_window(tries, NOON)
    assert is_flood(tries, NOON, MOST_AN_ADDRESS)
    assert is_flood(tries, NOON + WINDOW - SECOND, MOST_AN_ADDRESS)
    assert not is_flood(tries, NOON + WINDOW, MOST_AN_ADDRESS)
    assert not is_flood(tries, NOON - SECOND, MOST_AN_ADDRESS)


# -- sessions --------------------------------------------------------------------------------------


def test_a_session_lasts_half_an_hour_unused_and_twelve_hours_in_all() -> None:
    def live(after: timedelta, seen: timedelta) -> bool:
        return is_live(Times(NOON, NOON + seen), NOON + after)

    assert live(IDLE, timedelta(0))
    assert not live(IDLE + SECOND, timedelta(0))
    assert live(OLDEST, OLDEST - IDLE)
    assert not live(OLDEST + SECOND, OLDEST)
    assert not is_live(Times(NOON, NOON, ended_at=NOON), NOON)


@given(st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=3000)))
def test_a_clock_set_back_ends_a_session_and_never_lengthens_it(back: timedelta) -> None:
    assert is_live(Times(NOON, NOON), NOON - back) == (back <= CLOCK)


def test_a_secret_of_any_signs_has_a_digest() -> None:
    assert len(digest("\udcff" * 3)) == 64
