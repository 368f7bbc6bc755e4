"""The invented town in a workspace of its own, made once; each test that writes takes a copy."""

import json
import shutil

import pytest
from streamlit.testing.v1 import AppTest

from targeting.config import PROJECT, Workspace
from targeting.web.server import MAIN


@pytest.fixture(scope="session")
def demo_root(demo_folder):
    return demo_folder


@pytest.fixture(autouse=True)
def library(monkeypatch):
    """The map's library counts as placed, whether the set-up had a network or not."""
    monkeypatch.setattr("targeting.web.ours.has_library", lambda: True)


@pytest.fixture
def demo(demo_root, monkeypatch):
    """The screens look at the invented town; nothing is written."""
    monkeypatch.setenv("RELANCE_WORKSPACE", str(demo_root))
    return Workspace(demo_root)


@pytest.fixture
def own_demo(demo_root, tmp_path, monkeypatch):
    """A copy of the invented town that a test may change."""
    root = tmp_path / "demo"
    shutil.copytree(demo_root, root)
    monkeypatch.setenv("RELANCE_WORKSPACE", str(root))
    return Workspace(root)


@pytest.fixture
def screen(monkeypatch):
    """Opens a screen by its name, and what its address asks; `""` is home, with the frame around.

    Links between screens need the frame: a screen opened alone goes without.
    """

    def opened(name="", *, lang="fr", **address):
        path = PROJECT / "pages" / f"{name}.py" if name else MAIN
        if name:
            monkeypatch.setattr("streamlit.page_link", lambda *_args, **_kwargs: None)
        test = AppTest.from_file(str(path), default_timeout=60)
        for key, value in {"lang": lang, **address}.items():
            test.query_params[key] = value
        return test.run()

    return opened


def shown_map(test):
    """What the map of the workbench is given to show."""
    (shown,) = (
        e.proto for e in test.get("bidi_component") if e.proto.component_name == "relance_map"
    )
    return json.loads(shown.json)
