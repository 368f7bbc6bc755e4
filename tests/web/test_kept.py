"""What screens load is kept until the workspace changes, whoever asks."""

from __future__ import annotations

from typing import Any

import pytest

from targeting.config import Workspace
from targeting.web.kept import Kept, kept


@pytest.fixture
def here(tmp_path, monkeypatch) -> Workspace:
    monkeypatch.setenv("RELANCE_WORKSPACE", str(tmp_path))
    return Workspace(tmp_path)


def counted(asked: list[Any], **options: Any) -> Kept[..., Any]:
    """A loader that notes each time it works; its mark is the last line of `asked`."""

    @kept("", until=lambda _here: str(asked[0]), **options)
    def load(here: Workspace, station: str, _board: object = None) -> list[str]:
        """What it is."""
        asked.append((here.root, station))
        return [station]

    return load


def test_a_loader_works_once_until_its_mark_changes(here: Workspace) -> None:
    asked: list[Any] = ["one"]
    load = counted(asked)
    assert load("a") == load("a") == ["a"]
    assert asked[1:] == [(here.root, "a")]
    load("b")
    load("a")
    assert len(asked[1:]) == 2, "each of its arguments has its own"
    asked[0] = "two"
    load("a")
    assert len(asked[1:]) == 3
    assert load.of(here, "one", "b") == ["b"], "a mark that was given is taken at its word"
    assert len(asked[1:]) == 3


def test_an_argument_with_a_line_before_its_name_is_not_compared(here: Workspace) -> None:
    asked: list[Any] = ["three"]
    load = counted(asked)
    load("a", object())
    load("a", object())
    assert len(asked[1:]) == 1


@pytest.mark.parametrize("is_copied", [False, True])
def test_readers_share_what_is_kept_or_have_their_own(here: Workspace, is_copied: bool) -> None:
    asked: list[Any] = [f"four {is_copied}"]
    load = counted(asked, is_copied=is_copied)
    assert (load("a") is load("a")) is not is_copied


def test_what_is_no_longer_whole_is_loaded_again(here: Workspace) -> None:
    asked: list[Any] = ["five"]
    load = counted(asked, is_whole=lambda found: found != ["gone"])
    load("a").remove("a")
    assert load("a") == []
    load("a").append("gone")
    assert load("a") == ["a"]
    assert len(asked[1:]) == 2


def test_two_loaders_of_one_name_keep_apart_and_say_what_they_are(here: Workspace) -> None:
    from targeting.web import loaders as room

    assert counted(["six"]).__doc__ == "What it is."
    loaders = [x for x in vars(room).values() if isinstance(x, Kept)]
    assert len({(x.__module__, x.__qualname__) for x in loaders}) == len(loaders) >= 14
    assert all(x.__doc__ for x in loaders if not x.__name__.startswith("_"))
