"""Feeds are written a batch at a time: what comes of it is what would have come of each fact alone."""

from collections.abc import Sequence
from random import Random
from typing import Any
from uuid import uuid4

import pytest

from contracts.access import Incidents
from contracts.agreements import AgencyListed, AgencyWithdrawn, ExclusionApproved, ExclusionBasis, ExclusionEnded
from contracts.codes import AgencyType
from contracts.corrections import IncidentRecalled
from contracts.incidents import IncidentLinked
from contracts.sealing import Model
from services.delivery.known import matter
from shared.consumer import Record
from tests.deliveries import (
    COUNCIL,
    ICB,
    KINDS,
    POLICE,
    SCHOOL,
    Facts,
    agreed,
    delivery_on,
    listed,
    new_database,
    referred_by,
)
from tests.stacks import Stack
from tests.unit.gateway_stories import HOST, REASON, Story, london, told

LATER = london("2026-03-11")
_FEEDS = """
    select f.agency, f.sequence, k.event_id, f.type, f.partnership, f.redacted, f.subject
    from feed f left join kept k on k.id = f.kept order by 1, 2
    """
_MATTERS = "select incident, host, folded from matter order by incident"
_KEPT = "select topic, subject, type, event_id, event from kept order by id"
_WRITTEN_ANEW = "select agency from feed_head where edition > 0 order by agency"


def a_day(facts: Facts) -> list[Record]:
    """Everything that opens an incident to an agency or closes it, and facts that do neither, all mixed up."""
    records: list[Record] = []

    def take(story: Story, *data: Model) -> None:
        records.extend(facts.record(facts.stated(story, one, LATER)) for one in data)

    def say(*data: Model) -> None:
        records.extend(facts.record(facts.of_the_directory(one)) for one in data)

    stories = [referred_by(agency) for agency in (COUNCIL, POLICE, SCHOOL, ICB)]
    records.append(facts.record(facts.stated(stories[0], told(POLICE, LATER), LATER)))  # overtook its referral
    for story in stories:
        records.extend(facts.record(fact) for fact in story.facts)
    first, second, third, fourth = stories
    out: dict[str, Any] = {"agency": ICB, "basis": ExclusionBasis.CONFLICT_OF_INTEREST}
    take(first, ExclusionApproved(**out), told(POLICE, LATER))
    say(agreed(POLICE, 2, may_read=("incident.referred", "record.read"), incidents=(Incidents.OWN,)))
    take(second, IncidentLinked(lead=second.subject, twin=first.subject, reason=REASON), told(POLICE, LATER))
    take(first, ExclusionEnded(**out), told(POLICE, LATER))
    event = third.facts[0].id
    take(third, IncidentRecalled(event=event, because="wrong_recipient", recipients=(ICB,), reason=REASON))
    take(third, ExclusionApproved(**out), told(POLICE, LATER), ExclusionEnded(**out), told(POLICE, LATER))
    say(agreed(POLICE, 3))
    take(fourth, IncidentRecalled(event=fourth.facts[0].id, because="wrong_child", reason=REASON))
    say(AgencyWithdrawn(agency=SCHOOL, why="for a test"))
    take(third, told(POLICE, LATER))
    say(AgencyListed(agency=SCHOOL, name="School", type=AgencyType.SCHOOL, areas=(HOST,)), agreed(SCHOOL, 2))
    take(third, told(ICB, LATER))
    return records


async def outcome(stack: Stack, batches: Sequence[Sequence[Record]]) -> list[Any]:
    """What these batches leave in a new database."""
    url = await new_database(stack, f"delivery_{uuid4().hex[:8]}")
    async with delivery_on(url) as here:
        await listed(here)
        for batch in batches:
            await here.reader.apply(batch)
        matters = [(*row, matter(folded)) for *row, folded in await here.rows(_MATTERS)]
        return [matters] + [await here.rows(query) for query in (_FEEDS, _KEPT, _WRITTEN_ANEW)]


def cut(records: Sequence[Record], longest: int) -> list[Sequence[Record]]:
    """The records in batches of at most so many."""
    random, batches, begin = Random(longest), [], 0
    while begin < len(records):
        end = begin + random.randint(1, longest)
        batches.append(records[begin:end])
        begin = end
    return batches


@pytest.fixture
async def facts(stack: Stack) -> Facts:
    """Their positions go on from those of the directory with which each database begins."""
    url = await new_database(stack, f"delivery_{uuid4().hex[:8]}")
    async with delivery_on(url) as here:
        await listed(here)
        return here.facts


async def test_feeds_are_the_same_however_the_facts_are_cut_into_batches(stack: Stack, facts: Facts) -> None:
    records = a_day(facts)
    one_by_one = await outcome(stack, [[record] for record in records])
    assert {agency for agency, *_ in one_by_one[1]} == set(KINDS)
    for batches in ([records], cut(records, 4), cut(records, 12)):
        assert await outcome(stack, batches) == one_by_one
