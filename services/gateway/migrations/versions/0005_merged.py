"""A child that a merge names is known in the incident still, when a correction left it out."""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Brings what was folded before to what is folded today."""
    op.execute(
        "update incident set subjects = subjects || array(select name from jsonb_object_keys(state::jsonb -> 'joined')"
        " as name where name <> all(subjects) order by name)"
    )
