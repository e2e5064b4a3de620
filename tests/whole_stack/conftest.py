"""One whole stack for these tests, every service its own process, started once and only for whoever asks."""

import json
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
from safeguarding_exchange.connection import Connection
from safeguarding_exchange.publishing import Publisher

from contracts.envelope import CONTENT_TYPE
from infra.demo.signing_in import Tokens
from infra.demo.ways_in import Https, InboundTopics, Sent
from infra.issuer.identities import Installed
from infra.local.ports import StackPorts
from infra.local.stack import Stack

PROPOSALS = Path("contracts/examples/proposals")
Event = dict[str, Any]


@dataclass(frozen=True)
class Exchange:
    """The stack, and the ways in that its users have."""

    stack: Stack
    tokens: Tokens
    https: Https
    topics: InboundTopics

    def send(self, by: str, event: Event) -> Sent:
        """Send over HTTPS, waiting shortly for the verdict."""
        return self.https.send(by, json.dumps(event).encode())

    def hand_in(self, by: str, event: Event) -> Sent:
        """Send over HTTPS; what its sender is told within three seconds, verdict or not."""
        headers = self.tokens.headers(by) | {"content-type": CONTENT_TYPE, "prefer": "wait=3"}
        answer = httpx.post(f"{self.stack.urls['gateway']}/v1/events", json=event, headers=headers, timeout=40)
        return Sent(str(answer.json().get("status")), answer.status_code, answer.json())

    def settled(self, by: str, sent: Sent) -> Mapping[str, Any]:
        """The receipt once its verdict is there."""
        assert sent.submission, sent
        receipt: Mapping[str, Any] = until(
            lambda: self.https.receipt(by, sent.submission or ""),
            lambda told: told.get("status") in ("accepted", "refused"),
        )
        return receipt

    def refer(self, **data: Any) -> str:
        """A new incident that Northshire Police refer; its id."""
        sent = self.send("northshire-police", proposal("incident.referred.v1", "northshire-police", **data))
        assert sent.incident, sent
        return sent.incident

    def asked(self, agency: str) -> tuple[str, str]:
        """An incident under rapid review, and the request of one agency's in it."""
        incident, now = self.refer(), datetime.now(UTC)
        aware = (now - timedelta(hours=1)).isoformat()
        content = proposal("notification.drafted.v1")["data"]["content"] | {"becameAwareAt": aware}
        steps: tuple[tuple[str, str, Event], ...] = (
            ("authority-approver", "notifiability.decided.v1", {"becameAwareAt": aware}),
            ("authority-notifier", "notification.drafted.v1", {"content": content}),
            ("authority-approver", "notification.approved.v1", {}),
            ("authority-notifier", "notification.submitted.v1", {"portalTime": now.isoformat()}),
        )
        for by, example, said in steps:
            self._accepted(by, proposal(example, "northshire-council", incident, **said))
        told = self.https.get("authority-approver", f"/v1/incidents/{incident}/timeline").json()
        child = told["items"][0]["data"]["children"][0]["subject"]
        request = proposal("information.requested.v1", "northshire-council", incident, subjects=[child])
        request["data"] |= {"agency": agency, "due": (now + timedelta(days=5)).date().isoformat()}
        self._accepted("business-unit-officer", request)
        stands = self.https.get("business-unit-officer", f"/v1/reviews/{incident}").json()
        return incident, str(stands["review"]["requests"][0]["request"])

    def _accepted(self, by: str, event: Event) -> None:
        receipt = self.settled(by, self.send(by, event))
        assert receipt["status"] == "accepted", (event["type"], receipt)


def proposal(example: str, agency: str | None = None, subject: str | None = None, **data: Any) -> Event:
    """An example with an id of its own, as it happened just now."""
    event: Event = json.loads((PROPOSALS / f"{example}.json").read_text())
    now = datetime.now(UTC).isoformat()
    event |= {"id": uuid4().hex, "time": now, "data": event["data"] | data}
    event.pop("subject", None)
    event.pop("incidentref", None)
    return event | ({"source": f"/agencies/{agency}"} if agency else {}) | ({"subject": subject} if subject else {})


def until(ask: Callable[[], Any], fits: Callable[[Any], bool] = bool, seconds: float = 40) -> Any:
    """What `ask` answers once it fits."""
    end = time.monotonic() + seconds
    while not fits(answer := ask()):
        assert time.monotonic() < end, f"not within {seconds} s; last: {answer}"
        time.sleep(0.2)
    return answer


async def query(exchange: Exchange, database: str, words: str) -> list[Any]:
    """The rows that a service's database answers to the server's super user."""
    url = exchange.stack.postgres.admin_url.rpartition("/")[0] + f"/{database}"
    connection = await asyncpg.connect(url)
    try:
        return list(await connection.fetch(words))
    finally:
        await connection.close()


@pytest.fixture(scope="package")  # gone with the last test of a folder: it takes its part of two cores as it stands
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exchange]:
    """Everything, running, on embedded servers whatever TEST_STACK says.

    It makes the users and grants of the whole exchange, and its tests kill what they like: no servers to share.
    """
    home = tmp_path_factory.mktemp("whole-stack")
    stack = Stack(home, StackPorts.free())
    with ExitStack() as held:
        held.callback(shutil.rmtree, home, ignore_errors=True)
        held.callback(stack.stop)
        held.callback(stack.kill_all)  # nobody needs it again: nothing has to be written for a next start
        stack.start()
        stack.wait_healthy(150)
        http = held.enter_context(httpx.Client(timeout=60))
        tokens = Tokens(stack.urls["issuer"], Installed(stack.home.folder / "issuer" / "identities"), http)
        https = Https([stack.urls["gateway"], stack.urls["gateway-2"]], tokens, http)
        sign_in = {agency: stack.kafka_sign_in(agency) for agency in stack.agencies}
        topics = InboundTopics(stack.kafka.agencies_bootstrap, stack.kafka.authority, sign_in, https)
        held.callback(topics.close)
        yield Exchange(stack, tokens, https, topics)


@pytest.fixture
def connection(exchange: Exchange) -> Connection:
    """How the sandbox agency reaches the exchange."""
    return Connection.read(exchange.stack.connections / "sandbox.json")


@pytest.fixture
def publisher(connection: Connection) -> Iterator[Publisher]:
    with Publisher(connection) as publisher:
        yield publisher
