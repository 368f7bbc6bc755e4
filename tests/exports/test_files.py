"""Exports: formulas stay text, files are whole, lists to print hold places only."""

from __future__ import annotations

import ast
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from targeting.cells import DANGEROUS, raw_text, safe_table, safe_text
from targeting.errors import TargetingError
from targeting.exports.aside import write_aside
from targeting.exports.formats import (
    ALL_FORMATS,
    FORMATS,
    HELD,
    TABLE_FORMATS,
    known_format,
    write_table,
)
from targeting.locale import texts


@given(st.text(max_size=30))
def test_a_cell_made_safe_comes_back_as_it_was(text: str) -> None:
    assert raw_text(safe_text(text)) == text


@given(st.sampled_from(DANGEROUS), st.text(max_size=10))
def test_no_cell_begins_like_a_formula(first: str, rest: str) -> None:
    assert not safe_text(first + rest).startswith(DANGEROUS)


def test_only_text_is_guarded() -> None:
    table = pd.DataFrame({"name": ["=cmd", "Rue"], "gap": [-3.5, 2.0], "n": [-1, 1]})
    safe = safe_table(table)
    assert safe["name"].to_list() == ["'=cmd", "Rue"]
    assert safe["gap"].to_list() == [-3.5, 2.0]
    assert table["name"].to_list() == ["=cmd", "Rue"], "the argument stays what it was"


def test_a_writer_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "scores.csv"
    path.write_text("old")

    def fail(to: Path) -> None:
        to.write_text("half")
        raise OSError(28, "No space left on device")

    with pytest.raises(TargetingError, match="No space left"):
        write_aside(path, fail)
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["scores.csv"]


def test_a_map_needs_outlines(tmp_path: Path) -> None:
    with pytest.raises(TargetingError, match="no outlines"):
        write_table(pd.DataFrame({"a": [1]}), tmp_path / "x.geojson")
    with pytest.raises(TargetingError, match=r"\.csv, \.parquet"):
        write_table(pd.DataFrame({"a": [1]}), tmp_path / "x.doc")


def test_gdal_keeps_only_formats_that_open_no_other_file(tmp_path: Path) -> None:
    """A VRT that points at another file is no layer: neither by its name nor by its content."""
    import subprocess
    import sys

    secret = tmp_path / "secret.csv"
    secret.write_text("name\nAda\n")
    vrt = tmp_path / "layer.geojson"
    vrt.write_text(
        f"<OGRVRTDataSource><OGRVRTLayer name='secret'><SrcDataSource>{secret}</SrcDataSource>"
        "</OGRVRTLayer></OGRVRTDataSource>"
    )
    program = (
        "import sys, targeting, pyogrio\n"
        "print(sorted(pyogrio.list_drivers()))\n"
        "try:\n    print(pyogrio.read_dataframe(sys.argv[1]))\n"
        "except Exception as error:\n    print('refused', type(error).__name__)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(vrt)], capture_output=True, text=True,
                          check=True, cwd=Path(__file__).resolve().parents[2])  # fmt: skip
    drivers, answer = done.stdout.splitlines()[:2]
    assert set(ast.literal_eval(drivers)) <= {"ESRI Shapefile", "GPKG", "GeoJSON", "MEM"}
    assert "Warning" not in done.stderr
    assert answer.startswith("refused")
    assert "Ada" not in done.stdout


def test_each_format_is_declared_once_and_has_its_words_in_both_languages():
    assert len({f.suffix for f in FORMATS}) == len(FORMATS)
    assert {f.holds for f in FORMATS} == set(HELD)
    assert sorted(ALL_FORMATS) == sorted(f.suffix for f in FORMATS)
    for form in FORMATS:
        assert form.name
        assert not form.label or form.label in texts("fr").keys() & texts("en").keys()


def test_a_format_is_known_by_its_extension_however_it_is_written_and_where_it_fits():
    assert known_format(Path("A.GeoJSON")).name == "GeoJSON"
    assert known_format(Path("A.csv"), TABLE_FORMATS).suffix == ".csv"
    for name, formats in (("A.kmz", ALL_FORMATS), ("A", ALL_FORMATS), ("A.gpkg", TABLE_FORMATS)):
        with pytest.raises(TargetingError, match=r"unknown format .*: end the name with \.csv"):
            known_format(Path(name), formats)
