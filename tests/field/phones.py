"""A phone of the tests: it writes what the page writes, without the page."""

from __future__ import annotations

import base64
import json
import uuid
import zlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from targeting.field.sealing import PhraseKey, book_key, make_header, phrase_key, seal
from targeting.store.visits import BoundBook

PHRASE_TEXT = "sapin fusee roche lune"
PHRASE: PhraseKey = phrase_key(PHRASE_TEXT)
FRAME_SIGNS = 700


@dataclass
class Phone:
    """`buildings`: ids of its stops; `clock`: what it shows now."""

    secret: bytes
    turf_id: str
    buildings: list[str]
    clock: datetime = field(default_factory=lambda: datetime.now(UTC) - timedelta(hours=1))
    made_on: str = ""
    visits: list[list[Any]] = field(default_factory=list)
    undone: list[str] = field(default_factory=list)
    themes: dict[str, int] = field(default_factory=dict)
    corrections: list[list[Any]] = field(default_factory=list)
    sequence: int = 0

    def __post_init__(self) -> None:
        self.made_on = self.made_on or datetime.now(UTC).date().isoformat()
        self.book_id = uuid.uuid4().bytes
        self.key = book_key(self.secret, self.book_id)
        self.header = make_header(PHRASE, self.book_id, self.key)

    def bound(self, doors: dict[str, tuple[int, int]] | None = None) -> BoundBook:
        """What the desk noted when it wrote this phone's book."""
        made = datetime.fromisoformat(self.made_on).replace(tzinfo=UTC)
        every = doors or dict.fromkeys(self.buildings, (1, 60))
        return BoundBook(self.book_id.hex(), self.turf_id, every, made)

    def tap(self, stop: int, door: int, outcome: str = "not_home", *, later: int = 60) -> str:
        self.sequence += 1
        self.clock += timedelta(seconds=later)
        visit_id = str(uuid.uuid4())
        self.visits.append([visit_id, stop, door, outcome, self.clock.isoformat(), self.sequence])
        return visit_id

    def undo(self, visit_id: str) -> None:
        self.visits = [v for v in self.visits if v[0] != visit_id]
        self.undone.append(visit_id)

    def content(self) -> dict[str, Any]:
        return {
            "turf": self.turf_id, "made_on": self.made_on, "buildings": self.buildings,
            "exported_at": self.clock.isoformat(), "visits": list(self.visits),
            "undone": list(self.undone), "themes": dict(self.themes),
            "corrections": list(self.corrections),
        }  # fmt: skip

    def sealed(self, content: Any = None) -> bytes:
        plain = json.dumps(self.content() if content is None else content).encode()
        return seal(self.header, self.key, "return", plain)

    def file(self, path: Path, content: Any = None) -> Path:
        sealed = base64.b64encode(self.sealed(content)).decode()
        path.write_text(json.dumps({"format": "relance-return/1", "sealed": sealed}))
        return path


def frames(sealed: bytes, chain: str = "ABCDEF") -> list[str]:
    data = base64.b32encode(sealed).decode().rstrip("=")
    parts = [data[n : n + FRAME_SIGNS] for n in range(0, len(data), FRAME_SIGNS)]
    told = []
    for n, part in enumerate(parts, 1):
        crc = zlib.crc32(f"{chain}:{n}:{len(parts)}:{part}".encode())
        told.append(f"RLF1:{chain}:{n}:{len(parts)}:{crc:08X}:{part}")
    return told
