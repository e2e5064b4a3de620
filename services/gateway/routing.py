"""Where each fact of the gateway's log is published: its own to its stream's topic, a proposal to its owner."""

from contracts.catalogue import CATALOGUE
from contracts.envelope import AnyEvent
from shared.eventlog import Route


def route(event: AnyEvent) -> Route:
    """The topic and key of a fact, or of a proposal on its way to the service that owns the stream."""
    entry = CATALOGUE[event.name]
    topic = f"submissions.{entry.owner}" if event.source.startswith("/agencies/") else entry.topic
    assert event.subject is not None
    return Route(topic, event.subject)
