"""Two referrals of one incident: the lead's clocks go on, the twin's end as linked (DOMAIN 4A item 21)."""

from collections.abc import Iterator
from datetime import datetime

from contracts.corrections import SubjectsOfTwo
from contracts.envelope import AnyEvent
from contracts.incidents import IncidentLinked
from contracts.submissions import Fault
from services.gateway.incident.clocks import Clocks
from services.gateway.incident.faults import fault, not_the_authority, refuse_if
from services.gateway.incident.state import FROM_AWARENESS, Context, Incident, Status
from shared.deadlines import DeadlineState
from shared.decider import Outcome


def link(incident: Incident, proposal: AnyEvent, data: IncidentLinked, context: Context) -> list[Outcome]:
    """Facts for both streams, each naming its own as subject. `context.related` must hold both incidents and the
    lead's twins. Raises Refused."""
    known = {incident.id: incident, **context.related}
    lead, twin = (seen(known.get(name), proposal, context) for name in (data.lead, data.twin))
    refuse_if(list(_parties(incident, data, lead, twin)))
    assert lead is not None
    assert twin is not None
    check = _not_undoable if data.undone else _not_linkable
    refuse_if([*not_the_authority(lead, proposal, context), *check(lead, twin)])
    twins, leads = Clocks(twin, context), Clocks(lead, context)
    if data.undone:
        _part(leads, twins)
    else:
        _join(leads, twins)
    return [
        Outcome(data, subject=twin.id),
        *(_on(twin, outcome) for outcome in twins.outcomes),
        Outcome(data, subject=lead.id),
        *(_on(lead, outcome) for outcome in leads.outcomes),
    ]


def needed(proposal: AnyEvent) -> frozenset[str]:
    """The incidents, beside its subject and their twins, that a proposal must be decided with."""
    match proposal.data:
        case IncidentLinked(lead=lead, twin=twin):
            return frozenset({lead, twin})
        case SubjectsOfTwo(incidents=incidents):
            return frozenset(incidents)
    return frozenset()


def earliest(incident: Incident, own: datetime, context: Context) -> datetime:
    """The earliest qualifying awareness among the authority's own and that of the referrals linked to this one."""
    twins = (context.related[twin] for twin in incident.twins if twin in context.related)
    return min([own, *(at for twin in twins if (at := qualifying(incident, twin)))])


def qualifying(lead: Incident, twin: Incident) -> datetime | None:
    """The twin's awareness if it was that of the authority which holds the lead's duty, and showed what a ground of
    the lead's needs; None otherwise, and where the authority had decided that it showed nothing notifiable."""
    if twin.host != lead.host or twin.status is Status.TRIAGED_NOT_NOTIFIABLE:
        return None
    shown = twin.grounds or twin.filing.grounds or twin.apparent_grounds
    of_lead = lead.grounds or lead.filing.grounds or lead.apparent_grounds
    return twin.own_aware_at if shown and (not of_lead or shown & of_lead) else None


def _join(leads: Clocks, twins: Clocks) -> None:
    lead, twin = leads.incident, twins.incident
    for deadline in list(twin.running):
        twins.cancel(deadline.key, "linked")
    found = qualifying(lead, twin)
    if found is not None and found < lead.aware_at:
        _restart(leads, found)
    for recipient, at in twin.told.items():
        key = f"T02:{recipient}"
        if leads.runs(key) and leads[key].met_at is None:
            leads.meet(key, at)


def _part(leads: Clocks, twins: Clocks) -> None:
    lead, twin = leads.incident, twins.incident
    for key, deadline in twin.clocks.items():
        if deadline.state is DeadlineState.CANCELLED and deadline.cancelled_because == "linked":
            twins.set(key, deadline.started_at, provisional=deadline.provisional)
    related = {name: other for name, other in leads.context.related.items() if name != twin.id}
    others = [at for name in lead.twins if name in related and (at := qualifying(lead, related[name]))]
    own = min([lead.own_aware_at, *others])
    if own != lead.aware_at:
        _restart(leads, own)


def _restart(leads: Clocks, at: datetime) -> None:
    """Why they are linked stands in the link alone: whoever sees a clock of one need not be entitled to the other."""
    for key, deadline in leads.incident.clocks.items():
        if deadline.rule.id in FROM_AWARENESS and leads.runs(key):
            leads.restart(key, at, "linked")


def _on(incident: Incident, outcome: Outcome) -> Outcome:
    return Outcome(outcome.data, outcome.time, incident.id, outcome.name, outcome.marks)


def seen(found: Incident | None, proposal: AnyEvent, context: Context) -> Incident | None:
    """An incident as far as it exists for the proposer: another's, known by its id alone, does not (DESIGN section 2),
    or whoever had the id could end its clocks. Nor does one from which the proposer is shut out."""
    agency = proposal.agency
    if found is None or agency is None:
        return found
    matter = found.matter
    if agency in matter.excluded_agencies or proposal.actor in matter.excluded_people:
        return None
    taking_part = matter.referrers | matter.participants | {context.authority_of(area) for area in matter.areas}
    return found if agency in taking_part else None


def _parties(incident: Incident, data: IncidentLinked, lead: Incident | None, twin: Incident | None) -> Iterator[Fault]:
    if data.lead == data.twin:
        yield fault("/data/twin", "itself", "A referral cannot be linked to itself.")
    elif incident.id not in (data.lead, data.twin):
        yield fault("/subject", "not-of-this", "The subject must be the lead or the twin.", data.lead, data.twin)
    for name, found in (("lead", lead), ("twin", twin)):
        if found is None:
            yield fault(f"/data/{name}", "not-found", "There is no such incident.")
        elif found.partnership != incident.partnership:
            yield fault(f"/data/{name}", "another-partnership", "Referrals of two partnerships cannot be linked.")


def _not_linkable(lead: Incident, twin: Incident) -> Iterator[Fault]:
    for name, found in (("lead", lead), ("twin", twin)):
        if found.linked_to:
            yield fault(f"/data/{name}", "linked-already", "It is linked to a lead already: undo that link first.")
        if found.status is Status.CLOSED:
            yield fault(f"/data/{name}", "closed", "A closed incident is not linked any more.")
    if twin.twins:
        yield fault("/data/twin", "leads-others", "Others are linked to it: let it be the lead, or undo those links.")
    if lead.exclusions != twin.exclusions:
        detail = "Whoever is shut out of one is not of the other: make that the same first, or they would see it there."
        yield fault("/data/twin", "exclusions-differ", detail)
    if twin.submitted:
        detail = "It was submitted to the Panel: let it be the lead, or withdraw its notification first."
        yield fault("/data/twin", "submitted-already", detail)
    if lead.status is Status.TRIAGED_NOT_NOTIFIABLE and any(True for _ in twin.running):
        detail = "The lead was decided not to be notifiable, and the twin's clocks would end: reopen the lead first."
        yield fault("/data/lead", "not-notifiable", detail)


def _not_undoable(lead: Incident, twin: Incident) -> Iterator[Fault]:
    if twin.linked_to != lead.id:
        yield fault("/data/undone", "not-linked", "The two are not linked.", "false")
