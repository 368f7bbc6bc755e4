"""What many tests need: a workspace of their own, a toy town, both databases, the real files."""

from __future__ import annotations

import os
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy import Engine, create_engine, text

from targeting.config import Workspace
from targeting.store import cipher
from targeting.store.engine import open_engine, open_store, upgrade
from targeting.workflows.demo import fill_demo
from targeting.workflows.setup import init_workspace
from tests.official import PRES_2022, Ballot, marseille_rows, native, write_latin

settings.register_profile(
    "relance", deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=60
)
settings.register_profile("quick", settings.get_profile("relance"), max_examples=6)
settings.load_profile("relance")
"""`make check` asks for the other one: `--hypothesis-profile=quick` (see `tests.examples`)."""


def pytest_configure(config: pytest.Config) -> None:
    """Files go to the processes in the order of `_long_files_first`, not by their number of tests:
    three tests of a browser given out last leave the other process idle for a minute."""
    config.option.loadscopereorder = False


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What a test reads marks it: `make check` leaves out real files and PostgreSQL by mark."""
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        if "real" in fixtures or Path(__file__).parent / "real" in item.path.parents:
            item.add_marker(pytest.mark.real)
        if "postgres_url" in fixtures:
            item.add_marker(pytest.mark.postgres)
    if hasattr(config, "workerinput"):
        _long_files_first(items)


SECONDS = {"browser": 5.0, "slow": 3.0, "real": 2.0, "postgres": 0.8}
"""About how long a test with this mark takes; a tenth of a second without, half a minute for a
notebook."""

LONG = 10.0


def _long_files_first(items: list[pytest.Item]) -> None:
    """Files that take long come first, the longest before; the others stay as shuffled."""
    seconds: dict[Path, float] = {}
    for item in items:
        mine = [SECONDS.get(mark.name, 0.0) for mark in item.iter_markers()]
        known = 30.0 if item.path.suffix == ".ipynb" else max([0.1, *mine])
        seconds[item.path] = seconds.get(item.path, 0.0) + known
    items.sort(key=lambda item: -seconds[item.path] if seconds[item.path] > LONG else 0)


os.environ["RELANCE_LANG"] = "en"
"""Tests read what the code says; tests/locale reads what the French are told."""

REAL = Path(__file__).resolve().parents[2] / "shared" / "data"
NATIONAL = REAL / "results" / "national"


@pytest.fixture
def real() -> Path:
    """The folder of official files, or a loud skip."""
    if not REAL.is_dir():
        pytest.skip("the real files (../shared/data) are not here: official files NOT checked")
    return REAL


@pytest.fixture(scope="session")
def demo_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The invented town's workspace, made once: read it, or take a copy."""
    folder = tmp_path_factory.mktemp("demo") / "demo"
    fill_demo(Workspace(folder))
    return folder


DEMO_DAY = date(2026, 11, 23)


@pytest.fixture(scope="session")
def town_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The invented town's workspace as of DEMO_DAY, made once: only to be copied."""
    folder = tmp_path_factory.mktemp("dated") / "workspace"
    fill_demo(Workspace(folder), today=DEMO_DAY)
    return folder


@pytest.fixture(scope="session")
def marseille(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty campaign in Marseille, made once: only to be copied."""
    workspace = Workspace(tmp_path_factory.mktemp("marseille") / "workspace")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("RELANCE_DATABASE_URL", raising=False)
        init_workspace(workspace, communes=["13055"])
        open_store(workspace).dispose()  # all is in the one file
    return workspace.root


@pytest.fixture
def workspace(tmp_path: Path, marseille: Path) -> Workspace:
    """An empty campaign in Marseille."""
    shutil.copytree(marseille, tmp_path / "workspace")
    return Workspace(tmp_path / "workspace")


@pytest.fixture
def by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """No process is started for a job: the test is the worker."""
    from targeting.workflows.jobs import desk, worker

    monkeypatch.setattr(desk, "poke", lambda _workspace: False)
    monkeypatch.setattr(worker, "LINGER_SECONDS", 0.0)
    monkeypatch.setattr(worker, "LOOK_SECONDS", 0.01)


@pytest.fixture
def presidential(tmp_path: Path) -> Path:
    """An invented presidential first round of 2022, in its official layout."""
    text_ = native(marseille_rows(), Ballot.of_names(PRES_2022))
    return write_latin(tmp_path / "pres.txt", text_)


# -- PostgreSQL ----------------------------------------------------------------------------------


def _postgres_bin() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A private PostgreSQL server on a socket of its own, stopped at the end."""
    programs = _postgres_bin()
    if programs is None:
        pytest.skip("PostgreSQL is not installed: the same tests on PostgreSQL are NOT run")
    folder = Path("/tmp") / f"relance-pg-{uuid.uuid4().hex[:8]}"
    folder.mkdir(mode=0o700)
    as_user: list[str] = []
    if os.getuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
        as_user = ["runuser", "-u", "postgres", "--"]

    def run(*command: str) -> None:
        subprocess.run([*as_user, *command], check=True, capture_output=True, cwd="/tmp")

    data = folder / "data"
    run(str(programs / "initdb"), "-D", str(data), "-A", "trust", "-U", "relance", "-E", "UTF8")
    options = f"-k {folder} -c listen_addresses='' -c fsync=off"
    run(str(programs / "pg_ctl"), "-D", str(data), "-o", options, "-w", "-l",
        str(folder / "log"), "start")  # fmt: skip
    try:
        yield f"postgresql+psycopg://relance@/postgres?host={folder}"
    finally:
        run(str(programs / "pg_ctl"), "-D", str(data), "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


PASSPHRASE = "girafe ombrelle tournevis mardi 47"


@pytest.fixture
def cheap_keys(monkeypatch: pytest.MonkeyPatch) -> str:
    """A passphrase that is set, and costs little to try: gives it."""
    monkeypatch.setattr(cipher, "COST", [cipher.CHEAPEST])
    monkeypatch.setenv("RELANCE_PASSPHRASE", PASSPHRASE)
    cipher.forget_keys()
    return PASSPHRASE


ENGINES = ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """The database on each engine in turn; encrypted too where a module says `ENCRYPTED_TOO`, but
    for what takes long."""
    chosen = [m.args[0] for m in metafunc.definition.iter_markers("parametrize")]
    if "database_url" in metafunc.fixturenames and "database_url" not in chosen:
        too = getattr(metafunc.module, "ENCRYPTED_TOO", False)
        slow = metafunc.definition.get_closest_marker("slow")
        more = ["sqlcipher"] if too and slow is None else []
        metafunc.parametrize("database_url", [*ENGINES, *more], indirect=True)


@pytest.fixture
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database, on each engine in turn; for `engine`, one with our schema."""
    is_ours = "engine" in request.fixturenames
    if request.param != "postgres":
        if request.param == "sqlcipher":
            cipher.make_key(tmp_path / "relance.db", request.getfixturevalue("cheap_keys"))
        elif is_ours:
            shutil.copyfile(request.getfixturevalue("sqlite_schema"), tmp_path / "relance.db")
        yield f"sqlite:///{tmp_path / 'relance.db'}"
        return
    yield request.getfixturevalue("postgres_database")


@pytest.fixture
def postgres_database(request: pytest.FixtureRequest, postgres_url: str) -> Iterator[str]:
    """An empty database of the private server; for `engine`, one with our schema."""
    server, is_ours = postgres_url, "engine" in request.fixturenames
    name = f"t{uuid.uuid4().hex[:12]}"
    template = request.getfixturevalue("postgres_schema") if is_ours else "template1"
    _as_admin(server, f"CREATE DATABASE {name} TEMPLATE {template}")
    yield server.replace("/postgres?", f"/{name}?")
    _as_admin(server, f"DROP DATABASE {name} WITH (FORCE)")


def _as_admin(server: str, statement: str) -> None:
    admin = create_engine(server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(statement))
    admin.dispose()


@pytest.fixture
def unmade(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A workspace to be made, whose database will be on each engine in turn."""
    if database_url.startswith("postgres"):
        monkeypatch.setenv("RELANCE_DATABASE_URL", database_url)
    return Workspace(tmp_path / "workspace")


@pytest.fixture(scope="session")
def postgres_schema(postgres_url: str) -> str:
    """A database with our schema on the server, made once: only to be copied."""
    _as_admin(postgres_url, "CREATE DATABASE ours")
    _upgraded(postgres_url.replace("/postgres?", "/ours?")).dispose()
    return "ours"


@pytest.fixture(scope="session")
def sqlite_schema(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with our schema, made once: only to be copied."""
    file = tmp_path_factory.mktemp("schema") / "relance.db"
    _upgraded(f"sqlite:///{file}").dispose()
    return file


def _upgraded(url: str) -> Engine:
    engine = open_engine(url)
    upgrade(engine)
    return engine


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """A database with our schema, on each engine in turn."""
    engine = open_engine(database_url)
    if cipher.is_keyed(Path(database_url.removeprefix("sqlite:///"))):
        upgrade(engine)  # its key is its own: no copy of another file would open
    yield engine
    engine.dispose()
