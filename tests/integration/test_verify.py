"""Whoever changes, removes or puts in a row of the log, be it the super user, is found out."""

from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any
from uuid import uuid4

import pytest
from kafka.errors import TopicAlreadyExistsError

from infra.postgres.provision import ServiceDatabase
from shared.checkpoints import checkpoint, read_checkpoints
from shared.database import Database
from shared.relay import Relay
from shared.sequencer import FIRST_HASH, chained
from shared.verify import verify, verify_with_topic
from tests.faults.relay.ground import (
    append_each,
    as_superuser,
    event_log,
    fresh_database,
    producer_settings,
    published,
    running,
    until_async,
)
from tests.stacks import Stack

STREAMS = [f"incident-{number:032x}" for number in range(10)]


LOG = ("fact", "waiting", "sequence", "published", "checkpoint")


@pytest.fixture(scope="module")
async def service(stack: Stack) -> ServiceDatabase:
    """A log of twenty facts, all published, and one that waits; with a copy of it aside."""
    made = await fresh_database(stack, "verify")
    opened = Database(made.runtime_url, pool_size=4)
    topic = stack.create_topic(f"verify-{uuid4().hex[:8]}")
    log = event_log(topic)
    async with running(Relay("ground", opened, producer_settings(stack), {topic: 3})):
        await append_each(opened, log, STREAMS)
        await append_each(opened, log, STREAMS, after=1)
        await until_async(lambda: published(opened, 20))
    await append_each(opened, log, ["incident-waiting"])
    await opened.close()
    root = await as_superuser(stack, made)
    for table in LOG:
        await root.execute(f"create table aside_{table} as table {table}")
    await root.close()
    return made


@pytest.fixture
async def database(service: ServiceDatabase, root: Any) -> AsyncIterator[Database]:
    """The log as it was written, whatever the test before did to it."""
    for table in LOG:
        await root.execute(f"truncate {table}; insert into {table} overriding system value select * from aside_{table}")
    opened = Database(service.runtime_url, pool_size=4)
    yield opened
    await opened.close()


@pytest.fixture
async def root(stack: Stack, service: ServiceDatabase) -> AsyncIterator[Any]:
    session = await as_superuser(stack, service)
    yield session
    await session.close()


@pytest.fixture
def topic(stack: Stack) -> str:
    return stack.create_topic(f"checkpoints-{uuid4().hex[:8]}", 1)


async def test_an_untouched_log_is_whole(database: Database) -> None:
    told = await verify(database)
    assert (told.whole, told.positions, told.findings) == (True, 20, ())


TAMPERING = {
    "the bytes of a fact": "update fact set event = event || ' ' where id = 5",
    "who did it": "update fact set actor = 'somebody-else' where id = 5",
    "when it happened": "update fact set occurred_at = occurred_at - interval '1 day' where id = 5",
    "when it was recorded": "update fact set recorded_at = recorded_at - interval '1 day' where id = 5",
    "its business date": "update fact set business_date = business_date - 1 where id = 5",
    "its type": "update fact set type = 'deadline.met.v1' where id = 5",
    "its stream": "update fact set stream = 'incident-other' where id = 5",
    "its version": "update fact set version = 9 where id = 5",
    "where it goes": "update fact set topic = 'elsewhere' where id = 5",
    "its key": "update fact set key = 'incident-other' where id = 5",
    "its place": "update sequence set partition = (partition + 1) % 3 where position = 5",
    "its hash": "update sequence set hash = sha256('x') where position = 5",
    "a fact is removed": "delete from fact where id = 5",
    "a position is removed": "delete from sequence where position = 5",
    "a fact is removed with its position": (
        "with gone as (delete from sequence where fact = 5) delete from fact where id = 5"
    ),
    "the last ones are removed": (
        "with gone as (delete from sequence where position > 18 returning fact)"
        " delete from fact where id in (select fact from gone)"
    ),
    "a waiting fact is removed": "delete from fact where id = 21",
    "two facts change places": "update sequence set fact = 11 - fact + 1000 where fact in (5, 6)",
    "a fact is put in": (
        "insert into fact (stream, version, type, event_id, partnership, occurred_at, recorded_at, business_date,"
        " topic, key, event) select 'incident-false', 1, type, event_id, partnership, occurred_at, recorded_at,"
        " business_date, topic, key, event from fact where id = 5"
    ),
    "a fact is put in with a place": (
        "insert into sequence (position, fact, topic, partition, previous, previous_hash, hash)"
        " select 21, 21, topic, partition, 20, hash, sha256('x') from sequence where position = 20"
    ),
}


@pytest.mark.parametrize("deed", TAMPERING)
async def test_tampering_is_found(database: Database, root: Any, deed: str) -> None:
    await root.execute(TAMPERING[deed])
    assert not (await verify(database)).whole


async def test_a_chain_rewritten_as_a_whole_is_found_by_the_checkpoint_on_the_topic(
    stack: Stack, database: Database, root: Any, topic: str
) -> None:
    made = await checkpoint("ground", database, producer_settings(stack), topic=topic)
    assert made is not None
    await root.execute(
        "update fact set event = convert_to(replace(convert_from(event, 'UTF8'), '2026', '2027'), 'UTF8')"
        " , occurred_at = occurred_at + interval '1 year', recorded_at = recorded_at + interval '1 year',"
        " business_date = business_date + interval '1 year'"
    )
    await rewrite_chain(root)
    await root.execute("delete from checkpoint")
    assert (await verify(database)).whole  # the database alone cannot tell
    known = await read_checkpoints("ground", producer_settings(stack), topic=topic)
    assert known == (made,)
    told = await verify(database, known)
    assert [(found.what, found.position) for found in told.findings] == [("the hash is not the checkpoint's", 20)]


async def test_a_log_cut_off_before_a_checkpoint_is_found(
    stack: Stack, database: Database, root: Any, topic: str
) -> None:
    made = await checkpoint("ground", database, producer_settings(stack), topic=topic)
    await root.execute(
        "with gone as (delete from sequence where position > 18 returning fact)"
        " delete from fact where id in (select fact from gone)"
    )
    await root.execute("update published set position = 18; delete from checkpoint")
    assert (await verify(database)).whole
    assert made is not None
    assert [found.position for found in (await verify(database, [made])).findings] == [20]


async def test_one_checkpoint_is_made_a_day_and_only_of_what_is_new(
    stack: Stack, database: Database, root: Any, topic: str
) -> None:
    for _ in range(2):
        await checkpoint("ground", database, producer_settings(stack), topic=topic)
    await root.execute("update checkpoint set day = day - 1")
    assert await checkpoint("ground", database, producer_settings(stack), topic=topic) is None
    assert len(await read_checkpoints("ground", producer_settings(stack), topic=topic)) == 1
    assert await read_checkpoints("another", producer_settings(stack), topic=topic) == ()


async def test_the_relay_makes_checkpoints_by_itself(stack: Stack, database: Database, root: Any) -> None:
    with suppress(TopicAlreadyExistsError):
        stack.create_topic("safeguarding.checkpoints", 1)
    topics = {row["topic"]: 3 for row in await root.fetch("select distinct topic from fact")}
    async with running(Relay("ground", database, producer_settings(stack), {**topics, "safeguarding.checkpoints": 1})):

        async def made() -> bool:
            return len(await read_checkpoints("ground", producer_settings(stack))) == 1

        await until_async(made)
    told = await verify_with_topic("ground", database, producer_settings(stack))
    assert (told.whole, told.checkpoints) == (True, 1)


async def rewrite_chain(root: Any) -> None:
    """What an intruder with the super user's password would do: hash everything again."""
    before = FIRST_HASH
    for row in await root.fetch(
        "select s.position, s.fact, s.topic, s.partition, s.previous, f.stream, f.version, f.key, f.event"
        " from sequence s join fact f on f.id = s.fact order by position"
    ):
        after = chained(before, **dict(row))
        await root.execute(
            "update sequence set previous_hash = $2, hash = $3 where position = $1", row["position"], before, after
        )
        before = after
