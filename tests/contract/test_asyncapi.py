"""The AsyncAPI documents are AsyncAPI 3, and name the topics that are declared and the messages that there are."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from contracts.asyncapi_documents import SERVICES, Service, document
from contracts.catalogue import CATALOGUE

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
