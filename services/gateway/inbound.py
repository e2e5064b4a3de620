"""The way in over Kafka: each agency's inbound topic, taken through the same intake as HTTPS, then emptied."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any

import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.errors import KafkaError
from opentelemetry.trace import SpanKind

from contracts.submissions import Fault
from services.gateway.checks import Arrival, Rejected
from services.gateway.directory import Directory
from services.gateway.intake import Intake, Taken
from services.gateway.offering import Offered
from shared.clock import Clock
from shared.consumer import Reactions, Record, Unfit
from shared.database import Database, Transaction, driver_of
from shared.listed import directory
from shared.telemetry import attach, tracer
from shared.vault_client import Sealer, keep, unreadable

log = logging.getLogger(__name__)

EMPTY_EVERY = 5.0
"""Seconds between two rounds of deleting what has been taken."""

_BEHIND = ".inbound"

PATTERN = r"partner\.[^.]+\.inbound$"
"""Every agency's inbound topic, those of agencies to come among them."""

Topics = Callable[[], Sequence[str]]
"""The inbound topics that there are to be, as of now: agencies come and go."""


def inbound_topic(agency: str) -> str:
    """The topic that only this agency may write."""
    return f"partner.{agency}{_BEHIND}"


def agency_of(topic: str) -> str:
    """Whose inbound topic it is."""
    return topic.removeprefix("partner.").removesuffix(_BEHIND)


class Inbound:
    """Takes what agencies publish. Who speaks follows from the topic; when it arrived, from the broker's own time."""

    def __init__(self, intake: Intake, standing: Callable[[], Directory], clock: Clock, sealer: Sealer) -> None:
        self._intake = intake
        self._standing = standing
        self._clock = clock
        self._sealer = sealer
        self._tracer = tracer(__name__)

    def topics(self) -> Sequence[str]:
        """Every agency's inbound topic, as of now."""
        return tuple(inbound_topic(agency) for agency in self._standing().agencies)

    def register(self, reactions: Reactions) -> None:
        """Have the reader hand over what agencies publish."""
        reactions.intake(PATTERN, self.take)

    async def take(self, record: Record, tx: Transaction) -> None:
        """Takes one record in, readable or not; what becomes of it is in its receipt, in the reader's transaction."""
        if record.key is not None:
            return  # a marker, see rolling.py; an agency that writes one has said nothing
        known = await directory(tx.connection)
        party = known.member(agency_of(record.topic))
        if party is None:
            raise Unfit("an inbound topic of no agency")
        arrival = Arrival(party, self._clock.at(record.at), record.offset)
        try:
            value = orjson.loads(record.value)
        except ValueError:
            await self._unreadable(tx, record, arrival)
            return
        traceparent = value.get("traceparent") if isinstance(value, dict) else None
        with (
            attach(traceparent if isinstance(traceparent, str) else None),
            self._tracer.start_as_current_span(
                "take inbound", kind=SpanKind.CONSUMER, record_exception=False, set_status_on_exception=False
            ),
        ):
            offered = self._intake.offer(value, arrival)
            taken = await self._take(tx, offered)
            if isinstance(offered.checked, Rejected) and not taken.repeated:
                await self._quarantine(tx, record, arrival, "refused")

    async def _unreadable(self, tx: Transaction, record: Record, arrival: Arrival) -> None:
        detail = "The record is not JSON in UTF-8; send one CloudEvent a record, in structured mode."
        rejected = Rejected(400, [Fault(pointer="", rule="malformed-json", detail=detail)])
        await self._take(tx, replace(self._intake.offer(None, arrival), checked=rejected))
        await self._quarantine(tx, record, arrival, "not JSON")

    async def _take(self, tx: Transaction, offered: Offered) -> Taken:
        (taken,) = await self._intake.take(tx, [offered])
        return taken

    async def _quarantine(self, tx: Transaction, record: Record, arrival: Arrival, reason: str) -> None:
        """Its bytes go to the vault, since the record is deleted once it has been taken."""
        agency = arrival.party.agency
        origin = {"topic": record.topic, "offset": record.offset, "agency": agency, "reason": reason}
        partnership = min((await directory(tx.connection)).agencies[agency].partnerships)
        sealed = unreadable(record.value, kind="quarantine", origin=origin)
        await keep(tx, [self._sealer.seal([sealed], partnership=partnership, agency=agency)])


async def taken_until(database: Database, topics: Sequence[str]) -> dict[str, int]:
    """The offset below which the gateway's own transactions hold everything of each topic."""
    async with database.reading() as connection:
        driver = await driver_of(connection)
        rows = await driver.fetch(
            "select topic, position from reader_position where topic = any($1::text[]) and partition = 0", topics
        )
    return {row[0]: row[1] for row in rows}


class Emptying:
    """Deletes inbound records up to the offset that the gateway's transactions hold, and never further."""

    def __init__(self, database: Database, topics: Topics, admin: Callable[[], AIOKafkaAdminClient]) -> None:
        self._database = database
        self._topics = topics
        self._admin = admin
        self._deleted: dict[str, int] = {}

    async def run(self) -> None:
        """Deletes every few seconds until cancelled; with Kafka away it goes on when Kafka is back."""
        admin: Any = None
        while True:
            try:
                if admin is None:
                    admin = self._admin()
                    await admin.start()
                await self.once(admin)
            except (KafkaError, OSError, TimeoutError) as failure:
                log.warning("taken records were not deleted", extra={"error": type(failure).__name__})
                if admin is not None:
                    await _closed(admin)
                admin = None
            except asyncio.CancelledError:
                if admin is not None:
                    await _closed(admin)
                raise
            except Exception as failure:  # the database may be away
                log.warning("taken records were not deleted", extra={"error": type(failure).__name__})
            await asyncio.sleep(EMPTY_EVERY)

    async def once(self, admin: Any) -> None:
        """One round of deleting what has been taken since the last."""
        reached = await taken_until(self._database, self._topics())
        due = {topic: offset for topic, offset in reached.items() if offset > self._deleted.get(topic, 0)}
        if due:
            await admin.delete_records(
                {TopicPartition(topic, 0): RecordsToDelete(before_offset=offset) for topic, offset in due.items()},
                timeout_ms=10_000,
            )
            self._deleted |= due


async def _closed(client: Any) -> None:
    with suppress(KafkaError, OSError, TimeoutError):  # it was broken already
        await client.close()


class Drained:
    """Tells the tick whether everything that arrived on the inbound topics until an instant has been taken."""

    def __init__(
        self, database: Database, clock: Clock, topics: Topics, consumer: Callable[[], AIOKafkaConsumer]
    ) -> None:
        self._database = database
        self._clock = clock
        self._topics = topics
        self._consumer = consumer
        self._client: Any = None
        self._until: datetime | None = None
        self._ends: Mapping[str, int] = {}

    async def inbound_drained(self, until: datetime) -> bool:
        """Whether every inbound record that arrived before `until` has been taken. False while Kafka is away.

        The topics' ends are looked at once, after `until`: what comes later cannot put the answer off.
        """
        if self._clock.now() < until:
            return False
        try:
            if self._until is None or self._until < until:
                ends = await self._end_offsets()
                self._until, self._ends = until, ends
        except (KafkaError, OSError, TimeoutError) as failure:
            log.warning("the inbound topics cannot be looked at", extra={"error": type(failure).__name__})
            await self.close()
            return False
        reached = await taken_until(self._database, list(self._ends))
        return all(reached.get(topic, 0) >= end for topic, end in self._ends.items())

    async def close(self) -> None:
        """Ends the connection to Kafka; the next question makes another."""
        client, self._client = self._client, None
        if client is not None:
            with suppress(KafkaError, OSError, TimeoutError):  # it was broken already
                await client.stop()

    async def _end_offsets(self) -> dict[str, int]:
        if self._client is None:
            client = self._consumer()
            try:
                async with asyncio.timeout(10):
                    await client.start()
            except BaseException:
                await client.stop()
                raise
            self._client = client
        async with asyncio.timeout(10):
            # An agency may be known before its topic is made: nothing can have arrived there.
            made = await self._client.topics()
            places = [TopicPartition(topic, 0) for topic in self._topics() if topic in made]
            if not places:
                return {}
            ends = await self._client.end_offsets(places)
            firsts = await self._client.beginning_offsets(places)
        # A topic that is empty, from its beginning or since it was emptied, awaits nothing.
        return {place.topic: end for place, end in ends.items() if end > firsts[place]}
