"""Puts the vault together."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
from fastapi import FastAPI
from sqlalchemy import MetaData

from contracts.topics import PARTITIONS
from services.vault import views
from services.vault.api import vault_routers
from services.vault.ciphers import MasterKeys
from services.vault.collector import Collector
from services.vault.document_store import DocumentStore
from services.vault.erasure import Erasure
from services.vault.filing import Filing
from services.vault.key_store import KeyStore
from services.vault.reveal import Reveal
from shared.assembly import by_subject
from shared.clock import Clock, clock_from
from shared.credentials import ServiceCredentials, private_key
from shared.database import Database
from shared.eventlog import EventLog, log_tables
from shared.health import Component, Health
from shared.http import serve, service_app
from shared.identity import Verifier, audience_of, keys_of
from shared.kafka_access import producer_settings
from shared.operations import Operated, operations_router
from shared.pages import Cursors
from shared.relay import Relay
from shared.settings import NEEDED_BY_EVERY_SERVICE, BadSettings, Settings, cursor_key, settings_from
from shared.signals import Signal, Signals, log_signals
from shared.telemetry import start_telemetry, stop_telemetry


@dataclass(frozen=True)
class VaultSettings:
    """What the vault is told beside what every service is."""

    keys_database_url: str
    master_key_file: Path
    parcel_sources: tuple[str, ...]
    held_for_backup: bool


def vault_settings(environ: Mapping[str, str], settings: Settings) -> VaultSettings:
    """`SX_KEYS_DATABASE_URL`; `SX_MASTER_KEY_FILE` (in local mode one is made in the state folder);
    `SX_PARCEL_SOURCES`, base URLs, by default those of the services that are known; `SX_PARCELS_HELD_FOR_BACKUP`."""
    faults = []
    if not environ.get("SX_KEYS_DATABASE_URL"):
        faults.append("SX_KEYS_DATABASE_URL is not set: the key store has a database of its own")
    file = environ.get("SX_MASTER_KEY_FILE", "")
    if not file and settings.mode == "production":
        faults.append("SX_MASTER_KEY_FILE is not set: name the file with the master keys, readable by its owner alone")
    if faults:
        raise BadSettings(faults)
    named = environ.get("SX_PARCEL_SOURCES") or f"{settings.gateway_url},{settings.notifications_url}"
    return VaultSettings(
        keys_database_url=environ["SX_KEYS_DATABASE_URL"],
        master_key_file=Path(file or Path(settings.state_dir) / "master-keys"),
        parcel_sources=tuple(url.strip() for url in named.split(",") if url.strip()),
        held_for_backup=environ.get("SX_PARCELS_HELD_FOR_BACKUP", "") == "1",
    )


class Vault:
    """One process of the vault: its parts, and its background work from `start` to `stop`."""

    def __init__(self, settings: Settings, own: VaultSettings) -> None:
        self._own = own
        self.clock: Clock = clock_from(Path(settings.clock_file) if settings.clock_file else None)
        self.database = Database(settings.database_url)
        self.keys_database = Database(own.keys_database_url, pool_size=5)
        self.http = httpx.AsyncClient()
        self.verifier = Verifier(settings.issuer, audience_of("vault"), keys_of(settings.issuer, self.http))
        credentials = ServiceCredentials(
            settings.issuer, settings.client_id, private_key(Path(settings.client_key_file)), self.http
        )
        self.keys = KeyStore(self.keys_database, self._masters)
        log = EventLog("vault", log_tables(MetaData()), by_subject)
        filing = Filing(self.database, self.keys, log, self.clock)
        self.collector = Collector(
            own.parcel_sources,
            self.http,
            credentials.token,
            filing,
            self.database,
            self.keys,
            held_for_backup=own.held_for_backup,
        )
        self.reveal = Reveal(self.database, self.keys, self.collector)
        self.documents = DocumentStore(self.database, self.keys, self.reveal)
        self.erasure = Erasure(self.database, self.keys)
        self.relay = Relay("vault", self.database, producer_settings(settings), PARTITIONS)
        self.signals = Signals(
            [
                *log_signals(self.database),
                Signal("parcels_unopened", "Parcels that could not be filed, and wait where they are.", self._unopened),
                Signal("source_silent_seconds", "How long the most silent source has not answered.", self._silent),
            ]
        )
        self._work: list[asyncio.Task[None]] = []

    def _masters(self) -> MasterKeys:
        return MasterKeys.read(self._own.master_key_file)

    async def start(self) -> None:
        """Applies tombstones again before anything is shown, then collects and publishes in the background."""
        await self.erasure.reapply(self.clock.now())
        self.signals.export()
        for work in (self.collector.run(), self.relay.run(), self.signals.run()):
            self._work.append(asyncio.create_task(work))

    async def stop(self) -> None:
        """Ends the background work and lets go of everything."""
        for work in self._work:
            work.cancel()
        await asyncio.gather(*self._work, return_exceptions=True)
        await self.http.aclose()
        await self.database.close()
        await self.keys_database.close()

    async def _unopened(self) -> float:
        async with self.database.reading() as connection:
            return await views.count_unopened(connection)

    async def _silent(self) -> float:
        return max((_silent(source.answered_at) for source in self.collector.sources), default=0.0)

    def components(self) -> dict[str, Component]:
        """How the vault's parts stand."""
        return {
            "database": lambda: _answers(self.database),
            "keys": lambda: _answers(self.keys_database),
            "sources": self._sources,
            "parcels": self._parcels,
        }

    async def _sources(self) -> Health:
        away = [source.name or source.url for source in self.collector.sources if _silent(source.answered_at) > 30]
        if away:
            return Health("warning", f"not collected from {', '.join(away)}: their words wait there, sealed")
        return Health("ok")

    async def _parcels(self) -> Health:
        unopened = await self._unopened()
        if unopened:
            return Health("warning", f"{unopened:.0f} parcels could not be filed: GET /v1/unopened-parcels says why")
        return Health("ok")


async def _answers(database: Database) -> Health:
    async with database.reading():
        return Health("ok")


_BEGAN = datetime.now(UTC)


def _silent(answered_at: datetime | None) -> float:
    return (datetime.now(UTC) - (answered_at or _BEGAN)).total_seconds()


def create_app(settings: Settings, own: VaultSettings) -> FastAPI:
    """The vault's app."""
    vault = Vault(settings, own)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await vault.start()
        try:
            yield
        finally:
            await vault.stop()
            stop_telemetry()

    routers = vault_routers(
        vault.database,
        vault.keys,
        vault.reveal,
        vault.documents,
        vault.erasure,
        vault.clock,
        Cursors(cursor_key(settings)),
    )
    operated = Operated("vault", vault.database, vault.clock, vault.signals)
    return service_app(
        title="The vault",
        service="vault",
        lifespan=lifespan,
        routers=[*routers, operations_router(operated)],
        verifier=vault.verifier,
        components=vault.components(),
    )


async def _begin_keys(own: VaultSettings) -> None:
    """Makes the first master key, but never a second first one: a key store that holds keys needs its own file."""
    if own.master_key_file.exists():
        return
    database = Database(own.keys_database_url, pool_size=1)
    try:
        if await KeyStore(database, lambda: MasterKeys({"none": bytes(32)})).is_empty():
            MasterKeys.begin(own.master_key_file)
    finally:
        await database.close()


def main() -> None:
    """Runs one process of the vault, told by the environment what it needs."""
    try:
        settings = settings_from(os.environ, need=NEEDED_BY_EVERY_SERVICE)
        own = vault_settings(os.environ, settings)
    except BadSettings as faults:
        sys.exit(str(faults))
    start_telemetry("vault", mode=settings.mode, state_dir=settings.state_dir, otlp_endpoint=settings.otlp_endpoint)
    asyncio.run(_begin_keys(own))
    if not own.master_key_file.exists():
        sys.exit("the key store holds keys, but the master key file is gone: put back what SX_MASTER_KEY_FILE names")
    serve(create_app(settings, own), settings)


if __name__ == "__main__":
    main()
