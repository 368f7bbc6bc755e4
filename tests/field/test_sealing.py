"""What is sealed opens with its key or its phrase, and with nothing else."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from targeting.errors import TargetingError
from targeting.field import sealing
from targeting.field.sealing import (
    HEADER_BYTES,
    ITERATIONS,
    SealError,
    book_id_of,
    book_key,
    check_phrase,
    draw_phrase,
    make_header,
    open_sealed,
    phrase_key,
    plain_phrase,
    seal,
    unwrap_key,
)
from targeting.workflows.outings.phone_secret import phrase_words
from tests.examples import examples

SECRET = bytes(range(32))
BOOK = b"b" * 16
PHRASE = phrase_key("sapin fusée roche lune")
KEY = book_key(SECRET, BOOK)
SEALED = seal(make_header(PHRASE, BOOK, KEY), KEY, "book", b"{}")


def test_what_is_sealed_opens_by_the_secret_and_by_the_phrase_however_it_is_typed():
    assert open_sealed(SEALED, book_key(SECRET, book_id_of(SEALED)), "book") == b"{}"
    assert open_sealed(SEALED, unwrap_key(SEALED, " SAPIN-fusee  Roche lune "), "book") == b"{}"


def test_the_phrase_is_hashed_as_often_as_is_advised_today():
    assert ITERATIONS >= 600_000
    assert len(make_header(PHRASE, BOOK, KEY)) == HEADER_BYTES


@settings(max_examples=examples(60), deadline=None)
@given(st.integers(0, len(SEALED) - 1), st.integers(1, 255))
def test_one_changed_byte_is_seen(place, change):
    changed = bytearray(SEALED)
    changed[place] ^= change
    with pytest.raises(SealError):
        open_sealed(bytes(changed), KEY, "book")


def test_a_wrong_phrase_another_purpose_and_a_cut_file_are_refused():
    with pytest.raises(SealError, match="phrase is not that of this book"):
        unwrap_key(SEALED, "sapin fusee roche lunes")
    with pytest.raises(SealError):
        open_sealed(SEALED, KEY, "return")
    with pytest.raises(SealError, match="cut short"):
        open_sealed(SEALED[:90], KEY, "book")


def test_a_header_that_asks_for_endless_work_is_refused():
    endless = SEALED[:20] + b"\xff\xff\xff\xff" + SEALED[24:]
    with pytest.raises(SealError, match="damaged"):
        unwrap_key(endless, "sapin fusee roche lune")


def test_phrases_have_fifty_bits_and_short_ones_are_refused():
    words = phrase_words()
    assert len(set(words)) == len(words) >= 1024
    assert all(plain_phrase(w) == w for w in words)
    phrase = draw_phrase(words, random.Random(1).choice)
    assert len(phrase.split()) == sealing.PHRASE_WORDS
    assert phrase_key(phrase).key != phrase_key(phrase).key, "each packet has its salt"
    with pytest.raises(ValueError, match="too few"):
        draw_phrase(words[:1000], random.Random(1).choice)
    with pytest.raises(TargetingError, match="at least 12"):
        phrase_key("été 2027")


@pytest.mark.parametrize(
    "weak",
    ["aaaaaaaaaaaa", "abababababab", "abcdefghijkl", "azertyuiopqsd", "123456789012",
     "motdepasse123", "MotDePasse2026!", "jean jean jean jean", "0612345678 2026",
     "relance campagne 2026", "111222333444", "qwertyuiop12", "zyxwvutsrqpo"],
)  # fmt: skip
def test_a_phrase_that_is_easily_guessed_is_refused_and_not_repeated(weak):
    with pytest.raises(TargetingError, match="easily guessed") as told:
        check_phrase(weak)
    assert weak not in str(told.value)


def test_words_that_have_nothing_to_do_with_each_other_are_taken():
    chance = random.Random(7)
    drawn = [draw_phrase(phrase_words(), chance.choice) for _ in range(500)]
    for phrase in (*drawn, "les cerises du jardin", "sapin fusée roche lune"):
        check_phrase(phrase)
