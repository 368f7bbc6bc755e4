"""Phone books before any browser: what is in the file, and what is not."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re

import pytest

from targeting.exports.phone_book import (
    LOCK_WORDS,
    SCRIPTS,
    book_content,
    page_script,
    phone_page,
    write_phone_books,
)
from targeting.field.books import WalkBook
from targeting.field.sealing import SealError, book_id_of, book_key, open_sealed
from targeting.locale import LANGUAGES, texts
from targeting.outcomes import OUTCOMES
from tests.field.phones import PHRASE
from tests.field.turfs import DAY, HOUSES, book

SECRET = b"s" * 32


def page(built: WalkBook, **options: str) -> str:
    return phone_page(built, secret=SECRET, phrase=PHRASE, today=DAY, **options)


def held(text: str) -> dict:  # type: ignore[type-arg]
    return json.loads(re.search(r'id="held">(.*?)</script>', text, re.DOTALL)[1])


def opened(text: str) -> dict:  # type: ignore[type-arg]
    sealed = base64.b64decode(held(text)["sealed"])
    return json.loads(open_sealed(sealed, book_key(SECRET, book_id_of(sealed)), "book"))


def test_the_phone_has_the_doors_of_the_book_in_order_under_its_ids():
    built = book(closed={3: [2]}, ranges={4: (3, 9)})
    content = opened(page(built))
    assert content == book_content(built, DAY, "fr")
    assert [
        (
            s["order"],
            s["building"],
            [(d["number"], d["closed"]) for g in s["groups"] for d in g["doors"]],
        )
        for s in content["stops"]
    ] == [(s.order, s.building_id, [(d.number, d.is_closed) for d in s.doors]) for s in built.stops]
    assert list(content["outcomes"]) == list(OUTCOMES)


def test_the_page_lets_nothing_in_or_out_and_runs_only_its_own_program():
    text = page(book())
    policy = html.unescape(re.search(r'Policy" content="([^"]+)"', text)[1])
    for source, kind in (
        (re.search(r"<style>(.*?)</style>", text, re.DOTALL)[1], "style"),
        (re.search(r"<script>(.*?)</script>", text, re.DOTALL)[1], "script"),
    ):
        digest = base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'")
    assert "connect-src" not in policy
    assert "unsafe" not in policy
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", text)
    assert "innerHTML" not in text
    assert "style=" not in text


def test_every_writing_is_a_book_of_its_own_and_none_opens_with_anothers_key():
    built = book()
    first, second = (base64.b64decode(held(page(built))["sealed"]) for _ in range(2))
    assert book_id_of(first) != book_id_of(second)
    with pytest.raises(SealError):
        open_sealed(first, book_key(SECRET, book_id_of(second)), "book")


def test_nothing_can_close_the_block_that_holds_the_book():
    assert "</" not in json.dumps(held(page(book()))).replace("<\\/", "")
    assert page(book([("</script><b>", 1, 1, (20, 30))])).count("</script>") == 2


def test_the_program_asks_for_words_that_exist():
    asked = set(re.findall(r'say\("(\w+)"', page_script()))
    asked |= {f"view_{v}" for v in ("door", "list", "map", "end")}
    asked |= set(re.findall(r'"((?:all|zoom|print)_\w+)"', page_script())) | {
        "no_storage",
        "state_damaged",
    }
    for language in LANGUAGES:
        known = {k.removeprefix("phone.") for k in texts(language)}
        assert len(asked) > 40
        assert {w for w in asked if w not in known and f"{w}.many" not in known} == set()
    assert set(re.findall(r"held\.words\.(\w+)|words\.(\w+)", page_script())) != set()
    assert set(re.findall(r"(?:held\.)?\bwords\.(\w+)", page_script())) <= set(LOCK_WORDS)


def test_a_book_is_small_and_its_parts_are_all_in_it(tmp_path):
    (path,) = write_phone_books(
        tmp_path, [book(HOUSES)], secret=SECRET, phrase=PHRASE, today=DAY, language="en"
    )
    assert path.name == "S0001.html"
    assert path.stat().st_size < 100_000
    assert page_script().count('"use strict"') == len(SCRIPTS)
