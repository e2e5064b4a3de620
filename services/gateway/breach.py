"""The first page of a breach report: who received what, when, over which way, and whether they looked. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from contracts.corrections import IncidentRecalled
from contracts.envelope import AnyEvent
from contracts.incidents import IncidentReferred
from contracts.notifications import PartnerNotified
from services.gateway.history import recalls
from services.gateway.sight import references_in

Report = dict[str, Any]


def report(
    *,
    incident: str,
    event: str | None,
    facts: Sequence[AnyEvent],
    deliveries: Sequence[Mapping[str, Any]],
    looks: Sequence[Mapping[str, Any]],
    name_of: Callable[[str], str],
    by: str,
    at: datetime,
) -> Report:
    """One entry an agency, of those that received something or looked. With `event`, what was received of it alone, and
    the looks at its words; of one that is not among `facts` (a notification's words stand in several of its events)
    every look at the incident.

    `deliveries` are delivery's, `looks` the vault's whole record for the incident, both oldest first.
    """
    words = _words_of(facts, event)
    received: dict[str, list[dict[str, Any]]] = {}
    for agency, one in (*_delivered(deliveries, event), *_told(facts, event)):
        received.setdefault(agency, []).append(one)
    looked: dict[str, list[dict[str, Any]]] = {}
    for look in looks:
        if look["agency"] and (words is None or words.intersection(look["references"])):
            looked.setdefault(look["agency"], []).append(_look(look))
    recalled = recalls(facts)
    return {
        "incident": incident,
        "event": event,
        "looksAt": "incident" if words is None else "event",
        "madeAt": at.isoformat(),
        "madeBy": by,
        "referredBy": sorted({str(fact.agency) for fact in facts if isinstance(fact.data, IncidentReferred)}),
        "recalled": [
            {"event": name, "because": one.because, "recipients": sorted(one.recipients), "by": one.fact}
            for name, one in recalled.items()
            if event in (None, name)
        ],
        "agencies": [
            {
                "agency": agency,
                "name": name_of(agency),
                "received": received.get(agency, []),
                "toldOfRecall": _told_of_recall(facts, deliveries, agency),
                "looks": looked.get(agency, []),
            }
            for agency in sorted(received.keys() | looked.keys())
        ],
    }


def _words_of(facts: Iterable[AnyEvent], event: str | None) -> frozenset[str] | None:
    return next((frozenset(references_in([fact.model_dump(mode="json")])) for fact in facts if fact.id == event), None)


def _delivered(deliveries: Iterable[Mapping[str, Any]], event: str | None) -> Iterable[tuple[str, dict[str, Any]]]:
    for one in deliveries:
        if event not in (None, one["event"]):
            continue
        told = {"event": one["event"], "type": one["type"], "leftOut": one["redacted"]}
        if not one["ways"]:
            yield one["agency"], told | {"way": None, "at": one["appendedAt"]}  # in its feed, and not read yet
        for way in one["ways"]:
            given = {"way": way["way"], "at": way["first"], "times": way["times"], "takenAt": way["taken"]}
            yield one["agency"], told | given  # sent at that moment, and received once it was taken


def _told(facts: Iterable[AnyEvent], event: str | None) -> Iterable[tuple[str, dict[str, Any]]]:
    """Whom a person told by hand: of the incident, of no event in particular."""
    for fact in facts:
        if isinstance(fact.data, PartnerNotified) and event in (None, fact.id):
            at = fact.data.notified_at.isoformat()
            yield fact.data.recipient, {"event": fact.id, "type": fact.type, "way": fact.data.channel.value, "at": at}


def _look(look: Mapping[str, Any]) -> dict[str, Any]:
    return {name: look[name] for name in ("look", "at", "who", "kind", "roles", "purpose")}


def _told_of_recall(
    facts: Iterable[AnyEvent], deliveries: Iterable[Mapping[str, Any]], agency: str
) -> list[dict[str, Any]]:
    """The recalls that lie in the agency's feed, each with when it was first read; never read, with None.

    What was sent to it alone it may never have read: the receipt is that it came back with a cursor behind it, or that
    its consumers committed behind it.
    """
    recalls_of = {fact.id: fact.data.event for fact in facts if isinstance(fact.data, IncidentRecalled)}
    return [
        {
            "event": recalls_of[one["event"]],
            "readAt": min(filter(None, (way["taken"] for way in one["ways"])), default=None),
        }
        for one in deliveries
        if one["agency"] == agency and one["event"] in recalls_of
    ]
