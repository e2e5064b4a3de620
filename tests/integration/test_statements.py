"""A batch costs as many statements as one event: counted, since a clock tells nothing on a busy machine."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import uuid4

import pytest
from nacl.public import PrivateKey

from contracts.envelope import AnyEvent, Event
from contracts.submissions import SubmissionAnswered, Verdict
from services.gateway.answers import Answers
from shared.consumer import Parking, Reactions, Reader, Record, Streams, Work
from shared.database import Appends, Database, Transaction
from shared.submissions import Submissions
from shared.working_days import england_and_wales
from tests.faults.consumer import ground as small
from tests.faults.gateway.ground import COUNCIL, NOW, Ground, event, gateway_database, ground, referral
from tests.stacks import Stack


@contextmanager
def counting(tx: Transaction) -> Iterator[list[str]]:
    """The statements of a transaction, its commit not among them."""
    asked: list[str] = []

    def note(query: Any) -> None:
        asked.append(query.query)

    tx.driver.add_query_logger(note)
    try:
        yield asked
    finally:
        tx.driver.remove_query_logger(note)


class Counted(Database):
    """Counts every statement of its transactions, their begins and commits among them."""

    def __init__(self, url: str) -> None:
        super().__init__(url, pool_size=1)
        self.asked: list[int] = []

    @asynccontextmanager
    async def transaction(self, log: Appends | None = None) -> AsyncIterator[Transaction]:
        async with super().transaction(log) as tx:
            tx.driver.add_query_logger(self._note)
            yield tx

    def _note(self, _: Any) -> None:
        self.asked[-1] += 1


@pytest.fixture(scope="module")
async def gateway(stack: Stack) -> AsyncIterator[Ground]:
    async with ground(await gateway_database(stack, "statements"), PrivateKey.generate()) as opened:
        yield opened


async def incidents(gateway: Ground, count: int) -> list[str]:
    taken = await gateway.take(*(referral() for _ in range(count)), batch=True)
    return [str(each.receipt.incident) for each in taken if each.receipt]


def submitted(incident: str) -> dict[str, Any]:
    data = {"portalReference": "SIN-1", "portalTime": (NOW - timedelta(minutes=2)).isoformat()}
    return event("notification.submitted.v1", data, agency=COUNCIL, subject=incident)


async def taken_together(gateway: Ground, names: Sequence[str]) -> int:
    arrival = gateway.arrival(COUNCIL, "a-notifier", "notifier")
    offers = [gateway.intake.offer(submitted(name), arrival) for name in names]
    async with gateway.database.transaction(gateway.log) as tx:
        with counting(tx) as asked:
            taken = await gateway.intake.take(tx, offers)
    assert [each.receipt.status for each in taken if each.receipt] == ["pending"] * len(names)
    return len(asked)


async def test_proposals_that_are_sent_on_together_need_no_more_statements_than_one(gateway: Ground) -> None:
    names = await incidents(gateway, 12)
    await taken_together(gateway, names[:1])  # with the first asyncpg learns the types
    one = await taken_together(gateway, names[1:2])
    assert await taken_together(gateway, names[2:]) == one


async def test_answers_are_folded_into_their_receipts_in_one_statement(gateway: Ground) -> None:
    arrival = gateway.arrival(COUNCIL, "a-notifier", "notifier")
    taken = [await gateway.take(submitted(name), arrival=arrival) for name in await incidents(gateway, 4)]
    pending = [str(each.receipt.submission) for (each,) in taken if each.receipt]
    answers = Answers(gateway.database)
    async with gateway.database.transaction() as tx:
        with counting(tx) as asked:
            for submission in pending:
                said = SubmissionAnswered(submission=submission, verdict=Verdict.ACCEPTED, facts=("f-1",))
                answer: Any = cast(Any, Event[SubmissionAnswered]).model_construct(data=said)
                work = Work(gateway.place, tx, answer, NOW, england_and_wales(), Streams())
                await answers.fold(answer, work)
            await tx.write()
    assert len(asked) == 1
    rows = await gateway.rows("select status from submission where id = any($1::text[])", pending)
    assert [row[0] for row in rows] == ["accepted"] * 4


async def test_proposals_that_are_decided_together_need_no_more_statements_than_one(stack: Stack) -> None:
    here = await small.ground(stack)
    place = replace(small.workplace(here.name, "answers"), gathers=True)

    async def judge(proposal: AnyEvent, work: Work) -> list[AnyEvent]:
        return await work.decide(small.COUNTED, small.stream_of(proposal.subject or ""), proposal)

    database = Counted(here.service.runtime_url)
    try:
        parking = Parking(here.sealer)
        submissions = Submissions(place, database, parking, judge, lambda p: small.stream_of(p.subject or ""))
        reactions = Reactions(here.name)
        submissions.register(reactions)
        reader = Reader(place, database, reactions, parking)
        for numbers in (range(1, 3), range(3, 4), range(4, 14)):  # with the first asyncpg learns the types
            database.asked.append(0)
            await reader.apply([proposal(submissions.topic, number) for number in numbers])
            await asyncio.sleep(0.05)  # asyncpg tells of a statement a moment after it
    finally:
        await database.close()
    _, one, ten = database.asked
    assert one == ten < 12
    assert await here.rows("select count(*) from fact where type like 'submission.answered%'") == [(13,)]


def proposal(topic: str, number: int) -> Record:
    name = small.subject(number)
    more = {"source": "/agencies/exampleshire-council", "submission": f"submission-{uuid4().hex}"}
    content = small.closed(name, 0, **more).to_json()
    return Record(topic, 0, number, name, content, datetime.now(UTC), "gateway", number, number - 1)
