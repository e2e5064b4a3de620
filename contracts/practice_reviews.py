"""The local child safeguarding practice review, owned by rapid_review: decision to publication (DOMAIN 3.3, 4, 4A).

Each fact's subject is the incident that it is about, a near miss or good practice included: those are referred too.
"""

from datetime import date
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from contracts.envelope import Instant
from contracts.identifiers import AgencyId, IncidentId
from contracts.review_codes import (
    Basis,
    Check,
    CopyTo,
    Found,
    Involved,
    Involvement,
    Partner,
    ProcessesBeside,
    Publication,
    Quality,
    Scale,
    Scan,
)
from contracts.reviews import Version
from contracts.sealing import DocumentReference, Model, Narrative, SealedContact

ReviewerId = Annotated[str, StringConstraints(pattern=r"^reviewer-[0-9a-f]{32}$")]
Address = Annotated[str, StringConstraints(pattern=r"^https://[A-Za-z0-9.-]{3,180}(/[A-Za-z0-9._~/-]{0,300})?$")]


class PracticeReviewDecided(Model):
    """One partner's decision to initiate the review. With the third, it is commissioned (T09's day 0)."""

    basis: Basis
    partner: Partner | None = Field(None, description="Given by the owner, by whose act it is.")
    decided_on: date | None = Field(None, description="The London date of recording it, where it is left out.")
    reasons: Narrative
    incidents: Annotated[tuple[IncidentId, ...], Field(max_length=20)] = Field(
        (), description="Further ones that it is about: whoever is shown this must be entitled to all of them."
    )


class PracticeReviewCommissioned(Model):
    """All three partners have decided to initiate it; it is to be published within six months."""

    basis: Basis
    decided_on: date
    lead_authority: AgencyId = Field(description="The authority whose partnership leads.")
    co_signers: tuple[AgencyId, ...] = ()


class PracticeReviewScoped(Model):
    """Terms of reference, and how much of a review it is to be: in proportion to the case."""

    terms: Narrative
    methodology: Narrative | None = None
    scale: Scale
    scale_reasons: Narrative
    scope_from: date
    scope_to: date
    beside: ProcessesBeside = Field(
        frozenset(),
        description="What else is under way about it. Each is a record of its own, and stops no clock here.",
    )

    @model_validator(mode="after")
    def a_period(self) -> Self:
        if self.scope_to < self.scope_from:
            raise ValueError("the period ends before it begins")
        return self


class ReviewerAppointed(Model):
    """Who leads the review, and why they are independent of it. Nobody from an agency that is involved."""

    reviewer: ReviewerId | None = Field(None, description="Given by the owner.")
    contact: SealedContact
    works_for: AgencyId | None = Field(None, description="Their agency, where they work for one.")
    independence: Narrative


class ReviewerRemoved(Model):
    reviewer: ReviewerId
    reason: Narrative


class PracticeReviewMonitored(Model):
    """The partners looked at its time and quality (SI 2018/789 regulation 14), and may have asked for more."""

    in_time: bool
    quality: Quality
    note: Narrative | None = None
    asked_for_information: bool = False
    asked_for_draft: bool = False


class InvolvementRecorded(Model):
    """A step towards those who should have a part in it: invitation and outcome."""

    involved: Involved
    outcome: Involvement
    on: date
    note: Narrative | None = None

    @model_validator(mode="after")
    def reasoned(self) -> Self:
        if self.outcome is Involvement.NOT_INVITED and self.note is None:
            raise ValueError("who is not invited is a decision: give its reasons in note")
        return self


class DelayNotified(Model):
    """It will not be published in time: the reasons, and when the Panel and the Secretary of State were told."""

    reasons: Narrative
    expected_on: date | None = None
    panel_told_at: Instant | None = None
    secretary_of_state_told_at: Instant | None = None


class PracticeReviewPaused(Model):
    """Work on it rests, for criminal proceedings say. That stops no clock: the reasons of a delay are notified."""

    reason: Narrative


class PracticeReviewResumed(Model):
    note: Narrative | None = None


class Finding(Model):
    """What happened, and why: the system's reasons, not whose fault."""

    what: Narrative
    why: Narrative


class Recommendation(Model):
    text: Narrative
    to: Annotated[tuple[AgencyId, ...], Field(max_length=60)] = ()


class PracticeReviewDrafted(Model):
    """A draft of the report as its document, with findings and recommendations; a later one is a further version."""

    report: DocumentReference
    findings: Annotated[tuple[Finding, ...], Field(max_length=60)] = ()
    recommendations: Annotated[tuple[Recommendation, ...], Field(max_length=60)] = ()
    version: Version | None = Field(None, description="Given by the owner.")


class ResponseAgreed(Model):
    """The partnership's response to a version of the report: published with it."""

    version: Version
    response: Narrative


class FoundCount(Model):
    what: Found
    count: Annotated[int, Field(ge=1)]


class RedactionScanned(Model):
    """The scanner looked for the incident's own names, dates, places and identifiers. It assists; people decide."""

    version: Version
    result: Scan
    found: tuple[FoundCount, ...] = ()

    @model_validator(mode="after")
    def counted(self) -> Self:
        if (self.result is Scan.FOUND) != bool(self.found):
            raise ValueError("found counts what was found, and nothing else")
        return self


class RedactionChecked(Model):
    """One person has read a version for what could tell who it is about. Two different people must."""

    version: Version
    result: Check
    note: Narrative | None = None

    @model_validator(mode="after")
    def reasoned(self) -> Self:
        if self.result is Check.FAILED and self.note is None:
            raise ValueError("say in note what has to go")
        return self


class PublicationPlanned(Model):
    """When, and in which form. Improvements only is the departure that it is, with its reasons."""

    on: date
    form: Publication = Publication.FULL
    reasons: Narrative | None = None

    @model_validator(mode="after")
    def reasoned(self) -> Self:
        if self.form is Publication.IMPROVEMENTS_ONLY and self.reasons is None:
            raise ValueError("improvements only needs its reasons: reports must be published")
        return self


class AdvanceCopyDelivered(Model):
    """A recipient was given a version ahead of its publication (T10)."""

    recipient: CopyTo
    version: Version
    delivered_at: Instant


class PracticeReviewPublished(Model):
    """The public can read it, for at least a year (T11)."""

    on: date
    form: Publication = Publication.FULL
    address: Address | None = None
    version: Version | None = Field(None, description="Given by the owner.")
    available_until: date | None = Field(None, description="Given by the owner: not before this day may it go.")


class PracticeReviewUnpublished(Model):
    """It is not to be read any more; not within its first year."""

    reason: Narrative


class PracticeReviewEnded(Model):
    """It was given up before it was published: reasons, and who was told."""

    reason: Narrative
    panel_told_at: Instant | None = None
