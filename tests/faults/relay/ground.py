"""What tests of the log and the relay stand on: a database with a log in it, and facts without a story."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
from sqlalchemy import Column, Integer, MetaData, Table, Text

from contracts.deadlines import DeadlineCancelled
from contracts.envelope import AnyEvent, Event
from infra.postgres.provision import ServiceDatabase
from shared.database import Database
from shared.eventlog import EventLog, Route, log_tables
from shared.migrate import upgrade
from tests.stacks import Stack

MIGRATIONS = Path(__file__).parent / "migrations"
AT = datetime(2026, 8, 27, 23, 10, tzinfo=UTC)


def tally_table(metadata: MetaData) -> Table:
    """A read model: how many facts each stream has."""
    return Table(
        "tally",
        metadata,
        Column("stream", Text, primary_key=True),
        Column("facts", Integer, nullable=False, index=True),
    )


async def fresh_database(stack: Stack, name: str) -> ServiceDatabase:
    """A database with the log's tables, empty."""
    service = stack.create_database(f"{name}_{uuid4().hex[:8]}")
    await upgrade(MIGRATIONS, service.owner_url, service.runtime_role)
    return service


def event_log(topic: str) -> EventLog:
    """A log whose facts all go to one topic, keyed by their subject."""
    return EventLog("ground", log_tables(MetaData()), lambda fact: Route(topic, fact.subject or ""))


def fact(subject: str = "incident-00000000000000000000000000000001", **more: Any) -> AnyEvent:
    """A fact as its owner would record it."""
    given: dict[str, Any] = {
        "id": f"event-{uuid4().hex}",
        "source": "/services/gateway",
        "type": "deadline.cancelled.v1",
        "dataschema": "urn:safeguarding-exchange:schema:deadline.cancelled:1.0",
        "subject": subject,
        "time": AT,
        "recordedtime": AT,
        "businessdate": date(2026, 8, 28),
        "partnership": "exampleshire",
        "agency": "exampleshire-council",
        "actor": "authority-notifier",
        "actorrole": "notifier",
        "data": DeadlineCancelled(clock="T01", rule="T01", edition="2026", because="not_needed"),
    }
    values = given | more
    return Event[type(values["data"])](**values)  # type: ignore[operator,no-any-return]


async def append_each(database: Database, log: EventLog, streams: Sequence[str], *, after: int = 0) -> None:
    """One fact to each stream, a transaction each."""
    for stream in streams:
        async with database.transaction(log) as tx:
            await tx.append(stream, after, [fact(stream)])


async def as_superuser(stack: Stack, service: ServiceDatabase) -> Any:
    """A session of PostgreSQL's super user in the service's database: close it."""
    return await asyncpg.connect(stack.postgres.admin_url.rpartition("/")[0] + f"/{service.name}")
