"""The directory's facts as they were folded."""

from alembic import op

from shared.listed import create_listed
from shared.migrate import runtime_role

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """The runtime role may add to them."""
    create_listed(op, runtime_role())
