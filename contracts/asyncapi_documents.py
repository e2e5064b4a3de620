"""An AsyncAPI 3 document per service: the topics it reads and writes, and every message type on each of them.

Made from the catalogue rather than from the broker's handlers: one topic carries many types, each with its schema. What
is said here to be read and written is what the broker grants (`infra/kafka/declared.toml`), and a test holds it so.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from contracts import feeds
from contracts.catalogue import (
    ANSWERS,
    CALENDAR,
    CATALOGUE,
    DIRECTORY,
    INCIDENTS,
    NOTIFICATIONS,
    REVIEWS,
    EventType,
)
from contracts.envelope import CONTENT_TYPE
from contracts.schema_forms import Form
from contracts.vault import ERASURES, VAULT

Document = dict[str, Any]

INBOUND = "partner.{agency}.inbound"
OUTBOUND = "partner.{agency}.outbound"
WHO_MAY = {INBOUND: "It alone may write this topic.", OUTBOUND: "It alone may read this topic."}


@dataclass(frozen=True)
class Service:
    """A service, the topics it writes and the topics it reads. The daily checkpoints are no messages, and not here."""

    name: str
    does: str
    writes: tuple[str, ...]
    reads: tuple[str, ...]


SERVICES = (
    Service(
        "gateway",
        "The only door: takes what agencies propose, owns the incident, the calendar, and the directory.",
        (INCIDENTS, CALENDAR, DIRECTORY, "submissions.notifications", "submissions.rapid-review", ANSWERS),
        (INBOUND, NOTIFICATIONS, REVIEWS, ANSWERS),
    ),
    Service(
        "notifications",
        "Owns the notification from its draft to its close.",
        (NOTIFICATIONS, ANSWERS),
        ("submissions.notifications", INCIDENTS, REVIEWS, CALENDAR, DIRECTORY),
    ),
    Service(
        "rapid-review",
        "Owns the rapid review, to the Panel's reply, and the practice review, from decision to publication.",
        (REVIEWS, ANSWERS),
        ("submissions.rapid-review", INCIDENTS, NOTIFICATIONS, CALENDAR, DIRECTORY),
    ),
    Service("vault", "Keeps everything that could name or describe a person.", (VAULT, ERASURES), (ERASURES,)),
    Service(
        "delivery",
        "Gives each agency its own feed, cut to what it may see and numbered from 1.",
        (OUTBOUND,),
        (INCIDENTS, NOTIFICATIONS, REVIEWS, VAULT, CALENDAR, DIRECTORY),
    ),
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


@dataclass(frozen=True)
class _Message:
    """One version of a type, in the form that it has on a topic: a folder of `contracts/schemas`."""

    entry: EventType
    major: int
    form: str

    @property
    def name(self) -> str:
        return f"{self.entry.name}.v{self.major}"

    @property
    def id(self) -> str:
        return f"{self.name}.{self.form}"


def _carried(topic: str) -> Iterable[_Message]:
    """What a topic carries, earlier versions included: some send or read them still. Retired ones lie in the logs."""
    entries = feeds.carried() if topic == OUTBOUND else CATALOGUE.values()
    for entry in entries:
        form = _form(entry, topic)
        if form:
            majors = entry.models if form == Form.READ else dict(entry.versions())
            yield from (_Message(entry, major, form) for major in majors)


def _form(entry: EventType, topic: str) -> str | None:
    """The form of a type on a topic; None where it is not on it. A proposal, once taken in, carries references."""
    if topic == OUTBOUND:
        return feeds.FORM
    if topic == INBOUND:
        return Form.PUBLISH if entry.proposers else None
    return Form.READ if topic in entry.topics or (topic == f"submissions.{entry.owner}" and entry.proposers) else None


def _id(topic: str) -> str:
    return topic.replace(".", "-").replace("{", "").replace("}", "")


def _channel(topic: str, carried: Iterable[_Message]) -> Document:
    channel: Document = {
        "address": topic,
        "title": topic,
        "messages": {each.id: {"$ref": f"#/components/messages/{each.id}"} for each in carried},
    }
    if topic in WHO_MAY:
        channel["parameters"] = {"agency": {"description": f"The agency's id. {WHO_MAY[topic]}"}}
    else:
        channel["bindings"] = {"kafka": {"topic": topic, "bindingVersion": "0.5.0"}}
    return channel


def _operations(service: Service, carried: Mapping[str, tuple[_Message, ...]]) -> Iterable[tuple[str, Document]]:
    for action, topics in (("send", service.writes), ("receive", service.reads)):
        for topic in topics:
            reference = f"#/channels/{_id(topic)}"
            yield (
                f"{action}-{_id(topic)}",
                {
                    "action": action,
                    "channel": {"$ref": reference},
                    "messages": [{"$ref": f"{reference}/messages/{each.id}"} for each in carried[topic]],
                },
            )


def _messages(carried: Mapping[str, tuple[_Message, ...]]) -> Iterable[tuple[str, Document]]:
    for each in {one.id: one for several in carried.values() for one in several}.values():
        yield (
            each.id,
            {
                "name": each.name,
                "title": each.entry.meaning,
                "contentType": CONTENT_TYPE,
                "payload": {
                    "schemaFormat": "application/schema+json;version=draft-2020-12",
                    "schema": {"$ref": f"../schemas/{each.form}/{each.name}.json"},
                },
            },
        )
