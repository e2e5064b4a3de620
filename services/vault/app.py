"""Puts the vault together."""

import asyncio
import logging
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from aiokafka import AIOKafkaConsumer
from fastapi import FastAPI
from sqlalchemy import MetaData

from services.vault import views
from services.vault.api import vault_routers
from services.vault.ciphers import MasterKeys
from services.vault.collector import Collector, Source
from services.vault.document_store import DocumentStore
from services.vault.erasure import Erasure
from services.vault.filing import Filing
from services.vault.key_store import KeyStore
from services.vault.remembering import told_on_kafka
from services.vault.reveal import Reveal
from shared import kafka_access
from shared.assembly import Assembly, by_subject
from shared.clock import clock_from
from shared.database import Database
from shared.eventlog import EventLog, log_tables
from shared.health import Health
from shared.http import serve
from shared.settings import NEEDED_BY_EVERY_SERVICE, BadSettings, Settings, settings_from, unfit_database
from shared.signals import Signal

SILENT_SECONDS = 30
KAFKA_SECONDS = 10.0
"""How long a start waits for the topic of erasures; without it, it goes on with what its databases remember."""

log = logging.getLogger(__name__)


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
    if settings.mode == "production":
        url, tls = environ.get("SX_KEYS_DATABASE_URL", ""), environ.get("PGSSLMODE", "")
        faults += unfit_database("SX_KEYS_DATABASE_URL", url, tls)
    if faults:
        raise BadSettings(faults)
    known = (settings.gateway_url, settings.notifications_url, settings.delivery_url)
    named = environ.get("SX_PARCEL_SOURCES") or ",".join(known)
    return VaultSettings(
        keys_database_url=environ["SX_KEYS_DATABASE_URL"],
        master_key_file=Path(file or Path(settings.state_dir) / "master-keys"),
        parcel_sources=tuple(url.strip() for url in named.split(",") if url.strip()),
        held_for_backup=environ.get("SX_PARCELS_HELD_FOR_BACKUP", "") == "1",
    )


def app(settings: Settings, own: VaultSettings) -> FastAPI:
    """One process of the vault."""
    made = Assembly(settings)
    made.tasks.remove(made.keys.run)  # the vault seals nothing
    keys_database = Database(own.keys_database_url, pool_size=5)
    keys = KeyStore(keys_database, lambda: MasterKeys.read(own.master_key_file))
    filing = Filing(made.database, keys, made.log, made.clock)
    collector = Collector(
        own.parcel_sources,
        made.http,
        made.credentials.token,
        filing,
        made.database,
        keys,
        held_for_backup=own.held_for_backup,
    )
    made.tasks.append(collector.run)
    standing = Standing(made.database, keys_database, collector.sources)
    made.signals += [
        Signal("parcels_unopened", "Parcels that could not be filed, and wait where they are.", standing.unopened),
        Signal("source_silent_seconds", "How long the most silent source has not answered.", standing.silent),
    ]
    reveal = Reveal(made.database, made.log, keys, collector)
    documents = DocumentStore(made.database, keys, reveal)
    erasure = Erasure(made.database, made.log, keys)
    return made.app(
        title="The vault",
        routers=vault_routers(made.database, keys, collector, reveal, documents, erasure, made.clock, made.cursors),
        components={"keys": standing.keys, "sources": standing.of_sources, "parcels": standing.of_parcels},
    )


class Standing:
    """How the vault's own parts stand."""

    def __init__(self, database: Database, keys_database: Database, sources: list[Source]) -> None:
        self._database = database
        self._keys_database = keys_database
        self._sources = sources
        self._began = datetime.now(UTC)

    async def unopened(self) -> float:
        async with self._database.reading() as connection:
            return await views.count_unopened(connection)

    async def silent(self) -> float:
        return max(map(self._silent, self._sources), default=0.0)

    async def keys(self) -> Health:
        async with self._keys_database.reading():
            return Health("ok")

    async def of_sources(self) -> Health:
        away = [source.name or source.url for source in self._sources if self._silent(source) > SILENT_SECONDS]
        if away:
            return Health("warning", f"not collected from {', '.join(away)}: their words wait there, sealed")
        return Health("ok")

    async def of_parcels(self) -> Health:
        unopened = await self.unopened()
        if unopened:
            return Health("warning", f"{unopened:.0f} parcels could not be filed: GET /v1/unopened-parcels says why")
        return Health("ok")

    def _silent(self, source: Source) -> float:
        return (datetime.now(UTC) - (source.answered_at or self._began)).total_seconds()


async def make_ready(settings: Settings, own: VaultSettings) -> None:
    """Before anything is shown: a first master key if there is none, and every erasure applied again.

    A key store that holds keys gets no second first master key: SystemExit then, with the remedy.
    """
    data, keys_database = Database(settings.database_url, pool_size=1), Database(own.keys_database_url, pool_size=1)
    try:
        if not own.master_key_file.exists():
            if not await KeyStore(keys_database, lambda: MasterKeys({"none": bytes(32)})).is_empty():
                sys.exit(
                    "the key store holds keys, but the master key file is gone: put back what SX_MASTER_KEY_FILE names"
                )
            MasterKeys.begin(own.master_key_file)
        clock = clock_from(Path(settings.clock_file) if settings.clock_file else None)
        keys = KeyStore(keys_database, lambda: MasterKeys.read(own.master_key_file))
        event_log = EventLog(settings.service, log_tables(MetaData()), by_subject)
        erasure = Erasure(data, event_log, keys)
        await erasure.reapply(clock.now())
        kafka = kafka_access.producer_settings(settings)
        consumer = AIOKafkaConsumer(**kafka, group_id=None, auto_offset_reset="earliest")
        told = await told_on_kafka(consumer, within=KAFKA_SECONDS)
        if told is None:
            log.error("the topic of erasures was not read: after a restore, start the vault again once Kafka is there")
        else:
            await erasure.reapply(clock.now(), told)
    finally:
        await data.close()
        await keys_database.close()


def main() -> None:
    """Run it with what the environment says."""
    try:
        settings = settings_from(os.environ, need=NEEDED_BY_EVERY_SERVICE)
        own = vault_settings(os.environ, settings)
    except BadSettings as faults:
        sys.exit(str(faults))
    asyncio.run(make_ready(settings, own))
    serve(app(settings, own), settings)


if __name__ == "__main__":
    main()
