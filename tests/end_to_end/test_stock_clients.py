"""Clients that need no code of ours publish and read at the embedded stack; a missing one fails."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from safeguarding_exchange.connection import Connection
from safeguarding_exchange.failures import Refused
from safeguarding_exchange.publishing import Publisher

from tests.end_to_end.stock_clients import EXAMPLES, REFERRAL, StockClient, confluent_kafka, environment_of, kafkajs
from tests.whole_stack.conftest import Exchange, until

pytestmark = pytest.mark.timeout(400)
Install = Callable[[Path, dict[str, str]], StockClient]


@pytest.fixture
def connection(exchange: Exchange) -> Connection:
    return Connection.read(exchange.stack.connections / "sandbox.json")


@pytest.mark.parametrize("install", [kafkajs, confluent_kafka], ids=["KafkaJS", "confluent-kafka"])
def test_a_stock_client_publishes_and_reads(
    exchange: Exchange, connection: Connection, tmp_path: Path, install: Install
) -> None:
    client = install(tmp_path / "client", environment_of(connection))
    offset = int(client.run("publish", str(REFERRAL)).strip())
    with Publisher(connection) as publisher:
        receipt = until(lambda: _receipt_at(publisher, offset))
        assert publisher.verdict(receipt).status == "accepted", receipt

    told = [json.loads(line) for line in client.run("read", "1").splitlines()]
    assert [each["sequence"] for each in told] == [1]
    assert told[0]["partnership"] == "sandbox"


def _receipt_at(publisher: Publisher, offset: int) -> Any:
    try:
        return publisher.receipt_at(offset)
    except Refused:
        return None


def test_curl_publishes_and_reads(connection: Connection) -> None:
    environment = environment_of(connection)
    told = json.loads(StockClient(["sh", str(EXAMPLES / "curl/publish.sh")], environment).run(str(REFERRAL)))
    assert told["status"] == "accepted"

    feed = StockClient(["sh", str(EXAMPLES / "curl/feed.sh")], environment)
    first = until(lambda: json.loads(feed.run()), lambda page: page["items"])
    assert first["items"][0]["sequence"] == 1
    second = json.loads(feed.run(first["next"]))
    assert not {item["sequence"] for item in second["items"]} & {item["sequence"] for item in first["items"]}


def test_a_client_built_on_an_old_librdkafka_is_refused_as_if_its_credentials_were_wrong(
    connection: Connection, tmp_path: Path
) -> None:
    too_old = Path(__file__).with_name("too_old_librdkafka.txt")
    client = confluent_kafka(tmp_path / "client", environment_of(connection), too_old)
    assert "invalid credentials" in client.run("publish", str(REFERRAL), fails=True)


def test_the_locks_name_no_place() -> None:
    for lock in (EXAMPLES / "kafkajs/package-lock.json", EXAMPLES / "confluent-kafka/requirements.txt"):
        text = lock.read_text()
        assert "resolved" not in text, lock
        assert "://" not in text, lock
