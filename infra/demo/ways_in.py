"""The two real ways in, as an agency's own programs use them: HTTPS, and the agency's inbound topic."""

import json
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

import httpx
from kafka import KafkaProducer
from kafka.errors import KafkaError, TopicAuthorizationFailedError

from contracts.envelope import CONTENT_TYPE
from infra.demo.signing_in import Tokens

VERDICT_SECONDS = 30.0
"""How long a message may take to its verdict before the demo goes on without it."""

POLL_SECONDS = 0.05
WAIT = "wait=2"
REFUSED_BY_BROKER = "refused by the broker"


@dataclass(frozen=True)
class Sent:
    """What its sender was told at once. `receipt` is the gateway's; `http` is None over Kafka."""

    status: str
    http: int | None = None
    receipt: Mapping[str, Any] | None = None

    @property
    def submission(self) -> str | None:
        """The id under which the gateway keeps what became of it."""
        return (self.receipt or {}).get("submission")

    @property
    def incident(self) -> str | None:
        """The incident it opened or was about."""
        return (self.receipt or {}).get("incident")


class Https:
    """`POST /v1/events` and the receipts, at every gateway process in turn."""

    def __init__(self, gateways: Sequence[str], tokens: Tokens, http: httpx.Client) -> None:
        self._turn = cycle(gateways)
        self._tokens = tokens
        self._http = http

    def send(self, by: str, content: bytes) -> Sent:
        """Send one message and wait shortly for its verdict."""
        headers = self._tokens.headers(by) | {"content-type": CONTENT_TYPE, "prefer": WAIT}
        answer = self._http.post(f"{next(self._turn)}/v1/events", content=content, headers=headers)
        told = _told(answer)
        if answer.is_success:
            receipt = self._answered(by, told)
            return Sent(str(receipt.get("status")), answer.status_code, receipt)
        faults = told.get("errors", [])
        return Sent("refused", answer.status_code, told | {"faults": faults, "problem": told.get("detail")})

    def _answered(self, by: str, receipt: Mapping[str, Any]) -> Mapping[str, Any]:
        """The receipt once its owner has answered, be it that it waits; on a busy machine later than asked for."""
        until = time.monotonic() + VERDICT_SECONDS
        told = receipt
        while told.get("status") == "pending" and time.monotonic() < until:
            time.sleep(POLL_SECONDS)
            told = self.receipt(by, str(receipt["submission"]))
        return told

    def get(self, by: str, path: str, params: Mapping[str, str | int] | None = None) -> httpx.Response:
        """What the gateway answers this account."""
        headers = self._tokens.headers(by)
        return self._http.get(f"{next(self._turn)}{path}", params=params or {}, headers=headers)

    def file(self, by: str, incident: str, content: bytes, media_type: str, name: str) -> httpx.Response:
        """File a document about an incident."""
        headers = self._tokens.headers(by) | {"content-type": media_type, "document-name": name}
        where = f"{next(self._turn)}/v1/documents"
        return self._http.post(where, params={"incident": incident}, content=content, headers=headers)

    def receipt(self, by: str, submission: str) -> Mapping[str, Any]:
        """What became of one message, as its sender sees it now."""
        return _told(self.get(by, f"/v1/submissions/{submission}"))

    def receipt_at(self, agency: str, offset: int) -> Mapping[str, Any] | None:
        """What became of the record at that place of the agency's inbound topic; None while it was not taken yet."""
        answer = self.get(agency, "/v1/submissions", {"topic-offset": offset})
        return _told(answer) if answer.is_success else None


class InboundTopics:
    """Each agency's own Kafka producer, over TLS with its own user."""

    def __init__(self, bootstrap: str, authority: Path, sign_in: Mapping[str, tuple[str, str]], https: Https) -> None:
        self._bootstrap = bootstrap
        self._authority = authority
        self._sign_in = sign_in
        self._https = https
        self._producers: dict[str, KafkaProducer] = {}

    def send(self, agency: str, content: bytes, topic: str | None = None) -> Sent:
        """Publish one message and wait until the gateway has taken it; another's topic is the broker's to refuse."""
        try:
            written = self._producer(agency).send(topic or f"partner.{agency}.inbound", content).get(timeout=10)
        except TopicAuthorizationFailedError:
            return Sent(REFUSED_BY_BROKER)
        except KafkaError as failure:
            return Sent(f"not sent ({type(failure).__name__})")
        until = time.monotonic() + VERDICT_SECONDS
        while time.monotonic() < until:
            receipt = self._https.receipt_at(agency, written.offset)
            if receipt is not None and receipt.get("status") != "pending":
                return Sent(str(receipt["status"]), None, receipt)
            time.sleep(POLL_SECONDS)
        return Sent(f"not taken within {VERDICT_SECONDS:.0f} s")

    def close(self) -> None:
        """End every connection."""
        for producer in self._producers.values():
            with suppress(KafkaError):
                producer.close(timeout=2)

    def _producer(self, agency: str) -> KafkaProducer:
        if agency not in self._producers:
            user, password = self._sign_in[agency]
            self._producers[agency] = KafkaProducer(
                bootstrap_servers=self._bootstrap,
                security_protocol="SASL_SSL",
                ssl_cafile=str(self._authority),
                sasl_mechanism="SCRAM-SHA-512",
                sasl_plain_username=user,
                sasl_plain_password=password,
                acks="all",
                max_block_ms=10_000,
            )
        return self._producers[agency]


def _told(answer: httpx.Response) -> dict[str, Any]:
    try:
        told = json.loads(answer.content)
    except ValueError:
        return {"status": "unreadable", "httpStatus": answer.status_code}
    return told if isinstance(told, dict) else {"items": told}
