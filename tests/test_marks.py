"""Marks hold: a test that reads real files, or drives a browser, is left out of `make check`."""

from __future__ import annotations

from pathlib import Path

import pytest

TESTS = Path(__file__).parent
ELSEWHERE = ("real", "benchmarks")
WORDS = ("import REAL", "NATIONAL,", "import NATIONAL", "shared/data", '/ "shared"')


def test_real_files_are_read_in_their_own_folder_alone() -> None:
    strays = [
        str(path.relative_to(TESTS))
        for path in TESTS.rglob("*.py")
        if path.relative_to(TESTS).parts[0] not in ELSEWHERE
        and path not in (TESTS / "conftest.py", Path(__file__))
        and any(word in path.read_text() for word in WORDS)
    ]
    assert strays == []


def test_what_a_test_needs_is_its_mark(request: pytest.FixtureRequest) -> None:
    marks = {"tests/real": "real", "tests/e2e": "browser"}
    for item in request.session.items:
        where = str(item.path.relative_to(TESTS.parent)) if TESTS in item.path.parents else ""
        for folder, mark in marks.items():
            if where.startswith(folder + "/"):
                assert item.get_closest_marker(mark), item.nodeid
        if "[postgres" in item.nodeid:
            assert item.get_closest_marker("postgres"), item.nodeid
