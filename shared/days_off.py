"""The calendar as a service knows it: the project's own history, and the days that were proclaimed and approved since.

Read inside the transaction that decides by it, so that several processes of one service agree.
"""

from datetime import date
from functools import lru_cache
from typing import Any, Protocol

from sqlalchemy import Column, Date, MetaData, Table, Text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.database import driver_of
from shared.working_days import Calendar, england_and_wales

metadata = MetaData()
day_off = Table(
    "day_off",
    metadata,
    Column("day", Date, primary_key=True),
    Column("title", Text, nullable=False),
    Column("edition", Text, nullable=False),
)


class MigrationSteps(Protocol):
    """Alembic's `op`, as far as it is needed here."""

    def get_bind(self) -> Any: ...

    def execute(self, statement: str) -> Any: ...


def create_days_off(op: MigrationSteps, runtime_role: str) -> None:
    """A migration step: the table, to which the runtime role may add."""
    metadata.create_all(op.get_bind())
    op.execute(f'revoke all on day_off from public, "{runtime_role}"')
    op.execute(f'grant select, insert on day_off to "{runtime_role}"')


async def add_day_off(connection: AsyncConnection, day: date, title: str, edition: str) -> None:
    """Keep a day that was added; a repeat changes nothing."""
    await connection.execute(
        insert(day_off).values(day=day, title=title, edition=edition).on_conflict_do_nothing(index_elements=["day"])
    )


_ADDED = "select day, title, edition from day_off order by edition"


async def calendar(connection: AsyncConnection) -> Calendar:
    """England and Wales with every day added so far."""
    driver = await driver_of(connection)  # every decision reads it, and Core takes five times as long to ask
    return _calendar(tuple(tuple(row) for row in await driver.fetch(_ADDED)))


@lru_cache(maxsize=8)
def _calendar(added: tuple[tuple[date, str, str], ...]) -> Calendar:
    known = england_and_wales()
    for day, title, edition in added:
        known = known.with_day(day, title, edition)
    return known
