"""Both languages say the same things, and every key of the code is there."""

import ast
import re
import string
from collections import Counter
from datetime import date
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from babel.numbers import format_decimal, format_percent

from targeting import locale
from targeting.access.roles import ACTIONS, ROLES
from targeting.codes import BLOCS, KINDS
from targeting.config import PROJECT
from targeting.exports.phone_book import LOCK_WORDS
from targeting.field.phone_return import CORRECTIONS
from targeting.locale import text_in, texts
from targeting.locale.glossary import TERMS
from targeting.maps.board import SECTORS
from targeting.maps.measures import METRICS
from targeting.outcomes import OUTCOMES, REASONS, THEMES
from targeting.reference.sheets import SOURCES
from targeting.scoring.backtest import LABELS
from targeting.scoring.capture import ARENAS
from targeting.scoring.methods import OFFERED
from targeting.scoring.product import REDRAWN
from targeting.scoring.rankings import BASELINES
from targeting.store.audit import ACTS
from targeting.store.models import TURF_STATUSES
from targeting.store.models_access import STATES
from targeting.web.journal import KINDS as KINDS_OF_ACTS
from targeting.web.journal import THINGS

ASKS = ("say", "text_in", "count_in", "tell", "told")
FAMILIES = {
    "outcome": OUTCOMES,
    "election": KINDS,
    "chart": KINDS,
    "round": ("1", "2"),
    "bloc": BLOCS,
    "reason": ("small_station", "no_valid_votes", "no_past", "roll_moved", *REDRAWN, "uncertain"),
    "status": TURF_STATUSES,
    "excluded": (
        *REASONS.values(),
        "nobody_registered",
        "outside_stations",
        "in_another_turf",
        "no_coordinates",
    ),
    "metric": METRICS,
    "book.theme": THEMES,
    "phone": LOCK_WORDS,
    "phone.correction": CORRECTIONS,
    "card.outline": ("published", "built", "points"),
    "method": (*BASELINES, "ecological", *OFFERED, "ceiling"),
    "backtest.arena": ARENAS,
    "backtest.label": LABELS,
    "source": SOURCES,
    "glossary": TERMS,
    "glossary.name": TERMS,
    "map": (*SECTORS, *(f"{sector}_any" for sector in SECTORS)),
    "act": ACTS,
    "action": ACTIONS,
    "thing": THINGS,
    "log.kind": KINDS_OF_ACTS,
    "role": ROLES,
    "role_is": ROLES,
    "state": STATES,
    "place": ("arrondissement", "constituency", "constituency_first"),
}


def blanks(text):
    return Counter(name for _, name, _, _ in string.Formatter().parse(text) if name is not None)


def keys_in_code():
    """Whole keys given to the functions that speak, in Python and in templates."""
    keys = set()
    for folder in ("pages", "targeting"):
        for path in (PROJECT / folder).rglob("*.py"):
            for call in ast.walk(ast.parse(path.read_text())):
                if not isinstance(call, ast.Call):
                    continue
                name = getattr(call.func, "id", getattr(call.func, "attr", ""))
                if name in ASKS:
                    keys |= {
                        f"{a.value}.one" if name in ("count_in", "told") else a.value
                        for a in call.args[:2]
                        if isinstance(a, ast.Constant) and "." in str(a.value)
                    }
    for path in (PROJECT / "targeting").rglob("templates/*.html"):
        keys |= set(re.findall(r"say\([\"']([\w.]+)[\"'][,)]", path.read_text()))
    return keys


def test_both_languages_have_the_same_keys():
    assert texts("fr").keys() == texts("en").keys()


def test_both_languages_have_the_same_blanks():
    different = [k for k in texts("fr") if blanks(texts("fr")[k]) != blanks(texts("en")[k])]
    assert different == []


@pytest.mark.parametrize("language", locale.LANGUAGES)
def test_no_key_is_given_twice(language):
    with open(Path(locale.__file__).with_name(f"{language}.po"), "rb") as file:
        ids = re.findall(r'^msgid "(.+)"$', file.read().decode(), re.MULTILINE)
    assert [k for k, n in Counter(ids).items() if n > 1] == []
    with open(Path(locale.__file__).with_name(f"{language}.po"), "rb") as file:
        assert all(m.string for m in read_po(file) if m.id)


def test_every_key_of_the_code_exists():
    used = keys_in_code()
    assert len(used) > 50
    assert used - texts("fr").keys() == set()


def test_every_code_of_the_tables_has_its_words():
    wanted = {f"{family}.{code}" for family, codes in FAMILIES.items() for code in codes}
    assert wanted - texts("fr").keys() == set()


def test_both_forms_of_a_count_exist():
    ones = {k.removesuffix(".one") for k in texts("fr") if k.endswith(".one")} - {"turfs"}
    assert {f"{k}.many" for k in ones} <= texts("fr").keys()


def test_french_signs_never_begin_a_line():
    loose = [k for k, text in texts("fr").items() if re.search(r" [:;?!%»]|« ", text)]
    assert loose == []


def test_a_key_that_a_language_lacks_is_said_in_french(monkeypatch):
    monkeypatch.delitem(texts("en"), "map.title")
    assert text_in("en", "map.title") == "Carte des priorités"


def test_an_unknown_key_is_refused_and_an_unknown_language_is_french():
    with pytest.raises(KeyError):
        text_in("fr", "map.no_such_text")
    assert text_in("de", "map.title") == "Carte des priorités"


def test_numbers_are_written_as_the_language_does():
    assert locale.number_in("fr", 12345) == "12\u202f345"
    assert locale.percent_in("fr", 0.7644) == "76,4\u00a0%"
    assert locale.percent_in("en", 0.7644) == "76.4%"
    assert locale.number_in("fr", float("nan")) == locale.NO_VALUE
    assert locale.date_in("fr", date(2026, 3, 1)) == "1 mars 2026"
    assert locale.election_in("fr", "2022_pres_t1") == "présidentielle 2022, 1er tour"
    assert locale.election_in("en", "2024_euro_t1") == "2024 European"
    assert [locale.ordinal_in("en", n) for n in (1, 2, 3, 11, 22)] == [
        "1st", "2nd", "3rd", "11th", "22nd",
    ]  # fmt: skip
    assert "10\u00a0%" in locale.reason_in("fr", "roll_moved:2022_legi_t1")
    assert locale.count_in("fr", "doors", 0) == "0 porte"
    assert locale.count_in("en", "doors", 0) == "0 doors"


@pytest.mark.parametrize("value", [0.7645, 0.7635, 0.00049, 0.5, 1, 1e21, 12345.5, -0.0004])
def test_a_number_met_again_is_written_as_the_first_time(value):
    for decimals in (0, 1, 2):
        form = "#,##0" + ("." + "0" * decimals if decimals else "")
        plain = format_decimal(value, format=form, locale="en")
        percent = format_percent(value, format=f"{form}%", locale="en")
        for _ in range(2):
            number = locale.number_in("en", value, decimals=decimals)
            assert number == (plain.lstrip("-") if value == -0.0004 else plain)
            rate = locale.percent_in("en", value, decimals=decimals)
            assert rate in (percent, percent.lstrip("-"))
