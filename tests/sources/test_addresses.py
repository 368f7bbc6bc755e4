"""Addresses as published: the BAN, and voters per address without names."""

from __future__ import annotations

from pathlib import Path

import pytest

from targeting.errors import SourceError
from targeting.sources.addresses.reading import read_addresses

BAN_HEADER = (
    "id;id_fantoir;numero;rep;nom_voie;code_postal;code_insee;nom_commune;"
    "code_insee_ancienne_commune;nom_ancienne_commune;x;y;lon;lat;type_position;alias;nom_ld;"
    "libelle_acheminement;nom_afnor;source_position;source_nom_voie;certification_commune;"
    "cad_parcelles"
)
PARIS_HEADER = "arrondissement,bureau,numero,voie,nom,nb,ID"


def ban(number: str = "12", suffix: str = "", *, street: str = "Rue Basse", x: str = "650000.5",
        y: str = "6862000.1", code: str = "75101", address_id: str | None = None) -> str:  # fmt: skip
    address_id = address_id or f"{code}_0001_{number.zfill(5)}{'_' + suffix if suffix else ''}"
    return (f"{address_id};;{number};{suffix};{street};75001;{code};Paris;;;{x};{y};2.3;48.8;"
            "entrée;;;PARIS;RUE BASSE;commune;commune;1;")  # fmt: skip


def write(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "adresses.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_a_ban_file_gives_addresses_of_the_commune_not_of_the_arrondissement(
    tmp_path: Path,
) -> None:
    read = read_addresses(
        write(tmp_path, BAN_HEADER, ban(), ban("12", "b"), ban("14", code="13201"))
    )
    assert read.kind == "addresses"
    assert read.table["commune_code"].to_list() == ["75056", "75056", "13055"]
    assert read.table["suffix"].to_list() == ["", "bis", ""]
    assert read.table["x"].iloc[0] == 650000.5


def test_addresses_that_cannot_be_used_are_left_out_and_told(tmp_path: Path) -> None:
    path = write(tmp_path, BAN_HEADER, ban(), ban("14", x=""), ban("99999"), ban())
    read = read_addresses(path)
    assert len(read.table) == 1
    assert [note.split()[0] for note in read.notes] == ["1", "1", "2"]


@pytest.mark.parametrize(
    ("lines", "words"),
    [([BAN_HEADER, ban(x="six")], "“six” is not a number"), ([BAN_HEADER], "not one address"),
     ([BAN_HEADER, ban(street="")], "the cell is empty"), (["a;b;c", "1;2;3"], "not an address layout"),
     ([BAN_HEADER, ban(x="9999999")], "outside mainland France"),
     ([BAN_HEADER, ban(), ban("13")[:40]], "line 3: 7 fields where the header has 23"),
     ([BAN_HEADER, ban() + ";x"], "line 2: 24 fields"), ([BAN_HEADER, "", ban()], "line 2: 1 fields"),
     ([BAN_HEADER, ban(code="7A101")], "line 2, column “code_insee”: “7A101” is no commune"),
     ([BAN_HEADER, ban("-4")], "line 2, column “numero”: “-4” is no number"),
     ([BAN_HEADER, ban("123456789")], "“123456789” is no number"),
     ([PARIS_HEADER, "06,0/9,4,RUE,BASSE,3,1"], "line 2, column “bureau”: “0/9” is no station"),
     ([PARIS_HEADER, "06,09,-4,RUE,BASSE,3,1"], "line 2, column “numero”: “-4” is no number"),
     ([PARIS_HEADER, "06,09,4,RUE,BASSE,30000,1"], "“30000” voters are more than"),
     ([PARIS_HEADER, "06,09,4,RUE"], "line 2: 4 fields where the header has 7"),
     ([PARIS_HEADER, "21,01,4,RUE,BASSE,3,2101"], "no arrondissement"),
     ([PARIS_HEADER, "06,09,4,RUE DE L,ABBAYE,-1,0609"], "negative")],
)  # fmt: skip
def test_a_wrong_line_is_named(tmp_path: Path, lines: list[str], words: str) -> None:
    with pytest.raises(SourceError, match=words) as caught:
        read_addresses(write(tmp_path, *lines))
    assert "adresses.csv" in str(caught.value)


def test_voters_of_paris_give_their_station_and_street(tmp_path: Path) -> None:
    read = read_addresses(write(tmp_path, PARIS_HEADER, "06,09,4,RUE DE L,ABBAYE,17,0609"))
    assert read.kind == "voters"
    row = read.table.iloc[0]
    assert (row["station_id"], row["arrondissement_code"]) == ("75056_0609", "75106")
    assert (row["street"], row["number"], row["registered"]) == ("RUE DE L ABBAYE", 4, 17)


def test_blank_lines_at_the_end_are_skipped_and_quoted_separators_do_not_count(
    tmp_path: Path,
) -> None:
    path = write(tmp_path, BAN_HEADER, ban(street='"Rue; Basse"'), "", "  ", "")
    assert read_addresses(path).table["street"].to_list() == ["Rue; Basse"]


def test_headers_of_voters_without_a_row_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="not one address"):
        read_addresses(write(tmp_path, PARIS_HEADER))


def rows_of_ban(count: int) -> list[str]:
    return [ban(str(n)) for n in range(1, count + 1)]


@pytest.mark.parametrize(
    "odd",
    [
        {"x": "253534.05", "y": "909900.08"},  # null island
        {"x": "6861000.5", "y": "650000.5"},  # swapped
        {"x": "900000", "y": "6300000"},  # inside France, of another town
        {"code": "97411"},
    ],
)
def test_an_address_of_nowhere_is_left_out_and_named_up_to_one_in_a_hundred(
    tmp_path: Path, odd: dict[str, str]
) -> None:
    stray = ban("4999", **odd)
    read = read_addresses(write(tmp_path, BAN_HEADER, *rows_of_ban(99), stray))
    assert len(read.table) == 99
    assert "(line 101: x=" in read.notes[0]
    with pytest.raises(SourceError, match="line 100: 1 addresses of 99"):
        read_addresses(write(tmp_path, BAN_HEADER, *rows_of_ban(98), stray))


def test_a_row_whose_position_is_no_number_has_none(tmp_path: Path) -> None:
    read = read_addresses(write(tmp_path, BAN_HEADER, ban(), ban("14", x="NaN")))
    assert len(read.table) == 1
    assert "1 addresses without position" in read.notes[0]


def test_zero_and_five_thousand_are_no_numbers_and_4999_is_one(tmp_path: Path) -> None:
    numbers = ["0", "34", "4999", "5000", "8999", "99999"]
    read = read_addresses(write(tmp_path, BAN_HEADER, *(ban(n) for n in numbers)))
    assert read.table["number"].to_list() == [34, 4999]
    assert [note.split()[0] for note in read.notes] == ["1", "3"]


def test_a_door_is_counted_once_however_it_is_written(tmp_path: Path) -> None:
    rows = [
        ban("12"),
        ban("12", street="RUE  DE L'ABBAYE").replace("_00012", "_x"),
        ban("12", street="Lieu-dit Abbaye").replace("_00012", "_y"),
        ban("12", "bis").replace("_00012", "_z"),
        ban("12", x="652000.5").replace("_00012", "_w"),
    ]
    rows = [f"{k}{row[row.index(';') :]}" for k, row in enumerate(rows)]
    read = read_addresses(write(tmp_path, BAN_HEADER, *rows))
    kept = list(zip(read.table["number"], read.table["suffix"], read.table["x"], strict=True))
    assert kept == [(12, "", 650000.5), (12, "bis", 650000.5), (12, "", 652000.5)]
    assert "2 addresses that come again" in read.notes[0]


def test_the_entrance_of_a_communes_own_file_is_its_door(tmp_path: Path) -> None:
    header = "cle_interop;commune_insee;voie_nom;numero;suffixe;position;long;lat;x;y"
    rows = [
        "29061_0010_00007;29061;Rue Basse;7;;parcelle;0;0;150000;6860000",
        "29061_0010_00007;29061;Rue Basse;7;;entrée;0;0;150010;6860000",
        "29061_0010_99999;29061;Bourg;99999;;segment;0;0;150010;6860000",
    ]
    read = read_addresses(write(tmp_path, header, *rows))
    assert read.table[["number", "x"]].to_numpy().tolist() == [[7, 150010]]
    assert read.publisher == "BAL"


# -- as spreadsheets and others write it -----------------------------------------------------------


@pytest.mark.parametrize("number", ["12.0", "12,0000000000", " 12 "])
def test_numbers_and_positions_are_read_as_spreadsheets_write_them(
    tmp_path: Path, number: str
) -> None:
    lines = [BAN_HEADER, ban(number, x="650000,5", y=" 6862000,25", address_id="75101_0001_00012")]
    read = read_addresses(write(tmp_path, *lines))
    assert read.table["number"].to_list() == [12]
    assert (read.table["x"][0], read.table["y"][0]) == (650000.5, 6862000.25)


def test_half_a_number_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"line 2, column “numero”: “16,5” is not a number"):
        read_addresses(write(tmp_path, BAN_HEADER, ban("16,5")))


@pytest.mark.parametrize("address_id", ["2,90E+04", "7.5E+12", "1E+10"])
def test_ids_that_a_spreadsheet_took_for_numbers_are_refused(
    tmp_path: Path, address_id: str
) -> None:
    lines = [BAN_HEADER, ban(), ban("14", address_id=address_id)]
    with pytest.raises(SourceError, match=r"line 3, column “id”: .* a spreadsheet"):
        read_addresses(write(tmp_path, *lines))


def test_two_addresses_that_share_an_id_are_both_kept(tmp_path: Path) -> None:
    lines = [ban(x=f"65{k}000", number=n, address_id="A") for k, n in enumerate(["1", "2", "2"])]
    read = read_addresses(write(tmp_path, BAN_HEADER, *lines))
    assert read.table["number"].to_list() == [1, 2]
    assert read.table["address_id"].to_list() == ["A", "A_2"]
    assert "1 of them are other addresses, and are kept too" in read.notes


def test_a_file_of_degrees_alone_is_placed_by_them(tmp_path: Path) -> None:
    read = read_addresses(write(tmp_path, BAN_HEADER, ban(x="", y=""), ban("14", x="", y="")))
    assert "no x and y in it: positions from lon and lat" in read.notes
    assert abs(read.table["x"][0] - 648_583.3) < 1


BAL_1_5 = "cle_interop;commune_insee;toponyme;numero;suffixe;position;long;lat;x;y"


@pytest.mark.parametrize("header", [BAL_1_5, BAL_1_5.upper(), BAL_1_5.replace(";", "\t")])
def test_a_bal_of_version_1_5_is_read_whatever_its_case_and_separator(
    tmp_path: Path, header: str
) -> None:
    line = "75101_0001_00012;75101;Rue Basse;12;;entrée;2.3;48.8;650000;6862000"
    line = line.replace(";", "\t") if "\t" in header else line
    read = read_addresses(write(tmp_path, header, line))
    assert (read.publisher, read.table["street"][0]) == ("BAL", "Rue Basse")


@pytest.mark.parametrize(
    ("line", "words"),
    [("751124517P-10,10,Rue Basse,75012,Paris,OSM,48.8,2.3", "BANO"),
     ("name,result_label,result_score", "what a geocoder answered"),
     ("lat,lon,name", "list of places for a geocoder")],
)  # fmt: skip
def test_what_is_no_register_of_addresses_is_named(tmp_path: Path, line: str, words: str) -> None:
    with pytest.raises(SourceError, match=words):
        read_addresses(write(tmp_path, line))
