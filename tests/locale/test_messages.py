"""What commands and refusals say in French: nothing left out, no sentence taken for another."""

from __future__ import annotations

import json
import re
import string
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from targeting.cli.app import cli
from targeting.locale import messages
from targeting.locale.messages import said, sentences
from tests.locale.message_sources import helps, is_sentence, notes, refusals

WHOLE, CUT = sentences("fr")
ENGLISH = {**WHOLE, **{"{}".join(s.pieces): s.told for s in CUT}}


def call(*arguments: object) -> Result:
    return CliRunner().invoke(cli, [str(a) for a in arguments])


def test_every_refusal_and_help_sentence_has_its_french() -> None:
    wanted = {**dict.fromkeys(helps(), "help"), **refusals()}
    assert len(wanted) > 500
    assert {t: place for t, place in wanted.items() if t not in ENGLISH} == {}


def test_every_note_and_line_of_a_report_has_its_french() -> None:
    wanted = notes()
    assert len(wanted) > 300
    assert {t: place for t, place in wanted.items() if t not in ENGLISH} == {}


def test_the_french_has_the_blanks_of_the_english() -> None:
    other = {}
    for english, told in ENGLISH.items():
        fields = [f for _, f, _, _ in string.Formatter().parse(told) if f is not None]
        numbered = {int(f) if f else i for i, f in enumerate(fields)}
        if numbered != set(range(english.count("{}"))):
            other[english] = told
    assert other == {}


def test_a_sentence_filled_with_anything_is_never_taken_for_another() -> None:
    """The values are words that no sentence has: what comes back holds each, in its place."""
    taken = {}
    for english, told in ENGLISH.items():
        if not is_sentence(english):
            continue
        blanks = [f"zq{n}x" for n in range(english.count("{}"))]
        if said("fr", english.format(*blanks)) != told.format(*blanks):
            taken[english] = said("fr", english.format(*blanks))
    assert taken == {}


@pytest.mark.parametrize(
    ("english", "french"),
    [
        (
            "x.csv, line 3, column “door”: no such recipe. Correct it.",
            "x.csv, ligne 3, colonne « door » : aucune recette de ce nom. Corrigez-la.",
        ),
        (
            "  3,180 doors in = 3,180 in 54 turfs + 0 left out",
            "  3\u202f180 portes en tout = 3\u202f180 dans 54 secteurs + 0 laissées de côté",
        ),
        (
            "f.txt: 2022_pres_t1, 6 stations, 5,213 registered, 4,158 votes cast, 4,069 valid"
            " votes (already imported: nothing changed)",
            "f.txt : présidentielle 2022, 1er tour, 6 bureaux, 5\u202f213 inscrits, 4\u202f158 votants, "
            "4\u202f069 exprimés (déjà importé : rien n’a changé)",
        ),
        ("S0053      54     8   148", "S0053      54     8   148"),
        (
            "    1  99001_0048    0.467  70.3%  2022_pres_t1        912",
            "    1  99001_0048    0,467  70,3\u00a0%  2022_pres_t1        912",
        ),
        (
            "2022_pres_t1: no stop 1 in turf S0001.",
            "présidentielle 2022, 1er tour\u00a0: pas d’arrêt 1 dans le secteur S0001.",
        ),
        (
            "--election 2022_pres_t1 was given, but its lines are those of 2022_pres_t2.",
            "--election 2022_pres_t1 a été donné, mais ses listes sont celles de 2022_pres_t2.",
        ),
        (
            "2022_pres_t1.csv: there is nothing inside.",
            "2022_pres_t1.csv\u00a0: il n’y a rien dedans.",
        ),
        (
            "(already_met: 107, in_another_turf: 325)",
            "(foyer déjà rencontré\u00a0: 107, déjà dans un secteur en cours\u00a0: 325)",
        ),
        (
            "x.geojson: no property “zz”; properties: a, b. Give one of them with --layer.",
            "x.geojson\u00a0: pas de propriété «\u00a0zz\u00a0»\u00a0; propriétés\u00a0: a, b. "
            "Donnez l’une d’elles avec --layer.",
        ),
        ("extra: +41.9%", "extra\u00a0: +41,9\u00a0%"),
        ("", ""),
    ],
)
def test_a_text_is_said_piece_by_piece_and_its_values_stay(english: str, french: str) -> None:
    assert said("fr", english) == french
    assert said("en", english) == english


def test_a_command_speaks_french_unless_asked_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RELANCE_LANG")
    nowhere = tmp_path / "nowhere"
    assert "il n’y a pas de campagne" in call("--workspace", nowhere, "score").output
    assert "there is no workspace" in call("--lang", "en", "--workspace", nowhere, "score").output
    monkeypatch.setenv("RELANCE_LANG", "en")
    assert "there is no workspace" in call("--workspace", nowhere, "score").output
    assert (
        "il n’y a pas de campagne" in call("--lang", "fr", "--workspace", nowhere, "score").output
    )


def test_facts_for_machines_are_the_same_in_both_languages(tmp_path: Path) -> None:
    told = [
        json.loads(call("--lang", lang, "--workspace", tmp_path / "w", "--json", "init").stdout)
        for lang in ("fr", "en")
    ]
    assert told[0] == told[1]


def test_help_is_in_french_with_its_commands() -> None:
    page = call("--lang", "fr", "turfs", "--help").output
    assert "Usage :" in page
    assert "Découpe, liste et exporte les secteurs." in page
    assert not re.search(r"Cut|Show this|stored", page)


@pytest.mark.parametrize("language", ["fr", "en"])
def test_a_command_to_type_is_named_as_it_is_called_here(
    language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = "no workspace yet: `python -m targeting init --commune 13055`, or `demo`."
    assert "`python -m targeting init" in said(language, told)
    monkeypatch.setattr(messages, "PROGRAM", "relance")
    assert "`relance init --commune 13055`" in said(language, told)


def test_headings_of_french_help_have_their_blank_before_the_colon() -> None:
    shown = CliRunner(env={"RELANCE_LANG": "fr"}).invoke(cli, ["--help"]).output
    assert "Options\xa0:" in shown
    assert "Commandes\xa0:" in shown


@pytest.mark.parametrize(
    ("words", "told"),
    [(["score", "--method", "zzz"], "'ensemble'. Voyez `cli score --help`."),
     (["init", "--target", "zzz"], "bloc `zzz` inconnu\xa0: `far_left`, `left`,")],
)  # fmt: skip
def test_a_french_refusal_is_french_to_its_end_and_leaves_what_is_to_be_typed(
    words: list[str], told: str, tmp_path: Path
) -> None:
    shown = CliRunner(env={"RELANCE_LANG": "fr"}).invoke(
        cli, ["--workspace", str(tmp_path), *words]
    )
    assert shown.exit_code == 2
    assert told in shown.output
