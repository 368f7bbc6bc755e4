"""Who works with the tool: accounts, sessions, invitations, turfs in hand, what was done"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

NOTHING = "0" * 64
TABLES = ("assignment", "session", "invitation", "login_try", "audit_head", "audit", "account")


def upgrade() -> None:
    op.create_table(
        "account",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("login", sa.String(length=80), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=True),
        sa.Column("code_secret", sa.String(length=64), nullable=True),
        sa.Column("code_step", sa.Integer(), nullable=True),
        sa.Column("subject", sa.String(length=300), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("login_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "length(id) = 32 AND trim(id, '0123456789abcdef') = ''",
            name=op.f("ck_account_id_is_drawn"),
        ),
        sa.CheckConstraint(
            "role IN ('administrator', 'field_director', 'strategist', 'team_lead', 'canvasser', 'data_steward')",
            name=op.f("ck_account_role"),
        ),
        sa.CheckConstraint(
            "state <> 'active' OR password_hash IS NOT NULL OR subject IS NOT NULL",
            name=op.f("ck_account_active_can_log_in"),
        ),
        sa.CheckConstraint(
            "state IN ('invited', 'active', 'disabled')", name=op.f("ck_account_state")
        ),
        sa.CheckConstraint(
            "length(login) BETWEEN 3 AND 80 AND length(name) BETWEEN 1 AND 80 AND (password_hash IS NULL OR length(password_hash) <= 200) AND (code_secret IS NULL OR length(code_secret) <= 64) AND (subject IS NULL OR length(subject) <= 300)",
            name=op.f("ck_account_lengths"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
        sa.UniqueConstraint("login", name=op.f("uq_account_login")),
        sa.UniqueConstraint("subject", name=op.f("uq_account_subject")),
    )
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=32), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("act", sa.String(length=30), nullable=False),
        sa.Column("object", sa.String(length=80), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.CheckConstraint(
            "length(hash) = 64 AND trim(hash, '0123456789abcdef') = ''", name=op.f("ck_audit_hash")
        ),
        sa.CheckConstraint(
            "length(actor) BETWEEN 1 AND 32 AND length(role) <= 20 AND length(act) BETWEEN 1 AND 30 AND length(object) <= 80 AND length(reason) <= 200 AND count >= 0",
            name=op.f("ck_audit_lengths"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
    )
    op.create_index(op.f("ix_audit_act"), "audit", ["act"], unique=False)
    op.create_index(op.f("ix_audit_actor"), "audit", ["actor"], unique=False)
    op.create_index(op.f("ix_audit_at"), "audit", ["at"], unique=False)

    head = op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("first", sa.Integer(), nullable=False),
        sa.Column("before_first", sa.String(length=64), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.Column("last_hash", sa.String(length=64), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_audit_head_one_head")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_head")),
    )
    op.bulk_insert(
        head, [{"id": 1, "first": 1, "before_first": NOTHING, "last": 0, "last_hash": NOTHING}]
    )
    op.create_table(
        "login_try",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "length(key) = 64 AND trim(key, '0123456789abcdef') = '' AND count > 0",
            name=op.f("ck_login_try_shapes"),
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_login_try")),
    )
    op.create_table(
        "invitation",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.String(length=32), nullable=True),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(kind = 'first') = (account_id IS NULL)",
            name=op.f("ck_invitation_first_has_no_account"),
        ),
        sa.CheckConstraint("kind IN ('join', 'renew', 'first')", name=op.f("ck_invitation_kind")),
        sa.CheckConstraint(
            "length(id) = 32 AND trim(id, '0123456789abcdef') = '' AND length(digest) = 64 AND trim(digest, '0123456789abcdef') = ''",
            name=op.f("ck_invitation_shapes"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["account.id"],
            name=op.f("fk_invitation_account_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitation")),
        sa.UniqueConstraint("digest", name=op.f("uq_invitation_digest")),
    )
    op.create_index(op.f("ix_invitation_account_id"), "invitation", ["account_id"], unique=False)

    op.create_table(
        "session",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.String(length=32), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("browser", sa.String(length=60), nullable=False),
        sa.CheckConstraint(
            "length(id) = 32 AND trim(id, '0123456789abcdef') = '' AND length(digest) = 64 AND trim(digest, '0123456789abcdef') = '' AND length(browser) <= 60",
            name=op.f("ck_session_shapes"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_session_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_session")),
        sa.UniqueConstraint("digest", name=op.f("uq_session_digest")),
    )
    op.create_index(op.f("ix_session_account_id"), "session", ["account_id"], unique=False)

    op.create_table(
        "assignment",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("turf_id", sa.String(length=12), nullable=False),
        sa.Column("account_id", sa.String(length=32), nullable=False),
        sa.Column("out_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("back_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "back_at IS NULL OR back_at >= out_at", name=op.f("ck_assignment_back_after_out")
        ),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["account.id"],
            name=op.f("fk_assignment_account_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["turf_id"], ["turf.id"], name=op.f("fk_assignment_turf_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_assignment")),
    )
    op.create_index(op.f("ix_assignment_account_id"), "assignment", ["account_id"], unique=False)
    op.create_index(
        "ix_assignment_open",
        "assignment",
        ["turf_id"],
        unique=True,
        sqlite_where=sa.text("back_at IS NULL"),
        postgresql_where=sa.text("back_at IS NULL"),
    )
    op.create_index(op.f("ix_assignment_turf_id"), "assignment", ["turf_id"], unique=False)

    with op.batch_alter_table("store_mark") as batch:
        batch.add_column(
            sa.Column("last_write", sa.String(length=32), nullable=False, server_default="")
        )


def downgrade() -> None:
    with op.batch_alter_table("store_mark") as batch:
        batch.drop_column("last_write")
    for table in TABLES:
        op.drop_table(table)
