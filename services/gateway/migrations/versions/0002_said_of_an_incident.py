"""What was sent on to notifications about an incident is found by the incident (services/gateway/belonging.py)."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Referrals have no part in the index, so that it costs them nothing."""
    op.execute(
        "create index submission_of_notification on submission (incident)"
        " where type like 'notification.%' and status <> 'refused'"
    )
