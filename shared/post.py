"""Letters go out by e-mail: at least once, each with a Message-ID that follows from its fact, so a repeat is seen.

A letter is kept in the transaction of the fact that it tells of. What became of a sending is not always known (the
line can break behind the server's yes): then it is sent again, under the same Message-ID.
"""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import Any

import aiosmtplib
from sqlalchemy import Column, DateTime, Index, Integer, MetaData, Table, Text, func, select, update

from shared.clock import Clock
from shared.database import Database, Transaction, is_outage
from shared.days_off import MigrationSteps
from shared.letters import Letter
from shared.london import LONDON
from shared.signals import Signal

log = logging.getLogger(__name__)

metadata = MetaData()
letter = Table(
    "letter",
    metadata,
    Column("message_id", Text, primary_key=True),
    Column("incident", Text, nullable=False),
    Column("recipient", Text, nullable=False, comment="an office's mailbox, never a person's"),
    Column("subject", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("written_at", DateTime(timezone=True), nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("next_attempt_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    Column("sent_at", DateTime(timezone=True)),
)
Index("letter_waiting", letter.c.next_attempt_at, postgresql_where=letter.c.sent_at.is_(None))


def create_letters(op: MigrationSteps) -> None:
    """A migration step: the table. The runtime role may read and write it, as it may what a service keeps besides."""
    metadata.create_all(op.get_bind())


SENDER = "no-reply@safeguarding-exchange.example"
POLL_SECONDS = 1.0
LONGEST_PAUSE = timedelta(minutes=10)
_KEEP_LETTER = """
    insert into letter (message_id, incident, recipient, subject, body, written_at) values ($1, $2, $3, $4, $5, $6)
    on conflict (message_id) do nothing
    """


def keep_letters(tx: Transaction, letters: Iterable[Letter], now: datetime) -> None:
    """Keep letters to be sent, written before the commit; one that is kept already is not kept twice."""
    rows = [(each.message_id, each.incident, each.recipient, each.subject, each.body, now) for each in letters]
    if rows:
        tx.later("letters", _keep_letters, *rows)


async def _keep_letters(tx: Transaction, rows: Sequence[tuple[Any, ...]]) -> None:
    await tx.driver.executemany(_KEEP_LETTER, rows)


class Post:
    """Sends what waits, oldest first, until cancelled. Several processes share the work."""

    def __init__(self, database: Database, clock: Clock, host: str, port: int) -> None:
        self._database = database
        self._clock = clock
        self._host = host
        self._port = port

    async def run(self) -> None:
        """Look for letters every second; a failure is tried again later, for ever."""
        while True:
            try:
                while await self.send_one():
                    pass
            except Exception as error:
                if not is_outage(error):
                    raise
            await asyncio.sleep(POLL_SECONDS)

    async def send_one(self) -> bool:
        """Send the next letter that is due; False where there is none."""
        async with self._database.transaction() as tx:
            row = (await tx.connection.execute(_next())).first()
            if row is None:
                return False
            try:
                await aiosmtplib.send(_message(row), hostname=self._host, port=self._port, timeout=10)
            except (aiosmtplib.SMTPException, OSError) as failure:
                pause = min(timedelta(seconds=2**row.attempts), LONGEST_PAUSE)
                again = update(letter).values(
                    attempts=letter.c.attempts + 1, next_attempt_at=func.clock_timestamp() + pause
                )
                log.warning("a letter could not be sent", extra={"error": type(failure).__name__})
                await tx.connection.execute(again.where(letter.c.message_id == row.message_id))
                return True
            sent = update(letter).values(attempts=letter.c.attempts + 1, sent_at=self._clock.now())
            await tx.connection.execute(sent.where(letter.c.message_id == row.message_id))
            return True

    @property
    def signals(self) -> list[Signal]:
        """What waits, and what has failed."""
        return [
            Signal("letters_waiting", "Letters that have not been sent yet.", self.waiting, quiet=True),
            Signal("letters_undelivered", "Letters that have failed at least once.", self.undelivered),
        ]

    async def undelivered(self) -> float:
        """Signal: how many letters wait that have failed at least once."""
        async with self._database.reading() as connection:
            failed = select(func.count()).select_from(letter).where(letter.c.sent_at.is_(None), letter.c.attempts > 0)
            return float(await connection.scalar(failed) or 0)

    async def waiting(self) -> float:
        """Signal: how many letters have not been sent yet."""
        async with self._database.reading() as connection:
            unsent = select(func.count()).select_from(letter).where(letter.c.sent_at.is_(None))
            return float(await connection.scalar(unsent) or 0)


def _next() -> Any:
    due = letter.c.sent_at.is_(None) & (letter.c.next_attempt_at <= func.clock_timestamp())
    return select(letter).where(due).order_by(letter.c.written_at).limit(1).with_for_update(skip_locked=True)


def _message(row: Any) -> EmailMessage:
    message = EmailMessage()
    message["From"] = SENDER
    message["To"] = row.recipient
    message["Subject"] = row.subject
    message["Date"] = row.written_at.astimezone(LONDON)
    message["Message-ID"] = row.message_id
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(row.body)
    return message
