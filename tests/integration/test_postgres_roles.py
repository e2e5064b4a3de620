"""One service's roles can do nothing to another's database."""

import asyncpg
import pytest

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
