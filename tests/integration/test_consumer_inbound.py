"""One consumer for all agencies' topics: what befalls one agency's holds up no other's, and new ones are read."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest
from kafka import KafkaProducer

from shared.consumer import Flow, Reactions, Reader, Record, TryLater
from shared.consumer.reader import INBOUND
from shared.database import Transaction
from tests.faults.consumer.ground import Ground, ground, until
from tests.integration.test_consumer import Unreadable
from tests.stacks import Stack


class Shore:
    """Some agencies' topics, and a service that takes what they hold unless it is told to wait with one of them."""

    def __init__(self, here: Ground) -> None:
        self.here = here
        self.mark = uuid4().hex[:8]
        self.taken: list[tuple[str, bytes]] = []
        self.waits: set[str] = set()

    async def topic(self, agency: str) -> str:
        name = self.name(agency)
        return await asyncio.to_thread(self.here.stack.create_topic, name, 1)

    def name(self, agency: str) -> str:
        return f"partner.{self.mark}-{agency}.inbound"

    async def publish(self, agency: str, *values: bytes, **more: Any) -> None:
        await asyncio.to_thread(self._publish, agency, values, more)

    def _publish(self, agency: str, values: tuple[bytes, ...], more: dict[str, Any]) -> None:
        kafka = self.here.stack.kafka
        producer = KafkaProducer(
            bootstrap_servers=kafka.bootstrap,
            security_protocol=kafka.security_protocol,
            sasl_mechanism=kafka.sasl_mechanism,
            sasl_plain_username=kafka.admin_username,
            sasl_plain_password=kafka.admin_password,
        )
        for value in values:
            producer.send(self.name(agency), value, **more).get(20)
        producer.close()

    async def take(self, record: Record, tx: Transaction) -> None:
        agency = record.topic.removeprefix(f"partner.{self.mark}-").removesuffix(".inbound")
        if agency in self.waits:
            raise TryLater
        tx.after_commit(lambda: self.taken.append((agency, record.value)))

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Flow]:
        reactions = Reactions("ground")
        reactions.intake(rf"partner\.{self.mark}-[^.]+\.inbound$", self.take)
        async with self.here.database() as database:
            reader: Reader = self.here.reader(database, reactions)
            async with self.here.running(reader):
                yield reader.flows[INBOUND]

    async def has_taken(self, *expected: tuple[str, bytes]) -> None:
        async def so() -> bool:
            return sorted(self.taken) == sorted(expected)

        await until(so)

    async def holds_only(self, flow: Flow, *agencies: str) -> None:
        async def so() -> bool:
            return {place.topic for place in flow.holds} == {self.name(agency) for agency in agencies}

        await until(so)


@pytest.fixture
async def shore(stack: Stack) -> Shore:
    return Shore(await ground(stack))


async def test_the_topic_of_an_agency_that_comes_while_we_run_is_read_and_what_was_taken_is_not_taken_again(
    shore: Shore,
) -> None:
    async with shore.reading():
        await shore.topic("first")
        await shore.publish("first", b"one")
        await shore.has_taken(("first", b"one"))
        await shore.topic("second")
        await shore.publish("second", b"two")
        await shore.has_taken(("first", b"one"), ("second", b"two"))
        await shore.publish("first", b"three")
        await shore.has_taken(("first", b"one"), ("second", b"two"), ("first", b"three"))


async def test_what_one_agencys_record_waits_for_holds_up_no_other_agency(shore: Shore) -> None:
    agencies = ("one", "two", "three")
    for agency in agencies:
        await shore.topic(agency)
        await shore.publish(agency, b"a", b"b")  # so that one poll brings all of them
    shore.waits.add("two")
    async with shore.reading() as flow:
        others = [(agency, value) for agency in ("one", "three") for value in (b"a", b"b")]
        await shore.has_taken(*others)
        await shore.holds_only(flow, "two")
        await shore.publish("one", b"c")
        await shore.has_taken(*others, ("one", b"c"))
        shore.waits.clear()
        await shore.has_taken(*others, ("one", b"c"), ("two", b"a"), ("two", b"b"))
        await shore.holds_only(flow)


async def test_a_record_that_cannot_be_read_holds_its_agencys_topic_alone_and_loses_nothing_before_it(
    shore: Shore,
) -> None:
    agencies = ("one", "two", "three")
    for agency in agencies:
        await shore.topic(agency)
        await shore.publish(agency, b"a")
    await shore.publish("two", b"never", headers=[(Unreadable(), b"")])
    async with shore.reading() as flow:
        await shore.has_taken(*((agency, b"a") for agency in agencies))
        await shore.holds_only(flow, "two")
        values = [b"%d" % number for number in range(300)]
        await shore.publish("three", *values)
        await shore.has_taken(*((agency, b"a") for agency in agencies), *(("three", value) for value in values))
        await shore.holds_only(flow, "two")
