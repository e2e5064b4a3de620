"""The copies of a rapid review and of a practice review, as data: each with its schema version. All hold personal data.

They are handed over whole: references are replaced by what the vault revealed, and agencies and children are named as
a reader knows them. What was erased says so.
"""

from collections.abc import Iterator
from datetime import date, time
from typing import Annotated, Literal

from pydantic import Field

from contracts.codes import YesNoNotKnown
from contracts.envelope import Classification, Instant
from contracts.identifiers import AgencyId, IncidentId, PartnershipId
from contracts.review_codes import CopyTo, EntryKind, LegalBasis, Partner, PartnerView
from contracts.schema_forms import DIALECT, Schema
from contracts.sealing import Model

EXPORT_VERSION: Literal["1.0"] = "1.0"
ERASED = "(erased)"
PURPOSE = (
    "This review is to learn how children can be kept safer. It does not hold any person or agency to account: "
    "employers, regulators, the police and the courts have processes of their own, which are separate and can run "
    "beside it."
)
"""Printed where people work. The sense is SUSSEX's and WSSCP's; the words are ours."""


class _Copy(Model):
    """What every copy says of itself."""

    schema_version: Literal["1.0"] = EXPORT_VERSION
    classification: Classification = Classification.OFFICIAL_SENSITIVE
    purpose_of_the_review: str = PURPOSE
    incident: IncidentId
    partnership: PartnershipId
    partnership_name: str
    exported_at: Instant
    exported_by: AgencyId
    exported_as: str
    purpose: str


class ExportedSection(Model):
    """A heading of a report with its words; none where nothing was written under it."""

    heading: str
    text: str | None = None


class ExportedSource(Model):
    """What one agency's entry says. Practitioners are told by role, never by name."""

    entry: str
    agency: AgencyId
    event: str = ERASED
    voice_of_the_child: str | None = None
    significance: str | None = None
    source_system: str | None = None
    practitioner_role: str | None = None
    outside_scope: bool = False


class ExportedStatement(Model):
    """Sources that say the same of an event."""

    at: time | None = None
    kind: EntryKind
    child_seen: YesNoNotKnown
    sources: Annotated[tuple[ExportedSource, ...], Field(min_length=1)]


class ExportedLine(Model):
    """One event. Where agencies differ, their statements stand side by side and `differ` says in what."""

    day: date
    children: tuple[str, ...] = ()
    voice_heard: bool = False
    key_episode: bool = False
    differ: tuple[str, ...] = ()
    statements: Annotated[tuple[ExportedStatement, ...], Field(min_length=1)]


class ExportedGap(Model):
    """Days on which no agency is known to have seen a child, the first and the last included."""

    child: str
    first: date
    last: date
    days: int
    disputed: tuple[date, ...] = ()


class ExportedPrompt(Model):
    """What a return leaves out."""

    agency: AgencyId
    missing: str


class Chronology(Model):
    """The combined chronology: which agencies, and what they say in one order."""

    agencies: tuple[AgencyId, ...]
    names: dict[AgencyId, str] = Field(description="What each agency is called.")
    children: tuple[str, ...] = ()
    incident_on: date | None = None
    lines: tuple[ExportedLine, ...] = ()
    gaps: tuple[ExportedGap, ...] = ()
    prompts: tuple[ExportedPrompt, ...] = ()
    unsaid: int = Field(0, description="Lines that say that a child was seen, and not which of several.")


class ExportedChronology(_Copy):
    chronology: Chronology


class ExportedAgency(Model):
    """How one agency answered, in a few words: returned, nil return, nothing (with the chair's reason)."""

    agency: str
    answer: str
    note: str | None = None


class ExportedView(Model):
    """One partner's view of this version; dissent is printed with its reasons."""

    partner: Partner
    view: PartnerView | None = None
    dissent: str | None = None


class ExportedCriterion(Model):
    """One criterion that the decision was tested against, in its own words, with where it comes from."""

    words: str
    met: bool
    source: str


class ExportedDecision(Model):
    outcome: str
    reasons: str
    criteria: tuple[ExportedCriterion, ...] = ()


class ExportedReview(_Copy):
    """The report of a rapid review, one version of it. `clock` is the reckoning of its fifteen working days."""

    version: Annotated[int, Field(ge=1)]
    status: str
    clock: str | None = None
    remarks: tuple[str, ...] = ()
    sections: tuple[ExportedSection, ...]
    decision: ExportedDecision
    agencies: tuple[ExportedAgency, ...] = ()
    meeting: str | None = None
    views: tuple[ExportedView, ...] = ()
    scrutineer: str | None = None
    panel: str | None = None
    chronology: Chronology | None = None


class ExportedFinding(Model):
    what: str
    why: str


class ExportedRecommendation(Model):
    text: str
    to: tuple[str, ...] = ()


class ExportedAdvanceCopy(Model):
    """Who is to have it, and which version they were given when."""

    recipient: CopyTo
    version: int | None = None
    delivered_at: Instant | None = None


class ExportedPack(_Copy):
    """The advance copy of a practice review: what goes to the Panel, the Secretary of State and Ofsted beforehand."""

    version: Annotated[int, Field(ge=1)]
    report: str = Field(description="The report itself: a document in the vault, handed over beside this.")
    report_sha256: str | None = None
    published_on: date | None = Field(None, description="The day planned.")
    copies_by: date | None = Field(None, description="The last day for the copies, counted back (T10).")
    form: str
    form_reasons: str | None = None
    findings: tuple[ExportedFinding, ...] = ()
    recommendations: tuple[ExportedRecommendation, ...] = ()
    response: str | None = None
    redaction: str | None = None
    copies: tuple[ExportedAdvanceCopy, ...] = ()


class AskedAbout(Model):
    """A child as the agency that is asked needs to know it: an identifier only in the kind that is its key."""

    name: str = Field(description="Of a child not yet born, the mother's.")
    born: date | None = None
    expected: date | None = None
    addresses: tuple[str, ...] = ()
    key_name: Literal["NHS number", "UPN"] | None = None
    key: str | None = None


class ExportedRequest(_Copy):
    """The request to one agency, for those without a system: DOMAIN section 5's minimum, and nothing more."""

    request: str
    agency: AgencyId
    agency_name: str
    lead: str | None = None
    children: Annotated[tuple[AskedAbout, ...], Field(min_length=1)]
    household: str | None = None
    scope_from: date
    scope_to: date
    reason: str
    legal_basis: tuple[LegalBasis, ...]
    due: date
    answer_to: str | None = Field(None, description="Where the answer goes: an office, never a person's name.")


SCHEMAS: dict[str, type[_Copy]] = {
    "rapid-review": ExportedReview,
    "chronology": ExportedChronology,
    "information-request": ExportedRequest,
    "advance-copy": ExportedPack,
}


def schemas() -> Iterator[tuple[str, Schema]]:
    """The name and the JSON Schema of each copy, in the version it has today."""
    major = EXPORT_VERSION.partition(".")[0]
    version = {"type": "string", "pattern": rf"^{major}\.[0-9]+$", "examples": [EXPORT_VERSION]}
    for name, model in SCHEMAS.items():
        made = model.model_json_schema(mode="serialization")
        yield (
            name,
            {
                "$schema": DIALECT,
                "$id": f"urn:safeguarding-exchange:{name}-export:{EXPORT_VERSION}",
                **made,
                "properties": made["properties"] | {"schemaVersion": version},
            },
        )
