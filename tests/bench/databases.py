"""Databases of the bench's own: a service's, filled with copies of facts that the running gateway really recorded."""

import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import uuid4

import asyncpg

import services.gateway
from infra.postgres.provision import ServiceDatabase, provision_database
from shared.migrate import upgrade

AT_ONCE = 20_000

_COLUMNS = (
    *("stream", "version", "type", "event_id", "subject", "partnership", "agency", "actor", "role", "reason_ref"),
    *("correlation", "causation", "traceparent", "occurred_at", "recorded_at", "business_date", "topic", "key"),
    "event",
)
_REAL = f"""
    select {", ".join(_COLUMNS)} from fact where stream in (
        select stream from fact where type like 'incident.referred.%' order by id limit $1
    ) order by id
    """


async def fresh(admin_url: str, service: ModuleType = services.gateway) -> ServiceDatabase:
    """An empty database with a service's tables."""
    assert service.__file__ is not None
    name = f"bench_{uuid4().hex[:8]}"
    made = provision_database(
        admin_url, name, owner_password=secrets.token_urlsafe(18), runtime_password=secrets.token_urlsafe(18)
    )
    await upgrade(Path(service.__file__).parent / "migrations", made.owner_url, made.runtime_role)
    return made


async def super_user(admin_url: str, database: str) -> Any:
    """A session of PostgreSQL's super user in a database: close it."""
    return await asyncpg.connect(admin_url.rpartition("/")[0] + f"/{database}")


async def real_facts(admin_url: str, incidents: int = 200) -> list[tuple[Any, ...]]:
    """The facts of some incidents that came in by the real way. Raises LookupError where there are none."""
    session = await super_user(admin_url, "gateway")
    try:
        found = [tuple(row) for row in await session.fetch(_REAL, incidents)]
    finally:
        await session.close()
    if not found:
        raise LookupError("the gateway has recorded nothing to copy")
    return found


def copies(facts: Sequence[tuple[Any, ...]], count: int, *, topic: str | None = None) -> Iterator[tuple[Any, ...]]:
    """`count` facts, the same ones over and over, each time of incidents with other names."""
    made = 0
    while made < count:
        names: dict[str, str] = {}
        for fact in facts[: count - made]:
            values = dict(zip(_COLUMNS, fact, strict=True))
            old = values["stream"]
            new = names.setdefault(old, f"incident-{uuid4().hex}")
            values |= dict.fromkeys(("stream", "subject", "key"), new)
            values["event"] = values["event"].replace(old.encode(), new.encode())
            values["topic"] = topic or values["topic"]
            yield tuple(values.values())
            made += 1


async def fill(session: Any, facts: Sequence[tuple[Any, ...]], count: int, *, topic: str | None = None) -> None:
    """Adds `count` facts to a log, without a place and not yet waiting for one."""
    several = copies(facts, count, topic=topic)
    while chunk := [row for _, row in zip(range(AT_ONCE), several, strict=False)]:
        await session.copy_records_to_table("fact", records=chunk, columns=list(_COLUMNS))


WAIT = "insert into waiting (fact) select id from fact where id > $1"
PLACE = """
    insert into sequence (position, fact, topic, partition, previous, previous_hash, hash)
    select place, id, topic, 0, place - 1, '', ''
    from (select id, topic, $1 + row_number() over (order by id) as place from fact where id > $2) placed
    """
"""Gives facts places without a relay, for what reads by position and looks at no hash."""
