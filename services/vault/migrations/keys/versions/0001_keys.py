"""The key store. Keys are destroyed in place; what remembers their destruction is only ever added to."""

from alembic import op

from services.vault import key_store
from shared.migrate import runtime_role

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Makes the tables and says what the runtime role may do with each."""
    role = runtime_role()
    key_store.metadata.create_all(op.get_bind())
    for table in key_store.metadata.sorted_tables:
        op.execute(f'revoke all on "{table.name}" from public, "{role}"')
        op.execute(f'grant select, insert on "{table.name}" to "{role}"')
    for table in (key_store.data_key, key_store.sealing_key):
        op.execute(f'grant update on "{table.name}" to "{role}"')
