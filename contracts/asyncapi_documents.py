"""An AsyncAPI 3 document per service: the topics it reads and writes, and every message type on each of them.

Made from the catalogue rather than from the broker's handlers: one topic carries many types, each with its schema.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from contracts.catalogue import ANSWERS, CALENDAR, CATALOGUE, DIRECTORY, INCIDENTS, NOTIFICATIONS, EventType
from contracts.envelope import CONTENT_TYPE
from contracts.schema_forms import Form
from contracts.vault import ERASURES, VAULT

Document = dict[str, Any]


@dataclass(frozen=True)
class Service:
    """A service, the topics it writes and the topics it reads; `proposals` are those of the types it owns."""

    name: str
    does: str
    writes: tuple[str, ...]
    reads: tuple[str, ...]


SERVICES = (
    Service(
        "gateway",
        "The only door: takes what agencies propose, owns the incident, the calendar, and the directory.",
        (INCIDENTS, CALENDAR, DIRECTORY, "submissions.notifications"),
        ("partner.{agency}.inbound", NOTIFICATIONS, ANSWERS, CALENDAR),
    ),
    Service(
        "notifications",
        "Owns the notification from its draft to its close.",
        (NOTIFICATIONS, ANSWERS),
        ("submissions.notifications", INCIDENTS, CALENDAR, DIRECTORY),
    ),
    Service("vault", "Keeps everything that could name or describe a person.", (VAULT, ERASURES), (ERASURES,)),
)


def document(service: Service) -> Document:
    """The AsyncAPI 3.0 document of one service."""
    topics = (*service.writes, *(topic for topic in service.reads if topic not in service.writes))
    carried = {topic: tuple(_carried(topic)) for topic in topics}
    return {
        "asyncapi": "3.0.0",
        "info": {"title": f"Safeguarding Exchange: {service.name}", "version": "1.0.0", "description": service.does},
        "defaultContentType": CONTENT_TYPE,
        "channels": {_id(topic): _channel(topic, carried[topic]) for topic in topics},
        "operations": dict(_operations(service, carried)),
        "components": {"messages": dict(_messages(carried))},
    }


def _carried(topic: str) -> Iterable[tuple[EventType, Form]]:
    """The types on a topic, in the form they have there: proposals carry references, as facts do, once taken in."""
    for entry in CATALOGUE.values():
        if topic == "partner.{agency}.inbound" and entry.proposers:
            yield entry, Form.PUBLISH
        elif topic == entry.topic or (topic == f"submissions.{entry.owner}" and entry.proposers):
            yield entry, Form.READ


def _id(topic: str) -> str:
    return topic.replace(".", "-").replace("{", "").replace("}", "")


def _message_id(entry: EventType, form: Form) -> str:
    return f"{entry.wire_type}.{form.value}"


def _channel(topic: str, carried: Iterable[tuple[EventType, Form]]) -> Document:
    channel: Document = {
        "address": topic,
        "title": topic,
        "messages": {
            _message_id(entry, form): {"$ref": f"#/components/messages/{_message_id(entry, form)}"}
            for entry, form in carried
        },
        "bindings": {"kafka": {"topic": topic, "bindingVersion": "0.5.0"}} if "{" not in topic else {},
    }
    if "{agency}" in topic:
        channel["parameters"] = {"agency": {"description": "The agency's id. It alone may write this topic."}}
    return {key: value for key, value in channel.items() if value != {} or key == "messages"}


def _operations(
    service: Service, carried: Mapping[str, tuple[tuple[EventType, Form], ...]]
) -> Iterable[tuple[str, Document]]:
    for action, topics in (("send", service.writes), ("receive", service.reads)):
        for topic in topics:
            reference = f"#/channels/{_id(topic)}"
            yield (
                f"{action}-{_id(topic)}",
                {
                    "action": action,
                    "channel": {"$ref": reference},
                    "messages": [
                        {"$ref": f"{reference}/messages/{_message_id(entry, form)}"} for entry, form in carried[topic]
                    ],
                },
            )


def _messages(carried: Mapping[str, tuple[tuple[EventType, Form], ...]]) -> Iterable[tuple[str, Document]]:
    once = {_message_id(entry, form): (entry, form) for pairs in carried.values() for entry, form in pairs}
    for name, (entry, form) in once.items():
        yield (
            name,
            {
                "name": entry.wire_type,
                "title": entry.meaning,
                "contentType": CONTENT_TYPE,
                "payload": {
                    "schemaFormat": "application/schema+json;version=draft-2020-12",
                    "schema": {"$ref": f"../schemas/{form.value}/{entry.wire_type}.json"},
                },
            },
        )
