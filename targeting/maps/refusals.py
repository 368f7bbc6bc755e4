"""Why outlines are not painted, in words."""

from __future__ import annotations

from typing import Final

from targeting.locale import number_in, percent_in, text_in
from targeting.stations.ground import ALIKE, IN_ONE_PIECE
from targeting.stations.joins import LEAST_JOIN, NEAR_THEIR_POINTS, RENUMBERED_GAP, Join

LIMITS: Final = {
    "codes": LEAST_JOIN,
    "rolls": RENUMBERED_GAP,
    "constituencies": IN_ONE_PIECE,
    "points": NEAR_THEIR_POINTS,
}


def why_refused(join: Join, language: str) -> str:
    """What refused the outlines, with its figure and its limit; empty for a join that is sound."""
    reason = join.reason
    if not reason:
        return ""
    measured = {
        "codes": join.rate,
        "rolls": join.gap,
        "constituencies": join.pieces,
        "points": join.near,
    }
    if reason == "neighbours":
        figures = {
            "rate": number_in(language, join.alike, decimals=2),
            "least": number_in(language, ALIKE, decimals=1),
        }
    else:
        figures = {
            "rate": percent_in(language, measured[reason]),
            "least": percent_in(language, LIMITS[reason], decimals=0),
        }
    return text_in(
        language,
        f"map.refused.{reason}",
        found=number_in(language, join.found),
        stations=number_in(language, join.stations),
        **figures,
    )
