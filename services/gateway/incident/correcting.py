"""Fields of the referral were wrong: what is right replaces them, and the clocks that they called for follow.

Before triage the clocks are those that the facts appear to call for (DOMAIN 4A item 1); after it the grounds decided
stand, and only who must be told follows the areas (T02). A person decides again where the grounds are others now.
"""

from collections.abc import Iterator
from dataclasses import replace

from contracts.codes import Nature
from contracts.corrections import IncidentCorrected
from contracts.envelope import AnyEvent
from contracts.submissions import Fault
from services.gateway.incident.clocks import Clocks, told_of, wanted
from services.gateway.incident.faults import aware_too_soon, fault, not_for_this, not_the_authority, refuse_if
from services.gateway.incident.folding_corrections import correction
from services.gateway.incident.referral import of_children, of_occurrence
from services.gateway.incident.state import FROM_AWARENESS, Context, Incident, Status
from shared.decider import Outcome
from shared.london import london_date

GROUNDS_DIFFER = "grounds_differ"
"""The mark of a correction after triage: the facts call for other grounds now than were decided."""


def correct(incident: Incident, proposal: AnyEvent, data: IncidentCorrected, context: Context) -> list[Outcome]:
    """The correction with the areas as they are now and who takes part no more, then what becomes of the clocks."""
    given = data.model_copy(update={"areas": (), "leaving": ()})
    after = replace(incident, **correction(incident, given))
    refuse_if(
        [
            *not_for_this(incident, closed=False),
            *not_the_authority(incident, proposal, context),
            *_sense(after, given, context),
        ]
    )
    clocks = Clocks(after, context)
    _follow(clocks)
    leaving = sorted({*told_of(incident, context)} - {*told_of(after, context)} - after.referrers)
    fact = given.model_copy(update={"areas": after.areas, "leaving": tuple(leaving)})
    differ = after.apparent_grounds != incident.apparent_grounds and incident.status is not Status.REFERRED
    return [Outcome(fact, marks=(GROUNDS_DIFFER,) if differ else ()), *clocks.outcomes]


def _follow(clocks: Clocks) -> None:
    """Starts and ends what the incident calls for now; what is done stays done."""
    after, context = clocks.incident, clocks.context
    provisional = after.status is Status.REFERRED
    if not provisional and after.status is not Status.TRIAGED_NOTIFIABLE:
        return
    grounds = after.apparent_grounds if provisional else after.grounds
    keys = dict.fromkeys((*(("T01",) if provisional else ()), *wanted(after, grounds, context)))
    for deadline in list(after.running):
        if deadline.rule.id in FROM_AWARENESS and deadline.key not in keys:
            clocks.cancel(deadline.key, "not_needed")
    for key in keys:
        if not clocks.runs(key):
            clocks.set(key, after.aware_at, provisional=provisional)
            clocks.meet_if_told(key)


def _sense(after: Incident, data: IncidentCorrected, context: Context) -> Iterator[Fault]:
    if data.occurrence is not None:
        yield from of_occurrence(data.occurrence, london_date(context.now))
        if any(aware_too_soon("", after.own_aware_at, after)):
            detail = "The authority was aware before this day: correct its awareness first (awareness.corrected)."
            yield fault("/data/occurrence/dateFrom", "aware-before-incident", detail)
    if data.suspected_suicide and after.nature is not Nature.CHILD_DEATH:
        detail = "A suspected suicide is a death: correct the nature too, or leave it out."
        yield fault("/data/suspectedSuicide", "only-of-a-death", detail, "false")
    if data.children is not None:
        yield from of_children(data.children)
        for number, child in enumerate(data.children):
            if child.age_at_incident is None and not child.is_unborn:
                detail = "Give the age at the incident, or the identity with its date of birth."
                yield fault(f"/data/children/{number}/ageAtIncident", "missing", detail)
