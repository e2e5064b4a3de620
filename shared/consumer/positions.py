"""How far a reader has come, kept in the same transaction as the effects of what it read."""

from collections.abc import Iterable, Mapping

from shared.database import Transaction

Source = tuple[str, int, str]
"""Topic, partition and producing service (empty on a topic that an agency writes)."""

_HOLD = """
    insert into reader_position (topic, partition, producer, position)
    select *, 0 from unnest($1::text[], $2::int[], $3::text[])
    on conflict (topic, partition, producer) do update set position = reader_position.position
    returning topic, partition, producer, position
    """
_MOVE = """
    update reader_position set position = moved.position
    from unnest($1::text[], $2::int[], $3::text[], $4::bigint[]) as moved (topic, partition, producer, position)
    where (reader_position.topic, reader_position.partition, reader_position.producer)
        = (moved.topic, moved.partition, moved.producer)
    """
_FOLD = """
    insert into reader_folded (topic, subject, version)
    select $1, * from unnest($2::text[], $3::int[])
    on conflict (topic, subject) do update set version = greatest(reader_folded.version, excluded.version)
    """


async def hold(tx: Transaction, sources: Iterable[Source]) -> dict[Source, int]:
    """The positions applied last, 0 where none was, locked until the transaction ends.

    The lock makes another process that reads the same partition (after a rebalance that this one has not noticed)
    wait, and then skip what was applied here.
    """
    ordered = sorted(set(sources))  # one order for all, or two processes could wait for each other
    if not ordered:
        return {}
    columns = (list(column) for column in zip(*ordered, strict=True))
    rows = await tx.driver.fetch(_HOLD, *columns)
    return {(topic, partition, producer): position for topic, partition, producer, position in rows}


async def move(tx: Transaction, to: Mapping[Source, int]) -> None:
    """Remember the positions come to. They must be held."""
    if to:
        columns = zip(*((*source, position) for source, position in to.items()), strict=True)
        await tx.driver.execute(_MOVE, *(list(column) for column in columns))


async def fold(tx: Transaction, topic: str, versions: Mapping[str, int]) -> None:
    """Remember the version of each subject's stream that has been applied here."""
    if versions:
        ordered = sorted(versions.items())
        columns = (list(column) for column in zip(*ordered, strict=True))
        await tx.driver.execute(_FOLD, topic, *columns)
