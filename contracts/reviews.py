"""The rapid review, owned by rapid_review: from the submitted notification to the Panel's reply (DOMAIN 3.2, 4, 4A).

Each fact's subject is the incident. What is said of a case is sealed; dates, codes and counts are not.
"""

from datetime import date, time
from typing import Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, WithJsonSchema, model_validator

from contracts.codes import Grounds, YesNoNotKnown
from contracts.envelope import EventId, Instant
from contracts.for_some import ForSome
from contracts.identifiers import AgencyId, ExternalReference, Reference, SubjectId
from contracts.review_codes import (
    AdviceSet,
    Attendance,
    AttendsAs,
    Chase,
    Criteria,
    EntryKind,
    LegalBasis,
    Outcome,
    PanelView,
    Partner,
    PartnerView,
    Task,
)
from contracts.sealing import DocumentReference, Model, Narrative, Sealed, SealedContact, Words

RequestId = Annotated[str, StringConstraints(pattern=r"^request-[0-9a-f]{32}$")]
Version = Annotated[int, Field(ge=1)]
WorkingDay = Annotated[int, Field(ge=0, le=60)]
Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=80)]
"""Of a task in a partnership's plan: what is to be done, never about whom."""

NamedDay = Annotated[date, Field(ge=date(1900, 1, 1), le=date(2999, 12, 31))]
"""A day to count from and to: whatever an empty field of some system stands for (year 1, year 9999) is none."""


def _on_the_clock(at: time) -> time:
    if at.tzinfo is not None:
        raise ValueError("give the time as a clock in London shows it, without an offset, such as 14:30:00")
    return at


_TIME_OF_DAY = {"type": "string", "pattern": r"^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,6})?)?$"}
"""JSON Schema's own format `time` wants the offset that is refused here."""

TimeOfDay = Annotated[time, AfterValidator(_on_the_clock), WithJsonSchema(_TIME_OF_DAY)]
"""In London. One with an offset could not be put in order with those that have none."""


class Addressed(ForSome):
    """What one agency is asked or answers: of other agencies only the authority that holds the duty sees it."""

    for_whom: ClassVar[str] = "the agency that is asked, and the authority that holds the duty"

    agency: AgencyId = Field(description="The agency that is asked.")

    def is_for(self, agency: str, authority: str | None) -> bool:
        """Whether an agency is told; `authority` holds the duty for the incident."""
        return agency in (self.agency, authority)


class PlannedTask(Model):
    """A task of the plan: on which working day of the review, and so by which date (given by the owner)."""

    task: Task
    day: WorkingDay
    title: Title | None = Field(None, description="For a task of the partnership's own.")
    due: date | None = Field(None, description="Given by the owner; absent where no calendar reaches.")

    @model_validator(mode="after")
    def named(self) -> Self:
        if (self.task is Task.OTHER) != (self.title is not None):
            raise ValueError("a task of your own (other) has a title, and no other task has one")
        return self


def _once_each(plan: tuple[PlannedTask, ...]) -> tuple[PlannedTask, ...]:
    named = [each.task for each in plan if each.task is not Task.OTHER]
    if len(named) != len(set(named)):
        raise ValueError("each task stands once in a plan; only those of your own (other) may be several")
    return plan


Plan = Annotated[tuple[PlannedTask, ...], Field(max_length=30), AfterValidator(_once_each)]


class ReviewOpened(Model):
    """A rapid review began, by itself: a notification on a section 16C ground was submitted, or an amendment added
    one."""

    rule: Annotated[str, Field(pattern=r"^T06[ab]$")]
    notification: EventId = Field(description="The fact that opened it.")
    portal_time: Instant
    grounds: Grounds
    plan: Plan


class ReviewCancelled(Model):
    because: Annotated[str, Field(pattern=r"^(withdrawn|linked)$")]


class ReviewPlanned(Model):
    """The plan of this review is another than the partnership's template; the whole of it."""

    plan: Annotated[Plan, Field(min_length=1)]


class InformationRequested(Addressed):
    """An agency is asked for what it knows: the minimum of DOMAIN section 5, and nothing of the notification's story.

    Who the subjects are, the agency looks up under its request; identifiers only in the kind that is its key.
    """

    request: RequestId | None = Field(None, description="Given by the owner.")
    lead: SealedContact | None = Field(None, description="The agency's safeguarding lead.")
    legal_basis: Annotated[tuple[LegalBasis, ...], Field(min_length=1)]
    scope_from: NamedDay
    scope_to: NamedDay
    subjects: Annotated[tuple[SubjectId, ...], Field(min_length=1, max_length=20)]
    household: Narrative | None = Field(None, description="Members of the household who are needed for matching.")
    reason: Narrative = Field(description="One neutral sentence.")
    due: NamedDay | None = Field(None, description="By the plan, where it is left out.")

    @model_validator(mode="after")
    def a_period(self) -> Self:
        if self.scope_to < self.scope_from:
            raise ValueError("the period ends before it begins")
        return self


class InformationAcknowledged(Addressed):
    request: RequestId


class EntryWords(Model):
    """What an entry says, for the vault alone. The practitioner is named by role, never by name."""

    event: Words
    voice_of_the_child: Words | None = None
    significance: Words | None = None
    source_system: Annotated[Words, StringConstraints(max_length=200)] | None = None
    practitioner_role: Annotated[Words, StringConstraints(max_length=200)] | None = None


SealedEntry = Annotated[EntryWords | Reference, Sealed("incident", "entry")]


class ChronologyEntry(Model):
    """One line of an agency's chronology. `at`, as a clock in London shows it, is left out where only the day
    is known."""

    day: date
    at: TimeOfDay | None = None
    kind: EntryKind = EntryKind.OTHER
    subjects: Annotated[tuple[SubjectId, ...], Field(max_length=20)] = ()
    child_seen: YesNoNotKnown = YesNoNotKnown.NOT_KNOWN
    voice_heard: bool = Field(False, description="Whether the words hold what the child said or showed.")
    key_episode: bool = False
    words: SealedEntry
    outside_scope: bool = Field(False, description="Marked by the owner: kept, and flagged.")


Entries = Annotated[tuple[ChronologyEntry, ...], Field(max_length=200)]


class InformationContributed(Addressed):
    """A part of an agency's chronology, ahead of its return: a long one comes in several."""

    request: RequestId
    entries: Annotated[Entries, Field(min_length=1)]


class InformationReturned(Addressed):
    """An agency's answer. With what it contributed before, it is whole; a later one replaces it as a further version.

    `nil`: the agency has nothing. What it says of race, faith and disability is asked for by name: reviews are
    criticised for leaving it out.
    """

    request: RequestId
    nil: bool = False
    replaces_contributions: bool = Field(False, description="The entries sent for this request before count no more.")
    role_with_family: Narrative | None = None
    entries: Entries = ()
    analysis: Narrative | None = None
    good_practice: Narrative | None = None
    gaps: Narrative | None = None
    identity_considered: Narrative | None = Field(
        None, description="How race, ethnicity, faith and disability were considered."
    )
    voice_of_the_child: Narrative | None = None
    immediate_actions: Narrative | None = None
    learning: Narrative | None = None
    author: SealedContact | None = None
    signed_off: bool = Field(description="A senior of the agency has signed it off.")
    documents: Annotated[tuple[DocumentReference, ...], Field(max_length=50)] = ()
    version: Version | None = Field(None, description="Given by the owner.")
    late: bool = Field(False, description="Marked by the owner: after its due day.")
    after_meeting: bool = Field(False, description="Marked by the owner: the chair is told.")

    @model_validator(mode="after")
    def nothing_or_something(self) -> Self:
        told = (self.role_with_family, self.analysis, self.gaps, self.good_practice, self.learning)
        if self.nil and (self.entries or any(told)):
            raise ValueError("a nil return holds no entries and no analysis")
        return self


class ReturnAccepted(Addressed):
    request: RequestId
    version: Version


class ReturnQueried(Addressed):
    """The business unit asks for more detail: the request is open again."""

    request: RequestId
    version: Version
    reason: Narrative
    due: NamedDay | None = None


class InformationChased(Addressed):
    """An agency that has not answered was reminded, was told that it is overdue, or its named senior was."""

    request: RequestId
    level: Chase
    due: date


class MissingAgency(Model):
    agency: AgencyId
    reason: Narrative


class GapsRecorded(Model):
    """The chair goes on without some returns: which, and why."""

    missing: Annotated[tuple[MissingAgency, ...], Field(min_length=1, max_length=60)]


class Attendee(Model):
    """Who was there, or sent apologies, by agency and part, never by name."""

    agency: AgencyId
    partner: Partner | None = Field(None, description="For whom of the three partners they spoke.")
    attends_as: AttendsAs = AttendsAs.OTHER
    attendance: Attendance = Attendance.PRESENT


class MeetingHeld(Model):
    """The case group met. Without the three partners it is recorded all the same, and decides nothing."""

    held_at: Instant
    attendees: Annotated[tuple[Attendee, ...], Field(min_length=1, max_length=60)]
    minutes: Narrative | None = None
    quorate: bool = Field(False, description="Given by the owner: all three partners were there.")


class ReviewDecision(Model):
    """What the partners mean to do next, tested against the criteria, with reasons."""

    outcome: Outcome
    criteria: Criteria = frozenset()
    reasons: Narrative


class ReviewDrafted(Model):
    """The report, whole; a later draft replaces it as a further version. The Panel's own headings were not verified."""

    child_and_family: Narrative | None = None
    incident: Narrative | None = None
    agencies_involvement: Narrative | None = None
    key_practice_episodes: Narrative | None = None
    lived_experience: Narrative | None = None
    identity_and_inequalities: Narrative | None = None
    good_practice: Narrative | None = None
    immediate_actions: Narrative | None = None
    local_and_national_issues: Narrative | None = None
    proposed_scope: Narrative | None = None
    family_contact: Narrative | None = None
    decision: ReviewDecision
    version: Version | None = Field(None, description="Given by the owner.")


class ViewRecorded(Model):
    """One partner's view of a version of the report. Dissent is kept and printed, and stops nothing."""

    version: Version
    partner: Partner | None = Field(None, description="Given by the owner, by whose act it is.")
    view: PartnerView
    dissent: Narrative | None = None

    @model_validator(mode="after")
    def reasoned(self) -> Self:
        if self.view is PartnerView.DISSENT and self.dissent is None:
            raise ValueError("dissent needs its reasons: give dissent")
        return self


class ReviewCommented(Model):
    """The independent scrutineer's comment on a version of the report."""

    version: Version
    comment: Narrative


class ReviewSignedOff(Model):
    """All three partners have recorded their views of this version."""

    version: Version
    dissenting: tuple[Partner, ...] = ()


class ReviewSubmitted(Model):
    """The report reached the Panel. That meets T06, whatever was missing on the way: it has happened."""

    submitted_at: Instant
    reference: ExternalReference | None = None
    late_reason: Narrative | None = None
    version: Version | None = Field(None, description="Given by the owner.")
    without_sign_off: bool = Field(False, description="Marked by the owner.")


class PanelAnswered(Model):
    """The Panel's reply. With queries, the report goes back to its draft."""

    answered_at: Instant
    view: PanelView
    advice: AdviceSet = frozenset()
    comments: Narrative | None = None


class ReviewClosed(Model):
    """Nothing more is to be done in it; without a reply only after the day on which one was expected (4A item 11)."""

    why: Annotated[str, Field(pattern=r"^(panel_agreed|panel_answered|no_reply|cancelled)$")]
    reason: Narrative | None = None


class LearningNoted(Model):
    """Learning that cannot wait for the end of a review: for the learning register, at once."""

    source: Literal["rapid_review", "practice_review"] = "rapid_review"
    category: Annotated[str, Field(pattern=r"^(created|stabilised|changed)$")]
    statement: Narrative
    immediate_action: Narrative | None = None


class ReviewExported(Model):
    """Somebody took a copy: of which version, in which form, and why."""

    document: Annotated[str, Field(pattern=r"^(report|chronology|request|advance_copy)$")]
    form: Annotated[str, Field(pattern=r"^(json|csv|xlsx|pdf|svg)$")]
    purpose: Annotated[str, Field(pattern=r"^[a-z_]{3,60}$")]
    version: Version | None = None
