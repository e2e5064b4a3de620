"""An agency's feed as its own system meets it: the same over HTTPS, as a stream and over Kafka, and nobody else's."""

import asyncio
import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import httpx
import psutil
import pytest
from kafka import KafkaConsumer, TopicPartition

from tests.vaults import plain
from tests.whole_stack.conftest import Exchange, proposal, until

ICB, POLICE, ACADEMY = "northshire-icb", "northshire-police", "northshire-academy"
Item = dict[str, Any]


def ask(exchange: Exchange, who: str, path: str = "/v1/feed", *, method: str = "GET", **more: Any) -> httpx.Response:
    headers = exchange.tokens.headers(who) | more.pop("headers", {})
    return httpx.request(method, exchange.stack.urls["gateway-2"] + path, headers=headers, timeout=60, **more)


def whole_feed(exchange: Exchange, who: str, after: str | None = None) -> tuple[list[Item], str]:
    """Everything behind a cursor, and the cursor behind that."""
    items: list[Item] = []
    while True:
        answer = ask(exchange, who, params={"limit": 200} | ({"after": after} if after else {}))
        assert answer.status_code == 200, answer.text
        told = answer.json()
        items += told["items"]
        after = told["next"]
        if not told["more"]:
            return items, after


@pytest.fixture(autouse=True)
def every_agency_is_known(exchange: Exchange) -> None:
    """Delivery hears of the directory a moment after it is healthy."""
    for agency in (ICB, POLICE, ACADEMY, "northshire-council", "southmere-icb"):
        until(lambda agency=agency: ask(exchange, agency, "/v1/feed/state").status_code == 200)  # type: ignore[misc]


def about(items: list[Item], incident: str) -> list[str]:
    return [item["type"] for item in items if item.get("subject") == incident]


def has(exchange: Exchange, who: str, incident: str) -> list[Item]:
    """The feed once there is something of an incident in it."""
    found: list[Item] = until(lambda: whole_feed(exchange, who)[0], lambda items: bool(about(items, incident)))
    return found


@contextmanager
def stream(exchange: Exchange, who: str, last: str | None = None) -> Iterator[Iterator[dict[str, str]]]:
    """Server-sent events: each with its id, event and data."""
    headers = exchange.tokens.headers(who) | {"accept": "text/event-stream"} | ({"last-event-id": last} if last else {})
    url = exchange.stack.urls["gateway"] + "/v1/feed"
    with httpx.stream("GET", url, headers=headers, timeout=30) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield _events(answer.iter_lines())


def _events(lines: Iterator[str]) -> Iterator[dict[str, str]]:
    event: dict[str, str] = {}
    for line in lines:
        if not line and event:
            if "data" in event:
                yield event
            event = {}
        elif line and not line.startswith(":"):
            name, _, value = line.partition(": ")
            event[name] = value


@contextmanager
def outbound(exchange: Exchange, agency: str) -> Iterator[KafkaConsumer]:
    """The agency's own topic, from its beginning, in a group of its own."""
    username, password = exchange.stack.kafka_sign_in(agency)
    consumer = KafkaConsumer(
        f"partner.{agency}.outbound",
        bootstrap_servers=exchange.stack.kafka.agencies_bootstrap,
        security_protocol="SASL_SSL",
        ssl_cafile=str(exchange.stack.kafka.authority),
        sasl_mechanism="SCRAM-SHA-512",
        sasl_plain_username=username,
        sasl_plain_password=password,
        group_id=f"agency.{agency}.{uuid4().hex}",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    try:
        yield consumer
    finally:
        consumer.close()


def on_topic(consumer: KafkaConsumer, seconds: float = 20, *, least: int = 1) -> list[Item]:
    """What lies on the topic: at least so many, and then until nothing more comes."""
    found: list[Item] = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        polled = consumer.poll(timeout_ms=1000)
        found += [json.loads(record.value) for run in polled.values() for record in run]
        if len(found) >= least and not polled:
            return found
    raise AssertionError(f"{len(found)} of {least} records within {seconds} s")


def sequences(items: list[Item]) -> list[int]:
    return [item["sequence"] for item in items]


def test_a_referral_reaches_another_agencys_feed_cut_to_its_agreement(exchange: Exchange) -> None:
    incident = exchange.refer()
    items = has(exchange, ICB, incident)
    assert sequences(items) == list(range(1, len(items) + 1))
    referred = next(item for item in items if item.get("subject") == incident)
    assert referred["redacted"] == ["/data/policeInvestigation"]
    assert referred["filtering"]["hostAuthority"] == referred["data"]["hostAuthority"]
    assert "actor" not in referred
    assert about(whole_feed(exchange, "southmere-icb")[0], incident) == []


def test_a_long_poll_returns_as_soon_as_there_is_something(exchange: Exchange) -> None:
    after = quiet(exchange, POLICE)
    with ThreadPoolExecutor(1) as aside:
        waiting = aside.submit(_poll, exchange, POLICE, after)
        time.sleep(2)
        assert not waiting.done()
        exchange.refer()
        referred = time.monotonic()
        found, came = waiting.result()
    assert found
    assert came - referred < 5  # of the twenty that it would have waited


def quiet(exchange: Exchange, who: str) -> str:
    """The cursor behind everything, once a whole poll of five seconds brought nothing."""
    _, after = whole_feed(exchange, who)
    while True:
        began = time.monotonic()
        told = ask(exchange, who, params={"after": after}, headers={"prefer": "wait=5"}).json()
        after = told["next"]
        if not told["items"]:
            assert time.monotonic() - began > 4.9
            return str(after)


def _poll(exchange: Exchange, who: str, after: str) -> tuple[list[Item], float]:
    """What one long poll of twenty seconds brought, and when."""
    told = ask(exchange, who, params={"after": after}, headers={"prefer": "wait=20"}).json()
    return told["items"], time.monotonic()


def test_a_stream_goes_on_where_its_reader_was(exchange: Exchange) -> None:
    incident = exchange.refer()
    items = has(exchange, ICB, incident)
    with stream(exchange, ICB) as events:
        first = [next(events) for _ in range(2)]
    assert [json.loads(event["data"])["sequence"] for event in first] == [1, 2]
    assert [event["event"] for event in first] == [item["type"] for item in items[:2]]
    with stream(exchange, ICB, first[-1]["id"]) as events:
        assert json.loads(next(events)["data"]) == items[2]


def test_kafka_carries_the_same_feed_and_tells_delivery_what_was_read(exchange: Exchange) -> None:
    incident = exchange.refer()
    items = has(exchange, POLICE, incident)
    with outbound(exchange, POLICE) as consumer:
        found = on_topic(consumer, least=len(items))
        assert sequences(found) == list(range(1, len(found) + 1))
        assert found[: len(items)] == items
        consumer.commit()
    state = until(
        lambda: ask(exchange, POLICE, "/v1/feed/state").json(), lambda told: told["seen"] >= items[-1]["sequence"]
    )
    assert state["published"] >= items[-1]["sequence"]


def test_what_lies_on_a_topic_is_received_once_the_agencys_consumer_committed_behind_it(exchange: Exchange) -> None:
    incident = exchange.refer()
    items = has(exchange, ICB, incident)
    path = f"/v1/breach-reports/{incident}"

    def over_kafka() -> list[Any]:
        told = ask(exchange, "business-unit-manager", path).json()
        (mine,) = [one for one in told["agencies"] if one["agency"] == ICB]
        return [one["takenAt"] for one in mine["received"] if one["way"] == "kafka" and one["times"]]

    published = until(over_kafka)
    assert published == [None] * len(published)
    with outbound(exchange, ICB) as consumer:
        found = on_topic(consumer, least=len(items))
        assert about(found, incident)
        consumer.commit()
    until(over_kafka, lambda taken: len(taken) >= len(published) and all(taken))


def test_a_cursor_is_of_one_agency_and_cannot_be_bent(exchange: Exchange) -> None:
    _, cursor = whole_feed(exchange, ICB)
    assert ask(exchange, POLICE, params={"after": cursor}).status_code == 400
    bent = cursor[:-3] + ("AAA" if not cursor.endswith("AAA") else "BBB")
    for wrong in (bent, "!", "0", "1' or '1'='1"):
        answer = ask(exchange, ICB, params={"after": wrong})
        assert (answer.status_code, answer.json()["title"]) == (400, "Not a cursor of this list")
    assert ask(exchange, POLICE, method="POST", path="/v1/feed/replay", json={"after": cursor}).status_code == 400


def test_a_person_has_no_feed_and_nobody_asks_delivery_itself(exchange: Exchange) -> None:
    assert ask(exchange, "authority-approver").status_code == 403
    delivery = exchange.stack.urls["delivery"]
    for path in ("/v1/feed", "/v1/feed/state", f"/internal/deliveries?incident=incident-{'1' * 32}"):
        assert httpx.get(delivery + path).status_code == 401
        # its token is for the gateway: what the other services do for whoever they let in, it never learns
        assert httpx.get(delivery + path, headers=exchange.tokens.headers(ICB)).status_code == 401


def test_replay_from_a_time_is_recorded_and_a_loop_of_replays_is_slowed_down(exchange: Exchange) -> None:
    incident = exchange.refer()
    has(exchange, "northshire-council", incident)
    since = (datetime.now(UTC) - timedelta(days=400)).isoformat()
    path, council = "/v1/feed/replay", "northshire-council"
    first = ask(exchange, council, path, method="POST", json={"from": since})
    assert first.status_code == 201, first.text
    again, _ = whole_feed(exchange, council, first.json()["after"])
    assert sequences(again)[0] == first.json()["from"]
    assert about(again, incident)
    recorded = ask(exchange, council, "/v1/feed/state").json()["lastReplay"]
    assert (recorded["from"], recorded["until"]) == (first.json()["from"], first.json()["until"])
    watched = httpx.get(
        exchange.stack.urls["delivery"] + "/operations/feeds", headers=exchange.tokens.headers("operator"), timeout=20
    )
    assert {one["agency"]: one["lastReplay"] for one in watched.json()["items"]}[council] == recorded
    answers = [ask(exchange, council, path, method="POST", json={"from": since}) for _ in range(12)]
    slowed = [answer for answer in answers if answer.status_code == 429]
    assert slowed
    assert int(slowed[0].headers["retry-after"]) > 0
    assert slowed[0].json()["type"].endswith(":too-fast")
    until(lambda: logged(exchange, "gateway-2", f"caller={council}", "status=429", "refused=too-fast"))
    nonsense: list[Any] = [{}, {"from": "yesterday"}, {"from": since, "after": "x"}, [], {"since": since}]
    for wrong in nonsense:
        assert ask(exchange, ACADEMY, path, method="POST", json=wrong).status_code == 422


def _exclude(exchange: Exchange, incident: str, agency: str) -> None:
    said_by = {"exclusion.proposed.v1": "authority-approver", "exclusion.approved.v1": "business-unit-manager"}
    for example, by in said_by.items():
        said = proposal(example, None, incident)
        said["data"].pop("person")
        said["data"] |= {"agency": agency, "basis": "conflict_of_interest"}
        sent = exchange.send(by, said)
        assert exchange.settled(by, sent)["status"] == "accepted", sent


def test_an_exclusion_cuts_the_open_stream_and_leaves_tombstones_on_both_ways(exchange: Exchange) -> None:
    incident = exchange.refer()
    items = has(exchange, ICB, incident)
    count = len(about(items, incident))
    began = time.monotonic()
    with stream(exchange, ICB) as events:
        next(events)
        _exclude(exchange, incident, ICB)
        excluded = time.monotonic()
        for _ in events:
            pass  # it ends: otherwise this would wait until the stream's five minutes are over
    assert time.monotonic() - excluded < 10, f"the stream ended {time.monotonic() - began:.0f} s after it began"
    now, _ = whole_feed(exchange, ICB)
    assert about(now, incident) == []
    withheld = [item for item in now if item["type"] == "feed.withheld.v1"]
    assert len(withheld) >= count
    assert incident not in json.dumps(now)

    def rewritten() -> list[Item]:
        with outbound(exchange, ICB) as consumer:
            place = TopicPartition(f"partner.{ICB}.outbound", 0)
            consumer.poll(timeout_ms=1000)
            if not consumer.assignment():
                return []
            consumer.seek_to_beginning(place)
            return on_topic(consumer, least=1)

    on_kafka = until(rewritten, lambda found: incident not in json.dumps(found) and len(found) >= len(now))
    assert sequences(on_kafka)[: len(now)] == sequences(now)
    assert on_kafka[: len(now)] == now


READERS = 8
MANY = 30_000
"""Standing tests in the slow readers' feed: some 20 MB for each of them."""

_FILL = """
    with added as (
        insert into feed (agency, sequence, type, partnership, redacted, at)
        select agency, last + n, 'feed.tested.v1', 'northshire', '{}', clock_timestamp()
        from feed_head, generate_series(1, $2::int) n where agency = $1
        returning sequence
    )
    update feed_head set last = (select max(sequence) from added) where agency = $1
    """
_PUSHED = "select count(*), coalesce(max(last), 0) from handed_over where agency = $1 and way = 'stream'"


@pytest.mark.timeout(240)
def test_a_slow_reader_costs_its_services_no_memory_and_is_let_go(exchange: Exchange) -> None:
    """It takes the head of a stream and then nothing: what is behind waits in the database, not in a process."""
    slow_agency = "harbour-homes"
    until(lambda: ask(exchange, slow_agency, "/v1/feed/state").json().get("lastTest"))
    in_delivery(exchange, _FILL, slow_agency, MANY)
    whole_feed(exchange, slow_agency)  # what a process needs for its work it has by now
    gateway = urlsplit(exchange.stack.urls["gateway"])
    before = _resident(exchange)
    with ExitStack() as held:
        for _ in range(READERS):
            slow = held.enter_context(socket.socket())
            slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            slow.settimeout(10)
            slow.connect((gateway.hostname or "", gateway.port or 0))
            token = exchange.tokens.headers(slow_agency)["authorization"]
            asked = ("GET /v1/feed HTTP/1.1", "host: x", "accept: text/event-stream", f"authorization: {token}")
            slow.sendall("\r\n".join((*asked, "", "")).encode())
            assert slow.recv(256).startswith(b"HTTP/1.1 200")
        pushed, furthest = stalled(exchange, slow_agency)
        grown = {name: (_resident(exchange)[name] - before[name]) >> 20 for name in before}
        assert pushed
        assert furthest < MANY
        assert max(grown.values()) < 20, grown
        let_go = (f"caller={slow_agency}", "its reader took nothing")
        until(lambda: logged(exchange, "gateway", *let_go), lambda lines: lines == READERS, seconds=60)
        while slow.recv(1 << 20):
            pass  # what was on its way; then the stream ends, and its reader comes again behind the last that it has


def stalled(exchange: Exchange, agency: str) -> tuple[int, int]:
    """Pages that were pushed to an agency's streams, and the furthest number, once nothing moves any more."""
    before: list[Any] = []
    while before != (now := in_delivery(exchange, _PUSHED, agency)) or not now[0][0]:
        before = now
        time.sleep(3)
    return before[0][0], before[0][1]


def in_delivery(exchange: Exchange, words: str, *values: Any) -> list[Any]:
    """What a statement finds in delivery's database."""

    async def found() -> list[Any]:
        owner = await asyncpg.connect(plain(exchange.stack.create_database("delivery").owner_url))
        try:
            return [tuple(row) for row in await owner.fetch(words, *values)]
        finally:
            await owner.close()

    return asyncio.run(found())


def logged(exchange: Exchange, process: str, *words: str) -> int:
    """How many lines of a process's log have all of these words."""
    lines = (exchange.stack.home.logs / f"{process}.log").read_text().splitlines()
    return sum(all(word in line for word in words) for line in lines)


def _resident(exchange: Exchange) -> dict[str, int]:
    """Bytes in memory of the processes that a feed goes through."""
    return {name: psutil.Process(process_of(exchange, name)).memory_info().rss for name in ("gateway", "delivery")}


def process_of(exchange: Exchange, name: str) -> int:
    """The id of the process of the test's own stack that listens where this one does."""
    port = urlsplit(exchange.stack.urls[name]).port
    listening = [c for c in psutil.net_connections("tcp") if c.status == psutil.CONN_LISTEN and c.laddr[1:] == (port,)]
    assert listening[0].pid
    return listening[0].pid
