"""Addresses given to stations by the city's table of streets and numbers."""

from __future__ import annotations

from collections import defaultdict

import pandas as pd

from targeting.sources.addresses.street_ranges import range_key
from targeting.streetnames import street_key

Span = tuple[int, int, str]


def assign_by_ranges(addresses: pd.DataFrame, ranges: pd.DataFrame) -> pd.Series:
    """The station_id of each address, by street, side, number and suffix; missing where none.

    A bound without suffix takes its number's suffixes in (to 70: 70 bis too), unless another range
    names them. Of ranges that overlap, the shortest is taken: a special case within a rule; two of
    one length say nothing, and the address stays without station.

    Parameters
    ----------
    addresses
        Table Addresses.
    ranges
        Table StreetRanges.
    """
    spans: dict[tuple[str, str, str], list[Span]] = defaultdict(list)
    for row in ranges.itertuples():
        first = range_key(row.first_number, row.first_suffix)
        last = range_key(row.last_number, row.last_suffix)
        spans[(row.commune_code, street_key(row.street), row.side)].append(
            (first, last, row.station_id)
        )
    for there in spans.values():
        there.sort(key=lambda span: (span[1] - span[0], span))
    keys = {street: street_key(street) for street in addresses["street"].unique()}
    found = [
        _station(spans.get((commune, keys[street], "odd" if number % 2 else "even"), []),
                 range_key(number, suffix))
        for commune, street, number, suffix in zip(
            addresses["commune_code"], addresses["street"], addresses["number"],
            addresses["suffix"], strict=True,
        )
    ]  # fmt: skip
    return pd.Series(found, index=addresses.index, dtype="str", name="station_id")


def _station(spans: list[Span], key: int) -> str | None:
    """The shortest span that holds the key, else one that holds its number without suffix."""
    for wanted in dict.fromkeys((key, key - key % 100)):
        holding = [span for span in spans if span[0] <= wanted <= span[1]]
        if holding:
            shortest = holding[0][1] - holding[0][0]
            stations = {station for first, last, station in holding if last - first == shortest}
            return stations.pop() if len(stations) == 1 else None
    return None
