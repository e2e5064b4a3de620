"""The keys, apart from the data they open: a database of its own, with a short backup life."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from nacl.public import PrivateKey
from sqlalchemy import Column, DateTime, LargeBinary, MetaData, Table, Text, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from services.vault.ciphers import MasterKeys, UnknownMasterKey, Wrapped, new_key
from shared.database import Database, Transaction
from shared.vault_client import SealingKey

metadata = MetaData()


def _moment(name: str, **more: Any) -> Column[datetime]:
    return Column(name, DateTime(timezone=True), **more)


data_key = Table(
    "data_key",
    metadata,
    Column("owner", Text, primary_key=True),
    Column("master", Text),
    Column("wrapped", LargeBinary),
    _moment("made_at", nullable=False, server_default=func.clock_timestamp()),
    _moment("destroyed_at"),
)
sealing_key = Table(
    "sealing_key",
    metadata,
    Column("id", Text, primary_key=True),
    Column("public", LargeBinary, nullable=False),
    Column("master", Text),
    Column("wrapped", LargeBinary),
    _moment("made_at", nullable=False, server_default=func.clock_timestamp()),
    _moment("retired_at"),
    _moment("destroyed_at"),
)
tombstone = Table(
    "tombstone",
    metadata,
    Column("owner", Text, primary_key=True),
    _moment("at", nullable=False),
)


@dataclass(frozen=True)
class RetiredKey:
    """A sealing key that nothing new is sealed to and whose private half is still there."""

    id: str
    retired_at: datetime


class NoSuchSealingKey(Exception):
    """The private half was destroyed, or never was ours."""


class KeyStore:
    """Data keys by owner (a subject, an incident), sealing keys by id; all wrapped by a master key, none cached.

    `read_masters` gives the master keys as they stand; they are read again when a key turns up under a newer one.
    """

    def __init__(self, database: Database, read_masters: Callable[[], MasterKeys]) -> None:
        self._database = database
        self._read_masters = read_masters
        self._masters = read_masters()

    async def for_filing(self, owners: Collection[str]) -> dict[str, bytes]:
        """The keys to file under, made where there is none yet. An owner who was erased has none and gets none."""
        if not owners:
            return {}
        async with self._database.transaction() as tx:
            known = set((await tx.connection.execute(_keys_of(owners).with_only_columns(data_key.c.owner))).scalars())
            missing = [owner for owner in sorted(owners) if owner not in known]
            if missing:
                wrapped = [(owner, self._masters.wrap(new_key(), owner)) for owner in missing]
                rows = [{"owner": o, "master": w.master, "wrapped": w.ciphertext} for o, w in wrapped]
                await tx.connection.execute(upsert(data_key).on_conflict_do_nothing(), rows)
        return await self.for_reading(owners)

    async def for_reading(self, owners: Collection[str]) -> dict[str, bytes]:
        """The keys of those owners who have one."""
        if not owners:
            return {}
        async with self._database.reading() as connection:
            rows = (await connection.execute(_keys_of(owners))).all()
        return {row.owner: self._open(row, row.owner) for row in rows if row.wrapped is not None}

    async def destroy(self, owners: Collection[str], at: datetime) -> int:
        """Destroys keys for good and remembers that; how many there were left to destroy."""
        async with self._database.transaction() as tx:
            for owner in sorted(owners):
                # a row without a key, so that none is made again
                gone = upsert(data_key).values(owner=owner, destroyed_at=at)
                await tx.connection.execute(gone.on_conflict_do_nothing())
                await tx.connection.execute(upsert(tombstone).values(owner=owner, at=at).on_conflict_do_nothing())
            step = update(data_key).where(data_key.c.owner.in_(owners), data_key.c.wrapped.is_not(None))
            return (await tx.connection.execute(step.values(wrapped=None, master=None, destroyed_at=at))).rowcount

    async def erased(self) -> dict[str, datetime]:
        """Every owner whose key this store remembers having destroyed, and when."""
        async with self._database.reading() as connection:
            return {row.owner: row.at for row in await connection.execute(select(tombstone))}

    async def is_empty(self) -> bool:
        """Whether there is nothing yet that a master key wraps."""
        async with self._database.reading() as connection:
            counted = [await connection.scalar(select(func.count()).select_from(t)) for t in (data_key, sealing_key)]
        return not any(counted)

    async def rewrap(self) -> int:
        """Wraps every key under the current master key, row by row under its lock; how many were not yet."""
        self._masters = self._read_masters()
        done = 0
        for table, name in ((data_key, data_key.c.owner), (sealing_key, sealing_key.c.id)):
            old = select(table).where(table.c.wrapped.is_not(None), table.c.master != self._masters.current)
            while True:
                async with self._database.transaction() as tx:
                    rows = (await tx.connection.execute(old.order_by(name).limit(500).with_for_update())).all()
                    for row in rows:
                        await self._rewrap(tx, table, name, row)
                if not rows:
                    break
                done += len(rows)
        return done

    async def _rewrap(self, tx: Transaction, table: Table, name: Column[Any], row: Any) -> None:
        whose = row._mapping[name.name]
        again = self._masters.wrap(self._open(row, whose), whose)
        step = update(table).where(name == whose).values(master=again.master, wrapped=again.ciphertext)
        await tx.connection.execute(step)

    async def current_sealing_key(self) -> SealingKey:
        """The public key to seal to; the first one is made on first asking."""
        async with self._database.transaction() as tx:
            await _one_at_a_time(tx)
            return await self._current(tx) or await self._make(tx)

    async def rotate_sealing_key(self) -> SealingKey:
        """Publishes a new key and retires the one before it, whose private half stays until nothing needs it."""
        async with self._database.transaction() as tx:
            await _one_at_a_time(tx)
            old = update(sealing_key).where(sealing_key.c.retired_at.is_(None))
            await tx.connection.execute(old.values(retired_at=func.clock_timestamp()))
            return await self._make(tx)

    async def private_sealing_key(self, key_id: str) -> PrivateKey:
        """Raises NoSuchSealingKey."""
        async with self._database.reading() as connection:
            row = (await connection.execute(select(sealing_key).where(sealing_key.c.id == key_id))).first()
        if row is None or row.wrapped is None:
            raise NoSuchSealingKey(key_id)
        return PrivateKey(self._open(row, row.id))

    async def retired_sealing_keys(self) -> list[RetiredKey]:
        """Retired keys whose private half is still there, oldest first."""
        there = select(sealing_key).where(sealing_key.c.retired_at.is_not(None), sealing_key.c.wrapped.is_not(None))
        async with self._database.reading() as connection:
            rows = (await connection.execute(there.order_by(sealing_key.c.retired_at))).all()
        return [RetiredKey(row.id, row.retired_at) for row in rows]

    async def destroy_sealing_key(self, key_id: str) -> None:
        """Destroys the private half of a retired key: what is still sealed to it can never be opened again."""
        gone = update(sealing_key).where(sealing_key.c.id == key_id, sealing_key.c.retired_at.is_not(None))
        async with self._database.transaction() as tx:
            step = gone.values(wrapped=None, master=None, destroyed_at=func.clock_timestamp())
            await tx.connection.execute(step)

    async def _current(self, tx: Transaction) -> SealingKey | None:
        current = select(sealing_key.c.public).where(sealing_key.c.retired_at.is_(None))
        public = await tx.connection.scalar(current)
        return SealingKey.of(bytes(public)) if public is not None else None

    async def _make(self, tx: Transaction) -> SealingKey:
        private = PrivateKey.generate()
        key = SealingKey.of(bytes(private.public_key))
        wrapped = self._masters.wrap(bytes(private), key.id)
        row = {"id": key.id, "public": key.public, "master": wrapped.master, "wrapped": wrapped.ciphertext}
        await tx.connection.execute(insert(sealing_key).values(row))
        return key

    def _open(self, row: Any, owner: str) -> bytes:
        wrapped = Wrapped(row.master, bytes(row.wrapped))
        try:
            return self._masters.unwrap(wrapped, owner)
        except UnknownMasterKey:
            self._masters = self._read_masters()
            return self._masters.unwrap(wrapped, owner)


def _keys_of(owners: Collection[str]) -> Any:
    return select(data_key).where(data_key.c.owner.in_(owners))


async def _one_at_a_time(tx: Transaction) -> None:
    await tx.connection.execute(select(func.pg_advisory_xact_lock(func.hashtext("sealing-key"))))
