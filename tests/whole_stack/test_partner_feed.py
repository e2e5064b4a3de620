"""The partner library reads its agency's feed at the real exchange, by each way, killed or not."""

import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from safeguarding_exchange.connection import Connection
from safeguarding_exchange.failures import Refused
from safeguarding_exchange.feed_items import Item
from safeguarding_exchange.publishing import Publisher, event
from safeguarding_exchange.subscribing import WAYS, Subscriber

from tests.whole_stack.conftest import Exchange, until

REFERRAL = json.loads(Path("clients/other/referral.json").read_text())["data"]


def _refer(publisher: Publisher) -> str:
    sent = event(publisher.connection, "incident.referred.v1", REFERRAL)
    incident = publisher.verdict(publisher.publish(sent)).incident
    assert incident
    return incident


def _read_until(subscriber: Subscriber, incident: str) -> list[Item]:
    """What comes until the referral of an incident, and that."""
    read = []
    for item in subscriber.items():
        read.append(item)
        if item.name == "incident.referred" and item.subject == incident:
            return read
    raise AssertionError


@pytest.mark.parametrize("way", WAYS)
def test_each_way_tells_the_same_without_a_hole(
    connection: Connection, publisher: Publisher, tmp_path: Path, way: str
) -> None:
    incident = _refer(publisher)
    with Subscriber(connection, tmp_path / "state", way=way, wait=5) as subscriber:
        read = _read_until(subscriber, incident)
    assert [item.sequence for item in read] == list(range(1, len(read) + 1))
    assert {item.event["partnership"] for item in read} == {"sandbox"}

    later = _refer(publisher)
    with Subscriber(connection, tmp_path / "state", way=way, wait=5) as subscriber:
        again = _read_until(subscriber, later)
    # The last was in hand when it ended, so it comes once more.
    assert [item.sequence for item in again] == list(range(len(read), len(read) + len(again)))


def test_a_state_goes_from_one_way_to_another(connection: Connection, publisher: Publisher, tmp_path: Path) -> None:
    reached = 0
    for way in WAYS:
        incident = _refer(publisher)
        with Subscriber(connection, tmp_path / "state", way=way, wait=5) as subscriber:
            read = [item.sequence for item in _read_until(subscriber, incident)]
        assert read == list(range(max(reached, 1), read[-1] + 1))
        reached = read[-1]


READS = """
import sys, time
from safeguarding_exchange.connection import Connection
from safeguarding_exchange.subscribing import Subscriber
connection, state, way = sys.argv[1:]
with Subscriber(Connection.read(connection), state, way=way, wait=2) as subscriber:
    for item in subscriber.items():
        print(item.sequence, flush=True)
        time.sleep(0.01)
"""


@pytest.mark.parametrize("way", ["poll", "kafka"])
def test_a_subscriber_killed_again_and_again_misses_nothing(
    exchange: Exchange, connection: Connection, publisher: Publisher, tmp_path: Path, way: str
) -> None:
    for _ in range(4):
        _refer(publisher)
    with Publisher(connection) as asking:
        last = until(lambda: asking.gateway.get("/v1/feed/state")["published"], lambda count: count >= 12)
    told: list[int] = []
    while not told or told[-1] < last:
        words = [str(exchange.stack.connections / "sandbox.json"), str(tmp_path / "state"), way]
        with subprocess.Popen([sys.executable, "-c", READS, *words], stdout=subprocess.PIPE, text=True) as reader:
            assert reader.stdout is not None
            for _ in range(max(4, last // 4)):
                told.append(int(reader.stdout.readline()))
                if told[-1] >= last:
                    break
            os.kill(reader.pid, signal.SIGKILL)
    assert sorted(set(told)) == list(range(1, max(told) + 1))
    assert len(told) - len(set(told)) <= 5  # only what was in hand came twice


def test_the_words_of_an_item_are_had_by_its_link_for_a_purpose_and_the_look_is_recorded(
    connection: Connection, publisher: Publisher, tmp_path: Path
) -> None:
    incident = _refer(publisher)
    with Subscriber(connection, tmp_path / "state", wait=5) as subscriber:
        item = _read_until(subscriber, incident)[-1]
        for wrong, status in (("safeguarding", 422), ("likeness_check", 403)):
            with pytest.raises(Refused) as refused:
                subscriber.detail(item, purpose=wrong)
            assert refused.value.status == status
        told = subscriber.detail(item, purpose="review")
        assert told["incident"]["id"] == incident
        assert told["facts"][0]["data"]["summary"] == REFERRAL["summary"]
        looks = subscriber.gateway.get(f"/v1/incidents/{incident}/reads")["items"]
    assert [(look["who"], look["purpose"]) for look in looks] == [(connection.agency, "review")]


def test_asked_for_again_nothing_is_handed_over_twice_and_the_exchange_knows_where_we_are(
    connection: Connection, publisher: Publisher, tmp_path: Path
) -> None:
    _refer(publisher)
    with Subscriber(connection, tmp_path / "state", wait=3) as subscriber:
        last = [item.sequence for item in subscriber.items(for_ever=False)][-1]
        subscriber.ask_again(since=datetime.now(UTC) - timedelta(days=1))
        assert [item.sequence for item in subscriber.items(for_ever=False) if item.sequence <= last] == []
        assert subscriber.standing()["seen"] >= last
