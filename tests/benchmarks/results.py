"""Reading the official files: ours against a plain csv reader and a plain pandas reader.

Each reader runs in a process of its own, on the gzip as published, and gives the two tables; the
tables are compared, so that the ratios are between readers that do the same work. Then: every
layout (real or written from the documentation), nine national files in one command, a generated
file as large as the largest, and the aggregated pair on generated halves of 200 MB and more.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import io
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pandas as pd

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
NATIONAL = SHARED / "results" / "national"
READERS = ("ours", "csv", "pandas")
COUNTS = ["registered", "votes_cast", "blank_votes", "null_votes", "valid_votes"]
OVERSEAS = {"ZA": "971", "ZB": "972", "ZC": "973", "ZD": "974", "ZM": "976", "ZN": "988",
            "ZP": "987", "ZS": "975", "ZW": "986"}  # fmt: skip
NATIVE = {"department": 0, "commune": 4, "number": 6, "registered": 7, "votes_cast": 10,
          "blank_votes": 12, "null_votes": 15, "valid_votes": 18}  # fmt: skip
NUMBERED = {"department": 0, "commune": 2, "number": 4, "registered": 5, "votes_cast": 6,
            "valid_votes": 10, "blank_votes": 13, "null_votes": 16}  # fmt: skip
Tables = tuple[pd.DataFrame, pd.DataFrame]


def station(department: str, commune: str, number: str) -> str:
    native, code = len(commune) <= 3, OVERSEAS.get(department, department.zfill(2))
    if native and department in OVERSEAS:
        place = code + commune.zfill(3)[-2:]  # the first digit stands for the department: ZM 501
    else:
        place = code + commune.zfill(3) if native else commune.zfill(5)
    return f"{place}_{number.zfill(4) if number.isdigit() else number}"


def shape(header: list[str]) -> tuple[dict[str, int], int, int, dict[str, int]]:
    """Fixed columns, first group, width of a group, and where things stand in a group."""
    if "Code BV" in header:
        return NUMBERED, 19, 9, {"line": 0, "nuance": 1, "surname": 2, "first": 3, "votes": 5}
    if "Nuance" in header:
        return NATIVE, 21, 8, {"line": 0, "surname": 2, "first": 3, "nuance": 4, "votes": 5}
    return NATIVE, 21, 7, {"line": 0, "surname": 2, "first": 3, "votes": 4}


def text_of(path: Path) -> str:
    content = gzip.decompress(path.read_bytes())
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def read_csv(path: Path) -> Tables:
    """The standard library: one line at a time."""
    text = text_of(path)
    quoting = csv.QUOTE_MINIMAL if text.startswith('"') else csv.QUOTE_NONE
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=";", quoting=quoting)
    fixed, start, width, group = shape(next(lines))
    turnout, votes = [], []
    for cells in lines:
        ids = station(cells[fixed["department"]], cells[fixed["commune"]], cells[fixed["number"]])
        turnout.append((ids, *(int(cells[fixed[c]]) for c in COUNTS)))
        for at in range(start, len(cells) - group["votes"], width):
            if cells[at + group["votes"]]:
                nuance = cells[at + group["nuance"]] if "nuance" in group else None
                name = f"{cells[at + group['surname']]} {cells[at + group['first']]}"
                votes.append((ids, int(cells[at]), name, nuance, int(cells[at + group["votes"]])))
    columns = ["station_id", "line", "candidate", "nuance_code", "votes"]
    return pd.DataFrame(turnout, columns=["station_id", *COUNTS]), pd.DataFrame(
        votes, columns=columns
    )


def read_pandas(path: Path) -> Tables:
    """pandas: all cells as text, then one pass a candidate."""
    text = text_of(path)
    quoting = csv.QUOTE_MINIMAL if text.startswith('"') else csv.QUOTE_NONE
    header = next(csv.reader([text.split("\n", 1)[0].strip("\r")], delimiter=";"))
    fixed, start, width, group = shape(header)
    widest = max(line.count(";") for line in text.split("\n")) + 1
    raw = pd.read_csv(io.StringIO(text), sep=";", header=None, skiprows=1, names=range(widest),
                      dtype="str", quoting=quoting, keep_default_na=False, na_values=[""])  # fmt: skip
    ids = [
        station(*row)
        for row in zip(*(raw[fixed[c]] for c in ("department", "commune", "number")), strict=True)
    ]
    turnout = pd.DataFrame({"station_id": ids, **{c: raw[fixed[c]].astype(int) for c in COUNTS}})
    parts = []
    for at in range(start, widest - group["votes"], width):
        there = raw[at + group["votes"]].notna()
        part = raw[there]
        name = part[at + group["surname"]] + " " + part[at + group["first"]]
        parts.append(
            pd.DataFrame(
                {
                    "station_id": turnout["station_id"][there],
                    "line": part[at].astype(int),
                    "candidate": name,
                    "nuance_code": part[at + group["nuance"]] if "nuance" in group else None,
                    "votes": part[at + group["votes"]].astype(int),
                }
            )
        )
    return turnout, pd.concat(parts).sort_index(kind="stable").reset_index(drop=True)


def read_ours(path: Path) -> Any:
    from targeting.sources.results.wide import read_wide_results

    return read_wide_results(path)


def one(reader: str, path: Path, out: Path | None) -> None:
    """Run one reader once: seconds and peak MB as JSON; tables to `out` if asked."""
    if reader == "ours":
        import targeting.sources.results.wide  # noqa: F401 (imports are not reading)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.perf_counter()
    read = {"ours": read_ours, "csv": read_csv, "pandas": read_pandas}[reader](path)
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    if out is not None:
        if reader == "ours":
            columns = ["station_id", "line", "candidate", "nuance_code", "votes"]
            turnout = read.turnout.select("station_id", *COUNTS).to_pandas()
            votes = read.votes.select(columns).to_pandas()
        else:
            turnout, votes = read
        turnout.to_parquet(f"{out}.turnout")
        votes.astype({"nuance_code": "str"}).to_parquet(f"{out}.votes")
    print(json.dumps({"seconds": seconds, "peak_mb": peak / 1024, "import_mb": before / 1024}))


# -- every layout ----------------------------------------------------------------------------------


def layouts() -> None:
    """One line a layout: real or documented, rows, sums checked, seconds."""
    import tempfile

    from tests.layouts import PRES_2012, TEXTS, THREE, long_headerless

    real = [
        path
        for pattern in ("cities/*/resultats/*", "cities/angers/*.csv", "cities/le-mans/secteurs_*",
                        "cities/format-samples/*.csv", "results/tidy_thirdparty/*")
        for path in sorted(SHARED.glob(pattern))
    ]  # fmt: skip
    print(f"\n{'layout':<34} {'file':<52} {'rows':>7} {'lines':>9} sums checked {'s':>6}")
    for path in real:
        _layout_row(path, "real")
    with tempfile.TemporaryDirectory() as folder:
        made = {name: (maker, encoding) for name, (maker, encoding, _) in TEXTS.items()}
        made["long without header"] = (lambda: long_headerless({1: THREE}, PRES_2012), "latin-1")
        for name, (maker, encoding) in made.items():
            path = Path(folder) / f"{name}.csv"
            path.write_bytes(maker().encode(encoding))
            _layout_row(path, "documented")


def _layout_row(path: Path, origin: str) -> None:
    from targeting.errors import SourceError
    from targeting.sources.results.reading import read_results

    started = time.perf_counter()
    try:
        read = list(read_results(path))
    except SourceError:
        return  # not a results file: polling places, series
    seconds = time.perf_counter() - started
    for results in read:
        sums = (
            "shares"
            if results.shares is not None
            else f"{results.turnout.height - results.flagged.height} of {results.turnout.height}"
        )
        lines = results.votes.height if results.shares is None else results.shares.height
        print(f"{results.layout:<34} {origin + ': ' + path.name[:40]:<52} "
              f"{results.stations.height:>7,} {lines:>9,} {sums:>14} {seconds:>6.2f}")  # fmt: skip


# -- one command -----------------------------------------------------------------------------------


def nine() -> None:
    """All the national files by one command, in a process of its own."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        base = [sys.executable, "-m", "targeting", "--workspace", f"{folder}/workspace"]
        subprocess.run([*base, "init"], check=True, capture_output=True)
        files = [str(p) for p in sorted(NATIONAL.rglob("*.gz"))]
        seconds, peak = _child([*base, "import", "results", *files])
    print(f"\n{len(files)} national files in one command: {seconds:.1f} s, {peak:.0f} MB "
          "(budget 8 s, 700 MB)")  # fmt: skip


def _child(command: list[str]) -> tuple[float, float]:
    """Seconds and peak MB of one command."""
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise subprocess.CalledProcessError(status, command)
    return time.perf_counter() - started, usage.ru_maxrss / 1024


# -- the largest file ------------------------------------------------------------------------------

LARGE_LISTS = 38


def write_large(path: Path) -> None:
    """A file of European 2024's size: 70,000 stations of 38 lists, invented numbers, some 247 MB."""
    from tests.layouts import numbered_lists
    from tests.official import Row

    lists = [(f"UNE LISTE TOUT INVENTEE N°{at:03d}", f"L{at}") for at in range(LARGE_LISTS)]
    with open(path, "w") as file:
        for start in range(0, PAIR_STATIONS, 2000):
            rows = [
                Row(f"{at % 100 + 1:04d}", [(at * k) % 97 for k in range(1, LARGE_LISTS + 1)],
                    department=f"{1 + at % 19:02d}", commune=f"{at // 1900 + 1:03d}",
                    registered=4000)
                for at in range(start, start + 2000)
            ]  # fmt: skip
            text = numbered_lists(rows, lists, year=2024)
            file.write(text if start == 0 else text.split("\n", 1)[1])


def large() -> None:
    """The largest official file, in a process of its own."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "large.csv"
        write_large(path)
        size = path.stat().st_size / 1024**2
        figures = measure("ours", path, None)
    print(f"\n{size:.0f} MB, {PAIR_STATIONS:,} stations of {LARGE_LISTS} lists: "
          f"{figures['seconds']:.1f} s, {figures['peak_mb']:.0f} MB (budget 700 MB)")  # fmt: skip


# -- the aggregated pair ---------------------------------------------------------------------------

PAIR_ELECTIONS = (
    "2017_legi_t1", "2017_legi_t2", "2022_legi_t1", "2022_legi_t2", "2024_legi_t1", "2024_legi_t2",
)  # fmt: skip
PAIR_STATIONS = 70_000


def write_pair(folder: Path) -> tuple[Path, Path]:
    """Two halves of invented numbers: six elections of 70,000 stations, 200 MB and more."""
    from tests.layouts import aggregated
    from tests.official import Row

    general, candidates = folder / "general_results.csv", folder / "candidats_results.csv"
    with open(general, "w") as turnout, open(candidates, "w") as votes:
        for number, election in enumerate(PAIR_ELECTIONS):
            codes = ["NUP", "ENS", "RN", "LR"] if "2022" in election else ["UG", "ENS", "RN", "LR"]
            lines = [(f"NOM{at}", "Anne", code) for at, code in enumerate(codes * 2)]
            rows = [
                Row(f"{at % 100 + 1:04d}", [(at * k + number) % 97 for k in range(1, 9)],
                    department=f"{1 + at % 19:02d}", commune=f"{at // 1900 + 1:03d}")
                for at in range(PAIR_STATIONS)
            ]  # fmt: skip
            one, other = aggregated({election: rows}, lines)
            turnout.write(one if number == 0 else one.split("\n", 1)[1])
            votes.write(other if number == 0 else other.split("\n", 1)[1])
    return general, candidates


def pair() -> None:
    """The aggregated halves, all elections and one, each in a process of its own."""
    import tempfile

    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        general, candidates = write_pair(folder)
        size = (general.stat().st_size + candidates.stat().st_size) / 1024**2
        for name, more in (("six elections", []), ("one of six", ["2024_legi_t1"])):
            command = [sys.executable, "-m", "tests.benchmarks.results", "--pair", str(general),
                       str(candidates), *more]  # fmt: skip
            seconds, peak = _child(command)
            print(f"aggregated pair, {size:.0f} MB, {name}: {seconds:.1f} s, {peak:.0f} MB "
                  "(budget 500 MB)")  # fmt: skip


def read_pair(general: str, candidates: str, *election: str) -> None:
    """Read the halves and drop each election once its sums are checked."""
    from targeting.sources.results.reading import read_results

    wanted = election[0] if election else None
    for results in read_results(Path(general), Path(candidates), election_id=wanted):
        if results.votes["votes"].sum() != results.turnout["valid_votes"].sum():
            raise SystemExit(f"{results.election_id}: sums differ")
        del results


def measure(reader: str, path: Path, out: Path | None) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.benchmarks.results", "--one", reader, str(path)]
    if out:
        command += ["--out", str(out)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout))


def same_tables(folder: Path) -> bool:
    for table in ("turnout", "votes"):
        ours = pd.read_parquet(folder / f"ours.{table}")
        for reader in ("csv", "pandas"):
            other = pd.read_parquet(folder / f"{reader}.{table}")
            try:
                pd.testing.assert_frame_equal(ours, other, check_dtype=False)
            except AssertionError as error:
                print(f"  tables differ ({reader}, {table}): {str(error).splitlines()[0]}")
                return False
    return True


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--one", nargs=2, metavar=("READER", "FILE"))
    parser.add_argument("--out", type=Path)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--pair", nargs="+", metavar="HALF")
    parser.add_argument("--part", choices=["readers", "layouts", "nine", "large", "pair"])
    arguments = parser.parse_args()
    if arguments.pair:
        read_pair(*arguments.pair)
        return 0
    if arguments.one:
        one(arguments.one[0], Path(arguments.one[1]), arguments.out)
        return 0
    parts = {"layouts": layouts, "nine": nine, "large": large, "pair": pair}
    if arguments.part in ("layouts", "large", "pair"):
        parts[arguments.part]()
        return 0
    if not NATIONAL.is_dir():
        print("results: the official files (../shared/data) are absent: NOT measured")
        return 0
    if arguments.part == "nine":
        nine()
        return 0
    wrong = readers(arguments.repeat)
    if arguments.part is None:
        for part in parts.values():
            part()
    return wrong


def readers(repeat: int) -> int:
    """Ours, csv and pandas on each national file."""
    import tempfile

    print("Reading one national file from gzip into both tables (median of the repeats)")
    print(
        f"{'file':<62} {'ours s':>7} {'MB':>5} {'csv s':>7} {'pandas s':>8} {'csv/ours':>8} {'pandas/ours':>11} equal"
    )
    wrong = 0
    for path in sorted(NATIONAL.rglob("*.gz")):
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            figures = {}
            for reader in READERS:
                runs = [measure(reader, path, folder / reader if n == 0 else None)
                        for n in range(repeat if reader == "ours" else 1)]  # fmt: skip
                runs.sort(key=lambda r: r["seconds"])
                figures[reader] = runs[len(runs) // 2]
            equal = same_tables(folder)
        wrong += not equal
        ours, plain, pandas_ = (figures[r]["seconds"] for r in READERS)
        print(f"{path.relative_to(NATIONAL)!s:<62} {ours:>7.2f} {figures['ours']['peak_mb']:>5.0f} "
              f"{plain:>7.2f} {pandas_:>8.2f} {plain / ours:>8.1f} {pandas_ / ours:>11.1f} "
              f"{'yes' if equal else 'NO'}")  # fmt: skip
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
