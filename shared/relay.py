"""From the log to Kafka: one leader per service sequences and publishes; the others watch, and pass on what they hear.

`Relay.run` is a background task of every process of a service. It survives the loss of PostgreSQL and of Kafka, and
a leader's death is made good by another process without a person.
"""

import asyncio
import logging
import os
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from shared import lease
from shared.checkpoints import TOPIC, checkpoint
from shared.database import Database
from shared.publisher import Publisher
from shared.sequencer import BATCH, Sequencer

CHANNEL = "waiting"
POLL_SECONDS = 1.0  # the net beneath the wake in process and the NOTIFY from other processes
COALESCE_SECONDS = 0.005  # a NOTIFY takes a lock at commit that serialises the whole cluster
MARK_SECONDS = 0.05
WATCH_SECONDS = 5.0
CHECKPOINT_SECONDS = 600.0  # how often it is asked whether today's has been made

log = logging.getLogger(__name__)


class Relay:
    """One process's part in the relay of `service`.

    `producer_settings` are AIOKafkaProducer's (servers and credentials), `partitions` the fixed number for each topic.
    The signals are of the whole service, as the database last told, and go on ageing while it does not answer.
    """

    def __init__(
        self,
        service: str,
        database: Database,
        producer_settings: Mapping[str, Any],
        partitions: Mapping[str, int],
        *,
        lease_seconds: float = 4.0,
    ) -> None:
        self.leading = 0
        """The term in which this process leads; 0 while it does not."""
        self._service = service
        self._database = database
        self._producer_settings = producer_settings
        self._partitions = partitions
        self._lease_seconds = lease_seconds
        self._holder = f"{socket.gethostname()}:{os.getpid()}"
        self._seen = {"oldest": 0.0, "waiting": 0, "unpublished": 0, "term": 0}
        self._seen_at = time.monotonic()

    async def run(self) -> None:
        """Follow, lead, and begin again after any failure; ends only when cancelled."""
        watching = asyncio.create_task(self._watch())
        try:
            while True:
                try:
                    await self._serve()
                except Exception as error:
                    log.warning("the relay of %s starts again: %s", self._service, _names(error))
                await asyncio.sleep(POLL_SECONDS / 2)
        finally:
            watching.cancel()

    @property
    def leads(self) -> bool:
        """Whether this process leads."""
        return self.leading > 0

    def oldest_unpublished_seconds(self) -> float:
        """How long the oldest fact that Kafka has not acknowledged has waited; 0 when there is none."""
        oldest = self._seen["oldest"]
        return oldest + time.monotonic() - self._seen_at if oldest else 0.0

    def unsequenced(self) -> int:
        """How many facts have no position yet."""
        return int(self._seen["waiting"])

    def unpublished(self) -> int:
        """How many facts have a position that Kafka has not acknowledged."""
        return int(self._seen["unpublished"])

    def term(self) -> int:
        """The term of the service's leader: each change of leader adds one."""
        return int(self._seen["term"])

    async def _serve(self) -> None:
        session = await self._database.session(application=f"{self._service} relay")
        try:
            term = await self._follow(session)
            log.info("%s leads the relay of %s in term %s", self._holder, self._service, term)
            self.leading = term
            await self._lead(session, term)
        finally:
            self.leading = 0
            session.terminate()  # with the session goes the lease, at once

    async def _follow(self, session: Any) -> int:
        """Wait until the lease can be had; meanwhile tell the leader of what this process commits."""
        heard = self._database.committed.listen()
        try:
            while (term := await lease.take(session, self._holder, self._lease_seconds)) is None:
                looked = time.monotonic()
                while (rest := looked + POLL_SECONDS - time.monotonic()) > 0:
                    if not await _set_within(heard, rest):
                        break
                    heard.clear()
                    await session.execute(f"notify {CHANNEL}")
                    await asyncio.sleep(COALESCE_SECONDS)
            return term
        finally:
            self._database.committed.forget(heard)

    async def _lead(self, session: Any, term: int) -> None:
        # What this session writes may be lost in a crash of the server: a mark too low means a repeat, no more.
        side = await self._database.session(application=f"{self._service} relay marks", synchronous_commit="off")
        wake = self._database.committed.listen()
        publisher: Publisher | None = None
        try:
            await session.add_listener(CHANNEL, lambda *_: wake.set())
            sequencer = await Sequencer.resume(session, self._partitions)
            publisher = Publisher(
                self._service,
                self._database,
                self._producer_settings,
                acknowledged=await side.fetchval("select position from published"),
                known=sequencer.position,
            )
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(_sequence(sequencer, publisher, wake))
                tasks.create_task(publisher.run())
                tasks.create_task(self._keep(side, publisher, term))
                if TOPIC in self._partitions:
                    tasks.create_task(self._checkpoint())
        finally:
            self._database.committed.forget(wake)
            if publisher is not None:
                # After an orderly end a successor repeats nothing. Only forwards: one long replaced does no harm.
                with suppress(Exception):
                    async with asyncio.timeout(1):
                        await self._mark(side, publisher.acknowledged)
            side.terminate()

    async def _keep(self, side: Any, publisher: Publisher, term: int) -> None:
        """Mark what is published, and renew the lease."""
        marked = publisher.acknowledged
        renewed = time.monotonic()
        while True:
            await _set_within(publisher.progress, self._lease_seconds / 4)
            publisher.progress.clear()
            if publisher.acknowledged > marked:
                marked = publisher.acknowledged
                await self._mark(side, marked)
            if time.monotonic() - renewed >= self._lease_seconds / 4:
                await lease.renew(side, term, self._lease_seconds)
                renewed = time.monotonic()
            await asyncio.sleep(MARK_SECONDS)

    async def _mark(self, side: Any, position: int) -> None:
        await side.execute(_MARK, position)

    async def _checkpoint(self) -> None:
        while True:
            try:
                await checkpoint(self._service, self._database, self._producer_settings)
            except Exception as error:
                log.warning("no checkpoint of %s could be made: %s", self._service, _names(error))
            await asyncio.sleep(CHECKPOINT_SECONDS)

    async def _watch(self) -> None:
        while True:
            with suppress(Exception):
                async with self._database.transaction() as tx:
                    row = await tx.driver.fetchrow(_SIGNALS)
                self._seen, self._seen_at = dict(row), time.monotonic()
            await asyncio.sleep(WATCH_SECONDS)


_MARK = "update published set position = $1 where position < $1"

_SIGNALS = """
    select coalesce(extract(epoch from clock_timestamp() - least(
               (select min(at) from waiting), (select at from sequence s where s.position = p.position + 1)
           )), 0)::float8 as oldest,
           (select count(*) from waiting) as waiting,
           coalesce((select max(position) from sequence), 0) - p.position as unpublished,
           (select term from lease) as term
    from published p
"""


async def _sequence(sequencer: Sequencer, publisher: Publisher, wake: asyncio.Event) -> None:
    while True:
        wake.clear()
        while batch := await sequencer.next_batch():
            publisher.offer(batch)
            if len(batch) < BATCH:
                break
        await _set_within(wake, POLL_SECONDS)


async def _set_within(event: asyncio.Event, seconds: float) -> bool:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
    return event.is_set()


def _names(error: BaseException) -> str:
    """The names of what went wrong, without words that might quote a value."""
    if isinstance(error, BaseExceptionGroup):
        return ", ".join(_names(inner) for inner in error.exceptions)
    return type(error).__name__
