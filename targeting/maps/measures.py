"""What a map may colour stations by, and the column that holds it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from targeting.codes import DEFAULT_TARGET

METRICS: Final = ("priority", "abstention", "left", "score", "coverage")

COLUMNS: Final = {
    "priority": "priority",
    "abstention": "abstention_rate",
    "left": "left_share",
    "score": "score",
    "coverage": "contacted_rate",
}
"""Metric → column of the board's table."""

PER_HUNDRED: Final = ("priority", "score")
"""Shown per 100 registered voters; the others are percentages."""


def share_name(target: Collection[str]) -> str:
    """`left` when the campaign speaks to blocs of the left alone, else `target`: the screens name
    the share of votes after it."""
    return "left" if set(target) <= set(DEFAULT_TARGET) else "target"
