"""Notebooks are studies on the package: small, numbered, without outputs, run by nbmake."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

NOTEBOOKS = sorted((Path(__file__).resolve().parents[1] / "notebooks").glob("*.ipynb"))


def test_there_are_notebooks() -> None:
    assert [p.name[:2] for p in NOTEBOOKS] == [f"{i:02d}" for i in range(1, len(NOTEBOOKS) + 1)]
    assert len(NOTEBOOKS) >= 3


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.name)
def test_a_notebook_keeps_no_output_and_imports_targeting_only(path: Path) -> None:
    cells = [c for c in json.loads(path.read_text())["cells"] if c["cell_type"] == "code"]
    for cell in cells:
        assert cell["outputs"] == []
        assert cell["execution_count"] is None
        source = "".join(cell["source"])
        found = set(re.findall(r"^(?:from|import) (\w+)", source, flags=re.MULTILINE))
        assert found <= {"targeting", "numpy", "pandas", "polars", "pathlib", "sys", "os", "tempfile"}  # fmt: skip
