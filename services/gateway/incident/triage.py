"""Triage: the authority decides whether the incident is notifiable, and on which grounds.

Clocks become firm from awareness, never from the decision, and no later decision resets them (DOMAIN 1.2, 4, 4A items
1, 2 and 10).
"""

from collections.abc import Iterator

from contracts.codes import AbuseOrNeglect, Ground
from contracts.envelope import AnyEvent
from contracts.incidents import NotifiabilityDecided
from contracts.rules.grounds import ADULT, S16C
from contracts.submissions import Fault
from services.gateway.incident.clocks import Clocks, adds_section_16c, wanted
from services.gateway.incident.faults import (
    aware_too_soon,
    fault,
    in_the_future,
    not_for_this,
    not_the_authority,
    refuse_if,
)
from services.gateway.incident.linking import earliest
from services.gateway.incident.state import FROM_AWARENESS, Context, Incident, Status
from shared.decider import Outcome
from shared.london import london_date


def triage(incident: Incident, proposal: AnyEvent, data: NotifiabilityDecided, context: Context) -> list[Outcome]:
    """The decision and what it does to the clocks. Raises Refused with every fault."""
    faults = [
        *not_for_this(incident),
        *_whose(incident, proposal, data, context),
        *in_the_future("/data/becameAwareAt", data.became_aware_at, context),
        *aware_too_soon("/data/becameAwareAt", data.became_aware_at, incident),
        *(_to_notifiable(incident, data) if data.notifiable else _to_not_notifiable(incident)),
    ]
    refuse_if(faults)
    clocks = Clocks(incident, context)
    if data.notifiable:
        _run(clocks, data)
    else:
        for deadline in list(incident.running):
            if deadline.rule.id in FROM_AWARENESS:
                clocks.cancel(deadline.key, "not_notifiable")
    if clocks.runs("T05") and clocks["T05"].met_at is None:
        clocks.meet("T05", max(proposal.time, incident.told_at))
    return [Outcome(data), *clocks.outcomes]


def _run(clocks: Clocks, data: NotifiabilityDecided) -> None:
    """The clocks that the grounds call for, firm, from the awareness that counts; the others end."""
    incident, context = clocks.incident, clocks.context
    first = incident.status is Status.REFERRED
    original = not first and data.earlier_awareness_showed_both is not False
    aware_at = earliest(incident, incident.aware_at if original else data.became_aware_at, context)
    keys = wanted(incident, data.grounds, context)
    for deadline in list(incident.running):
        if deadline.rule.id in FROM_AWARENESS and deadline.key not in keys:
            clocks.cancel(deadline.key, "not_needed")
    for key in keys:
        if not clocks.runs(key):
            clocks.set(key, aware_at)
        elif first:
            clocks.restart(key, aware_at, "triage", firm=True, reason=data.reasons)
        elif adds_section_16c(incident.grounds, data.grounds) and key == "T01":
            clocks.restart(key, aware_at, "ground_added", firm=True, reason=data.reasons)
        clocks.meet_if_told(key)


def _to_not_notifiable(incident: Incident) -> Iterator[Fault]:
    if incident.submitted:
        detail = "It was submitted to the Panel: withdraw the notification, with reasons, instead."
        yield fault("/data/notifiable", "submitted-already", detail, "notification.withdrawn")
    elif incident.status is Status.TRIAGED_NOT_NOTIFIABLE:
        yield fault("/data/notifiable", "decided-already", "It was decided not to be notifiable already.", "true")


def _to_notifiable(incident: Incident, data: NotifiabilityDecided) -> Iterator[Fault]:
    yield from _grounds(incident, data)
    match incident.status:
        case Status.REFERRED:
            if london_date(data.became_aware_at) > london_date(incident.aware_at) and not data.reasons:
                detail = "Awareness is put later than the day on which the referral reached the authority: say why."
                yield fault("/data/reasons", "later-awareness-needs-reasons", detail)
        case Status.TRIAGED_NOT_NOTIFIABLE:
            yield from _reopened(incident, data)
        case Status.TRIAGED_NOTIFIABLE:
            yield from _decided_again(incident, data)


def _reopened(incident: Incident, data: NotifiabilityDecided) -> Iterator[Fault]:
    """DOMAIN 4A item 2: the approver chooses, with a reason, which instant counts."""
    if not data.reasons:
        yield fault("/data/reasons", "reopening-needs-reasons", "Say what is new since it was decided not notifiable.")
    yield from _which_awareness(incident, data)


def _which_awareness(incident: Incident, data: NotifiabilityDecided) -> Iterator[Fault]:
    at = "/data/earlierAwarenessShowedBoth"
    if data.earlier_awareness_showed_both is None:
        detail = (
            "Did what the authority knew before show both the death or serious harm and known or suspected abuse or "
            "neglect? If so the earlier instant counts, if not the one given now."
        )
        yield fault(at, "choose-awareness", detail, "true", "false")
    elif not data.earlier_awareness_showed_both and data.became_aware_at <= incident.aware_at:
        detail = "What was learnt later cannot have been known at or before the earlier awareness."
        yield fault("/data/becameAwareAt", "not-later", detail, f"after {incident.aware_at.isoformat()}")


def _decided_again(incident: Incident, data: NotifiabilityDecided) -> Iterator[Fault]:
    if incident.submitted:
        detail = "It was submitted: further grounds are an amendment filed with the Panel."
        yield fault("/data/grounds", "submitted-already", detail, "notification.amended")
    elif data.grounds == incident.grounds:
        detail = "It was decided so already; a wrong awareness is corrected by awareness.corrected."
        yield fault("/data/grounds", "decided-already", detail)
    elif adds_section_16c(incident.grounds, data.grounds):
        yield from _which_awareness(incident, data)
    elif data.became_aware_at != incident.own_aware_at:
        detail = "A later decision does not move awareness; correct it by awareness.corrected."
        yield fault("/data/becameAwareAt", "awareness-stands", detail, incident.own_aware_at.isoformat())


def _grounds(incident: Incident, data: NotifiabilityDecided) -> Iterator[Fault]:
    """Against the truth table (DOMAIN 1.1): what place and age rule out never; what else departs from the referral's
    facts, with reasons, since the authority may know better than whoever referred."""
    at = "/data/grounds"
    ruled_out = _ruled_out(incident)
    possible = [ground.value for ground in Ground if ground not in ruled_out]
    for ground in sorted(data.grounds & ruled_out.keys()):
        yield fault(at, "ground-impossible", f"{ground.value}: {ruled_out[ground]}", *possible)
    told = incident.apparent_grounds
    if data.grounds - ruled_out.keys() != told - ruled_out.keys() and not data.reasons:
        likely = told or incident.grounds_if(AbuseOrNeglect.SUSPECTED)
        detail = "The referral's facts call for other grounds than these: give the reasons for the difference."
        yield fault("/data/reasons", "grounds-need-reasons", detail, *(ground.value for ground in sorted(likely)))


def _ruled_out(incident: Incident) -> dict[Ground, str]:
    out: dict[Ground, str] = {}
    if incident.outside_england:
        out[Ground.S16C_A] = "it happened outside England, which is S16C_B."
    else:
        out[Ground.S16C_B] = "it happened in England, which is S16C_A."
    if all(child.age is not None and child.age >= ADULT for child in incident.children):
        out |= dict.fromkeys((*S16C, Ground.LAC_DEATH), "nobody in the incident is under 18.")
    return out


def _whose(incident: Incident, proposal: AnyEvent, data: NotifiabilityDecided, context: Context) -> Iterator[Fault]:
    """Of a looked-after child's or care leaver's death the authority whose child it was may tell, too (DOMAIN 1.1)."""
    own_child = data.grounds and not data.grounds & S16C
    also = (incident.home, incident.placing) if own_child else ()
    yield from not_the_authority(incident, proposal, context, *also)
