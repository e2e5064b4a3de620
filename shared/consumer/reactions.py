"""What the facts of others make a service do, and the work that a reaction may do about them."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from contracts.catalogue import CATALOGUE, UnknownType
from contracts.envelope import AnyEvent
from contracts.sealing import Model
from shared.clock import Clock
from shared.consumer.records import Record
from shared.database import Transaction
from shared.decider import Aggregate, Context, Outcome
from shared.eventlog import EventLog
from shared.recording import recorded
from shared.working_days import Calendar

S = TypeVar("S")


@dataclass(frozen=True)
class Workplace:
    """What all of a service's work shares.

    `calendar` reads the calendar inside the transaction that decides by it. `project` keeps the read models, in the
    same transaction as the facts it is handed. With `gathers` what a transaction decided is appended and projected
    together, just before its commit: nothing in it may read the log or the read models for what it decided itself.
    """

    service: str
    log: EventLog
    clock: Clock
    calendar: Callable[[Transaction], Awaitable[Calendar]]
    project: Callable[[Transaction, Sequence[AnyEvent]], Awaitable[None]] | None = None
    gathers: bool = False

    async def keep(self, tx: Transaction, appends: Sequence[tuple[str, int, Sequence[AnyEvent]]]) -> None:
        """Append what was gathered, and project it. Raises what the log's `append_all` raises."""
        await self.log.append_all(tx, appends)
        if self.project:
            await self.project(tx, [fact for _, _, facts in appends for fact in facts])

    async def work(
        self, tx: Transaction, cause: AnyEvent, streams: "Streams | None" = None, origin: Record | None = None
    ) -> "Work":
        """The work that `cause` gives rise to, in a transaction that its caller opened and will commit."""
        streams = Streams() if streams is None else streams
        if streams.calendar is None:
            streams.calendar = await self.calendar(tx)
        return Work(self, tx, cause, self.clock.now(), streams.calendar, streams, origin)


@dataclass
class Streams:
    """What one transaction has folded so far, so that a batch folds each stream once. Good for no other."""

    folded: dict[str, tuple[Any, Any, int]] = field(default_factory=dict)
    calendar: Calendar | None = None


@dataclass(frozen=True)
class Work:
    """What a reaction, or a handler of proposals, may do: load, decide, save. It is opened and committed for it.

    `origin` is the record that the cause came in, where it came from Kafka.
    """

    place: Workplace
    tx: Transaction
    cause: AnyEvent
    now: datetime
    calendar: Calendar
    streams: Streams
    origin: Record | None = None
    marks: set[str] = field(default_factory=set)
    """What was noted about the proposal though it was accepted, for the answer."""

    @property
    def clock(self) -> Clock:
        """The business clock; `now` is its time when this work began."""
        return self.place.clock

    @property
    def context(self) -> Context:
        """What a decider may know beside the past."""
        return Context(self.now, self.calendar)

    async def load(self, aggregate: Aggregate[S], stream: str) -> tuple[S, int]:
        """The state of a stream and its version, 0 for one that has not begun."""
        known = self.streams.folded.get(stream)
        if known is not None and known[0].evolve is aggregate.evolve:
            return known[1], known[2]
        facts = await self.place.log.load(self.tx, stream)
        state = aggregate.fold(facts)
        self.streams.folded[stream] = (aggregate, state, len(facts))
        return state, len(facts)

    async def version(self, stream: str) -> int:
        """The version of a stream, with what was decided here."""
        known = self.streams.folded.get(stream)
        return known[2] if known else await self.place.log.version(self.tx, stream)

    async def decide(self, aggregate: Aggregate[S], stream: str, proposal: AnyEvent | Model) -> list[AnyEvent]:
        """Load, decide, save; returns the facts. A bare model is proposed by this service, because of the cause.

        Raises what the decider raises: `Refused` or `Waiting`.
        """
        state, version = await self.load(aggregate, stream)
        outcomes = aggregate.decide(state, self._proposed(stream, version, proposal), self.context)
        return await self.record(stream, outcomes)

    async def record(self, stream: str, outcomes: Sequence[Outcome], *, acting: bool = True) -> list[AnyEvent]:
        """Append what followed from the cause to a stream, and keep the read models. Raises `Conflict`."""
        if not outcomes:
            return []
        version = await self.version(stream)
        known = self.streams.folded.pop(stream, None)
        facts = recorded(
            self.cause,
            outcomes,
            service=self.place.service,
            stream=stream,
            after=version,
            now=self.now,
            acting=acting,
        )
        gathered = known is not None and self.place.gathers
        if gathered:
            self.tx.later("facts", self.place.keep, (stream, version, facts))
        else:
            await self.place.log.append(self.tx, stream, version, facts)
        self.marks.update(mark for outcome in outcomes for mark in outcome.marks)
        if known:
            aggregate, state, _ = known
            folded = aggregate.fold(facts, state)
            self.streams.folded[stream] = (aggregate, folded, version + len(facts))
            self.tx.known[stream] = (folded, version + len(facts))
        if self.place.project and not gathered:
            await self.place.project(self.tx, facts)
        return facts

    def _proposed(self, stream: str, version: int, proposal: AnyEvent | Model) -> AnyEvent:
        if not isinstance(proposal, Model):
            return proposal
        service = self.place.service
        (event,) = recorded(
            self.cause, [Outcome(proposal)], service=service, stream=stream, after=version, now=self.now
        )
        return event


Reaction = Callable[[Any, Work], Awaitable[None]]
Ahead = Callable[[Sequence[Any], Transaction], Awaitable[None]]
"""Reads what the reactions to these events will need, in as few statements as it can. They must do without, too."""
Intake = Callable[[Record, Transaction], Awaitable[None]]


@dataclass(frozen=True)
class Inbound:
    """The topics that agencies write, and what takes their records."""

    pattern: str
    intake: Intake


class Reactions:
    """A service's reactions, by topic and event name. Names are without their major version."""

    def __init__(self, service: str) -> None:
        self.service = service
        self.inbound: Inbound | None = None
        self.unpassable: set[str] = set()
        """Topics on which even an event of a type that nobody here knows may not pass."""
        self._by_name: dict[str, dict[str, list[Reaction]]] = {}
        self._to_all: dict[str, list[Reaction]] = {}
        self._ahead: dict[str, Ahead] = {}

    @property
    def topics(self) -> tuple[str, ...]:
        """Every topic whose facts or proposals anything here listens to."""
        return tuple(sorted({*self._by_name, *self._to_all}))

    def on(self, topic: str, *names: str) -> Callable[[Reaction], Reaction]:
        """Register a reaction to facts of these names, or to every event of a known type on the topic if none is given.

        Raises UnknownType for a name that the catalogue does not have.
        """
        for name in names:
            if name not in CATALOGUE:
                raise UnknownType(name, tuple(CATALOGUE))

        def register(reaction: Reaction) -> Reaction:
            for name in names:
                self._by_name.setdefault(topic, {}).setdefault(name, []).append(reaction)
            if not names:
                self._to_all.setdefault(topic, []).append(reaction)
            return reaction

        return register

    def intake(self, pattern: str, intake: Intake) -> None:
        """Hand every record of the topics that agencies write to `intake`, as it came, in the reader's transaction.

        `pattern` is a regular expression that a topic's name matches from its beginning; a topic that is made later is
        read within seconds.
        """
        self.inbound = Inbound(pattern, intake)

    def ahead(self, topic: str, read: Ahead) -> None:
        """Have `read` see the events of each batch from this topic before any of them is reacted to."""
        self._ahead[topic] = read

    def ahead_of(self, topic: str) -> Ahead | None:
        """What reads ahead on this topic."""
        return self._ahead.get(topic)

    def to(self, topic: str, name: str) -> tuple[Reaction, ...]:
        """What is to be done about an event of this name, in the order of registration."""
        return (*self._by_name.get(topic, {}).get(name, ()), *self._to_all.get(topic, ()))
