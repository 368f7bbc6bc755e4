"""What a person chose about the invented town: read once from `data/demo_town.toml`."""

from __future__ import annotations

import tomllib
from functools import cache
from typing import Any, Final

import numpy as np

from targeting.shipped import OUR_DATA

PARAMETERS_FILE: Final = OUR_DATA / "demo_town.toml"

SUBJECTS: Final = ("ground", "names", "housing", "ballots", "people", "visits")
"""Each subject draws its own chance, so that a change in one leaves the others' bytes alone."""


@cache
def parameters() -> dict[str, Any]:
    """The parameters of the town, as written in the file; read only."""
    with PARAMETERS_FILE.open("rb") as file:
        return tomllib.load(file)


def chance_of(subject: str, seed: int) -> np.random.Generator:
    """The chance of one subject: same seed, same draws."""
    return np.random.default_rng([seed, SUBJECTS.index(subject)])
