"""Gets what was taken off the broker's disk: a marker behind the last record of a topic that has fallen silent.

Kafka deletes whole segments only, and never the one that it still writes to; it begins another when a record comes
whose predecessor there is older than `segment.ms`. If the agency sends nothing more, somebody else must.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from services.gateway.inbound import EMPTY_EVERY, Topics, agency_of, taken_until
from shared.consumer.records import ROLL
from shared.database import Database, driver_of

log = logging.getLogger(__name__)

SILENT_SECONDS = 65.0
"""Longer than an inbound topic's `segment.ms` in infra/kafka/declared.toml, which is on the broker's clock."""


class Rolling:
    """Writes one marker behind the last record of each topic, once nothing has come for `silent` seconds.

    Any process may: it does so only where an agency's record is the last, and then a marker is. Two that do so at the
    same moment write two.
    """

    def __init__(
        self,
        database: Database,
        topics: Topics,
        consumer: Callable[[], AIOKafkaConsumer],
        producer: Callable[[], AIOKafkaProducer],
        *,
        silent: float = SILENT_SECONDS,
    ) -> None:
        self._database = database
        self._topics = topics
        self._consumer = consumer
        self._producer = producer
        self._silent = silent
        self._seen: dict[str, tuple[int, float]] = {}
        self._settled: dict[str, int] = {}
        self._overtaken: set[str] = set()

    async def run(self) -> None:
        """Looks every few seconds until cancelled; with Kafka or the database away it goes on when they are back."""
        while True:
            try:
                await self.once()
            except Exception as failure:  # either may be away
                log.warning("taken records may still be on disk", extra={"error": type(failure).__name__})
            await asyncio.sleep(EMPTY_EVERY)

    async def once(self) -> None:
        """One look at every topic. Raises KafkaError, TimeoutError."""
        reached = await taken_until(self._database, self._topics())
        quiet = {topic: offset for topic, offset in reached.items() if offset and self._is_quiet(topic, offset)}
        due = {topic: offset for topic, offset in quiet.items() if await self._agency_was_last(topic, offset)}
        self._settled |= {topic: offset for topic, offset in quiet.items() if topic not in due}
        if due:
            ends = await self._ends(due)
            await self._mark({topic: offset for topic, offset in due.items() if ends[topic] == offset})

    def _is_quiet(self, topic: str, offset: int) -> bool:
        # Counted from when this process saw it, so that no difference between two machines' clocks matters.
        now = time.monotonic()
        seen, since = self._seen.get(topic, (None, now))
        if seen != offset:
            self._seen[topic] = (offset, now)
            return False
        return now - since > self._silent and self._settled.get(topic) != offset

    async def _agency_was_last(self, topic: str, offset: int) -> bool:
        """A marker leaves no trace; what an agency sent has a receipt, or was parked."""
        if topic in self._overtaken:
            return True
        async with self._database.reading() as connection:
            driver = await driver_of(connection)
            last: bool = await driver.fetchval(
                """
                select exists (select from submission where agency = $1 and inbound_offset = $3)
                    or exists (select from reader_parked where topic = $2 and partition = 0 and "offset" = $3)
                """,
                agency_of(topic),
                topic,
                offset - 1,
            )
        return last

    async def _ends(self, topics: Mapping[str, int]) -> dict[str, int]:
        consumer = self._consumer()
        try:
            async with asyncio.timeout(10):
                await consumer.start()
                ends = await consumer.end_offsets([TopicPartition(topic, 0) for topic in topics])
        finally:
            await consumer.stop()
        return {place.topic: end for place, end in ends.items()}

    async def _mark(self, topics: Mapping[str, int]) -> None:
        if not topics:
            return
        producer = self._producer()
        try:
            async with asyncio.timeout(10):
                await producer.start()
            for topic, offset in topics.items():
                try:
                    async with asyncio.timeout(10):
                        marker = await producer.send_and_wait(topic, None, key=ROLL, partition=0)
                except KafkaError as failure:  # it may stand there all the same, and then it is the last
                    log.warning("a marker was not written", extra={"topic": topic, "error": type(failure).__name__})
                    continue
                self._settled[topic] = marker.offset + 1 if marker.offset == offset else offset
                # A record that came between began the new segment itself, and lies there before the marker.
                (self._overtaken.discard if marker.offset == offset else self._overtaken.add)(topic)
        finally:
            await producer.stop()
