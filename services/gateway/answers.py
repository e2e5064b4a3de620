"""Owners' answers, folded into receipts; whoever waits for a verdict is woken, in whichever process it was folded."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Collection, Iterable
from contextlib import suppress
from typing import Any

from contracts.catalogue import ANSWERS
from contracts.envelope import Event
from contracts.submissions import SubmissionAnswered, Verdict
from services.gateway import receipts
from shared.consumer import Reactions, Work
from shared.database import Database

CHANNEL = "answered"
TOGETHER = 150
"""Submissions in one NOTIFY, whose words may have 8,000 bytes."""

LOOK_EVERY = 0.5
"""Seconds between looks for verdicts, only while somebody waits here: the net beneath what is heard."""

REMEMBERED = 5_000
"""So many verdicts are remembered for who asks only after one was heard."""


class Answers:
    """Folds `submission.answered` into receipts, and lets requests wait for a verdict."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: dict[str, set[asyncio.Event]] = {}
        self._given: OrderedDict[str, None] = OrderedDict()
        self._to_tell: list[str] = []
        self._stirred = asyncio.Event()

    def register(self, reactions: Reactions) -> None:
        """Have the reader hand over every answer."""
        reactions.on(ANSWERS, "submission.answered")(self.fold)

    async def fold(self, answer: Event[SubmissionAnswered], work: Work) -> None:
        """Writes an answer into the receipt, with the others of its batch; a verdict stands, whatever comes after."""
        work.tx.later("answers", receipts.fold, answer.data)
        if answer.data.verdict is not Verdict.WAITING:
            work.tx.after_commit(lambda: self._folded(answer.data.submission))

    async def verdicts(self, submissions: Collection[str], seconds: float) -> None:
        """Returns once all of these have their verdict, or when the time is up."""
        mine = {submission: asyncio.Event() for submission in submissions if submission not in self._given}
        for submission, event in mine.items():
            self._waiting.setdefault(submission, set()).add(event)
        self._stirred.set()
        try:
            async with asyncio.timeout(seconds):
                for event in mine.values():
                    await event.wait()
        except TimeoutError:
            for submission, event in mine.items():
                self._waiting.get(submission, set()).discard(event)

    async def run(self) -> None:
        """Tells the other processes of verdicts folded here and hears of theirs, until cancelled.

        Raises what the database raises; it is to be begun again then.
        """
        session = await self._database.session(application="gateway answers")
        looked = 0.0
        try:
            await session.add_listener(CHANNEL, self._heard)
            while not session.is_closed():
                if self._waiting and time.monotonic() - looked > LOOK_EVERY:
                    await self._look()
                    looked = time.monotonic()
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_EVERY if self._waiting else None):
                        await self._stirred.wait()
                self._stirred.clear()
                await self._tell(session)
        finally:
            session.terminate()

    async def _tell(self, session: Any) -> None:
        # Together, since a NOTIFY takes a lock at commit that serialises the whole cluster.
        while self._to_tell:
            told, self._to_tell = self._to_tell[:TOGETHER], self._to_tell[TOGETHER:]
            await session.execute("select pg_notify($1, $2)", CHANNEL, ",".join(told))

    async def _look(self) -> None:
        async with self._database.reading() as connection:
            self._settle(await receipts.settled(connection, list(self._waiting)))
        self._waiting = {submission: events for submission, events in self._waiting.items() if events}

    def _folded(self, submission: str) -> None:
        if submission not in self._waiting:  # who waits for it, waits at another process
            self._to_tell.append(submission)
            self._stirred.set()
        self._settle([submission])

    def _heard(self, _connection: Any, _process: int, _channel: str, told: str) -> None:
        self._settle(told.split(","))

    def _settle(self, submissions: Iterable[str]) -> None:
        for submission in submissions:
            self._given[submission] = None
            for event in self._waiting.pop(submission, ()):
                event.set()
        while len(self._given) > REMEMBERED:
            self._given.popitem(last=False)
