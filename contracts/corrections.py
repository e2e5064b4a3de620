"""When something was wrong: a referral corrected, an event recalled, two subjects found to be one child, or two.

Each is a further fact: what was said stays in the log, and says so. Nothing is moved and no key changes; views join.
"""

from collections.abc import Iterable
from typing import Annotated, Literal, Self, get_args

from pydantic import Field, model_validator

from contracts.codes import (
    AbuseOrNeglect,
    HarmCategory,
    HarmDimension,
    LongTerm,
    MediaInterest,
    Nature,
    Proceedings,
)
from contracts.envelope import EventId
from contracts.identifiers import AgencyId, AreaCode, IncidentId, SubjectId
from contracts.incidents import Children, Occurrence
from contracts.sealing import Model, Narrative, SealedContact

Correctable = Literal[
    "nature",
    "abuseOrNeglect",
    "occurrence",
    "homeAuthority",
    "placingAuthority",
    "otherAreasToNotify",
    "suspectedSuicide",
    "harm",
    "seriousHarm",
    "longTerm",
    "children",
    "furtherChildren",
    "summary",
    "immediateActions",
    "familyAndHousehold",
    "policeInvestigation",
    "mediaInterest",
    "contact",
]
Clearable = Literal[
    "homeAuthority",
    "placingAuthority",
    "suspectedSuicide",
    "longTerm",
    "furtherChildren",
    "immediateActions",
    "familyAndHousehold",
]
"""Fields that a referral need not have: one that was given wrongly can be taken back altogether."""


OF_THE_FACT = frozenset({"cleared", "reasons", "areas", "leaving"})
"""Members of a correction that are no fields of the referral."""


class FieldReason(Model):
    """Why one field was wrong, and from where it is known what is right."""

    field: Correctable
    reason: Narrative


class IncidentCorrected(Model):
    """Fields of the referral were wrong: each that is given here replaces what the referral said, with its reason.

    What is left out stands. The host authority is no such field: it holds the duty, so another one means a new referral
    and a link. When the authority knew is corrected by `awareness.corrected`. Children are corrected all together, each
    that is known by its id, and with the occurrence, since their ages are counted at it.
    """

    nature: Nature | None = None
    abuse_or_neglect: AbuseOrNeglect | None = None
    occurrence: Occurrence | None = None
    home_authority: AreaCode | None = None
    placing_authority: AreaCode | None = None
    other_areas_to_notify: tuple[AreaCode, ...] | None = None
    suspected_suicide: bool | None = None
    harm: tuple[HarmCategory, ...] | None = None
    serious_harm: tuple[HarmDimension, ...] | None = None
    long_term: LongTerm | None = None
    children: Children | None = None
    further_children: Narrative | None = None
    summary: Narrative | None = None
    immediate_actions: Narrative | None = None
    family_and_household: Narrative | None = None
    police_investigation: Proceedings | None = None
    media_interest: MediaInterest | None = None
    contact: SealedContact | None = None
    cleared: Annotated[
        tuple[Clearable, ...], Field(max_length=len(get_args(Clearable)), description="Given wrongly: taken back.")
    ] = ()
    reasons: Annotated[tuple[FieldReason, ...], Field(min_length=1, max_length=len(get_args(Correctable)))]
    areas: Annotated[
        tuple[AreaCode, ...], Field(description="Worked out by the owner: the areas it has to do with now, host first.")
    ] = ()
    leaving: Annotated[
        tuple[str, ...], Field(description="Worked out by the owner: who was to be told, and takes part no more.")
    ] = ()

    @property
    def corrected(self) -> frozenset[str]:
        """The wire names of the fields that are said anew."""
        return frozenset(
            field.alias or name
            for name, field in type(self).model_fields.items()
            if name not in OF_THE_FACT and getattr(self, name) is not None
        )

    @model_validator(mode="after")
    def each_with_its_reason(self) -> Self:
        cleared = frozenset[str](self.cleared)
        changed, reasoned = self.corrected | cleared, [each.field for each in self.reasons]
        if self.corrected & cleared or len(cleared) != len(self.cleared):
            raise ValueError("a field is either said anew or cleared, and once")
        if set(reasoned) != changed or len(reasoned) != len(set(reasoned)):
            raise ValueError("give one reason for each field that is corrected or cleared, and for no other")
        if self.children is not None and self.occurrence is None:
            raise ValueError("children are corrected with the occurrence at which their ages are counted")
        return self


class IncidentRecalled(Model):
    """An event about this incident should not have been sent, or not to those who received it.

    **Whoever received the recalled event receives this fact**, whatever their agreement lets them see by then, so that
    they delete what they hold: delivery puts it into each feed that had the event, after it. From here on the event
    itself is shown to the authority that holds the duty alone (`wrong_child`, `sent_in_error`), or to all but the
    `recipients` (`wrong_recipient`). It stays in the log, and the clocks run on: what is right is said by a further
    fact (`incident.corrected`, or a new referral).
    """

    event: Annotated[EventId, Field(description="The id of the fact that is recalled.")]
    because: Literal["wrong_child", "wrong_recipient", "sent_in_error"]
    recipients: Annotated[
        tuple[AgencyId, ...], Field(max_length=100, description="Of wrong_recipient: who should not have had it.")
    ] = ()
    reason: Narrative

    @model_validator(mode="after")
    def recipients_where_they_were_wrong(self) -> Self:
        if (self.because == "wrong_recipient") != bool(self.recipients):
            raise ValueError("name the recipients where they were wrong, and only there")
        return self


def wrong_recipients(before: Iterable[str] | None, now: Iterable[str]) -> frozenset[str]:
    """From whom an event is taken back after one more recall (`before` is None where there was none).

    Nobody named is everybody but the authority that holds the duty, and outweighs names; further names join the first.
    """
    joined, further = frozenset(before or ()), frozenset(now)
    return further if before is None or not further else joined and joined | further


class SubjectsOfTwo(Model):
    """Two subjects, each with an incident that it is in. The fact stands on the streams of both incidents."""

    subjects: Annotated[tuple[SubjectId, SubjectId], Field(description="The two, in either order.")]
    incidents: Annotated[tuple[IncidentId, IncidentId], Field(description="An incident of each, in the same order.")]
    reason: Narrative

    @model_validator(mode="after")
    def two(self) -> Self:
        if self.subjects[0] == self.subjects[1]:
            raise ValueError("a subject is itself already: name two")
        return self


class SubjectsMerged(SubjectsOfTwo):
    """A person decided that two subjects are one child. Shown joined to those who may see both, and to nobody else."""

    likeness: EventId | None = Field(None, description="The likeness noticed that led to it, where there was one.")


class SubjectsSplit(SubjectsOfTwo):
    """A person decided that two subjects are two children after all: the merge no longer counts."""
