"""What the screens of proof answer first: the past of stations, a scenario."""

import pandas as pd
import pytest

from targeting.locale import LANGUAGES
from targeting.maps.proofs import moved_kinds, past_verdict, scenario_verdict


def ledger(*kinds, doubtful=()):
    return pd.DataFrame(
        {"kind": pd.Series(kinds, dtype="str"),
         "is_uncertain": [at in doubtful or kind == "lost" for at, kind in enumerate(kinds)]}
    )  # fmt: skip


def plain(lines):
    return [line.replace("\u00a0", " ") for line in lines]


def test_a_past_that_did_not_move_and_is_sure_is_said_in_two_sentences():
    assert plain(past_verdict(ledger("identity", "identity"), "fr")) == [
        "Aucun des 2 bureaux n’a bougé depuis ce scrutin.",
        "Leurs résultats d’alors sont bien les leurs : le classement peut s’y fier.",
    ]


def test_what_moved_is_uncertain_lost_or_gone_is_counted_once_and_told():
    rows = ledger("identity", "recut", "recut", "lost", "gone", "gone", doubtful=(0, 1))
    said = plain(past_verdict(rows, "fr"))
    assert said[0] == "3 bureaux sur 4 ont bougé depuis ce scrutin."
    assert [line.split(" ")[0] for line in said[2:]] == ["1", "2"]
    assert said[1].startswith("Le passé de 2 bureaux est incertain")
    assert len(said) == 4
    assert moved_kinds(rows) == [("recut", 2), ("lost", 1), ("gone", 2), ("identity", 1)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_scenario_says_its_votes_where_half_lie_and_how_far_it_was_wrong(language):
    reservoir = pd.Series([500.0, 300.0, 150.0, 50.0, None])
    words = {"low": "48 %", "low_election": "x"}
    said = plain(scenario_verdict((1200.4, 1999.6), (50, 60), reservoir, language, **words))
    assert all(
        number in said[0].replace(",", " ").replace("\u202f", " ")
        for number in ("1 200", "2 000", "50", "60")
    )
    assert ("1 bureau sur 5" if language == "fr" else "1 station of 5") in said[1]
    assert "78" in said[2]
    assert "99" in said[2]


def test_a_scenario_that_brings_nothing_says_so_and_one_number_is_no_range():
    reservoir = pd.Series([500.0])
    words = {"low": "48 %", "low_election": "législatives 2024"}
    (said,) = plain(scenario_verdict((0.0, 0.4), (30, 40), reservoir, "fr", **words))
    assert "rien n’est regagné" in said
    assert "48 %" in said
    one = plain(scenario_verdict((10.0, 10.2), (50, 50), reservoir, "fr", **words))
    assert one[0] == "Avec 50 % de participation : 10 voix à regagner."
    assert len(one) == 2  # one station: no half of them
