"""The Panel notification export: a copy of one version, laid out in the form's order, with its own schema version."""

from typing import Annotated, Literal

from pydantic import Field

from contracts.codes import Grounds
from contracts.envelope import Classification, Instant
from contracts.identifiers import AgencyId, ExternalReference, IncidentId, PartnershipId
from contracts.schema_forms import DIALECT, Schema
from contracts.sealing import Model

NAME = "notification"
EXPORT_VERSION: Literal["1.0"] = "1.0"


class ExportedField(Model):
    """One line of the form. `child` counts from 1 where the line is of one child."""

    section: str
    label: str
    field: str
    value: str | None
    ready: bool
    needed: bool
    child: Annotated[int, Field(ge=1, le=4)] | None = None


class FieldCoverage(Model):
    ready: int
    fields: int
    missing: tuple[str, ...]
    sentence: str


class Filing(Model):
    """What is recorded of its submission. An export alone never is one."""

    portal_reference: ExternalReference
    portal_time: Instant
    recorded_at: Instant
    without_approval: bool
    awaiting_reason: bool


class Recipient(Model):
    """Who is to be told, and when and how they were."""

    recipient: str
    name: str
    told_at: Instant | None = None
    how: str | None = None


class ExportedNotification(Model):
    """A notification as it is handed over. Holds personal data: OFFICIAL-SENSITIVE on every page."""

    schema_version: Literal["1.0"] = EXPORT_VERSION
    classification: Classification = Classification.OFFICIAL_SENSITIVE
    incident: IncidentId
    partnership: PartnershipId
    partnership_name: str
    version: Annotated[int, Field(ge=1)]
    status: str
    grounds: Grounds
    clock: Annotated[str, Field(description="The reckoning of the five-working-day rule, in a sentence.")] | None = None
    remarks: tuple[str, ...] = Field((), description="What in this copy does not agree with what was recorded.")
    coverage: FieldCoverage
    filing: Filing | None = None
    recipients: tuple[Recipient, ...]
    fields: tuple[ExportedField, ...]
    exported_at: Instant
    exported_by: AgencyId
    exported_as: str
    purpose: str


def schema() -> Schema:
    """The JSON Schema of the copy, in the version it has today."""
    made = ExportedNotification.model_json_schema(mode="serialization")
    major = EXPORT_VERSION.partition(".")[0]
    version = {"type": "string", "pattern": rf"^{major}\.[0-9]+$", "examples": [EXPORT_VERSION]}
    return {
        "$schema": DIALECT,
        "$id": f"urn:safeguarding-exchange:{NAME}-export:{EXPORT_VERSION}",
        **made,
        "properties": made["properties"] | {"schemaVersion": version},
    }
