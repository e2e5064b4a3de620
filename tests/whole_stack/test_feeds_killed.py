"""`kill -9` of delivery and of a gateway while traffic flows: every agency's sequence stays whole, nothing twice."""

import asyncio
import json
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Mapping

import httpx
import pytest

from tests.whole_stack.conftest import Exchange, proposal, query, until
from tests.whole_stack.test_feeds import Item, ask, on_topic, outbound, process_of, sequences, whole_feed

COUNCIL, ICB, POLICE = "northshire-council", "northshire-icb", "northshire-police"
KILLS = ("delivery", "gateway", "delivery")
BACK_SECONDS = 150
"""A killed process's place in its consumer groups is given to another only once the broker has given it up."""


class Traffic(threading.Thread):
    """Refers incidents one after another; a request that found nobody is sent again, as it was."""

    def __init__(self, exchange: Exchange) -> None:
        super().__init__(daemon=True)
        self.exchange = exchange
        self.incidents: list[str] = []
        self.ending = threading.Event()

    def run(self) -> None:
        while not self.ending.is_set():
            content = json.dumps(proposal("incident.referred.v1", POLICE)).encode()
            while (incident := self._sent(content)) is None:
                time.sleep(0.2)
            self.incidents.append(incident)
            time.sleep(0.1)  # traffic, not load: what is lost is looked for, not how soon it comes

    def _sent(self, content: bytes) -> str | None:
        try:
            return self.exchange.https.send(POLICE, content).incident
        except httpx.HTTPError:
            return None


@pytest.mark.timeout(420)
def test_every_sequence_is_whole_after_delivery_and_a_gateway_were_killed_under_traffic(exchange: Exchange) -> None:
    traffic = Traffic(exchange)
    traffic.start()
    try:
        for victim in KILLS:
            _goes_on(exchange)
            killed = process_of(exchange, victim)
            os.kill(killed, signal.SIGKILL)
            until(lambda victim=victim: _ready(exchange, victim), seconds=60)  # type: ignore[misc]
            assert process_of(exchange, victim) != killed
    finally:
        traffic.ending.set()
        traffic.join(60)
    assert len(traffic.incidents) > len(KILLS)
    wanted = set(traffic.incidents)
    _with_all(exchange, COUNCIL, wanted)
    stated = dict(asyncio.run(query(exchange, "gateway", "select event_id, version from fact")))
    for agency in (COUNCIL, ICB, POLICE):
        items = _with_all(exchange, agency, wanted)
        assert sequences(items) == list(range(1, len(items) + 1))
        facts = Counter(item["id"] for item in items)
        assert [fact for fact, times in facts.items() if times > 1] == []
        referred = Counter(item["subject"] for item in items if item["type"] == "incident.referred.v1")
        assert {referred[incident] for incident in wanted} == {1}
        _in_order(items, stated)
    with outbound(exchange, POLICE) as consumer:
        items, _ = whole_feed(exchange, POLICE)
        found = {item["sequence"]: item for item in on_topic(consumer, 60, least=len(items))}
    assert [found[item["sequence"]] for item in items] == items


def _goes_on(exchange: Exchange) -> None:
    """Wait until delivery is in the midst of its work: a kill at rest would prove nothing."""

    def last() -> int:
        return int(ask(exchange, COUNCIL, "/v1/feed/state").json().get("last", 0))

    before = until(last, seconds=BACK_SECONDS)
    until(last, lambda now: now > before + 5, seconds=BACK_SECONDS)


def _with_all(exchange: Exchange, agency: str, wanted: set[str]) -> list[Item]:
    end = time.monotonic() + BACK_SECONDS
    found, _ = whole_feed(exchange, agency)
    while missing := wanted - {item.get("subject", "") for item in found}:
        assert time.monotonic() < end, f"{len(missing)} of {len(wanted)} incidents never came to {agency}"
        time.sleep(1)
        found, _ = whole_feed(exchange, agency)
    return found


def _in_order(items: list[Item], stated: Mapping[str, int]) -> None:
    """Within an incident, the gateway's facts come in the order in which it stated them."""
    last: dict[object, int] = {}
    for item in items:
        if item["source"] == "/services/gateway" and item.get("subject"):
            version = stated[str(item["id"])]
            assert version > last.get(item["subject"], 0)
            last[item["subject"]] = version
    assert last


def _ready(exchange: Exchange, name: str) -> bool:
    try:
        return httpx.get(f"{exchange.stack.urls[name]}/health/ready", timeout=5).status_code == 200
    except httpx.HTTPError:
        return False
