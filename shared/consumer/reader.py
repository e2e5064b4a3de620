"""Kafka to reaction, exactly once in effect: a batch a transaction, the position beside its effects, offsets after."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter
from typing import Any

from aiokafka import TopicPartition
from faststream.kafka import KafkaBroker, KafkaMessage
from opentelemetry.trace import SpanKind

from contracts import catalogue
from contracts.catalogue import UnknownType
from contracts.decoding import decode
from contracts.envelope import AnyEvent
from contracts.topics import PARTITIONS
from shared.consumer import positions
from shared.consumer.broker import listen
from shared.consumer.errors import Unfit, certain, contended, mended_by_time, reason_of
from shared.consumer.flow import Flow, Passed
from shared.consumer.parking import BEHIND, Parking
from shared.consumer.positions import Source
from shared.consumer.reactions import Reactions, Streams, Workplace
from shared.consumer.records import Place, Record, peek, place, relayed, sent_by_agency
from shared.database import Database, Transaction, is_outage
from shared.telemetry import attach, tracer

log = logging.getLogger(__name__)

INBOUND = "inbound"
"""What the topics that agencies write are called together: `<service>.inbound` is their consumer group."""

QUIET_MS = 2_000
"""How long a fetch that finds nothing waits on a topic of one partition."""

PAUSES = (0.0, 0.1, 0.5)
"""Seconds between tries of an event whose reaction fails for a reason that nobody foresaw, before it is parked."""

CONTENTION_PAUSES = (0.0, 0.01, 0.05)
"""Seconds between tries where another writer of this service was there first, before the partition is held."""


@dataclass
class Pass:
    """One transaction over some records: what it has folded, and what it found."""

    tx: Transaction
    streams: Streams = field(default_factory=Streams)
    parked: set[tuple[str, str]] = field(default_factory=set)
    versions: dict[str, dict[str, int]] = field(default_factory=dict)
    gaps: dict[Source, Record] = field(default_factory=dict)
    moved: dict[Source, int] = field(default_factory=dict)


class Reader:
    """One service's reader of every topic that its reactions name, one consumer group a topic, one for all inbound.

    `folds` names the topics whose subjects' versions are remembered (proposals wait for them); `after` is called
    when a transaction has been committed.
    """

    def __init__(
        self,
        workplace: Workplace,
        database: Database,
        reactions: Reactions,
        parking: Parking,
        *,
        folds: Sequence[str] = (),
        after: Callable[[], None] | None = None,
        decode: Callable[[bytes], AnyEvent] = decode,
    ) -> None:
        self.workplace = workplace
        self.database = database
        self.parking = parking
        self.flows: dict[str, Flow] = {}
        self._reactions = reactions
        self._folds = frozenset(folds)
        self._after = after
        self._decode = decode
        self._tracer = tracer(__name__)

    def subscribe(self, broker: KafkaBroker, **settings: Any) -> None:
        """Listen to every topic. Call it before the broker starts."""
        self.flows = {topic: Flow(topic) for topic in sorted({*self._reactions.topics, *self._folds})}
        if self._reactions.inbound:
            # All agencies' topics by one consumer: each has its price even while nobody writes.
            self.flows[INBOUND] = Flow(INBOUND, pattern=self._reactions.inbound.pattern)
        for name, flow in self.flows.items():
            given: dict[str, Any] = {"group": f"{self.workplace.service}.{name}"}
            if PARTITIONS.get(name) == 1:  # its fetch ends with the first record: there are no neighbours to wait for
                given["idle_ms"] = QUIET_MS
            listen(broker, self._handler(flow), flow=flow, **given | settings)

    def _handler(self, flow: Flow) -> Callable[[KafkaMessage], Any]:
        read = sent_by_agency if flow.pattern else relayed

        async def handle(message: KafkaMessage) -> None:
            raw: Any = message.raw_message
            records = [read(each) for each in raw]
            flow.taking = len(records)
            try:
                await self.take(flow, records)
            except Exception as error:
                # A fault of our own must not let FastStream go on to the next records as if nothing had been.
                log.error("a batch could not be dealt with", extra={"topic": flow.name, "why": reason_of(error)})
                for place, offset in {each.topic_partition: each.offset for each in reversed(records)}.items():
                    flow.hold(place, offset, error)
            finally:
                flow.taking = 0

        return handle

    async def take(self, flow: Flow, records: Sequence[Record]) -> None:
        """Apply what one poll brought; commit its offsets, or hold the partitions that must be read again."""
        runs = {place: list(run) for place, run in groupby(records, key=attrgetter("topic_partition"))}
        try:
            outcome = await self._apply_against_others(records)
        except Exception as error:
            for place, run in runs.items():
                await self._after_failure(flow, place, run, error, alone=len(runs) == 1)
        else:
            for place, run in runs.items():
                flow.passed(place, run[-1].offset + 1, outcome)
        await flow.commit()

    async def _after_failure(
        self, flow: Flow, place: TopicPartition, run: Sequence[Record], error: Exception, *, alone: bool
    ) -> None:
        """One partition's part of a batch that failed: what one partition waits for holds up no other."""
        if not mended_by_time(error):
            await self._one_by_one(flow, place, run)
        elif alone or is_outage(error):
            flow.hold(place, run[0].offset, error)
        else:
            try:
                flow.passed(place, run[-1].offset + 1, await self.apply(run))
            except Exception as again:
                await self._after_failure(flow, place, run, again, alone=True)

    async def _apply_against_others(self, records: Sequence[Record]) -> Passed:
        for pause in CONTENTION_PAUSES:
            try:
                return await self.apply(records)
            except Exception as error:
                if not contended(error):
                    raise
            await asyncio.sleep(pause)
        return await self.apply(records)

    async def _one_by_one(self, flow: Flow, place: TopicPartition, run: Sequence[Record]) -> None:
        """The same again with a transaction for each, so that only the culprit is parked."""
        for record in run:
            try:
                flow.passed(place, record.offset + 1, await self._alone(record))
            except Exception as error:
                # Whether the database is away, or the culprit could not even be parked: nothing is skipped.
                flow.hold(place, record.offset, error)
                return

    async def _alone(self, record: Record) -> Passed:
        """Apply or park one record. Raises what must be mended before either can be done."""
        failed: Exception = Unfit("untried")
        for pause in PAUSES:
            await asyncio.sleep(pause)
            try:
                return await self.apply([record])
            except Exception as error:
                if mended_by_time(error):
                    raise
                failed = error
                if certain(error):
                    break
        return await self._park(record, reason_of(failed))

    async def apply(self, records: Sequence[Record]) -> Passed:
        """Apply records, in order, in one transaction."""
        async with self.database.transaction(self.workplace.log) as tx:
            applied = await positions.hold(tx, (each.source for each in records if each.position is not None))
            work = Pass(tx)
            for topic in {record.topic for record in records}:
                keys = {record.key for record in records if record.topic == topic and record.key is not None}
                if keys:
                    work.parked |= {(topic, key) for key in await self.parking.keys(tx, topic, keys)}
            due = [record for record in records if _is_due(record, applied, work)]
            events = [None if _is_behind(record, work) else self._event(record) for record in due]
            await self._read_ahead(due, events, work)
            for record, event in zip(due, events, strict=True):
                if _is_behind(record, work):
                    await self.parking.park(work.tx, record, BEHIND)
                else:
                    await self._react(record, event, work)
            await positions.move(tx, work.moved)
            await self.finish(work)
        return Passed(work.moved, work.gaps)

    async def _read_ahead(self, records: Sequence[Record], events: Sequence[AnyEvent | None], work: Pass) -> None:
        by_topic: dict[str, list[AnyEvent]] = {}
        for record, event in zip(records, events, strict=True):
            if event is not None:
                by_topic.setdefault(record.topic, []).append(event)
        for topic, several in by_topic.items():
            if ahead := self._reactions.ahead_of(topic):
                await ahead(several, work.tx)

    async def finish(self, work: Pass) -> None:
        """What is said of a transaction's records once they are all dealt with."""
        for topic, versions in work.versions.items():
            await positions.fold(work.tx, topic, versions)
        if self._after:
            work.tx.after_commit(self._after)

    async def react(self, record: Record, work: Pass) -> None:
        """Do what this record makes the service do. Events of unknown types pass; only their version is noted."""
        await self._react(record, self._event(record), work)

    def _event(self, record: Record) -> AnyEvent | None:
        """The event that a record holds; None for one of an unknown type, and for what an agency sent."""
        if self._reactions.inbound and record.sent_by_agency:
            return None
        try:
            return self._decode(record.value)
        except UnknownType:
            return None
        except Exception as error:
            if certain(error):
                raise
            raise Unfit("it is no JSON" if isinstance(error, ValueError) else "it is no event") from None

    async def _react(self, record: Record, event: AnyEvent | None, work: Pass) -> None:
        if event is None:
            if self._reactions.inbound and record.sent_by_agency:
                await self._reactions.inbound.intake(record, work.tx)
            else:
                self._pass(record, work)
            return
        with (
            attach(event.traceparent),
            self._tracer.start_as_current_span(
                f"apply {event.name}", kind=SpanKind.CONSUMER, record_exception=False, set_status_on_exception=False
            ),
        ):
            for reaction in self._reactions.to(record.topic, event.name):
                await reaction(event, await self.workplace.work(work.tx, event, work.streams, record))
        if record.topic == catalogue.CALENDAR:
            work.streams.calendar = None  # the next event of this batch reads it anew
        self._fold(record, work, event.subject, event.streamversion)

    def _pass(self, record: Record, work: Pass) -> None:
        seen = peek(record.value)
        type_ = seen.get("type")
        if not isinstance(type_, str):
            raise Unfit("it names no type")
        name = type_.rpartition(".v")[0]
        newer = name in catalogue.CATALOGUE and self._reactions.to(record.topic, name)
        if newer or record.topic in self._reactions.unpassable:
            raise Unfit("a type or version that this service does not know yet")
        self._fold(record, work, seen.get("subject"), seen.get("streamversion"))

    def _fold(self, record: Record, work: Pass, subject: Any, version: Any) -> None:
        if record.topic in self._folds and isinstance(subject, str) and isinstance(version, int):
            versions = work.versions.setdefault(record.topic, {})
            versions[subject] = max(version, versions.get(subject, 0))

    async def _park(self, record: Record, reason: str) -> Passed:
        moved: dict[Source, int] = {}
        async with self.database.transaction() as tx:
            applied = await positions.hold(tx, [record.source] if record.position is not None else [])
            if place(record, applied.get(record.source, 0)) in (Place.NEXT, Place.STRANGE):
                await self.parking.park(tx, record, reason)
                if record.position is not None:
                    moved[record.source] = record.position
            await positions.move(tx, moved)
        return Passed(moved, {})


def _is_due(record: Record, applied: dict[Source, int], work: Pass) -> bool:
    """Whether it is next of its source; then it counts as applied for those behind it. Raises Unfit."""
    match place(record, applied.get(record.source, 0)):
        case Place.NEXT:
            assert record.position is not None
            applied[record.source] = work.moved[record.source] = record.position
            return True
        case Place.GAP:
            work.gaps.setdefault(record.source, record)
        case Place.STRANGE:
            raise Unfit("it bears no relay's mark: producer, position and previous")
        case Place.KNOWN:
            pass
    return False


def _is_behind(record: Record, work: Pass) -> bool:
    """Whether an event of its key is parked."""
    return record.key is not None and (record.topic, record.key) in work.parked
