"""The vault's data: what is filed, who looked, what was erased."""

from alembic import op

from services.vault import tables
from shared.log_schema import create_log
from shared.migrate import runtime_role
from shared.vault_client import create_parcels

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Makes the tables; the runtime role may add to them and read them, and little else."""
    role = runtime_role()
    create_log(op, role)
    # as every service has them, though the vault seals nothing
    create_parcels(op, role)
    tables.metadata.create_all(op.get_bind())
    for table in tables.metadata.sorted_tables:
        op.execute(f'revoke all on "{table.name}" from public, "{role}"')
        op.execute(f'grant select, insert on "{table.name}" to "{role}"')
    for table in tables.MAY_CHANGE:
        op.execute(f'grant update on "{table.name}" to "{role}"')
    for table in tables.MAY_GO:
        op.execute(f'grant delete on "{table.name}" to "{role}"')
