import pandas as pd
import pytest

from targeting.locale import LANGUAGES
from targeting.maps.classes import Classes, build_classes
from targeting.maps.legend import class_of, counted, legend_lines, unit_in
from targeting.maps.measures import METRICS, layer_of
from targeting.palette import DARK_THEME, LIGHT

FIVE = Classes("priority", (0.06, 0.16, 0.18, 0.23, 0.33, 0.42), (4, 4, 4, 4, 4), 0)


def said(classes: Classes, language: str = "fr", share: str = "left") -> list[str]:
    return [line.words.replace("\u00a0", " ") for line in legend_lines(classes, language, share)]


def test_the_strongest_class_is_first_and_told_with_its_unit():
    assert said(FIVE) == [
        "très prioritaire : 33 à 42 abstentionnistes de gauche pour 100 inscrits",
        "prioritaire : 23 à 33", "moyennement prioritaire : 18 à 23", "peu prioritaire : 16 à 18",
        "très peu prioritaire : 6 à 16",
    ]  # fmt: skip
    assert [line.colour for line in legend_lines(FIVE, "fr", "left")] == list(LIGHT[::-1])
    assert (
        said(FIVE, "en")[0]
        == "very high priority: 33 to 42 left abstainers per 100 registered voters"
    )


def test_a_campaign_of_other_blocs_says_whom_it_aims_at():
    assert said(FIVE, share="target")[0].endswith(
        "abstentionnistes des blocs visés pour 100 inscrits"
    )


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("share", ["left", "target"])
def test_every_measure_has_words_and_a_unit(language, metric, share):
    classes = build_classes(metric, pd.Series([n / 20 for n in range(1, 20)]))
    lines = legend_lines(classes, language, share)
    assert len({line.words for line in lines}) == len(lines) == 5
    assert lines[0].words.endswith(unit_in(language, metric, share)) == layer_of(metric).is_told


def test_fewer_classes_keep_the_strongest_words_and_colour():
    words = {
        n: said(Classes("abstention", tuple(k / 10 for k in range(n + 1)), (1,) * n, 0))
        for n in (1, 2, 3, 4)
    }
    assert words[1] == ["0 à 10 % d’abstention"]
    assert words[2] == ["très forte : 10 à 20 % d’abstention", "très faible : 0 à 10"]
    assert [w.split(" :")[0] for w in words[3]] == ["très forte", "moyenne", "très faible"]
    assert [w.split(" :")[0] for w in words[4]] == ["très forte", "forte", "faible", "très faible"]


def test_bounds_have_as_few_decimals_as_tell_them_apart():
    close = Classes("abstention", (0.501, 0.503, 0.509), (1, 1), 0)
    assert said(close) == ["très forte : 50,3 à 50,9 % d’abstention", "très faible : 50,1 à 50,3"]
    same = Classes("abstention", (0.5, 0.5), (3,), 0)
    assert said(same) == ["50 % d’abstention"]


def test_nothing_yet_and_unknown_come_last_and_nothing_to_show_is_no_line():
    met = build_classes("coverage", pd.Series([0.0, 0.0, 0.2, 0.4, None]))
    assert said(met)[-2:] == ["moins de 11 foyers rencontrés", "inconnu"]
    assert legend_lines(met, "fr", "left", DARK_THEME)[-1].colour == DARK_THEME.unknown
    assert said(build_classes("abstention", pd.Series([None, None], dtype=float))) == ["inconnu"]
    assert said(Classes("abstention", (), (), 0)) == []


def test_a_value_on_a_bound_is_of_the_class_above_and_the_unknown_is_of_none():
    values = pd.Series([0.0, 0.1, 0.2, 0.3, 0.4, None])
    classes = Classes("abstention", (0.0, 0.2, 0.4), (2, 3), 1)
    assert list(class_of(values, classes, nothing=-1, unknown=-2)) == [0, 0, 1, 1, 1, -2]
    met = Classes("coverage", (0.1, 0.2, 0.4), (1, 3), 1, nothing=1)
    assert list(class_of(values, met, nothing=-1, unknown=-2)) == [-1, 0, 1, 1, 1, -2]


def test_classes_counted_for_what_is_shown_keep_their_bounds_and_lose_nobody():
    values = pd.Series([0.0, 0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, None, None])
    classes = build_classes("coverage", values)
    assert counted(classes, values) == classes
    shown = counted(classes, values.iloc[[0, 7, 8]])
    assert (shown.bounds, shown.nothing, shown.unknown) == (classes.bounds, 1, 1)
    assert shown.counts == (0, 0, 0, 0, 1)
    nobody = counted(classes, values.iloc[:0])
    assert (sum(nobody.counts), nobody.nothing, nobody.unknown) == (0, 0, 0)
    assert len(legend_lines(nobody, "fr", "left")) == len(classes.counts)
