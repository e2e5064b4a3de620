"""PostgreSQL stops while facts arrive: the partition is held, nothing is skipped, the group is never left."""

import asyncio
from typing import Any

from shared.consumer import Reader
from tests.faults.consumer.ground import FakeRelay, Ground, closed, ground, relay, subject, until
from tests.stacks import Stack


async def test_while_postgresql_is_away_the_partition_is_held_and_then_goes_on_where_it_was(stack: Stack) -> None:
    here = await ground(stack)
    async with here.database() as database, relay(stack.kafka, here.topic) as gateway:
        reader = here.reader(database)
        # The group would be left after two seconds without a poll: a hold by sleeping would show.
        async with here.running(reader, max_poll_interval_ms=2000) as broker:
            for version in (1, 2):
                await gateway.send(closed(subject(1), version).to_json(), subject(1))
            await until(lambda: applied(here, 2))
            (subscriber,) = broker.subscribers
            consumer: Any = subscriber.consumer  # type: ignore[attr-defined]
            generation = consumer._coordinator.generation
            await asyncio.to_thread(stack.postgres.stop)
            try:
                for version in range(3, 9):
                    await gateway.send(closed(subject(version % 2), version).to_json(), subject(version % 2))
                await until(lambda: held(reader, here))
                await asyncio.sleep(6)
                assert await here.committed() == 2
            finally:
                await asyncio.to_thread(stack.postgres.start)
            await until(lambda: applied(here, 8))
            await until(lambda: committed(here, 8))
            assert not reader.flows[here.topic].holds
            assert consumer._coordinator.generation == generation
    rows = await here.rows()
    assert rows == [(subject(1), 1), (subject(1), 2), *((subject(version % 2), version) for version in range(3, 9))]
    assert await here.rows("select count(*) from reader_parked") == [(0,)]


async def test_a_backend_killed_in_the_middle_of_a_batch_costs_nothing(stack: Stack) -> None:
    here = await ground(stack)
    async with (
        here.database() as database,
        relay(stack.kafka, here.topic) as gateway,
        here.running(here.reader(database), batch=5),
    ):
        for version in range(1, 101):
            await gateway.send(closed(subject(version % 3), version).to_json(), subject(version % 3))
            if version % 20 == 0:
                await here.rows(
                    "select pg_terminate_backend(pid) from pg_stat_activity "
                    "where usename = current_user and pid <> pg_backend_pid()"
                )
        await until(lambda: committed(here, 100))
    assert await here.rows() == [(subject(version % 3), version) for version in range(1, 101)]
    assert await here.rows("select count(*) from reader_parked") == [(0,)]


async def test_two_processes_of_one_service_share_the_work_and_do_nothing_twice(stack: Stack) -> None:
    here = await ground(stack, partitions=3)

    async def send(gateway: FakeRelay, versions: range) -> None:
        for version in versions:
            key = version % 3
            await gateway.send(closed(subject(key), version).to_json(), subject(key), partition=key)

    async with (
        relay(stack.kafka, here.topic) as gateway,
        here.database() as one,
        here.database() as other,
        here.running(here.reader(one), batch=3),
    ):
        await send(gateway, range(1, 31))
        async with here.running(here.reader(other), batch=3):
            await send(gateway, range(31, 61))
            await until(lambda: applied(here, 60))
    rows = await here.rows()
    for key in range(3):
        assert [row for row in rows if row[0] == subject(key)] == [
            (subject(key), version) for version in range(1, 61) if version % 3 == key
        ]


async def test_when_kafka_comes_back_the_reader_goes_on(stack: Stack) -> None:
    here = await ground(stack)
    async with here.database() as database, here.running(here.reader(database)):
        async with relay(stack.kafka, here.topic) as gateway:
            await gateway.send(closed(subject(1), 1).to_json(), subject(1))
            await until(lambda: applied(here, 1))
        await asyncio.to_thread(stack.kafka.kill)
        await asyncio.to_thread(stack.kafka.start)
        async with relay(stack.kafka, here.topic) as gateway:
            gateway.position, gateway.last = 1, {0: 1}
            await gateway.send(closed(subject(1), 2).to_json(), subject(1))
            await until(lambda: applied(here, 2), 40)
    assert await here.rows() == [(subject(1), 1), (subject(1), 2)]


async def applied(here: Ground, number: int) -> bool:
    try:
        return await here.rows("select count(*) from effect") == [(number,)]
    except OSError:
        return False


async def held(reader: Reader, here: Ground) -> bool:
    return bool(reader.flows[here.topic].holds)


async def committed(here: Ground, offset: int) -> bool:
    return await here.committed() == offset
