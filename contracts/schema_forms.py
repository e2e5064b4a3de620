"""The two forms of each event's JSON Schema (2020-12): a closed one for publishing, an open one for reading.

Publishing is closed so that a misspelt field is refused; reading is open so that an optional addition breaks nobody.
A sealed field is words when published and a vault reference when read.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any

from contracts.catalogue import EventType
from contracts.envelope import Event, schema_urn

DIALECT = "https://json-schema.org/draft/2020-12/schema"
REFERENCE: dict[str, Any] = {"type": "string", "pattern": "^vault:[0-9a-f]{32}$"}
OF_THE_OWNER = (
    "recordedtime",
    "businessdate",
    "agency",
    "actor",
    "actorrole",
    "reasonref",
    "submission",
    "streamversion",
    "correlationid",
    "causationid",
)
"""Envelope attributes that a proposal never has: who acts is told by the token or the topic, the rest by the owner."""
Schema = dict[str, Any]


class Form(StrEnum):
    PUBLISH = "publish"
    READ = "read"


_DOING = {Form.PUBLISH: "publishing", Form.READ: "reading"}


def schema(entry: EventType, major: int, form: Form) -> Schema:
    """The schema of one version of a type in one form, its envelope included."""
    model = entry.models[major]
    made: Schema = Event[model].model_json_schema(mode="validation")  # type: ignore[valid-type]
    made = _walk(made, _published if form is Form.PUBLISH else _read)
    properties = made["properties"]
    properties["type"] = {"const": f"{entry.name}.v{major}"}
    properties["dataschema"] = {
        "type": "string",
        "pattern": rf"^{schema_urn(entry.name, major, 0).rpartition('.')[0]}\.[0-9]+$",
        "examples": [entry.schema_of(major)],
    }
    if form is Form.PUBLISH:
        for name in OF_THE_OWNER:
            properties.pop(name, None)
    return {
        "$schema": DIALECT,
        "$id": f"{entry.schema_of(major)}:{form}",
        "title": f"{entry.name}, version {major}.{entry.minor_of(major)}, for {_DOING[form]}",
        "description": entry.meaning,
        **{key: value for key, value in made.items() if key not in ("title", "description")},
    }


def forms(entry: EventType, major: int) -> tuple[Form, ...]:
    """Which forms a version has: what nobody may propose, or may propose no more, is only read."""
    return (Form.PUBLISH, Form.READ) if entry.proposers and major not in entry.retired else (Form.READ,)


def _walk(node: Any, change: Callable[[Schema], Schema]) -> Any:
    if isinstance(node, Mapping):
        return change({key: _walk(value, change) for key, value in node.items()})
    if isinstance(node, list):
        return [_walk(value, change) for value in node]
    return node


def _published(node: Schema) -> Schema:
    if "x-sealed" in node and "anyOf" in node:
        words = [option for option in node["anyOf"] if option.get("pattern") != REFERENCE["pattern"]]
        kept = {key: value for key, value in node.items() if key != "anyOf"}
        return {**kept, **words[0]} if len(words) == 1 else {**kept, "anyOf": words}
    return node


def _read(node: Schema) -> Schema:
    if "x-sealed" in node:
        kept = {key: node[key] for key in ("x-sealed", "title", "description") if key in node}
        return kept | REFERENCE
    return {key: value for key, value in node.items() if not (key == "additionalProperties" and value is False)}
