"""The way in over Kafka, on the real broker: taken as over HTTPS, found by its offset, and gone from the topic."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from faststream.security import SASLScram512
from nacl.public import PrivateKey

from services.gateway import receipts
from services.gateway.inbound import Drained, Emptying, Inbound, inbound_topic
from services.gateway.receipts import Receipt
from shared.consumer import Parking, Reactions, Reader, kafka_broker
from tests.faults.gateway.ground import COUNCIL, POLICE, Ground, HandClock, event, gateway_database, ground, referral
from tests.retiring import retired
from tests.stacks import Stack

TOPIC = inbound_topic(POLICE)


def access(stack: Stack) -> dict[str, Any]:
    kafka = stack.kafka
    return {
        "bootstrap_servers": kafka.bootstrap,
        "security_protocol": kafka.security_protocol,
        "sasl_mechanism": kafka.sasl_mechanism,
        "sasl_plain_username": kafka.admin_username,
        "sasl_plain_password": kafka.admin_password,
    }


@dataclass
class Shore:
    """A gateway process that reads inbound topics, and an agency that writes one."""

    ground: Ground
    inbound: Inbound
    producer: AIOKafkaProducer
    access: dict[str, Any]

    async def publish(self, value: Any, agency: str = POLICE, **more: Any) -> int:
        content = value if isinstance(value, bytes) else orjson.dumps(value)
        sent = await self.producer.send_and_wait(inbound_topic(agency), content, **more)
        return int(sent.offset)

    async def receipt(self, offset: int, agency: str = POLICE) -> Receipt:
        async def found() -> Receipt | None:
            async with self.ground.database.reading() as connection:
                return await receipts.at_offset(connection, agency, offset)

        receipt: Receipt = await until(found)
        return receipt

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[None]:
        react = Reactions("gateway")
        self.inbound.register(react)
        parking = Parking(self.ground.sealer)
        reader = Reader(self.ground.place, self.ground.database, react, parking)
        sasl = SASLScram512(self.access["sasl_plain_username"], self.access["sasl_plain_password"])
        broker = kafka_broker(self.access["bootstrap_servers"], security=sasl)
        reader.subscribe(broker)
        await broker.start()
        try:
            yield
        finally:
            await broker.stop()

    async def first_offset(self) -> int:
        async with AIOKafkaConsumer(**self.access) as consumer:
            place = TopicPartition(TOPIC, 0)
            return int((await consumer.beginning_offsets([place]))[place])


async def until(found: Callable[[], Awaitable[Any]], seconds: float = 40) -> Any:
    async with asyncio.timeout(seconds):
        while not (value := await found()):  # noqa: ASYNC110 (what is awaited happens in a database)
            await asyncio.sleep(0.05)
    return value


@pytest.fixture(scope="module")
async def shore(stack: Stack) -> AsyncIterator[Shore]:
    service = await gateway_database(stack, "inbound")
    async with (
        ground(service, PrivateKey.generate(), HandClock(datetime.now(UTC))) as opened,
        AIOKafkaProducer(**access(stack)) as producer,
    ):
        inbound = Inbound(opened.intake, lambda: opened.directory, opened.clock, opened.sealer)
        for topic in inbound.topics():
            stack.create_topic(topic, 1, {"message.timestamp.type": "LogAppendTime"})
        yield Shore(opened, inbound, producer, access(stack))


def now_referral(**more: Any) -> dict[str, Any]:
    at = datetime.now(UTC)
    occurrence = {"dateFrom": (at - timedelta(days=2)).date().isoformat(), "location": "Place A"}
    data = {"occurrence": occurrence} | more.pop("data", {})
    return referral(at=at, data=data, **more)


async def test_what_an_agency_publishes_is_taken_as_over_https_at_the_brokers_time(shore: Shore) -> None:
    before = datetime.now(UTC)
    long_ago = int((before - timedelta(days=30)).timestamp() * 1000)
    async with shore.reading():
        value = now_referral()
        receipt = await shore.receipt(await shore.publish(value, timestamp_ms=long_ago))
        assert receipt.status == "accepted", receipt.faults
        assert receipt.arrived_at >= before - timedelta(seconds=1)
        facts = await shore.ground.facts(str(receipt.incident))
        assert facts[0].agency == POLICE
        assert facts[0].data.authority_told_at == receipt.arrived_at


async def test_one_message_by_both_ways_is_one_submission(shore: Shore) -> None:
    value = now_referral()
    (taken,) = await shore.ground.take(value)
    assert taken.receipt is not None
    async with shore.reading():
        offset = await shore.publish(value)
        assert (await shore.receipt(offset)).submission == taken.receipt.submission
        other = await shore.publish(value | {"data": value["data"] | {"summary": "Phrase B"}})
        assert [fault.rule for fault in (await shore.receipt(other)).faults] == ["id-used"]


async def test_what_cannot_be_read_is_refused_and_quarantined_and_blocks_nothing(shore: Shore) -> None:
    async with shore.reading():
        broken = await shore.publish(b"\xff Child A {")
        header = await shore.publish(b"null", headers=[("x", None)])
        impostor = await shore.publish(now_referral(agency=COUNCIL))
        sound = await shore.publish(now_referral())
        assert (await shore.receipt(sound)).status == "accepted"
        for offset, rule in ((broken, "malformed-json"), (header, "dict-type"), (impostor, "not-your-source")):
            receipt = await shore.receipt(offset)
            assert (receipt.status, receipt.faults[0].rule) == ("refused", rule)
        kept = [item for parcel in await shore.ground.opened() for item in parcel["items"]]
        quarantined = {item["value"]["origin"]["offset"]: item for item in kept if item["kind"] == "quarantine"}
        assert {broken, header, impostor} <= set(quarantined)
        assert "Child A" not in str(await shore.ground.rows("select * from submission"))


async def test_a_retired_version_is_refused_as_over_https_with_those_there_are(shore: Shore) -> None:
    with retired("notification.amended", 1):
        async with shore.reading():
            offset = await shore.publish(event("notification.amended.v1", {}, agency=COUNCIL), COUNCIL)
            receipt = await shore.receipt(offset, COUNCIL)
    assert (receipt.status, receipt.http_status) == ("refused", 422)
    assert [(fault.rule, fault.allowed) for fault in receipt.faults] == [
        ("unknown-type", ("notification.amended.v2",)),
    ]


async def test_records_are_deleted_up_to_what_was_taken_and_never_further(shore: Shore) -> None:
    async with shore.reading():
        taken = await shore.publish(now_referral())
        await shore.receipt(taken)
    waiting = await shore.publish(now_referral())
    admin = AIOKafkaAdminClient(**shore.access)
    await admin.start()
    try:
        await Emptying(shore.ground.database, lambda: [TOPIC], lambda: admin).once(admin)
    finally:
        await admin.close()
    assert await shore.first_offset() == taken + 1 == waiting
    async with shore.reading():
        assert (await shore.receipt(waiting)).status == "accepted"


async def test_the_tick_is_told_when_everything_that_arrived_in_time_has_been_taken(shore: Shore) -> None:
    shore.ground.clock.shows = datetime.now(UTC)
    midnight = shore.ground.clock.now()
    drained = Drained(
        shore.ground.database, shore.ground.clock, shore.inbound.topics, lambda: AIOKafkaConsumer(**shore.access)
    )
    try:
        late = await shore.publish(now_referral())
        assert not await drained.inbound_drained(midnight + timedelta(minutes=1))
        assert not await drained.inbound_drained(midnight)
        async with shore.reading():
            await shore.receipt(late)
            assert await drained.inbound_drained(midnight)
        await shore.publish(now_referral())
        assert await drained.inbound_drained(midnight), "what came later puts nothing off"
    finally:
        await drained.close()
