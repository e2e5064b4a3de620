"""Letters go out at least once: where nobody can tell whether one arrived, it is sent again, and known as the same.

On a real mail server, which takes each letter and then does with the line what a test asks of it.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from aiosmtpd.smtp import SMTP

from shared.clock import RealClock
from shared.database import Database
from shared.letters import Letter
from shared.migrate import upgrade
from shared.post import Post, keep_letters
from tests.faults.relay.ground import as_superuser, until, until_async
from tests.stacks import Stack

MIGRATIONS = Path("services/notifications/migrations")
MAILBOX = "notifier@northshire-council.example"


@dataclass
class MailServer:
    """Takes every letter; `then` says what becomes of the line between the letter and the server's yes."""

    arrived: list[Message] = field(default_factory=list)
    then: Callable[[SMTP], Awaitable[str]] | None = None
    port: int = 0

    async def handle_DATA(self, server: SMTP, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        """The letter is whole and filed: only the answer is still to be given."""
        self.arrived.append(message_from_bytes(envelope.content))
        return await self.then(server) if self.then else "250 filed"

    @property
    def ids(self) -> Counter[str]:
        """How often each Message-ID arrived."""
        return Counter(str(letter["Message-ID"]) for letter in self.arrived)


@asynccontextmanager
async def listening(mail: MailServer) -> AsyncIterator[MailServer]:
    loop = asyncio.get_running_loop()
    async with await loop.create_server(lambda: SMTP(mail, loop=loop), "127.0.0.1", mail.port) as server:
        mail.port = server.sockets[0].getsockname()[1]
        yield mail


@dataclass
class Office:
    """The post of one service, at work, and letters for it."""

    stack: Stack
    service: Any
    database: Database
    post: Post

    async def write(self, *names: str) -> None:
        """One letter under each name, kept as a fact's would be."""
        async with self.database.transaction() as tx:
            written = [
                Letter(f"<{name}@example>", f"incident-{'a' * 32}", MAILBOX, "OFFICIAL-SENSITIVE: subject", "Text.")
                for name in names
            ]
            keep_letters(tx, written, datetime.now(UTC))

    async def shows(self, **wanted: float) -> bool:
        """Whether the post's signals say this."""
        return all([await getattr(self.post, name)() == value for name, value in wanted.items()])


@pytest.fixture
async def mail() -> AsyncIterator[MailServer]:
    async with listening(MailServer()) as server:
        yield server


@pytest.fixture
async def office(stack: Stack, mail: MailServer) -> AsyncIterator[Office]:
    service = stack.create_database(f"post_{uuid4().hex[:8]}")
    await upgrade(MIGRATIONS, service.owner_url, service.runtime_role)
    database = Database(service.runtime_url, pool_size=4)
    post = Post(database, RealClock(), "127.0.0.1", mail.port)
    working = asyncio.create_task(post.run())
    yield Office(stack, service, database, post)
    working.cancel()
    with suppress(asyncio.CancelledError):
        await working
    await database.close()


async def test_a_letter_whose_line_broke_before_the_servers_yes_is_sent_again_under_the_same_id(
    office: Office, mail: MailServer
) -> None:
    async def drop(server: SMTP) -> str:
        mail.then = None
        assert isinstance(server.transport, asyncio.WriteTransport)
        server.transport.abort()
        return "250 too late"

    mail.then = drop
    await office.write("unknown")
    await until_async(lambda: office.shows(undelivered=1))
    await until_async(lambda: office.shows(undelivered=0))
    assert mail.ids == {"<unknown@example>": 2}
    assert mail.arrived[0].as_bytes() == mail.arrived[1].as_bytes()


async def test_a_letter_that_was_taken_while_the_database_went_away_is_sent_again_under_the_same_id(
    office: Office, mail: MailServer
) -> None:
    async def end_every_session(_: SMTP) -> str:
        mail.then = None
        session = await as_superuser(office.stack, office.service)
        try:
            others = "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and pid <> $2"
            await session.fetch(others, office.service.name, session.get_server_pid())
        finally:
            await session.close()
        return "250 filed"

    mail.then = end_every_session
    await office.write("unmarked")
    await until(lambda: len(mail.arrived) == 2)
    await until_async(lambda: office.shows(waiting=0))
    assert mail.ids == {"<unmarked@example>": 2}


async def test_a_letter_that_is_refused_waits_and_holds_no_other_up(office: Office, mail: MailServer) -> None:
    async def refuse(_: SMTP) -> str:
        mail.then = None
        return "451 later"

    mail.then = refuse
    await office.write("refused", "next")
    await until_async(lambda: office.shows(waiting=0))
    assert list(mail.ids) == ["<refused@example>", "<next@example>"]
    assert mail.ids == {"<refused@example>": 2, "<next@example>": 1}


async def test_what_was_answered_with_yes_is_sent_once_whoever_else_sends(office: Office, mail: MailServer) -> None:
    other = Post(office.database, RealClock(), "127.0.0.1", mail.port)
    working = asyncio.create_task(other.run())
    await office.write(*(f"letter-{number}" for number in range(20)))
    await until_async(lambda: office.shows(waiting=0))
    working.cancel()
    assert mail.ids == {f"<letter-{number}@example>": 1 for number in range(20)}
    assert {letter["To"] for letter in mail.arrived} == {MAILBOX}
