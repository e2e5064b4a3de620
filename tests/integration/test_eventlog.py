"""The event log on a real PostgreSQL: versions, conflicts, sealed words, and what the runtime role may not do."""

# ruff: noqa: PT012 - what raises is a whole transaction

import asyncio
from collections.abc import AsyncIterator
from datetime import date
from uuid import uuid4

import asyncpg
import pytest
from sqlalchemy import text

from contracts.catalogue import CATALOGUE, parse
from contracts.deadlines import DeadlinePaused
from contracts.envelope import AnyEvent
from infra.postgres.provision import ServiceDatabase
from shared.database import Database, NotCommitted, is_outage
from shared.eventlog import Conflict, EventLog, FactTooLarge, WordsInFact
from tests.faults.relay.ground import AT, as_superuser, event_log, fact, fresh_database
from tests.retiring import AMENDED_V1, retired
from tests.stacks import Stack


@pytest.fixture(scope="module")
async def service(stack: Stack) -> ServiceDatabase:
    return await fresh_database(stack, "eventlog")


@pytest.fixture
async def database(service: ServiceDatabase) -> AsyncIterator[Database]:
    opened = Database(service.runtime_url, pool_size=4)
    yield opened
    await opened.close()


@pytest.fixture
def log() -> EventLog:
    return event_log("safeguarding.incidents")


@pytest.fixture
def stream() -> str:
    return f"incident-{uuid4().hex}"


async def count(database: Database, question: str, **values: object) -> int:
    async with database.reading() as connection:
        return int((await connection.execute(text(question), values)).scalar_one())


async def test_what_is_appended_is_loaded_in_order_and_has_its_columns(
    database: Database, log: EventLog, stream: str
) -> None:
    facts = [fact(stream) for _ in range(5)]
    async with database.transaction(log) as tx:
        assert await tx.append(stream, 0, facts[:1]) == 1
        assert await tx.append(stream, 1, facts[1:]) == 5
    async with database.transaction() as tx:
        assert await log.load(tx, stream) == facts
        assert await log.load(tx, stream, after=3) == facts[3:]
        assert await log.version(tx, stream) == 5
    async with database.reading() as connection:
        rows = (await connection.execute(text("select * from fact where stream = :s order by id"), {"s": stream})).all()
        assert [row.version for row in rows] == [1, 2, 3, 4, 5]
        row = rows[0]
        assert (row.type, row.partnership, row.agency, row.actor, row.role, row.topic, row.key) == (
            "deadline.cancelled.v1",
            "exampleshire",
            "exampleshire-council",
            "authority-notifier",
            "notifier",
            "safeguarding.incidents",
            stream,
        )
        assert (row.occurred_at, row.recorded_at, row.business_date) == (AT, AT, date(2026, 8, 28))
        assert row.event == facts[0].to_json()
        assert (await log.read(connection, row.id - 1, 5))[0].content == facts[0].to_json()
    assert (
        await count(database, "select count(*) from waiting w join fact f on f.id = w.fact where stream = :s", s=stream)
        == 5
    )


@pytest.mark.parametrize("expected", [0, 2])
async def test_an_append_behind_another_version_is_a_conflict(
    database: Database, log: EventLog, stream: str, expected: int
) -> None:
    async with database.transaction(log) as tx:
        await tx.append(stream, 0, [fact(stream)])
    with pytest.raises(Conflict):
        async with database.transaction(log) as tx:
            await tx.append(stream, expected, [fact(stream), fact(stream)])
    assert await count(database, "select count(*) from fact where stream = :s", s=stream) == 1


async def test_of_two_writers_at_once_one_gets_a_conflict_and_none_is_lost(
    database: Database, log: EventLog, stream: str
) -> None:
    async def write() -> bool:
        try:
            async with database.transaction(log) as tx:
                version = await log.version(tx, stream)
                await asyncio.sleep(0.05)
                await tx.append(stream, version, [fact(stream), fact(stream)])
        except Conflict:
            return False
        return True

    assert sorted(await asyncio.gather(*(write() for _ in range(4)))) == [False, False, False, True]
    assert await count(database, "select max(version) from fact where stream = :s", s=stream) == 2


async def test_a_fact_that_no_topic_would_take_is_never_stored(
    database: Database, log: EventLog, stream: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.eventlog.LARGEST_FACT", len(fact(stream).to_json()) - 1)
    with pytest.raises(FactTooLarge):
        async with database.transaction(log) as tx:
            await tx.append(stream, 0, [fact(stream)])
    assert await count(database, "select count(*) from fact where stream = :s", s=stream) == 0


async def test_a_fact_that_holds_words_is_never_stored(database: Database, log: EventLog, stream: str) -> None:
    entry = CATALOGUE["deadline.paused"]

    def paused(reason: str) -> AnyEvent:
        data = DeadlinePaused(clock="T01", rule="T01", edition="2026", since=AT, reason=reason)
        return fact(stream, type=entry.wire_type, dataschema=entry.schema, data=data)

    with pytest.raises(WordsInFact) as refused:
        async with database.transaction(log) as tx:
            await tx.append(stream, 0, [fact(stream), paused("the mother rang at noon")])
    assert refused.value.pointers == ("/reason",)
    assert "mother" not in str(refused.value)
    assert await count(database, "select count(*) from fact where stream = :s", s=stream) == 0
    async with database.transaction(log) as tx:
        await tx.append(stream, 0, [paused(f"vault:{uuid4().hex}")])


async def test_a_fact_without_its_recorded_time_is_refused(database: Database, log: EventLog, stream: str) -> None:
    with pytest.raises(ValueError, match="recorded"):
        async with database.transaction(log) as tx:
            await tx.append(stream, 0, [fact(stream, recordedtime=None)])


async def test_a_failed_transaction_keeps_nothing_and_wakes_nobody(
    database: Database, log: EventLog, stream: str
) -> None:
    told: list[str] = []
    heard = database.committed.listen()
    with pytest.raises(ZeroDivisionError):
        async with database.transaction(log) as tx:
            tx.after_commit(lambda: told.append("failed"))
            await tx.append(stream, 0, [fact(stream)])
            await tx.connection.execute(text("select 1"))
            raise ZeroDivisionError
    assert not heard.is_set()
    async with database.transaction(log) as tx:
        tx.after_commit(lambda: told.append("empty"))
    assert not heard.is_set()
    async with database.transaction(log) as tx:
        await tx.append(stream, 0, [fact(stream)])
    assert heard.is_set()
    assert told == ["empty"]
    database.committed.forget(heard)


async def test_core_and_driver_stand_in_one_transaction_with_savepoints(
    database: Database, log: EventLog, stream: str
) -> None:
    put = text("insert into tally values (:s, 1)")
    with pytest.raises(ZeroDivisionError):
        async with database.transaction(log) as tx:
            await tx.connection.execute(put, {"s": stream})
            await tx.append(stream, 0, [fact(stream)])
            raise ZeroDivisionError
    async with database.transaction(log) as tx:
        with pytest.raises(Conflict):
            async with tx.connection.begin_nested():
                await tx.connection.execute(put, {"s": stream})
                await tx.append(stream, 7, [fact(stream)])
        await tx.append(stream, 0, [fact(stream)])
    assert await count(database, "select count(*) from tally where stream = :s", s=stream) == 0
    assert await count(database, "select count(*) from fact where stream = :s", s=stream) == 1


async def test_a_swallowed_failure_does_not_pass_for_a_commit(database: Database, log: EventLog, stream: str) -> None:
    with pytest.raises(NotCommitted):
        async with database.transaction(log) as tx:
            await tx.append(stream, 0, [fact(stream)])
            with pytest.raises(asyncpg.DivisionByZeroError):
                await tx.driver.fetch("select 1/0")
    assert await count(database, "select count(*) from fact where stream = :s", s=stream) == 0


async def test_a_connection_that_broke_inside_a_transaction_is_lent_to_nobody_else(
    stack: Stack, service: ServiceDatabase
) -> None:
    database = Database(service.runtime_url, pool_size=1)
    root = await as_superuser(stack, service)
    end = "select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = $1 and pid = $2"
    try:
        with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)) as broken:
            async with database.transaction() as tx:
                await root.fetchval(end, service.runtime_role, tx.driver.get_server_pid())
                await tx.driver.fetch("select 1")
        assert is_outage(broken.value)
        async with database.transaction() as tx:  # and one that broke while it lay in the pool
            pid = tx.driver.get_server_pid()
        await root.fetchval(end, service.runtime_role, pid)
        await asyncio.sleep(0.05)
        async with database.transaction() as tx:
            assert await tx.driver.fetchval("select 1") == 1
    finally:
        await root.close()
        await database.close()


async def test_a_cancelled_transaction_leaves_a_clean_pool(
    service: ServiceDatabase, log: EventLog, stream: str
) -> None:
    database = Database(service.runtime_url, pool_size=1)

    async def slow() -> None:
        async with database.transaction(log) as tx:
            await tx.append(stream, 0, [fact(stream)])
            await tx.driver.fetch("select pg_sleep(10)")

    task = asyncio.create_task(slow())
    await asyncio.sleep(0.2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await count(database, "select count(*) from fact where stream = :s", s=stream) == 0
    await database.close()


@pytest.mark.parametrize("table", ["fact", "sequence", "checkpoint"])
@pytest.mark.parametrize("deed", ["update {} set position = 1", "delete from {}", "truncate {}"])
async def test_the_runtime_role_can_only_add_to_the_log(database: Database, table: str, deed: str) -> None:
    statement = deed.format(table).replace("set position", "set version" if table == "fact" else "set position")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with database.transaction() as tx:
            await tx.driver.execute(statement)


async def test_nothing_can_be_written_while_reading(database: Database) -> None:
    with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
        async with database.reading() as connection:
            raw = await connection.get_raw_connection()
            await raw.driver_connection.execute("insert into tally values ('x', 1)")  # type: ignore[union-attr]


def test_outages_are_told_by_their_sqlstate() -> None:
    assert is_outage(asyncpg.DeadlockDetectedError())
    assert is_outage(ConnectionRefusedError())
    assert is_outage(asyncpg.InterfaceError("connection is closed"))
    assert not is_outage(asyncpg.UniqueViolationError())
    assert not is_outage(asyncpg.InterfaceError("another operation is in progress"))


async def test_a_fact_of_a_retired_version_is_loaded_as_todays(database: Database, log: EventLog, stream: str) -> None:
    async with database.transaction(log) as tx:
        await tx.append(stream, 0, [parse(AMENDED_V1)])
    with retired("notification.amended", 1):
        async with database.transaction() as tx:
            (loaded,) = await log.load(tx, stream)
    assert loaded.type == "notification.amended.v2"
    assert loaded.data.portal_time.isoformat() == "2026-09-10T08:00:00+00:00"
