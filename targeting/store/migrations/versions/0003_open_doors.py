"""Doors of open turfs, each once; withdrawals that can be called back; the law in more CHECKs;
nothing derived is stored.

`open_door` has a row a door of each turf that is ready or in progress. Its primary key refuses the
second one, at any isolation level and on any path; triggers keep it, so that nobody has to think of
it. Ranges overlap: a unique index over them would not do.
"""

# ruff: noqa: S608 (every word of these statements is ours)

import re

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

OPEN = "('ready', 'in_progress')"
TWICE = "open_door: this door stands in another open turf"

SQLITE_TRIGGERS = {
    "turf_door_put": f"""AFTER INSERT ON turf_door
        WHEN (SELECT status FROM turf WHERE id = NEW.turf_id) IN {OPEN}
        BEGIN
          SELECT RAISE(ABORT, '{TWICE}') WHERE EXISTS (
            SELECT 1 FROM open_door WHERE building_id = NEW.building_id
            AND door BETWEEN NEW.first_door AND NEW.last_door);
          INSERT INTO open_door (building_id, door, turf_id)
            SELECT NEW.building_id, n, NEW.turf_id FROM (
              WITH RECURSIVE door(n) AS (
                SELECT NEW.first_door UNION ALL SELECT n + 1 FROM door WHERE n < NEW.last_door)
              SELECT n FROM door);
        END""",
    "turf_door_taken": """AFTER DELETE ON turf_door
        BEGIN
          DELETE FROM open_door WHERE building_id = OLD.building_id AND turf_id = OLD.turf_id
            AND door BETWEEN OLD.first_door AND OLD.last_door;
        END""",
    "turf_door_moved": f"""AFTER UPDATE OF turf_id, building_id, first_door, last_door ON turf_door
        BEGIN
          DELETE FROM open_door WHERE building_id = OLD.building_id AND turf_id = OLD.turf_id
            AND door BETWEEN OLD.first_door AND OLD.last_door;
          SELECT RAISE(ABORT, '{TWICE}') WHERE EXISTS (
            SELECT 1 FROM open_door JOIN turf ON turf.id = NEW.turf_id AND turf.status IN {OPEN}
            WHERE building_id = NEW.building_id
            AND door BETWEEN NEW.first_door AND NEW.last_door);
          INSERT INTO open_door (building_id, door, turf_id)
            SELECT NEW.building_id, n, NEW.turf_id FROM (
              WITH RECURSIVE door(n) AS (
                SELECT NEW.first_door UNION ALL SELECT n + 1 FROM door WHERE n < NEW.last_door)
              SELECT n FROM door)
            JOIN turf ON turf.id = NEW.turf_id AND turf.status IN {OPEN};
        END""",
    "turf_closed": f"""AFTER UPDATE OF status ON turf
        WHEN OLD.status IN {OPEN} AND NEW.status NOT IN {OPEN}
        BEGIN
          DELETE FROM open_door WHERE turf_id = NEW.id AND building_id IN (
            SELECT building_id FROM turf_door WHERE turf_id = NEW.id);
        END""",
    "turf_opened": f"""AFTER UPDATE OF status ON turf
        WHEN OLD.status NOT IN {OPEN} AND NEW.status IN {OPEN}
        BEGIN
          SELECT RAISE(ABORT, '{TWICE}') WHERE EXISTS (
            SELECT 1 FROM turf_door JOIN open_door ON open_door.building_id = turf_door.building_id
            AND door BETWEEN first_door AND last_door WHERE turf_door.turf_id = NEW.id);
          INSERT INTO open_door (building_id, door, turf_id)
            SELECT building_id, n, NEW.id FROM (
              WITH RECURSIVE door(building_id, n, last) AS (
                SELECT building_id, first_door, last_door FROM turf_door WHERE turf_id = NEW.id
                UNION ALL SELECT building_id, n + 1, last FROM door WHERE n < last)
              SELECT building_id, n FROM door);
        END""",
}  # fmt: skip

POSTGRES_FUNCTIONS = {
    "turf_door_keep": f"""
        DECLARE now text;
        BEGIN
          IF TG_OP <> 'INSERT' THEN
            DELETE FROM open_door WHERE building_id = OLD.building_id AND turf_id = OLD.turf_id
              AND door BETWEEN OLD.first_door AND OLD.last_door;
          END IF;
          IF TG_OP <> 'DELETE' THEN
            -- waits for whoever opens or closes this turf now, and sees what it became
            SELECT status INTO now FROM turf WHERE id = NEW.turf_id FOR SHARE;
            IF now IN {OPEN} THEN
              INSERT INTO open_door (building_id, door, turf_id)
                SELECT NEW.building_id, n, NEW.turf_id
                FROM generate_series(NEW.first_door, NEW.last_door) AS n;
            END IF;
          END IF;
          RETURN NULL;
        END""",
    "turf_keep": f"""
        BEGIN
          IF NEW.status NOT IN {OPEN} THEN
            DELETE FROM open_door WHERE turf_id = NEW.id AND building_id IN (
              SELECT building_id FROM turf_door WHERE turf_id = NEW.id);
          ELSE
            INSERT INTO open_door (building_id, door, turf_id)
              SELECT building_id, n, NEW.id FROM turf_door, generate_series(first_door, last_door) n
              WHERE turf_id = NEW.id;
          END IF;
          RETURN NULL;
        END""",
}
POSTGRES_TRIGGERS = {
    "turf_door_keep": ("turf_door", "AFTER INSERT OR DELETE OR UPDATE", ""),
    "turf_keep": (
        "turf", "AFTER UPDATE OF status",
        f"WHEN ((OLD.status IN {OPEN}) <> (NEW.status IN {OPEN}))",
    ),
}  # fmt: skip

SIGNS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_.:-"
BUILDING = (
    "building_id IS NULL OR (length(building_id) BETWEEN 7 AND 60 "
    f"AND substr(building_id, 6, 1) = '_' AND trim(building_id, '{SIGNS}') = '')"
)
NUMBER = "substr(door_id, length(building_id) + 2)"
DOOR = (
    "door_id IS NULL OR (building_id IS NOT NULL "
    "AND substr(door_id, 1, length(building_id) + 1) = building_id || '/' "
    f"AND length({NUMBER}) BETWEEN 1 AND 5 AND trim({NUMBER}, '0123456789') = '')"
)
SOURCES = "'door', 'stand', 'meeting', 'website', 'form', 'membership', 'phone', 'other'"

CHECKS = {
    "contact": {
        "source": f"source IN ({SOURCES})",
        "consent_is_recorded": "legal_basis <> 'consent' OR consent_id IS NOT NULL",
        "kept_after_it_came": "retention_date >= source_date AND retention_date < '2100-01-01'",
        "notice": "trim(notice_version) <> '' AND length(notice_version) <= 30",
        "building": BUILDING,
        "door": DOOR,
        "phone": "phone IS NULL OR trim(phone, '0123456789+. ()-') = ''",
        "lengths": (
            "length(id) <= 36 AND (first_name IS NULL OR length(first_name) <= 100) "
            "AND (last_name IS NULL OR length(last_name) <= 100) "
            "AND (email IS NULL OR length(email) <= 200) "
            "AND (phone IS NULL OR length(phone) <= 30)"
        ),
    },
    "consent": {
        "said": "trim(channel) <> '' AND trim(wording) <> ''",
        "lengths": "length(id) <= 36 AND length(channel) <= 30 AND length(wording) <= 60",
        "withdrawn_after_given": "withdrawn_on IS NULL OR withdrawn_on >= given_on",
    },
    "campaign": {"name": "trim(name) <> '' AND length(name) <= 200"},
    "turf": {
        "code": "length(id) BETWEEN 1 AND 12",
        "addresses": "length(start_address) <= 200 AND length(end_address) <= 200",
        "counts": "n_doors >= 0 AND n_buildings >= 0",
    },
    "turf_door": {"building": "length(building_id) <= 60"},
    "turf_excluded": {
        "lengths": "length(building_id) <= 60 AND length(reason) <= 60",
        "counted": "dwellings >= 0",
    },
    "source_batch": {
        "lengths": "length(kind) <= 20 AND length(file_name) <= 255 AND length(sha256) = 64",
    },
}

ONE_ENGINE = {
    "sqlite": {
        "contact": {
            "dates": "source_date IS date(source_date) AND notice_date IS date(notice_date) "
            "AND retention_date IS date(retention_date)",
            "occasional_is_forgotten": "category <> 'occasional' "
            "OR retention_date <= date(source_date, '+2 years')",
        },
        "consent": {"dates": "given_on IS date(given_on) AND withdrawn_on IS date(withdrawn_on)"},
        "campaign": {"dates": "ballot_date IS date(ballot_date)"},
    },
    "postgresql": {
        "contact": {
            "occasional_is_forgotten": "category <> 'occasional' "
            "OR retention_date <= source_date + interval '2 years'",
        },
    },
}  # fmt: skip


def upgrade() -> None:
    connection = op.get_bind()
    engine = connection.dialect.name
    # nothing derived is stored: when a visit is forgotten follows from its day and the campaign's
    for table in ("visit", "visit_undone"):
        op.drop_index(f"ix_{table}_erase_on", table_name=table)
        op.drop_column(table, "erase_on")
    op.add_column("turf", sa.Column("withdrawn_by", sa.Integer(), nullable=True))
    op.add_column("consent", sa.Column("withdrawn_on", sa.Date(), nullable=True))
    if engine == "postgresql":
        op.alter_column("turf", "station_ids", type_=sa.Text())
    _mend(connection)
    for table, checks in _checks(engine).items():
        _add_checks(connection, table, checks)
    rows = {} if engine == "postgresql" else {"sqlite_with_rowid": False}
    op.create_table(
        "open_door",
        sa.Column("building_id", sa.String(length=60), nullable=False),
        sa.Column("door", sa.Integer(), nullable=False),
        sa.Column("turf_id", sa.String(length=12), nullable=False),
        sa.PrimaryKeyConstraint("building_id", "door", name=op.f("pk_open_door")),
        **rows,
    )
    _close_doubles(connection)
    connection.execute(sa.text(
        "INSERT INTO open_door (building_id, door, turf_id) " + _each_door(engine)
    ))  # fmt: skip
    _create_triggers(engine)


def downgrade() -> None:
    connection = op.get_bind()
    engine = connection.dialect.name
    _drop_triggers(engine)
    op.drop_table("open_door")
    for table, checks in _checks(engine).items():
        _drop_checks(connection, table, checks)
    op.drop_column("turf", "withdrawn_by")
    op.drop_column("consent", "withdrawn_on")
    if engine == "postgresql":
        op.alter_column("turf", "station_ids", type_=sa.String(length=400))
    for table, moment in (("visit", "visited_at"), ("visit_undone", "undone_at")):
        op.add_column(
            table, sa.Column("erase_on", sa.Date(), nullable=False, server_default="1970-01-01")
        )
        two_years = (
            f"CAST({moment} AT TIME ZONE 'UTC' AS DATE) + 730"
            if engine == "postgresql" else f"date({moment}, '+730 days')"
        )  # fmt: skip
        after_ballot = (
            "ballot_date + 15" if engine == "postgresql" else "date(ballot_date, '+15 days')"
        )
        connection.execute(sa.text(  # the words are ours
            f"UPDATE {table} SET erase_on = COALESCE("
            f"(SELECT {after_ballot} FROM campaign), {two_years})"
        ))  # fmt: skip
        op.create_index(f"ix_{table}_erase_on", table, ["erase_on"])


# -- what is there already -------------------------------------------------------------------------


def _mend(connection: sa.Connection) -> None:
    """Texts that are too long are cut, and contacts of words unknown have another source."""
    connection.execute(sa.text(
        "UPDATE turf SET start_address = substr(start_address, 1, 200), "
        "end_address = substr(end_address, 1, 200)"
    ))  # fmt: skip
    connection.execute(sa.text("UPDATE campaign SET name = substr(name, 1, 200)"))
    connection.execute(sa.text("UPDATE campaign SET name = 'Campagne' WHERE trim(name) = ''"))
    connection.execute(sa.text(  # the words are ours
        f"UPDATE contact SET source = 'other' WHERE source NOT IN ({SOURCES})"
    ))  # fmt: skip


def _close_doubles(connection: sa.Connection) -> None:
    """Doors that stand in two open turfs stay in one: a turf begun keeps them, then the newest.

    The others are withdrawn whole where nobody began them, else done; what of their doors is in no
    open turf then is free for the next cut. Their codes are kept with the last cut, and told there.
    """
    turfs = connection.execute(sa.text(
        f"SELECT id, status FROM turf WHERE status IN {OPEN}"
    )).all()  # fmt: skip
    spans: dict[str, list[tuple[str, int, int]]] = {}
    for turf_id, building_id, first, last in connection.execute(
        sa.text("SELECT turf_id, building_id, first_door, last_door FROM turf_door")
    ):
        spans.setdefault(turf_id, []).append((building_id, first, last))
    taken: set[tuple[str, int]] = set()
    closed: list[str] = []
    ordered = sorted(turfs, key=lambda t: (t.status != "in_progress", -len(t.id), _down(t.id)))
    for turf in ordered:
        doors = {
            (b, n) for b, first, last in spans.get(turf.id, []) for n in range(first, last + 1)
        }
        if doors & taken or len(doors) < sum(
            last - first + 1 for _, first, last in spans.get(turf.id, [])
        ):
            status = "done" if turf.status == "in_progress" else "withdrawn"
            connection.execute(
                sa.text("UPDATE turf SET status = :s, version = version + 1 WHERE id = :i"),
                {"s": status, "i": turf.id},
            )
            closed.append(turf.id)
            continue
        taken |= doors
    if closed:
        cut = sa.table("turf_cut", sa.column("id", sa.Integer), sa.column("parameters", sa.JSON))
        last = connection.execute(sa.select(cut).order_by(cut.c.id.desc()).limit(1)).one()
        told = dict(last.parameters) | {"closed_for_doubles": sorted(closed)}
        connection.execute(cut.update().where(cut.c.id == last.id).values(parameters=told))


def _down(code: str) -> tuple[int, ...]:
    return tuple(-ord(c) for c in code)


def _each_door(engine: str) -> str:
    if engine == "postgresql":
        return (
            "SELECT building_id, n, turf_id FROM turf_door JOIN turf ON turf.id = turf_id, "
            f"generate_series(first_door, last_door) AS n WHERE status IN {OPEN}"
        )
    return (
        "SELECT building_id, n, turf_id FROM (WITH RECURSIVE door(building_id, turf_id, n, last) "
        "AS (SELECT building_id, turf_id, first_door, last_door FROM turf_door JOIN turf ON "
        f"turf.id = turf_id WHERE status IN {OPEN} UNION ALL "
        "SELECT building_id, turf_id, n + 1, last FROM door WHERE n < last) SELECT * FROM door)"
    )


# -- triggers --------------------------------------------------------------------------------------


def _create_triggers(engine: str) -> None:
    if engine == "sqlite":
        for name, body in SQLITE_TRIGGERS.items():
            op.get_bind().exec_driver_sql(f"CREATE TRIGGER {name} {body}")
        return
    for name, body in POSTGRES_FUNCTIONS.items():
        op.get_bind().exec_driver_sql(
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $${body};$$"
        )
    for name, (table, when, only) in POSTGRES_TRIGGERS.items():
        op.get_bind().exec_driver_sql(
            f"CREATE TRIGGER {name} {when} ON {table} FOR EACH ROW {only} EXECUTE FUNCTION {name}()"
        )


def _drop_triggers(engine: str) -> None:
    if engine == "sqlite":
        for name in SQLITE_TRIGGERS:
            op.execute(f"DROP TRIGGER {name}")
        return
    for name, (table, _, _) in POSTGRES_TRIGGERS.items():
        op.execute(f"DROP TRIGGER {name} ON {table}")
        op.execute(f"DROP FUNCTION {name}()")


# -- constraints -----------------------------------------------------------------------------------


STATIONS = ("station_ids VARCHAR(400)", "station_ids TEXT")
"""A turf over many small stations has more to say than 400 letters."""


def _checks(engine: str) -> dict[str, dict[str, str]]:
    return {t: checks | ONE_ENGINE[engine].get(t, {}) for t, checks in CHECKS.items()}


def _add_checks(connection: sa.Connection, table: str, checks: dict[str, str]) -> None:
    if connection.dialect.name == "sqlite":
        more = "".join(_clause(table, name, check) for name, check in checks.items())
        _rebuilt(connection, table, lambda sql: _longer(sql).rstrip()[:-1].rstrip() + more + ")")
        return
    for name, check in checks.items():
        connection.exec_driver_sql(
            f"ALTER TABLE {table} ADD CONSTRAINT ck_{table}_{name} CHECK ({check})"
        )


def _drop_checks(connection: sa.Connection, table: str, checks: dict[str, str]) -> None:
    if connection.dialect.name == "sqlite":

        def without(sql: str) -> str:
            for name, check in checks.items():
                sql = sql.replace(_clause(table, name, check), "")
            return sql.replace(STATIONS[1], STATIONS[0])

        _rebuilt(connection, table, without)
        return
    for name in checks:
        connection.exec_driver_sql(f"ALTER TABLE {table} DROP CONSTRAINT ck_{table}_{name}")


def _longer(sql: str) -> str:
    return sql.replace(*STATIONS)


def _clause(table: str, name: str, check: str) -> str:
    return f", CONSTRAINT ck_{table}_{name} CHECK ({check})"


def _rebuilt(connection: sa.Connection, table: str, change) -> None:  # type: ignore[no-untyped-def]
    """SQLite adds no constraint to a table: it is made anew and its rows are carried over. Foreign
    keys are off meanwhile (`engine.upgrade`), so that dropping it empties no other."""
    sql = connection.exec_driver_sql(
        "SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ?", (table,)
    ).scalar_one()
    others = connection.exec_driver_sql(
        "SELECT sql FROM sqlite_master WHERE tbl_name = ? AND type IN ('index', 'trigger') "
        "AND sql IS NOT NULL", (table,),
    ).scalars().all()  # fmt: skip
    fresh = re.sub(r'^CREATE TABLE "?\w+"?', f'CREATE TABLE "new_{table}"', change(sql), count=1)
    connection.exec_driver_sql(fresh)
    names = [r[1] for r in connection.exec_driver_sql(f"PRAGMA table_info({table})")]
    columns = ", ".join(f'"{n}"' for n in names)
    connection.exec_driver_sql(
        f'INSERT INTO "new_{table}" ({columns}) SELECT {columns} FROM {table}'
    )
    connection.exec_driver_sql(f"DROP TABLE {table}")
    connection.exec_driver_sql(f'ALTER TABLE "new_{table}" RENAME TO {table}')
    for statement in others:
        connection.exec_driver_sql(statement)
