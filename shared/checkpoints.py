"""Daily checkpoints of a log's hash chain, on a topic of their own where no single database's owner can reach them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from shared.database import Database

TOPIC = "safeguarding.checkpoints"


class Checkpoint(BaseModel):
    """The hash that a service's chain had at a position. `at` is real time."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    service: str
    position: int = Field(ge=1)
    hash: str = Field(pattern=r"^[0-9a-f]{64}$")
    at: AwareDatetime


async def checkpoint(
    service: str, database: Database, producer_settings: Mapping[str, Any], *, topic: str = TOPIC
) -> Checkpoint | None:
    """Publish today's (UTC) checkpoint of what is published, unless that is done or nothing has come since the last.

    One that is sent twice does no harm. Raises what PostgreSQL and Kafka raise when they are away.
    """
    at = datetime.now(UTC)
    async with database.transaction() as tx:
        row = await tx.driver.fetchrow(
            """
            select s.position, s.hash from published p join sequence s on s.position = p.position
            where not exists (select from checkpoint c where c.day = $1 or c.position = s.position)
            """,
            at.date(),
        )
    if row is None:
        return None
    made = Checkpoint(service=service, position=row["position"], hash=row["hash"].hex(), at=at)
    async with AIOKafkaProducer(**producer_settings, enable_idempotence=True, acks="all") as producer:
        headers = [("content-type", b"application/json"), ("producer", service.encode())]
        await producer.send_and_wait(topic, made.model_dump_json().encode(), key=service.encode(), headers=headers)
    async with database.transaction() as tx:
        await tx.driver.execute(
            "insert into checkpoint (day, position, hash) values ($1, $2, $3) on conflict do nothing",
            at.date(),
            row["position"],
            row["hash"],
        )
    return made


async def read_checkpoints(
    service: str, consumer_settings: Mapping[str, Any], *, topic: str = TOPIC
) -> tuple[Checkpoint, ...]:
    """A service's checkpoints as the topic has them, oldest first."""
    found: list[Checkpoint] = []
    consumer = AIOKafkaConsumer(**consumer_settings, group_id=None, auto_offset_reset="earliest")
    await consumer.start()
    try:
        place = TopicPartition(topic, 0)  # it has one partition, as contracts.topics says
        consumer.assign([place])
        end = (await consumer.end_offsets([place]))[place]
        while await consumer.position(place) < end:
            for records in (await consumer.getmany(timeout_ms=200)).values():
                found += [Checkpoint.model_validate_json(r.value) for r in records if r.key == service.encode()]
    finally:
        await consumer.stop()
    return tuple(sorted(found, key=lambda one: one.position))
