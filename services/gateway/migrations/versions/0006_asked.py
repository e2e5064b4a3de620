"""The agencies that rapid reviews were heard to ask."""

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """A database made today has the table by its first step."""
    op.execute(
        "create table if not exists asked"
        " (incident text not null, agency text not null, primary key (incident, agency))"
    )
