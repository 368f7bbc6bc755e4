"""Voters per address put on the BAN's addresses: street by street, then number by number.

A roll and the BAN disagree on a few streets (renamed, abbreviated, a first name added) and on a few
numbers (a building renumbered, a suffix lost). Each row is matched by the surest step that finds
it, and told by which one; what nothing finds stays unmatched, and is counted.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from rapidfuzz import fuzz

from targeting.streetnames import street_key

STEPS: Final = ("exact", "suffix", "neighbour", "across", "none")
"""exact: street and number; suffix: the number with another suffix; neighbour: the nearest number
on the same side of the street; across: the same address in a neighbouring arrondissement."""

NEAREST_NUMBERS: Final = 8
"""How far a missing number may be from the one that stands for it: four doors on one side."""

ALIKE: Final = 88.0
"""rapidfuzz score (0-100) from which two spellings may be one street."""

SHARED_NUMBERS: Final = 0.6
"""…provided that this share of the roll's numbers exist in the other street."""


@dataclass(frozen=True)
class Match:
    """Result of a match: one row per roll row.

    address_id: missing where nothing was found; step: one of STEPS.
    """

    rows: pd.DataFrame

    def rate(self, steps: tuple[str, ...] = ("exact", "suffix", "across")) -> float:
        """Share of the roll's addresses found by these steps."""
        return float(self.rows["step"].isin(steps).mean()) if len(self.rows) else 0.0

    def voter_rate(self, steps: tuple[str, ...] = ("exact", "suffix", "across")) -> float:
        """Share of the voters whose address was found by these steps."""
        voters = self.rows["registered"]
        return float(voters[self.rows["step"].isin(steps)].sum() / max(voters.sum(), 1))


def match_voters(voters: pd.DataFrame, addresses: pd.DataFrame) -> Match:
    """Find the BAN address of each row of a roll without names.

    Parameters
    ----------
    voters
        Table VoterAddresses.
    addresses
        Table Addresses, of the same communes. The BAN id begins with the arrondissement's code.

    Returns
    -------
    Match
        `voters` with `address_id` and `step`, in the same order.
    """
    book = _AddressBook(addresses)
    streets = voters[["arrondissement_code", "street"]].drop_duplicates()
    numbers_of = voters.groupby(["arrondissement_code", "street"])["number"].agg(set)
    resolved: dict[tuple[str, str], list[tuple[str, str]]] = {
        (place, street): book.resolve(place, street, numbers_of[(place, street)])
        for place, street in streets.itertuples(index=False)
    }
    found = [
        book.find(place, resolved[(place, street)], number, suffix)
        for place, street, number, suffix in zip(
            voters["arrondissement_code"], voters["street"], voters["number"], voters["suffix"],
            strict=True,
        )
    ]  # fmt: skip
    rows = voters.copy()
    rows["address_id"] = pd.Series([a for a, _ in found], index=rows.index, dtype="str")
    rows["step"] = pd.Series([s for _, s in found], index=rows.index, dtype="str")
    return Match(rows)


class _AddressBook:
    """The BAN's streets and numbers, indexed for lookup."""

    def __init__(self, addresses: pd.DataFrame) -> None:
        place = addresses["address_id"].str.slice(0, 5)
        keys = {s: street_key(s) for s in addresses["street"].unique()}
        self.numbers: dict[tuple[str, str], dict[int, dict[str, str]]] = defaultdict(dict)
        for where, street, number, suffix, address_id in zip(
            place, addresses["street"], addresses["number"], addresses["suffix"],
            addresses["address_id"], strict=True,
        ):  # fmt: skip
            self.numbers[(where, keys[street])].setdefault(number, {})[suffix] = address_id
        self.streets: dict[str, list[str]] = defaultdict(list)
        self.places: dict[str, list[str]] = defaultdict(list)
        for where, key in self.numbers:
            self.streets[where].append(key)
            self.places[key].append(where)

    def resolve(self, place: str, street: str, numbers: set[int]) -> list[tuple[str, str]]:
        """Streets (place, key) that a roll's street may be, the surest first."""
        key = street_key(street)
        if (place, key) in self.numbers:
            return [(place, key), *((p, key) for p in self.places[key] if p != place)]
        words = set(key.split())
        candidates = []
        for other in self.streets.get(place, []):
            score = fuzz.token_set_ratio(key, other)
            if score < ALIKE:
                continue
            contained = words <= set(other.split()) or set(other.split()) <= words
            there = self.numbers[(place, other)]
            shared = len(numbers & set(there)) / max(len(numbers), 1)
            near = sum(any(abs(n - m) <= 2 for m in there) for n in numbers) / max(len(numbers), 1)
            full = fuzz.ratio(key, other)
            if shared >= SHARED_NUMBERS or (
                near >= SHARED_NUMBERS and (contained or full >= ALIKE)
            ):
                candidates.append((contained, shared, full, other))
        best = [(place, other) for *_, other in sorted(candidates, reverse=True)[:1]]
        return best + [(p, key) for p in self.places.get(key, [])]

    def find(
        self, place: str, streets: list[tuple[str, str]], number: int, suffix: str
    ) -> tuple[str | None, str]:
        """The address id and the step that found it."""
        for where, key in streets:
            here = self.numbers[(where, key)].get(number)
            if here:
                exact = suffix in here
                address_id = here[suffix] if exact else here[min(here)]
                if where != place:
                    return address_id, "across"
                return address_id, "exact" if exact else "suffix"
        for where, key in streets[:1]:
            there = self.numbers[(where, key)]
            side = np.array(sorted(n for n in there if n % 2 == number % 2))
            if len(side):
                nearest = int(side[np.abs(side - number).argmin()])
                if abs(nearest - number) <= NEAREST_NUMBERS:
                    return there[nearest][min(there[nearest])], "neighbour"
        return None, "none"
