"""The producer wherever order counts: idempotent, in batches of our own making, never left running."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.producer.transaction_manager import PidAndEpoch

BATCH_BYTES = 900_000  # a broker refuses batches over 1 MiB unless told otherwise

START_SECONDS = 15.0
"""A client that meets its broker just as that goes away knows of no other, and would look for one for ever."""

_stopping: set["asyncio.Task[None]"] = set()


Successor = Callable[[int], Awaitable[tuple[int, int]]]
"""Given the id that Kafka gave a producer just now: the id and epoch by which it shall go instead."""


@asynccontextmanager
async def in_order(settings: Mapping[str, Any], successor: Successor | None = None) -> AsyncIterator[AIOKafkaProducer]:
    """A fresh producer: after a failed send an idempotent one is out of step with its broker, so take another.

    With `successor` it goes by the id of the one before it, and the next epoch: what it has once written to, the broker
    lets no earlier epoch write to, however long that was paused. (Java's producer raises its epoch itself in this way,
    KIP-360; a transactional id would fence as well, at two more requests a batch.)
    Raises KafkaError, or TimeoutError where it could not begin, and what `successor` raises.
    """
    producer = AIOKafkaProducer(
        **settings, enable_idempotence=True, acks="all", max_batch_size=BATCH_BYTES, linger_ms=0
    )
    try:
        async with asyncio.timeout(START_SECONDS):
            await producer.start()
            if successor:
                await _succeed(producer, successor)
        yield producer
    finally:
        # It first sends what it has in hand; with Kafka away it goes on trying, and nobody need wait for that:
        # what arrives late is a repeat. Cancelled, it would leave its own sender running for ever.
        stopping = asyncio.create_task(producer.stop())
        _stopping.add(stopping)
        stopping.add_done_callback(_stopping.discard)
        await asyncio.wait([stopping], timeout=2)


async def _succeed(producer: AIOKafkaProducer, successor: Successor) -> None:
    """aiokafka has no public way to set them, short of transactions. Nothing was sent yet, so no number is in use."""
    manager = producer._txn_manager
    await manager.wait_for_pid()
    manager._pid_and_epoch = PidAndEpoch(*await successor(manager.producer_id))


async def deliver(producer: AIOKafkaProducer, builder: Any, topic: str, partition: int) -> int:
    """Send a batch, which a broker takes whole or not at all; the offset of its first record. Raises KafkaError."""
    acknowledged = await (await producer.send_batch(builder, topic, partition=partition))
    return int(acknowledged.offset)
