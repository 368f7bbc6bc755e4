"""Small files in every layout of results, with invented numbers.

Each maker says whether its layout was checked on a real file or *written from the documented
layout* (FORMATS A §6, no real file at hand). They serve the readers' tests and the fuzz tests.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence
from typing import Any

import openpyxl
import polars as pl

from tests.official import NATIVE_FIXED, NUMBERED_FIXED, Ballot, Row, native, numbered

Line = tuple[str, str, int]
"""A list or a candidate: name, nuance, votes."""


def stations(*rows: tuple[str, Sequence[int]], registered: int = 1000) -> list[Row]:
    """Invented stations of Marseille: number and the votes of each line."""
    return [Row(number, list(votes), registered=registered) for number, votes in rows]


THREE = stations(("0101", [60, 50, 40, 30]), ("0102", [20, 90, 10, 70]), ("0103", [5, 6, 7, 8]))
COMMENTS = "".join(f"-- Champ {n} : un commentaire\r\n" for n in range(1, 18))


def _fixed(
    row: Row, *, canton: bool = False, constituency: bool = False, zeros: bool = True
) -> list[str]:
    """The native fixed columns: 19, or 21 with a canton or a constituency."""
    commune, number = (
        (row.commune, row.number) if zeros else (row.commune.lstrip("0"), row.number.lstrip("0"))
    )
    place = ["04", "Un canton"] if canton or constituency else []
    return [
        row.department, "Département", *place, commune, "Commune", number,
        str(row.registered), str(row.registered - row.votes_cast), "12,34",
        str(row.votes_cast), "12,34", str(row.blank), "1,00", "1,00", str(row.null), "1,00", "1,00",
        str(row.valid_votes), "12,34", "99,00",
    ]  # fmt: skip


def _native_header(group: str, *, place: str = "") -> str:
    """The native header with another place column than the constituency's, or none."""
    circo = "Code de la circonscription;Libellé de la circonscription;"
    return f"{NATIVE_FIXED.replace(circo, place)};{group}"


def departmental(
    rows: list[Row], nuances: Sequence[str], *, eol: str = "\r\n", panels: Sequence[int] = ()
) -> str:
    """Departmental 2015 and 2021: canton, pairs, numbers without their zeros.

    Columns checked on a real extract (2021, 92-13, as a workbook); the text file itself is written
    from the documented layout.
    """
    header = _native_header(
        "N°Panneau;Binôme;Nuance;Voix;% Voix/Ins;% Voix/Exp",
        place="Code du canton;Libellé du canton;",
    )
    lines = [header]
    for row in rows:
        cells = _fixed(row, canton=True, zeros=False)
        for at, votes in enumerate(row.votes):
            panel = panels[at] if panels else at + 1
            pair = f"M. NOM{at} Jean et Mme NOM{at} Jeanne"
            cells += [str(panel), pair, nuances[at], str(votes), "1,00", "1,00"]
        lines.append(";".join(cells))
    return eol.join(lines) + eol


def regional(rows: list[Row], nuances: Sequence[str]) -> str:
    """Regional 2015 and 2021: lists with a nuance. Written from the documented layout."""
    group = (
        "N°Liste;Nuance Liste;Libellé Abrégé Liste;Libellé Etendu Liste;Nom Tête de Liste;Voix;"
        "% Voix/Ins;% Voix/Exp"
    )
    lines = [_native_header(group)]
    for row in rows:
        cells = _fixed(row)
        for at, votes in enumerate(row.votes):
            cells += [
                str(at + 1),
                nuances[at],
                f"LISTE {at}",
                f"LISTE LONGUE {at}",
                f"TETE{at} Anne",
            ]
            cells += [str(votes), "1,00", "1,00"]
        lines.append(";".join(cells))
    return "\r\n".join(lines) + "\r\n"


LISTS_2019 = [
    "LA FRANCE INSOUMISE", "RENAISSANCE", "ENVIE D'EUROPE", "PRENEZ LE POUVOIR",
    "UNION DROITE-CENTRE", "EUROPE ÉCOLOGIE",
]  # fmt: skip


def european_2019(rows: list[Row], lists: Sequence[str] = LISTS_2019) -> str:
    """European 2019: no constituency, the header names the first list only (real: depts 13, 92)."""
    group = (
        "N°Liste;Libellé Abrégé Liste;Libellé Etendu Liste;Nom Tête de Liste;Voix;% Voix/Ins;"
        "% Voix/Exp"
    )
    lines = [_native_header(group)]
    for row in rows:
        cells = _fixed(row)
        for at, votes in enumerate(row.votes):
            cells += [str(at + 1), lists[at], f"{lists[at]} ENSEMBLE", f"TETE{at} Anne"]
            cells += [str(votes), "1,00", "1,00"]
        lines.append(";".join(cells))
    return "\r\n".join(lines) + "\r\n"


def municipal_2020(
    rows: list[Row], nuances: Sequence[str], *, tabs: bool = True, panels: Sequence[int] = ()
) -> str:
    """Municipal 2020: tabs in the first round, semicolons in the second.

    Columns checked on a real extract (Antony, as a workbook); tabs are written from the documented
    layout.
    """
    group = "N.Pan.;Code Nuance;Sexe;Nom;Prénom;Liste;Voix;% Voix/Ins;% Voix/Exp"
    header = _native_header(group).replace("Code du b.vote", "Code B.Vote")
    lines = [header]
    for row in rows:
        cells = _fixed(row)
        for at, votes in enumerate(row.votes):
            panel = panels[at] if panels else at + 1
            cells += [str(panel), nuances[at], "F", f"NOM{at}", "Anne", f"VIVRE ICI {at}"]
            cells += [str(votes), "1,00", "1,00"]
        lines.append(";".join(cells))
    text = "\r\n".join(lines) + "\r\n"
    return text.replace(";", "\t") if tabs else text


def numbered_lists(
    rows: list[Row], lines: Sequence[tuple[str, str]], *, year: int, sector: bool = False
) -> str:
    """European 2024 (real: 92-13, as a workbook), municipal 2026 and its sector councils.

    The files of 2026 are written from the documented layout.
    """
    head = "Code localisation;Libellé localisation;" if year == 2024 else ""
    fixed = NUMBERED_FIXED
    if sector:
        fixed = fixed.replace("Code commune;", "Code commune;Libellé secteur;Code secteur;")
    names = "Nom candidat {n};Prénom candidat {n};Sexe candidat {n};" if year == 2026 else ""
    seats = "Sièges au CM {n};Sièges au CC {n}" if year == 2026 else "Sièges {n}"
    group = (
        "Numéro de panneau {n};Nuance liste {n};" + names + "Libellé abrégé de liste {n};"
        "Libellé de liste {n};Voix {n};% Voix/inscrits {n};% Voix/exprimés {n};" + seats
    )
    header = [head + fixed, *(group.format(n=n) for n in range(1, len(lines) + 1))]
    text = [";".join(header)]
    for row in rows:
        share = "50,00%"
        code = row.department + row.commune
        cells = ["FE", "France entière"] if year == 2024 else []
        cells += [row.department, "Département", code]
        cells += ["Un secteur", f"{code}SR01"] if sector else []
        cells += [
            "Commune", row.number, str(row.registered), str(row.votes_cast), share,
            str(row.registered - row.votes_cast), share, str(row.valid_votes), share, share,
            str(row.blank), share, share, str(row.null), share, share,
        ]  # fmt: skip
        for at, (name, nuance) in enumerate(lines):
            there = at < len(row.votes)
            person = [f"NOM{at}", "Anne", "FEMININ"] if year == 2026 else []
            seats_ = ["0", "0"] if year == 2026 else ["0"]
            one = [str(at + 1), nuance, *person, name, f"{name} LONGUE"]
            one += [str(row.votes[at]) if there else "", share, share, *seats_]
            cells += one if there else [""] * len(one)
        text.append(";".join(cells))
    return "\n".join(text) + "\n"


def long_headerless(
    rounds: dict[int, list[Row]], lines: Sequence[tuple[str, str, str]], *, fields: int = 15
) -> str:
    """Both rounds in one file without header. Written from the documented layout.

    15 fields: presidential 2012 (and 2007), legislative 2012; 13: municipal and European 2014.
    `lines` is surname, first name and nuance.
    """
    text = []
    for number, rows in rounds.items():
        for row in rows:
            for at, votes in enumerate(row.votes):
                surname, first, nuance = lines[at]
                place = ["04", "12"] if fields == 15 else []
                cells = [
                    str(number), row.department, row.commune, "Commune", *place, row.number,
                    str(row.registered), str(row.votes_cast), str(row.valid_votes), str(at + 1),
                    surname, first, nuance, str(votes),
                ]  # fmt: skip
                text.append(";".join(cells))
    return COMMENTS + "\r\n".join(text) + "\r\n"


LONG_HEADER = (
    "N° tour,Code département,Code de la commune,Nom de la commune,N° de circonscription Lg,"
    "N° de canton,N° de bureau de vote,Inscrits,Votants,Exprimés,N° de dépôt du candidat,"
    "Nom du candidat,Prénom du candidat,Code nuance du candidat,Nombre de voix du candidat"
)


def long_with_header(rounds: dict[int, list[Row]], lines: Sequence[tuple[str, str, str]]) -> str:
    """The same with a header and commas (real: Lectoure 2012)."""
    text = long_headerless(rounds, lines).removeprefix(COMMENTS)
    return LONG_HEADER + "\n" + text.replace("\r\n", "\n").replace(";", ",")


def tidy(
    rows: list[Row], parties: Sequence[str], *, constituency: bool = False, blank: bool = True
) -> str:
    """A column a nuance or a list (real: European 2014 and 2019, legislative 2017 first round)."""
    fixed = ["departement", "commune", "bureau", *(["circonscription"] if constituency else [])]
    fixed += ["commune_libelle", "inscrits", "votants", *(["blancs"] if blank else []), "exprimes"]
    lines = [",".join([*fixed, *(f'"{p}"' if "," in p else p for p in parties)])]
    for row in rows:
        cells = [row.department, row.commune, row.number, *(["4"] if constituency else [])]
        cells += ["Commune", str(row.registered), str(row.votes_cast)]
        cells += [*([str(row.blank)] if blank else []), str(row.valid_votes)]
        lines.append(",".join([*cells, *map(str, row.votes)]))
    return "\n".join(lines) + "\n"


def aggregated(
    elections: dict[str, list[Row]],
    lines: Sequence[tuple[str, str, str]],
    *,
    old_names: bool = False,
) -> tuple[str, str]:
    """data.gouv's two halves, in the spelling of today or of before 2025.

    Written from the documented layout (FORMATS A §6 and the publisher's own pipeline).
    """
    general = "id_election;id_brut_miom;code_departement;libelle_departement;code_commune;libelle_commune;code_circonscription;code_bv;inscrits;abstentions;votants;blancs;nuls;exprimes;ratio_votants_inscrits"
    candidates = "id_election;id_brut_miom;code_departement;code_commune;code_bv;no_panneau;voix;ratio_voix_inscrits;ratio_voix_exprimes;nuance;sexe;nom;prenom;liste;libelle_abrege_liste;libelle_etendu_liste;nom_tete_liste;binome"
    if old_names:
        general = "id_election;id_brut_miom;Code du département;Libellé du département;Code de la commune;Libellé de la commune;Code de la circonscription;Code du b.vote;Inscrits;Abstentions;Votants;Blancs;Nuls;Exprimés;% Vot/Ins"
        candidates = "id_election;id_brut_miom;Code du département;Code de la commune;Code du b.vote;N°Panneau;Voix;% Voix/Ins;% Voix/Exp;Nuance;Sexe;Nom;Prénom;Liste;Libellé Abrégé Liste;Libellé Etendu Liste;Nom Tête de Liste;Binôme"
    turnout, votes = [general], [candidates]
    for election, rows in elections.items():
        for row in rows:
            commune = row.commune if old_names else row.department + row.commune
            station = f"{row.department}{row.commune}_{row.number}"
            turnout.append(";".join([
                election, station, row.department, "Département", commune, "Commune", "04",
                row.number, str(row.registered), str(row.registered - row.votes_cast),
                str(row.votes_cast), str(row.blank), str(row.null), str(row.valid_votes), "58.1",
            ]))  # fmt: skip
            for at, given in enumerate(row.votes):
                surname, first, nuance = lines[at]
                votes.append(";".join([
                    election, station, row.department, commune, row.number, str(at + 1),
                    str(given), "1.0", "2.0", nuance, "F", surname, first, "", "", "", "", "",
                ]))  # fmt: skip
    return "\n".join(turnout) + "\n", "\n".join(votes) + "\n"


def as_parquet(text: str) -> bytes:
    """One half as Parquet, counts as integers."""
    counts = (
        "inscrits",
        "votants",
        "blancs",
        "nuls",
        "exprimes",
        "abstentions",
        "voix",
        "no_panneau",
    )
    table = pl.read_csv(text.encode(), separator=";", infer_schema_length=0)
    table = table.with_columns(pl.col(c).cast(pl.Int32) for c in counts if c in table.columns)
    buffer = io.BytesIO()
    table.write_parquet(buffer)
    return buffer.getvalue()


def workbook(
    text: str, separator: str = ";", *, pandas: bool = True, blank_after: int = 0
) -> bytes:
    """A text as a workbook, as pandas writes one: an index column, headers told apart, numbers.

    Real: extracts of 92-13 (European 2024, departmental 2021, legislative 2022 and 2024, municipal
    2014 and 2020).
    """
    book = openpyxl.Workbook()
    sheet = book.active
    rows = [line.split(separator) for line in text.replace("\r\n", "\n").strip().split("\n")]
    widest = max(map(len, rows))
    seen: dict[str, int] = {}
    for number, given in enumerate(rows):
        cells = given + [""] * (widest - len(given))
        values: list[Any] = [_number(c) for c in cells] if number else list(cells)
        if pandas and number == 0:
            values = [_pandas_name(c, at, seen) for at, c in enumerate(cells)]
        sheet.append(([None if number == 0 else number] if pandas else []) + values)
        if blank_after and number == blank_after:
            sheet.append([])
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def _pandas_name(header: str, at: int, seen: dict[str, int]) -> str:
    if not header:
        return f"Unnamed: {at}"
    seen[header] = seen.get(header, -1) + 1
    return f"{header}.{seen[header]}" if seen[header] else header


def _number(cell: str) -> Any:
    if cell.isdigit():
        return int(cell)  # leading zeros are lost, as in real ones
    return cell or None


def city_counts() -> str:
    """A JSON of counts as Nantes's portal gives one (real: 2014)."""
    stations_ = [
        {"BUREAU_DE_VOTE": f" {number} - Bureau de vote {number}", "NULS": 10, "EXPRIMES": 150,
         "INSCRITS": 400, "VOTANTS": 160, "PROCURATIONS": None, "ROLLAND": 80, "GARNIER": 40,
         "CHIRON": 20, "GOBET": 6, "CROUPY": 4}
        for number in ("0101", "0102", "0201")
    ]  # fmt: skip
    return json.dumps({"version": "1", "nb_results": 3, "data": stations_})


def city_percentages() -> str:
    """A script of percentages as Marseille's results were shown (real: 2014)."""
    lists = [("MARSEILLE EN AVANT (GAUDIN)", "44.80"), ("LEVY (MENNUCCI)", "35.20"),
             ("PALLOIX (COPPOLA)", "20.00")]  # fmt: skip
    stations_ = {
        number: [{"pctvoix": share, "color": "#0080FF", "name": name} for name, share in lists]
        for number in ("818", "810", "1267")
    }
    return f"var results = {json.dumps(stations_)};"


def city_groups() -> str:
    """Repeated groups, blank rows, whole communes among stations, as Angers's (real: 2015)."""
    group = "LibBin,CodNuaBin,LibNuaBin,NbVoix"
    header = f"CodCan,LibCan,Bureau de vote,Libellé,Inscrits,Votants,Nuls,Blancs,Exprimés,Procurations,{group},{group}"
    return "\n".join([
        header,
        "01,Angers 1,101,ECOLE,400,160,4,6,150,2,NOM A - NOM B,BC-SOC,PS,90,NOM C - NOM D,BC-UD,UD,60",
        ",,,,,,,,,,,,,,,,,",
        "01,Angers 1,102,ECOLE,300,110,3,7,100,2,NOM A - NOM B,BC-SOC,PS,100,,,,",
        "02,Angers 2,251,BOUCHEMAINE,3000,1100,30,70,1000,2,NOM A - NOM B,BC-SOC,PS,1000,,,,",
    ]) + "\n"  # fmt: skip


RECIPE_OF_COLUMNS = """
name = "A portal without headers"
format = "csv"
header = false
separator = ";"
commune = "31555"
contest = "2014_muni"
publisher = "Une ville"
licence = "Licence Ouverte 2.0"
credit = "Résultats: une ville"

[station]
field = "column_1"

[counts]
registered = "column_2"
votes_cast = "column_3"
valid_votes = "column_4"

[lines]
how = "fields"

[[lines.line]]
field = "column_5"
candidate = "UNTEL Anne"
nuance = "LUG"

[[lines.line]]
field = "column_6"
candidate = "AUTRE Jean"
nuance = "LUMP"
"""
COLUMNS = "1;400;160;150;90;60\n2;300;110;100;30;70\n"

PRES_2012 = [
    ("JOLY", "Eva", "JOLY"), ("LE PEN", "Marine", "LEPE"), ("SARKOZY", "Nicolas", "SARK"),
    ("HOLLANDE", "François", "HOLL"),
]  # fmt: skip
MUNI_2014 = [
    ("UN", "Anne", "LSOC"), ("DEUX", "Jean", "LUMP"), ("TROIS", "Luc", "LFN"),
    ("QUATRE", "Zoé", "LVEC"),
]  # fmt: skip
LEGI_2024 = [
    ("UN", "Anne", "UG"), ("DEUX", "Jean", "ENS"), ("TROIS", "Luc", "RN"), ("QUATRE", "Zoé", "LR"),
]  # fmt: skip
REGI_2021 = ["LRN", "LUD", "LUGE", "LREM"]
DPMT_2021 = ["BC-RN", "BC-UGE", "BC-LR", "BC-REM"]
MUNI_2020 = ["LDVG", "LREM", "LLR", "LRN"]
EURO_2024 = [("GAUCHE", "LUG"), ("ENSEMBLE", "LENS"), ("RN", "LRN"), ("LFI", "LFI")]
MUNI_2026 = [("AVEC VOUS", "LUG"), ("MIEUX", "LREN"), ("FIER", "LRN"), ("VERT", "LVEC")]
LEGI_2022 = Ballot.of_nuances("NUP", "ENS", "RN", "LR")

EXPLORER_COLUMNS = ";Code Officiel EPCI;Nom Officiel EPCI;location;scrutin_code;id_bv"


def explorer(rows: list[Row]) -> str:
    """Legislative 2022 as data.gouv's explorer exports it: a line a candidate (real: 92-13)."""
    lines = native(rows, LEGI_2022).strip().split("\r\n")
    text = [lines[0] + EXPLORER_COLUMNS]
    for line in lines[1:]:
        cells = line.split(";")
        for at in range(21, len(cells), 8):
            text.append(";".join([*cells[:21], *cells[at : at + 8], "2000", "Métropole", "48.7, 2.2", "LG2022", "x"]))  # fmt: skip
    return "\n".join(text) + "\n"


def numbered_2024(rows: list[Row], *, quoted: bool) -> str:
    """Legislative 2024, both rounds (real: both national files, partial)."""
    return numbered(rows, Ballot.of_nuances("UG", "ENS", "RN", "LR"), quoted=quoted)


Maker = Callable[[], str | bytes]
TEXTS: dict[str, tuple[Maker, str, str]] = {  # layout: maker, encoding, election it must be told as
    "native presidential": (
        lambda: native(THREE, Ballot.of_names([("ARTHAUD", "Nathalie"), ("ROUSSEL", "Fabien"),
                                               ("MACRON", "Emmanuel"), ("LE PEN", "Marine")])),
        "latin-1", "2022_pres_t1"),
    "native legislative": (
        lambda: native([r.with_(votes=[*r.votes, 9]) for r in THREE],
                       Ballot.of_nuances("NUP", "ENS", "RN", "LR", "DXG")),
        "latin-1", "2022_legi_t1"),
    "departmental 2021": (lambda: departmental(THREE, DPMT_2021), "latin-1", "2021_dpmt_t1"),
    "departmental 2015": (
        lambda: departmental(THREE, ["BC-FN", "BC-SOC", "BC-UMP", "BC-FG"], panels=[1, 3, 4, 6]),
        "latin-1", "2015_dpmt_t2"),
    "regional 2021": (lambda: regional(THREE, REGI_2021), "latin-1", "2021_regi_t1"),
    "regional 2015": (
        lambda: regional(THREE, ["LFN", "LUD", "LSOC", "LDLF"]), "latin-1", "2015_regi_t1"),
    "European 2019": (lambda: european_2019(THREE), "latin-1", "2019_euro_t1"),
    "municipal 2020, tabs": (lambda: municipal_2020(THREE, MUNI_2020), "latin-1", "2020_muni_t1"),
    "municipal 2020, semicolons": (
        lambda: municipal_2020(THREE, MUNI_2020, tabs=False, panels=[1, 2, 4, 7]),
        "latin-1", "2020_muni_t2"),
    "European 2024": (lambda: numbered_lists(THREE, EURO_2024, year=2024), "utf-8", "2024_euro_t1"),
    "legislative 2024, first round": (
        lambda: numbered([r.with_(votes=[*r.votes, 9]) for r in THREE],
                         Ballot.of_nuances("UG", "ENS", "RN", "LR", "REC"), quoted=False, width=6),
        "utf-8", "2024_legi_t1"),
    "legislative 2024, second round": (
        lambda: numbered_2024([r.with_(votes=r.votes[:2]) for r in THREE], quoted=True),
        "utf-8", "2024_legi_t2"),
    "municipal 2026": (lambda: numbered_lists(THREE, MUNI_2026, year=2026), "utf-8", "2026_muni_t1"),
    "sector councils 2026": (
        lambda: numbered_lists(THREE, MUNI_2026, year=2026, sector=True), "utf-8", "2026_sect_t1"),
    "long with a header": (
        lambda: long_with_header({1: THREE}, PRES_2012), "utf-8", "2012_pres_t1"),
    "explorer's export": (
        lambda: explorer([r.with_(votes=r.votes[:2]) for r in THREE]), "utf-8", "2022_legi_t2"),
    "tidy of nuances": (
        lambda: tidy([r.with_(votes=[*r.votes, 3]) for r in THREE],
                     ["COM", "FI", "FN", "LR", "REM"], constituency=True), "utf-8", "2017_legi_t1"),
    "tidy of lists": (lambda: tidy(THREE, LISTS_2019[:4]), "utf-8", "2019_euro_t1"),
    "city counts": (city_counts, "utf-8", "2014_muni_t1"),
    "city percentages": (city_percentages, "utf-8", "2014_muni_t1"),
}  # fmt: skip
"""Files of one round, each told from its content alone."""
