"""The law is in the constraints: no path around the services can break it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, delete, insert, inspect, text
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError

from targeting.errors import PrivacyError
from targeting.outcomes import OUTCOMES, THEMES
from targeting.store.engine import downgrade, reading, upgrade, write
from targeting.store.models import Base, Consent, Contact, ContactTheme, Visit
from targeting.store.queries import add_contacts, count_contacts
from targeting.store.visits import load_visits, record_visits, visit_uuid

DAY = date(2026, 3, 1)


def contact(**changes: Any) -> dict[str, Any]:
    """An occasional contact that keeps the law: no name, no phone."""
    return {
        "contact_id": "c1", "category": "occasional", "source": "door", "source_date": DAY,
        "legal_basis": "legitimate_interest", "notice_date": DAY, "notice_version": "2026-1",
        "retention_date": date(2026, 6, 1), "building_id": "13055_0101_00001",
    } | changes  # fmt: skip


CONSENT = {"consent_date": DAY, "consent_channel": "paper", "consent_wording": "2026-1"}


def insert_raw(engine: Engine, model: type[Any], **values: Any) -> None:
    write(engine, lambda s: s.execute(insert(model), [values]))


RAW = {
    "id": "c1", "category": "regular", "source": "door", "source_date": DAY, "version": 1,
    "legal_basis": "regular_contact", "notice_date": DAY, "notice_version": "1",
    "retention_date": DAY,
}  # fmt: skip


def test_an_occasional_contact_without_anything_personal_is_kept(engine: Engine) -> None:
    assert write(engine, lambda s: add_contacts(s, [contact()])) == 1
    assert write(engine, lambda s: add_contacts(s, [contact()])) == 0, "the same one twice is one"
    with reading(engine) as session:
        assert count_contacts(session) == 1


def test_a_contact_who_consented_may_leave_phone_and_themes(engine: Engine) -> None:
    row = contact(category="regular", legal_basis="consent", phone="+33639981234",
                  first_name="Ada", themes=["housing", "school"], **CONSENT)  # fmt: skip
    write(engine, lambda s: add_contacts(s, [row]))
    with reading(engine) as session:
        kept = session.get(Contact, "c1")
        assert kept is not None
        assert session.get(Consent, kept.consent_id) is not None
        assert {t.theme for t in session.query(ContactTheme)} == {"housing", "school"}


@pytest.mark.parametrize(
    "change",
    [{"phone": "+33639981234"}, {"email": "a@example.org"}, {"themes": ["housing"]},
     {"category": "regular", "themes": ["housing"]}, {"first_name": "Ada"}, {"age_band": "18-24"},
     {"themes": ["housing"], **CONSENT}, {"source": ""}, {"notice_date": None},
     {"legal_basis": None}, {"category": None}],
)  # fmt: skip
def test_a_contact_with_more_than_its_consent_is_refused_in_words_without_its_data(
    engine: Engine, change: dict[str, Any]
) -> None:
    with pytest.raises(PrivacyError) as caught:
        write(engine, lambda s: add_contacts(s, [contact(), contact(contact_id="c2", **change)]))
    assert "contact 2" in str(caught.value)
    assert not {"Ada", "+33639981234", "a@example.org"} & set(str(caught.value).split())
    with reading(engine) as session:
        assert count_contacts(session) == 0, "all the rows or none"


@pytest.mark.parametrize(
    "change",
    [{"phone": "+33639981234"}, {"email": "a@example.org"}, {"source": ""},
     {"category": "occasional", "last_name": "B"}, {"category": "voter"}, {"legal_basis": "none"},
     {"age_band": "17"}, {"notice_date": None}, {"source_date": None}, {"category": None},
     {"legal_basis": "consent"}, {"source": "  "}, {"source": "votes X"},
     {"retention_date": date(2026, 2, 28)}, {"retention_date": date(9999, 1, 1)},
     {"category": "occasional", "retention_date": date(2028, 3, 2)},
     {"first_name": "A" * 101}, {"notice_version": " "}, {"building_id": "0639981234"},
     {"building_id": "13055_0101 Ada"}, {"door_id": "13055_0101_00001/1"},
     {"building_id": "13055_0101_00001", "door_id": "13055_0101_00001/639981234"},
     {"building_id": "13055_0101_00001", "door_id": "13055_0101_00002/1"}],
)  # fmt: skip
def test_the_database_itself_refuses_it_too(engine: Engine, change: dict[str, Any]) -> None:
    insert_raw(engine, Contact, **RAW)
    with pytest.raises((IntegrityError, DataError)):  # PostgreSQL's own word for a text too long
        insert_raw(engine, Contact, **(RAW | {"id": "c2"} | change))


def test_what_is_at_the_bound_of_each_rule_is_kept(engine: Engine) -> None:
    insert_raw(engine, Contact, **(RAW | {
        "category": "occasional", "retention_date": date(2028, 3, 1),
        "building_id": "13055_0101_00001", "door_id": "13055_0101_00001/12345",
        "notice_version": "v" * 30,
    }))  # fmt: skip
    insert_raw(engine, Contact, **(RAW | {"id": "c" * 36, "first_name": "A" * 100}))
    insert_raw(engine, Consent, id="k", given_on=DAY, channel="paper", wording="1", ttpa=False,
               withdrawn_on=DAY)  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [{"withdrawn_on": date(2026, 2, 28)}, {"channel": " "}, {"wording": ""}, {"given_on": None}],
)
def test_the_database_refuses_a_consent_that_says_nothing_or_ends_before_it_began(
    engine: Engine, change: dict[str, Any]
) -> None:
    row = {"id": "k", "given_on": DAY, "channel": "paper", "wording": "1", "ttpa": False}
    with pytest.raises(IntegrityError):
        insert_raw(engine, Consent, **(row | change))


@pytest.mark.parametrize("column", ["source_date", "notice_date", "retention_date"])
def test_a_date_is_a_date_on_both_engines(engine: Engine, column: str) -> None:
    insert_raw(engine, Contact, **RAW)
    with pytest.raises(DBAPIError), engine.begin() as connection:
        connection.execute(text(f"UPDATE contact SET {column} = 'soon'"))


def test_the_database_refuses_a_theme_without_consent_or_of_an_occasional_contact(
    engine: Engine,
) -> None:
    insert_raw(engine, Contact, **RAW)
    theme = {"contact_id": "c1", "theme": "housing", "category": "regular"}
    with pytest.raises(IntegrityError):
        insert_raw(engine, ContactTheme, **theme, consent_id="nobody's")
    insert_raw(engine, Consent, id="k", given_on=DAY, channel="paper", wording="1", ttpa=False)
    insert_raw(engine, Contact, **(RAW | {"id": "c3", "category": "occasional", "consent_id": "k"}))
    with pytest.raises(IntegrityError):
        insert_raw(engine, ContactTheme, contact_id="c3", theme="housing", category="occasional",
                   consent_id="k")  # fmt: skip


def visit(**changes: Any) -> dict[str, Any]:
    return {
        "visit_id": "v1", "building_id": "b1", "door_id": "b1/1", "outcome": "talked",
        "visited_at": datetime(2026, 3, 1, 18, tzinfo=UTC),
    } | changes  # fmt: skip


def test_every_outcome_alone_is_recorded(engine: Engine) -> None:
    rows = [visit(visit_id=f"v{i}", outcome=o) for i, o in enumerate(OUTCOMES)]
    assert write(engine, lambda s: record_visits(s, rows)) == len(OUTCOMES)
    assert write(engine, lambda s: record_visits(s, rows)) == 0, "twice is once"


@pytest.mark.parametrize("outcome", [o for o in OUTCOMES if o != "talked"])
def test_only_a_talk_leads_to_a_contact(engine: Engine, outcome: str) -> None:
    write(engine, lambda s: add_contacts(s, [contact()]))
    with pytest.raises(PrivacyError):
        write(engine, lambda s: record_visits(s, [visit(outcome=outcome, contact_id="c1")]))
    raw = {"id": visit_uuid("v9"), "building_id": "b", "door_id": "b/1", "outcome": outcome,
           "visited_at": datetime(2026, 3, 1, tzinfo=UTC)}  # fmt: skip
    with pytest.raises(IntegrityError, match="only_a_talk_leads_to_a_contact"):
        insert_raw(engine, Visit, **raw, contact_id="c1")
    insert_raw(engine, Visit, **raw)
    assert write(engine, lambda s: record_visits(s, [visit(contact_id="c1")])) == 1


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(OUTCOMES),
            st.dictionaries(
                st.sampled_from(["theme", "note", "name", "contact_id"]),
                st.sampled_from(["", "c1", "housing"]),
            ),
        ),
        min_size=1, max_size=8,
    )
)  # fmt: skip
def test_whatever_comes_with_a_visit_either_all_are_lawful_or_none_is_kept(
    engine: Engine, mix
) -> None:
    write(engine, lambda s: s.execute(delete(Visit)))
    write(engine, lambda s: add_contacts(s, [contact(), contact(contact_id="housing")]))
    rows = [visit(visit_id=f"m{i}", outcome=o, **more) for i, (o, more) in enumerate(mix)]
    unlawful = any(
        any(v for k, v in more.items() if k != "contact_id")
        or (more.get("contact_id") and outcome != "talked")
        for outcome, more in mix
    )
    try:
        write(engine, lambda s: record_visits(s, rows))
        assert not unlawful
    except PrivacyError:
        assert unlawful
    with reading(engine) as session:
        assert len(load_visits(session)) == (0 if unlawful else len(rows))


def test_no_column_of_a_person_can_hold_a_places_score() -> None:
    banned = ("score", "share", "rank", "priority", "reservoir", "abstention", "vote", "opinion",
              "support", "nationality", "religion", "birth")  # fmt: skip
    for table in ("contact", "contact_theme", "consent", "visit"):
        columns = [c.name for c in Base.metadata.tables[table].columns]
        assert not [c for c in columns if any(b in c for b in banned)], table
        targets = {fk.column.table.name for fk in Base.metadata.tables[table].foreign_keys}
        assert targets <= {"contact", "consent", "turf"}, (
            f"{table} must not point at a place's score"
        )


ONE_ENGINE = {
    "sqlite": {"ck_contact_dates", "ck_contact_occasional_is_forgotten", "ck_consent_dates",
               "ck_campaign_dates"},
    "postgresql": {"ck_contact_occasional_is_forgotten"},
}  # fmt: skip
"""Rules that each engine writes its own way: migration 0003 alone has them."""


def checks(connection: Connection, schema: str | None = None) -> dict[str, str]:
    """Every CHECK by its name, as the engine tells it."""
    found = inspect(connection)
    return {
        str(check["name"]): " ".join(check["sqltext"].split())
        for table in Base.metadata.tables
        for check in found.get_check_constraints(table, schema=schema)
    }


def test_the_schema_made_by_migrations_is_the_models_own_down_to_each_rule(engine: Engine) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
        of_migrations = checks(connection)
        by_itself = (
            "ATTACH ':memory:' AS models" if engine.dialect.name == "sqlite"
            else "CREATE SCHEMA models"
        )  # fmt: skip
        connection.rollback()
        connection.exec_driver_sql(by_itself)
        Base.metadata.create_all(
            connection.execution_options(schema_translate_map={None: "models"})
        )
        of_models = checks(connection, "models")
    assert set(of_migrations) - set(of_models) == ONE_ENGINE[engine.dialect.name]
    assert {name: of_migrations.get(name) for name in of_models} == of_models


OLD_THEMES = {
    "logement": "housing", "pouvoir_achat": "prices", "ecole": "school", "sante": "health",
    "transports": "transport", "proprete": "cleanliness", "securite": "safety", "autre": "other",
}  # fmt: skip
"""Before migration 0006."""


def themes(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        return sorted(connection.execute(text("SELECT theme FROM contact_theme")).scalars())


def test_each_theme_of_a_slip_is_stored_as_the_books_spell_it_and_no_other(engine: Engine) -> None:
    row = contact(category="regular", legal_basis="consent", themes=list(THEMES), **CONSENT)
    write(engine, lambda s: add_contacts(s, [row]))
    assert themes(engine) == sorted(THEMES)
    with reading(engine) as session:
        one = session.query(ContactTheme).first()
        assert one is not None
        rest = {"contact_id": "c1", "category": "regular", "consent_id": one.consent_id}
    with pytest.raises(IntegrityError):
        insert_raw(engine, ContactTheme, theme="logement", **rest)


def test_themes_of_an_older_workspace_are_respelt_and_can_be_taken_back(engine: Engine) -> None:
    row = contact(category="regular", legal_basis="consent", themes=list(THEMES), **CONSENT)
    write(engine, lambda s: add_contacts(s, [row]))
    assert set(OLD_THEMES.values()) == set(THEMES)
    downgrade(engine, "0005")
    assert themes(engine) == sorted(OLD_THEMES)
    upgrade(engine)
    assert themes(engine) == sorted(THEMES)
    downgrade(engine, "0005")
    assert themes(engine) == sorted(OLD_THEMES)
    upgrade(engine)
    assert themes(engine) == sorted(THEMES)
