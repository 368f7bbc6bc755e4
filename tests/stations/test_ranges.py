"""Numbers of a street to stations: sides, suffixes, special cases within a rule."""

from __future__ import annotations

import pandas as pd

from targeting.stations.ranges import assign_by_ranges


def addresses(*rows: tuple[str, int, str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["street", "number", "suffix"]).assign(commune_code="72181")


def ranges(*rows: tuple[str, str, int, str, int, str, str]) -> pd.DataFrame:
    columns = [
        "street",
        "side",
        "first_number",
        "first_suffix",
        "last_number",
        "last_suffix",
        "station_id",
    ]
    return pd.DataFrame(rows, columns=columns).assign(commune_code="72181")


TANNERS = ranges(
    ("RUE DES TANNEURS", "even", 2, "", 70, "bis", "0001"),
    ("RUE DES TANNEURS", "even", 70, "ter", 98, "", "0002"),
    ("RUE DES TANNEURS", "odd", 1, "", 15, "", "0003"),
    ("RUE DES TANNEURS", "odd", 17, "", 99, "", "0004"),
    ("RUE DES TANNEURS", "odd", 31, "", 31, "", "0005"),
    ("RUE BASSE", "even", 0, "", 99999, "", "0006"),
    ("RUE DOUBLE", "odd", 1, "", 9, "", "0007"),
    ("RUE DOUBLE", "odd", 1, "", 9, "", "0008"),
)


def station(street: str, number: int, suffix: str = "") -> str | None:
    found = assign_by_ranges(addresses((street, number, suffix)), TANNERS).iloc[0]
    return None if pd.isna(found) else str(found)


def test_side_number_and_suffix_say_the_station() -> None:
    assert station("Rue des Tanneurs", 2) == "0001"
    assert station("Rue des Tanneurs", 70, "bis") == "0001"
    assert station("Rue des Tanneurs", 70, "ter") == "0002"
    assert station("Rue des Tanneurs", 15) == "0003"
    assert station("R des tanneurs", 17) == "0004"
    assert station("Rue Basse", 4000) == "0006"


def test_a_bound_takes_in_the_suffixes_that_no_other_range_names() -> None:
    assert station("Rue des Tanneurs", 15, "bis") == "0003"
    assert station("Rue des Tanneurs", 98, "C") == "0002"


def test_a_special_case_within_a_rule_wins_and_a_tie_says_nothing() -> None:
    assert station("Rue des Tanneurs", 31) == "0005"
    assert station("Rue Double", 3) is None


def test_numbers_and_streets_of_no_range_have_no_station() -> None:
    assert station("Rue des Tanneurs", 100) is None
    assert station("Rue Basse", 3) is None
    assert station("Rue Haute", 2) is None
    other = addresses(("Rue Basse", 2, "")).assign(commune_code="72001")
    assert assign_by_ranges(other, TANNERS).isna().all()
