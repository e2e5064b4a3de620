"""A database, an owner role and a runtime role for each service; nobody may enter another's."""

import asyncio
import re
from collections.abc import Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

import asyncpg

IDENTIFIER = re.compile(r"[a-z][a-z0-9_]{0,50}")

T = TypeVar("T")


@dataclass(frozen=True)
class ServiceDatabase:
    """What a service and its migrations are given; URLs as SQLAlchemy reads them (`postgresql+asyncpg://`)."""

    name: str
    owner_role: str
    runtime_role: str
    owner_url: str
    runtime_url: str


def provision_database(admin_url: str, name: str, *, owner_password: str, runtime_password: str) -> ServiceDatabase:
    """Make, or bring up to date, the database `name` with its roles `<name>_owner` and `<name>_runtime`.

    Idempotent: roles get the passwords given, data is untouched. `admin_url` is a super user's `postgresql://` URL;
    passwords must be safe in a URL as they are. What the runtime role may do to a table, migrations say.
    Raises asyncpg's errors, and ValueError for a name that is no plain identifier.
    """
    described = service_database(admin_url, name, owner_password=owner_password, runtime_password=runtime_password)
    run(_provision(admin_url, name, {described.owner_role: owner_password, described.runtime_role: runtime_password}))
    return described


def service_database(admin_url: str, name: str, *, owner_password: str, runtime_password: str) -> ServiceDatabase:
    """How the database `name` is reached on the server of `admin_url`, whether or not it is there yet."""
    _require_identifier(name)
    owner, runtime = f"{name}_owner", f"{name}_runtime"
    server = urlsplit(admin_url).netloc.rpartition("@")[2]
    return ServiceDatabase(
        name=name,
        owner_role=owner,
        runtime_role=runtime,
        owner_url=f"postgresql+asyncpg://{owner}:{owner_password}@{server}/{name}",
        runtime_url=f"postgresql+asyncpg://{runtime}:{runtime_password}@{server}/{name}",
    )


def drop_database(admin_url: str, name: str) -> None:
    """Remove the database and its two roles, ending whatever is connected to it."""
    _require_identifier(name)
    gone = [f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"]
    gone += [f"DROP ROLE IF EXISTS {name}_{kind}" for kind in ("runtime", "owner")]
    run(_execute(admin_url, gone))


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end from synchronous code, whether or not this thread has an event loop of its own."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(asyncio.run, work).result()


def _require_identifier(name: str) -> None:
    if not IDENTIFIER.fullmatch(name):
        raise ValueError(f"{name!r} is no database name: lower-case letters, digits and underscores, from a letter on")


async def _provision(admin_url: str, name: str, passwords: dict[str, str]) -> None:
    owner, runtime = passwords
    admin = await asyncpg.connect(admin_url)
    try:
        for role, password in passwords.items():
            exists = await admin.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role)
            verb = "ALTER" if exists else "CREATE"
            options = "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS"
            # Utility statements take no parameters, so the server itself quotes the password.
            await admin.execute(
                await admin.fetchval(
                    f"SELECT format('{verb} ROLE %I {options} PASSWORD %L', $1::text, $2::text)", role, password
                )
            )
        if not await admin.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
            await admin.execute(f"CREATE DATABASE {name} OWNER {owner}")
        for shared_door in ("postgres", "template1"):
            await admin.execute(f"REVOKE ALL ON DATABASE {shared_door} FROM PUBLIC")
        await admin.execute(f"REVOKE ALL ON DATABASE {name} FROM PUBLIC")
        await admin.execute(f"GRANT CONNECT ON DATABASE {name} TO {runtime}")
    finally:
        await admin.close()
    url = urlsplit(admin_url)._replace(path=f"/{name}").geturl()
    await _execute(url, ["REVOKE ALL ON SCHEMA public FROM PUBLIC", f"GRANT USAGE ON SCHEMA public TO {runtime}"])


async def _execute(url: str, statements: Iterable[str]) -> None:
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()
