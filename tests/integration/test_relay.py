"""The relay on the real PostgreSQL and Kafka: what reaches a topic, in which order, and how fast."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from infra.postgres.provision import ServiceDatabase
from shared.database import Database
from shared.relay import Relay
from shared.sequencer import partition_of
from tests.faults.relay.ground import (
    append_each,
    event_log,
    fact,
    fresh_database,
    producer_settings,
    published,
    read_topic,
    running,
    until,
    until_async,
)
from tests.stacks import Stack


@pytest.fixture
async def service(stack: Stack) -> ServiceDatabase:
    return await fresh_database(stack, "relay")


@pytest.fixture
def topic(stack: Stack) -> str:
    return stack.create_topic(f"relay-{uuid4().hex[:8]}")


@pytest.fixture
async def database(service: ServiceDatabase) -> AsyncIterator[Database]:
    opened = Database(service.runtime_url, pool_size=4)
    yield opened
    await opened.close()


async def test_every_fact_arrives_once_in_order_with_its_place_in_the_headers(
    stack: Stack, database: Database, topic: str
) -> None:
    log = event_log(topic)
    relay = Relay("ground", database, producer_settings(stack), {topic: 3})
    streams = [f"incident-{uuid4().hex}" for _ in range(30)]
    given: dict[str, list[bytes]] = {stream: [] for stream in streams}
    async with running(relay):
        for version in range(4):
            for stream in streams:
                async with database.transaction(log) as tx:
                    event = fact(stream)
                    given[stream].append(event.to_json())
                    await tx.append(stream, version, [event])
        records = await read_topic(stack, topic, 120)
    assert len(records) == 120
    for stream in streams:
        assert [r.value for r in records if r.key == stream.encode()] == given[stream]
    for number in range(3):
        before = 0
        for record in [r for r in records if r.partition == number]:
            assert record.headers["previous"] == str(before)
            assert record.headers["producer"] == "ground"
            assert record.headers["content-type"] == "application/cloudevents+json"
            assert len(record.headers["hash"]) == 64
            before = int(record.headers["position"])
            assert partition_of(record.key, 3) == number
    assert sorted(int(r.headers["position"]) for r in records) == list(range(1, 121))


async def test_a_stored_trace_goes_on_with_the_record_and_publishing_is_a_span_of_it(
    stack: Stack, database: Database, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    spans = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    monkeypatch.setattr("shared.publisher.tracer", provider.get_tracer("test"))
    traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    not_kept = "00-0af7651916cd43dd8448eb211c80319d-b7ad6b7169203332-00"
    async with running(Relay("ground", database, producer_settings(stack), {topic: 3})):
        async with database.transaction(event_log(topic)) as tx:
            facts = [fact(traceparent=traceparent), fact(traceparent=not_kept), fact()]
            await tx.append("incident-1", 0, facts)
        records = await read_topic(stack, topic, 3)
        await until_async(lambda: published(database, 3))
    assert [r.headers.get("traceparent") for r in records] == [traceparent, not_kept, None]
    [span] = spans.get_finished_spans()
    assert span.parent is not None
    assert (span.name, f"{span.context.trace_id:032x}", f"{span.parent.span_id:016x}") == (
        "publish",
        "0af7651916cd43dd8448eb211c80319c",
        "b7ad6b7169203331",
    )


async def test_a_second_process_takes_over_and_its_facts_go_out_meanwhile(
    stack: Stack, service: ServiceDatabase, database: Database, topic: str
) -> None:
    other = Database(service.runtime_url, pool_size=2)
    first = Relay("ground", database, producer_settings(stack), {topic: 3})
    second = Relay("ground", other, producer_settings(stack), {topic: 3})
    async with running(second):
        async with running(first):
            await until(lambda: first.leads or second.leads)
            assert first.leads is not second.leads
            await append_each(database, event_log(topic), ["incident-a", "incident-b"])
            await append_each(other, event_log(topic), ["incident-c", "incident-d"])
            assert len(await read_topic(stack, topic, 4)) == 4
        await until(lambda: second.leads)
        await append_each(other, event_log(topic), ["incident-e"])
        records = await read_topic(stack, topic, 5)
    assert sorted(int(r.headers["position"]) for r in records) == [1, 2, 3, 4, 5]
    await other.close()


async def test_nothing_waits_for_the_poll_in_whichever_process_it_was_committed(
    stack: Stack, service: ServiceDatabase, database: Database, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.relay.POLL_SECONDS", 60.0)
    other = Database(service.runtime_url, pool_size=2)
    leader = Relay("ground", database, producer_settings(stack), {topic: 3})
    async with running(leader):
        await until(lambda: leader.leads)
        async with running(Relay("ground", other, producer_settings(stack), {topic: 3})):
            await asyncio.sleep(1)
            for turn, committer in enumerate((database, other, database, other), 1):
                await append_each(committer, event_log(topic), [f"incident-{turn}"])
                assert len(await read_topic(stack, topic, turn)) == turn
    await other.close()


async def test_facts_that_commit_late_get_a_later_place_and_none_is_skipped(
    stack: Stack, database: Database, topic: str
) -> None:
    log = event_log(topic)
    async with running(Relay("ground", database, producer_settings(stack), {topic: 3})):
        async with database.transaction(log) as early:
            await early.append("incident-late", 0, [fact("incident-late")])
            await append_each(database, log, [f"incident-{n}" for n in range(10)])
            await read_topic(stack, topic, 10)
        records = await read_topic(stack, topic, 11)
    late = next(r for r in records if r.key == b"incident-late")
    assert late.headers["position"] == "11"
    async with database.transaction() as tx:
        assert await tx.driver.fetchval("select fact from sequence where position = 11") == 1


async def test_the_signals_tell_how_far_behind_the_relay_is(
    stack: Stack, database: Database, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.relay.WATCH_SECONDS", 0.1)
    nowhere = {**producer_settings(stack), "bootstrap_servers": "127.0.0.1:1"}
    await append_each(database, event_log(topic), [f"incident-{n}" for n in range(3)])
    async with running(Relay("ground", database, nowhere, {topic: 3})) as behind:
        await until(lambda: behind.unpublished() == 3)
        await asyncio.sleep(0.3)
        assert behind.unsequenced() == 0
        assert 0.3 < behind.oldest_unpublished_seconds() < 30
        assert behind.term() == 1
    async with running(Relay("ground", database, producer_settings(stack), {topic: 3})) as well:
        await until(lambda: well.term() == 2 and well.unpublished() == 0)
        assert well.oldest_unpublished_seconds() == 0
