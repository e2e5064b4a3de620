"""A service's event log: append with an expected version, load a stream, read everything."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import asyncpg
from sqlalchemy.ext.asyncio import AsyncConnection

from contracts import catalogue
from contracts.decoding import decode
from contracts.envelope import AnyEvent
from contracts.sealing import marks, words_left
from shared.database import Transaction, driver_of
from shared.log_schema import LogTables, log_tables

__all__ = ["Conflict", "EventLog", "FactTooLarge", "LogTables", "Route", "Stored", "WordsInFact", "log_tables"]


@dataclass(frozen=True)
class Route:
    """Where a fact is published: the topic, and the key whose order it keeps."""

    topic: str
    key: str


@dataclass(frozen=True)
class Stored:
    """A fact as it lies in the log. `id` is the order of arrival in the table, not of commit."""

    id: int
    stream: str
    version: int
    content: bytes


class Conflict(RuntimeError):
    """Another writer was there first: load again and decide again, in a new transaction (or savepoint)."""

    def __init__(self, stream: str, expected_version: int) -> None:
        super().__init__(f"{stream} is not at version {expected_version}")
        self.stream = stream
        self.expected_version = expected_version


class WordsInFact(ValueError):
    """A sealed field of a fact holds words. Nothing was stored. `pointers` are into the fact's data."""

    def __init__(self, type_: str, pointers: tuple[str, ...]) -> None:
        super().__init__(f"{type_} holds words where references belong: {', '.join(pointers)}")
        self.pointers = pointers


BESIDE = {
    "type": "type",
    "event_id": "id",
    "subject": "subject",
    "partnership": "partnership",
    "agency": "agency",
    "actor": "actor",
    "role": "actorrole",
    "reason_ref": "reasonref",
    "correlation": "correlationid",
    "causation": "causationid",
    "traceparent": "traceparent",
    "occurred_at": "time",
    "recorded_at": "recordedtime",
    "business_date": "businessdate",
}
"""What stands beside a fact's bytes for queries: the column, and the attribute of the event that it repeats."""


class FactTooLarge(ValueError):
    """A fact that no topic would take: nothing was stored. The relay could never get past it."""

    def __init__(self, type_: str, size: int) -> None:
        super().__init__(f"{type_} has {size} bytes, and {LARGEST_FACT} is the most")


REMEMBERED = 2_000
"""Facts kept as they were read: a stream is loaded again for each proposal about it, and no fact ever changes."""

LARGEST_FACT = 900_000
"""Bytes; Kafka's own limit is 1 MB a record, its headers included."""

_COLUMNS = (
    ("version", "int"),
    ("type", "text"),
    ("event_id", "text"),
    ("subject", "text"),
    ("partnership", "text"),
    ("agency", "text"),
    ("actor", "text"),
    ("role", "text"),
    ("reason_ref", "text"),
    ("correlation", "text"),
    ("causation", "text"),
    ("traceparent", "text"),
    ("occurred_at", "timestamptz"),
    ("recorded_at", "timestamptz"),
    ("business_date", "date"),
    ("topic", "text"),
    ("key", "text"),
    ("event", "bytea"),
)
_NAMES = ", ".join(name for name, _ in _COLUMNS)
_ONE = ", ".join(f"${number}::{kind}" for number, (_, kind) in enumerate(_COLUMNS, 3))
_MANY = ", ".join(f"${number}::{kind}[]" for number, (_, kind) in enumerate(_COLUMNS, 3))


def _append_statement(rows: str) -> str:
    """One round trip: the version check, the facts, and their place among those that wait for a position.

    The check against the newest version that is visible keeps a second fact from overtaking an uncommitted first
    one; of two writers at once the unique index lets the later one wait, and fail.
    """
    return f"""
        with added as (
            insert into fact (stream, {_NAMES})
            select $1, {rows}
            where (select coalesce(max(version), 0) from fact where stream = $1) = $2
            returning id
        )
        insert into waiting (fact) select id from added
        """  # noqa: S608 (the names are this module's own)


_NEW = ", ".join(f"${number}::{kind}[]" for number, (_, kind) in enumerate(_COLUMNS, 2))
_BEGIN = f"""
    with added as (
        insert into fact (stream, {_NAMES})
        select * from unnest($1::text[], {_NEW})
        returning id
    )
    insert into waiting (fact) select id from added
    """  # noqa: S608 (the names are this module's own)
_SEVERAL = ", ".join(f"${number}::{kind}[]" for number, (_, kind) in enumerate(_COLUMNS, 4))
_APPEND_ALL = f"""
    with stale as (
        select from unnest($1::text[], $2::int[]) as expected (stream, version)
        where (select coalesce(max(f.version), 0) from fact f where f.stream = expected.stream) <> expected.version
    ), added as (
        insert into fact (stream, {_NAMES})
        select * from unnest($3::text[], {_SEVERAL}) where not exists (select from stale)
        returning id
    )
    insert into waiting (fact) select id from added
    """  # noqa: S608 (the names are this module's own)
_APPEND_ONE = _append_statement(_ONE)
_APPEND_MANY = _append_statement(f"* from unnest({_MANY})")


class EventLog:
    """One service's log. `route` says where each fact goes; `decode` reads stored bytes as today's model."""

    def __init__(
        self,
        service: str,
        tables: LogTables,
        route: Callable[[AnyEvent], Route],
        *,
        decode: Callable[[bytes], AnyEvent] = decode,
    ) -> None:
        self.service = service
        self.tables = tables
        self._route = route
        self._decode = decode
        self._again = lru_cache(maxsize=REMEMBERED)(decode)

    async def append(self, tx: Transaction, stream: str, expected_version: int, facts: Sequence[AnyEvent]) -> int:
        """Store the facts behind version `expected_version` of the stream; returns its new version.

        Raises Conflict where the stream is at another version, WordsInFact where a sealed field holds words,
        FactTooLarge for what no topic takes, and ValueError for a fact without `recordedtime` or `businessdate`.
        After any of them the transaction (or the savepoint) must be given up.
        """
        if not facts:
            return expected_version
        rows = [self._row(fact, version) for version, fact in enumerate(facts, expected_version + 1)]
        tx.known.pop(("facts", stream), None)
        try:
            if len(rows) == 1:
                status = await tx.driver.execute(_APPEND_ONE, stream, expected_version, *rows[0])
            else:
                columns = (list(column) for column in zip(*rows, strict=True))
                status = await tx.driver.execute(_APPEND_MANY, stream, expected_version, *columns)
        except asyncpg.UniqueViolationError:
            raise Conflict(stream, expected_version) from None
        if status == "INSERT 0 0":
            raise Conflict(stream, expected_version)
        tx.appended = True
        return expected_version + len(facts)

    async def begin(self, tx: Transaction, streams: Mapping[str, Sequence[AnyEvent]]) -> None:
        """Store the first facts of streams that are new, all of them in one round trip.

        Raises what `append` raises; Conflict where one of them has begun already, naming the first.
        """
        rows = [
            (stream, *self._row(fact, version))
            for stream, facts in streams.items()
            for version, fact in enumerate(facts, 1)
        ]
        if not rows:
            return
        for stream in streams:
            tx.known.pop(("facts", stream), None)
        try:
            await tx.driver.execute(_BEGIN, *(list(column) for column in zip(*rows, strict=True)))
        except asyncpg.UniqueViolationError:
            raise Conflict(next(iter(streams)), 0) from None
        tx.appended = True

    async def append_all(self, tx: Transaction, appends: Sequence[tuple[str, int, Sequence[AnyEvent]]]) -> None:
        """Several appends in one round trip, in this order: stream, expected version and facts of each.

        A later one of the same stream expects the version that the one before it comes to. Raises what `append`
        raises; Conflict where any of the streams is at another version, naming the first.
        """
        first: dict[str, int] = {}
        rows: list[tuple[Any, ...]] = []
        for stream, expected, facts in appends:
            if facts:
                first.setdefault(stream, expected)
                tx.known.pop(("facts", stream), None)
                rows += [(stream, *self._row(fact, version)) for version, fact in enumerate(facts, expected + 1)]
        if not rows:
            return
        try:
            columns = (list(column) for column in zip(*rows, strict=True))
            status = await tx.driver.execute(_APPEND_ALL, list(first), list(first.values()), *columns)
        except asyncpg.UniqueViolationError:
            status = "INSERT 0 0"
        if status == "INSERT 0 0":
            raise Conflict(*next(iter(first.items())))
        tx.appended = True

    async def read_ahead(self, tx: Transaction, streams: Collection[str]) -> None:
        """Load several streams in one round trip, for `load` and `version` in this transaction.

        What this log appends meanwhile is not missed; what others append is, unless the streams are held by a lock.
        """
        wanted = list(streams)
        found: dict[str, list[AnyEvent]] = {stream: [] for stream in wanted}
        rows = await tx.driver.fetch(
            "select stream, event from fact where stream = any($1::text[]) order by stream, version", wanted
        )
        for stream, event in rows:
            found[stream].append(self._again(event))
        tx.known |= {("facts", stream): facts for stream, facts in found.items()}

    async def load(self, tx: Transaction | AsyncConnection, stream: str, after: int = 0) -> list[AnyEvent]:
        """The stream's facts behind version `after`, oldest first, in today's models."""
        ahead = _read_ahead(tx, stream)
        if ahead is not None:
            return ahead[after:]
        driver = tx.driver if isinstance(tx, Transaction) else await driver_of(tx)
        rows = await driver.fetch(
            "select event from fact where stream = $1 and version > $2 order by version", stream, after
        )
        return [self._again(event) for (event,) in rows]

    async def version(self, tx: Transaction | AsyncConnection, stream: str) -> int:
        """The stream's newest version; 0 where there is none."""
        ahead = _read_ahead(tx, stream)
        if ahead is not None:
            return len(ahead)
        driver = tx.driver if isinstance(tx, Transaction) else await driver_of(tx)
        newest = await driver.fetchval("select max(version) from fact where stream = $1", stream)
        return newest or 0

    async def read(self, tx: Transaction | AsyncConnection, after_id: int, limit: int) -> list[Stored]:
        """Up to `limit` facts of the whole log behind `after_id`, in the order of their ids.

        What commits late appears behind a reader that has passed its id: to miss nothing while others append, read
        by position (`shared.rebuild` does).
        """
        driver = tx.driver if isinstance(tx, Transaction) else await driver_of(tx)
        rows = await driver.fetch(
            "select id, stream, version, event from fact where id > $1 order by id limit $2", after_id, limit
        )
        return [Stored(*row) for row in rows]

    def decode(self, content: bytes) -> AnyEvent:
        """Stored bytes as an event in today's model."""
        return self._decode(content)

    def _row(self, fact: AnyEvent, version: int) -> tuple[Any, ...]:
        if fact.recordedtime is None or fact.businessdate is None:
            raise ValueError(f"{fact.type} has no recordedtime or no businessdate: pass it through recorded() first")
        # `words_left` works on the wire form; a model without marks (most) need not be written out for it.
        if marks(catalogue.model_of(fact)):
            left = words_left(catalogue.model_of(fact), fact.data.model_dump(mode="json", by_alias=True))
            if left:
                raise WordsInFact(fact.type, left)
        content = fact.to_json()
        if len(content) > LARGEST_FACT:
            raise FactTooLarge(fact.type, len(content))
        route = self._route(fact)
        return (version, *(getattr(fact, name) for name in BESIDE.values()), route.topic, route.key, content)


def _read_ahead(tx: Transaction | AsyncConnection, stream: str) -> list[AnyEvent] | None:
    known: list[AnyEvent] | None = tx.known.get(("facts", stream)) if isinstance(tx, Transaction) else None
    return known
