"""Lay a notification out in the form's order, its words put back in the places of their references."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

from contracts.exports import ExportedField
from contracts.notifications import NotificationContent
from contracts.sealing import is_reference
from services.notifications.coverage import FORM, FURTHER, FormField
from services.notifications.exports.labels import LABELS
from services.notifications.notification import Delay
from shared.london import LONDON

Values = Mapping[str, Any]
"""Reference to what the vault revealed: words, or a structure; absent where it was erased."""

ERASED = "(erased)"
IN_TIME = Delay()


def fields(
    content: NotificationContent,
    values: Values,
    areas: Mapping[str, str] = MappingProxyType({}),
    delay: Delay = IN_TIME,
) -> tuple[ExportedField, ...]:
    """Every line of the form in its order, a line a child where it is about children; `areas` names area codes."""
    data = content.model_dump(mode="json")
    return tuple(_lines(content, _named(data, areas), values, delay))


def _named(data: dict[str, Any], areas: Mapping[str, str]) -> dict[str, Any]:
    def named(code: str) -> str:
        return f"{areas[code]} ({code})" if code in areas else code

    def placed(child: dict[str, Any]) -> dict[str, Any]:
        by = child.get("placingAuthority")
        return child | {"placingAuthority": named(by)} if by else child

    return data | {
        "notifyingAuthority": named(data["notifyingAuthority"]),
        "otherAreasToNotify": [named(code) for code in data["otherAreasToNotify"]],
        "children": [placed(child) for child in data["children"]],
    }


def references(content: NotificationContent, delay: Delay = IN_TIME) -> tuple[str, ...]:
    """The references a copy needs from the vault, each once, in order."""
    return tuple(dict.fromkeys((*_references(content.model_dump(mode="json")), *delay.reasons)))


def _references(node: Any) -> Iterator[str]:
    match node:
        case str() if is_reference(node):
            yield node
        case Mapping():
            for value in node.values():
                yield from _references(value)
        case list():
            for value in node:
                yield from _references(value)


def _lines(
    content: NotificationContent, data: Mapping[str, Any], values: Values, delay: Delay
) -> Iterator[ExportedField]:
    for field in FORM:
        if field.wire.startswith("children/"):
            for number, child in enumerate(data["children"], 1):
                yield _line(field, _of_child(field.wire, child, values), field.filled(content), number)
        else:
            yield _line(field, _at(field.wire, data, values), field.filled(content))
    for section, label, wire in FURTHER:
        value = _of_the_delay(content, values, delay) if wire == "delayReason" else _further(wire, data, values)
        awaited = wire == "delayReason" and delay.awaited
        if value or awaited:
            yield ExportedField(
                section=section, label=label, field=wire, value=value, ready=not awaited, needed=awaited
            )


def _further(wire: str, data: Mapping[str, Any], values: Values) -> str | None:
    value = data.get(wire)
    return f"{len(value)} attached" if value and wire == "documents" else show(value, values)


def _of_the_delay(content: NotificationContent, values: Values, delay: Delay) -> str | None:
    """The reason, wherever it was given: in this version, with the submission, or after it."""
    given = dict.fromkeys(filter(None, (content.delay_reason, *delay.reasons)))
    return "\n".join(filter(None, (show(words, values) for words in given))) or None


def _line(field: FormField, value: str | None, ready: bool, child: int | None = None) -> ExportedField:
    return ExportedField(
        section=field.section,
        label=field.label,
        field=field.wire,
        value=value,
        ready=ready,
        needed=field.needed,
        child=child,
    )


def _at(wire: str, data: Mapping[str, Any], values: Values) -> str | None:
    node: Any = data
    for step in wire.split("/"):
        node = node.get(step) if isinstance(node, Mapping) else None
    return show(node, values)


def _of_child(wire: str, child: Mapping[str, Any], values: Values) -> str | None:
    name = wire.removeprefix("children/")
    if name == "ageAtIncident" and child.get("isUnborn"):
        return "Unborn"
    if name == "ageAtIncident" and child.get(name) is not None:
        years = child[name]
        return f"{years} year{'' if years == 1 else 's'}"
    if name == "lookedAfter":
        looked_after, leaver = child.get("lookedAfter"), child.get("careLeaver")
        return f"Looked after: {show(looked_after, values)}; care leaver: {show(leaver, values)}"
    return show(child.get(name), values)


def show(value: Any, values: Values) -> str | None:
    """A value as a person reads it; None where there is nothing to show."""
    match value:
        case None | "" | []:
            return None
        case bool():
            return "Yes" if value else "No"
        case str() if is_reference(value):
            return show(values.get(value, ERASED), values)
        case str() if re.fullmatch(r"\d{4}-\d\d-\d\dT.*Z", value):
            local = datetime.fromisoformat(value).astimezone(LONDON)
            return f"{local:%A} {local.day} {local:%B %Y, %H:%M %Z}"
        case str() if re.fullmatch(r"\d{4}-\d\d-\d\d", value):
            day = datetime.fromisoformat(value)
            return f"{day.day} {day:%B %Y}"
        case str() if value in LABELS:
            return LABELS[value]
        case str() if re.fullmatch(r"\d\d:\d\d:\d\d", value):
            return value[:5]
        case str() if re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+)*", value):
            return value.replace("_", " ").capitalize()
        case Mapping():
            parts = ((_words(key), show(item, values)) for key, item in value.items())
            return "\n".join(f"{key}: {item}" for key, item in parts if item is not None) or None
        case list():
            return ", ".join(item for item in (show(item, values) for item in value) if item is not None) or None
        case _:
            return str(value)


def _words(key: str) -> str:
    if key in ("nhsNumber", "upn", "icb"):
        return {"nhsNumber": "NHS number", "upn": "UPN", "icb": "ICB"}[key]
    return re.sub(r"(?<!^)([A-Z])", lambda match: f" {match[1].lower()}", key).capitalize()
