"""The fields of an event's data, a row each, read out of its JSON Schema."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from contracts.catalogue import EventType
from contracts.schema_forms import REFERENCE, Form, Schema, forms, schema

KNOWN_PATTERNS = {
    "^E[0-9]{8}$": "area code of the Office for National Statistics",
    "^incident-[0-9a-f]{32}$": "incident id",
    "^subject-[0-9a-f]{32}$": "subject id",
    "^submission-[0-9a-f]{32}$": "submission id",
    "^[A-Za-z0-9._:-]{1,64}$": "event id",
    "^[a-z][a-z0-9-]{1,62}$": "agency or account id",
    "^[A-Za-z0-9][A-Za-z0-9._/-]{0,63}$": "another system's own number",
    REFERENCE["pattern"]: "vault reference",
}
_FORMATS = {"date": "date", "date-time": "instant with its offset", "time": "time of day"}
_PLAIN = {"boolean": "true or false", "object": "object", "string": "text", "integer": "whole number"}


@dataclass(frozen=True)
class Row:
    """One field. `sealed` is the kind of words it holds when proposed: whoever reads it gets a vault reference."""

    path: str
    holds: str
    codes: tuple[str, ...]
    needed: bool
    default: str | None
    sealed: str | None
    meaning: str

    @property
    def top(self) -> str:
        """The field of `data` that this one belongs to: access is decided by it."""
        return self.path.partition(".")[0].removesuffix("[]")


def rows(entry: EventType, major: int) -> tuple[Row, ...]:
    """Every field of one version, nested ones included, as whoever proposes it fills them in."""
    whole = schema(entry, major, forms(entry, major)[0])
    return tuple(_of_object(whole, _follow(whole, whole["properties"]["data"]), "", None))


def about(entry: EventType, major: int) -> str:
    """What the data's own model says of itself; empty where it says nothing."""
    whole = schema(entry, major, Form.READ)
    return " ".join(str(_follow(whole, whole["properties"]["data"]).get("description", "")).split())


def _of_object(whole: Schema, node: Schema, before: str, sealed: str | None) -> Iterator[Row]:
    needed = node.get("required", ())
    for name, field in node.get("properties", {}).items():
        yield from _field(whole, field, f"{before}{name}", name in needed, sealed)


def _field(whole: Schema, field: Schema, path: str, needed: bool, sealed: str | None) -> Iterator[Row]:
    node = _present(whole, field)
    item = _present(whole, node["items"]) if "items" in node else None
    sealed = node.get("x-sealed", {}).get("kind", sealed)
    inner = item or node
    default = node.get("default")
    yield Row(
        f"{path}[]" if item is not None else path,
        _list_of(node, _holds(inner)) if item is not None else _holds(node),
        tuple(str(code) for code in inner.get("enum", ())),
        needed,
        None if default in (None, []) or isinstance(default, Mapping) else str(default).lower(),
        sealed,
        " ".join(str(field.get("description") or node.get("description") or inner.get("description") or "").split()),
    )
    if "properties" in inner:
        yield from _of_object(whole, inner, f"{path}[]." if item is not None else f"{path}.", sealed)


def _present(whole: Schema, field: Schema) -> Schema:
    """The node as it is when the field is there: `null` left out, references followed, what stands beside kept."""
    node = _follow(whole, field)
    options = [option for option in node.get("anyOf", ()) if option.get("type") != "null"]
    if len(options) == 1:
        beside = {key: value for key, value in node.items() if key != "anyOf"}
        node = {**_follow(whole, options[0]), **beside}
    return node


def _follow(whole: Schema, node: Schema) -> Schema:
    while "$ref" in node:
        target: Any = whole
        for step in node["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        node = {**target, **{key: value for key, value in node.items() if key != "$ref"}}
    return node


def _holds(node: Schema) -> str:
    if "enum" in node:
        return "one of"
    if "prefixItems" in node:
        return f"list of exactly {len(node['prefixItems'])}"
    if "pattern" in node:
        return KNOWN_PATTERNS.get(node["pattern"], f"text like `{node['pattern']}`")
    if "format" in node:
        return _FORMATS.get(node["format"], str(node["format"]))
    words = _PLAIN.get(node.get("type", ""), "anything")
    least, most = node.get("minimum"), node.get("maximum")
    if least is not None or most is not None:
        return f"{words}, {least} to {most}" if most is not None else f"{words}, {least} or more"
    return f"{words} of at most {node['maxLength']:,} characters" if "maxLength" in node else words


def _list_of(node: Schema, item: str) -> str:
    least, most = node.get("minItems"), node.get("maxItems")
    some = f", {least or 0} to {most}" if most else f", at least {least}" if least else ""
    return f"{'set' if node.get('uniqueItems') else 'list'} of {item}{some}" if item != "one of" else f"any of{some}"
