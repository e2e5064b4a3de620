"""What tests of the log and the relay stand on: a database with a log in it, and facts without a story."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import asyncpg
from aiokafka import AIOKafkaConsumer
from sqlalchemy import Column, Integer, MetaData, Table, Text
from sqlalchemy.dialects.postgresql import insert

from contracts.deadlines import DeadlineCancelled
from contracts.envelope import AnyEvent, Event
from infra.postgres.provision import ServiceDatabase
from shared.database import Database, Transaction
from shared.eventlog import EventLog, Route, log_tables
from shared.migrate import upgrade
from shared.relay import Relay
from tests.stacks import Stack

MIGRATIONS = Path(__file__).parent / "migrations"
AT = datetime(2026, 8, 27, 23, 10, tzinfo=UTC)


def tally_table(metadata: MetaData) -> Table:
    """A read model: how many facts each stream has, and which came last."""
    return Table(
        "tally",
        metadata,
        Column("stream", Text, primary_key=True),
        Column("facts", Integer, nullable=False, index=True),
        Column("last", Text, server_default="", nullable=False),
    )


TALLY = tally_table(MetaData())


async def tally(tx: Transaction, facts: Sequence[AnyEvent]) -> None:
    """Keeps the read model, in the transaction of the append."""
    for each in facts:
        put = insert(TALLY).values(stream=each.subject, facts=1, last=each.id)
        more = {"facts": TALLY.c.facts + 1, "last": each.id}
        await tx.connection.execute(put.on_conflict_do_update(index_elements=["stream"], set_=more))


async def fresh_database(stack: Stack, name: str) -> ServiceDatabase:
    """A database with the log's tables, empty."""
    service = stack.create_database(f"{name}_{uuid4().hex[:8]}")
    await upgrade(MIGRATIONS, service.owner_url, service.runtime_role)
    return service


def event_log(topic: str) -> EventLog:
    """A log whose facts all go to one topic, keyed by their subject."""
    return EventLog("ground", log_tables(MetaData()), lambda fact: Route(topic, fact.subject or ""))


def fact(subject: str = "incident-00000000000000000000000000000001", **more: Any) -> AnyEvent:
    """A fact as its owner would record it."""
    given: dict[str, Any] = {
        "id": f"event-{uuid4().hex}",
        "source": "/services/gateway",
        "type": "deadline.cancelled.v1",
        "dataschema": "urn:safeguarding-exchange:schema:deadline.cancelled:1.0",
        "subject": subject,
        "time": AT,
        "recordedtime": AT,
        "businessdate": date(2026, 8, 28),
        "partnership": "exampleshire",
        "agency": "exampleshire-council",
        "actor": "authority-notifier",
        "actorrole": "notifier",
        "data": DeadlineCancelled(clock="T01", rule="T01", edition="2026", because="not_needed"),
    }
    values = given | more
    envelope: Any = Event.__class_getitem__(type(values["data"]))
    return cast(AnyEvent, envelope(**values))


async def append_each(database: Database, log: EventLog, streams: Sequence[str], *, after: int = 0) -> None:
    """One fact to each stream, a transaction each."""
    for stream in streams:
        async with database.transaction(log) as tx:
            await tx.append(stream, after, [fact(stream)])


async def as_superuser(stack: Stack, service: ServiceDatabase) -> Any:
    """A session of PostgreSQL's super user in the service's database: close it."""
    return await asyncpg.connect(stack.postgres.admin_url.rpartition("/")[0] + f"/{service.name}")


def producer_settings(stack: Stack) -> dict[str, Any]:
    """How aiokafka's clients reach the broker, as its super user."""
    return {
        "bootstrap_servers": stack.kafka.bootstrap,
        "security_protocol": stack.kafka.security_protocol,
        "sasl_mechanism": stack.kafka.sasl_mechanism,
        "sasl_plain_username": stack.kafka.admin_username,
        "sasl_plain_password": stack.kafka.admin_password,
    }


@dataclass(frozen=True)
class Record:
    """A record as it lies in its topic."""

    partition: int
    key: bytes
    value: bytes
    headers: dict[str, str]


async def read_topic(stack: Stack, topic: str, at_least: int, seconds: float = 20) -> list[Record]:
    """Everything in the topic once it holds `at_least` records; each partition's in its order."""
    async with AIOKafkaConsumer(topic, **producer_settings(stack), auto_offset_reset="earliest") as consumer:
        records: list[Record] = []
        async with asyncio.timeout(seconds):
            while len(records) < at_least or not await _at_end(consumer):
                for got in (await consumer.getmany(timeout_ms=100)).values():
                    for r in got:
                        headers = {name: value.decode() for name, value in r.headers}
                        records.append(Record(r.partition, r.key, r.value, headers))
    return records


async def _at_end(consumer: AIOKafkaConsumer) -> bool:
    ends = await consumer.end_offsets(consumer.assignment())
    return all([await consumer.position(place) >= end for place, end in ends.items()])


@asynccontextmanager
async def running(relay: Relay) -> AsyncIterator[Relay]:
    """The relay at work in this process."""
    task = asyncio.create_task(relay.run())
    try:
        yield relay
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def until(true: Callable[[], bool], seconds: float = 15) -> None:
    """Wait until something is true."""
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110 - it may be true in a database, or in another process
            await asyncio.sleep(0.02)


async def until_async(true: Callable[[], Awaitable[bool]], seconds: float = 30) -> None:
    """Wait until asking says that something is true."""
    async with asyncio.timeout(seconds):
        while not await true():  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.1)


async def published(database: Database, position: int) -> bool:
    """Whether Kafka has acknowledged everything up to a position."""
    async with database.transaction() as tx:
        return bool(await tx.driver.fetchval("select position >= $1 from published", position))


def applied(records: Sequence[Record]) -> list[Record]:
    """What a reader makes of a topic by the rule of its positions: repeats are skipped, a gap is a failure."""
    last: dict[int, int] = {}
    effect = []
    for record in records:
        position, previous = int(record.headers["position"]), int(record.headers["previous"])
        if position <= last.get(record.partition, 0):
            continue
        assert previous == last.get(record.partition, 0), f"position {position} follows a gap"
        last[record.partition] = position
        effect.append(record)
    return effect
