"""Addresses as published: the BAN, and voters per address without names."""

from __future__ import annotations

from pathlib import Path

import pytest

from targeting.errors import SourceError
from targeting.sources.addresses import read_addresses

BAN_HEADER = (
    "id;id_fantoir;numero;rep;nom_voie;code_postal;code_insee;nom_commune;"
    "code_insee_ancienne_commune;nom_ancienne_commune;x;y;lon;lat;type_position;alias;nom_ld;"
    "libelle_acheminement;nom_afnor;source_position;source_nom_voie;certification_commune;"
    "cad_parcelles"
)
PARIS_HEADER = "arrondissement,bureau,numero,voie,nom,nb,ID"


def ban(number: str = "12", suffix: str = "", *, street: str = "Rue Basse", x: str = "650000.5",
        code: str = "75101", address_id: str | None = None) -> str:  # fmt: skip
    address_id = address_id or f"{code}_0001_{number.zfill(5)}{'_' + suffix if suffix else ''}"
    return (f"{address_id};;{number};{suffix};{street};75001;{code};Paris;;;{x};6862000.1;2.3;48.8;"
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
