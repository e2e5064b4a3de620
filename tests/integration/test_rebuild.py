"""Read models are made anew while traffic goes on, and nothing but they changes."""

import asyncio
import tracemalloc
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from uuid import uuid4

import asyncpg
import pytest
from sqlalchemy import text

from contracts.envelope import AnyEvent
from infra.postgres.provision import ServiceDatabase
from shared.database import Database, Transaction
from shared.eventlog import EventLog
from shared.rebuild import RebuildRunning, WroteElsewhere, rebuild
from shared.relay import Relay
from tests.faults.relay.ground import (
    TALLY,
    as_superuser,
    event_log,
    fact,
    fresh_database,
    producer_settings,
    running,
    tally,
    until_async,
)
from tests.stacks import Stack

STREAMS = [f"incident-{number:032x}" for number in range(8)]
RIGHT = """
    select count(*) from (select subject, count(*) as facts, (array_agg(event_id order by version desc))[1] as last
                          from fact group by subject) f
    full join tally t on t.stream = f.subject and t.facts = f.facts and t.last = f.last
    where t.stream is null or f.subject is null
"""


@pytest.fixture
async def service(stack: Stack) -> ServiceDatabase:
    return await fresh_database(stack, "rebuild")


@pytest.fixture
async def database(service: ServiceDatabase) -> AsyncIterator[Database]:
    opened = Database(service.runtime_url, pool_size=8)
    yield opened
    await opened.close()


async def scalar(database: Database, question: str) -> int:
    async with database.reading() as connection:
        return int((await connection.execute(text(question))).scalar_one())


async def append(database: Database, log: EventLog, stream: str, version: int) -> None:
    event = fact(stream)
    async with database.transaction(log) as tx:
        await tx.append(stream, version, [event])
        await tally(tx, [event])


@asynccontextmanager
async def traffic(database: Database, log: EventLog, versions: dict[str, int]) -> AsyncIterator[None]:
    """Four writers at work; any failure of theirs is the test's."""
    stop = asyncio.Event()

    async def write(streams: Sequence[str]) -> None:
        while not stop.is_set():
            for stream in streams:
                await append(database, log, stream, versions[stream])
                versions[stream] += 1
                await asyncio.sleep(0.01)

    async with asyncio.TaskGroup() as writers:
        for number in range(4):
            writers.create_task(write(STREAMS[number::4]))
        try:
            yield
        finally:
            stop.set()


async def bulk(database: Database, log: EventLog, count: int) -> None:
    async with database.transaction(log) as tx:
        await tx.append(f"bulk-{uuid4().hex}", 0, [fact(STREAMS[number % 8]) for number in range(count)])


async def spoil(database: Database) -> None:
    async with database.transaction() as tx:
        await tx.driver.execute("delete from tally where stream < $1", STREAMS[4])
        await tx.driver.execute("update tally set facts = facts + 100, last = 'wrong'")


async def test_a_rebuild_under_traffic_ends_with_what_the_log_says_and_disturbs_nobody(
    stack: Stack, database: Database
) -> None:
    topic = stack.create_topic(f"rebuild-{uuid4().hex[:8]}")
    log = event_log(topic)
    versions = dict.fromkeys(STREAMS, 0)

    relay = Relay("ground", database, producer_settings(stack), {topic: 3})
    async with running(relay), traffic(database, log, versions):
        await asyncio.sleep(1)
        await spoil(database)
        assert await scalar(database, RIGHT) > 0
        for _ in range(3):
            before = sum(versions.values())
            done = await rebuild(database, log, [TALLY], tally)
            assert done.facts >= before
            await asyncio.sleep(0.2)
            assert await scalar(database, RIGHT) == 0
    assert await scalar(database, RIGHT) == 0
    assert await scalar(database, "select count(*) from fact") == sum(versions.values())


async def test_facts_without_a_position_are_rebuilt_too(database: Database) -> None:
    log = event_log("unread")
    for version in range(3):
        for stream in STREAMS:
            await append(database, log, stream, version)
    await spoil(database)
    assert (await rebuild(database, log, [TALLY], tally)).facts == 24
    assert await scalar(database, RIGHT) == 0


async def test_a_swapped_table_is_declared_as_the_old_one_was(
    stack: Stack, service: ServiceDatabase, database: Database
) -> None:
    root = await as_superuser(stack, service)

    async def declared() -> list[tuple[object, ...]]:
        asked = (
            "select column_name, data_type, column_default, is_nullable from information_schema.columns"
            " where table_name = 'tally' order by 1",
            "select indexname, indexdef from pg_indexes where tablename = 'tally' order by 1",
            "select conname, pg_get_constraintdef(oid) from pg_constraint"
            " where conrelid = 'public.tally'::regclass order by 1",
            "select grantee, privilege_type from information_schema.role_table_grants"
            " where table_name = 'tally' and grantee <> 'postgres' order by 1, 2",
        )
        return [tuple(row) for question in asked for row in await root.fetch(question)]

    await root.execute("revoke delete on tally from public")
    before = await declared()
    log = event_log("unread")
    await append(database, log, STREAMS[0], 0)
    await rebuild(database, log, [TALLY], tally)
    assert await declared() == before
    await append(database, log, STREAMS[0], 1)
    await rebuild(database, log, [TALLY], tally)
    assert await declared() == before
    await root.close()


async def test_a_fold_that_writes_another_table_is_refused_and_changes_nothing(
    stack: Stack, service: ServiceDatabase, database: Database
) -> None:
    root = await as_superuser(stack, service)
    await root.execute("create table other (stream text); grant all on other to public")
    log = event_log("unread")
    await append(database, log, STREAMS[0], 0)
    await spoil(database)

    async def also_elsewhere(tx: Transaction, facts: Sequence[AnyEvent]) -> None:
        await tally(tx, facts)
        await tx.connection.execute(text("insert into other values ('x')"))

    with pytest.raises(WroteElsewhere, match="other"):
        await rebuild(database, log, [TALLY], also_elsewhere)
    assert await scalar(database, "select count(*) from other") == 0
    assert await scalar(database, RIGHT) == 1
    await rebuild(database, log, [TALLY], tally)
    assert await scalar(database, RIGHT) == 0
    await root.close()


async def test_only_one_rebuild_runs_at_a_time(database: Database) -> None:
    log = event_log("unread")
    await append(database, log, STREAMS[0], 0)

    folding = asyncio.Event()

    async def for_ever(tx: Transaction, facts: Sequence[AnyEvent]) -> None:
        folding.set()
        await asyncio.Event().wait()

    first = asyncio.create_task(rebuild(database, log, [TALLY], for_ever))
    async with asyncio.timeout(20):
        await folding.wait()
    with pytest.raises(RebuildRunning):
        await rebuild(database, log, [TALLY], tally)
    first.cancel()
    with suppress(asyncio.CancelledError):
        await first
    async with asyncio.timeout(20):
        while True:
            with suppress(RebuildRunning):  # until the server has noticed that the first one's session is gone
                await rebuild(database, log, [TALLY], tally)
                break


@pytest.mark.parametrize("table", ["fact", "sequence", "checkpoint"])
async def test_the_log_itself_can_be_neither_shadowed_nor_swapped(database: Database, table: str) -> None:
    for deed in ("shadow_views", "swap_views"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with database.transaction() as tx:
                await tx.driver.execute(f"select {deed}($1)", [table])


async def test_memory_does_not_grow_with_the_log(stack: Stack, database: Database) -> None:
    topic = stack.create_topic(f"rebuild-{uuid4().hex[:8]}")
    log = event_log(topic)

    async def nothing(tx: Transaction, facts: Sequence[AnyEvent]) -> None: ...

    async def sequenced() -> bool:
        return await scalar(database, "select count(*) from waiting") == 0

    async def most_memory(count: int) -> int:
        for _ in range(count // 1000):
            await bulk(database, log, 1000)
        async with running(Relay("ground", database, producer_settings(stack), {topic: 3})):
            await until_async(sequenced)
        tracemalloc.start()
        try:
            await rebuild(database, log, [TALLY], nothing)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    little = await most_memory(3000)
    assert await most_memory(9000) < little * 1.2
