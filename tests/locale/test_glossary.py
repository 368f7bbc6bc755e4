"""The field's words: one table, asked for by every screen that shows one."""

import pytest

from targeting.locale import LANGUAGES
from targeting.locale.glossary import TERM_OF, TERMS, column_helps, glossary, meaning


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_word_is_told_once_and_shortly(language):
    words = glossary(language)
    assert len({word for word, _ in words}) == len({told for _, told in words}) == len(TERMS)
    assert all(word[:1].islower() and told.endswith((".", "…")) for word, told in words)
    assert max(len(told) for _, told in words) < 200


def test_columns_that_rest_on_a_word_tell_it_and_others_nothing():
    assert set(TERM_OF.values()) <= set(TERMS)
    helps = column_helps("fr", ["rank", "place", "reservoir_left"], table="table")
    assert helps == {"Rang": meaning("fr", "rank"), "À chercher": meaning("fr", "reservoir")}


def test_a_word_that_is_none_is_refused():
    with pytest.raises(KeyError):
        meaning("fr", "utils")
