"""The standing test: through each agency's whole path every quarter of an hour, and what of it has arrived."""

import asyncio
import logging
from collections.abc import Callable, Collection
from typing import Any

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from services.delivery import records
from services.delivery.feeds import growing
from services.delivery.publishing import topic_of
from services.delivery.records import TEST_EVERY
from shared.clock import Clock
from shared.database import Database, driver_of
from shared.listed import directory

LOOK_EVERY = 5.0
LISTEN_EVERY = 15.0
"""Real seconds between two looks at whether a test is due, and at how far agencies' Kafka consumers have come."""

log = logging.getLogger(__name__)

Ends = Callable[[Collection[TopicPartition]], Any]

_TESTED = "select agency from feed_head where tested_at > $1"
_SEQUENCE_AT = """
    select least(last, first + $2 - 1 - "offset") from handed_over
    where agency = $1 and way = 'kafka' and "offset" >= 0 and "offset" < $2 order by id desc limit 1
    """

_KNOWN = """
    select coalesce((select max("offset") from taken where agency = $1), 0) as "offset",
        coalesce((select sequence from seen where agency = $1 and way = 'kafka'), 0) as sequence
    """


class StandingTests:
    """Appends the tests that are due. Any process may: they take turns, and the second finds none due."""

    def __init__(self, database: Database, clock: Clock, wake: Callable[[], None]) -> None:
        self._database = database
        self._clock = clock
        self._wake = wake

    async def run(self) -> None:
        """Looks every few seconds until cancelled."""
        while True:
            try:
                await self.once()
            except Exception as failure:  # the database may be away
                log.warning("no standing test could be sent", extra={"error": type(failure).__name__})
            await asyncio.sleep(LOOK_EVERY)

    async def once(self) -> int:
        """Append one to each feed whose last is a quarter of an hour old; how many those were."""
        async with self._database.transaction() as tx:
            here = await growing(tx)
            now = self._clock.now()
            tested = {agency for (agency,) in await tx.driver.fetch(_TESTED, now - TEST_EVERY)}
            due = {agency: where for agency, where in sorted(here.directory.agreements) if agency not in tested}
            await here.append_tests(due, now)
            tx.after_commit(self._wake)
        return len(due)


class Receipts:
    """Learns from the broker how far each agency's own consumers have committed: over Kafka that is the receipt."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        ends: Ends,
        admin: Callable[[], AIOKafkaAdminClient],
        *,
        leads: Callable[[], int],
    ) -> None:
        self._database = database
        self._clock = clock
        self._ends = ends
        self._admin = admin
        self._leads = leads

    async def run(self) -> None:
        """Listens until cancelled; with Kafka away it goes on when Kafka is back."""
        while True:
            if self._leads():
                try:
                    await self.once()
                except (KafkaError, OSError, TimeoutError) as failure:
                    log.warning("receipts could not be had", extra={"error": type(failure).__name__})
                except Exception as failure:  # the database may be away
                    log.warning("receipts could not be kept", extra={"error": type(failure).__name__})
            await asyncio.sleep(LISTEN_EVERY)

    async def once(self) -> None:
        """One look at every consumer group of every agency."""
        async with self._database.reading() as connection:
            agencies = sorted((await directory(connection)).agencies)
        admin = self._admin()
        try:
            async with asyncio.timeout(30):
                await admin.start()
                groups = [group for group, *_ in await admin.list_consumer_groups()]
                committed = {agency: await self._furthest(admin, agency, groups) for agency in agencies}
        finally:
            await admin.close()
        for agency, offset in committed.items():
            if offset:
                await self._keep(agency, offset)

    async def _keep(self, agency: str, offset: int) -> None:
        async with self._database.reading() as connection:
            found = await (await driver_of(connection)).fetchval(_SEQUENCE_AT, agency, offset)
            known = await (await driver_of(connection)).fetchrow(_KNOWN, agency)
        further = bool(found) and found > known["sequence"]
        if further or offset > known["offset"]:
            async with self._database.transaction() as tx:
                await records.taken(tx, agency, offset, self._clock.now())
                if further:
                    await records.heard(tx, agency, "kafka", found, self._clock.now())

    async def _furthest(self, admin: AIOKafkaAdminClient, agency: str, groups: list[str]) -> int:
        """Behind what the agency's groups have come; what one committed beyond the topic's end nobody can have."""
        place, offsets = TopicPartition(topic_of(agency), 0), [0]
        for group in groups:
            if group.startswith(f"agency.{agency}."):
                told = await admin.list_consumer_group_offsets(group, partitions=[place])
                offsets.append(told[place].offset)
        if max(offsets) <= 0:
            return 0
        end = (await self._ends([place]))[place]  # asked last: whoever reads on meanwhile is not beyond it
        return max(offset for offset in offsets if offset <= end)
