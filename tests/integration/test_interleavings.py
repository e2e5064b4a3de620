"""Each service's own reactions lead to the same, in whatever order and batches the topics' facts reach it."""

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from nacl.public import PrivateKey
from sqlalchemy import MetaData

from contracts.catalogue import ANSWERS, CATALOGUE, DIRECTORY, INCIDENTS, NOTIFICATIONS, parse
from contracts.codes import AgencyType, Ground
from contracts.envelope import AnyEvent
from contracts.identifiers import mint
from contracts.submissions import SubmissionAnswered, Verdict
from services.gateway import past, receipts
from services.gateway import reactions as gateway_reactions
from services.gateway.answers import Answers
from services.notifications.proposals import Projection, judge
from services.notifications.reactions import cases_ahead, reactions
from services.notifications.views import stream_of
from shared.assembly import by_subject
from shared.consumer import Parking, Reactions, Reader, Record, Workplace
from shared.database import Database
from shared.days_off import calendar
from shared.eventlog import EventLog, log_tables
from shared.migrate import upgrade
from shared.submissions import Submissions
from shared.vault_client.sealing import Sealer, SealingKey
from tests.deliveries import (
    COUNCIL,
    ICB,
    KINDS,
    POLICE,
    SCHOOL,
    Delivery,
    an_incident,
    delivery_on,
    listed,
    new_database,
)
from tests.faults.gateway import ground as door
from tests.interleavings import played, turns
from tests.notifications import NOW, proposed
from tests.stacks import Stack
from tests.unit.gateway_stories import (
    HOST,
    Story,
    amendment,
    decision,
    event,
    explanation,
    london,
    referral,
    submission,
)

PANEL = "panel"
FEW = settings(max_examples=20, report_multiple_bugs=False, suppress_health_check=[HealthCheck.too_slow])
"""Each sets an incident of its own on a real PostgreSQL."""


@dataclass
class Topics:
    """Brings a reader what relays publish, each with its position, in the order in which it is asked to."""

    reader: Reader
    producer: str
    positions: dict[str, int] = field(default_factory=dict)

    async def bring(self, batch: Sequence[tuple[str, AnyEvent]]) -> None:
        """Each on its topic, in one batch; one that fails was not brought."""
        positions, records = dict(self.positions), []
        for topic, fact in batch:
            before = positions.get(topic, 0)
            positions[topic] = before + 1
            value = fact.to_json()
            records.append(Record(topic, 0, before, fact.subject, value, NOW, self.producer, before + 1, before))
        await self.reader.apply(records)
        self.positions = positions


# Delivery: facts of the incident and of its notification


@pytest.fixture(scope="module")
async def delivery(stack: Stack) -> AsyncIterator[Delivery]:
    url = await new_database(stack, f"delivery_{uuid4().hex[:8]}")
    async with delivery_on(url) as here:
        await listed(here, KINDS | {PANEL: AgencyType.PANEL})
        yield here


def _of_incident() -> Story:
    """Referred by the police, notifiable, filed in time."""
    story, at = an_incident(), london("2026-03-10")
    story.partners = {HOST: (ICB, POLICE)}
    story.propose(referral(), at, agency=POLICE, source=f"/agencies/{POLICE}")
    story.propose(decision(at), london("2026-03-10", "11:00"))
    story.hear(submission(london("2026-03-11")), london("2026-03-11"))
    return story


def _of_notification(here: Delivery, story: Story) -> list[AnyEvent]:
    at = london("2026-03-11")
    said = (submission(at), explanation(), amendment(at, at, Ground.S16C_A))
    return [here.facts.stated(story, data, at) for data in said]


INCIDENT_FACTS, NOTIFICATION_FACTS = len(_of_incident().facts), 3


async def _delivered(here: Delivery, batches: Sequence[Sequence[int]]) -> dict[tuple[str, str], list[str]]:
    """By agency and topic, the types that it was given of one incident, in their order."""
    story = _of_incident()
    before = {str(agency): int(last) for agency, last in await here.rows("select agency, last from feed_head")}
    for batch in played(batches, story.facts, _of_notification(here, story)):
        await here.take(*batch)
    given: dict[tuple[str, str], list[str]] = {}
    for agency in (COUNCIL, ICB, POLICE, SCHOOL, PANEL):
        for item in (await here.feed(agency, before.get(agency, 0))).items:
            given.setdefault((agency, topic_of_type(item.type)), []).append(item.type)
    return given


def topic_of_type(type_: str) -> str:
    return CATALOGUE[type_.rpartition(".v")[0]].topic


@FEW
@given(batches=turns(INCIDENT_FACTS, NOTIFICATION_FACTS))
async def test_each_agency_is_given_the_same_whatever_crosses_what(
    delivery: Delivery, batches: list[list[int]]
) -> None:
    in_turn = await _delivered(delivery, [[0] * INCIDENT_FACTS, [1] * NOTIFICATION_FACTS])
    assert await _delivered(delivery, batches) == in_turn
    assert len(in_turn[COUNCIL, NOTIFICATIONS]) == NOTIFICATION_FACTS
    assert in_turn[PANEL, NOTIFICATIONS]
    assert (SCHOOL, INCIDENTS) not in in_turn


# Notifications: the incident's facts, and what is proposed of its notification


def _stated(example: str) -> AnyEvent:
    return parse(proposed(example).model_dump(mode="json", exclude_none=True) | {"source": "/services/gateway"})


REFERRED, NOTIFIABLE = _stated("incident.referred.v1"), _stated("notifiability.decided.v1")
NOT_NOTIFIABLE = _stated("notifiability.decided.v1-not-notifiable")
DRAFTED = proposed("notification.drafted.v1")
APPROVED = proposed("notification.approved.v1", actor="authority-approver")
SUBMITTED = proposed("notification.submitted.v1")


@dataclass
class Notifications:
    """Its inside on a real database: the reader with its reactions, and what waits tried again as in the service."""

    database: Database
    submissions: Submissions
    topics: Topics

    async def take(self, incident: Sequence[AnyEvent], proposals: Sequence[AnyEvent], turn: list[list[int]]) -> None:
        """What comes on the two topics, in this order and in these batches, until nothing waits that could go on."""
        said = [(INCIDENTS, fact) for fact in incident], [(self.submissions.topic, each) for each in proposals]
        for batch in played(turn, *said):
            await self.topics.bring(batch)
            for _ in proposals:  # one taken up lets the next go on
                await self.submissions.try_again()

    async def verdicts(self, proposals: Sequence[AnyEvent]) -> list[str]:
        """The last answer to each."""
        found = []
        async with self.database.reading() as connection:
            for each in proposals:
                answers = await self.submissions.workplace.log.load(connection, str(each.submission))
                found.append(answers[-1].data.verdict.value if answers else "none")
        return found

    async def shown(self, incident: str) -> tuple[Any, ...]:
        """The notification as it is listed."""
        query = """select status, version, grounds, portal_reference, without_approval, ended
            from notification where incident = $1"""
        async with self.database.transaction() as tx:
            return tuple(await tx.driver.fetchrow(query, incident) or ())


@pytest.fixture(scope="module")
async def notifications(stack: Stack) -> AsyncIterator[Notifications]:
    service = stack.create_database(f"crossing_{uuid4().hex[:8]}")
    await upgrade(Path("services/notifications/migrations"), service.owner_url, service.runtime_role)
    database, clock = Database(service.runtime_url, pool_size=4), door.HandClock(NOW)
    log = EventLog("notifications", log_tables(MetaData()), by_subject)
    projection = Projection(log, clock)
    place = Workplace("notifications", log, clock, lambda tx: calendar(tx.connection), projection, gathers=True)
    parking = Parking(Sealer(SealingKey.of(bytes(PrivateKey.generate().public_key))))
    submissions = Submissions(
        place, database, parking, judge, lambda proposal: stream_of(str(proposal.subject)), ahead=cases_ahead
    )
    react = reactions()
    submissions.register(react)
    topics = Topics(Reader(place, database, react, parking, folds=(INCIDENTS,)), "gateway")
    await topics.bring([(DIRECTORY, _established())])
    yield Notifications(database, submissions, topics)
    await database.close()


def _established() -> AnyEvent:
    return parse(json.loads(Path("contracts/examples/facts/partnership.established.v1.json").read_text()))


def _about(incident: str, facts: Sequence[AnyEvent]) -> list[AnyEvent]:
    """The gateway's facts, of an incident of their own."""
    return [
        fact.model_copy(update={"id": uuid4().hex, "subject": incident, "streamversion": number})
        for number, fact in enumerate(facts, 1)
    ]


def _forwarded(incident: str, had: int) -> list[AnyEvent]:
    """Drafted, approved, submitted; `had` is the version of the incident that the gateway had then."""
    of_its_own = {"subject": incident, "streamversion": had}
    return [
        each.model_copy(update=of_its_own | {"id": uuid4().hex, "submission": mint("submission")})
        for each in (DRAFTED, APPROVED, SUBMITTED)
    ]


@FEW
@given(turn=turns(2, 3))
async def test_a_notification_ends_the_same_whatever_of_its_incident_it_overtook(
    notifications: Notifications, turn: list[list[int]]
) -> None:
    incident = mint("incident")
    proposals = _forwarded(incident, had=2)
    await notifications.take(_about(incident, (REFERRED, NOTIFIABLE)), proposals, turn)
    assert await notifications.verdicts(proposals) == ["accepted"] * 3
    wanted = ("submitted", 1, ["S16C_A"], SUBMITTED.data.portal_reference, False, None)
    assert await notifications.shown(incident) == wanted


@FEW
@given(turn=turns(3, 3))
async def test_a_submission_is_taken_whatever_decision_crosses_it(
    notifications: Notifications, turn: list[list[int]]
) -> None:
    incident = mint("incident")
    proposals = _forwarded(incident, had=2)
    await notifications.take(_about(incident, (REFERRED, NOTIFIABLE, NOT_NOTIFIABLE)), proposals, turn)
    assert (await notifications.verdicts(proposals))[-1] == "accepted"
    status, _, _, reference, _, _ = await notifications.shown(incident)
    assert (status, reference) == ("submitted", SUBMITTED.data.portal_reference)


@FEW
@given(turn=turns(3, 1))
async def test_a_draft_that_triage_overtook_ends_as_not_needed(
    notifications: Notifications, turn: list[list[int]]
) -> None:
    incident = mint("incident")
    (drafted, *_) = _forwarded(incident, had=2)
    await notifications.take(_about(incident, (REFERRED, NOTIFIABLE, NOT_NOTIFIABLE)), [drafted], turn)
    (verdict,), shown = await notifications.verdicts([drafted]), await notifications.shown(incident)
    assert (verdict, shown[-1:]) in [("accepted", ("not_needed",)), ("refused", ())]


# The gateway: the notification's facts, and its owner's answers


@dataclass
class Gateway:
    """Its inside on a real database: the way in, and the reader with its reactions."""

    ground: door.Ground
    topics: Topics

    async def offered(self, value: dict[str, Any], *who: str) -> receipts.Receipt:
        """What became of an event of the police, or of a person of the council."""
        arrival = self.ground.arrival(door.COUNCIL, *who) if who else None
        (taken,) = await self.ground.take(value, arrival=arrival)
        assert taken.receipt is not None
        assert taken.receipt.status != "refused", taken.receipt.faults
        return taken.receipt

    async def receipt(self, of: receipts.Receipt) -> receipts.Receipt:
        """The same receipt as it stands now."""
        async with self.ground.database.reading() as connection:
            now = await receipts.submission(connection, door.COUNCIL, of.submission)
        assert now is not None
        return now

    async def clocks(self, incident: str) -> dict[str, tuple[str, bool]]:
        """Each clock's state, and whether it was met."""
        async with self.ground.database.transaction(self.ground.log) as tx:
            known, _ = await past.incident(tx, self.ground.log, incident)
        assert known is not None
        return {key: (clock.state.value, clock.met_at is not None) for key, clock in known.clocks.items()}


@pytest.fixture(scope="module")
async def gateway(stack: Stack) -> AsyncIterator[Gateway]:
    service = await door.gateway_database(stack, "crossing")
    async with door.ground(service, PrivateKey.generate()) as opened:
        react = Reactions("gateway")
        gateway_reactions.register(react)
        Answers(opened.database).register(react)
        reader = Reader(opened.place, opened.database, react, Parking(opened.sealer))
        yield Gateway(opened, Topics(reader, "notifications"))


@FEW
@given(turn=turns(2, 2))
async def test_clocks_and_receipts_end_the_same_whichever_of_fact_and_answer_comes_first(
    gateway: Gateway, turn: list[list[int]]
) -> None:
    incident = str((await gateway.offered(door.referral())).incident)
    await gateway.offered(door.triage(incident), "authority-approver", "approver")
    filed = {"portalReference": "CSI-1", "portalTime": door.NOW.isoformat(), "submittedVia": "national_portal"}
    value = door.event("notification.submitted.v1", filed, agency=door.COUNCIL, at=door.NOW, subject=incident)
    pending = await gateway.offered(value, "authority-notifier", "notifier")
    assert pending.status == "pending"

    at, here = door.NOW, {"source": "/services/notifications", "partnership": "northshire"}
    facts = [
        event(data, at, incident, streamversion=number, **here)
        for number, data in enumerate((submission(at), explanation()), 1)
    ]
    answers = [
        event(SubmissionAnswered(submission=pending.submission, **said), at, pending.submission, **here)
        for said in (
            {"verdict": Verdict.WAITING, "waiting_for": "what comes before it"},
            {"verdict": Verdict.ACCEPTED, "facts": (facts[0].id,)},
        )
    ]
    said = [(NOTIFICATIONS, fact) for fact in facts], [(ANSWERS, answer) for answer in answers]
    for batch in played(turn, *said):
        await gateway.topics.bring(batch)
    told = await gateway.receipt(pending)
    assert (told.status, told.facts) == ("accepted", (facts[0].id,))
    assert (await gateway.clocks(incident))["T01"] == ("met_in_time", True)
