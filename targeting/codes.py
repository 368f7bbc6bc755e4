"""Codes of communes, polling stations and elections: always strings, one spelling each.

Facts of the official files come from the Ministère de l'Intérieur's publications (see FORMATS).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from targeting.errors import TargetingError

if TYPE_CHECKING:
    import pandas as pd

KINDS: Final = ("pres", "legi", "muni", "euro", "regi", "dpmt", "cant", "refe", "sect")
"""Kinds of election; `sect` is the second ballot of the municipal day in Paris, Lyon and Marseille
(since 2026): the council of the sector, on the same stations as the commune's."""

ELECTION_ID: Final = re.compile(rf"^(\d{{4}})_({'|'.join(KINDS)})_t([12])$")
STATION_ID: Final = r"^[0-9A-Z]{5}_[0-9A-Za-z.\-]+$"
COMMUNE_CODE: Final = r"^(?:\d{5}|2[AB]\d{3}|Z[A-Z]\d{3})$"

BUILDING_ID: Final = re.compile(r"[0-9A-Za-z_.:-]{1,60}")
"""What an id of a building is made of; the database's constraints have the same signs."""

TURF_CODE: Final = re.compile(r"S\d{4,9}")
"""Codes of turfs, as they come back from phones and paper."""

BLOCS: Final = (
    "far_left", "left", "ecologist", "centre", "right", "far_right", "regionalist", "other",
)  # fmt: skip

DEFAULT_TARGET: Final = ("left", "ecologist", "far_left")
"""Target blocs unless the campaign says otherwise: the tool serves any democratic list."""

LEDGER_KINDS: Final = (
    "identity", "renumbered", "split", "merged", "recut", "lost", "gone",
)  # fmt: skip
"""What became of a station. lost: a station of now without a past; gone: one of then without a
future; the others as their names say."""


BARRIER_KINDS: Final = frozenset({"barrier", "motorway", "rail", "railway", "river", "water"})
"""Kinds of `Streets` that are not walked, and that no address is put across."""

OVERSEAS: Final = {
    "ZA": "971", "ZB": "972", "ZC": "973", "ZD": "974", "ZM": "976",
    "ZN": "988", "ZP": "987", "ZS": "975", "ZW": "986",
}  # fmt: skip
"""Department codes of the publications until 2022 → INSEE; `ZX` and `ZZ` stay."""

DEPARTMENTS: Final = frozenset(
    [f"{n:02d}" for n in range(1, 96) if n != 20]
    + ["2A", "2B", "ZX", "ZZ", "99"]
    + sorted(OVERSEAS.values())
)
"""Departments that results are published for; `99` is the French abroad in some publications, and
the invented town's."""

ARRONDISSEMENT_COMMUNES: Final = {"75056": "751", "69123": "6938", "13055": "132"}
"""Paris, Lyon and Marseille: commune → beginning of the codes of its arrondissements."""

FRANCE: Final = ZoneInfo("Europe/Paris")
"""The time of metropolitan France, where a file or a form tells no zone."""


@dataclass(frozen=True, order=True)
class Election:
    """One round of one election: sorts by date within a kind, `election_id` is its name."""

    year: int
    kind: str
    round_number: int

    @property
    def election_id(self) -> str:
        return f"{self.year}_{self.kind}_t{self.round_number}"

    @property
    def contest(self) -> str:
        """The election without its round: two rounds of one contest share it."""
        return f"{self.year}_{self.kind}"


MONTHS: Final = {
    "muni": 3, "sect": 3, "cant": 3, "dpmt": 3, "pres": 4, "euro": 5, "refe": 5, "legi": 6,
    "regi": 12,
}  # fmt: skip
"""Usual month of each kind, to order the elections of one year."""


def parse_election_id(election_id: str) -> Election:
    """Read `2024_legi_t1`. Raises TargetingError naming the spelling wanted."""
    if not (match := ELECTION_ID.match(election_id)):
        raise TargetingError(
            f"“{election_id}” is not an election: write year_kind_round as in 2022_pres_t1, "
            f"kind one of {', '.join(KINDS)}."
        )
    return Election(int(match[1]), match[2], int(match[3]))


def turf_order(code: str) -> tuple[int, str]:
    """Key that sorts codes of turfs as they were given: S9999 before S10000."""
    return len(code), code


def code_number(code: str) -> int:
    """Number of a turf's code: `S0102` is 102, and a turf that has no code yet 0.

    >>> code_number("S10000"), code_number("new")
    (10000, 0)
    """
    return int("".join(sign for sign in code if sign.isdigit()) or 0)


def in_turf_order(stops: pd.DataFrame) -> pd.DataFrame:
    """Stops turf by turf, as their codes were given (S9999 before S10000), each in its order."""
    rows = stops.assign(code_length=stops["turf_id"].str.len())
    order = ["code_length", "turf_id", "visit_order"]
    return rows.sort_values(order, ignore_index=True).drop(columns="code_length")


def check_year(vintage: str | None) -> None:
    """Raise TargetingError for a vintage that is no year of four digits."""
    if vintage is not None and not re.fullmatch(r"[0-9]{4}", vintage):
        raise TargetingError(f"--vintage “{vintage}” is no year: write four digits, as 2022.")


def held_on(election: Election) -> tuple[int, int, int]:
    """Key that sorts elections by date: year, usual month, round."""
    return election.year, MONTHS[election.kind], election.round_number


def station_number(raw: str) -> str:
    """A station number as we write it: padded to 4 when all digits, else as published."""
    raw = raw.strip()
    return raw.zfill(4) if raw.isdigit() else raw


def station_id(commune_code: str, number: str) -> str:
    """`13055` and `101` → `13055_0101`."""
    return f"{commune_code}_{station_number(number)}"


def station_label(station_id: str) -> str:
    """The station's number as posters have it, on paper, phone, map and lists alike.

    >>> station_label("13055_0101"), station_label("13055_069A"), station_label("75056_01.1")
    ('101', '069A', '01.1')
    >>> station_label("34172_JUS1"), station_label("01004_0000")
    ('JUS1', '0000')
    """
    number = station_id.partition("_")[2] or station_id
    return number.lstrip("0") or number if number.isdigit() else number


def commune_of(station: str) -> str:
    """Commune code of a station id."""
    return station.split("_", 1)[0]


def department_of(commune_code: str) -> str:
    """Its department's code.

    >>> department_of("13055"), department_of("2A004"), department_of("97411")
    ('13', '2A', '974')
    """
    return commune_code[: 3 if commune_code.startswith(("97", "98")) else 2]


def commune_of_arrondissement(code: str) -> str:
    """`13201` → `13055`, `75119` → `75056`, `69381` → `69123`; other codes as they are."""
    if re.fullmatch(r"751(0[1-9]|1\d|20)", code):
        return "75056"
    if re.fullmatch(r"132(0[1-9]|1[0-6])", code):
        return "13055"
    if re.fullmatch(r"6938[1-9]", code):
        return "69123"
    return code


def arrondissement_of(station: str) -> str:
    """Insee code of the arrondissement of a station of Paris, Lyon or Marseille; empty elsewhere.

    >>> arrondissement_of("13055_0358"), arrondissement_of("69123_0912")
    ('13203', '69389')
    >>> arrondissement_of("44109_0358"), arrondissement_of("75056_2105")
    ('', '')
    """
    commune, _, number = station.partition("_")
    if commune not in ARRONDISSEMENT_COMMUNES or not number[:2].isdecimal():
        return ""
    start = ARRONDISSEMENT_COMMUNES[commune]
    code = start + str(int(number[:2])).zfill(5 - len(start))
    return code if commune_of_arrondissement(code) == commune else ""


def to_type(codes: Iterable[str]) -> str:
    """Codes that somebody may have to type: in their signs, so that no language says them.

    >>> to_type(["left", "far_left"])
    '`left`, `far_left`'
    """
    return ", ".join(f"`{code}`" for code in codes)
