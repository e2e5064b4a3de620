"""What notifications knows of an incident, folded from the gateway's facts: pure, and indifferent to repeats."""

from dataclasses import dataclass, replace
from datetime import datetime

from contracts.codes import Ground
from contracts.deadlines import DeadlineMet, DeadlineMissed, DeadlineRecomputed, DeadlineSet
from contracts.envelope import AnyEvent
from contracts.incidents import IncidentLinked, IncidentReferred, NotifiabilityDecided
from contracts.notifications import PartnerNotified


@dataclass(frozen=True)
class Told:
    """When a partner was told, and how."""

    at: datetime
    channel: str


@dataclass(frozen=True)
class Case:
    """One incident as its notification needs it. `notifiable` is None until triage."""

    incident: str
    partnership: str = ""
    host_authority: str = ""
    areas: frozenset[str] = frozenset()
    other_areas: tuple[str, ...] = ()
    referrers: frozenset[str] = frozenset()
    notifiable: bool | None = None
    grounds: frozenset[Ground] = frozenset()
    became_aware_at: datetime | None = None
    linked_to: str | None = None
    duty_due: str | None = None
    awaiting_reason: bool = False
    told: tuple[tuple[str, Told], ...] = ()


DUTY = ("T01", "T03", "T04")
"""The clocks that a submission to the national system meets."""


def evolve(case: Case, fact: AnyEvent) -> Case:
    """The case after one more fact of the incident stream."""
    match fact.data:
        case IncidentReferred() as referral:
            areas = (referral.host_authority, referral.home_authority, referral.placing_authority)
            return replace(
                case,
                partnership=fact.partnership,
                host_authority=referral.host_authority,
                areas=frozenset(filter(None, areas)),
                other_areas=_other_areas(referral),
                referrers=case.referrers | ({fact.agency} if fact.agency else set()),
            )
        case NotifiabilityDecided() as decision:
            return replace(
                case,
                notifiable=decision.notifiable,
                grounds=decision.grounds,
                became_aware_at=decision.became_aware_at,
            )
        case IncidentLinked(twin=twin, lead=lead, undone=undone) if twin == case.incident:
            return replace(case, linked_to=None if undone else lead)
        case DeadlineSet(rule=rule, reckoned=reckoned) | DeadlineRecomputed(rule=rule, reckoned=reckoned) if (
            rule in DUTY and reckoned
        ):
            return replace(case, duty_due=reckoned.due.isoformat())
        case DeadlineMet(rule=rule, awaiting_reason=awaiting) if rule in DUTY:
            return replace(case, awaiting_reason=awaiting)
        case DeadlineMissed():
            return case
        case PartnerNotified(recipient=recipient, notified_at=at, channel=channel):
            others = tuple(entry for entry in case.told if entry[0] != recipient)
            return replace(case, told=(*others, (recipient, Told(at, channel))))
        case _:
            return case


def _other_areas(referral: IncidentReferred) -> tuple[str, ...]:
    """Whose partners must hear too: home and placing areas, and those named (DOMAIN T02, 1.4)."""
    named = (referral.home_authority, referral.placing_authority, *referral.other_areas_to_notify)
    return tuple(dict.fromkeys(area for area in named if area and area != referral.host_authority))
