"""The card of a station on one page, read back."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from targeting.exports.card_sheet import CardSheet, Figure, Round, write_card_sheet
from targeting.exports.map_sheet import LegendRow
from targeting.palette import LIGHT
from tests.exports.test_map_sheet import DAY, HOSTILE, MM, letters_outside, page_of, text_of
from tests.exports.towns_on_paper import town

NAN = float("nan")
ROUNDS = (
    Round("prés. 17-1", 0.76, 0.54, False, 0.74, 0.34),
    Round("légis. 17-2", 0.32, NAN, True, 0.46, NAN),
    Round("prés. 22-1", 0.75, 0.67, False, 0.72, 0.39),
)


def card(**given) -> CardSheet:
    plain = CardSheet(
        title="Bureau 48", place="École Jaurès", campaign="Ville", answer=["1er sur 62 par priorité"],
        reasons=["70 % d’abstention", "66 % pour la gauche", "262 personnes à rencontrer"],
        figures=[Figure("Inscrits", "912"), Figure("Abstention", "70,3 %")],
        warnings=["Contour de 2022."], share_name="Part de la gauche",
        map=town(is_chosen=[n == 1 for n in range(6)]), legend_title="Priorité",
        legend=[LegendRow(LIGHT[4], "très prioritaire : 33 à 42")], credits=["Une source"], rounds=ROUNDS,
    )  # fmt: skip
    return replace(plain, **given)


def test_a_card_says_the_answer_the_reasons_the_figures_the_past_and_its_sources():
    told = text_of(write_card_sheet(card(), today=DAY))
    for words in (
        "Bureau 48", "École Jaurès", "Ville", "27 novembre 2026", "1er sur 62 par priorité",
        "70 % d’abstention", "66 % pour la gauche", "262 personnes à rencontrer", "Inscrits 912",
        "Abstention 70,3 %", "Contour de 2022.", "très prioritaire : 33 à 42", "Une source",
        "prés. 17-1", "légis. 17-2", "Part de la gauche", "Participation", "Le bureau parmi ses voisins",
    ):  # fmt: skip
        assert words in told


def test_the_past_is_drawn_with_its_values_the_whole_line_and_what_is_uncertain():
    told = text_of(write_card_sheet(card(), today=DAY))
    for value in ("76 %", "54 %", "32 %", "75 %", "67 %"):
        assert value in told
    assert "tirets : toute la campagne" in told
    assert "point vide : passé incertain" in told
    sure = [r._replace(is_uncertain=False, whole_turnout=NAN) for r in ROUNDS]
    plain = text_of(write_card_sheet(card(rounds=sure), today=DAY))
    assert "tirets" not in plain
    assert "point vide" not in plain


def test_a_card_without_outline_or_without_past_says_so_and_the_rest():
    told = text_of(write_card_sheet(card(map=None, rounds=()), today=DAY))
    assert "Ce bureau n’a pas de contour" in told
    assert "Aucun scrutin importé n’a ce bureau." in told
    assert "1er sur 62 par priorité" in told


@pytest.mark.parametrize("name", HOSTILE)
def test_whatever_a_station_is_called_its_card_says_it_as_text_on_one_page(name):
    figures = [Figure(name, name)] * 20
    shown = town(names=[name] * 6, is_chosen=[True] + [False] * 5)
    sheet = card(
        title=name, place=name, campaign=name, answer=[name] * 5, reasons=[name] * 6, figures=figures,
        warnings=[name] * 9, map=shown, legend=[LegendRow(LIGHT[4], name)], legend_title=name,
        credits=[name], share_name=name, rounds=[Round(name, 0.5, 0.5, True)] * 30,
    )  # fmt: skip
    page = page_of(write_card_sheet(sheet, today=DAY))
    assert letters_outside(page, 12 * MM) == []
    told = page.get_textpage().get_text_range()
    assert "\u202e" not in told
    if name.isascii() and len(name) < 30:
        assert re.sub(r"[\s\u200b]+", "", told).count(re.sub(r"\s+", "", name)) >= 15


def test_the_longest_card_is_one_page_and_keeps_its_credits():
    sentence = "Le bureau est né d’un partage depuis la présidentielle de 2022, " * 5
    sheet = card(
        answer=[sentence] * 3, reasons=[sentence] * 4, warnings=[sentence] * 5,
        figures=[Figure("Reste à rencontrer (environ)", "1 234 (1 000 à 2 000)")] * 12,
        credits=[f"Source numéro {n} : un éditeur, Licence Ouverte 2.0" for n in range(12)],
    )  # fmt: skip
    page = page_of(write_card_sheet(sheet, today=DAY))
    assert letters_outside(page, 12 * MM) == []
    told = re.sub(r"\s+", " ", page.get_textpage().get_text_range())
    assert "Source numéro 11" in told
    assert "jamais sur une personne" in told
