"""An agency changes its Kafka password, and its old user is shut out, while it publishes and reads: nothing is lost."""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient

from infra.credentials.attempts import Door
from infra.credentials.kafka import KafkaCredentials
from infra.kafka.declared import declared
from infra.kafka.provision import provision
from infra.local.backbone import JARS
from infra.local.jars import fetch_jars
from infra.local.kafka import LocalKafka
from infra.local.ports import free_ports

AGENCY = "northshire-police"
USER = f"agency.{AGENCY}"
GROUP = f"{USER}.feed"
INBOUND, OUTBOUND = f"partner.{AGENCY}.inbound", f"partner.{AGENCY}.outbound"
FIRST = "the-first-password-of-the-police"


@dataclass
class Signing:
    """What the agency's system signs in with; changed in its settings while it runs."""

    user: str
    password: str


@dataclass
class System:
    """The agency's own: one thread publishes, one reads, and each changes over between two records."""

    door: Door
    now: Signing
    stopping: threading.Event = field(default_factory=threading.Event)
    published: int = 0
    read: list[int] = field(default_factory=list)
    publishes_as: str = ""
    reads_as: str = ""

    def publish(self) -> None:
        while not self.stopping.is_set():
            signing = self.now
            producer = KafkaProducer(**self.door.settings(signing.user, signing.password), acks="all")
            self.publishes_as = signing.user
            while self.now is signing and not self.stopping.is_set():
                producer.send(INBOUND, str(self.published).encode()).get(timeout=30)
                self.published += 1
                time.sleep(0.005)
            producer.close(timeout=10)

    def subscribe(self) -> None:
        while not self.stopping.is_set():
            signing = self.now
            consumer = KafkaConsumer(
                OUTBOUND,
                **self.door.settings(signing.user, signing.password),
                group_id=GROUP,
                enable_auto_commit=False,
                auto_offset_reset="earliest",
            )
            while self.now is signing and not self.stopping.is_set():
                for records in consumer.poll(timeout_ms=200).values():
                    self.reads_as = signing.user
                    self.read += [int(record.value) for record in records]
                    consumer.commit()
            consumer.close()


@dataclass
class Sender:
    """Writes the agency's feed, as the super user."""

    settings: dict[str, object]
    stopping: threading.Event
    sent: int = 0

    def run(self) -> None:
        producer = KafkaProducer(**self.settings, acks="all")
        while not self.stopping.is_set():
            producer.send(OUTBOUND, str(self.sent).encode()).get(timeout=30)
            self.sent += 1
            time.sleep(0.005)
        producer.close(timeout=10)


@pytest.fixture
def kafka(tmp_path: Path) -> Iterator[LocalKafka]:
    ports = free_ports(3)
    broker = LocalKafka(
        tmp_path / "kafka",
        fetch_jars(JARS, lambda done, total: None),
        port=ports[0],
        agencies_port=ports[1],
        controller_port=ports[2],
        secrets_folder=tmp_path / "secrets",
        agencies_sign_in_again=3,  # so that every connection does so several times while this runs
    )
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture
def admin(kafka: LocalKafka) -> Iterator[KafkaAdminClient]:
    client = kafka.admin_client()
    provision(client, declared([AGENCY, "northshire-council"]), lambda user: FIRST)
    yield client
    client.close()


def wait_until(reached: object, what: str) -> None:
    until = time.monotonic() + 90
    while not reached():  # type: ignore[operator]
        assert time.monotonic() < until, f"{what} did not come about"
        time.sleep(0.05)


def test_a_password_is_changed_and_the_old_one_taken_away_while_traffic_flows_and_nothing_is_lost(
    kafka: LocalKafka, admin: KafkaAdminClient
) -> None:
    door = Door(kafka.agencies_bootstrap, "SASL_SSL", str(kafka.authority))
    credentials = KafkaCredentials(admin, door)
    system = System(door, Signing(USER, FIRST))
    sender = Sender(_super_user(kafka), system.stopping)
    threads = [threading.Thread(target=one, daemon=True) for one in (system.publish, system.subscribe, sender.run)]
    for thread in threads:
        thread.start()
    try:
        wait_until(lambda: system.published > 50 and len(system.read) > 50, "traffic")

        rotated = credentials.rotate(AGENCY)
        assert rotated.holds
        assert (system.publishes_as, system.reads_as) == (USER, USER), "the old one works as before"
        ((name, password),) = rotated.secrets.items()
        before = (system.published, len(system.read))
        wait_until(lambda: system.published > before[0] and len(system.read) > before[1], "traffic with both")

        system.now = Signing(name.removeprefix("kafka-"), password)
        wait_until(lambda: {system.publishes_as, system.reads_as} == {f"{USER}.2"}, "the change-over")

        revoked = credentials.revoke(AGENCY, old=True, password_of_new=password)
        assert revoked.holds
        after = (system.published, len(system.read))
        wait_until(lambda: system.published > after[0] + 50 and len(system.read) > after[1] + 50, "traffic afterwards")
    finally:
        system.stopping.set()
        for thread in threads:
            thread.join(60)

    assert _values(kafka, INBOUND) == list(range(system.published))
    assert system.read == list(range(len(system.read))), "each once, in order, over both users"
    assert len(system.read) > 150
    assert sender.sent >= len(system.read)


def _super_user(kafka: LocalKafka) -> dict[str, object]:
    return {
        "bootstrap_servers": kafka.bootstrap,
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": kafka.admin_username,
        "sasl_plain_password": kafka.admin_password,
    }


def _values(kafka: LocalKafka, topic: str) -> list[int]:
    """What stands in a topic, without the markers that the command wrote to try it."""
    consumer = KafkaConsumer(**_super_user(kafka), group_id=None, auto_offset_reset="earliest")
    place = TopicPartition(topic, 0)
    consumer.assign([place])
    end, found = consumer.end_offsets([place])[place], []
    while consumer.position(place) < end:
        for records in consumer.poll(timeout_ms=500).values():
            found += [int(record.value) for record in records if record.key is None]
    consumer.close()
    return found
