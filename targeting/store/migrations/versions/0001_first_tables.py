"""First tables: campaign, contacts and consents, turfs, visits"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:

    op.create_table(
        "campaign",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("communes", sa.JSON(), nullable=False),
        sa.Column("election_id", sa.String(length=20), nullable=True),
        sa.Column("target", sa.JSON(), nullable=False),
        sa.Column("ballot_date", sa.Date(), nullable=True),
        sa.Column("next_turf", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_campaign_one_campaign")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign")),
    )
    op.create_table(
        "consent",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("given_on", sa.Date(), nullable=False),
        sa.Column("channel", sa.String(length=30), nullable=False),
        sa.Column("wording", sa.String(length=60), nullable=False),
        sa.Column("ttpa", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent")),
    )
    op.create_table(
        "source_batch",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("file_name", sa.String(length=255), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("rejected", sa.Integer(), nullable=False),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_source_batch")),
        sa.UniqueConstraint("kind", "sha256", name=op.f("uq_source_batch_kind")),
    )
    op.create_table(
        "turf_cut",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("parameters", sa.JSON(), nullable=False),
        sa.Column("doors_in", sa.Integer(), nullable=False),
        sa.Column("doors_in_turfs", sa.Integer(), nullable=False),
        sa.Column("doors_left_out", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "doors_in = doors_in_turfs + doors_left_out", name=op.f("ck_turf_cut_no_door_lost")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_turf_cut")),
    )
    op.create_table(
        "contact",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("category", sa.String(length=12), nullable=False),
        sa.Column("source", sa.String(length=60), nullable=False),
        sa.Column("source_date", sa.Date(), nullable=False),
        sa.Column("legal_basis", sa.String(length=30), nullable=False),
        sa.Column("notice_date", sa.Date(), nullable=False),
        sa.Column("notice_version", sa.String(length=30), nullable=False),
        sa.Column("retention_date", sa.Date(), nullable=False),
        sa.Column("building_id", sa.String(length=60), nullable=True),
        sa.Column("door_id", sa.String(length=70), nullable=True),
        sa.Column("consent_id", sa.String(length=36), nullable=True),
        sa.Column("first_name", sa.String(length=100), nullable=True),
        sa.Column("last_name", sa.String(length=100), nullable=True),
        sa.Column("phone", sa.String(length=30), nullable=True),
        sa.Column("email", sa.String(length=200), nullable=True),
        sa.Column("age_band", sa.String(length=6), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "age_band IS NULL OR age_band IN ('18-24', '25-34', '35-49', '50-64', '65+')",
            name=op.f("ck_contact_age_band"),
        ),
        sa.CheckConstraint(
            "category IN ('member', 'regular', 'occasional')", name=op.f("ck_contact_category")
        ),
        sa.CheckConstraint(
            "consent_id IS NOT NULL OR category <> 'occasional' OR (first_name IS NULL AND last_name IS NULL AND age_band IS NULL)",
            name=op.f("ck_contact_named_by_consent"),
        ),
        sa.CheckConstraint(
            "legal_basis IN ('consent', 'regular_contact', 'legitimate_interest')",
            name=op.f("ck_contact_legal_basis"),
        ),
        sa.CheckConstraint("source <> '' AND notice_version <> ''", name=op.f("ck_contact_origin")),
        sa.CheckConstraint(
            "consent_id IS NOT NULL OR (phone IS NULL AND email IS NULL)",
            name=op.f("ck_contact_reachable_by_consent"),
        ),
        sa.ForeignKeyConstraint(["consent_id"], ["consent.id"], name=op.f("fk_contact_consent_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact")),
        sa.UniqueConstraint("consent_id", name=op.f("uq_contact_consent_id")),
        sa.UniqueConstraint("id", "category", "consent_id", name="uq_contact_theme_key"),
    )
    with op.batch_alter_table("contact", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_contact_building_id"), ["building_id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_contact_retention_date"), ["retention_date"], unique=False
        )

    op.create_table(
        "turf",
        sa.Column("id", sa.String(length=12), nullable=False),
        sa.Column("cut_id", sa.Integer(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("station_ids", sa.String(length=400), nullable=False),
        sa.Column("n_buildings", sa.Integer(), nullable=False),
        sa.Column("n_doors", sa.Integer(), nullable=False),
        sa.Column("registered_estimate", sa.Double(), nullable=False),
        sa.Column("minutes_expected", sa.Double(), nullable=False),
        sa.Column("walk_m", sa.Double(), nullable=False),
        sa.Column("longest_leg_m", sa.Double(), nullable=False),
        sa.Column("start_address", sa.String(length=200), nullable=False),
        sa.Column("end_address", sa.String(length=200), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "status IN ('ready', 'in_progress', 'done', 'withdrawn')", name=op.f("ck_turf_status")
        ),
        sa.ForeignKeyConstraint(["cut_id"], ["turf_cut.id"], name=op.f("fk_turf_cut_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_turf")),
    )
    with op.batch_alter_table("turf", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_turf_cut_id"), ["cut_id"], unique=False)

    op.create_table(
        "turf_excluded",
        sa.Column("cut_id", sa.Integer(), nullable=False),
        sa.Column("building_id", sa.String(length=60), nullable=False),
        sa.Column("dwellings", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(length=60), nullable=False),
        sa.ForeignKeyConstraint(
            ["cut_id"], ["turf_cut.id"], name=op.f("fk_turf_excluded_cut_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("cut_id", "building_id", "reason", name=op.f("pk_turf_excluded")),
    )
    op.create_table(
        "contact_theme",
        sa.Column("contact_id", sa.String(length=36), nullable=False),
        sa.Column("theme", sa.String(length=20), nullable=False),
        sa.Column("category", sa.String(length=12), nullable=False),
        sa.Column("consent_id", sa.String(length=36), nullable=False),
        sa.CheckConstraint(
            "category <> 'occasional'", name=op.f("ck_contact_theme_regular_contact")
        ),
        sa.CheckConstraint(
            "theme IN ('logement', 'pouvoir_achat', 'ecole', 'sante', 'transports', 'proprete', 'securite', 'autre')",
            name=op.f("ck_contact_theme_theme"),
        ),
        sa.ForeignKeyConstraint(
            ["contact_id", "category", "consent_id"],
            ["contact.id", "contact.category", "contact.consent_id"],
            name=op.f("fk_contact_theme_contact_id"),
            onupdate="CASCADE",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("contact_id", "theme", name=op.f("pk_contact_theme")),
    )
    op.create_table(
        "turf_door",
        sa.Column("turf_id", sa.String(length=12), nullable=False),
        sa.Column("visit_order", sa.Integer(), nullable=False),
        sa.Column("building_id", sa.String(length=60), nullable=False),
        sa.Column("first_door", sa.Integer(), nullable=False),
        sa.Column("last_door", sa.Integer(), nullable=False),
        sa.Column("dwellings", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "first_door >= 1 AND last_door >= first_door", name=op.f("ck_turf_door_range")
        ),
        sa.CheckConstraint(
            "dwellings BETWEEN 1 AND last_door - first_door + 1", name=op.f("ck_turf_door_doors")
        ),
        sa.ForeignKeyConstraint(
            ["turf_id"], ["turf.id"], name=op.f("fk_turf_door_turf_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("turf_id", "visit_order", name=op.f("pk_turf_door")),
    )
    with op.batch_alter_table("turf_door", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_turf_door_building_id"), ["building_id"], unique=False)

    op.create_table(
        "visit",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("building_id", sa.String(length=60), nullable=False),
        sa.Column("door_id", sa.String(length=70), nullable=False),
        sa.Column("turf_id", sa.String(length=12), nullable=True),
        sa.Column("visited_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("contact_id", sa.String(length=36), nullable=True),
        sa.Column("erase_on", sa.Date(), nullable=False),
        sa.CheckConstraint(
            "outcome = 'talked' OR contact_id IS NULL",
            name=op.f("ck_visit_only_a_talk_leads_to_a_contact"),
        ),
        sa.CheckConstraint(
            "outcome IN ('not_home', 'talked', 'come_back', 'refused', 'do_not_contact', 'inaccessible', 'bad_address', 'moved')",
            name=op.f("ck_visit_outcome"),
        ),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["contact.id"], name=op.f("fk_visit_contact_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["turf_id"], ["turf.id"], name=op.f("fk_visit_turf_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visit")),
    )
    with op.batch_alter_table("visit", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_visit_building_id"), ["building_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_visit_door_id"), ["door_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_visit_erase_on"), ["erase_on"], unique=False)
        batch_op.create_index("ix_visit_turf_door", ["turf_id", "door_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_visit_turf_id"), ["turf_id"], unique=False)


def downgrade() -> None:

    with op.batch_alter_table("visit", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_visit_turf_id"))
        batch_op.drop_index("ix_visit_turf_door")
        batch_op.drop_index(batch_op.f("ix_visit_erase_on"))
        batch_op.drop_index(batch_op.f("ix_visit_door_id"))
        batch_op.drop_index(batch_op.f("ix_visit_building_id"))

    op.drop_table("visit")
    with op.batch_alter_table("turf_door", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_turf_door_building_id"))

    op.drop_table("turf_door")
    op.drop_table("contact_theme")
    op.drop_table("turf_excluded")
    with op.batch_alter_table("turf", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_turf_cut_id"))

    op.drop_table("turf")
    with op.batch_alter_table("contact", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_contact_retention_date"))
        batch_op.drop_index(batch_op.f("ix_contact_building_id"))

    op.drop_table("contact")
    op.drop_table("turf_cut")
    op.drop_table("source_batch")
    op.drop_table("consent")
    op.drop_table("campaign")
