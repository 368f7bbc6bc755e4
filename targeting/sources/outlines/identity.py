"""Which property is the station, and which the commune: read from the values, never guessed.

A number that a program gave the record is no station number, however well it fits. What may be one
is compared with the codes of the results; two answers that both fit are a question.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from targeting.codes import (
    ARRONDISSEMENT_COMMUNES,
    COMMUNE_CODE,
    DEPARTMENTS,
    OVERSEAS,
    commune_of_arrondissement,
)
from targeting.errors import SourceError

FITS: Final = 0.8
"""Share of the features whose code is one of the results', from which a property fits them."""

DISTINCT: Final = 0.7
"""Least share of different codes: an outline in parts has several features, a canton has dozens."""

MOST_BLANK: Final = 0.1
"""Features without a number (a park, the sea) up to this share are left out and told."""

EXAMPLE: Final = "44109"
"""The commune that refusals show where the campaign has none."""

Properties = dict[str, Any]

RECORD: Final = re.compile(
    r"(?i)(?:[gfoprunq]|ogc_?f|ogr_?f|qgs_?f|objet?_?|object_?|record_?|row_?|cartodb_?|uu|gu|"
    r"global_?|feature_?|geo_?|entity_?|line_?|ogc_?|arc_?|map_?)?_?ids?(?:_?\d+)?"
    r"|_?id|id_?(?:objet|object|row|ligne|record|feature|entite|geo\w*|sig|poly\w*)|identifiant|ident"
    r"|row_?(?:num(?:ber)?|no)?|index|idx|level_\d|unnamed.*|field_?1|seq(?:uence)?|serial|ordre"
    r"|order|rang|n_?o?_?(?:ligne|ordre)|num_?(?:ligne|ordre|objet|enr\w*)|mslink|mi_prinx|fme_\w+"
    r"|nid|pk|cle|key|record_?no|recno|compteur|counter|auto(?:num|inc)\w*|rowid|oid|ref(?:erence)?"
    r"|handle|layer|path|entity\w*|sous_?type|version"
)
"""Names that programs give to the number of a record."""

STATION: Final = re.compile(
    r"(?i)bureau|bvot|(?:^|[^a-z])bv|bv(?:$|[^a-z]|\d)|associant|vote|(?:^|_)num(?:ero)?(?:$|_)|"
    r"num[ée]ro|secteur|prefect|pr[ée]f(?:$|_)|(?:^|_)bur(?:$|_|\d)|polling|station|^no$|^n°|"
    r"^code_?b|^num$|codburv|codebur|numbur|libbur|nombur"
)
"""Names that publications give to the number of a station."""

OTHER: Final = re.compile(
    r"(?i)insee|postal|(?:^|_)cp(?:$|_)|(?:^|_)dep|d[ée]partement|iris|canton|circo|lieu|date|"
    r"annee|nbr?_|nombre|inscrit|elect|population|surf|area|length|perim|shape_|longitude|latitude|"
    r"telephone|tel(?:$|_)|voie|rue|adresse|etage|part(?:icipation)?_|taux|vote_\d|(?:^|_)(?:x|y)$"
)
"""Names of other things, that may hold numbers."""

COMMUNE: Final = re.compile(
    r"(?i)insee|depcom|depco|codgeo|commune|(?:^|_)com(?:$|_)|^code$|citycode|(?:^|_)arr(?:$|_)|"
    r"inseecom|codecom|ccom|cod_?com|ville|municip"
)
COMMUNE_NAME: Final = re.compile(
    r"(?i)(?:nom|lib|libelle|name)?_?(?:com|commune|ville|municipalite|city|town)s?_?(?:nom|lib)?"
    r"|nomcom\w*|libcom\w*|nom_?de_?la_?commune|commune_?nom"
)
NO_COMMUNE: Final = re.compile(
    r"(?i)postal|(?:^|_)cp(?:$|_|\d)|zip|circo|canton|iris|epci|bv(?:$|_)|bureau|"
    r"objectid|population|inscrit|surf"
)

_NUMBER: Final = r"\d{1,4}(?:[-.]\d{1,3})?[A-Za-z]{0,4}|[A-Za-z]{1,3}[-. ]?\d{1,4}[A-Za-z]?"
_WORDS: Final = r"(?:secteur|bureau(?: de vote)?|b\.?v\.?)\s*(?:n[o°º]\.?|num[ée]ro)?\s*[:\-]?\s*"
_FORMS: Final[tuple[tuple[str, re.Pattern[str]], ...]] = (
    ("commune", re.compile(rf"(?P<commune>\d{{5}}|2[AB]\d{{3}})[-_ /.:](?P<number>{_NUMBER})")),
    ("commune", re.compile(
        rf"(?P<dep>\d{{2}}|2[AB])[-_ /.](?P<com>\d{{3}})[-_ /.](?P<number>{_NUMBER})")),
    ("glued", re.compile(r"(?P<commune>\d{5}|2[AB]\d{3})(?P<number>\d{3,4})")),
    ("plain", re.compile(rf"(?P<number>{_NUMBER})")),
    ("words", re.compile(rf"(?i:{_WORDS})(?P<number>{_NUMBER})(?:\s*[-–—:,]\s*\S.*)?")),
    ("first", re.compile(r"(?P<number>\d{1,4}[A-Za-z]?)\s*(?:[-–—:]\s*|\s)(?=[^\d\s]).*")),
)  # fmt: skip

RULES: Final = {
    "commune": "the commune before the number dropped",
    "glued": "the commune before the number dropped",
    "plain": "",
    "words": "the words around the number dropped",
    "first": "the number that stands first in the name",
}


def text_of(value: Any) -> str:
    """A property as text: `101`, `101.0` and `"0101"` lose nothing but the `.0`."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value if value is not None else "").strip()


def is_insee(code: str) -> bool:
    """Whether a text has the shape of a commune's code, of a department that there is."""
    if not re.fullmatch(COMMUNE_CODE, code):
        return False
    return code[:2] in DEPARTMENTS or code[:3] in DEPARTMENTS or code[:2] in OVERSEAS


def number_of(commune: str, number: str) -> str:
    """A number as the results have it: `5` of the 19th arrondissement is Paris's `1905`.

    `commune` as published: an arrondissement's, where it is one.
    """
    whole = commune_of_arrondissement(commune)
    if whole != commune and number.isdigit() and len(number) <= 2:
        rank = int(commune.removeprefix(ARRONDISSEMENT_COMMUNES[whole]))
        return f"{rank:02d}{int(number):02d}"
    return number


def keys_of(commune: str, number: str) -> set[tuple[str, str]]:
    """Spellings under which a station is the same: zeros, capitals, separators."""
    plain = number.upper().strip()
    parts = re.split(r"[-._ /]", plain)
    spellings = {plain.lstrip("0") or "0", "".join(parts).lstrip("0") or "0"}
    if len(parts) == 2 and all(p.isdigit() for p in parts):
        spellings.add(f"{parts[0].zfill(2)}{parts[1].zfill(2)}".lstrip("0") or "0")
    return {(commune, s) for s in spellings}


# -- the commune ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Communes:
    """The commune of each feature as published (empty: the file does not say), and where it is."""

    codes: list[str]
    column: str = ""

    @property
    def are_said(self) -> bool:
        return bool(self.column)


def find_communes(
    name: str,
    properties: Sequence[Properties],
    expected: Collection[str],
    *,
    given: str | None = None,
    example: str = EXAMPLE,
) -> Communes:
    """The property whose values are INSEE codes on every feature, or a department and a commune.

    Parameters
    ----------
    expected
        Communes of the campaign and of the results: a property without a telling name is believed
        where it has one of them.
    given
        The property that the user says.
    example
        The commune that refusals show.

    Raises
    ------
    SourceError
        Where two properties tell different communes, the one given is none, or communes are told
        apart by name alone.
    """
    columns = columns_of(properties)
    if given is not None:
        if given not in columns:
            raise SourceError(
                name, f"no property “{given[:40]}”; properties: {', '.join(sorted(columns)[:30])}.",
                way_out="Give one of them with --commune-property.",
            )  # fmt: skip
        codes = _as_insee(columns[given])
        if codes is None:
            raise SourceError(
                name, f"“{given[:40]}” does not hold the INSEE code of a commune on each feature.",
                way_out="Give the property that does with --commune-property, or --commune "
                f"{example}.",
            )  # fmt: skip
        return Communes(codes, given)
    found: dict[tuple[str, ...], list[str]] = {}
    codes_of: dict[str, list[str]] = {}
    for column, texts in columns.items():
        codes = None if NO_COMMUNE.search(column) or is_record(column) else _as_insee(texts)
        if codes is None:
            continue
        folded = tuple(commune_of_arrondissement(c) for c in codes)
        is_known = bool(set(folded) & set(expected))
        repeats = len(set(codes)) < len(codes) or set(folded) <= set(expected)
        is_short = any(len(t) == 4 for t in texts)  # a station's own number may be 1001
        is_named = bool(COMMUNE.search(column)) and column.upper() != "CODE" and not is_short
        if is_named or "insee" in column.lower() or (is_known and repeats):
            found.setdefault(folded, []).append(column)
            codes_of[column] = codes
    if len(found) > 1 and expected:
        known = {f: c for f, c in found.items() if set(f) & set(expected)}
        found = known or found
    if len(found) > 1:
        told = [f"“{c[0]}” ({codes_of[c[0]][0]} first)" for c in found.values()]
        raise SourceError(
            name, f"several properties tell the commune, and differ: {', '.join(sorted(told))}.",
            way_out="Say which with --commune-property NAME.",
        )  # fmt: skip
    if found:
        (same,) = found.values()
        finest = max(same, key=lambda c: (len(set(codes_of[c])), c))
        return Communes(codes_of[finest], finest)
    return _from_parts(columns) or Communes([""] * len(properties))


def columns_of(properties: Sequence[Properties]) -> dict[str, list[str]]:
    """Properties that are texts or numbers, feature by feature; `12.0` written as text is 12."""
    names = {key for p in properties for key in p}
    columns = {}
    for column in sorted(names):
        values = [p.get(column) for p in properties]
        if any(isinstance(v, (dict, list)) for v in values):
            continue
        texts = [text_of(v) for v in values]
        if all(re.fullmatch(r"\d+\.0+", t) for t in texts if t) and any(texts):
            texts = [t.partition(".")[0] for t in texts]
        columns[column] = texts
    return columns


def _as_insee(texts: list[str]) -> list[str] | None:
    """Texts as INSEE codes (a leading zero that a spreadsheet ate is given back), if all are."""
    codes = [t.zfill(5) if re.fullmatch(r"\d{4}", t) else t.upper() for t in texts]
    if any(len(t) == 4 for t in texts) and any(is_insee(t) and t[0] != "0" for t in texts):
        codes = [t.zfill(5) if len(t) == 4 else t for t in codes]
    return codes if codes and all(is_insee(c) for c in codes) else None


def _from_parts(columns: dict[str, list[str]]) -> Communes | None:
    """A department in one property, the three figures of the commune in another."""
    departments = [
        c for c, texts in columns.items()
        if re.search(r"(?i)(?:^|_|code)d[ée]?pa?r?t?(?:$|_|ement|t)|^ccodep|codedep|code_?dpt", c)
        and all(t.zfill(2) in DEPARTMENTS for t in texts)
    ]  # fmt: skip
    communes = [
        c for c, texts in columns.items()
        if COMMUNE.search(c) and all(re.fullmatch(r"\d{1,3}", t) for t in texts)
    ]  # fmt: skip
    if len(departments) != 1 or len(communes) != 1:
        return None
    department, commune = columns[departments[0]], columns[communes[0]]
    codes = [
        d.zfill(2) + c.zfill(5 - len(d.zfill(2))) for d, c in zip(department, commune, strict=True)
    ]
    if not all(is_insee(c) for c in codes):
        return None
    return Communes(codes, f"{departments[0]} + {communes[0]}")


def refuse_communes_by_name(name: str, properties: Sequence[Properties]) -> None:
    """Raise SourceError where a layer that has no code names several communes."""
    for column, texts in columns_of(properties).items():
        if not COMMUNE_NAME.fullmatch(column) or any(not re.search(r"[^\W\d_]", t) for t in texts):
            continue
        plain = {re.sub(r"(?i)\s*\d+\s*(?:er|e|[èe]me)?\b.*$", "", t).casefold() for t in texts}
        if len(plain) > 1:
            named = sorted(set(texts))
            raise SourceError(
                name,
                f"it holds several communes ({', '.join(named[:3])}"
                f"{' …' if len(named) > 3 else ''}, in “{column}”) and no INSEE code of them.",
                way_out="Export the features of one commune, or add a property with the code.",
            )


# -- the station ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Numbered:
    """One way to read the station of each feature. numbers: empty where a feature has none.

    communes: as published; standing: `composed`, `named`, `plain` or `record`; fit: share of the
    features, in communes whose results are known, that are one of their stations.
    """

    column: str
    communes: tuple[str, ...]
    numbers: tuple[str, ...]
    codes: tuple[str, ...]
    rule: str
    standing: str
    fit: float | None

    @property
    def answer(self) -> tuple[tuple[str, str], ...]:
        """What it says of each feature: two columns of one answer are no question."""
        return tuple(
            (commune_of_arrondissement(c), number_of(c, n).upper().lstrip("0"))
            for c, n in zip(self.communes, self.numbers, strict=True)
        )

    @property
    def distinct(self) -> float:
        there = [a for a, n in zip(self.answer, self.numbers, strict=True) if n]
        return len(set(there)) / len(there) if there else 0.0


def read_column(
    name: str,
    properties: Sequence[Properties],
    column: str,
    communes: Communes,
    known: Collection[str],
) -> Numbered:
    """The property that the user says, however it is written. Raises SourceError for none."""
    columns = columns_of(properties)
    if column not in columns:
        raise SourceError(
            name,
            f"no property “{column[:40]}”; properties: {', '.join(sorted(columns)[:30])}.",
            way_out="Give one of them with --code-property.",
        )
    found = _numbered(column, columns[column], communes, _by_commune(known), lenient=True)
    assert found is not None
    return found


def find_station(
    name: str,
    properties: Sequence[Properties],
    communes: Communes,
    known: Collection[str],
    *,
    example: str = EXAMPLE,
) -> Numbered:
    """The property that holds the number of the station, told from its values.

    Parameters
    ----------
    communes
        Of each feature; where the file does not say, the user's.
    known
        station_ids of the results; empty before any was imported.
    example
        The commune that refusals show, where none is known.

    Raises
    ------
    SourceError
        Where none can be told, or two that differ both can: names them, and the way to say which.
    """
    columns = columns_of(properties)
    stations = _by_commune(known)
    way_out = "Say which with --code-property NAME. Is it a layer of stations?"
    if not all(communes.codes):
        way_out = (
            f"Say which with --code-property NAME, and the commune with --commune {example}. "
            "Is it a layer of stations?"
        )
    found = [_numbered(c, texts, communes, stations) for c, texts in columns.items()]
    there = [n for n in found if n is not None and n.distinct >= DISTINCT]
    trusted = [n for n in there if n.standing in ("composed", "named")]
    fitting = [n for n in trusted if n.fit is not None and n.fit >= FITS]
    strong = [n for n in there if n.standing == "plain" and n.fit == 1.0 and _is_no_count(n)]
    if fitting or strong:
        return _only(name, columns, fitting + strong, there, way_out)
    repeated = [
        n
        for n in found
        if n is not None
        and (n.standing, n.distinct < DISTINCT) == ("named", True)
        and (n.fit or 0) >= FITS
    ]  # fmt: skip
    if not trusted and repeated:
        raise SourceError(
            name,
            f"“{repeated[0].column}” holds station numbers, and repeats them: "
            f"{len(set(repeated[0].answer))} numbers for {len(repeated[0].answer)} features. It "
            "seems to hold several communes, and says of none which feature is whose.",
            way_out="Name the property with the INSEE code (--commune-property), export the "
            f"features of one commune, or say --code-property {repeated[0].column[:40]} where "
            "stations are drawn in parts.",
        )
    return _only(name, columns, trusted, there, way_out)


def _only(
    name: str,
    columns: Collection[str],
    found: list[Numbered],
    there: list[Numbered],
    way_out: str,
) -> Numbered:
    """The one answer among properties; a question where there are several, or none."""
    answers: dict[Any, list[Numbered]] = {}
    for one in found:
        answers.setdefault(one.answer, []).append(one)
    if len(answers) == 1:
        (same,) = answers.values()
        return max(same, key=lambda n: (bool(STATION.search(n.column)), not n.rule))
    if answers:
        told = [f"“{same[0].column}”{_fit(same[0])}" for same in answers.values()]
        raise SourceError(
            name,
            f"several properties may be the station number, and they differ: "
            f"{', '.join(sorted(told))}.",
            way_out="Say which with --code-property NAME.",
        )
    records = [n for n in there if n.standing == "record" and (n.fit or 0) >= FITS]
    plain = [n for n in there if n.standing == "plain" and (n.fit or 0) >= FITS]
    raise SourceError(
        name,
        "no property holds a station number, as far as we can tell"
        + (f" (“{records[0].column}” is the record's own number)" if records else "")
        + (f" (“{plain[0].column}” might, but nothing in it says so)" if plain else "")
        + f"; properties: {', '.join(sorted(columns)[:30])}.",
        way_out=way_out,
    )


def _fit(one: Numbered) -> str:
    return "" if one.fit is None else f" ({one.fit:.0%} of its codes are stations of the results)"


def _by_commune(known: Collection[str]) -> dict[str, set[tuple[str, str]]]:
    """Commune → the spellings of its stations."""
    found: dict[str, set[tuple[str, str]]] = {}
    for station in known:
        commune, _, number = station.partition("_")
        found.setdefault(commune, set()).update(keys_of(commune, number))
    return found


def _numbered(
    column: str,
    texts: list[str],
    communes: Communes,
    stations: dict[str, set[tuple[str, str]]],
    *,
    lenient: bool = False,
) -> Numbered | None:
    """A property read as station numbers in the one form that all its values have; else nothing."""
    blank = sum(not t or t == "None" for t in texts)
    if not lenient and (blank > MOST_BLANK * len(texts) or blank == len(texts)):
        return None
    expected = {commune_of_arrondissement(c) for c in communes.codes if c} | set(stations)
    for form, pattern in _FORMS:
        matches = [pattern.fullmatch(t) if t else None for t in texts]
        if any(m is None and t for m, t in zip(matches, texts, strict=True)):
            continue
        parts = [_parts(m) if m else ("", "") for m in matches]
        said = [c for c, n in parts if n]
        if form in ("commune", "glued") and not all(is_insee(c) for c in said):
            continue
        if form == "glued" and not {commune_of_arrondissement(c) for c in said} & expected:
            continue
        if form == "first" and not _is_number_first(texts):
            continue
        return _as_numbered(column, texts, parts, form, communes, stations)
    if not lenient:
        return None
    parts = [_loosely(t) for t in texts]
    return _as_numbered(column, texts, parts, "words", communes, stations)


def _loosely(text: str) -> tuple[str, str]:
    """The station in a text of any form, each by itself: what the user says is read as it is."""
    for form, pattern in _FORMS:
        match = pattern.fullmatch(text)
        if match and form not in ("glued", "first"):
            commune, number = _parts(match)
            if not commune or is_insee(commune):
                return commune, number
    return "", text


def _parts(match: re.Match[str]) -> tuple[str, str]:
    groups = match.groupdict()
    if groups.get("dep"):
        return f"{groups['dep']}{groups['com']}", groups["number"]
    return groups.get("commune") or "", groups["number"]


def _is_number_first(texts: Iterable[str]) -> bool:
    """Whether a number opens a name: a sign stands between, or all have as many figures.

    `12 rue des Lilas` is an address.
    """
    there = [t for t in texts if t]
    if all(re.match(r"\d+[A-Za-z]?\s*[-–—:]", t) for t in there):
        return True
    widths = {len(m[0]) for t in there if (m := re.match(r"\d+", t))}
    return len(widths) == 1 and max(widths) >= 3


def _as_numbered(
    column: str,
    texts: list[str],
    parts: list[tuple[str, str]],
    form: str,
    communes: Communes,
    stations: dict[str, set[tuple[str, str]]],
) -> Numbered:
    own = [c or told for (c, _), told in zip(parts, communes.codes, strict=True)]
    numbers = [number_of(c, n) if n else "" for c, (_, n) in zip(own, parts, strict=True)]
    whole = [commune_of_arrondissement(c) for c in own]
    asked = [
        bool(keys_of(c, n) & stations[c])
        for c, n in zip(whole, numbers, strict=True)
        if n and c in stations
    ]
    return Numbered(
        column, tuple(own), tuple(numbers), tuple(texts), RULES[form],
        _standing(column, numbers, form), sum(asked) / len(asked) if asked else None,
    )  # fmt: skip


def _standing(column: str, numbers: list[str], form: str) -> str:
    if form in ("commune", "glued"):
        return "composed"
    if is_record(column):
        return "record"
    if form == "words" or (form == "first" and not OTHER.search(column)):
        return "named"
    if STATION.search(column) and not OTHER.search(column):
        return "named"
    return "record" if _counts_records(numbers) else "plain"


def is_record(column: str) -> bool:
    return bool(RECORD.fullmatch(column.strip()))


def _counts_records(numbers: list[str]) -> bool:
    """Whether numbers are those that a program counts: each once, one after the other."""
    if not all(n.isdigit() for n in numbers):
        return False
    values = [int(n) for n in numbers]
    return len(set(values)) == len(values) and max(values) - min(values) < 2 * len(values)


def _is_no_count(one: Numbered) -> bool:
    """Whether codes are written as codes are: with letters, or zeros in front."""
    return any(not n.isdigit() or (len(n) > 1 and n[0] == "0") for n in one.numbers if n)


def counted(communes: Iterable[str]) -> str:
    """`29061 (6), 29103 (2)`: communes with how many features each, the most first."""
    most = Counter(communes).most_common()
    told = ", ".join(f"{code} ({n:,})" for code, n in most[:6])
    return told + (f" and {len(most) - 6:,} more" if len(most) > 6 else "")


def told_elsewhere(name: str, communes: Sequence[str], wanted: Collection[str]) -> list[str]:
    """What is told of the features of other communes than those wanted (empty: all are).

    `communes`: of each feature. Raises SourceError where none is of those wanted.
    """
    others = [c for c in communes if wanted and c not in wanted]
    if not others:
        return []
    if len(others) == len(communes):
        raise SourceError(
            name,
            f"none of its {len(others):,} features is of {', '.join(sorted(wanted)[:5])}: they are "
            f"of {counted(others)}.",
            way_out="Give the file of the campaign's communes, or name the commune with --commune.",
        )
    return [f"{len(others):,} features of other communes left out: {counted(others)}"]


def told_without(tell: Callable[[int, str], str], rows: Sequence[int]) -> list[str]:
    """What is told of the features at these places of the file, left out for want of something:
    `tell` says it of their count and of the first of them."""
    if not rows:
        return []
    which = ", ".join(str(i + 1) for i in rows[:6]) + (" …" if len(rows) > 6 else "")
    return [tell(len(rows), which)]


def name_the_commune(example: str) -> str:
    """The way out where a file does not say the commune of its features."""
    return f"Add --commune {example} (the INSEE code of the city), or --commune-property NAME."
