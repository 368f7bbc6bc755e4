"""Street names made comparable: rolls, BAN and maps spell the same street differently."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

ABBREVIATIONS: Final = {
    "AV": "AVENUE", "AVE": "AVENUE", "BD": "BOULEVARD", "BLD": "BOULEVARD", "BVD": "BOULEVARD",
    "PL": "PLACE", "IMP": "IMPASSE", "ALL": "ALLEE", "CHE": "CHEMIN", "RTE": "ROUTE",
    "SQ": "SQUARE", "PAS": "PASSAGE", "PASS": "PASSAGE", "QU": "QUAI", "CRS": "COURS",
    "RPT": "ROND POINT", "RES": "RESIDENCE", "FG": "FAUBOURG", "FBG": "FAUBOURG",
    "ST": "SAINT", "STE": "SAINTE", "GAL": "GENERAL", "GEN": "GENERAL", "MAL": "MARECHAL",
    "DR": "DOCTEUR", "PDT": "PRESIDENT", "PROF": "PROFESSEUR", "CDT": "COMMANDANT",
    "CAP": "CAPITAINE", "COL": "COLONEL", "LT": "LIEUTENANT", "MGR": "MONSEIGNEUR",
    "PTE": "PORTE", "1ER": "IER", "PR": "POUR", "R": "RUE", "Q": "QUAI", "CH": "CHEMIN",
    "BOUL": "BOULEVARD", "PROM": "PROMENADE", "TRAV": "TRAVERSE", "CNE": "CAPITAINE",
}  # fmt: skip
"""Abbreviations of rolls and of the postal norm (FORMATS B §2)."""

LINKS: Final = frozenset(
    "DE LA LE LES DU DES L D ET A AU AUX EN SUR SOUS".split()  # noqa: SIM905
)
"""Small words that publications put in or leave out."""

SUFFIXES: Final = {"B": "bis", "T": "ter", "Q": "quater", "BIS": "bis", "TER": "ter",
                   "QUATER": "quater"}  # fmt: skip


def plain(text: str) -> str:
    """Upper case, no accents, words of letters and digits parted by one space.

    >>> plain("Rue de l'Abbé-Grégoire")
    'RUE DE L ABBE GREGOIRE'
    """
    decomposed = unicodedata.normalize("NFKD", text.replace("œ", "oe").replace("Œ", "OE"))
    letters = "".join(c for c in decomposed if not unicodedata.combining(c))
    return " ".join(re.findall(r"[A-Z0-9]+", letters.upper()))


def street_key(street: str) -> str:
    """What two spellings of one street share: whole words, no small ones.

    >>> street_key("AV DU GAL LECLERC") == street_key("Avenue du Général Leclerc")
    True
    """
    words = [ABBREVIATIONS.get(w, w) for w in plain(street).split()]
    return " ".join(w for w in words if w not in LINKS)


def suffix_of(raw: str | None) -> str:
    """One spelling for number suffixes: `b`, `B`, `bis` → `bis`; a letter stays, in capitals.

    >>> suffix_of("b"), suffix_of("Ter"), suffix_of("c"), suffix_of(None)
    ('bis', 'ter', 'C', '')
    """
    text = plain(raw or "")
    return SUFFIXES.get(text, text)


def address_line(number: int, suffix: str, street: str) -> str:
    """The address as it is written on a sheet.

    >>> address_line(12, "bis", "Rue des Tanneurs")
    '12 bis Rue des Tanneurs'
    """
    return " ".join(part for part in (str(number), suffix, street) if part)
