"""Connections that stay with a process between its transactions: none is lost, and none is lent that is broken."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
from sqlalchemy import text
from sqlalchemy.exc import TimeoutError as PoolExhausted

from shared.database import Database, NotCommitted, driver_of, is_outage
from tests.stacks import Stack

PLACES = 3
OTHERS = """
    select pg_terminate_backend(pid) from pg_stat_activity
    where pid <> pg_backend_pid() and datname = current_database() and usename = current_user
    """


@pytest.fixture
async def database(stack: Stack) -> AsyncIterator[Database]:
    opened = Database(stack.create_database("pool").runtime_url, pool_size=PLACES)
    yield opened
    await opened.close()


async def all_places_work(database: Database) -> None:
    """Every place at once, through the driver and through Core."""
    together = asyncio.Barrier(PLACES)

    async def one() -> None:
        async with asyncio.timeout(10), database.transaction() as tx:
            await together.wait()
            assert await tx.driver.fetchval("select 1") == 1
            assert (await tx.connection.execute(text("select 1"))).scalar_one() == 1
            assert tx.driver is (await tx.connection.get_raw_connection()).driver_connection
            assert await driver_of(tx.connection) is tx.driver

    await asyncio.gather(*(one() for _ in range(PLACES)))


async def test_who_is_cancelled_in_a_statement_or_while_it_waits_for_a_place_takes_none_with_it(
    database: Database,
) -> None:
    async def sleeps() -> None:
        async with database.transaction() as tx:
            await tx.connection.execute(text("select pg_sleep(30)"))

    for _ in range(3):
        sleeping = [asyncio.create_task(sleeps()) for _ in range(2 * PLACES)]
        await asyncio.sleep(0.2)
        for each in sleeping:
            each.cancel()
        await asyncio.gather(*sleeping, return_exceptions=True)
        await all_places_work(database)


@pytest.mark.parametrize("through", ["driver", "core"])
async def test_a_backend_that_is_killed_in_a_transaction_or_between_two_leaves_its_place(
    database: Database, through: str
) -> None:
    other = await database.session(application="other")
    try:
        for _ in range(2 * PLACES):
            await all_places_work(database)
            await other.execute(OTHERS)
            await asyncio.sleep(0.2)  # until this side has heard of it
            with suppress(Exception):
                async with database.transaction() as tx:
                    await tx.driver.execute("select 1")
                    await other.execute(OTHERS)
                    if through == "core":
                        await tx.connection.execute(text("select 1"))
                    else:
                        await tx.driver.execute("select 1")
                pytest.fail("it committed over a connection that was gone")
            await asyncio.sleep(0.2)
        await all_places_work(database)
    finally:
        await other.close()


async def test_a_swallowed_failure_is_not_committed_and_its_connection_serves_on(database: Database) -> None:
    async def swallows() -> None:
        async with database.transaction() as tx:
            with suppress(Exception):
                await tx.driver.execute("select 1 / 0")

    for _ in range(2 * PLACES):
        with pytest.raises(NotCommitted):
            await swallows()
    await all_places_work(database)


async def test_who_finds_no_place_in_time_is_told_of_an_outage(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.database.POOL_SECONDS", 0.1)
    held = asyncio.Event()

    async def hold() -> None:
        async with database.transaction():
            await held.wait()

    holding = [asyncio.create_task(hold()) for _ in range(PLACES)]
    await asyncio.sleep(0.2)
    with pytest.raises(PoolExhausted) as told:
        async with database.transaction():
            pass
    assert is_outage(told.value)
    held.set()
    await asyncio.gather(*holding)
    monkeypatch.undo()
    await all_places_work(database)


async def test_what_a_paused_process_holds_in_a_transaction_holds_up_no_other_for_long(stack: Stack) -> None:
    url = stack.create_database("abandoned").runtime_url
    paused, other = Database(url, abandoned_after="1s"), Database(url)

    async def is_overtaken() -> None:
        async with paused.transaction() as tx:
            await tx.driver.execute("select pg_advisory_xact_lock(7)")
            async with asyncio.timeout(10), other.transaction() as second:
                await second.driver.execute("select pg_advisory_xact_lock(7)")
            await tx.driver.execute("select 1")

    # in asyncpg's words or its client's: a connection that was lost, or one caught in the middle of losing it
    with pytest.raises(Exception, match=r"connection|cannot switch to state") as failure:
        await is_overtaken()
    assert is_outage(failure.value), "whoever wakes tries again"
    async with paused.transaction() as tx:
        assert await tx.driver.fetchval("select 1") == 1
    await paused.close()
    await other.close()
