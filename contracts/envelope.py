"""The envelope every event travels in: CloudEvents 1.0, structured JSON."""

from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from contracts.identifiers import AgencyId, ExternalReference, PartnershipId, PersonId, Reference

CONTENT_TYPE = "application/cloudevents+json"
BATCH_CONTENT_TYPE = "application/cloudevents-batch+json"
SCHEMA_PREFIX = "urn:safeguarding-exchange:schema:"


class Classification(StrEnum):
    """The Government Security Classifications marking that travels with the data onto every page."""

    OFFICIAL = "OFFICIAL"
    OFFICIAL_SENSITIVE = "OFFICIAL-SENSITIVE"


def _aware(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError("give the time with its offset from UTC, such as 2026-08-28T00:10:00+01:00")
    try:
        return at.astimezone(UTC)
    except OverflowError:
        raise ValueError("give a time that a calendar can hold, from year 2 to 9998") from None


Instant = Annotated[datetime, AfterValidator(_aware)]
"""A moment, always with its offset; kept in UTC."""

EventId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:-]{1,64}$")]
Traceparent = Annotated[str, StringConstraints(pattern=r"^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$")]

Data = TypeVar("Data", bound=BaseModel)


class Event(BaseModel, Generic[Data]):
    """One event. A proposal has what its sender can know; a fact has every attribute its owner adds.

    `time` is when it happened, `recordedtime` when its owner recorded it (both UTC); `businessdate` is the London
    date of `time`. `streamversion` is the place of a fact in its stream, from 1; on a forwarded proposal it is the
    version of the incident that the gateway had, and its owner waits until it has folded that far.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    specversion: Literal["1.0"] = "1.0"
    id: EventId
    source: Annotated[str, StringConstraints(pattern=r"^/(agencies|services)/[a-z][a-z0-9-]{1,62}$")]
    type: Annotated[str, StringConstraints(pattern=r"^[a-z-]+\.[a-z-]+\.v[0-9]+$")]
    subject: Annotated[str, StringConstraints(pattern=r"^[a-z]+-[0-9a-z-]{1,64}$")] | None = None
    time: Instant
    recordedtime: Instant | None = None
    businessdate: date | None = None
    datacontenttype: Literal["application/json"] = "application/json"
    dataschema: Annotated[str, StringConstraints(pattern=rf"^{SCHEMA_PREFIX}[a-z.-]+:[0-9]+\.[0-9]+$")]
    traceparent: Traceparent | None = None
    partnership: PartnershipId
    classification: Classification = Classification.OFFICIAL_SENSITIVE
    incidentref: ExternalReference | None = Field(None, description="The agency's own number for the incident.")
    agency: AgencyId | None = Field(None, description="The agency whose act this is.")
    actor: PersonId | None = Field(None, description="The account of the person whose act this is.")
    actorrole: Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,40}$")] | None = None
    reasonref: Reference | None = None
    correlationid: EventId | None = None
    causationid: EventId | None = None
    submission: Annotated[str, StringConstraints(pattern=r"^submission-[0-9a-f]{32}$")] | None = None
    streamversion: Annotated[int, Field(ge=0)] | None = None
    data: Data

    @property
    def name(self) -> str:
        """The type without its major version: `incident.referred`."""
        return self.type.rpartition(".v")[0]

    @property
    def major(self) -> int:
        """The major version of the type."""
        return int(self.type.rpartition(".v")[2])

    def to_json(self) -> bytes:
        """The structured-mode bytes; attributes that are absent are left out."""
        return self.model_dump_json(exclude_none=True, by_alias=True).encode()


AnyEvent = Event[Any]


def schema_urn(name: str, major: int, minor: int) -> str:
    """The `dataschema` of a type: its name and full version."""
    return f"{SCHEMA_PREFIX}{name}:{major}.{minor}"
