"""The one way a service of ours listens to Kafka: FastStream, with the defaults that lose messages turned off."""

import dataclasses
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from faststream import AckPolicy, StreamMessage
from faststream.kafka import KafkaBroker, KafkaMessage
from faststream.kafka.subscriber.usecase import BatchSubscriber
from faststream.security import BaseSecurity

from shared.consumer.flow import Flow

POLL_SECONDS = 1.0
"""How long one poll waits for records. It returns at the first."""

NEW_TOPICS_MS = 10_000
"""How often a consumer looks whether topics have come that match its pattern."""

FETCHER_LOOKS_MS = 2_000
"""How often aiokafka's fetcher looks round unasked (by default five times a second): whatever it waits for wakes it."""

Handle = Callable[[KafkaMessage], Awaitable[None]]

log = logging.getLogger(__name__)


def kafka_broker(servers: str, *, security: BaseSecurity | None = None, client_id: str = "") -> KafkaBroker:
    """A broker whose subscribers read every record, whatever its headers. It makes no topics."""
    logging.getLogger("aiokafka").setLevel(logging.INFO)  # at DEBUG it writes out whole records
    return KafkaBroker(
        [server.strip() for server in servers.split(",")],
        security=security,
        client_id=client_id,
        parser=without_unreadable_headers,
        decoder=as_bytes,
        consumer_only=True,  # a service speaks through its log and relay alone
        allow_auto_create_topics=False,
        metadata_max_age_ms=NEW_TOPICS_MS,
        logger=log,
        log_level=logging.DEBUG,
        graceful_timeout=10,
    )


def listen(
    broker: KafkaBroker,
    handle: Handle,
    *,
    group: str,
    flow: Flow,
    instance: str | None = None,
    batch: int = 500,
    idle_ms: int = 500,
    session_timeout_ms: int = 10_000,
    max_poll_interval_ms: int = 300_000,
) -> BatchSubscriber:
    """Every subscriber is made here. `handle` commits the offsets itself, after the database, and never raises.

    An `instance` of a stable name that comes back need not wait until its dead self is given up by the group.
    `idle_ms` is how long the broker keeps a fetch that finds nothing; a partition taken up again may wait for it.
    """
    subscriber: Any = broker.subscriber(
        *(() if flow.pattern else (flow.name,)),
        pattern=flow.pattern,
        group_id=group,
        group_instance_id=instance,
        batch=True,
        max_records=batch,
        batch_timeout_ms=int(POLL_SECONDS * 1000),
        auto_offset_reset="earliest",
        ack_policy=AckPolicy.MANUAL,
        no_reply=True,
        listener=flow,
        fetch_max_wait_ms=idle_ms,
        consumer_timeout_ms=FETCHER_LOOKS_MS,
        session_timeout_ms=session_timeout_ms,
        heartbeat_interval_ms=session_timeout_ms // 3,
        max_poll_interval_ms=max_poll_interval_ms,
        title=group,
    )

    async def next_batch(consumer: Any) -> tuple[Any, ...]:
        # FastStream's own sleeps a whole poll more after an empty one: up to a second late for what comes meanwhile.
        return await flow.poll(consumer, POLL_SECONDS, batch)

    async def records(message: KafkaMessage) -> None:
        await handle(message)

    subscriber.get_msg = next_batch
    subscriber.made_by_listen = True
    subscriber(records)
    return subscriber  # type: ignore[no-any-return]


def strays(broker: KafkaBroker) -> list[Any]:
    """Subscribers that were not made by `listen`, and so lose messages."""
    return [subscriber for subscriber in broker.subscribers if not getattr(subscriber, "made_by_listen", False)]


async def without_unreadable_headers(
    raw: Any, parse: Callable[[Any], Awaitable[StreamMessage[Any]]]
) -> StreamMessage[Any]:
    """FastStream never calls the handler of a record whose headers it cannot decode (its issue 2458): drop those."""
    if isinstance(raw, tuple):
        return await parse(tuple(_readable(record) for record in raw))
    return await parse(_readable(raw))


def _readable(record: Any) -> Any:
    kept = tuple((name, value) for name, value in record.headers if value is not None and _is_utf8(value))
    return record if len(kept) == len(record.headers) else dataclasses.replace(record, headers=kept)


def _is_utf8(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


async def as_bytes(message: StreamMessage[Any]) -> Any:
    """Nothing is decoded here: what cannot be is parked by the reader, and FastStream's errors would show values."""
    return message.body
