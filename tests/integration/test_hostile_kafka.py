"""An agency at another's topic or consumer group over Kafka: the broker refuses, and writes down who tried what."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka.admin import KafkaAdminClient

from infra.credentials.attempts import NOT_SIGNED_IN, REFUSED, Door, all_that_an_agency_may, sign_in
from infra.kafka.declared import agency_user, declared
from infra.kafka.provision import provision
from infra.local.backbone import JARS
from infra.local.jars import fetch_jars
from infra.local.kafka import LocalKafka
from infra.local.ports import free_ports

POLICE, COUNCIL = "northshire-police", "northshire-council"
PASSWORD = "a-password-of-the-polices-own"


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalKafka]:
    home, ports = tmp_path_factory.mktemp("kafka"), free_ports(3)
    broker = LocalKafka(
        home,
        fetch_jars(JARS, lambda done, total: None),
        port=ports[0],
        agencies_port=ports[1],
        controller_port=ports[2],
        secrets_folder=home / "secrets",
    )
    broker.start()
    try:
        admin: KafkaAdminClient = broker.admin_client()
        provision(admin, declared([POLICE, COUNCIL]), lambda user: PASSWORD)
        admin.close()
        yield broker
    finally:
        broker.stop()


@pytest.fixture
def door(kafka: LocalKafka) -> Door:
    return Door(kafka.agencies_bootstrap, "SASL_SSL", str(kafka.authority))


def test_anothers_topic_and_group_are_refused_and_the_broker_says_who_tried(kafka: LocalKafka, door: Door) -> None:
    tried = all_that_an_agency_may(door, POLICE, agency_user(POLICE), PASSWORD, COUNCIL)

    assert [str(one) for one in tried if not one.holds] == []
    refused = [one.what for one in tried if one.came == REFUSED]
    assert len(refused) == 6
    for resource in (
        f"Topic:LITERAL:partner.{COUNCIL}.inbound",
        f"Topic:LITERAL:partner.{COUNCIL}.outbound",
        f"Topic:LITERAL:partner.{POLICE}.outbound",
        f"Topic:LITERAL:partner.{POLICE}.inbound",
        f"Group:LITERAL:{agency_user(COUNCIL)}.proof",
        "Group:LITERAL:gateway.proof",
    ):
        written(kafka.log, f"Principal = User:{agency_user(POLICE)} is Denied", f"{resource} ")


def test_a_sign_in_that_is_refused_is_written_down_without_the_password(kafka: LocalKafka, door: Door) -> None:
    assert sign_in(door, agency_user(POLICE), "not-the-password-at-all") == NOT_SIGNED_IN
    assert sign_in(door, "agency.nobody", PASSWORD) == NOT_SIGNED_IN
    assert sign_in(door, agency_user(COUNCIL), PASSWORD + "x") == NOT_SIGNED_IN

    written(kafka.log, "Failed authentication", "invalid credentials")
    said = kafka.log.read_text()
    assert PASSWORD not in said
    assert "not-the-password-at-all" not in said


def written(log: Path, *words: str) -> None:
    """Waits until one line of the log has all of these."""
    until = time.monotonic() + 10
    while not any(all(word in line for word in words) for line in log.read_text().splitlines()):
        assert time.monotonic() < until, f"no line says {words}"
        time.sleep(0.1)
