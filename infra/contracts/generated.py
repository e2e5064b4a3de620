"""What is generated from the contracts: each file's path below `contracts/` and its text."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from contracts.asyncapi_documents import SERVICES, document
from contracts.catalogue import CATALOGUE, EventType, parse
from contracts.exports import ExportedNotification
from contracts.schema_forms import DIALECT, Form, forms, schema
from contracts.sealing import replace_words

HOME = Path("contracts")
PROPOSALS = HOME / "examples" / "proposals"


def generated() -> Iterator[tuple[Path, str]]:
    """Every generated file with the text it should have."""
    for entry in CATALOGUE.values():
        for major, _ in entry.versions():
            for form in forms(entry):
                yield schema_path(entry, major, form), _text(schema(entry, major, form))
    export = ExportedNotification.model_json_schema(mode="serialization")
    yield HOME / "schemas" / "exports" / "notification-1.0.json", _text({"$schema": DIALECT, **export})
    for service in SERVICES:
        yield HOME / "asyncapi" / f"{service.name}.json", _text(document(service))
    for path in sorted(PROPOSALS.glob("*.json")):
        yield HOME / "examples" / "facts" / path.name, _text(as_taken(json.loads(path.read_text())))


def schema_path(entry: EventType, major: int, form: Form) -> Path:
    """Where the schema of one version of a type in one form lies."""
    return HOME / "schemas" / form.value / f"{entry.name}.v{major}.json"


def as_taken(proposal: dict[str, Any]) -> dict[str, Any]:
    """The example as it travels once taken in: the words sealed, references in their places, numbered from 1."""
    event = parse(proposal)
    count = iter(range(1, 1000))
    data = replace_words(type(event.data), event.data.model_dump(mode="json"), lambda *_: f"vault:{next(count):032x}")
    taken: dict[str, Any] = json.loads(event.to_json())
    return taken | {"data": _without_nulls(data)}


def _without_nulls(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: _without_nulls(value) for key, value in node.items() if value is not None}
    return [_without_nulls(item) for item in node] if isinstance(node, list) else node


def _text(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, sort_keys=False) + "\n"
