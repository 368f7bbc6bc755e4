"""Where stations are: their departments and communes, to choose among step by step."""

from __future__ import annotations

from functools import cached_property

import pandas as pd

from targeting.codes import commune_of, department_of
from targeting.maps.once import Once


class Areas:
    """Departments and communes of some stations, looked up once: a country has 70,000."""

    def __init__(self, stations: pd.Index) -> None:
        self.stations = stations
        self._once = Once()

    @cached_property
    def _commune(self) -> pd.Series:
        return pd.Series([commune_of(s) for s in self.stations], index=self.stations, dtype="str")

    @cached_property
    def _department(self) -> pd.Series:
        named = {commune: department_of(commune) for commune in self.communes}
        return self._commune.map(named)

    @cached_property
    def communes(self) -> frozenset[str]:
        """All their communes."""
        return frozenset(self._commune.unique())

    @cached_property
    def departments(self) -> frozenset[str]:
        """All their departments."""
        return frozenset(department_of(commune) for commune in self.communes)

    def communes_of(self, department: str | None) -> list[str]:
        """The communes of a department, or all, in the order of a list."""
        return self._once.of(
            department,
            lambda: sorted(c for c in self.communes if department in (None, department_of(c))),
        )

    def within(self, department: str | None, commune: str | None) -> pd.Index:
        """Stations of a commune, or of a department, or all; one and the same each time."""
        if department is None and commune is None:
            return self.stations

        def found() -> pd.Index:
            if commune is None:
                return self.stations[(self._department == department).to_numpy()]
            return self.stations[(self._commune == commune).to_numpy()]

        return self._once.of((department, commune), found)
