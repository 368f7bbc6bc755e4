"""What commands, notes and refusals say, in the user's language.

The code says a thing once, in English, with what it found in the blanks: an error is raised far
from any user, and its English sentence is what the log and the tests read. `messages_fr.po` holds
the French of each sentence: the msgid is the sentence with `{}` for each blank, the msgstr the same
with its blanks (`{0}`, `{1}` … where their order changes). A text made of several sentences, or a
value that is itself a sentence, is said piece by piece; what has no French stays as it is. A code
is for files: in a sentence an election or a reason is said in words, but where it may have to be
typed (a sentence that names an option). Cells of a table keep their codes, and their columns.

>>> said("fr", "no such recipe. Correct it.")
'aucune recette de ce nom. Corrigez-la.'
>>> said("en", "no such recipe.")
'no such recipe.'
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Final

from babel.messages.pofile import read_po

from targeting.codes import ELECTION_ID
from targeting.locale import DEFAULT, LANGUAGES, election_in, known_language, texts
from targeting.shipped import IN_CHECKOUT, PROGRAM

LANGUAGE_VARIABLE: Final = "RELANCE_LANG"

BLANK: Final = "{}"
LONGEST: Final = 20_000
"""A longer text is no sentence of ours: it is given back as it is."""

_NUMBER: Final = re.compile(r"[-−]?\d{1,3}(?:,\d{3})+|[-−]?\d+")
_DECIMAL: Final = re.compile(r"([-+−]?\d{1,3}(?:,\d{3})*|[-+−]?\d+)\.(\d+)(%?)|([-+−]?\d+)%")
_OPTION: Final = re.compile(r"--[a-z]")
_MARKED: Final = re.compile("\ue000(.*?)\ue001")
"""An election met in a blank: whether it is said in words, the whole line tells."""
_LOOSE: Final = re.compile(r"([^\s:;?!])([:;?!])$")
_GAP: Final = re.compile(r"( {2,})")
_NEXT: Final = re.compile(r"\. +[A-ZÀ-Ý]")
FAMILIES: Final = ("action", "bloc", "excluded", "outcome", "role", "status")
"""Codes of tables that may stand in a sentence: their words are those of the screens."""
MEASURES: Final = ("minutes_expected", "n_doors")
"""What turfs are evened out by: names of columns, whose words stand with the sentences."""

_END: Final = re.compile(r"(?<=[.:;,!?)…”])\s+|\s+(?=\()")


@dataclass(frozen=True)
class Sentence:
    """One sentence of ours in English, cut at its blanks, and in the other language."""

    pieces: tuple[str, ...]
    told: str

    @property
    def weight(self) -> int:
        """How much of it is words: of two sentences that fit, the wordier is meant."""
        return sum(len(p) for p in self.pieces)

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        return re.compile("(.*?)".join(re.escape(p) for p in self.pieces), re.DOTALL)

    def blanks(self, text: str) -> tuple[str, ...] | None:
        """What stands in the blanks, if `text` is this sentence."""
        if not (text.startswith(self.pieces[0]) and text.endswith(self.pieces[-1])):
            return None
        if any(piece not in text for piece in self.pieces):
            return None
        found = self.pattern.fullmatch(text)
        if found is None or (self.pieces[-1] == "." and _NEXT.search(found.groups()[-1])):
            return None  # its end is further on: what follows is a sentence by itself
        return found.groups()


@cache
def sentences(language: str) -> tuple[dict[str, str], tuple[Sentence, ...]]:
    """Sentences of a language: those without a blank by themselves, the others wordiest first."""
    with open(Path(__file__).with_name(f"messages_{language}.po"), "rb") as file:
        messages = [(str(m.id), str(m.string)) for m in read_po(file) if m.id and m.string]
    whole = {english: told for english, told in messages if BLANK not in english}
    cut = [Sentence(tuple(e.split(BLANK)), told) for e, told in messages if BLANK in e]
    return whole, tuple(sorted(cut, key=lambda s: -s.weight))


def spoken_language() -> str:
    """The language that RELANCE_LANG asks for, else French."""
    asked = os.environ.get(LANGUAGE_VARIABLE, DEFAULT)
    return asked if asked in LANGUAGES else DEFAULT


def said(language: str, text: str) -> str:
    """A text of ours in `language`, line by line; English is what it is in. Commands to type are
    named as they are called here."""
    if known_language(language) != "en" and len(text) <= LONGEST:
        text = "\n".join(_line(known_language(language), line) for line in text.split("\n"))
    return text.replace(IN_CHECKOUT, PROGRAM)


def _line(language: str, line: str) -> str:
    body = line.strip()
    if not body:
        return line
    start = line.index(body[0])
    is_table = "  " in body
    told = _columns(language, body) if is_table else _pieces(language, body)
    keeps = is_table or _OPTION.search(body)
    told = _MARKED.sub(lambda m: m[1] if keeps else election_in(language, m[1]), told)
    return line[:start] + told + line[start + len(body) :]


def _columns(language: str, body: str) -> str:
    """A line of a table: each cell in words, in its column while the gaps beside it are wide
    enough. The first cell, and one close to the cell before it, keep where they begin, the others
    where they end."""
    if (whole := sentences(language)[0].get(body)) is not None:
        return whole  # a line of headings
    parts = _GAP.split(body)
    cells, gaps = parts[::2], [0, *(len(gap) for gap in parts[1::2]), 0]
    told = [_value(language, cell) for cell in cells]
    for n, (cell, words) in enumerate(zip(cells, told, strict=True)):
        longer = len(_MARKED.sub(r"\1", words)) - len(cell)
        before = min(longer, max(gaps[n] - 2, 0)) if n and gaps[n] > 2 else 0
        gaps[n] -= before
        gaps[n + 1] = max(gaps[n + 1] - (longer - before), 2)
    return told[0] + "".join(
        " " * gap + words for gap, words in zip(gaps[1:], told[1:], strict=False)
    )


def _pieces(language: str, text: str) -> str:
    """The whole as one sentence, else the longest beginning that is one, then the rest."""
    if (whole := _sentence(language, text)) is not None:
        return whole
    ends = [(m.start(), m.end()) for m in _END.finditer(text)]
    for end, following in reversed(ends):
        if (head := _sentence(language, text[:end])) is not None:
            return f"{head} {_pieces(language, text[following:])}"
    if ends:
        end, following = ends[0]
        return f"{_fragment(language, text[:end])} {_pieces(language, text[following:])}"
    return _fragment(language, text)


def _fragment(language: str, text: str) -> str:
    """What is no sentence of ours: a number or a code in its signs is said, and French signs stand
    off."""
    core = text.strip("(),.;:…")
    if core and not _GAP.search(core) and " " not in core:
        text = text.replace(core, _value(language, core))
    return _LOOSE.sub("\\1\u00a0\\2", text) if language == "fr" else text


def _sentence(language: str, text: str) -> str | None:
    whole, cut = sentences(language)
    if text in whole:
        return whole[text]
    for sentence in cut:
        blanks = sentence.blanks(text)
        if blanks is not None:
            return sentence.told.format(*(_value(language, b) for b in blanks))
    return None


@cache
def _codes(language: str) -> dict[str, str]:
    """Codes of tables, in words."""
    named = [key.partition(".") for key in texts(language)]
    return {
        code: texts(language)[f"{family}.{code}"]
        for wanted in FAMILIES
        for family, _, code in named
        if family == wanted
    } | {code: sentences(language)[0][code] for code in MEASURES}


def _value(language: str, value: str) -> str:
    """What stands in a blank: a number as the language writes it, a code in words, a sentence of
    ours, or itself."""
    bare = value.strip()
    if ELECTION_ID.fullmatch(bare):
        told = f"\ue000{bare}\ue001"
    elif (number := _number(bare)) is not None:
        told = number
    elif " " in bare:
        told = _pieces(language, bare)
    else:
        known = sentences(language)[0] if bare.isalpha() else _codes(language)
        told = known.get(bare, bare)
    return value.replace(bare, told) if bare else value


def _number(text: str) -> str | None:
    """A number as French writes it; nothing for what is none."""
    if _NUMBER.fullmatch(text):
        return text.replace(",", "\u202f")
    if (found := _DECIMAL.fullmatch(text)) is None:
        return None
    whole, decimals, percent, round_percent = found.groups()
    if round_percent is not None:
        return f"{round_percent}\u00a0%"
    number = whole.replace(",", "\u202f") + f",{decimals}"
    return f"{number}\u00a0%" if percent else number
