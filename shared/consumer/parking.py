"""Events that can never succeed are set aside, and what follows them under the same key waits in order behind them."""

import base64
import logging
import re
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import distinct, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.consumer.records import Record, peek
from shared.consumer.tables import parked
from shared.database import Transaction
from shared.vault_client.parcels import keep
from shared.vault_client.sealing import Sealer, unreadable

log = logging.getLogger(__name__)

BEHIND = "behind an event of the same key"

Reveal = Callable[[Sequence[str]], Awaitable[Mapping[str, Any]]]
"""Fetches what lies under these references from the vault, for the purpose of replay."""

_OPEN = parked.c.settled_at.is_(None)
_INCIDENT = re.compile(r"incident-[0-9a-f]{32}")
_NAME = re.compile(r"[a-z][a-z0-9-]{1,62}")


@dataclass(frozen=True)
class Parked:
    """One parked event as an operator may see it."""

    topic: str
    partition: int
    offset: int
    producer: str
    position: int | None
    key: str | None
    reason: str
    ref: str
    attempts: int
    parked_at: str

    def record(self, content: bytes) -> Record:
        """The record that it was, its bytes come back from the vault."""
        at = datetime.fromisoformat(self.parked_at)
        return Record(self.topic, self.partition, self.offset, self.key, content, at, self.producer, self.position)


@dataclass(frozen=True)
class Which:
    """Parked events to be mended: all of a key, in order, or the one at a place that holds nothing up."""

    topic: str
    key: str | None = None
    partition: int | None = None
    offset: int | None = None

    def clauses(self) -> tuple[Any, ...]:
        """As conditions on the parked events."""
        here = (parked.c.topic == self.topic, _OPEN)
        if self.key is not None:
            return (*here, parked.c.key == self.key)
        return (*here, parked.c.key.is_(None), parked.c.partition == self.partition, parked.c.offset == self.offset)


class Parking:
    """Sets events aside in the caller's transaction: a row of codes here, the bytes sealed to the vault."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    async def keys(self, tx: Transaction, topic: str, keys: Collection[str]) -> set[str]:
        """Which of these keys are parked. Read while the partition's positions are held, so that no replay races."""
        rows = await tx.driver.fetch(
            "select distinct key from reader_parked where topic = $1 and key = any($2) and settled_at is null",
            topic,
            list(keys),
        )
        return {key for (key,) in rows}

    async def park(self, tx: Transaction, record: Record, reason: str) -> None:
        """Set one record aside. Raises NoSealingKey, SealingKeyRetired.

        Without a relay's mark it is no fact of any owner's, and holds nothing up.
        """
        origin = {"topic": record.topic, "partition": record.partition, "offset": record.offset, "reason": reason}
        key = record.key if record.position is not None else None
        incident = key if key and _INCIDENT.fullmatch(key) else None
        item = unreadable(record.value, kind="parked", origin=origin, incident=incident)
        partnership = peek(record.value).get("partnership")
        known = isinstance(partnership, str) and _NAME.fullmatch(partnership)
        parcel = self._sealer.seal([item], partnership=str(partnership) if known else "unknown", agency=None)
        row = insert(parked).values(
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            producer=record.producer,
            position=record.position,
            key=key,
            reason=reason,
            ref=item.ref,
        )
        added = await tx.connection.execute(row.on_conflict_do_nothing().returning(parked.c.ref))
        if added.first() is not None:
            await keep(tx, [parcel])
            place = {"topic": record.topic, "partition": record.partition, "offset": record.offset}
            log.error("an event was parked", extra=place | {"reason": reason})

    async def first(self, tx: Transaction, which: "Which") -> Parked | None:
        """The one that is to be replayed next; its partition is held, so that no reader parks behind it meanwhile."""
        these = which.clauses()
        found = (await tx.connection.execute(select(parked.c.partition).where(*these).limit(1))).scalar()
        if found is None:
            return None
        await tx.driver.execute(
            "select from reader_position where topic = $1 and partition = $2 for update", which.topic, found
        )
        row = (await tx.connection.execute(select(parked).where(*these).order_by(parked.c.offset).limit(1))).first()
        return _parked(row) if row else None

    async def settle(self, tx: Transaction, event: Parked, how: str) -> None:
        """It is parked no more: `replayed`, or discarded by somebody for a reason (codes)."""
        done = update(parked).where(*_this(event)).values(settled_at=func.clock_timestamp(), settled=how)
        await tx.connection.execute(done)

    async def failed(self, tx: Transaction, event: Parked, reason: str) -> None:
        """A replay did not succeed either: it stays, with the newest reason."""
        again = update(parked).where(*_this(event)).values(attempts=parked.c.attempts + 1, reason=reason)
        await tx.connection.execute(again)


def _this(event: Parked) -> tuple[Any, ...]:
    return (parked.c.topic == event.topic, parked.c.partition == event.partition, parked.c.offset == event.offset)


def _parked(row: Any) -> Parked:
    return Parked(
        row.topic,
        row.partition,
        row.offset,
        row.producer,
        row.position,
        row.key,
        row.reason,
        row.ref,
        row.attempts,
        row.parked_at.isoformat(),
    )


def bytes_of(revealed: Any) -> bytes:
    """A parked event's bytes as the vault gives them back."""
    return base64.b64decode(revealed["bytes"])


async def parked_events(connection: AsyncConnection, *, after: tuple[str, int, int], limit: int) -> list[Parked]:
    """A page of what is parked, by topic, partition and offset."""
    place = (parked.c.topic, parked.c.partition, parked.c.offset)
    later = func.row(*place) > func.row(*after)
    rows = await connection.execute(select(parked).where(_OPEN, later).order_by(*place).limit(limit))
    return [_parked(row) for row in rows]


async def parked_keys(connection: AsyncConnection) -> int:
    """Signal: how many keys are held up by a parked event."""
    found = await connection.execute(
        select(func.count(distinct(func.concat(parked.c.topic, " ", parked.c.key)))).where(
            _OPEN, parked.c.key.is_not(None)
        )
    )
    return int(found.scalar_one())


async def parked_count(connection: AsyncConnection) -> int:
    """Signal: how many events are parked, those behind others included."""
    return int((await connection.execute(select(func.count()).select_from(parked).where(_OPEN))).scalar_one())
