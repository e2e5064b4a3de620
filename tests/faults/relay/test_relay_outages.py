"""Kafka or PostgreSQL goes away, or refuses: the relay holds its place, and goes on without a gap."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient

from contracts.envelope import AnyEvent
from contracts.submissions import Fault, SubmissionAnswered, Verdict
from infra.postgres.provision import ServiceDatabase
from shared.database import Database, is_outage
from shared.relay import Relay
from shared.sequencer import partition_of
from tests.faults.relay.ground import (
    Record,
    append_each,
    applied,
    event_log,
    fact,
    fresh_database,
    producer_settings,
    published,
    read_topic,
    running,
    until_async,
)
from tests.stacks import Stack

STREAMS = [f"incident-{number:032x}" for number in range(20)]


@pytest.fixture
async def service(stack: Stack) -> ServiceDatabase:
    return await fresh_database(stack, "outages")


@pytest.fixture
async def database(service: ServiceDatabase) -> AsyncIterator[Database]:
    opened = Database(service.runtime_url, pool_size=4)
    yield opened
    await opened.close()


@pytest.fixture
def name() -> str:
    return f"outages-{uuid4().hex[:8]}"


def large_fact(subject: str) -> AnyEvent:
    """A fact of some 30 kB."""
    data = SubmissionAnswered(
        submission=f"submission-{uuid4().hex}",
        verdict=Verdict.REFUSED,
        faults=tuple(Fault(pointer="/data", rule="too-long", detail="x" * 400) for _ in range(60)),
    )
    kind = {"type": "submission.answered.v1", "dataschema": "urn:safeguarding-exchange:schema:submission.answered:1.0"}
    return fact(subject, **kind, data=data)


def let_in(stack: Stack, topic: str, largest: int) -> None:
    """Change the largest batch, in bytes, that the topic takes."""
    given = producer_settings(stack)
    admin = KafkaAdminClient(**given)
    try:
        outcome = admin.alter_configs(
            [ConfigResource(ConfigResourceType.TOPIC, topic, configs={"max.message.bytes": str(largest)})]
        )
        assert "rror" not in str(outcome).replace("NoError", ""), outcome
    finally:
        admin.close()


async def test_with_kafka_killed_appends_go_on_and_all_is_published_later_in_order(
    stack: Stack, database: Database, name: str
) -> None:
    topic = stack.create_topic(name)
    log = event_log(topic)
    async with running(Relay("ground", database, producer_settings(stack), {topic: 3})):
        await append_each(database, log, STREAMS)
        appending = asyncio.create_task(append_each(database, log, STREAMS, after=1))
        await asyncio.sleep(0.02)  # in the midst of it
        try:
            await asyncio.to_thread(stack.kafka.kill)
            await appending
            for version in range(2, 8):
                await append_each(database, log, STREAMS, after=version)
                await asyncio.sleep(0.3)
        finally:
            await asyncio.to_thread(stack.kafka.start)
        await append_each(database, log, STREAMS, after=8)
        await until_async(lambda: published(database, 9 * len(STREAMS)), seconds=60)
    effect = applied(await read_topic(stack, topic, 9 * len(STREAMS)))
    await assert_whole(database, effect, 9)


async def test_a_relay_that_starts_without_kafka_publishes_once_it_is_there(
    stack: Stack, database: Database, name: str
) -> None:
    topic = stack.create_topic(name)
    await asyncio.to_thread(stack.kafka.stop)
    async with running(Relay("ground", database, producer_settings(stack), {topic: 3})):
        try:
            await append_each(database, event_log(topic), STREAMS)
            await asyncio.sleep(2)
        finally:
            await asyncio.to_thread(stack.kafka.start)
        await until_async(lambda: published(database, len(STREAMS)), seconds=60)
    await assert_whole(database, applied(await read_topic(stack, topic, len(STREAMS))), 1)


async def test_a_record_that_the_broker_refuses_holds_what_follows_and_leaves_no_gap(
    stack: Stack, database: Database, name: str
) -> None:
    topic = stack.create_topic(name, 3, {"max.message.bytes": "9000"})  # some ten facts a batch, and not the large one
    log = event_log(topic)
    await append_each(database, log, STREAMS)
    async with database.transaction(log) as tx:
        await tx.append(STREAMS[7], 1, [large_fact(STREAMS[7])])
    rest = [stream for stream in STREAMS if stream != STREAMS[7]]
    await append_each(database, log, rest, after=1)
    async with running(Relay("ground", database, producer_settings(stack), {topic: 3})):
        await until_async(lambda: published(database, len(STREAMS)))
        await asyncio.sleep(3)  # it tries again and again
        assert not await published(database, len(STREAMS) + 1)
        blocked = partition_of(STREAMS[7].encode(), 3)
        there = applied([r for r in await read_topic(stack, topic, len(STREAMS)) if r.partition == blocked])
        assert max(int(r.headers["position"]) for r in there) <= len(STREAMS)
        await asyncio.to_thread(let_in, stack, topic, 1_000_000)
        await until_async(lambda: published(database, 2 * len(STREAMS)))
    await assert_whole(database, applied(await read_topic(stack, topic, 2 * len(STREAMS))), 2)


async def test_with_one_partition_refusing_the_others_are_not_sent_the_same_again_and_again(
    stack: Stack, database: Database, name: str
) -> None:
    topic = stack.create_topic(name, 3)
    refusing = stack.create_topic(f"{name}-refusing", 1, {"max.message.bytes": "9000"})
    good, bad = event_log(topic), event_log(refusing)
    async with database.transaction() as tx:
        await bad.append(tx, "incident-large", 0, [large_fact("incident-large")])
        for stream in STREAMS:
            await good.append(tx, stream, 0, [fact(stream)])
    async with running(Relay("ground", database, producer_settings(stack), {topic: 3, refusing: 1})):
        await asyncio.sleep(4)
        assert len(await read_topic(stack, topic, 0)) <= len(STREAMS)
        await asyncio.to_thread(let_in, stack, refusing, 1_000_000)
        await until_async(lambda: published(database, len(STREAMS) + 1))
    assert len(await read_topic(stack, topic, len(STREAMS))) == len(STREAMS)
    assert len(await read_topic(stack, refusing, 1)) == 1


async def test_with_postgresql_killed_the_relay_comes_back_by_itself(
    stack: Stack, database: Database, name: str
) -> None:
    topic = stack.create_topic(name)
    log = event_log(topic)
    async with running(Relay("ground", database, producer_settings(stack), {topic: 3})):
        await append_each(database, log, STREAMS)
        try:
            await asyncio.to_thread(stack.postgres.kill)
            with pytest.raises(Exception) as away:  # noqa: PT011 - which class it is depends on the moment
                await append_each(database, log, STREAMS, after=1)
            assert is_outage(away.value)
            await asyncio.sleep(1)
        finally:
            await asyncio.to_thread(stack.postgres.start)
        await append_each(database, log, STREAMS, after=1)
        await until_async(lambda: published(database, 2 * len(STREAMS)))
    await assert_whole(database, applied(await read_topic(stack, topic, 2 * len(STREAMS))), 2)


async def assert_whole(database: Database, effect: list[Record], each: int) -> None:
    """Every stream's facts, each once, in their order."""
    assert len(effect) == each * len(STREAMS)
    async with database.transaction() as tx:
        for stream in STREAMS:
            facts = await tx.driver.fetch("select event from fact where stream = $1 order by version", stream)
            assert [e for (e,) in facts] == [r.value for r in effect if r.key == stream.encode()]
