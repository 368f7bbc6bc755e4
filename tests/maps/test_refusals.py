"""Why outlines are not painted: the reason of the guard, in both languages."""

import pytest

from targeting.maps.refusals import why_refused
from targeting.stations.joins import Join

CASES = {
    "codes": (Join("2022_pres_t1", 10, 7), ("70,0\u00a0%", "80\u00a0%"), "70.0%"),
    "rolls": (Join("2022_pres_t1", 10, 10, gap=0.11), ("11,0\u00a0%", "10\u00a0%"), "11.0%"),
    "constituencies": (
        Join("2022_pres_t1", 10, 10, pieces=0.79, near=0.1), ("79,0\u00a0%", "80\u00a0%"), "79.0%",
    ),
    "points": (Join("2022_pres_t1", 10, 10, near=0.49), ("49,0\u00a0%", "50\u00a0%"), "49.0%"),
    "neighbours": (Join("2022_pres_t1", 10, 10, alike=0.02), ("0,02", "0,1"), "0.02"),
}  # fmt: skip


@pytest.mark.parametrize("reason", CASES)
def test_each_reason_of_the_guard_is_said_with_its_figure_and_its_limit(reason: str) -> None:
    join, french, english = CASES[reason]
    assert (join.reason, join.is_sound) == (reason, False)
    said = why_refused(join, "fr")
    assert said.startswith("Rien n’est peint")
    assert all(figure in said for figure in french)
    told = why_refused(join, "en")
    assert told.startswith("Nothing is painted")
    assert english in told


def test_a_sound_join_has_no_reason_to_be_refused() -> None:
    for join in (
        Join("e", 10, 8), Join("e", 10, 10, gap=0.10), Join("e", 10, 10, pieces=0.8),
        Join("e", 10, 10, near=0.5), Join("e", 10, 10, alike=0.1),
    ):  # fmt: skip
        assert join.is_sound
        assert (join.reason, why_refused(join, "fr")) == ("", "")
