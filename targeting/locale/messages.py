"""What commands, notes and refusals say, in the user's language.

The code says a thing once, in English, with what it found in the blanks: an error is raised far
from any user, and its English sentence is what the log and the tests read. `messages_fr.po` holds
the French of each sentence: the msgid is the sentence with `{}` for each blank, the msgstr the same
with its blanks (`{0}`, `{1}` … where their order changes). A text made of several sentences, or a
value that is itself a sentence, is said piece by piece; what has no French stays as it is.

>>> said("fr", "no such recipe. Correct it.")
'aucune recette de ce nom. Corrigez-la.'
>>> said("en", "no such recipe.")
'no such recipe.'
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Final

from babel.messages.pofile import read_po

from targeting.locale import known_language

BLANK: Final = "{}"
LONGEST: Final = 20_000
"""A longer text is no sentence of ours: it is given back as it is."""

_NUMBER: Final = re.compile(r"[-−]?\d{1,3}(?:,\d{3})+|[-−]?\d+")
_DECIMAL: Final = re.compile(r"([-−]?\d{1,3}(?:,\d{3})*|[-−]?\d+)\.(\d+)(%?)|([-−]?\d+)%")
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
        return found.groups() if found else None


@cache
def sentences(language: str) -> tuple[dict[str, str], tuple[Sentence, ...]]:
    """Sentences of a language: those without a blank by themselves, the others wordiest first."""
    with open(Path(__file__).with_name(f"messages_{language}.po"), "rb") as file:
        messages = [(str(m.id), str(m.string)) for m in read_po(file) if m.id and m.string]
    whole = {english: told for english, told in messages if BLANK not in english}
    cut = [Sentence(tuple(e.split(BLANK)), told) for e, told in messages if BLANK in e]
    return whole, tuple(sorted(cut, key=lambda s: -s.weight))


def said(language: str, text: str) -> str:
    """A text of ours in `language`, line by line; English is what it is in."""
    if known_language(language) == "en" or len(text) > LONGEST:
        return text
    return "\n".join(_line(known_language(language), line) for line in text.split("\n"))


def _line(language: str, line: str) -> str:
    body = line.strip()
    if not body:
        return line
    start = line.index(body[0])
    return line[:start] + _pieces(language, body) + line[start + len(body) :]


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
        return f"{text[:end]} {_pieces(language, text[following:])}"
    return text


def _sentence(language: str, text: str) -> str | None:
    whole, cut = sentences(language)
    if text in whole:
        return whole[text]
    for sentence in cut:
        blanks = sentence.blanks(text)
        if blanks is not None:
            return sentence.told.format(*(_value(language, b) for b in blanks))
    return None


def _value(language: str, value: str) -> str:
    """What stands in a blank: a number as the language writes it, a sentence of ours, or itself."""
    bare = value.strip()
    if _NUMBER.fullmatch(bare):
        return value.replace(",", "\u202f")
    if found := _DECIMAL.fullmatch(bare):
        whole, decimals, percent, round_percent = found.groups()
        if round_percent is not None:
            return f"{round_percent}\u00a0%"
        number = whole.replace(",", "\u202f") + f",{decimals}"
        return f"{number}\u00a0%" if percent else number
    if " " not in bare:
        return sentences(language)[0].get(bare, value) if bare.isalpha() else value
    return value.replace(bare, _pieces(language, bare))
