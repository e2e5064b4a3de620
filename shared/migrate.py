"""Brings a service's database up to date with the owner's role, and leaves the runtime role what it needs.

`services/<name>/migrations/__main__.py` is `migrate(Path(__file__).parent)`; its steps are in `versions/` beside it.
"""

import asyncio
import os
import sys
from pathlib import Path

from alembic import op
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, make_url, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

_ONE_AT_A_TIME = 0x5AFE  # an advisory lock's number: two processes of a service may start, and migrate, at once


def migrate(folder: Path) -> None:
    """Upgrade the database of `SX_OWNER_DATABASE_URL` to the newest step; `SX_DATABASE_URL` names the runtime role."""
    missing = [name for name in ("SX_OWNER_DATABASE_URL", "SX_DATABASE_URL") if not os.environ.get(name)]
    if missing:
        sys.exit(f"set {' and '.join(missing)}: the owner's way in, and the service's own")
    role = make_url(os.environ["SX_DATABASE_URL"]).username
    if not role:
        sys.exit("SX_DATABASE_URL names no role")
    asyncio.run(upgrade(folder, os.environ["SX_OWNER_DATABASE_URL"], role))


async def upgrade(folder: Path, owner_url: str, role: str) -> None:
    """Run the steps in `folder/versions` that the database has not had, in one transaction."""
    engine = create_async_engine(owner_url, poolclass=NullPool, hide_parameters=True)
    try:
        async with engine.begin() as connection:
            await connection.execute(text("select pg_advisory_xact_lock(:one)"), {"one": _ONE_AT_A_TIME})
            await connection.run_sync(_run, folder, role)
    finally:
        await engine.dispose()


def runtime_role() -> str:
    """Inside a step: the role that the service runs as, to grant to."""
    return str(op.get_context().opts["runtime_role"])


def _run(connection: Connection, folder: Path, role: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    steps = ScriptDirectory.from_config(config)

    def newest(revision: object, context: MigrationContext) -> object:
        return steps._upgrade_revs("head", revision)  # type: ignore[arg-type]

    environment = EnvironmentContext(config, steps, fn=newest)
    with environment:
        # From now on what the owner makes is the service's to read and write, unless a step says otherwise.
        connection.execute(
            text(
                f'alter default privileges in schema public grant select, insert, update, delete on tables to "{role}"'
            )
        )
        connection.execute(
            text(f'alter default privileges in schema public grant usage, select on sequences to "{role}"')
        )
        environment.configure(connection=connection, runtime_role=role, transactional_ddl=True)
        environment.run_migrations()
