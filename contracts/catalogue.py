"""Every event type once: its version, stream and owner, who may propose it, and the most anyone may see of it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from pydantic import BaseModel

from contracts import (
    agreements,
    calendars,
    corrections,
    deadlines,
    incidents,
    local_rules,
    notifications,
    practice_reviews,
    reviews,
    submissions,
    vault,
)
from contracts.ceilings import (
    ADVANCE,
    ANSWER,
    ASKED,
    CLOCK,
    CORRECTION,
    DRAFT,
    EXCLUSION,
    FILED,
    INCIDENT_WORK,
    OUTCOME,
    PUBLIC_CALENDAR,
    PUBLISHED,
    READ,
    RECALL,
    REFERRAL,
    REGISTER,
    REPORT,
    REVIEW_WORK,
    TO_PANEL,
    Ceiling,
)
from contracts.codes import AgencyType, Role
from contracts.envelope import AnyEvent, Event, schema_urn
from contracts.sealing import Model

INCIDENTS = "safeguarding.incidents"
NOTIFICATIONS = "safeguarding.notifications"
REVIEWS = "safeguarding.reviews"
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

    `elsewhere`: a type that stands in the stream of what it is about is said by several owners, each on its topic.
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
    elsewhere: Mapping[str, str] = field(default_factory=dict)

    @property
    def topics(self) -> tuple[str, ...]:
        """Every topic that carries it."""
        return (self.topic, *self.elsewhere.values())

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
_ANY_LEAD = (*_ANY_SYSTEM, Proposer(None, Role.LEAD), *_UNIT)
_PARTNERS = (
    Proposer(_LA, Role.APPROVER),
    *(Proposer(kind, Role.PARTNER) for kind in (_LA, AgencyType.ICB, AgencyType.POLICE_FORCE)),
)
_PARTNERS_OR_UNIT = (*_UNIT, *_PARTNERS)
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


def _deadline(name: str, model: type[Model], meaning: str, minor: int = 0) -> EventType:
    """It stands in the stream of what it times, under whichever owner."""
    return EventType(
        name, model, INCIDENTS, "gateway", meaning, CLOCK, minor=minor, elsewhere={"rapid-review": REVIEWS}
    )


def _review(
    name: str, model: type[Model], meaning: str, ceiling: Ceiling, proposers: tuple[Proposer, ...] = (), **more: Any
) -> EventType:
    return EventType(name, model, REVIEWS, "rapid-review", meaning, ceiling, proposers, **more)


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
    _deadline("deadline.set", deadlines.DeadlineSet, "A clock runs.", minor=1),
    _deadline("deadline.due-soon", deadlines.DeadlineDueSoon, "A clock will soon run out."),
    _deadline("deadline.missed", deadlines.DeadlineMissed, "The due day has passed."),
    _deadline("deadline.met", deadlines.DeadlineMet, "What was asked for was done, in time or late."),
    _deadline("deadline.recomputed", deadlines.DeadlineRecomputed, "A clock was reckoned again.", minor=1),
    _deadline("deadline.cancelled", deadlines.DeadlineCancelled, "A clock no longer applies."),
    _deadline("deadline.paused", deadlines.DeadlinePaused, "A clock stands still."),
    _deadline("deadline.resumed", deadlines.DeadlineResumed, "A clock runs on.", minor=1),
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
    _review("review.opened", reviews.ReviewOpened, "A rapid review began.", REVIEW_WORK),
    _review("review.cancelled", reviews.ReviewCancelled, "There is nothing to review after all.", REVIEW_WORK),
    _review("review.planned", reviews.ReviewPlanned, "Its plan is this one.", REVIEW_WORK, _UNIT),
    _review("information.requested", reviews.InformationRequested, "An agency is asked what it knows.", ASKED, _UNIT),
    _review(
        "information.acknowledged", reviews.InformationAcknowledged, "The agency has the request.", ASKED, _ANY_LEAD
    ),
    _review(
        "information.contributed", reviews.InformationContributed, "A part of a long chronology.", ASKED, _ANY_LEAD
    ),
    _review("information.returned", reviews.InformationReturned, "The agency's answer.", ASKED, _ANY_LEAD),
    _review("information.chased", reviews.InformationChased, "An agency that owes an answer was chased.", ASKED),
    _review("return.accepted", reviews.ReturnAccepted, "The answer is what was asked for.", ASKED, _UNIT),
    _review("return.queried", reviews.ReturnQueried, "The answer needs more detail.", ASKED, _UNIT),
    _review("gaps.recorded", reviews.GapsRecorded, "The review goes on without some answers.", REVIEW_WORK, _UNIT),
    _review("meeting.held", reviews.MeetingHeld, "The case group met.", REVIEW_WORK, _UNIT),
    _review("review.drafted", reviews.ReviewDrafted, "The report was written.", REPORT, _UNIT),
    _review("view.recorded", reviews.ViewRecorded, "A partner agrees with the report, or dissents.", REPORT, _PARTNERS),
    _review(
        "review.commented",
        reviews.ReviewCommented,
        "The scrutineer's comment.",
        REPORT,
        (Proposer(None, Role.SCRUTINEER),),
    ),
    _review("review.signed-off", reviews.ReviewSignedOff, "All three partners have recorded their views.", REPORT),
    _review("review.submitted", reviews.ReviewSubmitted, "The report reached the Panel.", TO_PANEL, _UNIT),
    _review(
        "panel.answered",
        reviews.PanelAnswered,
        "The Panel's reply to a rapid review.",
        TO_PANEL,
        (*_UNIT, Proposer(AgencyType.PANEL)),
    ),
    _review("review.closed", reviews.ReviewClosed, "The rapid review ended.", TO_PANEL, _UNIT),
    _review(
        "learning.noted",
        reviews.LearningNoted,
        "Learning that cannot wait for the end of a review.",
        REVIEW_WORK,
        _PARTNERS_OR_UNIT,
    ),
    _review("review.exported", reviews.ReviewExported, "Somebody took a copy.", REVIEW_WORK),
    _review(
        "practice-review.decided",
        practice_reviews.PracticeReviewDecided,
        "A partner decided to initiate a practice review.",
        REVIEW_WORK,
        _PARTNERS,
    ),
    _review(
        "practice-review.commissioned",
        practice_reviews.PracticeReviewCommissioned,
        "All three partners have decided it.",
        ADVANCE,
    ),
    _review(
        "practice-review.scoped", practice_reviews.PracticeReviewScoped, "Its terms of reference.", REVIEW_WORK, _UNIT
    ),
    _review("reviewer.appointed", practice_reviews.ReviewerAppointed, "Who leads the review.", REVIEW_WORK, _UNIT),
    _review("reviewer.removed", practice_reviews.ReviewerRemoved, "Who led it does no more.", REVIEW_WORK, _UNIT),
    _review(
        "practice-review.monitored",
        practice_reviews.PracticeReviewMonitored,
        "The partners looked at its time and quality.",
        REVIEW_WORK,
        _PARTNERS_OR_UNIT,
    ),
    _review(
        "involvement.recorded",
        practice_reviews.InvolvementRecorded,
        "A step towards those who should have a part in it.",
        REVIEW_WORK,
        _UNIT,
    ),
    _review("delay.notified", practice_reviews.DelayNotified, "Why it will be late.", ADVANCE, _UNIT),
    _review("practice-review.paused", practice_reviews.PracticeReviewPaused, "Work on it rests.", REVIEW_WORK, _UNIT),
    _review(
        "practice-review.resumed", practice_reviews.PracticeReviewResumed, "Work on it goes on.", REVIEW_WORK, _UNIT
    ),
    _review("practice-review.drafted", practice_reviews.PracticeReviewDrafted, "A draft of its report.", REPORT, _UNIT),
    _review(
        "response.agreed",
        practice_reviews.ResponseAgreed,
        "The partnership's response to it.",
        REPORT,
        _PARTNERS_OR_UNIT,
    ),
    _review("redaction.scanned", practice_reviews.RedactionScanned, "What the scanner found in it.", REPORT),
    _review(
        "redaction.checked",
        practice_reviews.RedactionChecked,
        "A person read it for what could tell who it is about.",
        REPORT,
        _PARTNERS_OR_UNIT,
    ),
    _review(
        "publication.planned",
        practice_reviews.PublicationPlanned,
        "When it is to be public.",
        ADVANCE,
        _PARTNERS_OR_UNIT,
    ),
    _review(
        "advance-copy.delivered",
        practice_reviews.AdvanceCopyDelivered,
        "A recipient has it ahead of its publication.",
        ADVANCE,
        _UNIT,
    ),
    _review(
        "practice-review.published",
        practice_reviews.PracticeReviewPublished,
        "The public can read it.",
        PUBLISHED,
        _PARTNERS_OR_UNIT,
    ),
    _review(
        "practice-review.unpublished",
        practice_reviews.PracticeReviewUnpublished,
        "It is not to be read any more.",
        PUBLISHED,
        _PARTNERS_OR_UNIT,
    ),
    _review(
        "practice-review.ended", practice_reviews.PracticeReviewEnded, "It was given up.", ADVANCE, _PARTNERS_OR_UNIT
    ),
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
    _directory(
        "rules.adopted", local_rules.RulesAdopted, "A partnership's own readings and plan of a rapid review.", _UNIT
    ),
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
    """The topic that an event's type belongs to, as its source says it."""
    entry = CATALOGUE[event.name]
    return entry.elsewhere.get(event.source.rpartition("/")[2], entry.topic) if entry.elsewhere else entry.topic
