"""What notifications knows of an incident, folded from the gateway's facts: pure, and indifferent to repeats."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from contracts.agreements import ExclusionApproved, ExclusionEnded
from contracts.codes import Ground
from contracts.corrections import IncidentCorrected, IncidentRecalled, wrong_recipients
from contracts.deadlines import DeadlineCancelled, DeadlineMet, DeadlineRecomputed, DeadlineSet, Reckoned
from contracts.envelope import AnyEvent
from contracts.exclusions import NOBODY, Exclusions
from contracts.incidents import AwarenessCorrected, IncidentLinked, IncidentReferred, NotifiabilityDecided
from contracts.notifications import PartnerNotified
from services.notifications.recipients import any_child


@dataclass(frozen=True)
class Told:
    """When a recipient was told, and how."""

    at: datetime
    channel: str


@dataclass(frozen=True)
class Case:
    """One incident as its notification needs it.

    `child`: whether anybody in it is under 18. `notifiable` is None until triage; `grounds` are the last ones decided;
    `clocks` by their key. `late_unexplained` are the clocks that were met late without a reason. `recalled` has, by the
    id of a fact that was taken back, its wrong recipients; nobody named: everybody but the authority.
    """

    incident: str
    partnership: str = ""
    host_authority: str = ""
    occurred_from: date | None = None
    areas: frozenset[str] = frozenset()
    other_areas: tuple[str, ...] = ()
    referrers: frozenset[str] = frozenset()
    child: bool = True
    notifiable: bool | None = None
    grounds: frozenset[Ground] = frozenset()
    became_aware_at: datetime | None = None
    linked_to: str | None = None
    clocks: Mapping[str, Reckoned] = field(default_factory=dict)
    late_unexplained: frozenset[str] = frozenset()
    told: Mapping[str, Told] = field(default_factory=dict)
    exclusions: Exclusions = NOBODY
    recalled: Mapping[str, frozenset[str]] = field(default_factory=dict)


DUTY = ("T01", "T03", "T04")
"""The clocks that a submission to the national system meets."""


def evolve(case: Case, fact: AnyEvent) -> Case:
    """The case after one more fact of the incident stream."""
    match fact.data:
        case IncidentReferred() as referral:
            return _referred(case, referral, fact)
        case NotifiabilityDecided(notifiable=notifiable, grounds=grounds, became_aware_at=aware):
            # What was submitted on these grounds may cross a later "not notifiable": they are not forgotten.
            return replace(case, notifiable=notifiable, grounds=grounds or case.grounds, became_aware_at=aware)
        case IncidentCorrected() as corrected:
            return _corrected(case, corrected)
        case IncidentRecalled(event=event, recipients=recipients):
            return replace(
                case, recalled={**case.recalled, event: wrong_recipients(case.recalled.get(event), recipients)}
            )
        case AwarenessCorrected(aware_at=at):
            return replace(case, became_aware_at=at)
        case IncidentLinked(twin=twin, lead=lead, undone=undone) if twin == case.incident:
            return replace(case, linked_to=None if undone else lead)
        case DeadlineSet(clock=clock, reckoned=reckoned) | DeadlineRecomputed(clock=clock, reckoned=reckoned):
            return replace(case, clocks={**case.clocks, clock: reckoned} if reckoned else _without(case.clocks, clock))
        case DeadlineCancelled(clock=clock):
            return replace(case, clocks=_without(case.clocks, clock))
        case DeadlineMet(clock=clock, awaiting_reason=awaiting):
            others = case.late_unexplained - {clock}
            return replace(case, late_unexplained=others | {clock} if awaiting else others)
        case PartnerNotified(recipient=recipient, notified_at=at, channel=channel):
            return replace(case, told={**case.told, recipient: Told(at, channel)})
        case ExclusionApproved() | ExclusionEnded():
            return replace(case, exclusions=case.exclusions.after(fact.data))
        case _:
            return case


def _referred(case: Case, referral: IncidentReferred, fact: AnyEvent) -> Case:
    areas = (referral.host_authority, referral.home_authority, referral.placing_authority)
    named = dict.fromkeys((*areas[1:], *referral.other_areas_to_notify))
    return replace(
        case,
        partnership=fact.partnership,
        host_authority=referral.host_authority,
        occurred_from=referral.occurrence.date_from,
        areas=frozenset(filter(None, areas)),
        # Whose partners must hear too: home and placing areas, and those named (DOMAIN T02, 1.4).
        other_areas=tuple(area for area in named if area and area != referral.host_authority),
        child=any_child(referral.children),
        referrers=case.referrers | ({fact.agency} if fact.agency else set()),
    )


def _corrected(case: Case, corrected: IncidentCorrected) -> Case:
    """An area that was named by mistake has nothing to do with it any more, nor have its partners."""
    occurred = corrected.occurrence.date_from if corrected.occurrence else case.occurred_from
    named = {corrected.home_authority, corrected.placing_authority}
    return replace(
        case,
        occurred_from=occurred,
        child=any_child(corrected.children) if corrected.children else case.child,
        areas=frozenset(corrected.areas) & (case.areas | named),
        other_areas=tuple(area for area in corrected.areas if area != case.host_authority),
    )


def _without(clocks: Mapping[str, Reckoned], clock: str) -> Mapping[str, Reckoned]:
    return {key: reckoned for key, reckoned in clocks.items() if key != clock}


def duty_clock(case: Case) -> Reckoned | None:
    """The reckoning of the clock that a submission meets: T01 where it runs."""
    return next((case.clocks[rule] for rule in DUTY if rule in case.clocks), None)
