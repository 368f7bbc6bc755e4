import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from targeting.maps.classes import (
    NOTHING_YET,
    PALETTE,
    UNKNOWN,
    build_classes,
    fill_colours,
)
from targeting.maps.legend import legend_lines
from targeting.palette import LIGHT, LIGHT_THEME, rgb

rates = st.lists(st.none() | st.floats(0, 1), min_size=1, max_size=60)


@given(rates)
def test_every_station_is_counted_once_in_the_legend(values):
    series = pd.Series(values, dtype=float)
    for metric in ("score", "coverage"):
        classes = build_classes(metric, series)
        counted = sum(classes.counts) + classes.unknown + (classes.nothing or 0)
        assert counted == len(series)


@given(rates)
def test_a_higher_value_is_never_paler(values):
    series = pd.Series(values, dtype=float)
    colours = fill_colours(series, build_classes("score", series))
    order = series.dropna().sort_values().index
    ranks = [PALETTE.index(tuple(colours[i][:3])) for i in order]
    assert ranks == sorted(ranks)


@given(rates)
def test_the_counts_of_the_legend_are_those_of_the_colours(values):
    series = pd.Series(values, dtype=float)
    for metric in ("abstention", "coverage"):
        classes = build_classes(metric, series)
        painted = [tuple(c[:3]) for c in fill_colours(series, classes)]
        for colour, count in zip(classes.colours, classes.counts, strict=True):
            assert painted.count(colour) == count
        assert painted.count(UNKNOWN) == classes.unknown
        assert painted.count(NOTHING_YET) == (classes.nothing or 0)


def test_screens_that_pydeck_draws_have_the_colours_of_the_palette():
    values = pd.Series([*range(100), None], dtype=float)
    colours = fill_colours(values, build_classes("score", values))
    assert [colours[i] for i in (0, 99, 100)] == [
        [*rgb(c), 255] for c in (LIGHT[0], LIGHT[-1], LIGHT_THEME.unknown)
    ]


def test_one_value_is_one_class():
    classes = build_classes("score", pd.Series([0.2, 0.2, 0.2]))
    assert classes.counts == (3,)
    assert classes.colours == [PALETTE[-1]]


def test_five_classes_of_equal_size_the_darkest_first():
    classes = build_classes("abstention", pd.Series(range(100)) / 100)
    legend = legend_lines(classes, "fr", "left")
    assert [line.stations for line in legend] == [20] * 5
    assert [rgb(line.colour) for line in legend] == classes.colours[::-1]
    assert legend[0].words.startswith("très forte\u00a0: 79 à 99")


@pytest.mark.parametrize(("language", "words"), [("fr", "inconnu"), ("en", "unknown")])
def test_unknown_has_its_own_entry_and_its_colour(language, words):
    values = pd.Series([0.1, 0.3, None])
    classes = build_classes("priority", values)
    line = legend_lines(classes, language, "left")[-1]
    assert (line.words, rgb(line.colour)) == (words, UNKNOWN)
