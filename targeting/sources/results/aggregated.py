"""The aggregated results of data.gouv: `general_results` and `candidats_results`, all elections.

Two halves of one publication, CSV (semicolons, UTF-8) or Parquet, several elections in one file:
`id_election` (`2024_legi_t1`), `id_brut_miom` (`13055_0101`). Columns are spelt in two ways, the
native headers until 2024 and small letters since (data.gouv's own pipeline). The halves have
hundreds of megabytes: both are streamed once into one small Parquet an election, in a temporary
folder, then read election by election.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import lzma
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, cast

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from targeting.codes import ELECTION_ID
from targeting.errors import SourceError
from targeting.sources.files import BROKEN_ARCHIVE, refuse_locked
from targeting.sources.results.counts import (
    AS_PUBLISHED,
    CORRECT,
    COUNTS,
    Origin,
    Results,
    checked_tables,
    place_stations,
    short,
)
from targeting.sources.results.totals import without_totals

GENERAL: Final = {  # as published: ours
    "code_departement": "department", "Code du département": "department",
    "code_commune": "commune", "Code de la commune": "commune",
    "code_bv": "number", "Code du b.vote": "number",
    "code_circonscription": "constituency", "Code de la circonscription": "constituency",
    "inscrits": "registered", "Inscrits": "registered",
    "votants": "votes_cast", "Votants": "votes_cast",
    "blancs": "blank_votes", "Blancs": "blank_votes",
    "nuls": "null_votes", "Nuls": "null_votes",
    "exprimes": "valid_votes", "Exprimés": "valid_votes",
}  # fmt: skip
CANDIDATES: Final = {
    "no_panneau": "line", "N°Panneau": "line",
    "nom": "surname", "Nom": "surname", "prenom": "first_name", "Prénom": "first_name",
    "nuance": "nuance_code", "Nuance": "nuance_code",
    "libelle_abrege_liste": "short_list", "Libellé Abrégé Liste": "short_list",
    "liste": "list", "Liste": "list",
    "libelle_etendu_liste": "long_list", "Libellé Etendu Liste": "long_list",
    "nom_tete_liste": "head", "Nom Tête de Liste": "head",
    "binome": "pair", "Binôme": "pair",
    "voix": "votes", "Voix": "votes",
}  # fmt: skip
KEYS: Final = ("id_election", "id_brut_miom")
ORIGIN: Final = Origin(
    publisher="Ministère de l'Intérieur, aggregated by data.gouv.fr",
    credit="Résultats: Ministère de l'Intérieur, agrégés par data.gouv.fr, Licence Ouverte 2.0",
)
MAX_STREAMED_BYTES: Final = 12 * 1024**3
"""The two CSV have 0.4 and 2.4 GB; more than this is not them."""

MAX_SWELL: Final = 100
_BLOCK: Final = 1024**2
_BATCH_ROWS: Final = 32_768


@dataclass(frozen=True)
class Half:
    """One of the two files: `general` (turnout) or `candidates` (votes), and its columns."""

    path: Path
    kind: str
    columns: dict[str, str]

    @property
    def missing(self) -> str:
        """The other half, as its usual file name."""
        return "candidats_results" if self.kind == "general" else "general_results"


def find_half(path: Path) -> Half | None:
    """Which half of the publication a file is, from its columns; nothing when it is neither."""
    headers = _headers(path)
    if not set(KEYS) <= set(headers):
        return None
    halves = (("candidates", CANDIDATES, "votes"), ("general", GENERAL, "valid_votes"))
    for kind, names, sign in halves:
        columns = {h: names[h] for h in headers if h in names}
        if sign in columns.values():
            _refuse_missing(path, headers, names, kind)
            return Half(path, kind, columns)
    raise SourceError(
        path.name,
        f"it has {' and '.join(KEYS)} but neither votes nor turnout: {short('; '.join(headers))}.",
        line=1,
        way_out="Give general_results and candidats_results as data.gouv.fr publishes them.",
    )


NEEDED: Final = {
    "general": ("commune", "number", "registered", "votes_cast", "valid_votes"),
    "candidates": ("votes",),
}


def _refuse_missing(path: Path, headers: list[str], names: dict[str, str], kind: str) -> None:
    there = {names[h] for h in headers if h in names}
    missing = [h for h, ours in names.items() if ours in NEEDED[kind] and ours not in there]
    twice = [h for h in headers if headers.count(h) > 1 and h in (*names, *KEYS)]
    if missing or twice:
        what = f"no column {' or '.join(missing)}" if missing else f"column {twice[0]} stands twice"
        raise SourceError(
            path.name,
            f"{what}; headers found: {short('; '.join(headers), 300)}.",
            line=1,
            way_out="Use the file as published, with all its columns.",
        )


def _headers(path: Path) -> list[str]:
    """Column names of a Parquet, or cells of a text's first line; nothing for anything else."""
    try:
        with open(path, "rb") as file:
            start = file.read(4)
        if start == b"PAR1":
            return list(pq.read_schema(path).names)
        with _opened(path) as stream:
            first = stream.read(8192).split(b"\n", 1)[0]
    except (*BROKEN_ARCHIVE, pa.ArrowException):
        return []
    text = first.decode("utf-8", "replace").lstrip("\ufeff").rstrip("\r")
    return [cell.strip().strip('"') for cell in text.split(";")]


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    """The text of a file out of its wrapping, as a stream."""
    with open(path, "rb") as file:
        start = file.read(6)
    if start.startswith(b"\x1f\x8b"):
        with gzip.open(path, "rb") as stream:
            yield cast(IO[bytes], stream)
    elif start.startswith(b"\xfd7zXZ"):
        with lzma.open(path, "rb") as stream:
            yield stream
    elif start.startswith(b"PK"):
        with zipfile.ZipFile(path) as archive:
            members = [m for m in archive.infolist() if not m.is_dir()]
            refuse_locked(path.name, members)
            if len(members) != 1:
                raise zipfile.BadZipFile(f"{len(members)} files")
            with archive.open(members[0]) as stream:
                yield stream
    else:
        with open(path, "rb") as stream:
            yield stream


class _Bounded(io.RawIOBase):
    """A stream that refuses to give more than a bomb would not."""

    def __init__(self, stream: IO[bytes], name: str, limit: int) -> None:
        self.stream, self.name, self.left = stream, name, limit

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        part = self.stream.read(len(buffer))
        self.left -= len(part)
        if self.left < 0:
            raise SourceError(
                self.name,
                "it swells beyond measure once opened: refused as an archive bomb.",
                way_out="Unpack it yourself if you trust it, and give the plain file.",
            )
        buffer[: len(part)] = part
        return len(part)


def read_aggregated(
    general: Half, candidates: Half, *, election_id: str | None = None
) -> Iterator[Results]:
    """Read the two halves: one Results an election, in the order of `id_election`.

    election_id: the one wanted; all of them otherwise. Raises SourceError naming file, reason and
    way out: an election that only one half has, votes of a station without turnout, counts that
    cannot be.
    """
    sha256 = hashlib.sha256(
        "".join(_sha256(half.path) for half in (general, candidates)).encode()
    ).hexdigest()
    with tempfile.TemporaryDirectory(prefix="relance-") as folder:
        parts = {
            half.kind: _split(half, Path(folder) / half.kind, election_id)
            for half in (general, candidates)
        }
        _refuse_one_sided(general, candidates, parts, election_id)
        for election in sorted(parts["general"]):
            yield _one_election(
                general, candidates, parts["general"][election], parts["candidates"][election],
                election, sha256,
            )  # fmt: skip


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


# -- streaming -------------------------------------------------------------------------------------


def _split(half: Half, folder: Path, election_id: str | None) -> dict[str, Path]:
    """Write one Parquet an election, batch by batch; gives election → file."""
    folder.mkdir()
    writers: dict[str, pq.ParquetWriter] = {}
    files: dict[str, Path] = {}
    row = 1
    try:
        for batch in _batches(half):
            table = pa.Table.from_batches([batch])
            lines = pa.array(range(row + 1, row + 1 + len(table)), pa.uint32())
            table, row = table.append_column("file_line", lines), row + len(table)
            for election in pc.unique(table["id_election"]).to_pylist():
                if election_id not in (None, election):
                    continue
                ids = table["id_election"]
                part = table.filter(
                    pc.is_null(ids) if election is None else pc.equal(ids, election)
                )
                name = _election(half, election, part)
                if name not in writers:
                    files[name] = folder / f"{name}.parquet"
                    writers[name] = pq.ParquetWriter(files[name], part.schema, compression="lz4")
                writers[name].write_table(part)
    finally:
        for writer in writers.values():
            writer.close()
        pa.default_memory_pool().release_unused()
    return files


def _election(half: Half, election: str | None, part: pa.Table) -> str:
    if election is None or not ELECTION_ID.match(election):
        raise SourceError(
            half.path.name,
            f"“{short(str(election), 40)}” is no election: year_kind_round is wanted.",
            line=part["file_line"][0].as_py(),
            column="id_election",
            way_out=AS_PUBLISHED,
        )
    return election


def _batches(half: Half) -> Iterator[pa.RecordBatch]:
    """The columns that count, as text, a few megabytes at a time."""
    wanted = [*KEYS, *half.columns]
    texts = pa.schema([(name, pa.string()) for name in wanted])
    try:
        with open(half.path, "rb") as file:
            parquet = file.read(4) == b"PAR1"
        if parquet:
            for batch in pq.ParquetFile(half.path).iter_batches(_BATCH_ROWS, columns=wanted):
                batch.validate(full=True)  # damaged texts show here, not when they are used
                yield batch.select(wanted).cast(texts)
            return
        with _opened(half.path) as stream:
            limit = min(MAX_STREAMED_BYTES, max(half.path.stat().st_size, 10_000) * MAX_SWELL)
            bounded = io.BufferedReader(_Bounded(stream, half.path.name, limit), _BLOCK)
            reader = pa_csv.open_csv(
                pa.PythonFile(bounded, "r"),
                read_options=pa_csv.ReadOptions(block_size=_BLOCK, use_threads=False),
                parse_options=pa_csv.ParseOptions(delimiter=";"),
                convert_options=pa_csv.ConvertOptions(
                    include_columns=wanted,
                    column_types=texts,
                    strings_can_be_null=True,
                    null_values=[""],
                ),
            )
            yield from reader
    except (pa.ArrowException, *BROKEN_ARCHIVE) as error:
        raise SourceError(
            half.path.name,
            f"it cannot be read to its end ({short(str(error), 160)}).",
            way_out="Download it again: the transfer was probably cut.",
        ) from error


def _refuse_one_sided(
    general: Half, candidates: Half, parts: dict[str, dict[str, Path]], election_id: str | None
) -> None:
    if election_id is not None and not any(parts.values()):
        raise SourceError(
            general.path.name,
            f"no {election_id} in it.",
            way_out="See its column id_election for those it has.",
        )
    for half, other in ((general, candidates), (candidates, general)):
        alone = sorted(set(parts[half.kind]) - set(parts[other.kind]))
        if alone:
            raise SourceError(
                other.path.name,
                f"no {', '.join(alone[:5])} in it, while {half.path.name} has it.",
                way_out="Give two halves of one publication, or choose with --election.",
            )


# -- one election ----------------------------------------------------------------------------------


def _one_election(
    general: Half, candidates: Half, turnout_file: Path, votes_file: Path, election: str, sha: str
) -> Results:
    rows = _turnout_rows(general, turnout_file)
    sifted = without_totals(general.path.name, rows, None)
    totals = rows["id_brut_miom"].gather(list(sifted.left_out))
    stations = place_stations(general.path.name, sifted.rows)
    votes = _vote_rows(candidates, general, votes_file, stations, totals)
    turnout, votes, told = checked_tables(general.path.name, stations, votes)
    name = f"{general.path.name} + {candidates.path.name}"
    return Results(
        name, sha, "aggregated pair", "utf-8", turnout, votes,
        kinds=(election.split("_")[1],), election_id=election,
        round_number=int(election[-1]), origin=ORIGIN, notes=(*sifted.notes, *told),
    )  # fmt: skip


def _named(half: Half, file: Path) -> pl.LazyFrame:
    """Rows of one election under our names."""
    names: dict[str, str] = {}
    for theirs, ours in half.columns.items():
        if ours not in names.values():
            names[theirs] = ours
    return pl.scan_parquet(file).select("id_brut_miom", "file_line", *names).rename(names)


def _count(name: str) -> pl.Expr:
    """A count from its text, a `.0` forgiven; missing where it is none."""
    return pl.col(name).str.strip_chars().str.strip_suffix(".0").cast(pl.Int64, strict=False)


def _refuse_no_number(
    half: Half, rows: pl.LazyFrame, names: Sequence[str], *, needed: bool = False
) -> None:
    """The first cell of these columns that is no number; the columns are looked at in one pass."""
    wrong = {n: _count(n).is_null() & (pl.lit(needed) | pl.col(n).is_not_null()) for n in names}
    found = rows.select(**{n: fault.any() for n, fault in wrong.items()}).collect()
    name = next((n for n in names if found[n][0]), None)
    if name is None:
        return
    row = rows.select("file_line", name).filter(wrong[name]).head(1).collect().row(0, named=True)
    raise SourceError(
        half.path.name,
        f"“{short(str(row[name]), 40)}” is not a whole number.",
        line=row["file_line"],
        column=name,
        way_out=AS_PUBLISHED,
    )


def _turnout_rows(half: Half, file: Path) -> pl.DataFrame:
    rows = _named(half, file)
    counts = [c for c in COUNTS if c in rows.collect_schema().names()]
    _refuse_no_number(half, rows, counts)
    return rows.with_columns(_count(c) for c in counts).collect().with_row_index("row")


def _vote_rows(
    half: Half, general: Half, file: Path, stations: pl.DataFrame, totals: pl.Series
) -> pl.DataFrame:
    """Votes with their station, in the columns of Results: few columns, for there are many rows.

    `totals`: ids of turnout's rows that are none; theirs are left out too.
    """
    rows = _named(half, file)
    there = rows.collect_schema().names()
    _refuse_no_number(half, rows, ["votes"], needed=True)
    places = stations.select("id_brut_miom", "row", "station_id").unique(
        "id_brut_miom", keep="first", maintain_order=True
    )
    votes = rows.select(
        "id_brut_miom", "file_line", line=_line(there), candidate=_candidate(there),
        party_list=_list(there), nuance_code=_nuance(there), votes=_count("votes"),
    ).collect()  # fmt: skip
    if not totals.is_empty():
        votes = votes.filter(~pl.col("id_brut_miom").is_in(totals.implode()).fill_null(value=False))
    votes = votes.join(places, on="id_brut_miom", how="left", maintain_order="left")
    alone = votes.filter(pl.col("row").is_null())
    if not alone.is_empty():
        raise SourceError(
            half.path.name,
            f"votes of {short(str(alone['id_brut_miom'][0]), 40)}, whose turnout "
            f"{general.path.name} has not.",
            line=alone["file_line"][0],
            way_out=CORRECT,
        )
    votes = votes.drop("id_brut_miom", "file_line")
    votes = votes if votes["row"].is_sorted() else votes.sort("row", maintain_order=True)
    if votes["line"].null_count():
        order = pl.int_range(pl.len(), dtype=pl.Int64).over("row") + 1
        votes = votes.with_columns(pl.col("line").fill_null(order))
    return votes


def _line(there: list[str]) -> pl.Expr:
    if "line" not in there:
        return pl.lit(None, pl.Int64)
    return pl.col("line").str.strip_suffix(".0").cast(pl.UInt32, strict=False).cast(pl.Int64)


def _candidate(there: list[str]) -> pl.Expr:
    named = pl.lit(None, pl.String)
    if "surname" in there:
        first = pl.col("first_name") if "first_name" in there else pl.lit("")
        named = (pl.col("surname") + " " + first.fill_null("")).str.strip_chars()
    return pl.coalesce(named, *(pl.col(c) for c in ("pair", "head") if c in there))


def _list(there: list[str]) -> pl.Expr:
    labels = [pl.col(c) for c in ("short_list", "list", "long_list") if c in there]
    return pl.coalesce(*labels) if labels else pl.lit(None, pl.String)


def _nuance(there: list[str]) -> pl.Expr:
    return pl.col("nuance_code") if "nuance_code" in there else pl.lit(None, pl.String)
