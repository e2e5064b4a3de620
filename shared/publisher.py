"""Publishes sequenced facts in their order, through aiokafka's own producer, and says how far it has got.

A window holds one Kafka batch for each partition, and the next window waits for it. A broker takes a batch whole or
not at all, so nothing can reach a partition before what comes earlier there: a send that fails leaves no gap.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import MessageSizeTooLargeError, RecordListTooLargeError
from opentelemetry import trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from contracts.envelope import CONTENT_TYPE
from shared.database import Database
from shared.producing import deliver, in_order
from shared.sequencer import BATCH, Sequenced

OFFERED = 4  # batches kept in memory; what is beyond them lies in the table
LONGEST_PAUSE = 5.0

log = logging.getLogger(__name__)
tracer = trace.get_tracer(__name__)
_trace_context = TraceContextTextMapPropagator()

# Fact by fact, or the planner might read the whole log for every batch.
_BEHIND = f"""
    select s.position, s.fact, s.topic, s.partition, s.previous, s.hash, f.key, f.event, f.traceparent
    from (select * from sequence where position > $1 order by position limit {BATCH}) s
    cross join lateral (select key, event, traceparent from fact where id = s.fact limit 1) f
    order by s.position
"""  # noqa: S608 - a number of ours


class Publisher:
    """`acknowledged` is the last position that Kafka has, with all before it; `progress` is set when it moves."""

    def __init__(
        self, service: str, database: Database, producer_settings: Mapping[str, Any], *, acknowledged: int, known: int
    ) -> None:
        self.acknowledged = acknowledged
        self.progress = asyncio.Event()
        self._service = service.encode()
        self._database = database
        self._settings = producer_settings
        self._known = known
        self._offered: deque[list[Sequenced]] = deque()
        self._arrived = asyncio.Event()
        self._delivered: dict[tuple[str, int], int] = {}
        self._largest_window = BATCH

    def offer(self, batch: list[Sequenced]) -> None:
        """Hand over what was just sequenced. What is more than it can hold now, it reads from the table later."""
        if len(self._offered) < OFFERED:
            self._offered.append(batch)
        self._known = batch[-1].position
        self._arrived.set()

    async def run(self) -> None:
        """Publish for ever. While Kafka is away, or refuses, try again with growing pauses; never skip."""
        pause = 0.1
        while True:
            before = self.acknowledged
            try:
                await self._publish()
            except Exception as error:
                if self.acknowledged > before:
                    pause = 0.1
                log.warning("publishing stopped after position %s: %s", self.acknowledged, type(error).__name__)
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _publish(self) -> None:
        async with in_order(self._settings) as producer:
            while True:
                batch = await self._next()
                while batch:
                    window = await self._send(producer, batch)
                    self._acknowledge(batch[window - 1].position)
                    batch = batch[window:]

    async def _next(self) -> Sequence[Sequenced]:
        while True:
            self._arrived.clear()
            while self._offered and self._offered[0][-1].position <= self.acknowledged:
                self._offered.popleft()
            if self._offered and self._offered[0][0].position <= self.acknowledged + 1:
                batch = self._offered[0]
                return batch[self.acknowledged + 1 - batch[0].position :]
            if self._known > self.acknowledged:
                return await self._behind()
            await self._arrived.wait()

    async def _behind(self) -> Sequence[Sequenced]:
        async with self._database.transaction() as tx:
            rows = await tx.driver.fetch(_BEHIND, self.acknowledged)
        return [
            Sequenced(position, fact, topic, partition, previous, digest, key.encode(), event, traceparent)
            for position, fact, topic, partition, previous, digest, key, event, traceparent in rows
        ]

    async def _send(self, producer: AIOKafkaProducer, batch: Sequence[Sequenced]) -> int:
        """Send as many of the first records as one window holds; returns their number once all are acknowledged."""
        began = time.time_ns()
        builders: dict[tuple[str, int], Any] = {}
        ends: dict[tuple[str, int], int] = {}
        window = 0
        for record in batch[: self._largest_window]:
            place = (record.topic, record.partition)
            if record.position > self._delivered.get(place, 0):  # its neighbours may have failed in the last window
                builder = builders.get(place) or builders.setdefault(place, producer.create_batch())
                headers = self._headers(record)
                if builder.append(timestamp=None, key=record.key, value=record.value, headers=headers) is None:
                    break
                ends[place] = record.position
            window += 1
        outcomes = await asyncio.gather(
            *(deliver(producer, builder, *place) for place, builder in builders.items()), return_exceptions=True
        )
        failure = None
        for place, outcome in zip(builders, outcomes, strict=True):
            if isinstance(outcome, BaseException):
                failure = outcome
            else:
                self._delivered[place] = ends[place]
        if failure is not None:
            if isinstance(failure, MessageSizeTooLargeError | RecordListTooLargeError):
                self._largest_window = max(1, window // 2)
            raise failure
        self._largest_window = min(self._largest_window + 1, BATCH)
        self._trace(batch[:window], began)
        return window

    def _acknowledge(self, position: int) -> None:
        self.acknowledged = position
        self.progress.set()

    def _headers(self, record: Sequenced) -> list[tuple[str, bytes]]:
        headers = [
            ("content-type", CONTENT_TYPE.encode()),
            ("producer", self._service),
            ("position", b"%d" % record.position),
            ("previous", b"%d" % record.previous),
            ("hash", record.hash.hex().encode()),
        ]
        if record.traceparent:
            headers.append(("traceparent", record.traceparent.encode()))
        return headers

    def _trace(self, records: Sequence[Sequenced], began: int) -> None:
        """A span for each trace and topic: what one request gave rise to mostly goes out together."""
        together: dict[tuple[str, str], list[int]] = {}
        for record in records:
            if record.traceparent and _is_kept(record.traceparent):
                together.setdefault((record.traceparent, record.topic), []).append(record.position)
        for (traceparent, topic), positions in together.items():
            attributes: dict[str, str | int] = {
                "messaging.destination.name": topic,
                "messaging.batch.message_count": len(positions),
                "position": positions[-1],
            }
            context = _trace_context.extract({"traceparent": traceparent})
            tracer.start_span("publish", context, start_time=began, attributes=attributes).end()


def _is_kept(traceparent: str) -> bool:
    """Whether the trace is sampled: one bit of its flags, beside which others may be set (W3C Trace Context)."""
    return bool(int(traceparent[-2:], 16) & 1)
