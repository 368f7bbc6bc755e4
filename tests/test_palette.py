import pytest

from targeting.palette import DARK, LIGHT, THEMES, colours_of, lightness, rgb, steps


def test_classes_go_from_pale_to_strong_by_steps_that_a_grey_print_keeps():
    assert all(step <= -13 for step in steps(LIGHT))
    assert all(step >= 13 for step in steps(DARK))


@pytest.mark.parametrize("name", list(THEMES))
def test_the_strongest_class_is_the_one_furthest_from_the_paper(name):
    theme = THEMES[name]
    distance = [abs(lightness(c) - lightness(theme.paper)) for c in theme.classes]
    assert distance[-1] == max(distance)


@pytest.mark.parametrize("classes", [0, 1, 2, 4, 5])
def test_fewer_classes_keep_the_strongest(classes):
    assert colours_of(classes) == LIGHT[len(LIGHT) - classes :]


def test_a_colour_is_three_numbers():
    assert rgb("#9b8fd9") == (155, 143, 217)
