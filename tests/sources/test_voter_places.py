"""Insee's addresses of voters, and a city's table of streets and numbers."""

from __future__ import annotations

import gzip
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from targeting.errors import SourceError
from targeting.sources.addresses.reading import read_addresses

REU = ("code_commune_ref,reconstitution_code_commune,id_brut_bv_reu,id,geo_adresse,geo_type,"
       "geo_score,longitude,latitude,api_line,nb_bv_commune,nb_adresses")  # fmt: skip
RANGES = "RIVOLI;VOIE;MINIMUM_PAIR;MAXIMUM_PAIR;MINIMUM_IMPAIR;MAXIMUM_IMPAIR;NUM_BV;BUREAU_DE_VOTE"


def reu(station: str = "29039_1", lon: str = "-3.91", lat: str = "47.87", count: str = "2", *,
        commune: str = "29039", kind: str = "housenumber") -> str:  # fmt: skip
    return f'{commune},,{station},7,"4 Rue Basse, Bourg",{kind},0.96,{lon},{lat},1,17,{count}'


def write(folder: Path, *lines: str, name: str = "table.csv", eol: str = "\n") -> Path:
    path = folder / name
    path.write_bytes((eol.join(lines) + eol).encode("latin-1"))
    return path


def test_rows_of_one_point_are_put_together_and_numbers_padded(tmp_path: Path) -> None:
    lines = [reu(), reu(count="3"), reu(lon="-3.92"), reu("29039_12"), reu("75101_3", "2.34", "48.86", commune="75101")]  # fmt: skip
    read = read_addresses(write(tmp_path, REU, *lines))
    assert (read.kind, read.vintage) == ("points", "2022")
    table = read.table.set_index(["station_id", "weight"])
    assert sorted(table.index) == [
        ("29039_0001", 2.0), ("29039_0001", 5.0), ("29039_0012", 2.0), ("75056_0003", 2.0),
    ]  # fmt: skip
    assert set(read.table["basis"]) == {"addresses"}
    assert read.table["address_id"].isna().all()
    paris = read.table[read.table["commune_code"] == "75056"]
    # Lambert-93 of 2.34° E, 48.86° N, by the published formula: 651,570 m, 6,862,370 m
    assert paris["x"].iloc[0] == pytest.approx(651_590, abs=60)
    assert paris["y"].iloc[0] == pytest.approx(6_862_370, abs=60)
    assert read.notes == ["5 rows are 4 points of a station"]


def test_rows_without_use_are_left_out_and_counted(tmp_path: Path) -> None:
    lines = [reu(), reu(""), reu(lon=""), reu(kind="municipality"), reu("97101_1", "-61.5", "16.2", commune="97101"),
             reu(commune="29116")]  # fmt: skip
    notes = read_addresses(write(tmp_path, REU, *lines)).notes
    assert [note.split(" ", 1)[0] for note in notes] == ["1", "1", "1", "1", "1", "2"]
    for words in (
        "without station",
        "overseas",
        "without position",
        "town's middle",
        "another commune",
    ):
        assert any(words in note for note in notes)
    kept = read_addresses(write(tmp_path, REU, reu(), reu("29116_1")), communes=["29116"])
    assert kept.table["station_id"].to_list() == ["29116_0001"]
    assert "1 rows of other communes left out" in kept.notes


def test_the_parquet_gives_what_the_csv_gives(tmp_path: Path) -> None:
    path = write(tmp_path, REU, reu(), reu(count="3"), reu("29039_12", "-3.9"))
    parquet = tmp_path / "table.parquet"
    pl.read_csv(path).write_parquet(parquet)
    theirs, ours = read_addresses(parquet), read_addresses(path)
    assert theirs.table.equals(ours.table)
    assert theirs.sha256 != ours.sha256
    whole = parquet.read_bytes()
    for size in (8, len(whole) // 2, len(whole) - 9):
        parquet.write_bytes(whole[:size])
        with pytest.raises(SourceError, match="Parquet file is damaged"):
            read_addresses(parquet)
    pl.DataFrame({"a": [1]}).write_parquet(parquet)
    with pytest.raises(SourceError, match="without id_brut_bv_reu"):
        read_addresses(parquet)


@pytest.mark.parametrize(
    ("line", "words"),
    [(reu("29039-1"), "line 2, column “id_brut_bv_reu”: “29039-1” is no commune"),
     (reu(count="0"), "“0” is no number of addresses"), (reu(count=""), "is no number of addresses"),
     (reu(count="deux"), "“deux” is not a number"), (reu(lon="ouest"), "“ouest” is not a number"),
     (reu(lon="47.87", lat="-3.91"), "outside mainland France"), (reu()[:50], "line 2: "),
     (reu(""), "not one address with a station")],
)  # fmt: skip
def test_a_wrong_row_of_the_roll_is_named(tmp_path: Path, line: str, words: str) -> None:
    with pytest.raises(SourceError, match=words):
        read_addresses(write(tmp_path, REU, line))


def test_metadata_that_is_no_text_does_not_matter(tmp_path: Path) -> None:
    path = write(tmp_path, REU, reu())
    table = pl.read_csv(path).to_arrow()
    fields = [field.with_metadata({b"\xff": b"\xfe"}) for field in table.schema]
    damaged = tmp_path / "table.parquet"
    pq.write_table(table.cast(pa.schema(fields)), damaged)
    assert read_addresses(damaged).table.equals(read_addresses(path).table)


def test_a_table_of_streets_gives_sides_with_their_bounds(tmp_path: Path) -> None:
    lines = ["3860;TANNEURS (RUE DES);2;74;15;89;47;ECOLE", "1648;BASSE (RUE);2;70BIS;;;7;ECOLE",
             "9;PÊCHE (ALLEE DE LA);;;;;8;ECOLE"]  # fmt: skip
    path = write(tmp_path, RANGES, *lines, eol="\r\n")
    read = read_addresses(path, commune_code="72181", vintage="2014")
    assert (read.kind, read.vintage) == ("ranges", "2014")
    rows = [tuple(row) for row in read.table.drop(columns="commune_code").itertuples(index=False)]
    assert rows == [
        ("72181_0047", "RUE DES TANNEURS", "even", 2, "", 74, ""),
        ("72181_0047", "RUE DES TANNEURS", "odd", 15, "", 89, ""),
        ("72181_0007", "RUE BASSE", "even", 2, "", 70, "bis"),
        ("72181_0008", "ALLEE DE LA PÊCHE", "even", 0, "", 99999, ""),
        ("72181_0008", "ALLEE DE LA PÊCHE", "odd", 0, "", 99999, ""),
    ]
    assert read.notes == ["3 of 3 rows read, 5 sides of streets"]
    packed = tmp_path / "table.csv.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert read_addresses(packed, commune_code="72181").table.equals(read.table)


def test_rows_that_cannot_be_read_and_overlaps_are_told(tmp_path: Path) -> None:
    lines = ["1;BASSE (RUE);2;40;;;1;E", "1;BASSE (RUE);30;60;1;9;2;E", "1;HAUTE (RUE);3;9;;;1;E",
             "1;CITE (LA);Bâtiments A à H;;;;3;E", "1;HAUTE (RUE);20;10;;;1;E", "1;HAUTE (RUE);20;;;;1;E"]  # fmt: skip
    read = read_addresses(write(tmp_path, RANGES, *lines), commune_code="72181")
    assert read.notes[0] == "2 of 6 rows read, 3 sides of streets"
    assert read.notes[1].startswith("4 rows left out: line 4: “3” is on the other side")
    assert read.notes[2] == (
        "1 overlaps of two stations: RUE BASSE, even side: 72181_0001 and 72181_0002"
    )


@pytest.mark.parametrize(
    ("line", "words"),
    [("1;;2;4;;;1;E", "line 2, column “VOIE”: the cell is empty"),
     ("1;BASSE (RUE);2;4;;;;E", "column “NUM_BV”: the cell is empty"),
     ("1;BASSE (RUE);2;4;;;n 1;E", "“n 1” is no station number"),
     ("1;BASSE (RUE);4;2;;;1;E", "not one range"), ("1;BASSE (RUE);2", "line 2: 3 fields")],
)  # fmt: skip
def test_a_wrong_line_of_the_streets_is_named(tmp_path: Path, line: str, words: str) -> None:
    with pytest.raises(SourceError, match=words):
        read_addresses(write(tmp_path, RANGES, line), commune_code="72181")


def test_a_table_of_streets_asks_for_its_commune(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="--commune 72181"):
        read_addresses(write(tmp_path, RANGES, "1;BASSE (RUE);2;4;;;1;E"))
