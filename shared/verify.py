"""Is the log what it was? The hash chain is reckoned again from the stored rows and held against the checkpoints."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import orjson

from shared.checkpoints import Checkpoint, read_checkpoints
from shared.database import Database, driver_of
from shared.eventlog import BESIDE
from shared.sequencer import FIRST_HASH, chained

CHUNK = 5000
MOST_TOLD = 100


@dataclass(frozen=True)
class Finding:
    """Something that is not as it was written. `position` and `fact` say where, as far as can be said."""

    what: str
    position: int | None = None
    fact: int | None = None


@dataclass(frozen=True)
class Verification:
    """What was looked at, and what was found: `whole` if nothing, else the first hundred of it."""

    whole: bool
    positions: int
    checkpoints: int
    findings: tuple[Finding, ...]


async def verify(database: Database, checkpoints: Sequence[Checkpoint] = ()) -> Verification:
    """Reckon the whole chain again, as it is at one moment, in chunks.

    Finds rows that were changed, removed or put in since they were sequenced, whoever did it; a chain that was
    rewritten as a whole only `checkpoints` from the topic can tell.
    """
    found: list[Finding] = []
    wanted: dict[int, set[str]] = {}
    for known in checkpoints:
        wanted.setdefault(known.position, set()).add(known.hash)
    positions, last_hash = 0, FIRST_HASH
    async with database.reading() as connection:
        driver = await driver_of(connection)
        for position, digest in await driver.fetch("select position, hash from checkpoint"):
            wanted.setdefault(position, set()).add(digest.hex())
        while rows := await driver.fetch(_CHAIN, positions):
            for row in rows:
                found += _of_row(row, positions, last_hash)
                positions, last_hash = row["position"], row["hash"]
                if wanted.pop(positions, {last_hash.hex()}) != {last_hash.hex()}:
                    found.append(Finding("the hash is not the checkpoint's", positions))
            del found[MOST_TOLD:]
        found += [Finding("a checkpoint's position is not there", position) for position in wanted]
        found += [Finding(what, row["position"], row["fact"]) for what, q in _OUTSIDE for row in await driver.fetch(q)]
    return Verification(not found, positions, len(checkpoints), tuple(found[:MOST_TOLD]))


async def verify_with_topic(service: str, database: Database, consumer_settings: Mapping[str, Any]) -> Verification:
    """The same against the checkpoints that Kafka has; `consumer_settings` are AIOKafkaConsumer's."""
    return await verify(database, await read_checkpoints(service, consumer_settings))


def _of_row(row: Any, before: int, before_hash: bytes) -> Iterator[Finding]:
    position, fact = row["position"], row["fact"]
    if position != before + 1:
        yield Finding(f"positions {before + 1} to {position - 1} are not there", position)
    elif row["previous_hash"] != before_hash:
        yield Finding("the hash before it is not the one it was chained to", position, fact)
    if row["event"] is None:
        yield Finding("its fact is not there", position, fact)
        return
    place = {name: row[name] for name in ("position", "fact", "topic", "partition", "previous")}
    facts = {name: row[name] for name in ("stream", "version", "key", "event")}
    if chained(row["previous_hash"], **place, **facts) != row["hash"]:
        yield Finding("the row is not what was hashed", position, fact)
    elif differing := [name for name, value in _written(row).items() if row[name] != value]:
        yield Finding(f"beside the event stands another {', '.join(differing)}", position, fact)


def _written(row: Any) -> dict[str, object]:
    """What the columns must hold, by what was hashed."""
    event = orjson.loads(row["event"])
    columns = {name: event.get(attribute) for name, attribute in BESIDE.items()}
    for name in ("occurred_at", "recorded_at"):
        columns[name] = datetime.fromisoformat(columns[name])
    columns["business_date"] = date.fromisoformat(columns["business_date"])
    return columns | {"fact_topic": row["topic"]}


# Fact by fact, or the planner might read the whole log for every chunk.
_CHAIN = f"""
    select s.position, s.fact, s.topic, s.partition, s.previous, s.previous_hash, s.hash,
           f.stream, f.version, f.key, f.event, f.topic as fact_topic, {", ".join(BESIDE)}
    from (select * from sequence where position > $1 order by position limit {CHUNK}) s
    left join lateral (select * from fact where id = s.fact limit 1) f on true
    order by s.position
"""  # noqa: S608 - the names are this module's own

_OUTSIDE = (
    (
        "a fact has no position and does not wait for one",
        """
        select null::bigint as position, f.id as fact from fact f
        where not exists (select from sequence s where s.fact = f.id)
          and not exists (select from waiting w where w.fact = f.id)
        order by f.id limit 100
        """,
    ),
    (
        "a fact that waits for a position is not there",
        """
        select null::bigint as position, w.fact from waiting w
        where not exists (select from fact f where f.id = w.fact) order by w.fact limit 100
        """,
    ),
    (
        "what was published is not there",
        """
        select p.position, null::bigint as fact from published p
        where p.position > (select coalesce(max(s.position), 0) from sequence s)
        """,
    ),
)
