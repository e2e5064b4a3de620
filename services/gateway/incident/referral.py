"""An agency refers what may be a serious incident: the clocks run from now on, provisionally (DOMAIN 4A item 1)."""

from collections.abc import Iterator, Sequence
from datetime import date

from contracts.codes import Nature
from contracts.envelope import AnyEvent
from contracts.incidents import Child, IncidentReferred, Occurrence
from contracts.rules.forms import child_count_policy, forms_needed
from contracts.rules.grounds import ADULT, LAST_CARE_LEAVER_AGE
from contracts.submissions import Fault
from services.gateway.incident.clocks import Clocks, wanted
from services.gateway.incident.faults import aware_too_soon, fault, in_the_future, refuse_if
from services.gateway.incident.folding import evolve
from services.gateway.incident.state import Context
from shared.decider import Outcome
from shared.london import london_date


def refer(proposal: AnyEvent, data: IncidentReferred, context: Context) -> list[Outcome]:
    """The referral with the instant it reached the authority, T01 (always, provisional), what it appears to call for,
    and T05. Raises Refused."""
    told = data.authority_told_at or context.arrival
    data = data.model_copy(update={"authority_told_at": told})
    incident = evolve(None, proposal.model_copy(update={"data": data}))
    refuse_if([*aware_too_soon("/data/authorityToldAt", told, incident), *_sense(data, context)])
    clocks = Clocks(incident, context)
    for key in dict.fromkeys(("T01", *wanted(incident, incident.apparent_grounds, context))):
        clocks.set(key, told, provisional=True)
    clocks.set("T05", told)
    policy = child_count_policy(london_date(told))
    several = forms_needed(policy, data.nature, len(data.children)) > 1
    return [Outcome(data, marks=("several_forms",) if several else ()), *clocks.outcomes]


def _sense(data: IncidentReferred, context: Context) -> Iterator[Fault]:
    today = london_date(context.now)
    if data.authority_told_at:
        yield from in_the_future("/data/authorityToldAt", data.authority_told_at, context)
    yield from of_occurrence(data.occurrence, today)
    if data.suspected_suicide and data.nature is not Nature.CHILD_DEATH:
        detail = "A suspected suicide is a death: nature child_death, or leave it out."
        yield fault("/data/suspectedSuicide", "only-of-a-death", detail, "false")
    yield from of_children(data.children)


def of_occurrence(occurrence: Occurrence, today: date) -> Iterator[Fault]:
    """What is wrong with the days on which it happened."""
    for name, day in (("dateFrom", occurrence.date_from), ("dateTo", occurrence.date_to)):
        yield from _future_day(f"/data/occurrence/{name}", day, today)


def of_children(children: Sequence[Child]) -> Iterator[Fault]:
    """What is wrong with each child, and a child that is there twice."""
    for number, child in enumerate(children):
        yield from _child(f"/data/children/{number}", child)
    known = [child.subject for child in children]
    for number, child in enumerate(children):
        if child.subject and child.subject in known[:number]:
            yield fault(f"/data/children/{number}/subject", "twice", "The same child stands here twice.")


def _future_day(pointer: str, day: date | None, today: date) -> Iterator[Fault]:
    if day is not None and day > today:
        yield fault(pointer, "in-the-future", "The incident lies in the future.", f"up to {today.isoformat()}")


def _child(at: str, child: Child) -> Iterator[Fault]:
    age = child.age_at_incident
    if child.is_unborn and (child.looked_after or child.care_leaver):
        yield fault(
            f"{at}/isUnborn", "unborn", "A child not yet born is neither looked after nor a care leaver.", "false"
        )
    if age is None:
        return
    if child.care_leaver and age > LAST_CARE_LEAVER_AGE:
        yield fault(f"{at}/ageAtIncident", "too-old", "A care leaver is 24 at most.", f"0 to {LAST_CARE_LEAVER_AGE}")
    elif age >= ADULT and not child.care_leaver:
        detail = "Only a care leaver may be 18 or over."
        yield fault(f"{at}/ageAtIncident", "too-old", detail, f"0 to {ADULT - 1}")
    if age >= ADULT and child.looked_after:
        yield fault(f"{at}/lookedAfter", "too-old", "Nobody of 18 or over is a looked-after child.", "false")
