"""One process's way to its PostgreSQL: transactions that commit in one place, and the wake that follows a commit."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Protocol, cast
from weakref import WeakKeyDictionary

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolExhausted
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from contracts.envelope import AnyEvent

OUTAGE_CLASSES = ("08", "40", "53", "55", "57", "58")
"""SQLSTATE classes that time can mend: connection, rollback, resources, locks, operator, system."""

POOL_SECONDS = 10.0
"""How long who needs a connection waits for a free one."""

ABANDONED_AFTER = "60s"
"""A transaction in which nothing was asked for so long is ended by the server: whoever began it was paused, and what it
holds (a row, the place in a feed) must hold up no other process."""

log = logging.getLogger(__name__)


class NotCommitted(RuntimeError):
    """A statement had failed and the block went on all the same: PostgreSQL rolled everything back."""


def is_outage(error: BaseException) -> bool:
    """Whether the database or the way to it is at fault, so that the same work may succeed later.

    Told by the SQLSTATE's class: most of asyncpg's errors reach SQLAlchemy's callers as plain `DBAPIError`.
    """
    if isinstance(error, DBAPIError):
        state = getattr(error.orig, "sqlstate", None) or ""
        return error.connection_invalidated or state.startswith(OUTAGE_CLASSES)
    if isinstance(error, asyncpg.PostgresError):
        return (error.sqlstate or "").startswith(OUTAGE_CLASSES)
    if isinstance(error, asyncpg.InternalClientError):
        return True  # what asyncpg says when a connection goes while a statement is being prepared
    if isinstance(error, asyncpg.InterfaceError):
        return "closed" in str(error)  # its only word for a connection that was lost between two statements
    return isinstance(error, OSError | PoolExhausted)


class Wake:
    """Tells loops of this process that something happened; each listener has an event of its own to wait on."""

    def __init__(self) -> None:
        self._listeners: list[asyncio.Event] = []

    def listen(self) -> asyncio.Event:
        """A new listener's event, set at every firing; its owner clears it before it looks."""
        listener = asyncio.Event()
        self._listeners.append(listener)
        return listener

    def forget(self, listener: asyncio.Event) -> None:
        """End what `listen` began."""
        self._listeners.remove(listener)

    def fire(self) -> None:
        """Wake every listener."""
        for listener in self._listeners:
            listener.set()


class Appends(Protocol):
    """What a transaction asks of an event log."""

    async def append(self, tx: "Transaction", stream: str, expected_version: int, facts: Sequence[AnyEvent]) -> int: ...


class Transaction:
    """What a request or a batch does to the database, all or nothing.

    `connection` is SQLAlchemy Core's; `driver` is the asyncpg connection beneath it, in the same transaction, for
    the hot statements. A server-side cursor is not to be had on either: read in pages.
    """

    def __init__(self, connection: AsyncConnection, driver: Any, log: Appends | None) -> None:
        self.connection = connection
        self.driver = driver
        self.appended = False
        self.callbacks: list[Callable[[], None]] = []
        self.known: dict[Any, Any] = {}
        """What was read or folded in this transaction, for whoever needs it later in it."""
        self._log = log
        self._later: dict[str, tuple[Write, list[Any]]] = {}

    def after_commit(self, callback: Callable[[], None]) -> None:
        """Have `callback` run once the commit is durable, and not at all if there is none. It must not raise."""
        self.callbacks.append(callback)

    def later(self, kind: str, write: "Write", *items: Any) -> None:
        """Have `write` called once, before the commit, with all items of the kind that were handed in for it.

        Until then no statement sees them: whoever hands them in keeps what must be read again in `known`.
        """
        self._later.setdefault(kind, (write, []))[1].extend(items)

    async def write(self) -> None:
        """Write what was put off: the commit's first part. What is put off meanwhile is written too."""
        while self._later:
            kind = next(iter(self._later))
            write, items = self._later.pop(kind)
            await write(self, items)

    async def append(self, stream: str, expected_version: int, facts: Sequence[AnyEvent]) -> int:
        """Append to the log that the transaction was opened with; see `EventLog.append`."""
        if self._log is None:
            raise RuntimeError("this transaction was opened without a log: database.transaction(log)")
        return await self._log.append(self, stream, expected_version, facts)


Write = Callable[[Transaction, Sequence[Any]], Awaitable[None]]
"""Writes several things of one kind in as few statements as it can."""


class Database:
    """A service's database as one process sees it. `committed` fires after each commit that appended facts."""

    def __init__(self, url: str, *, pool_size: int = 10, abandoned_after: str = ABANDONED_AFTER) -> None:
        self.url = url
        self.committed = Wake()
        # In AUTOCOMMIT SQLAlchemy sends no BEGIN of its own: `transaction` does, so that Core's statements and the
        # driver's stand in one transaction, and nothing but `transaction` can commit it.
        # They stay with us between transactions: to have the engine's pool lend each one costs four statements' time.
        self._closed = False
        self._idle: list[AsyncConnection] = []
        self._free = asyncio.Semaphore(pool_size)
        self._engine = create_async_engine(
            url,
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=POOL_SECONDS,
            isolation_level="AUTOCOMMIT",
            hide_parameters=True,  # they may be what only the vault may show
            connect_args={"server_settings": {"idle_in_transaction_session_timeout": abandoned_after}},
        )

    @asynccontextmanager
    async def transaction(self, log: Appends | None = None) -> AsyncIterator[Transaction]:
        """A transaction that commits when the block ends and rolls back when it raises.

        Raises NotCommitted where the block swallowed a failed statement; nothing was kept then.
        """
        async with self._connected() as (connection, driver):
            await driver.execute("begin")
            tx = Transaction(connection, driver, log)
            try:
                yield tx
                await tx.write()
                if await driver.execute("commit") != "COMMIT":
                    raise NotCommitted("a statement had failed, so nothing was kept")
            except BaseException:
                if driver.is_in_transaction() and not driver.is_closed():
                    await driver.execute("rollback")
                raise
        if tx.appended:
            self.committed.fire()
        for callback in tx.callbacks:
            callback()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A connection that can only read, every query of it seeing the same moment."""
        async with self._connected() as (connection, driver):
            await driver.execute("begin isolation level repeatable read read only")
            try:
                yield connection
            finally:
                if not driver.is_closed():
                    await driver.execute("rollback")

    async def session(self, *, application: str, **settings: str) -> Any:
        """An asyncpg connection of its own outside the pool, for who needs one session for long (the relay)."""
        named = {"application_name": application, **settings}
        dsn = self.url.replace("postgresql+asyncpg://", "postgresql://", 1)
        return await asyncpg.connect(dsn, server_settings=named, timeout=10)

    async def close(self) -> None:
        """Close every pooled connection."""
        self._closed = True
        while self._idle:
            await self._idle.pop().close()
        await self._engine.dispose()

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[tuple[AsyncConnection, Any]]:
        try:
            async with asyncio.timeout(POOL_SECONDS):
                await self._free.acquire()
        except TimeoutError:
            raise PoolExhausted(f"no connection came free within {POOL_SECONDS:g} s") from None
        try:
            connection, driver = await self._lent()
            try:
                yield connection, driver
            finally:
                await self._given_back(connection, driver)
        finally:
            self._free.release()

    async def _lent(self) -> tuple[AsyncConnection, Any]:
        while self._idle:
            connection = self._idle.pop()
            driver = _drivers[connection]
            if not driver.is_closed():
                return connection, driver
            await _thrown_away(connection)  # the server went away while it lay here
        connection = await self._engine.connect()
        driver = _drivers[connection] = await driver_of(connection)
        return connection, driver

    async def _given_back(self, connection: AsyncConnection, driver: Any) -> None:
        # What is broken, or still inside a transaction, must not be lent to anybody else. Nothing else here waits for
        # the server, so that who is cancelled gives back all the same.
        if driver.is_closed() or driver.is_in_transaction() or connection.invalidated:
            driver.terminate()
            await _thrown_away(connection)
            return
        if connection.in_transaction():
            await connection.rollback()  # only Core's own idea of one: in AUTOCOMMIT it sends nothing
        if self._closed:
            await connection.close()
        else:
            self._idle.append(connection)


async def _thrown_away(connection: AsyncConnection) -> None:
    if not connection.invalidated:
        await connection.invalidate()
    await connection.close()


_drivers: WeakKeyDictionary[AsyncConnection, Any] = WeakKeyDictionary()
"""Beneath each connection that is lent: to ask SQLAlchemy for it takes longer than a statement."""


async def driver_of(connection: AsyncConnection) -> Any:
    """The asyncpg connection beneath a SQLAlchemy one."""
    known = _drivers.get(connection)
    if known is not None and not known.is_closed():
        return known
    raw = await connection.get_raw_connection()
    return cast(Any, raw.driver_connection)
