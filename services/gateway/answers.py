"""Owners' answers, folded into receipts; whoever waits for a verdict is woken, in whichever process it was folded."""

import asyncio
import logging
from collections.abc import Collection

from contracts.catalogue import ANSWERS
from contracts.envelope import Event
from contracts.submissions import SubmissionAnswered, Verdict
from services.gateway import receipts
from shared.consumer import Reactions, Work
from shared.database import Database, is_outage

log = logging.getLogger(__name__)

LOOK_EVERY = 0.02
"""Seconds between looks for verdicts that another process folded, only while somebody waits here."""


class Answers:
    """Folds `submission.answered` into receipts, and lets requests wait for a verdict."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: dict[str, set[asyncio.Event]] = {}
        self._somebody = asyncio.Event()

    def register(self, reactions: Reactions) -> None:
        """Have the reader hand over every answer."""
        reactions.on(ANSWERS, "submission.answered")(self.fold)

    async def fold(self, answer: Event[SubmissionAnswered], work: Work) -> None:
        """Writes one answer into the receipt; a verdict stands, whatever comes after it."""
        await receipts.fold(work.tx, answer.data)
        if answer.data.verdict is not Verdict.WAITING:
            work.tx.after_commit(lambda: self._settled([answer.data.submission]))

    async def verdicts(self, submissions: Collection[str], seconds: float) -> None:
        """Returns once all of these have their verdict, or when the time is up."""
        mine = {submission: asyncio.Event() for submission in submissions}
        for submission, event in mine.items():
            self._waiting.setdefault(submission, set()).add(event)
        self._somebody.set()
        try:
            async with asyncio.timeout(seconds):
                for event in mine.values():
                    await event.wait()
        except TimeoutError:
            for submission, event in mine.items():
                self._waiting.get(submission, set()).discard(event)

    async def run(self) -> None:
        """Looks for verdicts that another process folded, until cancelled."""
        while True:
            await self._somebody.wait()
            try:
                async with self._database.reading() as connection:
                    self._settled(await receipts.settled(connection, list(self._waiting)))
            except Exception as failure:
                if not is_outage(failure):
                    log.exception("verdicts could not be looked for")
                await asyncio.sleep(1)
            await asyncio.sleep(LOOK_EVERY)

    def _settled(self, submissions: Collection[str]) -> None:
        for submission in submissions:
            for event in self._waiting.pop(submission, ()):
                event.set()
        self._waiting = {submission: events for submission, events in self._waiting.items() if events}
        if not self._waiting:
            self._somebody.clear()
