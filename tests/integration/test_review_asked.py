"""Whom a review asks: the gateway and delivery fold it alike, in whatever order the topics' facts come."""

from collections.abc import AsyncIterator, Sequence
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings

from contracts.access import Matter
from contracts.catalogue import REVIEWS
from contracts.envelope import AnyEvent
from contracts.matters import evolve
from contracts.reviews import ReviewClosed
from services.gateway import queries, views
from services.gateway.reactions import register
from shared.consumer import Reactions
from shared.database import Database
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
from tests.integration.gateway_ticks import Gateway, SetClock, gateway_database
from tests.interleavings import played, turns
from tests.stacks import Stack
from tests.unit.gateway_stories import HOST, Story, decision, event, london, referral
from tests.unit.review_stories import question

FEW = settings(max_examples=20, report_multiple_bugs=False, suppress_health_check=[HealthCheck.too_slow])
AT = london("2026-03-10")


@pytest.fixture(scope="module")
async def delivery(stack: Stack) -> AsyncIterator[Delivery]:
    url = await new_database(stack, f"delivery_{uuid4().hex[:8]}")
    async with delivery_on(url) as here:
        await listed(here, KINDS)
        yield here


def _of_incident() -> Story:
    story = an_incident()
    story.partners = {HOST: (ICB, POLICE)}
    story.propose(referral(), AT, agency=POLICE, source=f"/agencies/{POLICE}")
    story.propose(decision(AT), london("2026-03-10", "11:00"))
    return story


def _asked(agency: str) -> str:
    return f"request-{'0' * 20}{agency.encode().hex()[-12:]}"


def _of_review(story: Story, here: Delivery) -> list[AnyEvent]:
    said = [question(agency, request=_asked(agency), due="2026-03-20") for agency in (SCHOOL, ICB)]
    more = {"recordedtime": AT, "businessdate": AT.date(), "source": "/services/rapid-review"}
    told = [event(data, AT, story.subject, **more, streamversion=n) for n, data in enumerate(said, 1)]
    return [*told, event(ReviewClosed(why="panel_agreed"), AT, story.subject, **more, streamversion=9)]


INCIDENT_FACTS, REVIEW_FACTS = len(_of_incident().facts), 3


async def _delivered(here: Delivery, batches: Sequence[Sequence[int]]) -> dict[str, list[tuple[str, str]]]:
    """By agency, what it was given of one incident: types, and whose request."""
    story = _of_incident()
    before = {str(agency): int(last) for agency, last in await here.rows("select agency, last from feed_head")}
    for batch in played(batches, story.facts, _of_review(story, here)):
        await here.take(*batch)
    given = {}
    for agency in (COUNCIL, ICB, POLICE, SCHOOL):
        items = (await here.feed(agency, before.get(agency, 0))).items
        told = [(item.type, str((item.data or {}).get("agency", ""))) for item in items]
        given[agency] = [each for each in told if each[0].startswith(("information.", "review."))]
    return given


@FEW
@given(batches=turns(INCIDENT_FACTS, REVIEW_FACTS))
async def test_each_is_given_its_own_request_and_nobody_anothers_whatever_crosses_what(
    delivery: Delivery, batches: list[list[int]]
) -> None:
    given = await _delivered(delivery, batches)
    requested, closed = "information.requested.v1", ("review.closed.v1", "")
    assert given[SCHOOL] == [(requested, SCHOOL)]
    assert given[ICB] == [(requested, ICB), closed]
    assert given[POLICE] == [closed]
    assert given[COUNCIL] == [(requested, SCHOOL), (requested, ICB), closed]


async def test_who_is_asked_is_given_nothing_else_of_the_incident(delivery: Delivery) -> None:
    story = _of_incident()
    await delivery.take(*story.facts, *_of_review(story, delivery))
    assert await delivery.shown(SCHOOL, story.subject) != []
    page = await delivery.feed(SCHOOL)
    assert {item.type for item in page.items if item.subject == story.subject} == {"information.requested.v1"}


async def test_the_gateway_folds_the_same_matter_as_whoever_reads_its_facts(stack: Stack) -> None:
    service = await gateway_database(stack)
    database = Database(service.runtime_url, pool_size=4)
    try:
        gateway = Gateway(database, SetClock(AT))
        incident = await gateway.refer(AT)
        asking = [event(question(agency, request=_asked(agency)), AT, incident) for agency in (SCHOOL, ICB, SCHOOL)]
        reactions = Reactions("gateway")
        register(reactions)
        for fact in asking:
            async with gateway.work(fact) as work:
                for reaction in reactions.to(REVIEWS, fact.name):
                    await reaction(fact, work)
        folded: Matter | None = None
        for fact in [*await gateway.facts(incident), *asking]:
            folded = evolve(folded, fact)
        async with database.transaction() as tx:
            row = await queries.summary(tx, incident)
            known = await views.asked_of(tx, incident)
        assert row is not None
        assert row.matter == folded
        assert known == row.matter.asked == {SCHOOL, ICB}
    finally:
        await database.close()
