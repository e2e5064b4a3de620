"""An incident as far as access depends on it, folded from its public facts: the same answer as its owner's. Pure.

Who reads another's facts (delivery, notifications) decides by this; a property test holds it to the gateway's own.
"""

from collections.abc import Iterable
from dataclasses import replace
from functools import cache

from pydantic import BaseModel

from contracts.access import Matter
from contracts.agreements import ExclusionApproved, ExclusionEnded
from contracts.corrections import IncidentCorrected
from contracts.deadlines import DeadlineMet, DeadlineSet
from contracts.envelope import AnyEvent
from contracts.exclusions import exclusions_of
from contracts.incidents import IncidentReferred
from contracts.reviews import InformationRequested

NATIONAL_BY_RULE = {
    "T01": frozenset({"panel", "department", "ofsted"}),
    "T03": frozenset({"department", "ofsted"}),
    "T04": frozenset({"department", "ofsted"}),
}
"""Whom a submission that meets a rule's clock has reached: the Panel only where it considers the case (DOMAIN 1.1)."""

PREFIX = "incident-"


def evolve(matter: Matter | None, fact: AnyEvent) -> Matter:
    """The matter after one more fact of the incident's stream, or one of its rapid review's.

    Raises ValueError for one before its referral.
    """
    data = fact.data
    if isinstance(data, IncidentReferred):
        return _referred(fact, data)
    if matter is None:
        raise ValueError(f"{fact.type} before the incident was referred")
    match data:
        case DeadlineSet(recipient=str(recipient)) if recipient not in matter.areas:
            return _joined(matter, {recipient})
        case IncidentCorrected(areas=areas, leaving=leaving) if areas:
            stay = matter.participants.difference(leaving) | matter.referrers
            return replace(matter, areas=frozenset(areas), participants=stay)
        case DeadlineMet():
            return _joined(matter, NATIONAL_BY_RULE.get(data.clock, frozenset()))
        case InformationRequested(agency=agency):
            return matter if agency in matter.asked else replace(matter, asked=matter.asked | {agency})
        case ExclusionApproved() | ExclusionEnded():
            return exclusions_of(matter).after(data).on(matter)
        case _:
            return matter


def incidents_of(fact: AnyEvent) -> frozenset[str]:
    """Every incident that a fact tells of: whoever is shown it must be entitled to all of them (DESIGN section 4)."""
    named = [fact.subject]
    model: type[BaseModel] = type(fact.data)
    for member in _naming(model):
        told = getattr(fact.data, member)  # or a person: who leads for an agency, before that is sealed
        named += [told] if isinstance(told, str) else told if isinstance(told, tuple) else ()
    return frozenset(name for name in named if name and name.startswith(PREFIX))


@cache
def _naming(model: type[BaseModel]) -> tuple[str, ...]:
    """The fields of a type that name incidents: asked of each agency for each fact, so looked up once."""
    return tuple(name for name in ("incident", "lead", "twin", "incidents") if name in model.model_fields)


def _referred(fact: AnyEvent, data: IncidentReferred) -> Matter:
    placing = (child.placing_authority for child in data.children)
    named = (data.host_authority, data.home_authority, data.placing_authority, *placing, *data.other_areas_to_notify)
    referrers = frozenset({fact.agency} if fact.agency else ())
    return Matter(fact.partnership, referrers, referrers, frozenset(area for area in named if area))


def _joined(matter: Matter, agencies: Iterable[str]) -> Matter:
    joined = matter.participants.union(agencies)
    return matter if joined == matter.participants else replace(matter, participants=joined)
