"""Feeds to Kafka: each agency's own topic, one partition, in the order of the feed, from what was last acknowledged.

What is published twice after a crash bears the number it had, and its reader skips it. Where something was taken from
an agency's rights the feed is written again, with tombstones where it may not look any more, and its topic emptied of
what lies before that. Behind it nothing can come of a leader that was paused: Kafka takes no more from its producer.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.errors import KafkaError, RecordListTooLargeError

from contracts.envelope import CONTENT_TYPE
from contracts.feeds import Outbound
from services.delivery import records
from services.delivery.heads import Heads
from services.delivery.reading import Page, read
from shared.clock import Clock
from shared.database import Database, driver_of
from shared.producing import deliver, in_order

AT_ONCE = 500
"""The most events of one feed in one batch."""

FEEDS_AT_ONCE = 32
"""Feeds that are published side by side: what is in memory does not grow with the number of agencies."""

ABSENT_SECONDS = 30.0
"""How long a topic that the broker does not have is left alone."""

LAST_EPOCH = 32_000
"""Kafka counts a producer's epochs in sixteen bits. After this one, another id is taken."""

LONGEST_PAUSE = 5.0
POLL_SECONDS = 1.0

log = logging.getLogger(__name__)

_DUE = """
    select h.agency, h.edition, o.sequence, o.edition as written from feed_head h left join outbound o using (agency)
    where o.agency is null or o.edition <> h.edition or o.sequence < h.last
    order by h.agency
    """
_ANEW = """
    insert into outbound as o (agency, sequence, edition) values ($1, 0, $2)
    on conflict (agency) do update set sequence = 0, edition = excluded.edition
    """
_SUCCEED = f"""
    insert into writer as w (sole, producer, epoch, term) values (true, $1, 0, $2)
    on conflict (sole) do update set term = excluded.term,
        producer = case when w.epoch < {LAST_EPOCH} then w.producer else excluded.producer end,
        epoch = case when w.epoch < {LAST_EPOCH} then w.epoch + 1 else 0 end
    where w.term <= excluded.term returning producer, epoch
    """  # noqa: S608 - a number of ours
_MARK = "update outbound set sequence = $2 where agency = $1 and edition = $3 and sequence < $2"


def topic_of(agency: str) -> str:
    """The topic that one agency alone may read."""
    return f"partner.{agency}.outbound"


class Superseded(Exception):
    """Another process has led since this one did."""


class Unplaced(KafkaError):  # type: ignore[misc]
    """The broker has a batch and does not say where: what lies before it cannot be told."""


@dataclass(frozen=True)
class Due:
    """A feed of which its topic lacks something. `written`: the edition of rights that the topic was written under."""

    agency: str
    edition: int
    sequence: int
    written: int | None


class Publishing:
    """Publishes while this process leads, in the term that `leads` tells (0: not). `kafka` are aiokafka's settings,
    and `admin` makes a client that may empty topics."""

    def __init__(
        self,
        database: Database,
        heads: Heads,
        clock: Clock,
        kafka: Mapping[str, Any],
        admin: Callable[[], AIOKafkaAdminClient],
        *,
        leads: Callable[[], int],
    ) -> None:
        self._database = database
        self._heads = heads
        self._clock = clock
        self._kafka = kafka
        self._admin = admin
        self._leads = leads
        self._absent: dict[str, float] = {}

    async def run(self) -> None:
        """Publish until cancelled. While Kafka is away, or refuses, try again with growing pauses; never skip."""
        pause = 0.1
        while True:
            try:
                if self._leads():
                    async with in_order(self._kafka, self.successor) as producer:
                        while self._leads():
                            if not await self.once(producer):
                                await self._heads.any_moved(POLL_SECONDS)
                            pause = 0.1
            except Exception as failure:
                log.warning("publishing feeds stopped", extra={"error": type(failure).__name__})
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    async def successor(self, given: int) -> tuple[int, int]:
        """The id and epoch by which this process's next producer shall go. Raises Superseded.

        Who was paused and has not noticed yet gets none: its epoch would be above that of the process that leads.
        """
        async with self._database.transaction() as tx:
            taken = await tx.driver.fetchrow(_SUCCEED, given, self._leads())
        if taken is None:
            raise Superseded
        return taken["producer"], taken["epoch"]

    async def once(self, producer: AIOKafkaProducer) -> bool:
        """One batch for each feed that is due; whether there was anything. Raises the first failure, after the rest."""
        due = [one for one in await self._due() if self._absent.get(one.agency, 0) < time.monotonic()]
        failures: list[BaseException] = []
        for begin in range(0, len(due), FEEDS_AT_ONCE):
            some = due[begin : begin + FEEDS_AT_ONCE]
            outcomes = await asyncio.gather(*(self._one(producer, one) for one in some), return_exceptions=True)
            failures += [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
        if failures:
            raise failures[0]
        return bool(due)

    async def _due(self) -> list[Due]:
        async with self._database.reading() as connection:
            rows = await (await driver_of(connection)).fetch(_DUE)
        return [Due(row["agency"], row["edition"], row["sequence"] or 0, row["written"]) for row in rows]

    async def _one(self, producer: AIOKafkaProducer, due: Due) -> None:
        topic = topic_of(due.agency)
        if not await self._is_there(producer, topic):
            self._absent[due.agency] = time.monotonic() + ABSENT_SECONDS
            return
        anew = due.written != due.edition
        page = await read(self._database, due.agency, 0 if anew else due.sequence, AT_ONCE)
        if page.head.edition != due.edition:
            return
        if page.items:
            await self._send(producer, topic, due, page, anew=anew)
        elif anew:
            async with self._database.transaction() as tx:
                await tx.driver.execute(_ANEW, due.agency, due.edition)

    async def _is_there(self, producer: AIOKafkaProducer, topic: str) -> bool:
        try:
            async with asyncio.timeout(5):
                await producer.partitions_for(topic)
        except (KafkaError, TimeoutError) as failure:
            log.warning("a feed's topic is not there", extra={"topic": topic, "error": type(failure).__name__})
            return False
        return True

    async def _send(self, producer: AIOKafkaProducer, topic: str, due: Due, page: Page, *, anew: bool) -> None:
        """Send some of a feed. The first of it under other rights is sent before the topic is emptied up to there: then
        a batch of an earlier producer lies before it, and goes, or comes after it, and is refused."""
        builder = producer.create_batch()
        sent = _filled(builder, page.items)
        if not sent:
            raise RecordListTooLargeError
        async with self._database.transaction() as tx:
            await records.sending(tx, due.agency, page.items[:sent], self._clock.now())
        offset = await deliver(producer, builder, topic, 0)
        if anew and offset:
            await self._empty(topic, offset)
        async with self._database.transaction() as tx:
            if anew:
                await tx.driver.execute(_ANEW, due.agency, due.edition)
            await records.handed(tx, due.agency, "kafka", page.items[:sent], self._clock.now(), offset)
            await tx.driver.execute(_MARK, due.agency, page.items[sent - 1].sequence, due.edition)

    async def _empty(self, topic: str, before: int) -> None:
        if before < 0:
            raise Unplaced
        admin = self._admin()
        try:
            await admin.start()
            place = TopicPartition(topic, 0)
            await admin.delete_records({place: RecordsToDelete(before_offset=before)}, timeout_ms=10_000)
        finally:
            await admin.close()
        log.warning("a topic was emptied and is written anew", extra={"topic": topic})


def _filled(builder: Any, items: Sequence[Outbound]) -> int:
    """Put as many into the batch as it takes; how many those are."""
    for count, item in enumerate(items):
        headers = [("content-type", CONTENT_TYPE.encode()), ("sequence", b"%d" % item.sequence)]
        key = item.subject.encode() if item.subject else None
        if builder.append(timestamp=None, key=key, value=item.to_json(), headers=headers) is None:
            return count
    return len(items)
