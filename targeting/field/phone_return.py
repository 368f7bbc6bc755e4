"""What a phone gives back: a sealed file, or the same bytes as a chain of QR texts.

A frame is `RLF1:CHAIN:NUMBER:COUNT:CRC:DATA`, only letters, digits and colons, so that a scanner
that types can read it into any text file, in any order, with anything else around.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import uuid
import zlib
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final

from targeting.codes import BUILDING_ID, TURF_CODE
from targeting.errors import TargetingError
from targeting.outcomes import OUTCOMES

FORMAT: Final = "relance-return/1"
FRAME: Final = re.compile(r"RLF1:([A-Z2-7]{6}):([0-9]{1,4}):([0-9]{1,4}):([0-9A-F]{8}):([A-Z2-7]+)")
CORRECTIONS: Final = ("missing_number", "demolished", "other")
"""What of the list may be wrong, as choices: no free text, so nothing about anybody."""

THEME: Final = re.compile(r"[a-z_]{1,20}")

LARGEST: Final = 20_000_000
MOST_ROWS: Final = 100_000


@dataclass(frozen=True)
class Knock:
    """One visit; `sequence` orders the knocks of a phone, whatever its clock says."""

    visit_id: str
    building_id: str
    door: int
    outcome: str
    at: datetime
    sequence: int


@dataclass(frozen=True)
class PhoneReturn:
    """All that one phone knows of its book: each return tells it whole.

    `undone`: visits taken back; `themes`: conversations of the whole turf by theme, empty below
    eleven conversations; `corrections`: (building_id, one of CORRECTIONS).
    """

    turf_id: str
    made_on: date
    exported_at: datetime
    knocks: tuple[Knock, ...]
    undone: tuple[str, ...]
    themes: dict[str, int]
    corrections: tuple[tuple[str, str], ...]


def is_return(text: str) -> bool:
    """Whether a text is the file of a phone."""
    return FORMAT in text[:200] and text.lstrip().startswith("{")


def has_frames(text: str) -> bool:
    """Whether a text holds scanned frames."""
    return FRAME.search(text) is not None


def sealed_of_file(text: str) -> bytes:
    """The sealed bytes of a phone's file. Raises TargetingError where it is cut or damaged."""
    try:
        content = json.loads(text)
        return base64.b64decode(content["sealed"], validate=True)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise TargetingError(
            "the phone's file is cut short or was changed: let the phone give it back again."
        ) from error


def sealed_of_frames(text: str) -> list[bytes]:
    """The sealed bytes of each chain in a text of scanned frames, in any order, doubles allowed.

    Each return that a phone shows is a chain of its own, by the code that its frames share.

    Raises TargetingError naming the frames that are missing.
    """
    chains: dict[tuple[str, int], dict[int, str]] = {}
    spoilt = 0
    for chain, number, count, crc, data in FRAME.findall(text):
        if int(crc, 16) != zlib.crc32(f"{chain}:{number}:{count}:{data}".encode()):
            spoilt += 1
        else:
            chains.setdefault((chain, int(count)), {})[int(number)] = data
    if not chains:
        raise TargetingError(
            f"{spoilt} frames, none readable: set the scanner to the keyboard of this computer."
        )
    return [_joined(chain, count, parts) for (chain, count), parts in chains.items()]


def _joined(chain: str, count: int, parts: dict[int, str]) -> bytes:
    if lost := [str(n) for n in range(1, count + 1) if n not in parts]:
        raise TargetingError(
            f"chain {chain}: {len(lost)} of {count} frames are missing ({', '.join(lost[:20])}): "
            "show them again on the phone, scan them, and give all in one file."
        )
    data = "".join(parts[n] for n in range(1, count + 1))
    try:
        return base64.b32decode(data + "=" * (-len(data) % 8))
    except binascii.Error as error:
        raise TargetingError(
            f"chain {chain}: its frames do not go together: show it again from the beginning."
        ) from error


def parse_return(plain: bytes) -> PhoneReturn:
    """Read what was sealed. Raises TargetingError for anything that our page does not write."""
    try:
        content = json.loads(plain if plain[:1] == b"{" else _inflated(plain))
        return PhoneReturn(
            turf_id=_matching(content["turf"], TURF_CODE),
            made_on=date.fromisoformat(content["made_on"]),
            exported_at=_moment(content["exported_at"]),
            knocks=tuple(_knock(row, content["buildings"]) for row in _rows(content["visits"])),
            undone=tuple(_drawn(v) for v in _rows(content["undone"])),
            themes={_matching(k, THEME): _count(v) for k, v in content["themes"].items()},
            corrections=tuple(
                _correction(row, content["buildings"]) for row in _rows(content["corrections"])
            ),
        )
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, OverflowError,
            RecursionError, zlib.error) as error:  # fmt: skip
        raise TargetingError(
            f"the phone's return cannot be read ({type(error).__name__}): it comes from another "
            "version of the walk book; update the desk, or type its visits into a grid."
        ) from error


def _inflated(packed: bytes) -> bytes:
    pressed = zlib.decompressobj(-zlib.MAX_WBITS)
    plain = pressed.decompress(packed, LARGEST)
    if not pressed.eof:
        raise ValueError("too long, or cut")
    return plain


def _rows(rows: Any) -> list[Any]:
    if not isinstance(rows, list) or len(rows) > MOST_ROWS:
        raise ValueError("rows")
    return rows


def _knock(row: list[Any], buildings: list[str]) -> Knock:
    visit_id, building, door, outcome, at, sequence = row
    return Knock(
        _drawn(visit_id), _building(building, buildings), _count(door, least=1),
        OUTCOMES[OUTCOMES.index(outcome)], _moment(at), _count(sequence),
    )  # fmt: skip


def _correction(row: list[Any], buildings: list[str]) -> tuple[str, str]:
    building, kind = row
    return _building(building, buildings), CORRECTIONS[CORRECTIONS.index(kind)]


def _building(number: Any, buildings: list[str]) -> str:
    return _matching(buildings[_count(number)], BUILDING_ID)


def _text(value: Any, longest: int) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= longest:
        raise ValueError("text")
    return value


def _matching(value: Any, pattern: re.Pattern[str]) -> str:
    if not pattern.fullmatch(_text(value, 60)):
        raise ValueError("text")
    return str(value)


def _drawn(value: Any) -> str:
    """An id as a phone draws it, by chance: no typed visit has such a one."""
    drawn = uuid.UUID(_text(value, 36))
    if drawn.version != 4:
        raise ValueError("id")
    return str(drawn)


def _count(value: Any, *, least: int = 0) -> int:
    if type(value) is not int or not least <= value <= 10**9:
        raise ValueError("count")
    return value


def _moment(value: Any) -> datetime:
    moment = datetime.fromisoformat(_text(value, 40))
    if moment.tzinfo is None:
        raise ValueError("no time zone")
    return moment.astimezone(UTC)
