"""What becomes of a feed on its way, on a real PostgreSQL: who was given what, what was confirmed, who is silent."""

import logging
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from contracts.agreements import AgencyListed, AgencyWithdrawn
from contracts.codes import AgencyType
from services.delivery import api, records, standing
from services.delivery.api import REPLAYS_A_SECOND, REPLAYS_AT_ONCE, Desk, delivery_router
from services.delivery.feeds import growing
from services.delivery.heads import Heads
from services.delivery.publishing import Publishing
from services.delivery.standing import Receipts, StandingTests
from shared.clock import RealClock
from shared.http import Cursors, service_app
from shared.identity import ON_BEHALF_OF, Caller, caller
from shared.limits import Limit
from tests.deliveries import (
    COUNCIL,
    ICB,
    POLICE,
    SCHOOL,
    Delivery,
    agreed,
    delivery_on,
    listed,
    new_database,
    referred_by,
)
from tests.faults.relay.ground import producer_settings
from tests.stacks import Stack
from tests.unit.gateway_stories import HOST, london

AT = london("2026-03-10")
LATER = london("2026-03-11")


@pytest.fixture
async def here(stack: Stack) -> AsyncIterator[Delivery]:
    url = await new_database(stack, f"delivery_{uuid4().hex[:8]}")
    async with delivery_on(url) as delivery:
        await listed(delivery)
        yield delivery


@asynccontextmanager
async def door(here: Delivery, who: Caller) -> AsyncIterator[httpx.AsyncClient]:
    """Delivery's HTTP, for a caller whose token holds."""
    reads = Limit(here.database, rate=1000, burst=1000)
    replays = Limit(here.database, rate=REPLAYS_A_SECOND, burst=REPLAYS_AT_ONCE)
    desk = Desk(here.database, Heads(here.database), RealClock(), Cursors(b"key"), reads, replays)
    app = service_app(title="Delivery", service="delivery", routers=[delivery_router(desk)])
    app.dependency_overrides[caller] = lambda: who
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://delivery.test") as client:
        yield client


async def test_a_loop_of_replays_is_told_when_to_come_again_and_each_that_was_given_is_recorded(
    here: Delivery, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)

    def asking(agency: str) -> dict[str, str]:
        return {ON_BEHALF_OF: Caller("agency", agency, agency, partnerships=frozenset({"northbank"})).to_header()}

    async with door(here, Caller("service", "gateway", roles=frozenset({"gateway"}))) as client:

        async def replay(agency: str) -> httpx.Response:
            since = {"from": "2026-01-01T00:00:00Z"}
            return await client.post("/v1/feed/replay", json=since, headers=asking(agency))

        answers = [await replay(ICB) for _ in range(12)]
        assert [answer.status_code for answer in answers] == [201] * 10 + [429] * 2
        assert 0 < int(answers[-1].headers["retry-after"]) <= 60
        assert answers[-1].json()["type"].endswith(":too-fast")
        assert (await replay(POLICE)).status_code == 201
        state = (await client.get("/v1/feed/state", headers=asking(ICB))).json()
    assert await here.rows("select agency, count(*) from replayed group by 1 order by 1") == [(ICB, 10), (POLICE, 1)]
    assert (state["lastReplay"]["from"], state["lastReplay"]["until"]) == (1, state["last"])
    assert "too-fast" in [getattr(record, "refused", None) for record in caplog.records]


async def test_an_operator_sees_whose_feed_is_silent_and_whom_to_ring(here: Delivery) -> None:
    contact = {"technical": "systems@northbank-icb.example"}
    await here.say(AgencyListed(agency=ICB, name="Northbank ICB", type=AgencyType.ICB, areas=(HOST,), contacts=contact))
    await here.say(AgencyWithdrawn(agency=SCHOOL, why="merged with its neighbour"))
    async with here.database.transaction() as tx:
        await (await growing(tx)).append_tests({ICB: "northbank", POLICE: "northbank"}, LATER)
        await records.heard(tx, POLICE, "https", 1000, LATER)
    operator = Caller("person", "exchange-operator", "exchange", roles=frozenset({"operator"}))
    async with door(here, operator) as client:
        items = (await client.get("/operations/feeds")).json()["items"]
    found = {one["agency"]: one for one in items}
    assert {agency for agency, one in found.items() if one["silent"]} == {ICB}
    assert (found[ICB]["technical"], found[ICB]["lag"]) == (contact["technical"], found[ICB]["last"])
    assert (found[POLICE]["technical"], found[POLICE]["lastTest"]["seen"]) == (None, True)
    assert found[SCHOOL]["withdrawn"]
    async with door(here, Caller("person", "approver", COUNCIL, roles=frozenset({"approver"}))) as client:
        assert (await client.get("/operations/feeds")).status_code == 403


async def test_a_standing_test_goes_to_every_agency_once_a_quarter_of_an_hour(here: Delivery) -> None:
    testing = StandingTests(here.database, RealClock(), lambda: None)
    assert await testing.once() == 4
    assert await testing.once() == 0
    page = await here.feed(SCHOOL)
    assert page.items[-1].type == "feed.tested.v1"
    assert page.items[-1].data == {"number": page.items[-1].sequence}
    state = await records.state(here.database, SCHOOL)
    assert state["lastTest"]["seen"] is False
    now = RealClock().now()
    assert await records.silent(here.database, now) == []
    late = now + 3 * records.TEST_EVERY
    assert await records.silent(here.database, late) == sorted((COUNCIL, ICB, POLICE, SCHOOL))
    async with here.database.transaction() as tx:
        await records.heard(tx, SCHOOL, "https", page.items[-1].sequence, now)
    assert SCHOOL not in await records.silent(here.database, late)
    assert (await records.state(here.database, SCHOOL))["lag"] == 0


async def test_the_first_page_of_a_breach_report_tells_who_was_given_what_and_how(here: Delivery) -> None:
    story = referred_by(COUNCIL)
    await here.take(*story.facts)
    page = await here.feed(ICB)
    async with here.database.transaction() as tx:
        for way, offset in (("https", None), ("https", None), ("kafka", 40)):
            await records.handed(tx, ICB, way, page.items, AT, offset)
    found = await records.deliveries(here.database, story.subject)
    (given,) = given_to(ICB, story.facts[0].id, found)
    assert [(each["way"], each["times"]) for each in given["ways"]] == [("https", 2), ("kafka", 1)]
    assert given["redacted"] == ["/data/policeInvestigation"]
    assert {one["agency"] for one in found if not one["ways"]} == {COUNCIL, POLICE}


def given_to(agency: str, event: str, deliveries: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [one for one in deliveries if one["agency"] == agency and one["event"] == event]


async def test_what_was_published_is_received_once_the_agencys_consumers_committed_behind_it(here: Delivery) -> None:
    story = referred_by(COUNCIL)
    await here.take(*story.facts)
    page = await here.feed(ICB)
    place = next(item.sequence for item in page.items if item.id == story.facts[0].id)
    async with here.database.transaction() as tx:
        await records.handed(tx, ICB, "kafka", page.items, AT, 40)
    offset = 40 + place - page.first
    for committed, expected in ((offset, None), (offset + 1, LATER.isoformat())):
        async with here.database.transaction() as tx:
            await records.taken(tx, ICB, committed, LATER)
        (given,) = given_to(ICB, story.facts[0].id, await records.deliveries(here.database, story.subject))
        (way,) = given["ways"]
        assert way["first"] == AT.isoformat()
        assert way["taken"] == expected


async def test_what_consumers_committed_before_it_was_published_is_no_receipt_of_it(here: Delivery) -> None:
    story = referred_by(COUNCIL)
    await here.take(*story.facts)
    page = await here.feed(ICB)
    async with here.database.transaction() as tx:
        await records.taken(tx, ICB, 10**6, AT)
        await records.handed(tx, ICB, "kafka", page.items, LATER, 40)
    (given,) = given_to(ICB, story.facts[0].id, await records.deliveries(here.database, story.subject))
    assert [(way["way"], way["taken"]) for way in given["ways"]] == [("kafka", None)]


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
async def test_what_was_sent_over_https_is_received_once_the_agency_came_back_with_the_cursor_behind_it(
    here: Delivery, accept: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "BEAT_SECONDS", 0.01)
    monkeypatch.setattr(api, "STREAM_SECONDS", 1.0)
    monkeypatch.setattr(api, "STREAM_PAGE", 2)
    story = referred_by(COUNCIL)
    await here.take(*story.facts)
    headers = {ON_BEHALF_OF: Caller("agency", ICB, ICB, partnerships=frozenset({"northbank"})).to_header()}

    async def taken() -> list[bool]:
        (given,) = given_to(ICB, story.facts[0].id, await records.deliveries(here.database, story.subject))
        return [way["taken"] is not None for way in given["ways"]]

    async with door(here, Caller("service", "gateway", roles=frozenset({"gateway"}))) as client:
        sent = await client.get("/v1/feed", headers=headers | {"accept": accept})
        assert story.facts[0].id in sent.text
        assert await taken() == [False]
        place = next(item.sequence for item in (await here.feed(ICB)).items if item.id == story.facts[0].id)
        for after, expected in ((place - 1, False), (place, True)):
            cursor = Cursors(b"key").encode({"after": after}, of=f"feed of {ICB}")
            await client.get("/v1/feed", params={"after": cursor, "limit": 1}, headers=headers)
            found = await taken()
            assert found == [expected] * len(found)
        assert await here.rows("select sequence from acknowledged order by at") == [(place - 1,), (place,)]


async def test_a_cursor_that_came_before_something_was_sent_is_no_receipt_of_it(here: Delivery) -> None:
    story = referred_by(COUNCIL)
    await here.take(*story.facts)
    page = await here.feed(ICB)
    for sequence, at, expected in ((10**6, AT, None), (page.last, LATER, LATER.isoformat())):
        async with here.database.transaction() as tx:
            await records.heard(tx, ICB, "https", sequence, at)
            if at == AT:
                await records.handed(tx, ICB, "stream", page.items, AT + timedelta(minutes=1))
        (given,) = given_to(ICB, story.facts[0].id, await records.deliveries(here.database, story.subject))
        assert [way["taken"] for way in given["ways"]] == [expected]


async def test_what_a_group_committed_beyond_the_end_of_the_topic_is_no_receipt(
    stack: Stack, here: Delivery, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic, kafka = stack.create_topic(f"outbound-{uuid4().hex[:8]}", 1), producer_settings(stack)
    monkeypatch.setattr(standing, "topic_of", lambda agency: topic)
    items = (await here.feed(ICB)).items
    async with AIOKafkaProducer(**kafka) as producer:
        for item in items:
            await producer.send_and_wait(topic, item.to_json(), partition=0)
    async with here.database.transaction() as tx:
        await records.handed(tx, ICB, "kafka", items, AT, 0)
    async with AIOKafkaConsumer(**kafka) as asking:

        async def ends(places: Collection[TopicPartition]) -> Any:
            return await asking.end_offsets(list(places))

        receipts = Receipts(here.database, RealClock(), ends, lambda: AIOKafkaAdminClient(**kafka), leads=lambda: True)
        for group, offset, receipt in (("beyond", 10**12, []), ("reader", 1, [(ICB, 1)])):
            await commit(kafka, f"agency.{ICB}.{group}-{topic}", TopicPartition(topic, 0), offset)
            await receipts.once()
            assert await here.rows('select agency, "offset" from taken') == receipt
    assert (await records.state(here.database, ICB))["seen"] == 1


async def commit(kafka: Mapping[str, Any], group: str, place: TopicPartition, offset: int) -> None:
    """Say as a consumer group that it has come so far."""
    async with AIOKafkaConsumer(**kafka, group_id=group, enable_auto_commit=False) as consumer:
        consumer.assign([place])
        await consumer.commit({place: offset})


class Killed(Exception):
    """Stands for the process's end just after the broker took a batch."""


class DiesOnceSent(AIOKafkaProducer):  # type: ignore[misc]
    """A producer whose process ends before the broker's answer is recorded."""

    async def partitions_for(self, topic: str) -> set[int]:
        return {0}

    async def send_batch(self, batch: Any, topic: str, *, partition: int) -> Any:
        raise Killed


async def test_killed_after_sending_and_narrowed_before_it_sends_again_what_it_gave_is_still_told(
    here: Delivery,
) -> None:
    story = referred_by(COUNCIL)
    await here.take(*story.facts)
    unused: Any = None  # no topic is emptied here
    publishing = Publishing(here.database, Heads(here.database), RealClock(), {}, unused, leads=lambda: 1)
    for _ in range(2):  # broken off again and again, it is one intent
        with pytest.raises(Killed):
            await publishing.once(DiesOnceSent(bootstrap_servers="nowhere:1"))
    await here.say(agreed(ICB, 2, may_read=("record.read",)))
    page = await here.feed(ICB)
    async with here.database.transaction() as tx:
        await records.handed(tx, ICB, "kafka", page.items, LATER, 40)
    (given,) = given_to(ICB, story.facts[0].id, await records.deliveries(here.database, story.subject))
    assert [(way["way"], way["times"], way["taken"]) for way in given["ways"]] == [("kafka", 0, None)]
    assert await here.rows(f"select count(*) from handed_over where agency = '{ICB}'") == [(2,)]


async def test_what_was_appended_can_be_neither_changed_nor_removed(here: Delivery) -> None:
    for statement in (
        "update feed set type = ''",
        "delete from feed",
        "delete from kept",
        "delete from handed_over",
        "delete from taken",
        "delete from acknowledged",
    ):
        with pytest.raises(Exception, match="permission denied"):
            await here.rows(statement)
