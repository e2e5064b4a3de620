"""The AsyncAPI documents are AsyncAPI 3, name the topics that the broker grants and the messages that there are."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from contracts import feeds
from contracts.asyncapi_documents import INBOUND, OUTBOUND, SERVICES, Service, document
from contracts.catalogue import CATALOGUE
from contracts.topics import CHECKPOINTS
from infra.kafka.declared import DECLARED
from services.delivery.reactions import reactions as of_delivery
from services.notifications.reactions import reactions as of_notifications
from services.rapid_review.reactions import reactions as of_rapid_review

SPECIFICATION = Path(__file__).parent / "specifications" / "asyncapi-3.0.0.json"


@pytest.fixture(scope="module")
def specification() -> Draft7Validator:
    return Draft7Validator(json.loads(SPECIFICATION.read_text()))


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_a_services_document_is_asyncapi_3(service: Service, specification: Draft7Validator) -> None:
    found = [
        f"{list(error.absolute_path)}: {error.message[:200]}" for error in specification.iter_errors(document(service))
    ]
    assert found == []


def _references(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return own + [found for value in node.values() for found in _references(value)]
    return [found for item in node for found in _references(item)] if isinstance(node, list) else []


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_every_reference_leads_somewhere(service: Service) -> None:
    made = document(service)
    for reference in _references(made):
        if reference.startswith("#/"):
            node: Any = made
            for step in reference[2:].split("/"):
                node = node[step]
        else:
            assert (Path("contracts/asyncapi") / reference).resolve().exists(), reference


def test_every_event_type_is_written_by_some_service() -> None:
    written = {
        message["name"] for service in SERVICES for message in document(service)["components"]["messages"].values()
    }
    assert {entry.wire_type for entry in CATALOGUE.values()} <= written


NO_MESSAGES = {
    ("gateway", "writes", INBOUND): "markers, so that Kafka takes what was taken off its disk",
    ("delivery", "reads", OUTBOUND): "where its own writing ends",
}
"""Grants through which no message of the catalogue goes, with what does go through them."""


@pytest.mark.parametrize("right", ["reads", "writes"])
@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_a_document_names_exactly_what_the_broker_grants(service: Service, right: str) -> None:
    granted = set(tomllib.loads(DECLARED.read_text())["users"][service.name][right]) - {CHECKPOINTS}
    silent = {topic for name, of, topic in NO_MESSAGES if (name, of) == (service.name, right)}
    assert silent <= granted
    assert set(getattr(service, right)) == granted - silent


def test_every_service_that_the_broker_knows_has_a_document() -> None:
    users = tomllib.loads(DECLARED.read_text())["users"]
    assert {service.name for service in SERVICES} == {user for user in users if "{agency}" not in user}


def test_what_a_service_reacts_to_is_what_it_is_said_to_read() -> None:
    """The gateway's and the vault's reading is wired in `app.py`: what they are not granted, the broker refuses."""
    said = {service.name: set(service.reads) for service in SERVICES}
    assert set(of_delivery(lambda: None).topics) == said["delivery"]
    assert {*of_notifications().topics, "submissions.notifications"} == said["notifications"]
    assert {*of_rapid_review().topics, "submissions.rapid-review"} == said["rapid-review"]


def test_an_agencys_feed_carries_every_version_that_some_agency_may_read() -> None:
    (delivery,) = (service for service in SERVICES if service.name == "delivery")
    carried = document(delivery)["channels"]["partner-agency-outbound"]["messages"]
    wanted = {f"{entry.name}.v{major}.outbound" for entry in feeds.carried() for major, _ in entry.versions()}
    assert set(carried) == wanted
    assert {"notification.amended.v1.outbound", "feed.withheld.v1.outbound"} <= wanted
