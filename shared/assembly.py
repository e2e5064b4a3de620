"""What every service is made of, wired once: a service's `app.py` adds what is its own, and nothing else.

The door opens first: a service comes up, takes and answers with Kafka or the vault away, and joins them when it can.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
from fastapi import APIRouter, FastAPI
from faststream.kafka import KafkaBroker
from sqlalchemy import MetaData, Table, text

from contracts.catalogue import topic_of
from contracts.envelope import AnyEvent
from contracts.topics import PARTITIONS
from contracts.vault import Purpose
from shared import kafka_access
from shared.clock import clock_from
from shared.consumer import Parking, Reactions, Reader, Replay, Workplace, kafka_broker
from shared.credentials import private_key
from shared.database import Database, Transaction
from shared.days_off import calendar
from shared.eventlog import EventLog, Route, log_tables
from shared.health import Component, Health
from shared.http import BODY_LIMIT, refuse_to_serve, service_app
from shared.identity import ServiceCredentials, Verifier, audience_of, keys_of
from shared.operations import Operated, operations_router
from shared.pages import Cursors
from shared.rebuild import rebuild
from shared.relay import Relay
from shared.settings import BadSettings, Settings, cursor_key
from shared.signals import Signal, Signals, log_signals, reader_signals
from shared.telemetry import carry_trace, start_telemetry, stop_telemetry
from shared.vault_client import Sealer, SealingKeys, VaultClient, parcel_router
from shared.verify import Verification, verify_with_topic

log = logging.getLogger(__name__)

Project = Callable[[Transaction, Sequence[AnyEvent]], Awaitable[None]]
Task = Callable[[], Coroutine[Any, Any, None]]
JOIN_AGAIN_SECONDS = 1.0


def by_subject(fact: AnyEvent) -> Route:
    """A fact goes to its type's topic, keyed by its subject, whose order it keeps."""
    return Route(topic_of(fact), fact.subject or fact.id)


class Assembly:
    """One process of a service. Make it, add reactions and tasks, then `app(...)`."""

    def __init__(self, settings: Settings, *, route: Callable[[AnyEvent], Route] = by_subject) -> None:
        start_telemetry(
            settings.service, mode=settings.mode, state_dir=settings.state_dir, otlp_endpoint=settings.otlp_endpoint
        )
        self.settings = settings
        self.clock = clock_from(Path(settings.clock_file) if settings.clock_file else None)
        self.database = Database(settings.database_url)
        self.log = EventLog(settings.service, log_tables(MetaData()), route)
        self.http = httpx.AsyncClient(timeout=10, event_hooks={"request": [carry_trace]})
        self.vault = httpx.AsyncClient(base_url=settings.vault_url, timeout=10, event_hooks={"request": [carry_trace]})
        audience = audience_of(settings.service)
        self.verifier = Verifier(settings.issuer, audience, keys_of(settings.issuer, self.http))
        key = private_key(Path(settings.client_key_file))
        self.credentials = ServiceCredentials(settings.issuer, settings.client_id, key, self.http)
        self.cursors = Cursors(cursor_key(settings))
        self.sealer = Sealer()
        self.keys = SealingKeys(self.sealer, self.database, self.vault)
        self.vault_client = VaultClient(self.vault, self.credentials.token)
        self.parking = Parking(self.sealer)
        self.workplace = Workplace(settings.service, self.log, self.clock, lambda tx: calendar(tx.connection))
        self.relay = Relay(settings.service, self.database, kafka_access.producer_settings(settings), PARTITIONS)
        self.reader: Reader | None = None
        self.signals: list[Signal] = log_signals(self.database)
        self.tasks: list[Task] = [self.relay.run, self.keys.run]
        self._broker: KafkaBroker | None = None
        self._ends = kafka_access.Ends(settings)

    def project(self, projection: Project, *, gathers: bool = False) -> None:
        """Keep read models with the log. Call it before anything takes the workplace; `gathers` as there."""
        self.workplace = replace(self.workplace, project=projection, gathers=gathers)

    def read(
        self, reactions: Reactions, *, folds: Sequence[str] = (), after: Callable[[], None] | None = None
    ) -> Reader:
        """Have Kafka's topics read, once the broker can be reached."""
        self.reader = Reader(self.workplace, self.database, reactions, self.parking, folds=folds, after=after)
        self.signals += reader_signals(self.database, self.reader)
        self.tasks.append(self._join_kafka)
        return self.reader

    def app(
        self,
        *,
        title: str,
        routers: Sequence[APIRouter],
        components: Mapping[str, Component] | None = None,
        views: Sequence[Table] = (),
        fold: Project | None = None,
        tick: Callable[[], Awaitable[None]] | None = None,
        next_due: Callable[[], Awaitable[datetime | None]] | None = None,
        body_limit: int = BODY_LIMIT,
    ) -> FastAPI:
        """The service's HTTP, operators' routes and the vault's among it, with every task in its lifespan.

        `views` are the read models that `fold` alone writes, so that an operator can have them rebuilt.
        """
        signals = Signals(self.signals)
        signals.export()
        self.tasks.append(signals.run)
        operated = Operated(
            self.settings.service,
            self.database,
            self.clock,
            signals,
            replay=Replay(self.reader, self._reveal_parked) if self.reader else None,
            rebuild=(lambda: rebuild(self.database, self.log, views, fold)) if fold else None,
            verify=self._verify,
            tick=tick,
            next_due=next_due,
        )
        standing = {"database": self._database_stands, "kafka": self._kafka_stands, **(components or {})}
        return service_app(
            title=title,
            service=self.settings.service,
            lifespan=self._lifespan,
            routers=[*routers, operations_router(operated), parcel_router(self.database)],
            verifier=self.verifier,
            components=standing,
            body_limit=body_limit,
        )

    async def _verify(self) -> Verification:
        return await verify_with_topic(
            self.settings.service, self.database, kafka_access.producer_settings(self.settings)
        )

    async def _reveal_parked(self, refs: Sequence[str]) -> Mapping[str, Any]:
        shown = await self.vault_client.reveal(refs, purpose=Purpose.PARKED_REPLAY)
        return {ref: one.value for ref, one in shown.items()}

    @asynccontextmanager
    async def _lifespan(self, _: FastAPI) -> AsyncIterator[None]:
        running = [asyncio.create_task(_kept_alive(task)) for task in self.tasks]
        try:
            yield
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
            if self._broker:
                await self._broker.stop()
            await self._ends.close()
            await self.http.aclose()
            await self.vault.aclose()
            await self.database.close()
            stop_telemetry()

    async def _join_kafka(self) -> None:
        """FastStream's broker gives up at once where Kafka is away: make another until one stays."""
        assert self.reader is not None
        while self._broker is None:
            security = kafka_access.consumer_security(self.settings)
            broker = kafka_broker(self.settings.kafka_bootstrap, security=security, client_id=self.settings.service)
            self.reader.subscribe(broker)
            for flow in self.reader.flows.values():
                flow.ends = self._ends
            try:
                if self.settings.mode == "production":
                    await kafka_access.require_authorisation(self.settings)
                await broker.start()
                self._broker = broker
            except BadSettings as unfit:
                refuse_to_serve(str(unfit))
                return
            except Exception as error:
                log.warning("Kafka cannot be joined yet", extra={"error": type(error).__name__})
                await broker.stop()
                await asyncio.sleep(JOIN_AGAIN_SECONDS)

    async def _database_stands(self) -> Health:
        async with self.database.reading() as connection:
            await connection.execute(text("select 1"))
        return Health("ok")

    async def _kafka_stands(self) -> Health:
        if self.reader is not None and self._broker is None:
            return Health("warning", "Kafka cannot be reached: what is taken in is kept, and goes out once it can be")
        waited = self.relay.oldest_unpublished_seconds()
        if waited > 30:
            return Health("warning", f"the oldest fact not yet on Kafka has waited {waited:.0f} s")
        return Health("ok")


async def _kept_alive(task: Task) -> None:
    """A task that fails is begun again: no part of a service ends in silence while the rest of it goes on."""
    while True:
        try:
            await task()
            return
        except Exception as error:
            log.error("a part of this service failed and is begun again", extra={"error": type(error).__name__})
            await asyncio.sleep(JOIN_AGAIN_SECONDS)
