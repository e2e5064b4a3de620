"""Every event type once: its version, stream and owner, who may propose it, and the most anyone may see of it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from pydantic import BaseModel

from contracts import agreements, calendars, corrections, deadlines, incidents, notifications, submissions, vault
from contracts.ceilings import (
    ANSWER,
    CLOCK,
    CORRECTION,
    DRAFT,
    EXCLUSION,
    FILED,
    INCIDENT_WORK,
    OUTCOME,
    PUBLIC_CALENDAR,
    READ,
    RECALL,
    REFERRAL,
    REGISTER,
    Ceiling,
)
from contracts.codes import AgencyType, Role
from contracts.envelope import AnyEvent, Event, schema_urn
from contracts.sealing import Model

INCIDENTS = "safeguarding.incidents"
NOTIFICATIONS = "safeguarding.notifications"
CALENDAR = "safeguarding.calendar"
DIRECTORY = "safeguarding.directory"
ANSWERS = "answers"


@dataclass(frozen=True)
class Proposer:
    """Who may propose a type: a kind of agency, and the role of the person (None: the agency's own system too)."""

    agency: AgencyType | None
    role: Role | None = None


@dataclass(frozen=True)
class EventType:
    """One type. `model` is of today's major version; `earlier` holds the models of the versions before it, for good:
    facts of them lie in logs.

    `minors` are those of earlier versions that were added to since: they share parts with today's. `retired` are the
    earlier versions that nobody may propose or ask for any more.
    """

    name: str
    model: type[Model]
    topic: str
    owner: str
    meaning: str
    ceiling: Ceiling
    proposers: tuple[Proposer, ...] = ()
    major: int = 1
    minor: int = 0
    earlier: Mapping[int, type[Model]] = field(default_factory=dict)
    minors: Mapping[int, int] = field(default_factory=dict)
    retired: frozenset[int] = frozenset()

    @property
    def wire_type(self) -> str:
        """The CloudEvents type: `incident.referred.v1`."""
        return f"{self.name}.v{self.major}"

    @property
    def schema(self) -> str:
        """The `dataschema` of today's version."""
        return self.schema_of(self.major)

    def minor_of(self, major: int) -> int:
        """The newest minor version of a major one."""
        return self.minor if major == self.major else self.minors.get(major, 0)

    def schema_of(self, major: int) -> str:
        """The `dataschema` of the newest of a major version."""
        return schema_urn(self.name, major, self.minor_of(major))

    @property
    def models(self) -> Mapping[int, type[Model]]:
        """The model of every major version that a fact may have, retired ones among them, oldest first."""
        return dict(sorted(self.earlier.items())) | {self.major: self.model}

    def versions(self) -> Iterator[tuple[int, type[Model]]]:
        """Every major version that is in use, with its model, oldest first."""
        yield from ((major, model) for major, model in self.models.items() if major not in self.retired)


_ANY_SYSTEM = tuple(
    Proposer(kind)
    for kind in (
        AgencyType.LOCAL_AUTHORITY,
        AgencyType.ICB,
        AgencyType.POLICE_FORCE,
        AgencyType.SCHOOL,
        AgencyType.PROBATION,
        AgencyType.PROVIDER,
    )
)
_LA = AgencyType.LOCAL_AUTHORITY
_APPROVER = (Proposer(_LA, Role.APPROVER),)
_NOTIFIER = (Proposer(_LA, Role.NOTIFIER),)
_EITHER = (Proposer(_LA, Role.NOTIFIER), Proposer(_LA, Role.APPROVER))
_UNIT = (Proposer(None, Role.BUSINESS_UNIT),)
_ADMINISTRATION = (Proposer(None, Role.ADMINISTRATOR), *_UNIT)
_EXCLUDERS = (*_APPROVER, *_UNIT)
_NATIONAL = (Proposer(AgencyType.PANEL), Proposer(AgencyType.DEPARTMENT), Proposer(AgencyType.OFSTED))


def _incident(
    name: str,
    model: type[Model],
    meaning: str,
    ceiling: Ceiling,
    proposers: tuple[Proposer, ...] = (),
    **more: Any,
) -> EventType:
    return EventType(name, model, INCIDENTS, "gateway", meaning, ceiling, proposers, **more)


def _directory(
    name: str, model: type[Model], meaning: str, proposers: tuple[Proposer, ...] = _ADMINISTRATION
) -> EventType:
    return EventType(name, model, DIRECTORY, "gateway", meaning, REGISTER, proposers)


def _notification(
    name: str, model: type[Model], meaning: str, ceiling: Ceiling, proposers: tuple[Proposer, ...], **more: Any
) -> EventType:
    return EventType(name, model, NOTIFICATIONS, "notifications", meaning, ceiling, proposers, **more)


_TYPES = (
    _incident(
        "incident.referred",
        incidents.IncidentReferred,
        "An agency referred a possible incident.",
        REFERRAL,
        _ANY_SYSTEM,
        minor=1,
    ),
    _incident(
        "incident.linked",
        incidents.IncidentLinked,
        "Two referrals are of one incident, or no longer.",
        INCIDENT_WORK,
        _EITHER,
    ),
    _incident(
        "awareness.corrected",
        incidents.AwarenessCorrected,
        "The authority knew at another time.",
        INCIDENT_WORK,
        _APPROVER,
    ),
    _incident(
        "notifiability.decided", incidents.NotifiabilityDecided, "The authority decided triage.", OUTCOME, _APPROVER
    ),
    _incident(
        "incident.corrected",
        corrections.IncidentCorrected,
        "Fields of the referral were wrong: what is right, each with its reason.",
        CORRECTION,
        _EITHER,
    ),
    _incident(
        "incident.recalled",
        corrections.IncidentRecalled,
        "An event should not have been sent: it goes to everyone who received that event.",
        RECALL,
        _EITHER,
    ),
    _incident(
        "subjects.merged", corrections.SubjectsMerged, "A person decided: two subjects are one child.", DRAFT, _EITHER
    ),
    _incident("subjects.split", corrections.SubjectsSplit, "They are two children after all.", DRAFT, _EITHER),
    _incident("incident.closed", incidents.IncidentClosed, "Nothing more is to be done here.", INCIDENT_WORK),
    _incident("deadline.set", deadlines.DeadlineSet, "A clock runs.", CLOCK),
    _incident("deadline.due-soon", deadlines.DeadlineDueSoon, "A clock will soon run out.", CLOCK),
    _incident("deadline.missed", deadlines.DeadlineMissed, "The due day has passed.", CLOCK),
    _incident("deadline.met", deadlines.DeadlineMet, "What was asked for was done, in time or late.", CLOCK),
    _incident("deadline.recomputed", deadlines.DeadlineRecomputed, "A clock was reckoned again.", CLOCK),
    _incident("deadline.cancelled", deadlines.DeadlineCancelled, "A clock no longer applies.", CLOCK),
    _incident("deadline.paused", deadlines.DeadlinePaused, "A clock stands still.", CLOCK),
    _incident("deadline.resumed", deadlines.DeadlineResumed, "A clock runs on.", CLOCK),
    _incident(
        "partner.notified", notifications.PartnerNotified, "A partner was told.", INCIDENT_WORK, (*_EITHER, *_UNIT)
    ),
    _notification(
        "notification.drafted", notifications.NotificationDrafted, "A draft was written.", DRAFT, _NOTIFIER, minor=1
    ),
    _notification(
        "notification.approved", notifications.NotificationApproved, "A version was approved.", DRAFT, _APPROVER
    ),
    _notification(
        "notification.returned-to-draft",
        notifications.NotificationReturnedToDraft,
        "It needs more work.",
        DRAFT,
        _EITHER,
    ),
    _notification(
        "notification.submitted",
        notifications.NotificationSubmitted,
        "It reached the national portal.",
        FILED,
        _NOTIFIER,
    ),
    _notification(
        "notification.delay-explained", notifications.NotificationDelayExplained, "Why it was late.", FILED, _EITHER
    ),
    _notification(
        "notification.amended",
        notifications.NotificationAmended,
        "An amendment reached the national portal.",
        FILED,
        _NOTIFIER,
        major=2,
        minor=1,
        earlier={1: notifications.NotificationAmendedV1},
        minors={1: 1},
    ),
    _notification("notification.withdrawn", notifications.NotificationWithdrawn, "It was withdrawn.", FILED, _APPROVER),
    _notification(
        "notification.acknowledged",
        notifications.NotificationAcknowledged,
        "A recipient acknowledged it.",
        FILED,
        (*_NOTIFIER, *_NATIONAL),
    ),
    _notification("notification.closed", notifications.NotificationClosed, "Its life here ended.", FILED, ()),
    _notification("notification.exported", notifications.NotificationExported, "Somebody took a copy.", DRAFT, ()),
    EventType(
        "submission.answered",
        submissions.SubmissionAnswered,
        ANSWERS,
        "every owner",
        "What became of a submission.",
        ANSWER,
    ),
    EventType(
        "subject.likeness-noticed",
        vault.SubjectLikenessNoticed,
        vault.VAULT,
        "vault",
        "Two subjects may be one child: a person decides.",
        DRAFT,
    ),
    EventType(
        "record.erased",
        vault.RecordErased,
        vault.ERASURES,
        "vault",
        "A key was destroyed: the vault destroys it again after any restore.",
        ANSWER,
    ),
    EventType(
        "record.read",
        vault.RecordRead,
        vault.VAULT,
        "vault",
        "Somebody looked at what the vault keeps: its owner is told.",
        READ,
    ),
    EventType(
        "calendar.day-proposed",
        calendars.CalendarDayProposed,
        CALENDAR,
        "gateway",
        "A day off was proposed.",
        PUBLIC_CALENDAR,
        _UNIT,
    ),
    EventType(
        "calendar.day-added",
        calendars.CalendarDayAdded,
        CALENDAR,
        "gateway",
        "A day off counts.",
        PUBLIC_CALENDAR,
        _UNIT,
    ),
    _incident(
        "exclusion.proposed",
        agreements.ExclusionProposed,
        "Somebody should be shut out of the incident, or let in again.",
        EXCLUSION,
        _EXCLUDERS,
    ),
    _incident("exclusion.approved", agreements.ExclusionApproved, "Somebody is shut out of it.", EXCLUSION, _EXCLUDERS),
    _incident("exclusion.ended", agreements.ExclusionEnded, "Somebody is let in again.", EXCLUSION, _EXCLUDERS),
    _directory(
        "partnership.established", agreements.PartnershipEstablished, "A partnership is there, with its areas.", ()
    ),
    _directory("agency.listed", agreements.AgencyListed, "An agency belongs to the partnership."),
    _directory("agency.withdrawn", agreements.AgencyWithdrawn, "An agency belongs to it no more."),
    _directory("agreement.proposed", agreements.AgreementProposed, "A sharing agreement awaits a second person."),
    _directory("agreement.approved", agreements.AgreementApproved, "A sharing agreement counts."),
    _directory("agreement.ended", agreements.AgreementEnded, "A sharing agreement counts no more."),
)

CATALOGUE: Mapping[str, EventType] = {entry.name: entry for entry in _TYPES}


class UnknownType(LookupError):
    """No such type, or no such version of it. `known` names the ones there are, in use."""

    def __init__(self, type_: str, known: tuple[str, ...]) -> None:
        super().__init__("unknown event type or version")
        self.type = type_
        self.known = known


@cache
def version(type_: str) -> tuple[EventType, int, type[Event[Any]]]:
    """The entry, major version and envelope class of a CloudEvents type, in use or retired; raises `UnknownType`."""
    name, _, major = type_.rpartition(".v")
    entry = CATALOGUE.get(name)
    if entry is None:
        raise UnknownType(type_, tuple(e.wire_type for e in _TYPES))
    for number, model in entry.models.items():
        if major == str(number):
            return entry, number, Event[model]  # type: ignore[valid-type]
    raise _unknown(type_, entry)


def version_in_use(type_: str) -> tuple[EventType, int, type[Event[Any]]]:
    """The same of a type as it is proposed; raises `UnknownType` for a retired version too."""
    entry, major, envelope = version(type_)
    if major in entry.retired:
        raise _unknown(type_, entry)
    return entry, major, envelope


def _unknown(type_: str, entry: EventType) -> UnknownType:
    return UnknownType(type_, tuple(f"{entry.name}.v{number}" for number, _ in entry.versions()))


def parse(value: Mapping[str, Any]) -> AnyEvent:
    """An event of the version it says it is. Raises `UnknownType`, or pydantic's `ValidationError` without values."""
    type_ = value.get("type")
    _, _, envelope = version(type_ if isinstance(type_, str) else "")
    return envelope.model_validate(value)


def model_of(event: AnyEvent) -> type[BaseModel]:
    """The data model of an event's own version."""
    return type(event.data)


def topic_of(event: AnyEvent) -> str:
    """The topic that an event's type belongs to."""
    return CATALOGUE[event.name].topic
