"""Parked events go back the way they came, by an operator's command, in the order in which they were published."""

import logging
from dataclasses import dataclass

from shared.consumer.errors import mended_by_time, reason_of
from shared.consumer.parking import Parked, Reveal, Which, bytes_of
from shared.consumer.reader import Pass, Reader

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Replayed:
    """How many events had their effect, and why it stopped before the last of them, if it did."""

    replayed: int
    stopped: str | None = None


class Replay:
    """Replays and discards what a reader has parked. `reveal` fetches the bytes from the vault."""

    def __init__(self, reader: Reader, reveal: Reveal) -> None:
        self._reader = reader
        self._reveal = reveal

    async def run(self, which: Which) -> Replayed:
        """Replay events of one key until none is left or one fails again; that one stays, with its newest reason.

        Each has a transaction of its own. Raises what time must mend: the database or the vault being away.
        """
        done = 0
        while (event := await self._first(which)) is not None:
            if event.position is None:
                return Replayed(done, event.reason)  # nobody's fact: it can only be discarded
            content = bytes_of((await self._reveal([event.ref]))[event.ref])
            try:
                done += await self._again(which, event, content)
            except Exception as error:
                if mended_by_time(error):
                    raise
                await self._failed(event, reason_of(error))
                return Replayed(done, reason_of(error))
        return Replayed(done)

    async def discard(self, which: Which, *, by: str, why: str) -> Parked | None:
        """Give up the first of these events for good, so that what is behind it can be replayed. Codes only."""
        async with self._reader.database.transaction() as tx:
            event = await self._reader.parking.first(tx, which)
            if event is not None:
                await self._reader.parking.settle(tx, event, f"discarded by {by}: {why}")
                log.warning("a parked event was discarded", extra=_place(event) | {"by": by, "why": why})
        return event

    async def _first(self, which: Which) -> Parked | None:
        async with self._reader.database.transaction() as tx:
            return await self._reader.parking.first(tx, which)

    async def _again(self, which: Which, event: Parked, content: bytes) -> bool:
        async with self._reader.database.transaction(self._reader.workplace.log) as tx:
            if await self._reader.parking.first(tx, which) != event:
                return False  # somebody else's command was faster
            work = Pass(tx)
            await self._reader.react(event.record(content), work)
            await self._reader.parking.settle(tx, event, "replayed")
            await self._reader.finish(work)
        log.info("a parked event was replayed", extra=_place(event))
        return True

    async def _failed(self, event: Parked, reason: str) -> None:
        async with self._reader.database.transaction() as tx:
            await self._reader.parking.failed(tx, event, reason)


def _place(event: Parked) -> dict[str, str | int]:
    return {"topic": event.topic, "partition": event.partition, "offset": event.offset}
