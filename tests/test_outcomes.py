"""Outcomes and themes are said once: nobody keeps a list of their own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from targeting.households.doors import load_cooling_off
from targeting.outcomes import (
    FIRST_TOLD,
    KNOCKED,
    MET,
    MUTE,
    OPENED,
    OPPOSITION,
    OUTCOMES,
    OUTCOMES_TABLE,
    REASONS,
    REDO,
    ROLES,
    TALKED,
    THEMES,
)

PACKAGE = Path(__file__).resolve().parents[1] / "targeting"


AGREED = (
    "not_home", "talked", "come_back", "refused", "do_not_contact", "inaccessible", "bad_address",
    "moved",
)  # fmt: skip
"""Of DESIGN 3: they stay, in this order, whatever comes after them."""


def test_what_the_table_says_of_each_agreed_outcome_is_what_was_agreed():
    assert OUTCOMES[: len(AGREED)] == AGREED
    agreed = set(AGREED)
    assert agreed & set(OPENED) == {"talked", "come_back", "refused", "do_not_contact", "moved"}
    assert agreed & set(KNOCKED) == agreed & {*OPENED, "not_home"}
    assert agreed & set(MET) == {"talked", "refused", "do_not_contact"}
    assert agreed & set(MUTE) == {"not_home", "refused", "do_not_contact"}
    assert agreed & set(REDO) == {"not_home", "come_back"}
    assert ROLES == {"talk": "talked", "nobody": "not_home", "shut": "inaccessible"}


def test_the_table_contradicts_itself_nowhere():
    assert len(set(OUTCOMES)) == len(OUTCOMES)
    assert len(set(THEMES)) == len(THEMES)
    assert set(MET) <= set(OPENED) <= set(KNOCKED)
    assert TALKED not in MUTE
    assert set(FIRST_TOLD) <= set(REASONS.values())
    assert sum(o.demo_share for o in OUTCOMES_TABLE) == pytest.approx(1)
    assert load_cooling_off().keys() == set(OUTCOMES)
    assert load_cooling_off()[OPPOSITION] is None


CODES = sorted({*OUTCOMES, *THEMES} - {"moved", "refused", "other", "school", "health", "housing"})
"""Those that are no word of something else."""

SAID_ONCE = re.compile(rf"""["'.](?:{"|".join(CODES)})["' ]""")
ALLOWED = {"outcomes.py", "en.po", "fr.po", "messages_fr.po"}


def test_no_other_file_of_the_code_spells_an_outcome_or_a_theme():
    for path in sorted(PACKAGE.rglob("*.*")):
        if path.suffix not in (".py", ".js", ".css", ".html", ".typ") or path.name in ALLOWED:
            continue
        if "migrations" in path.parts:  # as the database stood then
            continue
        lines = [
            line for line in path.read_text().splitlines()
            if SAID_ONCE.search(line) and not line.lstrip().startswith((">>>", "'"))
        ]  # fmt: skip
        assert not lines, f"{path.relative_to(PACKAGE)}: {lines}"
