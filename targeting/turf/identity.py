"""No door is lost: doors in = doors in turfs + doors left out, printed on each run."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from targeting.errors import TurfError
from targeting.turf.kernels.arrays import Flags, Floats


@dataclass(frozen=True)
class DoorsIdentity:
    """Doors in = doors in turfs + doors left out: printed on each run."""

    doors_in: int
    doors_in_turfs: int
    doors_left_out: int
    turfs: int
    left_out_by_reason: dict[str, int]

    @property
    def holds(self) -> bool:
        return self.doors_in == self.doors_in_turfs + self.doors_left_out

    def sentence(self) -> str:
        """The identity in one line.

        >>> DoorsIdentity(90, 86, 4, 2, {"no_coordinates": 4}).sentence()
        '90 doors in = 86 in 2 turfs + 4 left out (no_coordinates: 4)'
        """
        reasons = ", ".join(f"{why}: {doors:,}" for why, doors in self.left_out_by_reason.items())
        return (
            f"{self.doors_in:,} doors in {'=' if self.holds else '≠'} {self.doors_in_turfs:,} in "
            f"{self.turfs:,} turfs + {self.doors_left_out:,} left out"
            + (f" ({reasons})" if reasons else "")
        )


def checked_identity(
    buildings: pd.DataFrame,
    turfs: pd.DataFrame,
    excluded: pd.DataFrame,
    found: Floats,
    is_kept: Flags,
) -> DoorsIdentity:
    """The identity of a cut; `found` are the doors that turfs have of each building.

    Raises TurfError if a building has gained or lost a door.
    """
    identity = DoorsIdentity(
        doors_in=int(buildings["dwellings"].sum()),
        doors_in_turfs=int(turfs["n_doors"].sum()),
        doors_left_out=int(excluded["dwellings"].sum()),
        turfs=len(turfs),
        left_out_by_reason=doors_by_reason(excluded),
    )
    wrong = int((found != buildings["dwellings"].to_numpy() * is_kept).sum())
    if not identity.holds or wrong:
        raise TurfError(
            f"the cut lost count: {identity.sentence()}; {wrong} buildings differ. This is our "
            "fault: keep the input and tell us, and cut with other minutes meanwhile."
        )
    return identity


def doors_by_reason(excluded: pd.DataFrame) -> dict[str, int]:
    """Doors of table Excluded, reason by reason."""
    doors = excluded.groupby("reason")["dwellings"].sum()
    return {str(reason): int(count) for reason, count in doors.items()}
