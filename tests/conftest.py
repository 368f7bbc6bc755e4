"""What many tests need: a workspace of their own, a toy town, both databases, the real files."""

from __future__ import annotations

import os
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy import Engine, create_engine, text

from targeting.config import Workspace
from targeting.store import cipher
from targeting.store.engine import open_engine, upgrade
from targeting.workflows.demo import fill_demo
from targeting.workflows.setup import init_workspace
from tests.official import PRES_2022, Ballot, marseille_rows, native, write_latin

settings.register_profile(
    "relance", deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=60
)
settings.register_profile("quick", settings.get_profile("relance"), max_examples=6)
settings.load_profile("relance")
"""`make check` asks for the other one: `--hypothesis-profile=quick` (see `tests.examples`)."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What a test reads marks it: `make check` leaves out real files and PostgreSQL by mark."""
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        if "real" in fixtures or Path(__file__).parent / "real" in item.path.parents:
            item.add_marker(pytest.mark.real)
        if "postgres_url" in fixtures:
            item.add_marker(pytest.mark.postgres)


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


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """An empty campaign in Marseille."""
    workspace = Workspace(tmp_path / "workspace")
    init_workspace(workspace, communes=["13055"])
    return workspace


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
    if "database_url" in metafunc.fixturenames:
        too = getattr(metafunc.module, "ENCRYPTED_TOO", False)
        slow = metafunc.definition.get_closest_marker("slow")
        more = ["sqlcipher"] if too and slow is None else []
        metafunc.parametrize("database_url", [*ENGINES, *more], indirect=True)


@pytest.fixture
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database, on each engine in turn."""
    if request.param != "postgres":
        if request.param == "sqlcipher":
            cipher.make_key(tmp_path / "relance.db", request.getfixturevalue("cheap_keys"))
        yield f"sqlite:///{tmp_path / 'relance.db'}"
        return
    yield request.getfixturevalue("postgres_database")


@pytest.fixture
def postgres_database(postgres_url: str) -> Iterator[str]:
    """An empty database of the private server."""
    server = postgres_url
    name = f"t{uuid.uuid4().hex[:12]}"
    admin = create_engine(server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield server.replace("/postgres?", f"/{name}?")
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


@pytest.fixture
def unmade(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A workspace to be made, whose database will be on each engine in turn."""
    if database_url.startswith("postgres"):
        monkeypatch.setenv("RELANCE_DATABASE_URL", database_url)
    return Workspace(tmp_path / "workspace")


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """A database with our schema, on each engine in turn."""
    engine = open_engine(database_url)
    upgrade(engine)
    yield engine
    engine.dispose()
