"""Several streams begun in one round trip: all of them, or none."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from shared.database import Database
from shared.eventlog import Conflict
from tests.faults.relay.ground import event_log, fact, fresh_database
from tests.stacks import Stack

LOG = event_log("safeguarding.incidents")


@pytest.fixture(scope="module")
async def database(stack: Stack) -> AsyncIterator[Database]:
    service = await fresh_database(stack, "begin")
    opened = Database(service.runtime_url, pool_size=4)
    yield opened
    await opened.close()


def names(count: int) -> list[str]:
    return [f"incident-{uuid4().hex}" for _ in range(count)]


async def waiting(database: Database) -> int:
    async with database.transaction() as tx:
        return int(await tx.driver.fetchval("select count(*) from waiting"))


async def test_streams_begun_together_hold_their_facts_in_order_and_wait_for_a_place(database: Database) -> None:
    one, other = names(2)
    facts = {one: [fact(one) for _ in range(3)], other: [fact(other)]}
    before = await waiting(database)
    woken = database.committed.listen()
    async with database.transaction(LOG) as tx:
        await LOG.begin(tx, facts)
    assert woken.is_set()
    assert await waiting(database) == before + 4
    async with database.transaction(LOG) as tx:
        for stream, told in facts.items():
            assert await LOG.load(tx, stream) == told
        assert await tx.append(one, 3, [fact(one)]) == 4
        ids = await tx.driver.fetch("select version from fact where stream = $1 order by id", one)
    assert [row[0] for row in ids] == [1, 2, 3, 4]


async def test_a_stream_that_has_begun_keeps_all_of_them_out(database: Database) -> None:
    one, other = names(2)
    async with database.transaction(LOG) as tx:
        await tx.append(one, 0, [fact(one)])
    before = await waiting(database)
    with pytest.raises(Conflict):
        async with database.transaction(LOG) as tx:
            await LOG.begin(tx, {other: [fact(other)], one: [fact(one)]})
    async with database.transaction() as tx:
        assert await LOG.version(tx, other) == 0
    assert await waiting(database) == before


async def test_of_two_writers_that_begin_the_same_stream_one_succeeds(database: Database) -> None:
    (name,) = names(1)

    async def begin() -> bool:
        try:
            async with database.transaction(LOG) as tx:
                await LOG.begin(tx, {name: [fact(name)]})
                await asyncio.sleep(0.05)
        except Conflict:
            return False
        return True

    assert sorted(await asyncio.gather(begin(), begin(), begin())) == [False, False, True]


async def test_nothing_begun_is_nothing_done(database: Database) -> None:
    async with database.transaction(LOG) as tx:
        await LOG.begin(tx, {})
        assert not tx.appended
