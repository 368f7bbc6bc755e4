"""Voters found at their address, however the roll spells it."""

from __future__ import annotations

import pandas as pd
import pytest

from targeting.households.matching import match_voters
from targeting.streetnames import street_key


def addresses(*rows: tuple[str, int, str], place: str = "75109") -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "address_id": f"{place}_{abs(hash(street)) % 9999:04d}_{number:05d}_{suffix}",
                "commune_code": "75056", "postcode": "75009", "street": street, "number": number,
                "suffix": suffix, "x": 0.0, "y": 0.0,
            }
            for street, number, suffix in rows
        ]
    )  # fmt: skip


def roll(street: str, *numbers: int, place: str = "75109") -> pd.DataFrame:
    return pd.DataFrame(
        {
            "station_id": "75056_0901", "commune_code": "75056", "arrondissement_code": place,
            "street": street, "number": list(numbers), "suffix": "", "registered": 10,
        }
    )  # fmt: skip


def steps(voters: pd.DataFrame, book: pd.DataFrame) -> list[str]:
    return match_voters(voters, book).rows["step"].to_list()


def test_the_same_address_is_found_at_once() -> None:
    book = addresses(("Rue des Martyrs", 4, ""), ("Rue des Martyrs", 6, ""))
    match = match_voters(roll("RUE DES MARTYRS", 6), book)
    assert match.rows["address_id"].to_list() == [book["address_id"][1]]
    assert match.rate() == match.voter_rate() == 1.0


@pytest.mark.parametrize(
    ("roll_name", "ban_name"),
    [("AV DU GAL LECLERC", "Avenue du Général Leclerc"), ("BD ST GERMAIN", "Boulevard Saint-Germain"),
     ("RUE DE L ABBE GREGOIRE", "Rue de l'Abbé Grégoire"), ("RUE NAPOLEON 1ER", "Rue Napoléon Ier")],
)  # fmt: skip
def test_abbreviations_accents_and_articles_do_not_matter(roll_name: str, ban_name: str) -> None:
    assert street_key(roll_name) == street_key(ban_name)


def test_a_street_renamed_with_a_first_name_is_found_by_its_words_and_numbers() -> None:
    book = addresses(*(("Rue Marguerite de Rochechouart", n, "") for n in range(2, 30)))
    assert steps(roll("RUE DE ROCHECHOUART", 5, 8, 22), book) == ["exact"] * 3


def test_another_street_with_a_word_in_common_is_not_taken_for_it() -> None:
    book = addresses(("Rue de Rochechouart", 4, ""), ("Place de la Tour Maubourg", 90, ""))
    assert steps(roll("RUE DE LA TOUR D AUVERGNE", 12, 14, 16), book) == ["none"] * 3


def test_a_number_that_lost_its_suffix_goes_to_the_one_that_has_it() -> None:
    assert steps(roll("RUE BASSE", 12), addresses(("Rue Basse", 12, "bis"))) == ["suffix"]


def test_a_missing_number_goes_to_its_neighbour_on_the_same_side() -> None:
    book = addresses(("Rue Basse", 11, ""), ("Rue Basse", 16, ""), ("Rue Basse", 90, ""))
    match = match_voters(roll("RUE BASSE", 12, 60), book)
    assert match.rows["step"].to_list() == ["neighbour", "none"]
    assert match.rows["address_id"].iloc[0] == book["address_id"][1], "16 is on its side, 11 is not"
    assert match.rate() == 0.0, "a neighbour is not counted as found"


def test_a_street_of_the_next_arrondissement_is_found_across() -> None:
    book = addresses(("Rue Basse", 12, ""), place="75110")
    assert steps(roll("RUE BASSE", 12, place="75109"), book) == ["across"]
