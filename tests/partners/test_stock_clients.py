"""Clients that need no code of ours publish and read at the embedded stack; a missing one fails."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from safeguarding_exchange.connection import Connection
from safeguarding_exchange.failures import Refused
from safeguarding_exchange.publishing import Publisher

from infra.local.jars import locked_jars
from tests.partners.stock_clients import (
    EXAMPLES,
    JAVA_CLIENT,
    REFERRAL,
    StockClient,
    confluent_kafka,
    environment_of,
    java,
    kafkajs,
)
from tests.whole_stack.conftest import Exchange, until

pytestmark = pytest.mark.timeout(400)
Install = Callable[[Path, dict[str, str]], StockClient]


@pytest.mark.parametrize("install", [kafkajs, confluent_kafka, java], ids=["KafkaJS", "confluent-kafka", "Java"])
def test_a_stock_client_publishes_and_reads(
    exchange: Exchange, connection: Connection, tmp_path: Path, install: Install
) -> None:
    client = install(tmp_path / "client", environment_of(connection))
    offset = int(client.run("publish", str(REFERRAL)).strip())
    with Publisher(connection) as publisher:
        verdict = publisher.verdict(until(lambda: _receipt_at(publisher, offset)))
        assert verdict.status == "accepted", verdict
        referral = until(lambda: _place_of(publisher, verdict.incident))

    told = [json.loads(line) for line in client.run("read", str(referral)).splitlines()]
    assert [each["sequence"] for each in told] == list(range(1, referral + 1))
    assert (told[-1]["type"], told[-1]["subject"]) == ("incident.referred.v1", verdict.incident)
    assert {each["partnership"] for each in told} == {"sandbox"}


def _place_of(publisher: Publisher, incident: str | None) -> int | None:
    """The number that an incident's referral has in the feed, once it stands there and on the topic."""
    published, page = publisher.gateway.get("/v1/feed/state")["published"], publisher.gateway.get("/v1/feed", limit=500)
    for item in page["items"]:
        if (item["type"], item.get("subject")) == ("incident.referred.v1", incident) and item["sequence"] <= published:
            return int(item["sequence"])
    assert len(page["items"]) < 500, "the feed is longer than a page: read on"
    return None


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
    read: list[dict[str, Any]] = []
    cursor: list[str] = []

    def comes_back() -> bool:
        page = json.loads(feed.run(*cursor))
        read.extend(page["items"])
        cursor[:] = [page["next"]]
        return ("incident.referred.v1", told["incident"]) in {(item["type"], item.get("subject")) for item in read}

    until(comes_back)
    assert [item["sequence"] for item in read] == list(range(1, len(read) + 1))


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


def test_the_readme_names_the_jars_that_the_java_client_is_tried_with() -> None:
    readme = (EXAMPLES / "README.md").read_text()
    for jar in locked_jars():
        if jar.coordinate.startswith(JAVA_CLIENT):
            _, name, version = jar.coordinate.split(":")
            assert f"`{name}` {version}" in readme
