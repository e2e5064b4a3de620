"""A leader of delivery that is paused, replaced and woken puts nothing behind what an agency may see today."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import psutil
import pytest
from aiokafka.admin import AIOKafkaAdminClient

from services.delivery import publishing
from services.delivery.heads import Heads
from services.delivery.publishing import Publishing, Superseded
from shared.clock import RealClock
from tests.deliveries import (
    COUNCIL,
    ICB,
    KINDS,
    POLICE,
    Delivery,
    agreed,
    delivery_on,
    listed,
    new_database,
    referred_by,
)
from tests.faults.relay.ground import Record, producer_settings, read_topic, until, until_async
from tests.stacks import Stack
from tests.unit.gateway_stories import london, told

LATER = london("2026-03-11")
_PUBLISHED = """
    select count(*) from feed_head h left join outbound o using (agency)
    where o.agency is null or o.edition <> h.edition or o.sequence < h.last
    """


@dataclass
class Ground:
    """Delivery's inside, with a topic of this test's own for each agency."""

    stack: Stack
    here: Delivery
    url: str
    topics: dict[str, str]

    async def first(self, *, stops_at: int) -> Process:
        """A leading process that stands still before its so manyth batch for the board's topic."""
        orders = {
            "url": self.url,
            "kafka": producer_settings(self.stack),
            "topics": self.topics,
            "topic": self.topics[ICB],
            "stops_at": stops_at,
            "term": 1,
        }
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.faults.delivery.process"),
            stdout=subprocess.PIPE,
            env=os.environ | {"DELIVERY_ORDERS": json.dumps(orders)},
        )

    def publishing(self, leads: Callable[[], int]) -> Publishing:
        """A publisher in this process."""
        kafka = producer_settings(self.stack)
        database = self.here.database
        return Publishing(
            database, Heads(database), RealClock(), kafka, lambda: AIOKafkaAdminClient(**kafka), leads=leads
        )

    @asynccontextmanager
    async def leading(self, term: int) -> AsyncIterator[None]:
        """Another process leads, as far as Kafka and PostgreSQL can tell."""
        task = asyncio.create_task(self.publishing(lambda: term).run())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def published(self) -> bool:
        """Whether every topic has what its feed has."""
        return await self.here.rows(_PUBLISHED) == [(0,)]

    async def topic(self, at_least: int) -> list[Record]:
        """What the board finds on its topic."""
        return await read_topic(self.stack, self.topics[ICB], at_least)


@pytest.fixture
async def ground(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Ground]:
    url = await new_database(stack, f"delivery_{uuid4().hex[:8]}")
    topics = {agency: stack.create_topic(f"outbound-{uuid4().hex[:8]}", 1) for agency in KINDS}
    monkeypatch.setattr(publishing, "topic_of", topics.__getitem__)
    async with delivery_on(url) as here:
        await listed(here)
        yield Ground(stack, here, url, topics)


def stands_still(process: Process) -> bool:
    return psutil.Process(process.pid).status() == psutil.STATUS_STOPPED


async def wake(process: Process) -> str:
    """Have it go on, and return what it says of its batch."""
    process.send_signal(signal.SIGCONT)
    assert process.stdout
    async with asyncio.timeout(60):
        said = await process.stdout.readline()
        await process.wait()
    return said.decode().strip()


def types(records: list[Record]) -> set[Any]:
    return {json.loads(record.value)["type"] for record in records}


async def test_what_a_paused_leader_had_in_hand_does_not_come_behind_the_tombstones(ground: Ground) -> None:
    story = referred_by(COUNCIL)
    await ground.here.take(*story.facts)
    paused = await ground.first(stops_at=2)
    await until_async(ground.published)
    assert "incident.referred.v1" in types(await ground.topic(1))
    await ground.here.take(ground.here.facts.stated(story, told(POLICE, LATER), LATER))
    await until(lambda: stands_still(paused), 30)
    await ground.here.say(agreed(ICB, 2, may_read=("record.read",)))
    async with ground.leading(2):
        await until_async(ground.published)
        assert await wake(paused) == "ProducerFenced"
        await ground.here.say(agreed(POLICE, 2, may_read=("record.read",)))
        await until_async(ground.published)
    records = await ground.topic(1)
    assert types(records) == {"feed.withheld.v1"}
    last = (await ground.here.feed(ICB)).head.last
    assert [int(record.headers["sequence"]) for record in records] == list(range(1, last + 1))


async def test_what_a_paused_leader_sends_before_the_tombstones_is_emptied_with_the_rest(ground: Ground) -> None:
    await ground.here.take(*referred_by(COUNCIL).facts)
    paused = await ground.first(stops_at=1)
    await until(lambda: stands_still(paused), 30)
    await ground.here.say(agreed(ICB, 2, may_read=("record.read",)))
    assert await wake(paused) == "sent"
    async with ground.leading(2):
        await until_async(ground.published)
    assert types(await ground.topic(1)) == {"feed.withheld.v1"}


async def test_who_has_been_succeeded_takes_no_later_epoch_than_its_successor(ground: Ground) -> None:
    former, leader = ground.publishing(lambda: 1), ground.publishing(lambda: 2)
    producer, epoch = await former.successor(7)
    assert await leader.successor(8) == (producer, epoch + 1)
    with pytest.raises(Superseded):
        await former.successor(9)
    assert await leader.successor(10) == (producer, epoch + 2)
