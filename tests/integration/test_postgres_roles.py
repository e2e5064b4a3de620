"""One service's roles can do nothing to another's database."""

import asyncpg
import pytest

from infra.local.migrations import migrate
from infra.local.services import SERVICES
from infra.postgres.provision import ServiceDatabase
from tests.stacks import Stack


def plain(url: str) -> str:
    return url.replace("+asyncpg", "")


@pytest.fixture(scope="module")
def mine(stack: Stack) -> ServiceDatabase:
    return stack.create_database("roles_mine")


@pytest.fixture(scope="module")
def theirs(stack: Stack) -> ServiceDatabase:
    return stack.create_database("roles_theirs")


@pytest.mark.parametrize("role", ["runtime_url", "owner_url"])
async def test_a_service_is_refused_by_anothers_database(
    mine: ServiceDatabase, theirs: ServiceDatabase, role: str
) -> None:
    url = getattr(mine, role)
    await (await asyncpg.connect(plain(url))).close()
    for door in (theirs.name, "postgres", "template1"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await asyncpg.connect(plain(url).rpartition("/")[0] + f"/{door}")


async def test_a_wrong_password_is_refused_on_loopback_too(mine: ServiceDatabase) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(plain(mine.runtime_url), password="guessed")


async def test_the_runtime_role_makes_no_tables(mine: ServiceDatabase) -> None:
    connection = await asyncpg.connect(plain(mine.runtime_url))
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("CREATE TABLE mine (id int)")
    finally:
        await connection.close()


async def test_every_commit_is_on_disk(stack: Stack) -> None:
    connection = await asyncpg.connect(stack.postgres.admin_url)
    try:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            assert await connection.fetchval(f"SHOW {setting}") == "on"
    finally:
        await connection.close()


@pytest.fixture(scope="module", params=[service.name for service in SERVICES])
def migrated(request: pytest.FixtureRequest, stack: Stack) -> ServiceDatabase:
    """A service's own database, as its own migrations leave it."""
    service = next(one for one in SERVICES if one.name == request.param)
    databases = {name: stack.create_database(f"roles_{name}") for name in service.databases.values()}
    migrate([service], databases)
    return databases[service.databases[""]]


@pytest.mark.parametrize("table", ["fact", "sequence"])
@pytest.mark.parametrize("change", ["UPDATE {} SET {} = {}", "DELETE FROM {}", "TRUNCATE {}"])
async def test_a_service_may_neither_change_nor_remove_what_its_log_holds(
    migrated: ServiceDatabase, table: str, change: str
) -> None:
    owner, runtime = (
        await asyncpg.connect(plain(migrated.owner_url)),
        await asyncpg.connect(plain(migrated.runtime_url)),
    )
    try:
        columns = f"information_schema.columns WHERE table_name = '{table}' AND is_identity = 'NO'"
        column = await owner.fetchval(f"SELECT min(column_name) FROM {columns}")
        assert column, f"{migrated.name} has no {table}"
        await runtime.fetch(f"SELECT * FROM {table} LIMIT 1")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await runtime.execute(change.format(table, column, column))
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await runtime.execute(f"ALTER TABLE {table} RENAME TO elsewhere")
        await runtime.execute(f"GRANT ALL ON {table} TO {migrated.runtime_role}")  # PostgreSQL only warns
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await runtime.execute(change.format(table, column, column))
    finally:
        await owner.close()
        await runtime.close()
