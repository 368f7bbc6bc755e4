"""People of the invented town who left their data, and visits at its doors: nobody is real.

Chance here never looks at votes: who is a contact says nothing of how a street votes. Phones are
in the range that Arcep keeps for fiction (06 39 98 xx xx), e-mails at example.org.
"""

from __future__ import annotations

import unicodedata
import uuid
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from targeting.demo.parameters import chance_of, parameters
from targeting.outcomes import OUTCOMES_TABLE

NAMESPACE: Final = uuid.UUID("7f9a4c52-5d0b-5b6e-9a3c-99001c0ffee0")

VOTERS_PER_DWELLING: Final = 1.6
"""DESIGN.md §3: the dwellings of a building are its registered voters over this."""

RECENT_DAYS: Final = 420
"""Contacts were met in the last fourteen months."""

KEPT_AFTER_BALLOT: Final = timedelta(days=15)
KEPT_AFTER_EXCHANGE: Final = timedelta(days=730)
"""TRUST.md PRIV-11: occasional contacts until the ballot, regular ones two years."""

CHANNELS: Final = {"door": "paper", "stand": "paper", "meeting": "paper", "website": "web"}

TOWN_TIME: Final = ZoneInfo("Europe/Paris")

OUTINGS: Final = {0: (18, 5), 1: (18, 10), 2: (18, 0), 3: (18, 10), 5: (14, 30), 6: (15, 0)}
"""Weekday → hour and minute at which pairs set out: evenings, and weekend afternoons."""

OUTING_MINUTES: Final = 120
"""A pair that is not done by then comes back at the next outing."""

DEMO_SHARES: Final = {o.code: o.demo_share for o in OUTCOMES_TABLE if o.demo_share}

VISITED_DAYS: Final = 45
"""The visits were made in the last weeks."""


def dwellings_of(registered: pd.Series) -> pd.Series:
    """Doors of each building: its registered voters over 1.6, at least one."""
    return (registered / VOTERS_PER_DWELLING).round().clip(lower=1).astype(int)


def pick(shares: dict[str, float], draws: np.ndarray) -> np.ndarray:
    """One of the keys for each draw between 0 and 1, in proportion of their shares."""
    edges = np.cumsum(list(shares.values()))
    places = np.searchsorted(edges / edges[-1], draws, side="right")
    picked: np.ndarray = np.array(list(shares), dtype=object)[np.minimum(places, len(shares) - 1)]
    return picked


def build_contacts(housing: pd.DataFrame, today: date, ballot: date, seed: int) -> pd.DataFrame:
    """The contacts: those without consent keep no name, phone, age, theme nor door.

    Dates are `datetime.date`, None when missing; `ttpa_consent` is a plain bool.
    """
    chance = chance_of("people", seed)
    wanted, n = parameters()["people"], parameters()["people"]["number"]
    draws = {
        name: chance.uniform(size=n)
        for name in ("category", "source", "consent", "age", "phone", "email", "ttpa", "door")
    }
    category = pick(wanted["categories"], draws["category"])
    source = pick(wanted["sources"], draws["source"])
    consents = draws["consent"] < np.array([wanted["consent_rates"][c] for c in category])
    met = [today - timedelta(days=int(d)) for d in chance.integers(2, RECENT_DAYS, n)]
    doors = dwellings_of(housing["registered"]).to_numpy()
    row = chance.choice(len(housing), n, p=doors / doors.sum())
    building = housing["address_id"].to_numpy()[row]
    number = 1 + (draws["door"] * doors[row]).astype(int)
    first, last = draw_names(n, chance)
    phones = [f"+3363998{p:04d}" for p in chance.permutation(10_000)[:n]]
    themes = draw_themes(n, chance)
    told = category != "occasional"

    def if_agreed(values: list[str], asked: np.ndarray) -> pd.Series:
        kept = consents & asked
        return pd.Series([v if k else None for v, k in zip(values, kept, strict=True)], dtype="str")

    everyone = np.ones(n, dtype=bool)
    emails = [
        f"{plain(a)}.{plain(b)}.{i}@example.org"
        for i, (a, b) in enumerate(zip(first, last, strict=True))
    ]
    doors_named = [f"{b}/{d}" for b, d in zip(building, number, strict=True)]
    basis = np.where(consents, "consent", np.where(told, "regular_contact", "legitimate_interest"))
    return pd.DataFrame(
        {
            "contact_id": [str(uuid.uuid5(NAMESPACE, f"{seed}/contact/{i}")) for i in range(n)],
            "category": pd.Series(category, dtype="str"),
            "first_name": if_agreed(first, everyone),
            "last_name": if_agreed(last, everyone),
            "phone": if_agreed(phones, draws["phone"] < 0.72),
            "email": if_agreed(emails, draws["email"] < 0.58),
            "age_band": if_agreed(pick(wanted["age_bands"], draws["age"]).tolist(), everyone),
            "themes": if_agreed(themes, told & np.array([bool(t) for t in themes])),
            "building_id": pd.Series(building, dtype="str"),
            "door_id": if_agreed(doors_named, everyone),
            "source": pd.Series(source, dtype="str"),
            "source_date": met,
            "legal_basis": pd.Series(basis, dtype="str"),
            "notice_date": met,
            "notice_version": wanted["notice_version"],
            "consent_date": [d if yes else None for d, yes in zip(met, consents, strict=True)],
            "consent_channel": if_agreed([CHANNELS[s] for s in source], everyone),
            "consent_wording": if_agreed([wanted["consent_wording"]] * n, everyone),
            "ttpa_consent": consents & (draws["ttpa"] < 0.4),
            "retention_date": [
                day + KEPT_AFTER_EXCHANGE if regular else ballot + KEPT_AFTER_BALLOT
                for day, regular in zip(met, told, strict=True)
            ],
        }
    ).astype({"notice_version": "str"})


def draw_names(n: int, chance: np.random.Generator) -> tuple[list[str], list[str]]:
    """Common first names, and last names put together from syllables."""
    words = parameters()["people"]
    first = chance.choice(words["first_names"], n).tolist()
    parts = [chance.choice(words[k], n) for k in ("name_starts", "name_middles", "name_ends")]
    return first, ["".join(name) for name in zip(*(p.tolist() for p in parts), strict=True)]


def draw_themes(n: int, chance: np.random.Generator) -> list[str]:
    """None, one, two or three themes of concern each, joined by `|`."""
    names = np.array(list(parameters()["people"]["themes"]), dtype=object)
    shares = np.array(list(parameters()["people"]["themes"].values()))
    # Gumbel keys: the largest few of them are a draw without replacement.
    keys = np.log(shares) + chance.gumbel(size=(n, len(names)))
    how_many = chance.choice(4, n, p=[0.15, 0.40, 0.30, 0.15])
    ranked = np.argsort(-keys, axis=1)
    return ["|".join(names[row[:k]]) for row, k in zip(ranked, how_many, strict=True)]


def plain(name: str) -> str:
    """A name in lower-case letters without accents, for an e-mail address."""
    bare = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return "".join(letter for letter in bare.lower() if letter.isalpha())


def build_visits(stops: pd.DataFrame, *, seed: int, today: date) -> pd.DataFrame:
    """Visits for about half the turfs, half of these to the end, in walking order.

    `stops` has the columns of `TurfStops`. A visit carries no name, no note and no theme.
    `visited_at` is in UTC; outings are on evenings and weekend afternoons before `today`.
    """
    chance = chance_of("visits", seed)
    wanted = parameters()["visits"]
    doors = doors_of(stops)
    tables = []
    for turf_id, turf in doors.groupby("turf_id", sort=True):
        starts, finishes, stop = chance.uniform(size=3)
        day = outing_start(today, chance)
        pauses = chance.exponential(wanted["minutes_per_door"], len(turf))
        draws = chance.uniform(size=len(turf))
        if starts > wanted["turfs_started"]:
            continue
        reached = len(turf) if finishes < wanted["turfs_finished"] else door_of_stop(turf, stop)
        minutes = np.cumsum(0.4 + pauses)[:reached].clip(max=24 * 60)
        done = turf.head(reached)
        tables.append(
            pd.DataFrame(
                {
                    "visit_id": [visit_id(seed, turf_id, door) for door in done["door_id"]],
                    "building_id": done["building_id"].to_numpy(),
                    "door_id": done["door_id"].to_numpy(),
                    "turf_id": turf_id,
                    "visited_at": spread_over_outings(day, minutes),
                    "outcome": pick(DEMO_SHARES, draws[:reached]),
                }
            )
        )
    columns = ["visit_id", "building_id", "door_id", "turf_id", "visited_at", "outcome"]
    visits = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=columns)
    text = [name for name in columns if name != "visited_at"]
    return visits.astype({**dict.fromkeys(text, "str"), "visited_at": "datetime64[us, UTC]"})


def doors_of(stops: pd.DataFrame) -> pd.DataFrame:
    """One row a door, in walking order; a tower cut between turfs gives each its own doors."""
    ordered = stops.sort_values(["turf_id", "visit_order"], ignore_index=True)
    before = ordered.groupby("building_id")["dwellings"].cumsum() - ordered["dwellings"]
    doors = ordered.loc[ordered.index.repeat(ordered["dwellings"])]
    position = doors.groupby(level=0).cumcount() + 1 + before.loc[doors.index]
    ids = doors["building_id"] + "/" + position.astype("str")
    return doors.assign(door_id=ids).reset_index(drop=True)


def door_of_stop(turf: pd.DataFrame, share: float) -> int:
    """How many doors were knocked at when a pair stopped after a building, part of the way."""
    stops = turf["visit_order"].unique()
    last = stops[min(len(stops) - 1, int(share * len(stops)))]
    return int((turf["visit_order"] <= last).sum())


def visit_id(seed: int, turf_id: object, door_id: str) -> str:
    """Identifier of a visit, the same each time."""
    return str(uuid.uuid5(NAMESPACE, f"{seed}/visit/{turf_id}/{door_id}"))


def outing_start(today: date, chance: np.random.Generator) -> date:
    """A past day on which pairs go out, early enough for a long turf to be finished since."""
    day = today - timedelta(days=int(chance.integers(8, VISITED_DAYS)))
    while day.weekday() not in OUTINGS:
        day -= timedelta(days=1)
    return day


def spread_over_outings(day: date, minutes: np.ndarray) -> list[datetime]:
    """When each door was visited: two hours an outing, the rest at the outings that follow."""
    days = [day]
    while len(days) <= minutes.max() // OUTING_MINUTES:
        days.append(next_outing(days[-1]))
    starts = [datetime.combine(d, time(*OUTINGS[d.weekday()]), TOWN_TIME) for d in days]
    utc = ZoneInfo("UTC")
    return [
        (
            starts[int(m // OUTING_MINUTES)] + timedelta(seconds=round(m % OUTING_MINUTES * 60))
        ).astimezone(utc)
        for m in minutes
    ]


def next_outing(day: date) -> date:
    """The next day on which pairs go out."""
    day += timedelta(days=1)
    return day if day.weekday() in OUTINGS else next_outing(day)
