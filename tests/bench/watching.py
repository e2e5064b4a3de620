"""How far a reader has come, watched from outside: counted from its positions, without asking the service."""

import asyncio
import time
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import asyncpg

INCIDENTS = "safeguarding.incidents"
LOOK_EVERY = 0.05
ENDS_EVERY = 20
"""Looks: only so often is it asked where the topic ends."""

_PLACES = "select partition, position from sequence where topic = $1 order by position"
_ENDS = "select partition, max(position) from sequence where topic = $1 group by partition"
_UNPLACED = "select exists (select from waiting)"
_POSITIONS = "select partition, position from reader_position where topic = $1 and producer = 'gateway'"

Positions = Mapping[int, int]


@dataclass(frozen=True)
class Watched:
    """How many facts of the topic had been applied, at which moments (seconds since the watch began)."""

    applied: tuple[tuple[float, int], ...]
    whole: int

    @property
    def done(self) -> bool:
        """Whether all was applied in the end."""
        return self.applied[-1][1] >= self.whole

    @property
    def seconds(self) -> float:
        """Until the last look."""
        return self.applied[-1][0]

    @property
    def count(self) -> int:
        """Facts applied while it was watched."""
        return self.applied[-1][1] - self.applied[0][1]

    @property
    def rate(self) -> float:
        """Facts a second, from the first look at which some had been applied to the last."""
        moved = [look for look in self.applied if look[1] > self.applied[0][1]]
        if len(moved) < 2:
            return 0.0
        (began, first), (ended, last) = moved[0], moved[-1]
        return (last - first) / (ended - began)


async def watch(gateway_url: str, reader_url: str, seconds: float) -> Watched:
    """Watch a service apply what the gateway has recorded, until it has applied all, or the time is up."""
    began = time.monotonic()
    gateway, reader = await asyncpg.connect(gateway_url), await asyncpg.connect(reader_url)
    try:
        looks: list[tuple[float, Positions]] = [(0.0, await _positions(reader))]
        while time.monotonic() - began < seconds:
            await asyncio.sleep(LOOK_EVERY)
            looks.append((time.monotonic() - began, await _positions(reader)))
            if len(looks) % ENDS_EVERY == 0 and await _at_end(gateway, looks[-1][1]):
                break
        places: dict[int, list[int]] = {}
        for partition, position in await gateway.fetch(_PLACES, INCIDENTS):
            places.setdefault(partition, []).append(position)
    finally:
        await gateway.close()
        await reader.close()
    return told(places, looks)


def told(places: Mapping[int, Sequence[int]], looks: Sequence[tuple[float, Positions]]) -> Watched:
    """Positions as numbers of facts. After the first look at which all had been applied, nothing more counts."""
    applied: list[tuple[float, int]] = []
    whole = sum(len(each) for each in places.values())
    for at, positions in looks:
        count = sum(bisect_right(each, positions.get(partition, 0)) for partition, each in places.items())
        applied.append((at, count))
        if count >= whole:
            break
    return Watched(tuple(applied), whole)


async def _positions(reader: asyncpg.Connection) -> Positions:
    return dict(await reader.fetch(_POSITIONS, INCIDENTS))


async def _at_end(gateway: asyncpg.Connection, positions: Positions) -> bool:
    if await gateway.fetchval(_UNPLACED):
        return False
    return all(positions.get(partition, 0) >= end for partition, end in await gateway.fetch(_ENDS, INCIDENTS))
