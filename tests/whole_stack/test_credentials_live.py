"""An agency changes its key, and the old one is taken away, while it publishes and reads over HTTPS."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from joserfc.jwk import ECKey
from safeguarding_exchange.connection import Connection
from safeguarding_exchange.failures import CredentialsRefused
from safeguarding_exchange.gateway import Gateway
from safeguarding_exchange.publishing import Publisher, event
from safeguarding_exchange.subscribing import Subscriber

from infra.credentials.https import HttpsCredentials
from infra.issuer.identities import Installed, read_identities
from infra.local.stack import IDENTITIES
from tests.whole_stack.conftest import PROPOSALS, Exchange, until

AGENCY = "southmere-police"
REFERRAL = json.loads((PROPOSALS / "incident.referred.v1.json").read_text())["data"] | {"hostAuthority": "E06000992"}


@dataclass
class System:
    """The agency's own: one thread publishes, one reads. Each signs in anew for every request, so that its key counts,
    and changes over when `now` is changed, as it would by its settings."""

    now: Connection
    state: Path
    stopping: threading.Event = field(default_factory=threading.Event)
    all_read: threading.Event = field(default_factory=threading.Event)
    accepted: list[str] = field(default_factory=list)
    read: list[str] = field(default_factory=list)
    publishes_with: Path | None = None
    reads_with: Path | None = None

    def publish(self) -> None:
        while not self.stopping.is_set():
            connection = self.now
            with Publisher(connection) as publisher:
                while self.now is connection and not self.stopping.is_set():
                    publisher.gateway.tokens.forget()
                    told = publisher.publish(event(connection, "incident.referred.v1", REFERRAL))
                    verdict = publisher.verdict(told)
                    assert verdict.status == "accepted", verdict
                    self.publishes_with = connection.key_file
                    self.accepted.append(str(verdict.incident))
                    time.sleep(0.02)

    def subscribe(self) -> None:
        while not self.all_read.is_set():
            connection = self.now
            with Subscriber(connection, self.state, wait=1) as subscriber:
                while self.now is connection and not self.all_read.is_set():
                    for item in subscriber.items(for_ever=False):
                        if self.now is not connection:
                            break  # what is in hand is not done with, and comes again
                        self.reads_with = connection.key_file
                        if item.name == "incident.referred":
                            self.read.append(str(item.subject))
                        subscriber.gateway.tokens.forget()


@pytest.fixture
def connection(exchange: Exchange) -> Connection:
    return Connection.read(exchange.stack.connections / f"{AGENCY}.json")


@pytest.fixture
def credentials(exchange: Exchange, connection: Connection) -> Iterator[HttpsCredentials]:
    """What `python -m infra.credentials` calls. Afterwards the first key is the agency's only one again."""
    register = Installed(exchange.stack.home.folder / "issuer" / "identities").register
    first = register.read(AGENCY)
    yield HttpsCredentials(connection.issuer, register, read_identities(IDENTITIES))
    register.write(AGENCY, first)


def test_a_key_is_changed_and_the_old_one_taken_away_while_traffic_flows_and_nothing_is_lost(
    connection: Connection, credentials: HttpsCredentials, tmp_path: Path
) -> None:
    system = System(connection, tmp_path / "state")
    with ThreadPoolExecutor(2) as threads:
        running = [threads.submit(system.publish), threads.submit(system.subscribe)]
        try:
            _flows(system, running)

            rotated = credentials.rotate(AGENCY, None)
            assert rotated.holds
            ((name, secret),) = rotated.secrets.items()
            (tmp_path / name).write_text(secret)
            new = replace(connection, key_file=tmp_path / name)
            _flows(system, running)
            assert system.publishes_with == system.reads_with == connection.key_file, "the old one works as before"

            system.now = new
            _until(lambda: system.publishes_with == system.reads_with == new.key_file, running)

            keys = [ECKey.import_key(one.key_pem) for one in (connection, new)]
            assert credentials.revoke(AGENCY, old=True, keys_here=keys).holds
            with Gateway(connection) as old, pytest.raises(CredentialsRefused):
                old.tokens.get()
            _flows(system, running)

            system.stopping.set()
            running[0].result(30)
            _until(lambda: set(system.accepted) <= set(system.read), running[1:])
        finally:
            system.stopping.set()
            system.all_read.set()
        running[1].result(30)

    own = [incident for incident in system.read if incident in system.accepted]
    assert sorted(own) == sorted(system.accepted), "each once, over both keys; a hole would have ended it"
    assert len(own) >= 30


def _flows(system: System, running: list[Future[None]]) -> None:
    """Ten more are published, and ten more come back."""
    before = len(system.accepted), len(system.read)
    _until(lambda: len(system.accepted) >= before[0] + 10 and len(system.read) >= before[1] + 10, running)


def _until(reached: Callable[[], bool], running: list[Future[None]]) -> None:
    """Wait; what a thread raises is raised here."""
    until(lambda: any(one.done() for one in running) or reached())
    for one in running:
        if one.done():
            one.result()
            raise AssertionError("it ended too soon")
