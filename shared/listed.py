"""The directory as a service knows it: every fact of its stream that has come, folded.

Read inside the transaction that decides by it, so that several processes of one service agree; `Standing` is for code
that has no transaction.
"""

import asyncio
import logging
from weakref import WeakKeyDictionary

from sqlalchemy import BigInteger, Column, Identity, Integer, LargeBinary, MetaData, Table, Text, UniqueConstraint
from sqlalchemy.engine import Engine
from sqlalchemy.ext.asyncio import AsyncConnection

from contracts.decoding import decode
from contracts.directory import Directory
from contracts.envelope import AnyEvent
from shared.database import Database, Wake, driver_of, is_outage
from shared.days_off import MigrationSteps

log = logging.getLogger(__name__)

LOOK_EVERY = 1.0
"""Seconds between two looks at whether the directory has changed."""

metadata = MetaData()
listed = Table(
    "listed",
    metadata,
    Column("position", BigInteger, Identity(always=True), primary_key=True),
    Column("subject", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("event", LargeBinary, nullable=False),
    UniqueConstraint("subject", "version"),
)


def create_listed(op: MigrationSteps, runtime_role: str) -> None:
    """A migration step: the table, to which the runtime role may add."""
    metadata.create_all(op.get_bind())
    op.execute(f'revoke all on listed from public, "{runtime_role}"')
    op.execute(f'grant select, insert on listed to "{runtime_role}"')


async def add_listed(connection: AsyncConnection, fact: AnyEvent) -> None:
    """Keep a fact of the directory; a repeat changes nothing."""
    driver = await driver_of(connection)
    await driver.execute(
        "insert into listed (subject, version, event) values ($1, $2, $3) on conflict (subject, version) do nothing",
        *(fact.subject, fact.streamversion, fact.to_json()),
    )


_EDITION = "select count(*), coalesce(max(position), 0) from listed"
_UP_TO = "select event from listed where position <= $1 order by position"
_known: WeakKeyDictionary[Engine, tuple[tuple[int, int], Directory]] = WeakKeyDictionary()


async def directory(connection: AsyncConnection) -> Directory:
    """The directory with every fact so far, folded anew where another edition is there than this process knows."""
    driver = await driver_of(connection)  # every decision reads it, and Core takes five times as long to ask
    # The number alone is not enough: a position that was rolled back is never given again, its place in the count is.
    edition = tuple(await driver.fetchrow(_EDITION))
    known = _known.get(connection.sync_engine)
    if known is None or known[0] != edition:
        folded = Directory()
        for (event,) in await driver.fetch(
            "select event from listed where position <= $1 order by position", edition[1]
        ):
            folded = folded.after(decode(event))
        known = _known[connection.sync_engine] = (edition, folded)
    return known[1]


class Standing:
    """The directory as it last stood, for code that has no transaction: looked at every second, and when told to."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._directory = Directory()
        self._look = asyncio.Event()
        self.changed = Wake()
        """Fires when another edition is known."""

    @property
    def now(self) -> Directory:
        """The edition that was last looked at; without anybody in it before the first look."""
        return self._directory

    def stale(self) -> None:
        """Look now: for `Transaction.after_commit`, where facts of the directory were added."""
        self._look.set()

    async def refresh(self) -> Directory:
        """Look, and return what is found. Raises what the database raises."""
        async with self._database.reading() as connection:
            found = await directory(connection)
        if found.edition != self._directory.edition:
            self._directory = found
            self.changed.fire()
        return found

    async def run(self) -> None:
        """Looks until cancelled; with the database away the last edition stands."""
        while True:
            self._look.clear()
            try:
                await self.refresh()
            except Exception as failure:
                if not is_outage(failure):
                    raise
            try:
                async with asyncio.timeout(LOOK_EVERY):
                    await self._look.wait()
            except TimeoutError:
                pass
