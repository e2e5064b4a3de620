"""The producer wherever order counts: idempotent, in batches of our own making, never left running."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaProducer

BATCH_BYTES = 900_000  # a broker refuses batches over 1 MiB unless told otherwise

START_SECONDS = 15.0
"""A client that meets its broker just as that goes away knows of no other, and would look for one for ever."""

_stopping: set["asyncio.Task[None]"] = set()


@asynccontextmanager
async def in_order(settings: Mapping[str, Any]) -> AsyncIterator[AIOKafkaProducer]:
    """A fresh producer: after a failed send an idempotent one is out of step with its broker, so take another.

    Raises KafkaError, or TimeoutError where it could not begin.
    """
    producer = AIOKafkaProducer(
        **settings, enable_idempotence=True, acks="all", max_batch_size=BATCH_BYTES, linger_ms=0
    )
    try:
        async with asyncio.timeout(START_SECONDS):
            await producer.start()
        yield producer
    finally:
        # It first sends what it has in hand; with Kafka away it goes on trying, and nobody need wait for that:
        # what arrives late is a repeat. Cancelled, it would leave its own sender running for ever.
        stopping = asyncio.create_task(producer.stop())
        _stopping.add(stopping)
        stopping.add_done_callback(_stopping.discard)
        await asyncio.wait([stopping], timeout=2)


async def deliver(producer: AIOKafkaProducer, builder: Any, topic: str, partition: int) -> int:
    """Send a batch, which a broker takes whole or not at all; the offset of its first record. Raises KafkaError."""
    acknowledged = await (await producer.send_batch(builder, topic, partition=partition))
    return int(acknowledged.offset)
