"""What a command answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Report:
    """Facts for machines, text for people."""

    facts: dict[str, Any]
    text: str
