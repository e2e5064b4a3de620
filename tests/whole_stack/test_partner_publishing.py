"""The partner library against the real exchange: publishing over both ways, and a line that breaks."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from safeguarding_exchange.connection import Connection
from safeguarding_exchange.failures import CredentialsRefused, Refused
from safeguarding_exchange.gateway import Gateway
from safeguarding_exchange.publishing import KafkaPublisher, Publisher, event
from safeguarding_exchange.queue import OfflineQueue

from tests.whole_stack.conftest import PROPOSALS, Exchange, until

REFERRAL = json.loads((PROPOSALS / "incident.referred.v1.json").read_text())["data"]


def _referral(connection: Connection, **more: Any) -> dict[str, Any]:
    return event(connection, "incident.referred.v1", REFERRAL | {"hostAuthority": "E06000993"}, at=_now(), **more)


def _now() -> datetime:
    return datetime.now(UTC)


def test_an_event_is_accepted_once_however_often_it_is_sent(connection: Connection, publisher: Publisher) -> None:
    referral = _referral(connection)
    first = publisher.verdict(publisher.publish(referral))
    assert first.status == "accepted"
    assert first.facts
    assert first.incident
    assert publisher.publish(referral).submission == first.submission
    assert publisher.receipt(referral["id"]) == first


def test_a_refusal_says_every_fault(connection: Connection, publisher: Publisher) -> None:
    wrong = _referral(connection)
    wrong["data"] |= {"nature": "unheard-of", "harm": "physical"}
    with pytest.raises(Refused) as refused:
        publisher.publish(wrong)
    assert {fault["pointer"] for fault in refused.value.faults} == {"/data/nature", "/data/harm"}


def test_a_batch_has_a_receipt_for_each(connection: Connection, publisher: Publisher) -> None:
    events = [_referral(connection) for _ in range(250)]
    events[3]["type"] = "unheard.of.v1"
    receipts = publisher.publish_all(events)
    assert [receipt.event for receipt in receipts] == [each["id"] for each in events]
    assert [place for place, receipt in enumerate(receipts) if not receipt.taken] == [3]


def test_over_kafka_the_receipt_is_asked_for_by_the_offset(connection: Connection, publisher: Publisher) -> None:
    referral = _referral(connection)
    with KafkaPublisher(connection) as over_kafka:
        written = over_kafka.publish(referral)
        again = over_kafka.publish(referral)
    receipt = until(lambda: _there(publisher, written.offset))
    assert receipt.event == referral["id"]
    assert until(lambda: _there(publisher, again.offset)).submission == receipt.submission
    assert publisher.publish(referral).submission == receipt.submission


def _there(publisher: Publisher, offset: int) -> Any:
    try:
        return publisher.receipt_at(offset)
    except Refused:
        return None


def test_what_is_queued_while_the_gateway_is_away_arrives_when_it_is_back(
    exchange: Exchange, connection: Connection, publisher: Publisher, tmp_path: Path
) -> None:
    events = [_referral(connection, incidentref=uuid4().hex) for _ in range(5)]
    exchange.stack.hold("gateway")
    try:
        with OfflineQueue(tmp_path / "queue") as queue, Gateway(connection, patience=1) as impatient:
            for each in events:
                queue.put(each)
            told = queue.deliver(Publisher(connection, gateway=impatient))
            assert (told.waiting, told.taken) == (5, ())
            assert told.line is not None
            assert "cannot be reached" in told.line
    finally:
        exchange.stack.let_go("gateway")
    with OfflineQueue(tmp_path / "queue") as queue:  # as after a restart of the agency's own system
        assert set(queue.deliver(publisher).taken) == {each["id"] for each in events}
        assert queue.waiting() == []
    assert {publisher.receipt(each["id"]).incidentref for each in events} == {each["incidentref"] for each in events}


def test_the_gateway_killed_in_the_middle_takes_nothing_twice(
    exchange: Exchange, connection: Connection, publisher: Publisher, tmp_path: Path
) -> None:
    events = [_referral(connection) for _ in range(300)]
    with OfflineQueue(tmp_path / "queue") as queue:
        for each in events:
            queue.put(each)

        class KillsOnce(Publisher):
            killed = False

            def publish_all(self, events: Any, *, wait: float = 0) -> Any:
                receipts = super().publish_all(events, wait=wait)
                if not self.killed:
                    self.killed = True
                    exchange.stack.kill("gateway")
                    return super().publish_all(events, wait=wait)  # as if the answer had been lost
                return receipts

        told = queue.deliver(KillsOnce(connection, gateway=publisher.gateway))
        assert (told.line, told.waiting) == (None, 0)
    receipts = [publisher.receipt(each["id"]) for each in events]
    assert len({receipt.submission for receipt in receipts}) == len(events)
    assert {receipt.status for receipt in receipts} == {"accepted"}


def test_another_agencys_key_is_refused(exchange: Exchange, connection: Connection) -> None:
    told = json.loads((exchange.stack.connections / "sandbox.json").read_text())
    told["keyFile"] = told["keyFile"].replace("sandbox", "northshire-police")
    with (
        Publisher(Connection.of(told, exchange.stack.connections)) as publisher,
        pytest.raises(CredentialsRefused),
    ):
        publisher.publish(_referral(connection))
