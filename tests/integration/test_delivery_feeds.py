"""Each agency's feed on a real PostgreSQL: what is its own, numbered without gaps, under the agreement of the day."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from contracts.access import Incidents
from contracts.agreements import AgencyListed, AgencyWithdrawn, ExclusionApproved, ExclusionBasis, ExclusionEnded
from contracts.codes import AgencyType
from contracts.corrections import IncidentRecalled
from contracts.incidents import IncidentLinked
from services.delivery import records
from services.delivery.api import Desk
from services.delivery.heads import Heads
from services.delivery.reading import Known, read
from shared.clock import RealClock
from shared.http import Cursors, Problem
from shared.identity import Caller
from shared.limits import Limit
from tests.deliveries import (
    COUNCIL,
    ICB,
    POLICE,
    READABLE,
    SCHOOL,
    Delivery,
    agreed,
    as_json,
    delivery_on,
    ended,
    listed,
    new_database,
    referred_by,
)
from tests.stacks import Stack
from tests.unit.gateway_stories import HOST, REASON, decision, london, told

AT = london("2026-03-10")
LATER = london("2026-03-11")


@pytest.fixture
async def here(stack: Stack) -> AsyncIterator[Delivery]:
    url = await new_database(stack, f"delivery_{uuid4().hex[:8]}")
    async with delivery_on(url) as delivery:
        await listed(delivery)
        yield delivery


async def sequences(here: Delivery, agency: str) -> list[int]:
    return [item.sequence for item in (await here.feed(agency)).items]


async def test_each_agency_sees_its_own_cut_of_one_incident(here: Delivery) -> None:
    story = referred_by(POLICE)
    await here.take(*story.facts)
    council, school = await here.feed(COUNCIL), await here.feed(SCHOOL)
    assert next(item.type for item in council.items if item.subject == story.subject) == "incident.referred.v1"
    assert story.subject not in {item.subject for item in school.items}
    (seen,) = [item for item in as_json(council) if item["type"] == "incident.referred.v1"]
    (cut,) = [item for item in as_json(await here.feed(ICB)) if item["type"] == "incident.referred.v1"]
    assert "policeInvestigation" in seen["data"]
    assert "policeInvestigation" not in cut["data"]
    assert cut["redacted"] == ["/data/policeInvestigation"]
    assert cut["dataref"] == f"/v1/incidents/{story.subject}/detail"
    assert cut["filtering"]["nature"] == seen["data"]["nature"]


async def test_a_feed_is_numbered_from_one_without_gaps_whoever_writes_at_the_same_time(here: Delivery) -> None:
    stories = [referred_by(COUNCIL) for _ in range(6)]
    batches = [[here.facts.record(fact) for fact in story.facts] for story in stories]
    await asyncio.gather(here.reader.apply(batches[0]), here.say(agreed(SCHOOL, 2)))
    for batch in batches[1:]:
        await here.reader.apply(batch)
    for agency in (COUNCIL, ICB, POLICE, SCHOOL):
        found = await sequences(here, agency)
        assert found == list(range(1, len(found) + 1))


async def test_a_batch_that_comes_again_repeats_nothing(here: Delivery) -> None:
    story = referred_by(COUNCIL)
    batch = [here.facts.record(fact) for fact in story.facts]
    await here.reader.apply(batch)
    before = await sequences(here, COUNCIL)
    await here.reader.apply(batch)
    assert await sequences(here, COUNCIL) == before


async def test_a_new_participant_gets_the_past_in_order(here: Delivery) -> None:
    await here.say(agreed(SCHOOL, 2, incidents=(Incidents.PARTICIPANT,)))
    story = referred_by(COUNCIL)
    story.propose(decision(AT), LATER)
    story.partners = {HOST: (ICB, POLICE, SCHOOL)}
    await here.take(*story.facts)
    assert await here.shown(SCHOOL, story.subject) == []
    joining = next(fact for fact in story.facts if fact.name == "deadline.set" and fact.data.recipient == ICB)
    data = joining.data.model_copy(update={"clock": f"T02:{SCHOOL}", "recipient": SCHOOL})
    await here.take(here.facts.stated(story, data, LATER))
    types = await here.shown(SCHOOL, story.subject)
    assert types == ["incident.referred.v1", "notifiability.decided.v1"]
    (thin,) = [item for item in as_json(await here.feed(SCHOOL)) if item["type"] == "incident.referred.v1"]
    assert set(thin["data"]) <= {"nature", "hostAuthority", "homeAuthority"}


async def test_narrowing_an_agreement_leaves_tombstones_under_their_numbers(here: Delivery) -> None:
    story = referred_by(COUNCIL)
    await here.take(*story.facts)
    before = await here.feed(ICB)
    await here.say(agreed(ICB, 2, may_read=tuple(name for name in READABLE if not name.startswith("incident."))))
    after = await here.feed(ICB)
    assert [item.sequence for item in after.items][: len(before.items)] == [item.sequence for item in before.items]
    for was, now in zip(before.items, after.items, strict=False):
        assert now.type == ("feed.withheld.v1" if was.type.startswith("incident.") else was.type)
    withheld = [item for item in as_json(after) if item["type"] == "feed.withheld.v1"]
    assert withheld
    assert all(item["data"] == {} and "subject" not in item for item in withheld)
    assert after.head.edition == before.head.edition + 1


async def test_fields_that_an_agreement_no_longer_opens_are_taken_out_of_what_was_sent_before(here: Delivery) -> None:
    story = referred_by(COUNCIL)
    await here.take(*story.facts)
    await here.say(agreed(POLICE, 2, fields={"incident.referred": ("nature",)}))
    (cut,) = [item for item in as_json(await here.feed(POLICE)) if item["type"] == "incident.referred.v1"]
    assert set(cut["data"]) == {"nature"}


async def test_an_agreement_that_ended_leaves_nothing_but_tombstones(here: Delivery) -> None:
    await here.take(*referred_by(COUNCIL).facts)
    await here.say(ended(ICB))
    assert {item.type for item in (await here.feed(ICB)).items} == {"feed.withheld.v1"}


async def test_widening_repeats_nothing_and_has_a_topic_with_tombstones_written_anew(here: Delivery) -> None:
    await here.say(agreed(ICB, 2, may_read=("incident.referred",)))
    edition = (await here.feed(ICB)).head.edition
    story = referred_by(COUNCIL)
    await here.take(*story.facts)
    await here.say(agreed(ICB, 3))
    page = await here.feed(ICB)
    assert page.head.edition == edition + 1
    await here.say(agreed(POLICE, 2))
    assert (await here.feed(POLICE)).head.edition == 0
    about = [item for item in page.items if item.subject == story.subject]
    assert len({item.id for item in about}) == len(about)
    assert next(item.type for item in about) == "incident.referred.v1"


async def test_a_type_that_is_opened_later_comes_from_its_next_fact_on_and_breaks_no_order(here: Delivery) -> None:
    await here.say(agreed(ICB, 2, may_read=("incident.referred", "notifiability.decided")))
    story = referred_by(COUNCIL)
    earlier = here.facts.stated(story, told(POLICE, AT), AT)
    before = len(story.facts)
    story.propose(decision(AT), LATER)
    await here.take(*story.facts[:before], earlier, *story.facts[before:])
    await here.say(agreed(ICB, 3))
    later = here.facts.stated(story, told(POLICE, LATER), LATER)
    await here.take(later)
    came = [item.id for item in (await here.feed(ICB)).items if item.subject == story.subject]
    assert came[-1] == later.id
    assert earlier.id not in came
    stated = [fact.id for fact in (*story.facts, later)]
    assert came == [each for each in stated if each in came]


async def test_who_is_excluded_sees_nothing_and_once_let_in_again_what_came_meanwhile(here: Delivery) -> None:
    story = referred_by(COUNCIL)
    await here.take(*story.facts)
    count = len(await here.shown(ICB, story.subject))
    given = {"agency": ICB, "basis": ExclusionBasis.CONFLICT_OF_INTEREST}
    await here.take(here.facts.stated(story, ExclusionApproved(**given), LATER))
    await here.take(here.facts.stated(story, told(POLICE, LATER), LATER))
    hidden = await here.shown(ICB, story.subject)
    assert hidden == ["feed.withheld.v1"] * count
    assert (await here.feed(ICB)).head.edition == 1
    async with here.database.transaction() as tx:
        await records.handed(tx, ICB, "https", (await here.feed(ICB)).items, LATER)
    given_to_it = [one for one in await records.deliveries(here.database, story.subject) if one["agency"] == ICB]
    assert [one["ways"] for one in given_to_it] == [[]] * count
    await here.take(here.facts.stated(story, ExclusionEnded(**given), LATER))
    seen = [item.type for item in (await here.feed(ICB)).items if item.subject == story.subject]
    assert seen[-1] == "partner.notified.v1"
    assert len(seen) == count + 1


async def test_a_link_is_shown_only_to_those_entitled_to_both(here: Delivery) -> None:
    lead, twin = referred_by(COUNCIL), referred_by(COUNCIL)
    await here.take(*lead.facts, *twin.facts)
    given = {"agency": ICB, "basis": ExclusionBasis.OTHER}
    await here.take(here.facts.stated(twin, ExclusionApproved(**given), LATER))
    link = IncidentLinked(lead=lead.subject, twin=twin.subject, reason=REASON)
    await here.take(here.facts.stated(lead, link, LATER))
    assert "incident.linked.v1" in await here.shown(POLICE, lead.subject)
    assert "incident.linked.v1" not in await here.shown(ICB, lead.subject)


async def test_who_received_what_is_recalled_is_told_and_may_no_longer_see_it(here: Delivery) -> None:
    story = referred_by(COUNCIL)
    await here.take(*story.facts)
    await here.say(agreed(POLICE, 2, may_read=("incident.referred",)))
    event = story.facts[0].id
    recalled = IncidentRecalled(event=event, because="wrong_recipient", recipients=(POLICE,), reason=REASON)
    await here.take(here.facts.stated(story, recalled, LATER))
    page = as_json(await here.feed(POLICE))
    assert event not in {item["id"] for item in page}
    assert page[-1]["type"] == "incident.recalled.v1"
    assert page[-1]["data"] == {"event": event, "because": "wrong_recipient"}
    assert event in {item["id"] for item in as_json(await here.feed(ICB))}
    also = IncidentRecalled(event=event, because="wrong_recipient", recipients=(ICB,), reason=REASON)
    await here.take(here.facts.stated(story, also, LATER))
    for agency in (POLICE, ICB):
        assert event not in {item["id"] for item in as_json(await here.feed(agency))}


async def test_who_is_let_in_again_misses_nothing_that_came_before_a_recall(here: Delivery) -> None:
    story = referred_by(COUNCIL)
    await here.take(*story.facts)
    given = {"agency": ICB, "basis": ExclusionBasis.CONFLICT_OF_INTEREST}
    await here.take(here.facts.stated(story, ExclusionApproved(**given), LATER))
    meanwhile = here.facts.stated(story, told(POLICE, LATER), LATER)
    await here.take(meanwhile)
    recalled = IncidentRecalled(event=story.facts[0].id, because="wrong_recipient", recipients=(POLICE,), reason=REASON)
    await here.take(here.facts.stated(story, recalled, LATER))
    await here.take(here.facts.stated(story, ExclusionEnded(**given), LATER))
    items = [item for item in as_json(await here.feed(ICB)) if item.get("subject") == story.subject]
    assert meanwhile.id in {item["id"] for item in items}
    assert len({item["id"] for item in items}) == len(items)


async def test_a_token_that_reaches_no_further_sees_tombstones(here: Delivery) -> None:
    await here.take(*referred_by(COUNCIL).facts)
    page = await here.feed(ICB, partnerships=["elsewhere"])
    assert {item.type for item in page.items} == {"feed.withheld.v1"}


async def test_an_agency_that_is_not_listed_has_no_feed(here: Delivery) -> None:
    page = await read(here.database, "nobody", 0, 10)
    assert (page.items, page.known) == ((), Known.NOT_LISTED)


async def test_an_agency_that_was_withdrawn_has_tombstones_alone_and_once_back_its_feed_again(here: Delivery) -> None:
    await here.take(*referred_by(COUNCIL).facts)
    before = await here.feed(ICB)
    await here.say(AgencyWithdrawn(agency=ICB, why="merged with its neighbour"))
    gone = await here.feed(ICB)
    assert (gone.known, {item.type for item in gone.items}) == (Known.NOT_LISTED, {"feed.withheld.v1"})
    back = AgencyListed(agency=ICB, name="Northbank ICB", type=AgencyType.ICB, areas=(HOST,))
    await here.say(back, agreed(ICB, 2))
    again = await here.feed(ICB)
    assert again.items[: len(before.items)] == before.items
    assert again.head.edition > gone.head.edition


async def test_a_cursor_from_ahead_of_a_restored_feed_is_refused_and_not_waited_for(here: Delivery) -> None:
    limit = Limit(here.database, rate=1, burst=1)
    desk = Desk(here.database, Heads(here.database), RealClock(), Cursors(b"key"), limit, limit)
    asking = Caller("agency", ICB, ICB, partnerships=frozenset({"northbank"}))
    last = (await here.feed(ICB)).head.last
    assert (await desk.page(asking, last, 10)).items == ()
    with pytest.raises(Problem) as refused:
        await desk.page(asking, last + 1, 10)
    assert refused.value.status == 409
