"""The tick: at the instants that a service's clocks name, it tells how they stand. Several processes may tick at once.

What is due is a service's own question (`Agenda`); that one culprit holds up no other, and that an outage ends no
loop, is the same for all.
"""

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncConnection

from shared.clock import Clock
from shared.database import Appends, Database, Transaction, is_outage
from shared.eventlog import Conflict

log = logging.getLogger(__name__)

BATCH = 50
"""Streams in one transaction."""

LOOK_EVERY = 1.0
"""Seconds between two looks at what is due; a look that finds nothing is one probe of an index."""

TRY_AGAIN_AFTER = timedelta(minutes=1)
"""What could not be ticked steps back by so much, so that it holds up no other."""


class Agenda(Protocol):
    """What is due in a service, by name, and how it is ticked."""

    async def begin(self, tx: Transaction, now: datetime) -> None:
        """This process has just begun, and may bring a newer calendar: try again what none reached."""

    async def prepare(self, tx: Transaction, now: datetime) -> None:
        """Wake what a calendar that has changed concerns, before each look at what is due."""

    async def due(self, connection: AsyncConnection, now: datetime, limit: int) -> Sequence[str]:
        """The longest due first. Its cost must depend on what is due, not on what is not due yet."""

    async def next_due(self, connection: AsyncConnection) -> datetime | None:
        """The next instant at which anything has something to say."""

    async def postpone(self, tx: Transaction, name: str, until: datetime) -> None:
        """Look at it again later."""

    async def tick(self, tx: Transaction, names: Sequence[str]) -> int:
        """Say what is to be said of these, but for those that another process holds; how many facts were told."""


class Ticking:
    """Does what has become due."""

    def __init__(self, agenda: Agenda, database: Database, event_log: Appends, clock: Clock) -> None:
        self._agenda = agenda
        self._database = database
        self._log = event_log
        self._clock = clock

    async def run(self) -> None:
        """Ticks until cancelled. With the database away it goes on when the database is back."""
        fresh = True
        while True:
            try:
                if fresh:
                    await self.begin()
                    fresh = False
                await self.tick()
            except Exception as failure:
                if not is_outage(failure):
                    log.exception("the clocks could not be ticked")
            await asyncio.sleep(LOOK_EVERY)

    async def tick(self) -> int:
        """Everything that is due by now; returns how many facts were told. Raises what the database raises."""
        told, seen = 0, set[str]()
        async with self._database.transaction() as tx:
            await self._agenda.prepare(tx, self._clock.now())
        while True:
            async with self._database.reading() as connection:
                found = await self._agenda.due(connection, self._clock.now(), BATCH + len(seen))
            due = [name for name in found if name not in seen][:BATCH]
            if not due:
                return told
            seen.update(due)
            told += await self._together(due)

    async def begin(self) -> None:
        """A newer calendar may have come with this process: have it tried where none reached."""
        async with self._database.transaction() as tx:
            await self._agenda.begin(tx, self._clock.now())

    async def next_due(self) -> datetime | None:
        """The next instant at which a clock has something to say; None if there is none."""
        async with self._database.reading() as connection:
            return await self._agenda.next_due(connection)

    async def _together(self, due: Sequence[str]) -> int:
        """One transaction for all; if that fails, each by itself, so that only the culprit stays due."""
        try:
            async with self._database.transaction(self._log) as tx:
                return await self._agenda.tick(tx, due)
        except Exception as failure:
            if is_outage(failure):
                raise
            if len(due) == 1:
                await self._could_not(due[0], failure)
                return 0
        return sum([await self._together([name]) for name in due])

    async def _could_not(self, name: str, failure: Exception) -> None:
        if isinstance(failure, Conflict):
            return  # another writer was there first: the next look sees what it left
        log.error("clocks could not be ticked", extra={"stream": name}, exc_info=failure)
        async with self._database.transaction() as tx:
            await self._agenda.postpone(tx, name, self._clock.now() + TRY_AGAIN_AFTER)
