"""Foreign files are read apart: bounds, words, and what comes back is checked."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from targeting.errors import SourceError
from targeting.sources.apart import ReaderError, last_reading, read_apart
from targeting.sources.files import MOST_COLUMNS, MOST_LINE_BYTES, read_text
from targeting.sources.outlines.reading import read_outlines
from targeting.sources.parcels import Packer, ParcelError, Unpacker
from tests.bad_files import CORPUS, HEADER, ROW, BadFile, equal_rows, many_holes, swollen

CHEAP = [bad for bad in CORPUS if not bad.large]


@pytest.mark.parametrize("bad", CHEAP, ids=lambda bad: bad.name)
def test_a_file_that_eats_the_machine_is_refused_by_name(bad: BadFile, tmp_path: Path) -> None:
    place = tmp_path / bad.name
    bad.write(place)
    with pytest.raises(SourceError, match=bad.said) as refused:
        read_apart(bad.reader, place)
    assert str(refused.value).startswith(bad.name)
    ended = last_reading()
    assert ended is not None
    assert ended.megabytes < 1024


def test_a_reading_that_needs_more_memory_than_the_limit_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "large.csv"
    place.write_text(HEADER + ROW * 2_000_000)
    monkeypatch.setenv("RELANCE_READING_MB", "40")
    with pytest.raises(SourceError, match=r"large.csv: .* 40 MB"):
        read_apart(read_text, place)
    monkeypatch.setenv("RELANCE_READING_MB", "1024")
    assert len(read_apart(read_text, place).text) == place.stat().st_size


def test_a_reading_that_needs_more_time_than_the_limit_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "slow.csv.gz"
    swollen(60 * 2**20)(place)
    monkeypatch.setenv("RELANCE_READING_SECONDS", "1")
    with pytest.raises(SourceError, match=r"slow.csv.gz: it is not read within 1 seconds of proc"):
        read_apart(CORPUS[1].reader, place)


def test_a_fault_of_a_reader_is_ours_and_tells_nothing_of_the_file(tmp_path: Path) -> None:
    place = tmp_path / "a.csv"
    place.write_text("Mme SECRET")
    with pytest.raises(ReaderError, match="AttributeError while reading") as fault:
        read_apart(read_text, [place, place])  # type: ignore[arg-type]
    assert "SECRET" not in str(fault.value)
    assert read_apart(read_text, place).text == b"Mme SECRET"


def test_a_child_has_no_network_where_the_system_allows_it() -> None:
    """Also without such a right no reader opens a socket: see the corpora of drivers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        code = (
            "import socket; from targeting.sources.reader_process import leave_the_network as l; "
            f"print(l(), socket.socket().connect_ex(('127.0.0.1', {server.getsockname()[1]})))"
        )
        told = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
    alone, reached = told.stdout.split()
    assert (alone == "True") == (reached != "0")


@pytest.mark.parametrize(
    "given",
    [
        {"is": "record", "name": "Popen", "of": {}},
        {"is": "record", "name": "Origin", "of": {"publisher": 1, "licence": "", "credit": ""}},
        {"is": "bytes", "file": "../../etc/passwd"},
        {"is": "polars", "file": "part-0.arrow"},
        {"is": "pickle", "of": ""},
    ],
)
def test_what_no_reader_gives_is_not_made(given: dict[str, object], tmp_path: Path) -> None:
    (tmp_path / "part-0.arrow").write_bytes(b"ARROW1\0\0 and nothing")
    with pytest.raises(ParcelError):
        Unpacker(tmp_path).unpack(json.loads(json.dumps(given)))


def test_tables_come_back_as_they_went(tmp_path: Path) -> None:
    table = pd.DataFrame({"a": pd.Series(["é", pd.NA], dtype="str"), "n": [1, 2]})
    given = (table, b"\x00", frozenset({"x"}), {"k": (1.5, None)})
    back = Unpacker(tmp_path).unpack(json.loads(json.dumps(Packer(tmp_path).pack(given))))
    pd.testing.assert_frame_equal(back[0], table)
    assert back[1:] == given[1:]


def test_a_line_of_a_megabyte_is_read_and_one_byte_more_is_not(tmp_path: Path) -> None:
    place = tmp_path / "a.csv"
    place.write_bytes(b"a;b\n" + b"x" * MOST_LINE_BYTES + b"\ny\n")
    assert len(read_text(place).text) == MOST_LINE_BYTES + 7
    place.write_bytes(b"a;b\n" + b"x" * (MOST_LINE_BYTES + 1) + b"\ny\n")
    with pytest.raises(SourceError, match="line 2: a line of more than 1,048,576 bytes"):
        read_text(place)


def test_as_many_columns_as_allowed_are_read_and_one_more_is_not(tmp_path: Path) -> None:
    place = tmp_path / "a.csv"
    place.write_text(";" * (MOST_COLUMNS - 1) + "\n1\n")
    assert read_text(place).text
    place.write_text(";" * MOST_COLUMNS + "\n1\n")
    with pytest.raises(SourceError, match="1,201 columns"):
        read_text(place)


def test_a_thousand_holes_are_read(tmp_path: Path) -> None:
    place = tmp_path / "a.geojson"
    many_holes(1_000)(place)
    assert len(read_outlines(place).stations) == 1


def test_rows_of_the_roll_are_bounded_by_bytes(tmp_path: Path) -> None:
    place = tmp_path / "a.parquet"
    equal_rows(place, 1_000_000)
    with pytest.raises(SourceError, match=r"1,000,000 rows in [\d,]+ bytes"):
        CORPUS[1].reader(place)


@pytest.mark.parametrize(
    "text",
    ["<OGRVRTDataSource><OGRVRTLayer name='x'><SrcDataSource>{secret}</SrcDataSource>"
     "</OGRVRTLayer></OGRVRTDataSource>",
     '{{"type":"gdal_streamed_alg","command_line":"gdal vector read {secret}"}}',
     "/vsicurl/{address}", "/vsizip/{secret}", "CSV:{secret}"],
)  # fmt: skip
def test_a_child_follows_no_text_that_leads_elsewhere(tmp_path: Path, text: str) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("name,longitude,latitude\nAda,2.3,48.8\n")
    place = tmp_path / "layer.gpkg"
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        address = f"http://127.0.0.1:{server.getsockname()[1]}/x.geojson"
        place.write_text(text.format(secret=secret, address=address))
        with pytest.raises(SourceError) as refused:
            read_apart(read_outlines, place)
        with pytest.raises(BlockingIOError):
            server.accept()
    assert "Ada" not in str(refused.value)
