"""What is generated from the contracts: each file's path and its text."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from contracts import feeds
from contracts.asyncapi_documents import SERVICES, document
from contracts.catalogue import CATALOGUE, EventType
from contracts.exports import ExportedNotification
from contracts.schema_forms import DIALECT, Form, forms, schema
from infra.contracts.agreements import directory
from infra.contracts.catalogue.described import described, of_feeds
from infra.contracts.catalogue.index_page import index_page
from infra.contracts.catalogue.pages import page
from infra.contracts.examples import facts, outbound

HOME = Path("contracts")
PAGES = Path("docs/catalogue")


def generated() -> Iterator[tuple[Path, str]]:
    """Every generated file with the text it should have."""
    for entry in CATALOGUE.values():
        for major, _ in entry.versions():
            for form in forms(entry):
                yield schema_path(entry, major, form), _text(schema(entry, major, form))
    for entry in feeds.carried():
        for major, _ in entry.versions():
            yield outbound_path(entry, major), _text(feeds.outbound_schema(entry, major))
    export = ExportedNotification.model_json_schema(mode="serialization")
    yield HOME / "schemas" / "exports" / "notification-1.0.json", _text({"$schema": DIALECT, **export})
    for service in SERVICES:
        yield HOME / "asyncapi" / f"{service.name}.json", _text(document(service))
    for path, fact in facts():
        yield path, _text(fact)
    for path, _, carried in outbound():
        yield path, _text(carried)
    yield from _catalogue()


def _catalogue() -> Iterator[tuple[Path, str]]:
    """The pages for people, and the index for programs."""
    types = described(directory())
    yield PAGES / "index.json", _text({"types": types, "inFeedsAlone": of_feeds()})
    yield PAGES / "index.html", index_page(types, of_feeds())
    for each in types:
        yield PAGES / f"{each['name']}.html", page(each)


def schema_path(entry: EventType, major: int, form: Form) -> Path:
    """Where the schema of one version of a type in one form lies."""
    return HOME / "schemas" / form.value / f"{entry.name}.v{major}.json"


def outbound_path(entry: EventType, major: int) -> Path:
    """Where the schema of one version lies as agencies' feeds carry it."""
    return HOME / "schemas" / "outbound" / f"{entry.name}.v{major}.json"


def _text(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, sort_keys=False) + "\n"
