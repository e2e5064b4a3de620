"""Proposals on a real Kafka and PostgreSQL: each gets one verdict, and waits where it came too early."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from uuid import uuid4

import pytest

from contracts.decoding import decode
from contracts.envelope import AnyEvent
from contracts.submissions import Fault
from shared.consumer import Parking, Reactions, Reader, Work
from shared.database import Database
from shared.decider import Aggregate, Context, Outcome, Refused, Waiting
from shared.submissions import (
    FACTS_ON_THEIR_WAY,
    Submissions,
    oldest_waiting,
    proposals_pending,
    proposals_waiting,
)
from tests.faults.consumer.ground import (
    COUNTED,
    Counted,
    FakeRelay,
    Ground,
    closed,
    evolve,
    ground,
    relay,
    stream_of,
    subject,
    until,
    workplace,
)
from tests.faults.consumer.ground import decide as accept
from tests.stacks import Stack

INCIDENT = subject(1)
ACCEPTED, REFUSED, WAITS, FAILS = "not_notifiable", "linked", "notification_closed", "fails"


def decide(state: Counted, proposal: AnyEvent, context: Context) -> Sequence[Outcome]:
    """Accepts, refuses, or waits until something was accepted, as the proposal's reason tells it."""
    if proposal.data.why == REFUSED:
        raise Refused(
            Fault(pointer="/data/why", rule="first-rule", detail="One reason."),
            Fault(pointer="/data/why", rule="second-rule", detail="Another."),
        )
    if proposal.data.why == WAITS and not state.heard:
        raise Waiting("what comes before it")
    if proposal.incidentref == FAILS:
        raise KeyError("Child A")
    return [Outcome(o.data, marks=("late",)) for o in accept(state, proposal, context)]


AGGREGATE = Aggregate(COUNTED.initial, decide, evolve)


@dataclass
class Owner:
    """The owner of a stream, running, and the two relays of the gateway that it hears."""

    here: Ground
    incidents: FakeRelay
    proposals: FakeRelay

    async def propose(self, version: int, why: str = ACCEPTED, of: str = INCIDENT, **more: str) -> AnyEvent:
        """A proposal as the gateway forwards it, with the version of the incident that it had."""
        proposal = closed(
            of, version, why, source="/agencies/exampleshire-council", submission=f"submission-{uuid4().hex}", **more
        )
        await self.proposals.send(proposal.to_json(), of)
        return proposal

    async def incident(self, version: int, of: str = INCIDENT) -> None:
        await self.incidents.send(closed(of, version).to_json(), of)

    async def answers(self, proposal: AnyEvent) -> list[str]:
        return [answer.data.verdict.value for answer in await self.answer_events(proposal)]

    async def answer_events(self, proposal: AnyEvent) -> list[AnyEvent]:
        rows = await self.here.rows(f"select event from fact where stream = '{proposal.submission}' order by version")
        return [decode(content) for (content,) in rows]

    async def answered(self, proposal: AnyEvent, *verdicts: str) -> None:
        async def so() -> bool:
            return await self.answers(proposal) == list(verdicts)

        await until(so)

    async def order(self, of: str = INCIDENT) -> list[str]:
        rows = await self.here.rows(f"select causation from fact where stream = '{stream_of(of)}' order by version")
        return [causation for (causation,) in rows]


@asynccontextmanager
async def owner(here: Ground, database: Database, topic: str, *, gathers: bool) -> AsyncIterator[Owner]:
    place = replace(workplace(here.name, "answers"), gathers=gathers)

    async def judge(proposal: AnyEvent, work: Work) -> list[AnyEvent]:
        return await work.decide(AGGREGATE, stream_of(proposal.subject or ""), proposal)

    parking = Parking(here.sealer)
    submissions = Submissions(
        place, database, parking, judge, lambda p: stream_of(p.subject or ""), follows=here.topic, topic=topic
    )
    reactions = Reactions(here.name)
    submissions.register(reactions)
    reader = Reader(place, database, reactions, parking, folds=[here.topic], after=submissions.wake)
    trying = asyncio.create_task(submissions.run())
    try:
        async with (
            here.running(reader),
            relay(here.stack.kafka, here.topic) as incidents,
            relay(here.stack.kafka, submissions.topic) as proposals,
        ):
            yield Owner(here, incidents, proposals)
    finally:
        trying.cancel()


@pytest.fixture(params=[False, True], ids=["each fact at once", "facts gathered"])
async def here(stack: Stack, request: pytest.FixtureRequest) -> AsyncIterator[Owner]:
    made = await ground(stack)
    topic = await asyncio.to_thread(stack.create_topic, f"submissions.{made.name}", 1)
    async with made.database() as database, owner(made, database, topic, gathers=request.param) as running:
        yield running


async def test_a_proposal_that_overtook_its_incident_is_accepted_once_the_incident_has_come(here: Owner) -> None:
    await here.incident(1)
    proposal = await here.propose(version=2)
    await until(lambda: pending(here, 1))
    assert await here.answers(proposal) == []
    await here.incident(2)
    await here.answered(proposal, "accepted")
    (answer,) = await here.answer_events(proposal)
    facts = await here.here.rows(f"select event_id from fact where stream = '{stream_of(INCIDENT)}'")
    assert [(fact,) for fact in answer.data.facts] == facts
    assert answer.data.marks == ("late",)
    assert (answer.subject, answer.causationid, answer.source) == (
        INCIDENT,
        proposal.id,
        f"/services/{here.here.name}",
    )
    await until(lambda: pending(here, 0))


async def test_a_proposal_that_waits_over_a_second_for_its_incident_is_told_so_once(here: Owner) -> None:
    proposal = await here.propose(version=1)
    await here.answered(proposal, "waiting")
    async with here.here.database() as database, database.reading() as connection:
        assert await oldest_waiting(connection) > 1
    await asyncio.sleep(1.2)
    await here.incident(1)
    await here.answered(proposal, "waiting", "accepted")
    assert (await here.answer_events(proposal))[0].data.waiting_for == FACTS_ON_THEIR_WAY


async def test_a_refusal_gives_every_reason_and_leaves_no_fact(here: Owner) -> None:
    proposal = await here.propose(version=0, why=REFUSED)
    await here.answered(proposal, "refused")
    (answer,) = await here.answer_events(proposal)
    assert [fault.rule for fault in answer.data.faults] == ["first-rule", "second-rule"]
    assert await here.order() == []


async def test_what_the_decider_lets_wait_is_tried_again_when_its_stream_moves_on(here: Owner) -> None:
    early = await here.propose(version=0, why=WAITS)
    await here.answered(early, "waiting")
    async with here.here.database() as database, database.reading() as connection:
        assert (await proposals_waiting(connection), await proposals_pending(connection)) == (1, 0)
    first = await here.propose(version=0)
    await here.answered(early, "waiting", "accepted")
    assert await here.order() == [first.id, early.id]


async def test_what_the_decider_lets_wait_is_told_once_for_one_reason(here: Owner) -> None:
    early = await here.propose(version=0, why=WAITS)
    await here.answered(early, "waiting")
    await here.incident(1)
    await asyncio.sleep(1)
    assert await here.answers(early) == ["waiting"]


async def test_a_later_proposal_about_an_incident_does_not_overtake_an_earlier_one_that_waits(here: Owner) -> None:
    waiting = [await here.propose(version=2), await here.propose(version=2)]
    elsewhere = await here.propose(version=0, of=subject(2))
    await here.answered(elsewhere, "accepted")
    await here.incident(1)
    await until(lambda: folded(here, 1))
    late = await here.propose(version=1)
    await asyncio.sleep(0.5)
    assert await here.answers(late) == []
    await here.incident(2)
    await here.answered(late, *(["waiting"] if "waiting" in await here.answers(late) else []), "accepted")
    assert await here.order() == [waiting[0].id, waiting[1].id, late.id]


async def test_a_submission_forwarded_twice_gets_one_verdict(here: Owner) -> None:
    proposal = await here.propose(version=0)
    await here.proposals.send(proposal.to_json(), INCIDENT)
    after = await here.propose(version=0)
    await here.answered(after, "accepted")
    assert await here.answers(proposal) == ["accepted"]
    assert await here.order() == [proposal.id, after.id]


async def test_a_waiting_proposal_that_can_never_be_decided_is_parked_and_the_next_behind_it(here: Owner) -> None:
    await here.propose(version=1, incidentref=FAILS)
    behind = await here.propose(version=1)
    await here.incident(1)
    await until(lambda: parked(here, 2))
    assert await here.answers(behind) in ([], ["waiting"])
    reasons = [reason for (reason,) in await here.here.rows('select reason from reader_parked order by "offset"')]
    assert reasons[0].startswith("KeyError in test_submissions.py")
    assert reasons[1] == "behind an event of the same key"


async def test_a_proposal_of_a_type_that_is_unknown_here_does_not_pass_without_a_verdict(here: Owner) -> None:
    unknown = closed(INCIDENT, 0).to_json().replace(b"incident.closed.v1", b"incident.reopened.v1")
    await here.proposals.send(unknown, INCIDENT)
    await until(lambda: parked(here, 1))


async def folded(here: Owner, version: int) -> bool:
    return await here.here.rows("select version from reader_folded") == [(version,)]


async def pending(here: Owner, number: int) -> bool:
    async with here.here.database() as database, database.reading() as connection:
        return await proposals_pending(connection) == number


async def parked(here: Owner, number: int) -> bool:
    return await here.here.rows("select count(*) from reader_parked") == [(number,)]
