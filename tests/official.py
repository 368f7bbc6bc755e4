"""Small files in the official layouts, with invented numbers: the tests write them themselves."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

NATIVE_FIXED = (
    "Code du département;Libellé du département;Code de la circonscription;"
    "Libellé de la circonscription;Code de la commune;Libellé de la commune;Code du b.vote;"
    "Inscrits;Abstentions;% Abs/Ins;Votants;% Vot/Ins;Blancs;% Blancs/Ins;% Blancs/Vot;Nuls;"
    "% Nuls/Ins;% Nuls/Vot;Exprimés;% Exp/Ins;% Exp/Vot"
)
PRESIDENTIAL_GROUP = "N°Panneau;Sexe;Nom;Prénom;Voix;% Voix/Ins;% Voix/Exp"
LEGISLATIVE_GROUP = "N°Panneau;Sexe;Nom;Prénom;Nuance;Voix;% Voix/Ins;% Voix/Exp"
NUMBERED_FIXED = (
    "Code département;Libellé département;Code commune;Libellé commune;Code BV;Inscrits;Votants;"
    "% Votants;Abstentions;% Abstentions;Exprimés;% Exprimés/inscrits;% Exprimés/votants;Blancs;"
    "% Blancs/inscrits;% Blancs/votants;Nuls;% Nuls/inscrits;% Nuls/votants"
)
NUMBERED_GROUP = (
    "Numéro de panneau {n};Nuance candidat {n};Nom candidat {n};Prénom candidat {n};"
    "Sexe candidat {n};Voix {n};% Voix/inscrits {n};% Voix/exprimés {n};Elu {n}"
)

PRES_2017 = [
    ("ARTHAUD", "Nathalie"), ("POUTOU", "Philippe"), ("MÉLENCHON", "Jean-Luc"),
    ("HAMON", "Benoît"), ("MACRON", "Emmanuel"), ("FILLON", "François"), ("LE PEN", "Marine"),
]  # fmt: skip
PRES_2022 = [
    ("ARTHAUD", "Nathalie"), ("ROUSSEL", "Fabien"), ("MACRON", "Emmanuel"), ("LE PEN", "Marine"),
    ("MÉLENCHON", "Jean-Luc"), ("JADOT", "Yannick"), ("PÉCRESSE", "Valérie"),
]  # fmt: skip
DUEL = [("MACRON", "Emmanuel"), ("LE PEN", "Marine")]


@dataclass
class Row:
    """One station's invented counts. `votes` has one number a candidate."""

    number: str
    votes: list[int]
    registered: int = 1000
    blank: int = 10
    null: int = 5
    department: str = "13"
    commune: str = "055"
    constituency: str = "04"
    valid: int | None = None
    cast: int | None = None

    @property
    def valid_votes(self) -> int:
        return sum(self.votes) if self.valid is None else self.valid

    @property
    def votes_cast(self) -> int:
        return self.valid_votes + self.blank + self.null if self.cast is None else self.cast

    def with_(self, **changes: object) -> Row:
        return Row(**{**vars(self), **changes})


@dataclass
class Candidate:
    surname: str
    first_name: str
    nuance: str | None = None


@dataclass
class Ballot:
    """Who stands: in presidential files the same everywhere."""

    candidates: list[Candidate] = field(default_factory=list)

    @classmethod
    def of_names(cls, names: list[tuple[str, str]]) -> Ballot:
        return cls([Candidate(*n) for n in names])

    @classmethod
    def of_nuances(cls, *nuances: str) -> Ballot:
        return cls([Candidate(f"NOM{i}", f"Prénom{i}", n) for i, n in enumerate(nuances, 1)])


def native(rows: list[Row], ballot: Ballot, *, eol: str = "\r\n") -> str:
    """A file of the years until 2022: the header names the first candidate's columns only."""
    legislative = ballot.candidates[0].nuance is not None
    group = LEGISLATIVE_GROUP if legislative else PRESIDENTIAL_GROUP
    lines = [f"{NATIVE_FIXED};{group}"]
    for row in rows:
        fixed = [
            row.department, "Département", row.constituency, "4ème circonscription", row.commune,
            "Commune", row.number, row.registered, row.registered - row.votes_cast, "12,34",
            row.votes_cast, "12,34", row.blank, "1,00", "1,00", row.null, "1,00", "1,00",
            row.valid_votes, "12,34", "99,00",
        ]  # fmt: skip
        cells = [str(c) for c in fixed]
        for panel, (candidate, votes) in enumerate(
            zip(ballot.candidates, row.votes, strict=False), 1
        ):
            nuance = [candidate.nuance] if legislative else []
            cells += [str(panel), "M", candidate.surname, candidate.first_name, *nuance]
            cells += [str(votes), "12,34", "12,34"]
        lines.append(";".join(cells))
    return eol.join(lines) + eol


def numbered(rows: list[Row], ballot: Ballot, *, quoted: bool, width: int = 4) -> str:
    """A file of 2024: first rounds lose their zeros, second rounds quote what is not letters."""
    headers = [NUMBERED_FIXED, *(NUMBERED_GROUP.format(n=n) for n in range(1, width + 1))]
    header = ";".join(headers)
    if quoted:
        header = ";".join(c if c.isalpha() else f'"{c}"' for c in header.split(";"))

    def text(cell: str) -> str:
        return f'"{cell}"' if quoted and cell and not cell.isalpha() else cell

    def code(cell: str) -> str:
        return text(cell) if quoted else cell.lstrip("0")

    lines = [header]
    for row in rows:
        share = text("50,00%") if row.votes_cast else "0.00%"
        cells = [
            code(row.department), "Département", code(row.department + row.commune), "Commune",
            code(row.number), str(row.registered), str(row.votes_cast), share,
            str(row.registered - row.votes_cast), share, str(row.valid_votes), share, share,
            str(row.blank), share, share, str(row.null), share, share,
        ]  # fmt: skip
        for panel in range(1, width + 1):
            if panel <= len(row.votes):
                c = ballot.candidates[panel - 1]
                votes = str(row.votes[panel - 1])
                cells += [str(panel), c.nuance or "", text(c.surname), text(c.first_name)]
                cells += ["MASCULIN", votes, share, share, ""]
            else:
                cells += [""] * 9
        lines.append(";".join(cells))
    eol = "\n" if quoted else "\r\n"
    return eol.join(lines) + eol


def square(west: float, south: float, side: float = 0.01) -> list[list[list[float]]]:
    """A square ring in degrees."""
    east, north = west + side, south + side
    return [[[west, south], [east, south], [east, north], [west, north], [west, south]]]


def geojson(features: list[tuple[dict[str, object], list[object]]], **members: object) -> str:
    """A FeatureCollection of polygons from (properties, rings)."""
    return json.dumps(
        {
            "type": "FeatureCollection",
            **members,
            "features": [
                {
                    "type": "Feature",
                    "properties": properties,
                    "geometry": {"type": "Polygon", "coordinates": rings},
                }
                for properties, rings in features
            ],
        }
    )


def write_latin(path: Path, text: str) -> Path:
    path.write_bytes(text.encode("latin-1"))
    return path


def marseille_rows(numbers: list[str] | None = None, *, scale: float = 1.0) -> list[Row]:
    """Four invented stations, from very left and absent to very right and present."""
    votes = [[5, 20, 90, 80, 320, 40, 15], [4, 25, 120, 90, 260, 45, 30],
             [2, 15, 200, 120, 160, 50, 90], [1, 10, 320, 150, 60, 30, 220]]  # fmt: skip
    return [
        Row(number, [round(v * scale) for v in counts])
        for number, counts in zip(numbers or ["0101", "0102", "0103", "069A"], votes, strict=True)
    ]


def marseille_files(folder: Path) -> list[Path]:
    """Two elections of the four: the presidential of 2022, and the legislative one after it."""
    later = [Row(r.number, [60, 80, 70, 40, 30], department="13") for r in marseille_rows()]
    legislative = Ballot.of_nuances("NUP", "ENS", "RN", "LR", "DXG")
    return [
        write_latin(folder / "pres.txt", native(marseille_rows(), Ballot.of_names(PRES_2022))),
        write_latin(folder / "legi.txt", native(later, legislative)),
    ]
