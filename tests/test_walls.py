"""The walls of the house: who may import whom."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "targeting"
MODULES = sorted(PACKAGE.rglob("*.py"))

OUTCOMES = {"outcomes"}  # for whoever speaks of visits

SHARED = {"cells", "codes", "crs", "errors", "palette", "shipped", "streetnames", "tables"}
ONLY = {  # room: what of targeting it may import, besides itself
    "outcomes": set(),
    "access": {"errors"},
    "scoring": SHARED | OUTCOMES,
    "turf": SHARED | OUTCOMES,
    "demo": SHARED | OUTCOMES,
    "sources": SHARED | {"config"},
    "stations": SHARED | {"sources"},
    "households": SHARED | OUTCOMES | {"sources", "stations"},
    "maps": SHARED | {"locale", "scoring", "config", "households", "stations"},
    "field": SHARED | OUTCOMES,
    "exports": SHARED | OUTCOMES | {"locale", "households", "stations", "field"},
    "reference": SHARED | {"config", "sources"},
    "store": SHARED | OUTCOMES | {"access", "config", "sources", "reference"},
    "locale": OUTCOMES | {"codes", "shipped"},
}


def imports(path: Path) -> set[str]:
    """Every dotted name that the module imports, at its top or inside its functions."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def rooms_of(names: set[str]) -> set[str]:
    return {n.split(".")[1] for n in names if n.startswith("targeting.") and n.count(".") >= 1}


@pytest.mark.parametrize("room", sorted(ONLY))
def test_a_room_imports_only_what_stands_before_it(room: str) -> None:
    files = [p for p in MODULES if p.relative_to(PACKAGE).parts[0] in (room, f"{room}.py")]
    assert files, f"the room {room} is empty"
    for path in files:
        strangers = rooms_of(imports(path)) - ONLY[room] - {room, "__version__"}
        assert not strangers, f"{path.relative_to(ROOT)} imports {strangers}"


def imported_modules() -> dict[str, set[str]]:
    """What each module imports, at its top or inside its functions, as modules of the package."""
    name_of = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
        for path in MODULES
    }
    return {
        module: {
            name if name in name_of else name.rpartition(".")[0]
            for name in imports(path)
            if name.startswith("targeting.")
        }
        & set(name_of)
        for module, path in name_of.items()
    }


def circles(arrows: dict[str, set[str]]) -> list[list[str]]:
    """Groups of modules that each lead to each other."""
    reached: dict[str, set[str]] = {}
    for start in arrows:
        seen: set[str] = set()
        waiting = [start]
        while waiting:
            fresh = arrows.get(waiting.pop(), set()) - seen
            seen |= fresh
            waiting += fresh
        reached[start] = seen
    groups = {
        tuple(sorted({start} | {m for m in reached[start] if start in reached.get(m, set())}))
        for start in arrows
        if start in reached[start]
    }
    return [list(group) for group in sorted(groups)]


def test_no_module_leads_back_to_itself() -> None:
    """An import inside a function, or for types alone, is an arrow like any other."""
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [["a", "b", "c"]]
    found = circles(imported_modules())
    assert not found, "these modules import each other: " + "; ".join(map(" ↔ ".join, found))


@pytest.mark.parametrize(
    ("library", "homes"),
    [("sqlalchemy", {"targeting/store"}), ("alembic", {"targeting/store"}),
     ("streamlit", {"app.py", "pages", "targeting/web"})],
)  # fmt: skip
def test_a_heavy_library_stays_in_its_room(library: str, homes: set[str]) -> None:
    files = [*MODULES, ROOT / "app.py", *(ROOT / "pages").glob("*.py")]
    for path in files:
        if library in {n.split(".")[0] for n in imports(path)}:
            place = str(path.relative_to(ROOT))
            assert any(place.startswith(home) for home in homes), f"{place} imports {library}"


def test_stored_rows_stay_in_the_store() -> None:
    """Others ask the functions of `store`: a query of their own would be SQLAlchemy by the back door."""
    for path in MODULES:
        if path.relative_to(PACKAGE).parts[0] != "store":
            rows = {n for n in imports(path) if n.startswith("targeting.store.models")}
            assert not rows, f"{path.relative_to(ROOT)} imports {rows}"


def test_pages_hold_no_pandas() -> None:
    for path in (ROOT / "pages").glob("*.py"):
        heavy = {n.split(".")[0] for n in imports(path)} & {
            "pandas",
            "geopandas",
            "numpy",
            "polars",
        }
        assert not heavy, f"{path.name} imports {heavy}: call a function of targeting instead"


def test_the_top_level_is_the_one_agreed() -> None:
    import subprocess

    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    tops = {name.split("/")[0] for name in listed}
    agreed = {
        "app.py", "pages", "targeting", "data", "notebooks", "tests", "requirements.txt",
        "requirements-bench.txt", "requirements-dev.txt", "README.md", "Makefile", "pyproject.toml", ".ci", "CHANGELOG.md",
        "LICENSE", ".gitignore", ".streamlit", "docs", "package.json", "package-lock.json",
        "requirements-web.txt", "compose.yaml",
    }  # fmt: skip
    assert tops <= agreed, tops - agreed


def test_nothing_committed_names_a_machine_a_registry_or_a_real_phone() -> None:
    import re
    import subprocess

    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    forbidden = re.compile(
        r"--(extra-)?index-url|--find-links|(?<![\w.])/(?:work|root|home)/\w|\+33(?!6\s?39\s?98)[67]\d{8}"
    )
    for name in listed:
        path = ROOT / name
        if path.suffix in (".png", ".ico", ".parquet") or name == "tests/test_walls.py":
            continue
        found = forbidden.search(path.read_text(errors="replace"))
        assert not found, f"{name}: {found and found[0]}"
