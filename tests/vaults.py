"""A vault as it runs: its own process, a real issuer, its two databases, and a service that keeps parcels for it."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import uvicorn
from fastapi import Depends, Request
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from contracts.identifiers import mint, mint_reference
from infra.issuer.identities import ensure_identities
from infra.local.ports import free_ports
from infra.postgres.provision import ServiceDatabase
from shared.credentials import ServiceCredentials, private_key
from shared.database import Database
from shared.http import service_app
from shared.identity import Caller, Verifier, audience_of, keys_of
from shared.vault_client import Sealable, Sealer, SealingKeys, VaultClient, create_parcels, keep, parcel_router
from tests.stacks import Stack

ROOT = Path(__file__).resolve().parents[1]
IDENTITIES = ROOT / "infra" / "demo" / "identities.toml"
PARTNERSHIP = "northshire"


def person(role: str, *partnerships: str, name: str = "authority-approver") -> Caller:
    """Somebody on whose behalf a service asks."""
    return Caller("person", name, "northshire-council", frozenset({role}), frozenset(partnerships or (PARTNERSHIP,)))


APPROVER = person("approver")
UNIT = person("business_unit", name="business-unit-manager")
OFFICER = person("business_unit", name="business-unit-officer")
OPERATOR = person("operator", name="operator")


@dataclass
class Source:
    """A service that keeps parcels. `gate` is closed to hold the vault up between filing and confirming."""

    database: Database
    sealer: Sealer
    url: str
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    confirming: asyncio.Event = field(default_factory=asyncio.Event)

    async def send(self, *items: Sealable, partnership: str = PARTNERSHIP, event: str | None = None) -> str:
        """Seals and keeps what one event held; the parcel's id."""
        parcel = self.sealer.seal(
            items, partnership=partnership, agency="northshire-police", event=event or mint("event")
        )
        async with self.database.transaction() as tx:
            await keep(tx, [parcel])
        return parcel.id

    async def waiting(self) -> list[str]:
        """The parcels that are still here."""
        async with self.database.reading() as connection:
            return [row[0] for row in await connection.exec_driver_sql("select id from parcel order by seq")]


@dataclass
class VaultProcess:
    """The vault, started and ended as often as a test likes."""

    environment: dict[str, str]
    url: str
    log: Path
    process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        with self.log.open("ab") as log:
            command = [sys.executable, "-m", "services.vault.app"]
            self.process = subprocess.Popen(  # noqa: ASYNC220
                command, env=self.environment, cwd=ROOT, stdout=log, stderr=log
            )
        await answering(f"{self.url}/health/live", self.process, self.log)

    def kill(self) -> None:
        """`kill -9`."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.kill()
            self.process = None


@dataclass
class World:
    """Everything a test of the vault has around it."""

    folder: Path
    data: ServiceDatabase
    keys: ServiceDatabase
    source: Source
    vault: VaultProcess
    client: VaultClient
    sealing_keys: SealingKeys
    http: httpx.AsyncClient
    credentials: ServiceCredentials

    async def rows(self, query: str, *values: Any, of: str = "data") -> list[asyncpg.Record]:
        """Asks one of the vault's databases as its owner."""
        connection = await asyncpg.connect(plain(getattr(self, of).owner_url))
        try:
            return list(await connection.fetch(query, *values))
        finally:
            await connection.close()

    async def as_service(self, on_behalf_of: Caller | None = None) -> dict[str, str]:
        """The headers of a call in the gateway's name."""
        headers = {"authorization": f"Bearer {await self.credentials.token(audience_of('vault'))}"}
        return headers | ({"on-behalf-of": on_behalf_of.to_header()} if on_behalf_of else {})

    async def erase(self, owner: str, by: Caller = UNIT) -> dict[str, list[str]]:
        """One person proposes it, another one decides; what remains."""
        reason = mint_reference()
        await self.client.propose_erasure(owner, reason_ref=reason, caller=OFFICER)
        return await self.client.erase(owner, reason_ref=reason, caller=by)

    async def filed(self, *parcels: str) -> None:
        """Waits until the vault has filed and confirmed these."""
        await until(lambda: self._gone(parcels))

    async def _gone(self, parcels: tuple[str, ...]) -> bool:
        return not set(parcels) & set(await self.source.waiting())


def identity(incident: str, subject: str, **who: Any) -> Sealable:
    value = {"name": "Child A", "dateOfBirth": "2019-03-04", **who}
    return Sealable(mint_reference(), "identity", value, under="subject", incident=incident, subject=subject)


def narrative(incident: str, words: str = "seen by a neighbour", *subjects: str) -> Sealable:
    return Sealable(mint_reference(), "narrative", words, incident=incident, subjects=subjects)


def plain(url: str) -> str:
    return url.replace("+asyncpg", "")


async def until(holds: Any, within: float = 30.0) -> None:
    """Waits for a condition, and fails once it has not held in time."""
    end = asyncio.get_running_loop().time() + within
    while not await holds():
        assert asyncio.get_running_loop().time() < end, "it did not come true in time"
        await asyncio.sleep(0.05)


async def answering(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    async with httpx.AsyncClient() as http:
        for _ in range(1200):
            with suppress(httpx.HTTPError):
                if (await http.get(url)).status_code == 200:
                    return
            if process.poll() is not None:
                break
            await asyncio.sleep(0.05)
    raise AssertionError(_end_of(log))


def _end_of(log: Path) -> str:
    return log.read_text()[-3000:]


@asynccontextmanager
async def vault_world(stack: Stack, folder: Path, name: str = "vault") -> AsyncIterator[World]:
    """Databases, issuer, source and vault, all running."""
    data, keys = stack.create_database(f"{name}_test"), stack.create_database(f"{name}_keys_test")
    kept = stack.create_database(f"{name}_source_test")
    issuer_port, source_port, vault_port = free_ports(3)
    issuer, source_url, vault_url = (f"http://127.0.0.1:{p}" for p in (issuer_port, source_port, vault_port))
    base = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "LC_ALL": "C.UTF-8", "SX_MODE": "local"}
    installed = ensure_identities(IDENTITIES, folder)
    issuer_process = _start_issuer(base, issuer, issuer_port, folder)
    _migrate(base, data, keys)
    await _make_parcels(kept)
    async with httpx.AsyncClient() as http:
        vault = VaultProcess(
            base
            | {
                "SX_SERVICE": "vault",
                "SX_DATABASE_URL": data.runtime_url,
                "SX_KEYS_DATABASE_URL": keys.runtime_url,
                "SX_KAFKA_BOOTSTRAP": stack.kafka.bootstrap,
                "SX_KAFKA_USERNAME": stack.kafka.admin_username,
                "SX_KAFKA_PASSWORD": stack.kafka.admin_password,
                "SX_HTTP_PORT": str(vault_port),
                "SX_ISSUER": issuer,
                "SX_AUDIENCE": "vault",
                "SX_CLIENT_ID": "vault",
                "SX_CLIENT_KEY_FILE": str(installed.key_file("vault")),
                "SX_STATE_DIR": str(folder),
                "SX_PARCEL_SOURCES": source_url,
            },
            vault_url,
            folder / "vault.log",
        )
        database = Database(kept.runtime_url)
        sealer = Sealer()
        asking = httpx.AsyncClient(base_url=vault_url)
        credentials = ServiceCredentials(issuer, "gateway", private_key(installed.key_file("gateway")), http)
        source = Source(database, sealer, source_url)
        source.gate.set()
        verifier = Verifier(issuer, audience_of("gateway"), keys_of(issuer, http))
        try:
            await answering(f"{issuer}/health/live", issuer_process, folder / "issuer.log")
            async with _serving(source, verifier, source_port):
                await vault.start()
                sealing_keys = SealingKeys(sealer, database, asking)
                await sealing_keys.refresh()
                yield World(
                    folder,
                    data,
                    keys,
                    source,
                    vault,
                    VaultClient(asking, credentials.token),
                    sealing_keys,
                    asking,
                    credentials,
                )
        finally:
            vault.stop()
            issuer_process.terminate()
            issuer_process.wait(10)
            await asking.aclose()
            await database.close()


def _start_issuer(base: dict[str, str], url: str, port: int, folder: Path) -> subprocess.Popen[bytes]:
    told = {"SX_ISSUER": url, "SX_HTTP_PORT": str(port), "SX_STATE_DIR": str(folder)}
    told |= {"SX_IDENTITIES_FILE": str(IDENTITIES)}
    with (folder / "issuer.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "infra.issuer"], env=base | told, cwd=ROOT, stdout=log, stderr=log
        )


def _migrate(base: dict[str, str], data: ServiceDatabase, keys: ServiceDatabase) -> None:
    ways_in = {
        "SX_OWNER_DATABASE_URL": data.owner_url,
        "SX_DATABASE_URL": data.runtime_url,
        "SX_OWNER_KEYS_DATABASE_URL": keys.owner_url,
        "SX_KEYS_DATABASE_URL": keys.runtime_url,
    }
    done = subprocess.run(
        [sys.executable, "-m", "services.vault.migrations"],
        env=base | ways_in,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


async def _make_parcels(kept: ServiceDatabase) -> None:
    class Steps:
        def __init__(self, connection: Connection) -> None:
            self._connection = connection

        def get_bind(self) -> Connection:
            return self._connection

    engine = create_async_engine(kept.owner_url)
    async with engine.begin() as connection:
        await connection.run_sync(lambda sync: create_parcels(Steps(sync), kept.runtime_role))
    await engine.dispose()


async def _true_of(server: uvicorn.Server) -> bool:
    return server.started


@asynccontextmanager
async def _serving(source: Source, verifier: Verifier, port: int) -> AsyncIterator[None]:
    async def gated(request: Request) -> None:
        if request.url.path.endswith("/collected"):
            source.confirming.set()
            await source.gate.wait()

    router = parcel_router(source.database)
    app = service_app(title="source", service="gateway", routers=[], verifier=verifier)
    app.include_router(router, dependencies=[Depends(gated)])
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_config=None, lifespan="off"))
    serving = asyncio.create_task(server.serve())
    await until(lambda: _true_of(server))
    try:
        yield
    finally:
        source.gate.set()
        server.should_exit = True
        await serving
