"""What an agency sent leaves the broker's disk although the agency falls silent."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from nacl.public import PrivateKey

from infra.local.backbone import Backbone
from services.gateway.inbound import Emptying, Inbound, inbound_topic, taken_until
from services.gateway.rolling import Rolling
from shared.consumer.records import ROLL
from tests.faults.gateway.ground import POLICE, HandClock, gateway_database, ground
from tests.integration.test_gateway_intake_inbound import Shore, access, now_referral, until
from tests.stacks import Stack

TOPIC = inbound_topic(POLICE)
PLANTED = "Planted-on-the-disk"
SEGMENT_SECONDS = 0.5


@pytest.fixture(scope="module")
async def shore(stack: Stack) -> AsyncIterator[Shore]:
    service = await gateway_database(stack, "inbound_disk")
    async with (
        ground(service, PrivateKey.generate(), HandClock(datetime.now(UTC))) as opened,
        AIOKafkaProducer(**access(stack)) as producer,
    ):
        inbound = Inbound(opened.intake, lambda: opened.directory, opened.clock, opened.sealer)
        configs = {
            "message.timestamp.type": "LogAppendTime",
            "segment.ms": str(int(SEGMENT_SECONDS * 1000)),
            "file.delete.delay.ms": "1000",
        }
        shore = Shore(opened, inbound, producer, access(stack))
        async with admin_of(shore) as admin:
            await admin.delete_topics(inbound.topics())  # another module's, made otherwise
            for topic in inbound.topics():
                stack.create_topic(topic, 1, configs)
            yield shore
            await admin.delete_topics(inbound.topics())


@asynccontextmanager
async def admin_of(shore: Shore) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(**shore.access)
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()


def rolling(shore: Shore) -> Rolling:
    return Rolling(
        shore.ground.database,
        lambda: [TOPIC],
        lambda: AIOKafkaConsumer(**shore.access),
        lambda: AIOKafkaProducer(**shore.access),
        silent=SEGMENT_SECONDS * 2,
    )


async def ends(shore: Shore) -> tuple[int, int]:
    """Where the topic begins and ends."""
    place = TopicPartition(TOPIC, 0)
    async with AIOKafkaConsumer(**shore.access) as consumer:
        return (await consumer.beginning_offsets([place]))[place], (await consumer.end_offsets([place]))[place]


def on_disk(folder: Path) -> bool:
    found = False
    for file in folder.rglob("*"):
        try:
            found = found or (file.is_file() and PLANTED.encode() in file.read_bytes())
        except FileNotFoundError:
            continue  # the broker deletes meanwhile
    return found


async def test_what_was_taken_leaves_the_disk_of_an_agency_that_falls_silent_and_two_processes_write_one_marker(
    stack: Stack, shore: Shore
) -> None:
    if not isinstance(stack, Backbone):
        pytest.skip("this looks into the broker's own folder, which only the embedded stack shows")
    data = stack.home.folder / "kafka" / "data"
    database = shore.ground.database
    markers = [rolling(shore), rolling(shore)]
    async with shore.reading(), admin_of(shore) as admin:
        last = await shore.publish(now_referral(data={"summary": PLANTED}))
        await shore.receipt(last)
        assert on_disk(data)
        emptying = Emptying(database, lambda: [TOPIC], lambda: admin)

        async def gone() -> bool:
            for one in markers:
                await one.once()
                await asyncio.sleep(0.3)
            await emptying.once(admin)
            return not on_disk(data)

        await until(gone, 75)
        markers.append(rolling(shore))  # a process that starts anew
        for _ in range(8):
            await gone()
        assert await ends(shore) == (last + 2, last + 2), "one marker, and that one deleted too"


async def test_a_marker_is_no_submission_whoever_writes_it_and_what_follows_it_is_taken(shore: Shore) -> None:
    async with shore.reading():
        marker = await shore.producer.send_and_wait(TOPIC, None, key=ROLL)
        other = await shore.producer.send_and_wait(TOPIC, None, key=b"another")
        almost = [other.offset, await shore.publish(b"", key=ROLL)]
        sound = await shore.publish(now_referral())
        assert (await shore.receipt(sound)).status == "accepted"
        assert [(await shore.receipt(offset)).status for offset in almost] == ["refused"] * 2
        offsets = await shore.ground.rows("select inbound_offset from submission where inbound_offset is not null")
        assert marker.offset not in {row[0] for row in offsets}
        assert (await taken_until(shore.ground.database, [TOPIC]))[TOPIC] == sound + 1
