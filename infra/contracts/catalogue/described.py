"""What the catalogue says of each event type, as data: the JSON index, from which the pages are made as well."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from contracts import feeds
from contracts.catalogue import CATALOGUE, EventType
from contracts.ceilings import EVERYTHING, Fields
from contracts.codes import AgencyType, Role
from contracts.directory import Directory
from contracts.for_some import ForSome
from contracts.schema_forms import forms
from infra.contracts import examples
from infra.contracts.agreements import Holder, proposers, readers
from infra.contracts.catalogue.fields import about, rows
from infra.contracts.catalogue.guarantees import guarantees

CONTRACTS = Path("contracts")
Described = dict[str, Any]


def described(within: Directory) -> list[Described]:
    """Every event type, in the catalogue's order."""
    return [_type(entry, within) for entry in CATALOGUE.values()]


def of_feeds() -> list[Described]:
    """What stands in agencies' feeds alone, and on no stream."""
    return [
        {
            "name": entry.name,
            "type": entry.wire_type,
            "meaning": entry.meaning,
            "about": about(entry, entry.major),
            "schema": str(CONTRACTS / "schemas" / "outbound" / f"{entry.wire_type}.json"),
        }
        for entry in feeds.OWN
    ]


def _type(entry: EventType, within: Directory) -> Described:
    fields = rows(entry, entry.major)
    tops = tuple(dict.fromkeys(row.top for row in fields))
    return {
        "name": entry.name,
        "type": entry.wire_type,
        "meaning": entry.meaning,
        "about": about(entry, entry.major),
        "owner": entry.owner,
        "topic": entry.topic,
        "alsoOn": [{"topic": topic, "saidBy": owner} for owner, topic in entry.elsewhere.items()],
        "orderKey": "subject",
        "proposedBy": [
            {
                "agencyType": proposer.agency and proposer.agency.value,
                "role": proposer.role and proposer.role.value,
            }
            for proposer in entry.proposers
        ],
        "agenciesThatMayPropose": _holders(proposers(within, entry)),
        "fields": [
            {
                "path": row.path,
                "holds": row.holds,
                "codes": list(row.codes),
                "required": row.needed,
                "default": row.default,
                "sealed": row.sealed,
                "meaning": row.meaning,
            }
            for row in fields
        ],
        "readableBy": {
            "agencyTypes": _sights(entry.ceiling.agencies, AgencyType, tops),
            "roles": _sights(entry.ceiling.roles, Role, tops),
            "forWhom": entry.model.for_whom if issubclass(entry.model, ForSome) else None,
        },
        "versions": list(_versions(entry, within)),
        "examples": dict(_examples(entry)),
        "guarantees": [
            {"name": each.name, "says": each.says, "proofs": list(each.proofs), "measuredBy": list(each.measured)}
            for each in guarantees(entry)
        ],
    }


def _sights(
    seen: Mapping[Any, Fields], order: type[AgencyType] | type[Role], tops: tuple[str, ...]
) -> dict[str, Described]:
    """By kind or role, in their own order; whoever is left out never learns that such an event exists."""
    return {
        each.value: {"everything": seen[each] == EVERYTHING, "fields": [top for top in tops if top in seen[each]]}
        for each in order
        if each in seen
    }


def _versions(entry: EventType, within: Directory) -> Iterator[Described]:
    for major, _ in entry.versions():
        yield {
            "version": f"{major}.{entry.minor_of(major)}",
            "type": f"{entry.name}.v{major}",
            "dataschema": entry.schema_of(major),
            "today": major == entry.major,
            "schemas": {
                form: str(CONTRACTS / "schemas" / form / f"{entry.name}.v{major}.json") for form in _forms(entry, major)
            },
            "readers": _holders(readers(within, entry, major)),
        }


def _forms(entry: EventType, major: int) -> list[str]:
    return [form.value for form in forms(entry, major)] + (["outbound"] if entry.ceiling.agencies else [])


def _examples(entry: EventType) -> Iterator[tuple[str, list[Described]]]:
    """The examples by what they show. A type that nobody proposes has no proposal to show."""
    for shown, found in (("proposals", examples.proposals), ("facts", examples.facts)):
        several = [{"file": str(path), "event": event} for path, event in found(entry.name)]
        if several:
            yield shown, several
    carried = [
        {"file": str(path), "to": kind.value, "event": event} for path, kind, event in examples.outbound(entry.name)
    ]
    if carried:
        yield "outbound", carried


def _holders(holders: tuple[Holder, ...]) -> list[dict[str, str]]:
    return [{"agency": holder.agency, "name": holder.name, "partnership": holder.partnership} for holder in holders]
