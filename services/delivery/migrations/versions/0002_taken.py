"""How far each agency's consumers came on its topic, and when: over Kafka, published is not yet received. The last
replay of each is looked up."""

from alembic import op

from services.delivery import tables
from shared.migrate import runtime_role

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Makes what the first step did not make already; the runtime role may only add to what was taken, and read it."""
    role = runtime_role()
    tables.taken.create(op.get_bind(), checkfirst=True)
    for index in tables.replayed.indexes:
        index.create(op.get_bind(), checkfirst=True)
    op.execute(f'revoke all on "taken" from public, "{role}"')
    op.execute(f'grant select, insert on "taken" to "{role}"')
