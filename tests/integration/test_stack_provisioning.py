"""What `declared.toml` grants works on the real broker, and what it does not grant is refused."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient
from kafka.errors import GroupAuthorizationFailedError, TopicAuthorizationFailedError

from contracts.catalogue import CATALOGUE
from infra.contracts.catalogue.guarantees import guarantees
from infra.kafka.declared import Declared, Grant, agency_user, declared
from infra.kafka.provision import ProvisioningFailed, provision
from tests.stacks import Stack, require_throwaway

HERE = "provisioned."


def only_here(wanted: Declared) -> Declared:
    """The same topics under names of this module's own: the broker is shared by the whole session."""

    def grant(one: Grant) -> Grant:
        return replace(one, name=HERE + one.name) if one.resource == "topic" else one

    topics = tuple(replace(topic, name=HERE + topic.name) for topic in wanted.topics)
    return replace(wanted, topics=topics, grants=frozenset(grant(one) for one in wanted.grants))


def password(user: str) -> str:
    return f"password-of-{user}"


@pytest.fixture(scope="module")
def super_user(stack: Stack) -> dict[str, object]:
    require_throwaway(stack)
    return {
        "bootstrap_servers": stack.kafka.bootstrap,
        "security_protocol": stack.kafka.security_protocol,
        "sasl_mechanism": stack.kafka.sasl_mechanism,
        "sasl_plain_username": stack.kafka.admin_username,
        "sasl_plain_password": stack.kafka.admin_password,
    }


@pytest.fixture(scope="module")
def admin(super_user: dict[str, object]) -> Iterator[KafkaAdminClient]:
    client = KafkaAdminClient(**super_user)
    yield client
    client.close()


@pytest.fixture(scope="module")
def provisioned(admin: KafkaAdminClient) -> Declared:
    wanted = only_here(declared(["police", "council"]))
    # another file may have made these users on the session's broker, with passwords of its own
    provision(admin, wanted, password, renew=wanted.users)
    return wanted


SignIn = Callable[[str], dict[str, object]]


@pytest.fixture
def sign_in(super_user: dict[str, object], provisioned: Declared) -> SignIn:
    return lambda user: super_user | {"sasl_plain_username": user, "sasl_plain_password": password(user)}


def write(settings: dict[str, object], topic: str) -> None:
    producer = KafkaProducer(**settings, acks="all")
    try:
        producer.send(HERE + topic, b"a record").get(timeout=10)
    finally:
        producer.close(timeout=1)


def read(settings: dict[str, object], topic: str, group: str | None = None) -> list[bytes]:
    consumer = KafkaConsumer(**settings, group_id=group, auto_offset_reset="earliest", enable_auto_commit=False)
    try:
        partition = TopicPartition(HERE + topic, 0)
        consumer.assign([partition])
        consumer.seek(partition, 0) if group is None else None
        found = consumer.poll(timeout_ms=2000)
        return [record.value for records in found.values() for record in records]
    finally:
        consumer.close()


def test_applying_again_changes_nothing(admin: KafkaAdminClient, provisioned: Declared) -> None:
    assert not provision(admin, provisioned, password)


def test_an_agency_writes_its_inbound_topic_and_the_gateway_reads_it(sign_in: SignIn) -> None:
    write(sign_in(agency_user("police")), "partner.police.inbound")
    assert read(sign_in("gateway"), "partner.police.inbound", "gateway.partner.police.inbound") == [b"a record"]


@pytest.mark.parametrize(
    "topic",
    ["partner.council.inbound", "partner.police.outbound", "safeguarding.incidents", "submissions.notifications"],
)
def test_an_agency_writes_nothing_but_its_own_inbound_topic(sign_in: SignIn, topic: str) -> None:
    with pytest.raises(TopicAuthorizationFailedError):
        write(sign_in(agency_user("police")), topic)


@pytest.mark.parametrize("topic", ["partner.police.inbound", "partner.council.outbound", "safeguarding.calendar"])
def test_an_agency_reads_nothing_but_its_own_outbound_topic(
    super_user: dict[str, object], sign_in: SignIn, topic: str
) -> None:
    for written in (topic, "partner.police.outbound"):
        write(super_user, written)
    assert read(sign_in(agency_user("police")), "partner.police.outbound")[0] == b"a record"
    with suppress(TopicAuthorizationFailedError):  # without DESCRIBE kafka-python asks again and again instead
        assert read(sign_in(agency_user("police")), topic) == []


def test_an_agency_joins_no_group_of_anothers(sign_in: SignIn) -> None:
    read(sign_in(agency_user("police")), "partner.police.outbound", "agency.police.feed")
    with pytest.raises(GroupAuthorizationFailedError):
        read(sign_in(agency_user("police")), "partner.police.outbound", "gateway.partner.police.outbound")


@pytest.mark.parametrize(
    ("user", "topic"), [("vault", "safeguarding.incidents"), ("notifications", "safeguarding.incidents")]
)
def test_a_service_writes_no_stream_of_anothers(sign_in: SignIn, user: str, topic: str) -> None:
    with pytest.raises(TopicAuthorizationFailedError):
        write(sign_in(user), topic)


def test_a_grant_taken_out_of_the_file_is_taken_away(admin: KafkaAdminClient, provisioned: Declared) -> None:
    extra = Grant("vault", "READ", "topic", HERE + "partner.police.inbound")
    provision(admin, replace(provisioned, grants=provisioned.grants | {extra}), password)
    changes = provision(admin, provisioned, password)
    assert [change for change in changes.made if "may no longer READ" in change] == changes.made != []


def test_an_agency_that_left_can_no_longer_sign_in(
    admin: KafkaAdminClient, provisioned: Declared, sign_in: SignIn
) -> None:
    with_school = only_here(declared(["police", "council", "school"]))
    provision(admin, with_school, password)
    write(sign_in(agency_user("school")), "partner.school.inbound")
    provision(admin, provisioned, password)
    assert agency_user("school") not in admin.describe_user_scram_credentials()
    assert not provision(admin, provisioned, password)


def test_a_changed_retention_is_applied_and_changed_partitions_are_refused(
    admin: KafkaAdminClient, provisioned: Declared
) -> None:
    first, *others = provisioned.topics
    shorter = replace(first, configs=(("retention.ms", "86400000"),))
    assert provision(admin, replace(provisioned, topics=(shorter, *others)), password).made == [
        f"topic {first.name} configured"
    ]
    more = replace(first, partitions=first.partitions + 1)
    with pytest.raises(ProvisioningFailed, match="would move keys"):
        provision(admin, replace(provisioned, topics=(more, *others)), password)
    assert not provision(admin, provisioned, password)


def test_the_broker_keeps_each_topic_as_long_as_is_promised(admin: KafkaAdminClient, provisioned: Declared) -> None:
    """What the event catalogue says of retention, asked of the broker: `declared.toml` is only the wish."""
    asked = [ConfigResource(ConfigResourceType.TOPIC, topic.name) for topic in provisioned.topics]
    held = {
        name.removeprefix(HERE): {key: each["value"] for key, each in configs.items()}
        for name, configs in admin.describe_configs(asked, config_filter="all")["topic"].items()
    }
    ninety_days = str(90 * 24 * 60 * 60 * 1000)
    for entry in CATALOGUE.values():
        (promise,) = (each.says for each in guarantees(entry) if each.name == "Retention")
        assert f"`{entry.topic}` keeps it for ever" in promise
        kept = held[entry.topic]
        assert (kept["cleanup.policy"], kept["retention.ms"], kept["retention.bytes"]) == ("delete", "-1", "-1")
        if entry.ceiling.agencies:
            assert "outbound topic 90 days" in promise
            outbound = held["partner.police.outbound"]
            assert (outbound["retention.ms"], outbound["retention.bytes"]) == (ninety_days, "-1")


def test_every_failure_is_told(admin: KafkaAdminClient, provisioned: Declared) -> None:
    first = provisioned.topics[0]
    nonsense = [replace(first, name=HERE + "one", partitions=0), replace(first, name=HERE + "two", partitions=0)]
    with pytest.raises(ProvisioningFailed) as failed:
        provision(admin, replace(provisioned, topics=(*provisioned.topics, *nonsense)), password)
    assert [failure.split(":")[0] for failure in failed.value.failures] == [f"topic {HERE}one", f"topic {HERE}two"]
