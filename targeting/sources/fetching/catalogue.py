"""The official publications that can be fetched: `sources.toml`, read and checked."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from targeting.codes import commune_of_arrondissement
from targeting.errors import TargetingError

CATALOGUE: Final = Path(__file__).with_name("sources.toml")

FORMER_DEPARTMENT: Final = {"97": 3, "98": 3}
"""Overseas codes of departments have three figures."""


@dataclass(frozen=True)
class Publication:
    """One file of one publisher.

    kind: `results`, `stations` or `addresses`, as `import` has them. bytes, md5: as the publisher
    gave them, 0 and empty where it gave none. keeps: `features` or `rows` where what concerns the
    communes asked for can be kept of a national file, by `id_column`. per: `department` where
    there is a file for each.
    """

    id: str
    title: str
    kind: str
    layout: str
    url: str
    file: str
    publisher: str
    licence: str
    elections: tuple[str, ...] = ()
    bytes: int = 0
    md5: str = ""
    keeps: str = ""
    id_column: str = ""
    per: str = ""

    @property
    def needs_communes(self) -> bool:
        """Whether it is fetched for some communes only."""
        return bool(self.keeps or self.per)


@dataclass(frozen=True)
class Order:
    """One file to download: where from, under what name, and what of it to keep."""

    publication: Publication
    url: str
    file: str
    communes: tuple[str, ...]


@cache
def publications() -> dict[str, Publication]:
    """Every publication of the catalogue by its id, in its order."""
    rows: list[dict[str, Any]] = tomllib.loads(CATALOGUE.read_text())["source"]
    found = [Publication(**{**r, "elections": tuple(r.get("elections", ()))}) for r in rows]
    return {publication.id: publication for publication in found}


def find_publication(name: str) -> Publication:
    """A publication by its id. Raises TargetingError naming the near ones."""
    known = publications()
    if name in known:
        return known[name]
    year = name[:4]
    near = [i for i in known if i.startswith(year)] or list(known)
    raise TargetingError(
        f"“{name}” is no source: {', '.join(near[:12])}… `python -m targeting sources` lists all."
    )


def place_orders(publication: Publication, communes: Sequence[str]) -> list[Order]:
    """What to download for these communes: one file, or one a department.

    Raises TargetingError where communes are needed and none is given.
    """
    codes = tuple(sorted({commune_of_arrondissement(c) for c in communes}))
    if publication.needs_communes and not codes:
        raise TargetingError(
            f"{publication.id} is national and large: say for which communes, as --commune 13055 "
            "(it may be repeated)."
        )
    if publication.per == "department":
        departments = sorted({department_of(c) for c in codes})
        return [
            Order(
                publication, publication.url.format(department=d),
                publication.file.format(department=d), (),
            )
            for d in departments
        ]  # fmt: skip
    if not publication.keeps:
        return [Order(publication, publication.url, publication.file, ())]
    named = "-".join(codes) if len(codes) <= 3 else f"{codes[0]}-and-{len(codes) - 1}-more"
    file = publication.file.format(communes=named)
    return [Order(publication, publication.url, file, codes)]


def department_of(commune_code: str) -> str:
    """`13055` → `13`, `97411` → `974`, `2A004` → `2A`."""
    return commune_code[: FORMER_DEPARTMENT.get(commune_code[:2], 2)]
