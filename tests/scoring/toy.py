"""A toy arena: tables of a few stations, as scores take them."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd


def turnout(
    election_id: str, registered: Sequence[int], cast: Sequence[int], *, first: int = 1
) -> pd.DataFrame:
    """Everybody who votes casts a valid vote; stations 13055_0001, 0002…"""
    ids = [f"13055_{i:04d}" for i in range(first, first + len(registered))]
    return pd.DataFrame(
        {
            "election_id": election_id, "station_id": pd.Series(ids, dtype="str"),
            "constituency_code": pd.Series(["1304"] * len(ids), dtype="str"),
            "registered": list(registered), "votes_cast": list(cast),
            "blank_votes": pd.array([0] * len(ids), dtype="Int64"),
            "null_votes": pd.array([0] * len(ids), dtype="Int64"),
            "valid_votes": list(cast), "flag": pd.Series([None] * len(ids), dtype="str"),
        }
    )  # fmt: skip


def bloc_votes(turnout_table: pd.DataFrame, left: Sequence[int]) -> pd.DataFrame:
    """`left` votes for the left, the rest for the right."""
    ids = turnout_table["station_id"]
    shares = {"left": list(left), "right": list(turnout_table["valid_votes"] - left)}
    return pd.concat(
        [
            pd.DataFrame({"election_id": "2022_pres_t1", "station_id": ids, "bloc": b, "votes": v})
            for b, v in shares.items()
        ],
        ignore_index=True,
    )
