"""Every table that travels between modules, declared once: names and types are the contract.

Tables are pandas frames with a plain range index; ids are plain columns. Counts are stored, rates
computed. Geometry is EPSG:2154 (Lambert-93, metres). Nothing is coerced: a wrong type is an error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pandas as pd
import pandera.pandas as pa
from pandera.typing import Series

from targeting.codes import BLOCS, COMMUNE_CODE, LEDGER_KINDS, STATION_ID
from targeting.errors import TargetingError

if TYPE_CHECKING:
    pass


class Table(pa.DataFrameModel):
    """Base of all tables: no unknown column, no coercion, a plain index."""

    class Config:
        strict = True
        coerce = False

    @classmethod
    def check(cls, table: pd.DataFrame) -> pd.DataFrame:
        """Give `table` back if it keeps the contract, else say in one line what breaks it."""
        try:
            return cast(pd.DataFrame, cls.validate(table, lazy=False))
        except pa.errors.SchemaError as error:
            raise TargetingError(f"table {cls.__name__}: {error}") from error


class Turnout(Table):
    """Turnout at one round of one election; one row per polling station."""

    election_id: Series[str]
    station_id: Series[str] = pa.Field(str_matches=STATION_ID, unique=True)
    constituency_code: Series[str] = pa.Field(nullable=True, description="`1304`, if published")
    registered: Series[int] = pa.Field(ge=0, description="people on the roll (inscrits)")
    votes_cast: Series[int] = pa.Field(ge=0, description="people who voted (votants)")
    blank_votes: Series[pd.Int64Dtype] = pa.Field(ge=0, nullable=True)
    null_votes: Series[pd.Int64Dtype] = pa.Field(ge=0, nullable=True)
    valid_votes: Series[int] = pa.Field(ge=0, description="votes for someone (exprimés)")
    flag: Series[str] = pa.Field(nullable=True, description="why to read this row with care")

    @pa.dataframe_check(error="votes_cast must equal blank + null + valid")
    def ballots_add_up(cls, t: pd.DataFrame) -> Any:  # noqa: N805 (pandera's way)
        lost = t["votes_cast"] - t["valid_votes"] - t["blank_votes"] - t["null_votes"]
        return (lost.fillna(0) == 0).astype(bool)

    @pa.dataframe_check(error="votes_cast above registered")
    def no_more_voters_than_registered(cls, t: pd.DataFrame) -> Any:  # noqa: N805
        return t["votes_cast"] <= t["registered"]


class Votes(Table):
    """Votes for each line of the ballot; one row per station and line."""

    election_id: Series[str]
    station_id: Series[str]
    line: Series[int] = pa.Field(ge=0, description="panel number, or order where none is given")
    candidate: Series[str] = pa.Field(nullable=True, description="NAME First name")
    party_list: Series[str] = pa.Field(nullable=True)
    nuance_code: Series[str] = pa.Field(nullable=True)
    votes: Series[int] = pa.Field(ge=0)


class Shares(Table):
    """Shares of valid votes where a source gives percentages and no counts: never scored.

    One row per station and line; the counts of turnout are those the source gives, if any.
    """

    election_id: Series[str]
    station_id: Series[str] = pa.Field(str_matches=STATION_ID)
    line: Series[int] = pa.Field(ge=0)
    candidate: Series[str] = pa.Field(nullable=True)
    party_list: Series[str] = pa.Field(nullable=True)
    nuance_code: Series[str] = pa.Field(nullable=True)
    share: Series[float] = pa.Field(ge=0, le=1, description="of valid votes, as published")
    registered: Series[pd.Int64Dtype] = pa.Field(ge=0, nullable=True)
    votes_cast: Series[pd.Int64Dtype] = pa.Field(ge=0, nullable=True)
    valid_votes: Series[pd.Int64Dtype] = pa.Field(ge=0, nullable=True)


class BlocRows(Table):
    """Nuance, candidate or list → bloc, per election, with a source for each row."""

    election_id: Series[str] = pa.Field(description="one round, or one contest (`2022_legi`)")
    nuance_code: Series[str] = pa.Field(nullable=True)
    candidate: Series[str] = pa.Field(nullable=True, description="or the list's name")
    bloc: Series[str] = pa.Field(isin=list(BLOCS))
    source: Series[str]


class BlocVotes(Table):
    """Votes per bloc: `votes` × `blocs`; one row per station and bloc that stood there."""

    election_id: Series[str]
    station_id: Series[str]
    bloc: Series[str] = pa.Field(isin=list(BLOCS))
    votes: Series[int] = pa.Field(ge=0)


class Stations(Table):
    """Polling stations of one vintage, with their outline (EPSG:2154)."""

    station_id: Series[str] = pa.Field(str_matches=STATION_ID, unique=True)
    vintage: Series[str]
    commune_code: Series[str]
    number: Series[str]
    name: Series[str] = pa.Field(nullable=True)
    polling_place: Series[str] = pa.Field(nullable=True)
    origin: Series[str] = pa.Field(isin=["published", "built", "points"])
    geometry: Any


class Quarters(Table):
    """Named parts of communes, as the campaign speaks of them (EPSG:2154)."""

    name: Series[str] = pa.Field(str_length={"min_value": 1, "max_value": 80})
    commune_code: Series[str] = pa.Field(str_matches=COMMUNE_CODE)
    geometry: Any

    @pa.dataframe_check(error="a commune has two quarters of one name")
    def names_are_single(cls, t: pd.DataFrame) -> Any:  # noqa: N805
        return ~t.duplicated(["commune_code", "name"])


class StationHistory(Table):
    """How the votes of then are carried to the stations of now; one row a pair that shares voters.

    The weights of each station of then sum to 1, what is lost included: totals are conserved.
    """

    vintage: Series[str] = pa.Field(description="the election of then, or the year of a roll")
    station_id_then: Series[str] = pa.Field(str_matches=STATION_ID)
    station_id: Series[str] = pa.Field(nullable=True, description="of now; missing: lost")
    weight: Series[float] = pa.Field(gt=0, le=1 + 1e-9, description="share of then's voters")
    basis: Series[str] = pa.Field(description="what tells: see stations.flows.BASES")
    confidence: Series[float] = pa.Field(ge=0, le=1)


class Ledger(Table):
    """Where each station's past comes from; one row a station of now and vintage.

    Stations of then that led nowhere stand at the end, under their own id, as `gone`.
    """

    vintage: Series[str]
    station_id: Series[str]
    kind: Series[str] = pa.Field(isin=list(LEDGER_KINDS))
    stations_then: Series[str] = pa.Field(description="ids, largest part first, by a space")
    basis: Series[str] = pa.Field(description="of the largest part")
    registered: Series[float] = pa.Field(nullable=True, description="roll of now (then, if gone)")
    registered_carried: Series[float] = pa.Field(nullable=True, description="roll then, carried")
    history_share: Series[float] = pa.Field(ge=0, le=1, description="of the past that is its own")
    confidence: Series[float] = pa.Field(ge=0, le=1)
    is_uncertain: Series[bool]


class Scores(Table):
    """T0 score of each station and what explains it. Rates from 0 to 1, people in people."""

    station_id: Series[str] = pa.Field(unique=True)
    constituency_code: Series[str] = pa.Field(nullable=True)
    registered: Series[int] = pa.Field(ge=0)
    abstention_rate: Series[float] = pa.Field(ge=0, le=1, nullable=True)
    left_share: Series[float] = pa.Field(ge=0, le=1, nullable=True)
    score: Series[float] = pa.Field(ge=0, le=1, nullable=True)
    rank: Series[pd.Int64Dtype] = pa.Field(ge=1, nullable=True)
    reservoir: Series[float] = pa.Field(ge=0, nullable=True)
    reservoir_low: Series[float] = pa.Field(ge=0, nullable=True)
    reservoir_high: Series[float] = pa.Field(ge=0, nullable=True)
    history_share: Series[float] = pa.Field(ge=0, le=1)
    top_k_probability: Series[float] = pa.Field(ge=0, le=1, nullable=True)
    reasons: Series[str] = pa.Field(description="codes joined by `|`, put in words on screen")


class Coverage(Table):
    """What was done in a station: counts of households, never who."""

    station_id: Series[str] = pa.Field(unique=True)
    households: Series[int] = pa.Field(ge=0)
    households_visited: Series[int] = pa.Field(ge=0)
    households_contacted: Series[int] = pa.Field(ge=0)
    last_visit_date: Series[Any] = pa.Field(nullable=True, coerce=False)


class Priorities(Table):
    """Where to knock next: the score, less the households already met."""

    station_id: Series[str] = pa.Field(unique=True)
    score: Series[float] = pa.Field(ge=0, le=1, nullable=True)
    reservoir: Series[float] = pa.Field(ge=0, nullable=True)
    contacted_rate: Series[float] = pa.Field(ge=0, le=1)
    reservoir_left: Series[float] = pa.Field(ge=0, nullable=True)
    priority: Series[float] = pa.Field(ge=0, le=1, nullable=True)
    priority_rank: Series[pd.Int64Dtype] = pa.Field(ge=1, nullable=True)


class Addresses(Table):
    """Numbered addresses of one source, as BAN publishes them (EPSG:2154 metres)."""

    address_id: Series[str] = pa.Field(unique=True, description="the BAN id")
    commune_code: Series[str] = pa.Field(description="13055, never 132xx")
    postcode: Series[str] = pa.Field(nullable=True)
    street: Series[str]
    number: Series[int] = pa.Field(ge=0)
    suffix: Series[str] = pa.Field(description="bis, ter, A…; empty when none")
    x: Series[float]
    y: Series[float]


class VoterAddresses(Table):
    """Registered voters per address and station, as a roll gives them without names."""

    station_id: Series[str] = pa.Field(str_matches=STATION_ID)
    commune_code: Series[str]
    arrondissement_code: Series[str]
    street: Series[str]
    number: Series[int] = pa.Field(ge=0)
    suffix: Series[str]
    registered: Series[int] = pa.Field(ge=0)


class StationPoints(Table):
    """Where the voters of each station live: one row per station, vintage and point.

    A point that two stations share has a row for each; shares between vintages come from these.
    """

    station_id: Series[str] = pa.Field(str_matches=STATION_ID)
    vintage: Series[str] = pa.Field(str_matches=r"^\d{4}$", description="year of the roll")
    commune_code: Series[str] = pa.Field(description="13055, never 132xx")
    x: Series[float] = pa.Field(description="EPSG:2154, metres")
    y: Series[float] = pa.Field(description="EPSG:2154, metres")
    weight: Series[float] = pa.Field(gt=0, description="voters or addresses, as `basis` says")
    basis: Series[str] = pa.Field(isin=["voters", "addresses"])
    address_id: Series[str] = pa.Field(nullable=True, description="the BAN id, where known")


class StreetRanges(Table):
    """Which numbers of one side of a street vote where; one row per street, side and station.

    Ends are included, by number then suffix; `first_number` 0 to `last_number` 99999 is the whole
    side.
    """

    station_id: Series[str] = pa.Field(str_matches=STATION_ID)
    commune_code: Series[str]
    street: Series[str]
    side: Series[str] = pa.Field(isin=["even", "odd"])
    first_number: Series[int] = pa.Field(ge=0)
    first_suffix: Series[str]
    last_number: Series[int] = pa.Field(ge=0)
    last_suffix: Series[str]


class Buildings(Table):
    """Doors are grouped by building: one address, its dwellings and its station."""

    building_id: Series[str] = pa.Field(unique=True, description="the BAN id")
    street: Series[str]
    number: Series[int] = pa.Field(ge=0)
    suffix: Series[str]
    x: Series[float] = pa.Field(description="EPSG:2154, metres")
    y: Series[float] = pa.Field(description="EPSG:2154, metres")
    dwellings: Series[int] = pa.Field(ge=1)
    registered_estimate: Series[float] = pa.Field(ge=0)
    station_id: Series[str] = pa.Field(nullable=True, description="missing: in no outline")
    kind: Series[str] = pa.Field(isin=["house", "block", "tower"])


class DoorLayouts(Table):
    """Doors of the buildings that somebody described, numbered as they are walked.

    Staircase after staircase, from the top floor down, from the left: door 1 is the first. One row
    a door; a building that is not in it has doors 1, 2, 3… and nothing else known of them.
    """

    building_id: Series[str]
    commune_code: Series[str]
    door: Series[int] = pa.Field(ge=1)
    staircase: Series[str] = pa.Field(description="as written there; empty when one or unknown")
    floor: Series[pd.Int64Dtype] = pa.Field(nullable=True, description="0 is the ground floor")
    label: Series[str] = pa.Field(description="what is on the door; empty when nothing is known")


class TurfDoors(Table):
    """One row a door of a turf, in the order in which they are knocked at."""

    turf_id: Series[str]
    visit_order: Series[int] = pa.Field(ge=1, description="of the building in the turf")
    building_id: Series[str]
    door: Series[int] = pa.Field(
        ge=1, description="number in the building: its id is building/door"
    )
    staircase: Series[str]
    floor: Series[pd.Int64Dtype] = pa.Field(nullable=True)
    label: Series[str]
    is_closed: Series[bool] = pa.Field(description="not to be knocked at today")
    last_visit_date: Series[Any] = pa.Field(nullable=True, coerce=False)
    last_outcome: Series[str] = pa.Field(nullable=True, description="of an open door; else missing")


class Streets(Table):
    """Ways on foot, with their names (EPSG:2154), and the barriers that no address is put across.

    `kind` is the class of the way (`residential`, `footway`…) but for what matters more than its
    class: `stairs`, `bridge`, `tunnel`, `wide` (long to cross), `private` (walked from its entrance
    only, to its own addresses); barriers are `water`, `rail` and
    `motorway`.
    """

    street: Series[str] = pa.Field(nullable=True)
    kind: Series[str]
    is_noded: Series[bool] | None = pa.Field(
        description="lines meet where they share a vertex and nowhere else (OSM); absent: no"
    )
    geometry: Any


class Turfs(Table):
    """One row a turf: what one pair walks in one outing."""

    turf_id: Series[str] = pa.Field(unique=True)
    rank: Series[int] = pa.Field(ge=1, description="order in which to send pairs out")
    station_ids: Series[str] = pa.Field(description="joined by a space")
    n_buildings: Series[int] = pa.Field(ge=1)
    n_doors: Series[int] = pa.Field(ge=1)
    registered_estimate: Series[float] = pa.Field(ge=0)
    minutes_expected: Series[float] = pa.Field(ge=0)
    walk_m: Series[float] = pa.Field(ge=0)
    longest_leg_m: Series[float] = pa.Field(ge=0)
    start_address: Series[str]
    end_address: Series[str]


class TurfStops(Table):
    """One row a building of a turf, in walking order."""

    turf_id: Series[str]
    visit_order: Series[int] = pa.Field(ge=1)
    building_id: Series[str]
    dwellings: Series[int] = pa.Field(ge=1, description="doors of this turf in the building")


class Excluded(Table):
    """Buildings left out of a cut, each with its reason: no door is silently lost."""

    building_id: Series[str]
    dwellings: Series[int] = pa.Field(ge=1)
    reason: Series[str]
