"""What is generated from the contracts: each file's path and its text."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from contracts.asyncapi_documents import SERVICES, document
from infra.contracts.agreements import directory
from infra.contracts.catalogue.described import described, of_feeds
from infra.contracts.catalogue.index_page import index_page
from infra.contracts.catalogue.pages import page
from infra.contracts.examples import facts, outbound
from infra.contracts.parts import COPIES, EXPORTS, Part, parts

HOME = Path("contracts")
PAGES = Path("docs/catalogue")


def generated() -> Iterator[tuple[Path, str]]:
    """Every generated file with the text it should have."""
    for part in parts():
        yield schema_path(part), _text(part.today())
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


def schema_path(part: Part) -> Path:
    """Where the schema of a part lies."""
    if part.folder == EXPORTS:
        return HOME / "schemas" / EXPORTS / f"{part.name}-{COPIES[part.name].version}.json"
    return part.place(HOME / "schemas")


def _text(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, sort_keys=False) + "\n"
