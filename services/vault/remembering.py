"""Erasures as facts on a topic of their own, read at each start: what no backup of the vault's databases can forget."""

import asyncio
import logging
from collections.abc import Mapping
from datetime import datetime
from uuid import uuid5

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from contracts.decoding import decode
from contracts.envelope import AnyEvent, Event, schema_urn
from contracts.vault import ERASURES, RecordErased
from services.vault.noticing import FACTS
from shared.london import london_date
from shared.telemetry import current_traceparent

log = logging.getLogger(__name__)


def erased(owner: str, partnership: str, at: datetime) -> AnyEvent:
    """The fact that a key was destroyed; the first and only one of its stream."""
    stream = f"erasure-{owner}"
    return Event[RecordErased](
        id=str(uuid5(FACTS, stream)),
        source="/services/vault",
        type="record.erased.v1",
        subject=owner,
        time=at,
        recordedtime=at,
        businessdate=london_date(at),
        dataschema=schema_urn("record.erased", 1, 0),
        traceparent=current_traceparent(),
        partnership=partnership,
        streamversion=1,
        data=RecordErased(owner=owner, erased_at=at),
    )


async def told_on_kafka(consumer: AIOKafkaConsumer, *, within: float) -> Mapping[str, datetime] | None:
    """Every owner that the topic says was erased, and when; None where it could not be read in so many seconds.

    `consumer` is not yet started, reads from the earliest record, and has no group.
    """
    try:
        async with asyncio.timeout(within):
            return await _read(consumer)
    except (KafkaError, TimeoutError, OSError) as away:
        log.warning("Kafka was not reached", extra={"error": type(away).__name__})
        return None


async def _read(consumer: AIOKafkaConsumer) -> Mapping[str, datetime]:
    found: dict[str, datetime] = {}
    await consumer.start()
    try:
        if ERASURES not in await consumer.topics():
            return {}  # no vault has ever published here
        place = TopicPartition(ERASURES, 0)  # it has one partition, as contracts.topics says
        consumer.assign([place])
        end = (await consumer.end_offsets([place]))[place]
        while await consumer.position(place) < end:
            for records in (await consumer.getmany(timeout_ms=200)).values():
                for record in records:
                    fact = decode(record.value or b"{}").data
                    if isinstance(fact, RecordErased):
                        found[fact.owner] = fact.erased_at
    finally:
        await consumer.stop()
    return found
