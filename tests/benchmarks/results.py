"""Reading the official files: ours against a plain csv reader and a plain pandas reader.

Each reader runs in a process of its own, on the gzip as published, and gives the two tables; the
tables are compared, so that the ratios are between readers that do the same work.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import io
import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pandas as pd

NATIONAL = Path(__file__).resolve().parents[3] / "shared" / "data" / "results" / "national"
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
    if native and department == "ZW":
        place = "98601"
    elif native and department in OVERSEAS:
        place = code[:2] + commune.zfill(3)
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
    from targeting.sources.wide_results import read_wide_results

    return read_wide_results(path)


def one(reader: str, path: Path, out: Path | None) -> None:
    """Run one reader once: seconds and peak MB as JSON; tables to `out` if asked."""
    if reader == "ours":
        import targeting.sources.wide_results  # noqa: F401 (imports are not reading)
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
    import tempfile

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--one", nargs=2, metavar=("READER", "FILE"))
    parser.add_argument("--out", type=Path)
    parser.add_argument("--repeat", type=int, default=3)
    arguments = parser.parse_args()
    if arguments.one:
        one(arguments.one[0], Path(arguments.one[1]), arguments.out)
        return 0
    if not NATIONAL.is_dir():
        print("results: the official files (../shared/data) are absent: NOT measured")
        return 0
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
                        for n in range(arguments.repeat if reader == "ours" else 1)]  # fmt: skip
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
