"""Every station of some rounds in one list: an integer each where tables are joined, ids outside.

The key of a station is its place in the sorted list of ids, so that whatever is sorted, grouped or
joined by key is so by id: the same rows in the same order, without a string compared.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import pandas as pd
import polars as pl

from targeting.stations.flows import RANKED, communes_of, named_bases, ranked, zones_of

LOST: Final = -1
"""Key of no station: voters lost from sight, or an id that is not in the catalogue."""


@dataclass(frozen=True)
class Catalogue:
    """The sorted ids of all stations, one each.

    The key of a station, of a commune, of a zone (see `flows.zones_of`) or of a department is its
    place among all of its kind, in the order of their codes: int32, from 0.
    """

    listed: pl.Series

    @classmethod
    def of(cls, ids: Iterable[pd.Series]) -> Catalogue:
        """The catalogue of all ids in these columns; missing ones are left out."""
        columns = [_texts(column) for column in ids]
        together: pl.Series = pl.concat([pl.Series("station_id", [], dtype=pl.String), *columns])
        return cls(together.drop_nulls().unique().sort())

    def __len__(self) -> int:
        return len(self.listed)

    @cached_property
    def ids(self) -> np.ndarray:
        """Id of each key."""
        return self.listed.to_numpy()

    @cached_property
    def commune(self) -> np.ndarray:
        """Key of each station's commune."""
        return _places(communes_of(self._named))

    @cached_property
    def zone(self) -> np.ndarray:
        """Key of each station's zone."""
        return _places(zones_of(self._named))

    @cached_property
    def department(self) -> np.ndarray:
        """Key of each station's department, by the first two characters of its id."""
        return _places(self._named.str.slice(0, 2))

    @cached_property
    def department_of_commune(self) -> np.ndarray:
        """Key of the department of each commune's key."""
        of = np.zeros(self.communes, dtype="int32")
        of[self.commune] = self.department
        return of

    @property
    def communes(self) -> int:
        """How many communes there are."""
        return int(self.commune.max(initial=-1)) + 1

    @cached_property
    def _named(self) -> pd.Series:
        return pd.Series(self.listed.to_pandas(), dtype="str")

    @cached_property
    def _kind(self) -> pl.Enum:
        return pl.Enum(self.listed)

    def keys_of(self, ids: pd.Series) -> np.ndarray:
        """Key of each id (int32); LOST where it is missing or not in the catalogue."""
        known = _texts(ids).cast(self._kind, strict=False)
        keys: np.ndarray = known.to_physical().cast(pl.Int32).fill_null(LOST).to_numpy()
        return keys

    def ids_of(self, keys: np.ndarray | pl.Series) -> pd.Series:
        """Id of each key, missing where LOST or null."""
        places = pl.Series(keys, dtype=pl.Int32)
        places = places.to_frame("key").select(pl.when(pl.col("key") >= 0).then("key")).to_series()
        return self.listed.gather(places).to_pandas().astype("str")

    def among(self, keys: np.ndarray) -> np.ndarray:
        """For each station of the catalogue, whether it is one of these keys."""
        mask = np.zeros(len(self), dtype=bool)
        mask[keys[keys >= 0]] = True
        return mask


def _texts(ids: pd.Series) -> pl.Series:
    return pl.Series("station_id", ids).cast(pl.String)


def _places(codes: pd.Series) -> np.ndarray:
    """Place of each code among the distinct ones, sorted."""
    places: np.ndarray = pd.factorize(codes, sort=True)[0].astype("int32")
    return places


def key_flows(flows: pd.DataFrame, catalogue: Catalogue) -> pl.DataFrame:
    """Flows (see `flows`) by keys: null where voters are lost.

    Rows of a station of then, or to a station of now, that is not in the catalogue are left out.
    """
    then = catalogue.keys_of(flows["station_id_then"])
    now = catalogue.keys_of(flows["station_id"])
    known = (then >= 0) & ((now >= 0) | flows["station_id"].isna().to_numpy())
    table = ranked(flows).with_columns(
        then=pl.Series(then), now=pl.when(pl.Series(now) >= 0).then(pl.Series(now))
    )
    return table.filter(pl.Series(known)).select(RANKED)


def name_flows(table: pl.DataFrame, catalogue: Catalogue) -> pd.DataFrame:
    """The flow table (see `flows`) of flows by keys, in their order."""
    return pd.DataFrame(
        {
            "station_id_then": catalogue.ids_of(table["then"]),
            "station_id": catalogue.ids_of(table["now"]),
            "weight": table["weight"].to_numpy(),
            "basis": named_bases(table["rank"]),
            "confidence": table["confidence"].to_numpy(),
        }
    )
