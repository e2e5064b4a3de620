"""How far each feed has come, as this process knows it: who waits waits here, and none of them asks the database."""

import asyncio
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from shared.database import Database, Wake, driver_of, is_outage

LOOK_EVERY = 1.0
"""Seconds between two looks for what another process of the service has appended."""


@dataclass(frozen=True)
class Head:
    """The last number given in a feed, and how often something was taken from its agency's rights."""

    last: int = 0
    edition: int = 0


class Heads:
    """Looks after every commit of this process, and every second for those of others."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: Mapping[str, Head] = {}
        self._look = asyncio.Event()
        self._changed = Wake()

    def ring(self) -> None:
        """Look now: something was committed."""
        self._look.set()

    def of(self, agency: str) -> Head:
        """The head of one feed, as last looked at."""
        return self._known.get(agency, Head())

    async def run(self) -> None:
        """Looks until cancelled; with the database away what is known stands."""
        while True:
            self._look.clear()
            try:
                await self.look()
            except Exception as failure:
                if not is_outage(failure):
                    raise
            await _within(self._look, LOOK_EVERY)

    async def look(self) -> None:
        """One look. Raises what the database raises."""
        async with self._database.reading() as connection:
            rows = await (await driver_of(connection)).fetch("select agency, last, edition from feed_head")
        found = {agency: Head(last, edition) for agency, last, edition in rows}
        if found != self._known:
            self._known = found
            self._changed.fire()

    async def moved(self, agency: str, beyond: Head, seconds: float) -> bool:
        """Wait until there is more in a feed than `beyond` knows, or less in its rights; False if there was not."""
        until = time.monotonic() + seconds
        heard = self._changed.listen()
        try:
            while not self._is_beyond(agency, beyond):
                heard.clear()
                if (left := until - time.monotonic()) <= 0:
                    return False
                await _within(heard, left)
            return True
        finally:
            self._changed.forget(heard)

    async def any_moved(self, seconds: float) -> None:
        """Wait until any feed has moved, or so long."""
        heard = self._changed.listen()
        try:
            await _within(heard, seconds)
        finally:
            self._changed.forget(heard)

    def _is_beyond(self, agency: str, beyond: Head) -> bool:
        head = self.of(agency)
        return head.last > beyond.last or head.edition > beyond.edition


async def _within(event: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
