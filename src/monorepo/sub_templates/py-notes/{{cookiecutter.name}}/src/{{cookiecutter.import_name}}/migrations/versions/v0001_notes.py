"""The table of the notes."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Change the schema."""
    op.create_table(
        "notes",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("text", sa.String(1000), nullable=False),
    )


def downgrade() -> None:
    """Change it back."""
    op.drop_table("notes")
