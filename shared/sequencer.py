"""Gives committed facts their position, partition and hash, in one chain for the whole log.

What commits late simply gets a later position: nothing is skipped, and no open transaction holds anybody up.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Any

from aiokafka.partitioner import murmur2

FIRST_HASH = bytes(32)
BATCH = 2000


@dataclass(frozen=True, slots=True)
class Sequenced:
    """A fact with its place: what a record on the topic is made of. `previous` is the position before it there."""

    position: int
    fact: int
    topic: str
    partition: int
    previous: int
    hash: bytes
    key: bytes
    value: bytes
    traceparent: str | None


@lru_cache(maxsize=65536)
def partition_of(key: bytes, count: int) -> int:
    """The partition of a key as Kafka's own clients reckon it (murmur2)."""
    return int((murmur2(key) & 0x7FFFFFFF) % count)


def chained(
    before: bytes,
    *,
    position: int,
    fact: int,
    topic: str,
    partition: int,
    previous: int,
    stream: str,
    version: int,
    key: str,
    event: bytes,
) -> bytes:
    """The hash of a fact in its place, SHA-256 over the hash before it, its place and its bytes.

    PostgreSQL's text holds no NUL, so the parts cannot run into each other.
    """
    place = f"{position}\0{fact}\0{topic}\0{partition}\0{previous}\0{stream}\0{version}\0{key}\0"
    return sha256(b"".join((before, place.encode(), event))).digest()


# Left to itself the planner reads the whole of `fact`, expecting a full batch where a few facts wait.
_NEXT = f"""
    select f.id, f.topic, f.key, f.stream, f.version, f.event, f.traceparent
    from (select fact from waiting order by fact limit {BATCH}) w
    cross join lateral (select * from fact where id = w.fact limit 1) f
    order by f.id
"""  # noqa: S608 - a number of this module's own
# One statement, so one transaction: a place in the sequence, and no longer waiting.
_KEEP = """
    with placed as (delete from waiting where fact = any($2))
    insert into sequence (position, fact, topic, partition, previous, previous_hash, hash)
    select * from unnest($1::bigint[], $2::bigint[], $3::text[], $4::int[], $5::bigint[], $6::bytea[], $7::bytea[])
"""


class Sequencer:
    """The leader's sequencer, over the one session that the lease is tied to.

    It remembers where the chain ends. After any failure it must be thrown away: whether the last batch was kept is
    then known to the database alone.
    """

    def __init__(
        self,
        session: Any,
        partitions: Mapping[str, int],
        position: int,
        last_hash: bytes,
        ends: dict[tuple[str, int], int],
    ) -> None:
        self.position = position
        self._session = session
        self._partitions = partitions
        self._hash = last_hash
        self._ends = ends

    @classmethod
    async def resume(cls, session: Any, partitions: Mapping[str, int]) -> "Sequencer":
        """Go on from where the chain in the database ends. `partitions` is the fixed number for each topic."""
        last = await session.fetchrow("select position, hash from sequence order by position desc limit 1")
        places = [(topic, number) for topic, count in partitions.items() for number in range(count)]
        ends = await session.fetch(
            """
            select topic, partition, (
                select position from sequence s where s.topic = p.topic and s.partition = p.partition
                order by previous desc limit 1
            )
            from unnest($1::text[], $2::int[]) as p (topic, partition)
            """,
            [topic for topic, _ in places],
            [number for _, number in places],
        )
        position, last_hash = last or (0, FIRST_HASH)
        known = {(topic, number): end or 0 for topic, number, end in ends}
        return cls(session, partitions, position, last_hash, known)

    async def next_batch(self) -> list[Sequenced]:
        """Give up to `BATCH` waiting facts their places, durably, in the order of the log; empty if none wait.

        Raises LookupError for a topic whose number of partitions was not given, and asyncpg's errors.
        """
        rows = await self._session.fetch(_NEXT)
        if not rows:
            return []
        batch, befores = self._placed(rows)
        await self._keep(batch, befores)
        return batch

    def _placed(self, rows: list[Any]) -> tuple[list[Sequenced], list[bytes]]:
        batch: list[Sequenced] = []
        befores: list[bytes] = []
        for fact, topic, key, stream, version, event, traceparent in rows:
            if topic not in self._partitions:
                raise LookupError(f"no number of partitions is known for {topic}: fact {fact} cannot be placed")
            key_bytes = key.encode()
            partition = partition_of(key_bytes, self._partitions[topic])
            position = self.position + 1
            previous = self._ends[topic, partition]
            befores.append(self._hash)
            self._hash = chained(
                self._hash,
                position=position,
                fact=fact,
                topic=topic,
                partition=partition,
                previous=previous,
                stream=stream,
                version=version,
                key=key,
                event=event,
            )
            batch.append(
                Sequenced(position, fact, topic, partition, previous, self._hash, key_bytes, event, traceparent)
            )
            self.position = self._ends[topic, partition] = position
        return batch, befores

    async def _keep(self, batch: list[Sequenced], befores: list[bytes]) -> None:
        await self._session.execute(
            _KEEP,
            [s.position for s in batch],
            [s.fact for s in batch],
            [s.topic for s in batch],
            [s.partition for s in batch],
            [s.previous for s in batch],
            befores,
            [s.hash for s in batch],
        )
