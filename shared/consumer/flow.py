"""A consumer's flow into a service: which partitions are held, where something is missing, and what is committed."""

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
"""For how many records a partition is read one by one, and alone, after one that could not be read."""

CAREFUL_SECONDS = 0.1
"""How long a poll waits while there are such partitions: what has come on them wakes nobody."""


COMMIT_SECONDS = 0.5
"""How long offsets may stay uncommitted. The positions in the database decide: what is read again is passed over."""


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
    """Keeps one consumer where the database is. Polling goes on meanwhile, so the group is never left.

    It reads one topic, or with a `pattern` every topic that matches it, those that are made later among them; then
    `name` is only what it is called. Whatever befalls a partition, no other waits for it.

    A gap is looked for once from the beginning of the partition, then awaited at its end: the relay that lost a send
    publishes it again behind what it should have preceded. Nothing skipped is kept in memory; it is read again.
    """

    def __init__(self, name: str, *, pattern: str | None = None) -> None:
        self.name = name
        self.pattern = pattern
        self.holds: dict[TopicPartition, Hold] = {}
        self.gaps: dict[Source, Gap] = {}
        self.assigned = False
        self.taking = 0
        self.ends: Ends | None = None
        self._consumer: Any = None
        self._careful: dict[TopicPartition, int] = {}
        self._delivered: dict[TopicPartition, int] = {}
        self._rewound: dict[TopicPartition, int] = {}
        self._reached: dict[TopicPartition, int] = {}
        self._committed = 0.0

    async def poll(self, consumer: Any, seconds: float, limit: int) -> tuple[Any, ...]:
        """The next records. What cannot be read is neither skipped nor, with it, what was fetched before it.

        aiokafka gives up a whole poll at a record that it cannot read (a header whose name is no UTF-8, a wrong
        checksum), and with it what the same poll had taken from other partitions, whose positions have moved on by
        then. So all go back to where they were, and each is read alone and record by record until the culprit is
        found. That one is held until somebody has dealt with it, and the others go on as before.
        """
        self._consumer = consumer
        if self._reached:  # as soon as that is due, whether or not something comes
            seconds = min(seconds, COMMIT_SECONDS)
            await self.commit()
        assigned = consumer.assignment()
        alone = [place for place in self._careful if place in assigned]
        fetched = await self._carefully(alone)
        wait = 0.0 if fetched else min(seconds, CAREFUL_SECONDS) if alone else seconds
        others = [place for place in assigned if place not in alone] if alone else []
        if alone and not others:
            await asyncio.sleep(wait)
            return self._took(fetched)
        try:
            fetched |= await consumer.getmany(*others, timeout_ms=int(wait * 1000), max_records=limit)
        except Exception as error:
            if not _unreadable(error):
                if fetched:
                    return self._took(fetched)  # its positions have moved on; the error comes again
                raise  # FastStream's own loop copes with these
            log.error("a record cannot be read", extra={"topic": self.name, "error": type(error).__name__})
            self._careful |= dict.fromkeys(assigned, CAREFUL_POLLS)
            for place in assigned:
                self._seek(place, await self._position(place))
            return ()
        return self._took(fetched)

    async def _carefully(self, alone: Iterable[TopicPartition]) -> dict[TopicPartition, list[Any]]:
        """One record of each of these partitions; that whose next record cannot be read is held."""
        fetched: dict[TopicPartition, list[Any]] = {}
        culprits = False
        for place in alone:
            try:
                fetched |= await self._consumer.getmany(place, max_records=1)
            except Exception as error:
                if not _unreadable(error):
                    if fetched:
                        break
                    raise
                self.hold(place, await self._position(place), error)
                culprits = True
            else:
                if place in fetched:
                    self._careful[place] -= 1
        if culprits:  # the others are cleared of suspicion
            self._careful = dict.fromkeys((place for place in self._careful if place in self.holds), CAREFUL_POLLS)
        self._careful = {place: left for place, left in self._careful.items() if left > 0}
        return fetched

    def _took(self, fetched: Mapping[TopicPartition, list[Any]]) -> tuple[Any, ...]:
        for place, run in fetched.items():
            self._delivered[place] = run[-1].offset + 1
            self._rewound.pop(place, None)
        return tuple(record for run in fetched.values() for record in run)

    async def _position(self, place: TopicPartition) -> int:
        offset = self._delivered.get(place)
        if offset is None:
            offset = await self._consumer.committed(place)
        return offset or 0

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
        self._careful.clear()

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """From here on the flow may be quiet."""
        self.assigned = True

    def passed(self, place: TopicPartition, offset: int, outcome: Passed) -> None:
        """The database has everything of this partition below `offset`, but for what stands behind a gap."""
        self._reached[place] = offset
        hold = self.holds.pop(place, None)
        if hold:
            log.warning("a held partition goes on", extra=_where(place) | {"tries": hold.tries})
        for source, record in outcome.gaps.items():
            if source[:2] == place and source not in self.gaps:
                self._halt(source, record)
        for source, position in outcome.moved.items():
            gap = self.gaps.get(source)
            if gap and source[:2] == place and position >= gap.needs:
                del self.gaps[source]
                log.warning("a gap was filled", extra=_where(place) | {"producer": source[2]})
                self._seek(place, gap.offset)
                self._rewound[place] = gap.offset  # what was skipped is not in the database yet

    def hold(self, place: TopicPartition, offset: int, error: BaseException) -> None:
        """Read this partition no further, and its records from `offset` on again after a while."""
        hold = self.holds.setdefault(place, Hold(reason_of(error)))
        hold.why = reason_of(error)
        if hold.tries in (0, 3) or hold.tries % 12 == 0:
            log.warning("a partition is held", extra=_where(place) | {"why": hold.why, "tries": hold.tries})
        try:
            self._consumer.pause(place)
        except KafkaError:
            self.holds.pop(place, None)  # it was taken away meanwhile; whoever has it reads it again
            return
        self._seek(place, offset)
        delay = RETRY_SECONDS[min(hold.tries, len(RETRY_SECONDS) - 1)]
        hold.tries += 1
        hold.timer = asyncio.get_running_loop().call_later(delay, self._resume, place)

    async def commit(self) -> None:
        """Commit what was reached, never past a gap, every so often: each commit costs the broker a record.

        One that fails only brings repeats, which are skipped.
        """
        if time.monotonic() - self._committed < COMMIT_SECONDS:
            return
        self._committed = time.monotonic()
        offsets = {place: min([offset, *self._to_be_read_again(place)]) for place, offset in self._reached.items()}
        self._reached.clear()
        if not offsets:
            return
        try:
            await self._consumer.commit(offsets)
        except KafkaError as error:
            log.warning("offsets were not committed", extra={"topic": self.name, "error": type(error).__name__})

    def _to_be_read_again(self, place: TopicPartition) -> list[int]:
        skipped = [gap.offset for source, gap in self.gaps.items() if source[:2] == place]
        return [*skipped, *([self._rewound[place]] if place in self._rewound else [])]

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
                behind: int = sum([end - await consumer.position(place) for place, end in ends.items()])
        except (KafkaError, TimeoutError):
            return None
        return max(0, behind) + self.taking

    def _halt(self, source: Source, record: Record) -> None:
        assert record.position is not None
        assert record.previous is not None
        self.gaps[source] = Gap(record.offset, record.position, record.previous)
        place = record.topic_partition
        log.error(
            "a fact is missing: nothing behind it is applied",
            extra=_where(place) | {"producer": record.producer, "offset": record.offset, "missing": record.previous},
        )
        self._seek(place, 0)

    def _seek(self, place: TopicPartition, offset: int) -> None:
        self._delivered[place] = offset
        try:
            self._consumer.seek(place, offset)
        except KafkaError:
            log.info("a partition was taken away", extra=_where(place))

    def _resume(self, place: TopicPartition) -> None:
        try:
            self._consumer.resume(place)
        except KafkaError:
            self.holds.pop(place, None)


def _unreadable(error: BaseException) -> bool:
    """Whether a poll failed at what a record holds, and not at the way to the broker."""
    if isinstance(error, ConsumerStoppedError):
        return False
    return isinstance(error, CorruptRecordException) or not isinstance(error, KafkaError)


def _where(place: TopicPartition) -> dict[str, str | int]:
    return {"topic": place.topic, "partition": place.partition}
