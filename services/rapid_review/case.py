"""What is known of the incident and of its notification: facts of two topics, folded in whatever order they come."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from contracts.corrections import IncidentCorrected
from contracts.deadlines import DeadlineRecomputed, DeadlineSet
from contracts.envelope import AnyEvent
from contracts.incidents import AwarenessCorrected, IncidentLinked, IncidentReferred, NotifiabilityDecided
from contracts.notifications import (
    NotificationAmended,
    NotificationSubmitted,
    NotificationWithdrawn,
    PartnerNotified,
)
from contracts.rules.grounds import S16C, review_follows

DUTY_CLOCK = "T01"


@dataclass(frozen=True)
class Opening:
    """The filing that a review follows from: the notification, or the amendment that added a section 16C ground."""

    fact: str
    portal_time: datetime
    grounds: frozenset[str]
    amendment: bool = False


@dataclass(frozen=True)
class Case:
    """One incident. `host` is the area whose authority holds the duty, empty until the referral is known here.

    `aware_at` is what its facts say of awareness, `counted_from` the instant that the gateway counts from, links and
    reopenings weighed; `participants` are agencies that take part. `read` tells, by owner, how far it is folded.
    """

    incident: str
    partnership: str = ""
    host: str = ""
    other_areas: tuple[str, ...] = ()
    occurred_from: date | None = None
    subjects: frozenset[str] = frozenset()
    participants: frozenset[str] = frozenset()
    aware_at: datetime | None = None
    counted_from: datetime | None = None
    linked_to: str | None = None
    filed: bool = False
    opening: Opening | None = None
    withdrawn: bool = False
    read: Mapping[str, int] = field(default_factory=dict)

    @property
    def awareness(self) -> datetime | None:
        """The authority's awareness that counts; None while nothing is known of it."""
        return self.counted_from or self.aware_at

    @property
    def to_review(self) -> Opening | None:
        """What calls for a rapid review; None where nothing does, not any more, or on another incident (DOMAIN T06)."""
        return None if self.withdrawn or self.linked_to else self.opening


def evolve(case: Case, fact: AnyEvent) -> Case:
    """The case after one more fact of the incident or of its notification. One read before changes nothing."""
    version = fact.streamversion or case.read.get(fact.source, 0) + 1
    if version <= case.read.get(fact.source, 0):
        return case
    return replace(_after(case, fact), read={**case.read, fact.source: version})


def _after(case: Case, fact: AnyEvent) -> Case:
    match fact.data:
        case IncidentReferred() as referral:
            return _referred(case, referral, fact)
        case IncidentCorrected() as corrected:
            return _corrected(case, corrected)
        case NotifiabilityDecided(became_aware_at=at) | AwarenessCorrected(aware_at=at):
            return replace(case, aware_at=at)
        case DeadlineSet(clock=clock, reckoned=told) | DeadlineRecomputed(clock=clock, reckoned=told) if (
            clock == DUTY_CLOCK
        ):
            return replace(case, counted_from=told.started_at if told else None)
        case DeadlineSet(recipient=str(recipient)):
            return replace(case, participants=case.participants | {recipient})
        case IncidentLinked(twin=twin, lead=lead, undone=undone) if twin == case.incident:
            return replace(case, linked_to=None if undone else lead)
        case PartnerNotified(recipient=recipient):
            return replace(case, participants=case.participants | {recipient})
        case NotificationSubmitted() as filed:
            return replace(case, partnership=fact.partnership, filed=True, opening=_filed(case, filed, fact))
        case NotificationAmended() as amended:
            return replace(case, partnership=fact.partnership, filed=True, opening=_amended(case, amended, fact))
        case NotificationWithdrawn():
            return replace(case, withdrawn=True)
        case _:
            return case


def _referred(case: Case, referral: IncidentReferred, fact: AnyEvent) -> Case:
    placing = (child.placing_authority for child in referral.children)
    named = (referral.home_authority, referral.placing_authority, *placing, *referral.other_areas_to_notify)
    return replace(
        case,
        partnership=fact.partnership,
        host=referral.host_authority,
        other_areas=tuple(dict.fromkeys(area for area in named if area and area != referral.host_authority)),
        occurred_from=referral.occurrence.date_from,
        subjects=frozenset(child.subject for child in referral.children if child.subject),
        participants=case.participants | ({fact.agency} if fact.agency else set()),
    )


def _corrected(case: Case, corrected: IncidentCorrected) -> Case:
    children = corrected.children or ()
    return replace(
        case,
        other_areas=tuple(area for area in corrected.areas if area != case.host),
        occurred_from=corrected.occurrence.date_from if corrected.occurrence else case.occurred_from,
        subjects=frozenset(child.subject for child in children if child.subject) or case.subjects,
        participants=case.participants - frozenset(corrected.leaving),
    )


def _filed(case: Case, filed: NotificationSubmitted, fact: AnyEvent) -> Opening | None:
    """A corrected portal time moves what the notification opened, and never what an amendment did (4A items 2, 10)."""
    opened = case.opening
    if opened is None:
        follows = review_follows(filed.grounds)
        return Opening(fact.id, filed.portal_time, frozenset(filed.grounds)) if follows else None
    return opened if opened.amendment else replace(opened, portal_time=filed.portal_time)


def _amended(case: Case, amended: NotificationAmended, fact: AnyEvent) -> Opening | None:
    if case.opening is not None or not amended.added_grounds & S16C:
        return case.opening
    return Opening(fact.id, amended.portal_time, frozenset(amended.content.grounds), amendment=True)
