"""Holds a service's sealer to the vault's current key, so that sealing works with the vault away."""

import asyncio
import base64
import logging

import httpx
from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from shared.database import Database
from shared.vault_client.parcels import sealing_keys
from shared.vault_client.sealing import NoSealingKey, Sealer, SealingKey

log = logging.getLogger(__name__)
_key = sealing_keys

REFRESH_SECONDS = 30.0
"""How often a service asks for the vault's current sealing key. The vault retires no key sooner than that."""


class SealingKeys:
    """Holds a sealer to the vault's current key: fetched, kept in the service's database, shared by its processes."""

    def __init__(self, sealer: Sealer, database: Database, vault: httpx.AsyncClient) -> None:
        self._sealer = sealer
        self._database = database
        self._vault = vault

    async def refresh(self) -> None:
        """Takes the vault's key, or with the vault away the one last kept. Raises NoSealingKey if there is none."""
        try:
            answer = await self._vault.get("/v1/sealing-key", timeout=5)
            answer.raise_for_status()
            key = SealingKey.of(base64.b64decode(answer.json()["public"], validate=True))
            await self._remember(key)
        except (httpx.HTTPError, ValueError, KeyError):
            await self.recall()
        else:
            self._sealer.use(key)

    async def recall(self) -> None:
        """Takes the key last kept in the database, without asking the vault. Raises NoSealingKey."""
        async with self._database.reading() as connection:
            row = (await connection.execute(select(_key.c.public).where(_key.c.current))).first()
        if row is None:
            raise NoSealingKey
        self._sealer.use(SealingKey.of(bytes(row.public)))

    async def run(self) -> None:
        """Refreshes until cancelled; every second while there is no key at all."""
        while True:
            try:
                await self.refresh()
            except NoSealingKey:
                log.warning("no sealing key yet: the vault has not been reached since this service was installed")
            except Exception as error:  # the database may be away; the key in memory still serves
                log.warning("the sealing key could not be refreshed", extra={"error": type(error).__name__})
            await asyncio.sleep(REFRESH_SECONDS if self._sealer.key else 1.0)

    async def _remember(self, key: SealingKey) -> None:
        async with self._database.reading() as connection:
            known = (await connection.execute(select(_key.c.current).where(_key.c.id == key.id))).scalar()
        if known:
            return
        async with self._database.transaction() as tx:
            await tx.connection.execute(update(_key).where(_key.c.id != key.id).values(current=False))
            row = upsert(_key).values(id=key.id, public=key.public, current=True)
            await tx.connection.execute(row.on_conflict_do_update(index_elements=["id"], set_={"current": True}))
