"""A promise can only be broken where its text stands: a change of the code takes the mutants along."""

from __future__ import annotations

from targeting.config import PROJECT
from tests.mutants.broken import MUTANTS


def test_the_text_of_each_mutant_stands_once_in_its_file() -> None:
    texts = {file: (PROJECT / file).read_text() for file in {m.file for m in MUTANTS}}
    assert {m.id for m in MUTANTS if texts[m.file].count(m.old) != 1} == set()
