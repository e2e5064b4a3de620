"""Agencies' own feeds, read as their own programs would: over HTTPS page by page, and from their outbound topic."""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kafka import KafkaConsumer, TopicPartition

from infra.demo.ways_in import Https

PAGE = 500
POLL_MILLISECONDS = 500
PATIENCE_SECONDS = 30.0
TOO_FAST = 429

Feed = Mapping[int, Mapping[str, Any]]
"""Events by their number in the feed."""


class FeedUnreadable(Exception):
    """A feed could not be read over HTTPS; says whose, and what was answered."""


def over_https(https: Https, agency: str) -> Feed:
    """The whole feed as it is given today. Raises FeedUnreadable."""
    seen: dict[int, Mapping[str, Any]] = {}
    cursor: str | None = None
    while True:
        asked: dict[str, str | int] = {"limit": PAGE} | ({"after": cursor} if cursor else {})
        answer = https.get(agency, "/v1/feed", asked)
        if answer.status_code == TOO_FAST:
            time.sleep(float(answer.headers.get("retry-after", "1")))
            continue
        if not answer.is_success:
            raise FeedUnreadable(f"the feed of {agency} was answered {answer.status_code}: {answer.text[:200]}")
        page = answer.json()
        seen |= {item["sequence"]: item for item in page["items"]}
        cursor = page["next"]
        if not page["items"]:
            return seen


def over_kafka(
    bootstrap: str, authority: Path, sign_in: tuple[str, str], agency: str, until: int
) -> list[Mapping[str, Any]]:
    """Every record on the agency's outbound topic up to that number, read with the agency's own user.

    What is not there yet is waited for, a while.
    """
    user, password = sign_in
    consumer = KafkaConsumer(
        bootstrap_servers=bootstrap,
        security_protocol="SASL_SSL",
        ssl_cafile=str(authority),
        sasl_mechanism="SCRAM-SHA-512",
        sasl_plain_username=user,
        sasl_plain_password=password,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    place = TopicPartition(f"partner.{agency}.outbound", 0)
    records: list[Mapping[str, Any]] = []
    patience = time.monotonic() + PATIENCE_SECONDS
    try:
        consumer.assign([place])
        consumer.seek_to_beginning(place)
        while time.monotonic() < patience and not (records and records[-1]["sequence"] >= until):
            polled = consumer.poll(timeout_ms=POLL_MILLISECONDS).get(place, [])
            records += [json.loads(record.value) for record in polled if record.value]
    finally:
        consumer.close()
    return records


def about(feed: Feed, incident: str) -> Feed:
    """What a feed holds of one incident."""
    return {number: event for number, event in feed.items() if event.get("subject") == incident}
