"""What this service knows of an incident from the facts of others: its case, who may see it, and who is in it. Pure."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from contracts import matters
from contracts.access import Matter
from contracts.catalogue import INCIDENTS, topic_of
from contracts.corrections import IncidentCorrected, IncidentRecalled, wrong_recipients
from contracts.envelope import AnyEvent
from contracts.incidents import IncidentReferred
from contracts.notifications import NotificationAmended, NotificationContent, NotificationDrafted
from contracts.sealing import is_reference, marked, marks
from services.rapid_review.case import Case
from services.rapid_review.case import evolve as evolve_case

TELLING = frozenset({"contact", "place"})
"""What beside the children's identities can tell who an incident is about, and is kept as such."""


@dataclass(frozen=True)
class Dossier:
    """One incident. `matter` is None until its referral is known here.

    `identities` has by subject the newest reference to who it is; `traces` are references to places and contacts that a
    scan looks for. `recalled` has, by the id of a fact that was taken back, its wrong recipients (nobody: everybody).
    """

    case: Case
    matter: Matter | None = None
    identities: Mapping[str, str] = field(default_factory=dict)
    traces: frozenset[str] = frozenset()
    recalled: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @property
    def incident(self) -> str:
        return self.case.incident


def shut_out_of(dossier: Dossier) -> frozenset[str]:
    """The agencies that are shut out of the incident, as far as is known here."""
    return dossier.matter.excluded_agencies if dossier.matter else frozenset()


def after(dossier: Dossier, fact: AnyEvent) -> Dossier:
    """The dossier after one more fact of the incident or of its notification. One read before changes nothing."""
    case = evolve_case(dossier.case, fact)
    if case is dossier.case:
        return dossier
    known = replace(
        dossier,
        case=case,
        identities={**dossier.identities, **dict(_identities(fact))},
        traces=dossier.traces.union(_traces(fact)),
    )
    if topic_of(fact) != INCIDENTS:
        return known
    if isinstance(fact.data, IncidentRecalled):
        wrong = wrong_recipients(known.recalled.get(fact.data.event), fact.data.recipients)
        known = replace(known, recalled={**known.recalled, fact.data.event: wrong})
    begins = known.matter is not None or isinstance(fact.data, IncidentReferred)
    return replace(known, matter=matters.evolve(known.matter, fact)) if begins else known


def _identities(fact: AnyEvent) -> Iterator[tuple[str, str]]:
    for child in getattr(_telling(fact), "children", None) or ():
        if child.subject and is_reference(child.identity):
            yield child.subject, child.identity


def _traces(fact: AnyEvent) -> Iterator[str]:
    said = _telling(fact)
    if said is None:
        return
    kinds = {"/".join(("", *mark.path)): mark.sealed.kind for mark in marks(type(said))}
    for pointer, value in marked(type(said), said.model_dump(mode="json", by_alias=True)):
        if kinds[re.sub(r"/[0-9]+(?=/|$)", "/*", pointer)] in TELLING and is_reference(value):
            yield value


def _telling(fact: AnyEvent) -> IncidentReferred | IncidentCorrected | NotificationContent | None:
    match fact.data:
        case IncidentReferred() | IncidentCorrected() as data:
            return data
        case NotificationDrafted(content=content) | NotificationAmended(content=content):
            return content
        case _:
            return None
