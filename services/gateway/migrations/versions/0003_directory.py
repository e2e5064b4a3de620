"""The directory's facts as they were folded, and who is shut out of an incident."""

from alembic import op

from shared.listed import create_listed
from shared.migrate import runtime_role

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """An installation made with this step has the columns already: its first step makes the table as it is today."""
    create_listed(op, runtime_role())
    for column in ("excluded_agencies", "excluded_people", "alleged"):
        op.execute(f"alter table incident add column if not exists {column} text[] not null default '{{}}'")
