"""An incident is found by the children in it."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """An installation made with this step has both already: its first step makes the table as it is today."""
    op.execute("alter table incident add column if not exists subjects text[] not null default '{}'")
    op.execute("create index if not exists incident_subjects on incident using gin (subjects)")
    op.execute("update incident set subjects = array(select jsonb_array_elements_text(state::jsonb -> 'subjects'))")
