"""One topic's flow into a service: which partitions are held, where something is missing, and what is committed."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiokafka import TopicPartition
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.errors import ConsumerStoppedError, CorruptRecordException, KafkaError

from shared.consumer.errors import reason_of
from shared.consumer.positions import Source
from shared.consumer.records import Record

log = logging.getLogger(__name__)

RETRY_SECONDS = (0.05, 0.2, 0.5, 1.0, 2.0, 5.0)
"""How long a partition is held before each further try; the last for ever."""


Ends = Callable[[Collection[TopicPartition]], Awaitable[Mapping[TopicPartition, int]]]
"""Asks the broker for the ends of partitions, over a connection that nothing waits in."""

CAREFUL_POLLS = 1000
"""How many polls take one record each after one that could not be read."""


@dataclass(frozen=True)
class Passed:
    """What one transaction came to: the new position by source, and the first record behind each gap it met."""

    moved: Mapping[Source, int]
    gaps: Mapping[Source, Record]


@dataclass
class Hold:
    """A partition that is read no further until time has mended what stands in the way."""

    why: str
    tries: int = 0
    since: float = field(default_factory=time.monotonic)
    timer: asyncio.TimerHandle | None = None


@dataclass(frozen=True)
class Gap:
    """A record that names a predecessor which was never seen; from it on nothing of its source is applied."""

    offset: int
    position: int
    needs: int


class Flow(ConsumerRebalanceListener):  # type: ignore[misc]
    """Keeps one topic's consumer where the database is. Polling goes on meanwhile, so the group is never left.

    A gap is looked for once from the beginning of the partition, then awaited at its end: the relay that lost a send
    publishes it again behind what it should have preceded. Nothing skipped is kept in memory; it is read again.
    """

    def __init__(self, topic: str) -> None:
        self.topic = topic
        self.holds: dict[int, Hold] = {}
        self.gaps: dict[Source, Gap] = {}
        self.assigned = False
        self.taking = 0
        self.ends: Ends | None = None
        self._consumer: Any = None
        self._careful = 0
        self._delivered: dict[int, int] = {}
        self._rewound: dict[int, int] = {}
        self._reached: dict[int, int] = {}

    async def poll(self, consumer: Any, seconds: float, limit: int) -> tuple[Any, ...]:
        """The next records. What cannot be read is neither skipped nor, with it, what was fetched before it.

        aiokafka gives up a whole poll at a record that it cannot read (a header whose name is no UTF-8, a wrong
        checksum), and with it what the same poll had taken from other partitions, whose positions have moved on by
        then. So all go back to where they were, and are read record by record up to the bad one, which holds its
        partition until somebody has dealt with it.
        """
        self._consumer = consumer
        try:
            fetched = await consumer.getmany(timeout_ms=int(seconds * 1000), max_records=1 if self._careful else limit)
        except Exception as error:
            if isinstance(error, ConsumerStoppedError) or (
                isinstance(error, KafkaError) and not isinstance(error, CorruptRecordException)
            ):
                raise  # FastStream's own loop copes with these
            log.error("a record cannot be read", extra={"topic": self.topic, "error": type(error).__name__})
            await self._go_back()
            await asyncio.sleep(seconds if self._careful else 0)
            self._careful = CAREFUL_POLLS
            return ()
        self._careful = max(0, self._careful - 1)
        for partition, run in fetched.items():
            self._delivered[partition.partition] = run[-1].offset + 1
            self._rewound.pop(partition.partition, None)
        return tuple(record for run in fetched.values() for record in run)

    async def _go_back(self) -> None:
        for partition in self._consumer.assignment():
            offset = self._delivered.get(partition.partition)
            if offset is None:
                offset = await self._consumer.committed(partition)
            self._seek(partition.partition, offset or 0)

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Another process may have these now: what is known of them here is void."""
        self.assigned = False
        for hold in self.holds.values():
            if hold.timer:
                hold.timer.cancel()
        self.holds.clear()
        self.gaps.clear()
        self._reached.clear()
        self._delivered.clear()
        self._rewound.clear()

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """From here on the flow may be quiet."""
        self.assigned = True

    def passed(self, partition: int, offset: int, outcome: Passed) -> None:
        """The database has everything of this partition below `offset`, but for what stands behind a gap."""
        self._reached[partition] = offset
        hold = self.holds.pop(partition, None)
        if hold:
            log.warning("a held partition goes on", extra=self._place(partition) | {"tries": hold.tries})
        for source, record in outcome.gaps.items():
            if source[1] == partition and source not in self.gaps:
                self._halt(source, record)
        for source, position in outcome.moved.items():
            gap = self.gaps.get(source)
            if gap and source[1] == partition and position >= gap.needs:
                del self.gaps[source]
                log.warning("a gap was filled", extra=self._place(partition) | {"producer": source[2]})
                self._seek(partition, gap.offset)
                self._rewound[partition] = gap.offset  # what was skipped is not in the database yet

    def hold(self, partition: int, offset: int, error: BaseException) -> None:
        """Read this partition no further, and its records from `offset` on again after a while."""
        hold = self.holds.setdefault(partition, Hold(reason_of(error)))
        hold.why = reason_of(error)
        if hold.tries in (0, 3) or hold.tries % 12 == 0:
            log.warning("a partition is held", extra=self._place(partition) | {"why": hold.why, "tries": hold.tries})
        try:
            self._consumer.pause(TopicPartition(self.topic, partition))
        except KafkaError:
            self.holds.pop(partition, None)  # it was taken away meanwhile; whoever has it reads it again
            return
        self._seek(partition, offset)
        delay = RETRY_SECONDS[min(hold.tries, len(RETRY_SECONDS) - 1)]
        hold.tries += 1
        hold.timer = asyncio.get_running_loop().call_later(delay, self._resume, partition)

    async def commit(self) -> None:
        """Commit what was reached, never past a gap. A commit that fails only brings repeats, which are skipped."""
        offsets = {
            TopicPartition(self.topic, partition): min([offset, *self._to_be_read_again(partition)])
            for partition, offset in self._reached.items()
        }
        self._reached.clear()
        if not offsets:
            return
        try:
            await self._consumer.commit(offsets)
        except KafkaError as error:
            log.warning("offsets were not committed", extra={"topic": self.topic, "error": type(error).__name__})

    def _to_be_read_again(self, partition: int) -> list[int]:
        skipped = [gap.offset for source, gap in self.gaps.items() if source[1] == partition]
        return [*skipped, *(offset for number, offset in self._rewound.items() if number == partition)]

    async def lag(self) -> int | None:
        """Signal: records on the partitions of this process that the database does not have yet; None if unknown."""
        consumer = self._consumer
        if not self.assigned:
            return None
        if consumer is None or not (mine := consumer.assignment()):
            return 0
        try:
            async with asyncio.timeout(3):
                # A consumer answers for itself only once the fetch that it waits in has ended, half a second later.
                ends = await (self.ends or consumer.end_offsets)(mine)
                behind: int = sum([end - await consumer.position(partition) for partition, end in ends.items()])
        except (KafkaError, TimeoutError):
            return None
        return max(0, behind) + self.taking

    def _halt(self, source: Source, record: Record) -> None:
        assert record.position is not None
        assert record.previous is not None
        self.gaps[source] = Gap(record.offset, record.position, record.previous)
        log.error(
            "a fact is missing: nothing behind it is applied",
            extra=self._place(record.partition)
            | {"producer": record.producer, "offset": record.offset, "missing": record.previous},
        )
        self._seek(record.partition, 0)

    def _seek(self, partition: int, offset: int) -> None:
        self._delivered[partition] = offset
        try:
            self._consumer.seek(TopicPartition(self.topic, partition), offset)
        except KafkaError:
            log.info("a partition was taken away", extra=self._place(partition))

    def _resume(self, partition: int) -> None:
        try:
            self._consumer.resume(TopicPartition(self.topic, partition))
        except KafkaError:
            self.holds.pop(partition, None)

    def _place(self, partition: int) -> dict[str, str | int]:
        return {"topic": self.topic, "partition": partition}
