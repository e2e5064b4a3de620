"""`declared.toml` and the catalogue cannot drift apart, and grants no more than it says."""

from pathlib import Path

import pytest

from contracts.catalogue import CATALOGUE
from contracts.topics import PARTITIONS
from infra.agencies import read_agencies
from infra.kafka.declared import DECLARED, Grant, agency_user, declared
from services.gateway.rolling import SILENT_SECONDS

WANTED = declared(["police", "council"])


@pytest.mark.parametrize("name", sorted(CATALOGUE))
def test_the_owner_of_every_type_and_nobody_else_may_write_its_topic(name: str) -> None:
    kind = CATALOGUE[name]
    writers = {grant.user for grant in WANTED.grants if grant.operation == "WRITE" and grant.name == kind.topic}
    if kind.topic == "answers":  # every owner answers there
        assert kind.owner in writers or kind.owner not in WANTED.users
    else:
        assert writers == {kind.owner}


def test_no_other_agency_writes_an_inbound_topic_and_no_other_reads_its_outbound_one() -> None:
    for agency in ("police", "council"):
        may = {(grant.user, grant.operation, grant.name) for grant in WANTED.grants if f".{agency}." in grant.name}
        assert {user for user, operation, name in may if operation == "WRITE" and name.endswith(".inbound")} == {
            agency_user(agency),
            "gateway",  # its markers
        }
        assert {user for user, operation, name in may if operation == "READ" and name.endswith(".outbound")} == {
            agency_user(agency),
            "delivery",  # where its own writing ends
        }
        assert {user for user, operation, name in may if operation == "WRITE" and name.endswith(".outbound")} == {
            "delivery"
        }


def test_nobody_may_change_topics_users_or_grants() -> None:
    assert {grant.operation for grant in WANTED.grants} <= {"READ", "WRITE", "DESCRIBE", "DELETE"}
    assert {grant.user for grant in WANTED.grants if grant.operation == "DELETE"} == {"gateway", "delivery"}
    emptied = {(grant.user, grant.name.rpartition(".")[2]) for grant in WANTED.grants if grant.operation == "DELETE"}
    assert emptied == {("gateway", "inbound"), ("delivery", "outbound")}


def test_delivery_may_see_how_far_agencies_have_read_and_nothing_else_of_their_groups() -> None:
    on_groups = {(grant.operation, grant.name) for grant in WANTED.grants if grant.user == "delivery"} & {
        (operation, "agency.") for operation in ("READ", "DESCRIBE", "DELETE")
    }
    assert on_groups == {("DESCRIBE", "agency.")}


def test_an_agency_named_as_a_service_gets_none_of_its_rights() -> None:
    posing = declared(["gateway"])
    assert {grant.name for grant in posing.grants if grant.user == agency_user("gateway")} == {
        "partner.gateway.inbound",
        "partner.gateway.outbound",
        "agency.gateway.",
    }


def test_inbound_records_carry_the_brokers_time_and_go_after_fourteen_days() -> None:
    for topic in WANTED.topics:
        if topic.name.endswith(".inbound"):
            configs = dict(topic.configs)
            assert configs["message.timestamp.type"] == "LogAppendTime"
            assert int(configs["retention.ms"]) == 14 * 24 * 60 * 60 * 1000
            assert topic.partitions == 1


def test_a_marker_comes_late_enough_to_begin_a_segment() -> None:
    for topic in WANTED.topics:
        if topic.name.endswith(".inbound"):
            assert int(dict(topic.configs)["segment.ms"]) / 1000 < SILENT_SECONDS


def test_every_topic_of_ours_has_the_partitions_that_the_services_count_on() -> None:
    ours = {topic.name: topic.partitions for topic in WANTED.topics if not topic.name.startswith("partner.")}
    assert ours == PARTITIONS


def test_streams_are_kept_for_ever() -> None:
    for topic in WANTED.topics:
        if topic.name.startswith("safeguarding."):
            assert dict(topic.configs)["retention.ms"] == dict(topic.configs)["retention.bytes"] == "-1"


@pytest.mark.parametrize("agency", ["", "Police", "a", "police.x", "{agency}", "police\n"])
def test_an_id_that_would_reach_further_than_its_agency_is_refused(agency: str) -> None:
    with pytest.raises(ValueError, match="not ids of agencies"):
        declared([agency])


def test_a_grant_of_an_undeclared_topic_is_refused(tmp_path: Path) -> None:
    amiss = tmp_path / "declared.toml"
    amiss.write_text(DECLARED.read_text().replace('writes = ["partner.{agency}.inbound"]', 'writes = ["partner."]'))
    with pytest.raises(ValueError, match=r"does not declare: partner\."):
        declared(["police"], amiss)


def test_the_demos_agencies_can_be_declared() -> None:
    agencies = read_agencies()
    assert len(agencies) > 2
    assert {agency_user(agency) for agency in agencies} < set(declared(agencies).users)
    assert all(isinstance(grant, Grant) for grant in declared(agencies).grants)
