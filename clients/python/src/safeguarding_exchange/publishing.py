"""Publishing as an agency's own system: over HTTPS with receipts, or over Kafka."""

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any
from uuid import uuid4

from kafka import KafkaProducer
from kafka.errors import AuthorizationError, KafkaError

from safeguarding_exchange import kafka_access
from safeguarding_exchange.connection import Connection
from safeguarding_exchange.failures import CredentialsRefused, Unreachable
from safeguarding_exchange.gateway import Gateway
from safeguarding_exchange.receipts import Receipt

Event = Mapping[str, Any]
CONTENT_TYPE = "application/cloudevents+json"
BATCH_CONTENT_TYPE = "application/cloudevents-batch+json"
MOST_IN_A_BATCH = 200
"""The gateway takes a thousand; with fewer, a line that breaks repeats less."""

WAIT = 10.0
SEND_SECONDS = 30
POLL_SECONDS = 0.2


def event(
    connection: Connection,
    event_type: str,
    data: Mapping[str, Any],
    *,
    subject: str | None = None,
    incidentref: str | None = None,
    partnership: str | None = None,
    at: datetime | None = None,
    event_id: str | None = None,
) -> dict[str, Any]:
    """An event of this agency, ready to be sent; `event_type` is the whole of it, such as `incident.referred.v1`.

    Keep it before you send it (OfflineQueue does): sent again, it must have the same id.
    """
    name, _, major = event_type.rpartition(".v")
    made: dict[str, Any] = {
        "specversion": "1.0",
        "id": event_id or uuid4().hex,
        "source": f"/agencies/{connection.agency}",
        "type": event_type,
        "time": (at or datetime.now(timezone.utc)).isoformat(),
        "datacontenttype": "application/json",
        "dataschema": f"urn:safeguarding-exchange:schema:{name}:{major}.0",
        "partnership": partnership or connection.partnership,
    }
    optional = {"subject": subject, "incidentref": incidentref}
    return made | {name: value for name, value in optional.items() if value} | {"data": dict(data)}


class Publisher:
    """Publishes over HTTPS; use it in a `with` block. May be shared by threads."""

    def __init__(self, connection: Connection, *, gateway: Gateway | None = None) -> None:
        self.connection = connection
        self.gateway = gateway or Gateway(connection)

    def __enter__(self) -> "Publisher":
        return self

    def __exit__(self, *_: object) -> None:
        self.gateway.close()

    def publish(self, event: Event, *, wait: float = WAIT) -> Receipt:
        """Publish one event, and wait so many seconds for the owner's verdict. Raises Refused with every fault.

        A line that fails is tried again under the same id, then Unreachable is raised: send the same event later.
        """
        told = self.gateway.post("/v1/events", event, headers=_headers(CONTENT_TYPE, wait))
        return Receipt.of(told)

    def publish_all(self, events: Sequence[Event], *, wait: float = 0) -> list[Receipt]:
        """Publish many: a receipt each, in order. One that failed holds back only what is about its incident."""
        receipts: list[Receipt] = []
        for first in range(0, len(events), MOST_IN_A_BATCH):
            batch = list(events[first : first + MOST_IN_A_BATCH])
            told = self.gateway.post("/v1/events", batch, headers=_headers(BATCH_CONTENT_TYPE, wait))
            receipts += [Receipt.of(item) for item in told["items"]]
        return receipts

    def receipt(self, event_id: str) -> Receipt:
        """What became of an event, by your own id of it. Raises Refused (404) for one that never arrived."""
        source = f"/agencies/{self.connection.agency}"
        return Receipt.of(self.gateway.get("/v1/submissions", source=source, id=event_id))

    def receipt_of(self, submission: str) -> Receipt:
        """What became of an event, by its submission."""
        return Receipt.of(self.gateway.get(f"/v1/submissions/{submission}"))

    def receipt_at(self, offset: int) -> Receipt:
        """What became of the record at that place of the inbound topic. Raises Refused (404) until it was taken."""
        return Receipt.of(self.gateway.get("/v1/submissions", topic_offset=offset))

    def verdict(self, receipt: Receipt, *, seconds: float = 30) -> Receipt:
        """The receipt once there is a verdict, or as it stands after so many seconds."""
        until = time.monotonic() + seconds
        while not receipt.final and time.monotonic() < until:
            time.sleep(POLL_SECONDS)
            receipt = self.receipt_of(receipt.submission)
        return receipt


@dataclass(frozen=True)
class Written:
    """Where the broker keeps a record; its receipt is asked for over HTTPS by this offset."""

    topic: str
    offset: int


class KafkaPublisher:
    """Publishes to the agency's inbound topic; use it in a `with` block.

    The broker has it on disk when `publish` returns; whether the exchange took it, the receipt says.
    """

    def __init__(self, connection: Connection) -> None:
        self._access = connection.broker
        try:
            self._producer: Any = KafkaProducer(
                **kafka_access.settings(self._access), acks="all", enable_idempotence=True, max_block_ms=20_000
            )
        except KafkaError as failure:
            raise _told(failure) from failure

    def __enter__(self) -> "KafkaPublisher":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the connection."""
        self._producer.close(timeout=5)

    def publish(self, event: Event) -> Written:
        """Publish one event. Raises Unreachable, CredentialsRefused."""
        return self.publish_all([event])[0]

    def publish_all(self, events: Iterable[Event]) -> list[Written]:
        """Publish many, in order. Raises Unreachable, CredentialsRefused; sent again, none is taken twice."""
        try:
            # Without a key: a record with one is no message (the exchange's own markers have keys).
            sent = [self._producer.send(self._access.inbound, json.dumps(each).encode()) for each in events]
            self._producer.flush(timeout=SEND_SECONDS)
            done = [future.get(timeout=SEND_SECONDS) for future in sent]
        except KafkaError as failure:
            raise _told(failure) from failure
        return [Written(each.topic, each.offset) for each in done]


def _told(failure: KafkaError) -> Exception:
    if isinstance(failure, AuthorizationError):
        return CredentialsRefused(type(failure).__name__, "the broker does not let this user do that")
    return Unreachable(f"The broker did not take it ({type(failure).__name__}); if it stays so, ask sx doctor")


def _headers(content_type: str, wait: float) -> dict[str, str]:
    return {"content-type": content_type} | ({"prefer": f"wait={wait:g}"} if wait else {})
