"""What an agency's feed carries: an event cut to what the agency may see, in the version it reads. Pure.

Redaction comes first and the older version is made of what is left, so that version 1 never shows more than version 2.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Annotated, Any
from uuid import NAMESPACE_URL, uuid5

from pydantic import Field

from contracts.catalogue import CATALOGUE, NOTIFICATIONS, REVIEWS, EventType, topic_of, version
from contracts.ceilings import Ceiling, Fields
from contracts.envelope import AnyEvent, Event
from contracts.schema_forms import Form, Schema, schema
from contracts.sealing import Model
from contracts.upcasting import sources, to_major

FEED = "feed"
RECALLED = "incident.recalled"
SOURCE = "/services/delivery"
KEPT_FROM_OTHERS = frozenset(
    {
        "actor",
        "actorrole",
        "causationid",
        "correlationid",
        "incidentref",
        "reasonref",
        "submission",
        "traceparent",
    }
)
"""Envelope attributes that only the agency whose act it was is shown."""

ROUTING = (
    "nature",
    "hostAuthority",
    "homeAuthority",
    "notifiable",
    "grounds",
    "rule",
    "clock",
    "recipient",
    "request",
    "level",
    "due",
)
"""Members of data that the `filtering` block repeats, where they are shown: codes and dates, never words."""


class FeedWithheld(Model):
    """What stood here may not be seen any more, or not by this reader: its number is all that is left."""


class FeedTested(Model):
    """A standing test, sent through the agency's whole path; a client notes it and does nothing else."""

    number: Annotated[int, Field(ge=1)]


WITHHELD = EventType("feed.withheld", FeedWithheld, FEED, "delivery", "What stood here may not be seen.", Ceiling())
TESTED = EventType("feed.tested", FeedTested, FEED, "delivery", "A test of the agency's whole path.", Ceiling())
OWN = (WITHHELD, TESTED)
"""Types that lie in feeds alone and on no stream: so they are not in the catalogue of facts."""

FORM = "outbound"
"""The form of an event in a feed, beside those of publishing and of reading a stream."""


READABLE_BY = "x-readable-by"
"""In an outbound schema: the members of data that each kind of agency may be shown, whatever else an agreement says."""


def carried() -> Iterator[EventType]:
    """Every type that a feed can carry: what some kind of agency may see of others' facts, and the feed's own."""
    yield from (entry for entry in CATALOGUE.values() if entry.ceiling.agencies)
    yield from OWN


class Outbound(Event[Any]):
    """An event in one agency's feed. `sequence` counts that feed from 1 without gaps.

    `redacted` names what was taken out, as JSON pointers; `filtering` holds codes to route by without reading data;
    `dataref` is where its words can be asked for, with `?purpose=` (CloudEvents' extension of that name).
    """

    data: dict[str, Any]
    dataref: Annotated[str, Field(pattern=r"^/v1/[a-z]+/[0-9a-z-]+/[a-z/]+$")] | None = None
    sequence: Annotated[int, Field(ge=1)]
    redacted: tuple[Annotated[str, Field(pattern=r"^/data/[A-Za-z0-9]+$")], ...] = ()
    filtering: dict[str, Any] = Field(default_factory=dict)


def outbound(event: AnyEvent, fields: Fields, major: int, *, sequence: int, own: bool = False) -> Outbound:
    """The event as an agency that may see these fields, and reads this major version, is sent it.

    `event` must be in today's version; `fields` are named in it. `own`: it was this agency's act.
    """
    entry = CATALOGUE[event.name]
    told = to_major(event, major)
    whole: dict[str, Any] = told.data.model_dump(mode="json", by_alias=True, exclude_none=True)
    seen = shown(entry, fields, major, whole)
    kept = {name: value for name, value in whole.items() if name in seen}
    attributes = {
        name: getattr(told, name) for name in Event.model_fields if name not in ("data", "type", *NOT_CARRIED)
    }
    if not own:
        attributes |= dict.fromkeys(KEPT_FROM_OTHERS)
    return Outbound(
        **attributes,
        type=told.type,
        data=kept,
        dataref=_dataref(event, fields),
        sequence=sequence,
        redacted=tuple(f"/data/{name}" for name in whole if name not in seen),
        filtering=_filtering(event, kept),
    )


def shown(entry: EventType, fields: Fields, major: int, whole: Mapping[str, Any]) -> frozenset[str]:
    """Which members of the data of that major version are seen by whoever sees `fields` of today's."""
    traced = sources(entry.name, entry.major, major)
    if traced is None:
        return frozenset(name for name in whole if name in fields)
    return frozenset(name for name in whole if name in traced and all(each in fields for each in traced[name]))


def withheld(agency: str, sequence: int, *, at: datetime, partnership: str) -> Outbound:
    """The tombstone in the place of what may not be seen. It tells when the place was given, and nothing of it."""
    return _of_feed(WITHHELD, FeedWithheld(), agency, sequence, at, partnership)


def standing_test(agency: str, sequence: int, *, at: datetime, partnership: str) -> Outbound:
    """The standing test event."""
    return _of_feed(TESTED, FeedTested(number=sequence), agency, sequence, at, partnership)


def _of_feed(entry: EventType, data: Model, agency: str, sequence: int, at: datetime, partnership: str) -> Outbound:
    return Outbound(
        id=uuid5(NAMESPACE_URL, f"{entry.name}/{agency}/{sequence}").hex,
        source=SOURCE,
        type=entry.wire_type,
        time=at,
        dataschema=entry.schema,
        partnership=partnership,
        data=data.model_dump(mode="json", by_alias=True),
        sequence=sequence,
        filtering={"type": entry.name},
    )


def _dataref(event: AnyEvent, fields: Fields) -> str | None:
    """A notification's own copy for what is said of it: the Panel finds that, and no incident. So with a review.

    Whoever is told of a recall and not why is told all there is: for the Panel a link would lead nowhere.
    """
    subject, topic = event.subject, topic_of(event)
    if not subject or not subject.startswith("incident-"):
        return None
    if topic == NOTIFICATIONS:
        return f"/v1/notifications/{subject}/exports/json"
    if topic == REVIEWS:
        return f"/v1/reviews/{subject}/detail"
    hidden = event.name == RECALLED and "reason" not in fields
    return None if hidden else f"/v1/incidents/{subject}/detail"


def _filtering(event: AnyEvent, kept: Mapping[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = {"type": event.name, "partnership": event.partnership}
    told |= {name: kept[name] for name in ROUTING if name in kept}
    reckoned = kept.get("reckoned")
    if reckoned and "due" not in told:
        told["due"] = reckoned["due"]
    return told


def outbound_schema(entry: EventType, major: int) -> Schema:
    """The JSON Schema of what a feed carries of one version of a type: every member of data may be taken out."""
    made = schema(entry, major, Form.READ)
    definitions = dict(made["$defs"])
    data = made["properties"]["data"]["$ref"].rpartition("/")[2]
    definitions[data] = {name: value for name, value in definitions[data].items() if name != "required"}
    outbound = Outbound.model_json_schema()["properties"]
    own: Schema = {name: outbound[name] for name in OUTBOUND_MEMBERS}
    told = definitions[data].get("properties", {})
    readable = {kind.value: sorted(shown(entry, seen, major, told)) for kind, seen in entry.ceiling.agencies.items()}
    return made | {
        "$id": f"{entry.schema_of(major)}:outbound",
        "title": f"{entry.name}, version {major}.{entry.minor_of(major)}, as a feed carries it",
        "properties": made["properties"] | own,
        "required": sorted({*made["required"], "sequence", "filtering"}),
        "$defs": definitions,
        READABLE_BY: dict(sorted(readable.items())),
    }


def members(outbound_schema: Schema) -> frozenset[str]:
    """The members of data in a schema of that form."""
    data = outbound_schema["properties"].get("data", {}).get("$ref", "").rpartition("/")[2]
    return frozenset(outbound_schema.get("$defs", {}).get(data, {}).get("properties", ()))


OUTBOUND_MEMBERS = ("sequence", "redacted", "filtering", "dataref")
NOT_CARRIED = ("streamversion",)
"""A gap in the owner's count would tell that something was stated which is kept from whoever counts.
The schemas name it still: it was always optional, and without it they would refuse what was received before."""


def outbound_of(value: Mapping[str, Any]) -> Outbound:
    """An outbound event out of its JSON. Raises `UnknownType`, or pydantic's `ValidationError` without values."""
    if value.get("type") not in {entry.wire_type for entry in OWN}:
        version(str(value.get("type", "")))
    return Outbound.model_validate(value)
