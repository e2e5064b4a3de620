"""What is wrong with a message, all of it at once: envelope, schema, whose it is, right to propose, and sense. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any, get_args

import orjson
from pydantic import BaseModel, ValidationError

from contracts.access import Party, may_propose
from contracts.catalogue import CALENDAR, CATALOGUE, DIRECTORY, EventType, UnknownType, version_in_use
from contracts.directory import stream_of
from contracts.envelope import AnyEvent, schema_urn
from contracts.incidents import Child, IncidentReferred, Occurrence
from contracts.sealing import Identity, is_reference
from contracts.submissions import Fault
from services.gateway.directory import Directory
from shared.london import london_date
from shared.problems import faults_of

CALENDAR_SUBJECT = "calendar-england-and-wales"
CLOCKS_DIFFER_BY = timedelta(minutes=5)
"""A sender's clock may be ahead by so much before what it says lies in the future."""

EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
OLDEST_SUBJECT = 24
"""Years, completed: care leavers are notified of up to their 25th birthday (DOMAIN 1.1)."""

MOST_ITEMS = 200
"""In any list. What becomes of an event must fit into a Kafka record: one too large holds up all that follow it."""

HARMLESS = 4096
"""Bytes of an event that is too short for a list that could do harm."""

NOT_PERMITTED = frozenset(
    {"not-your-source", "not-your-act", "not-a-member", "no-agreement", "not-a-proposer", "not-in-agreement"}
)
GIVEN_BY_THE_OWNER = ("recordedtime", "businessdate", "submission", "streamversion", "causationid", "reasonref")


@dataclass(frozen=True)
class Arrival:
    """Who brought a message, and when it arrived by the business clock. `offset` is its place on the inbound topic."""

    party: Party
    at: datetime
    offset: int | None = None
    partnerships: frozenset[str] | None = None
    """Those the caller's token is good for; None where the way in itself is proof enough (the inbound topic)."""

    @property
    def source(self) -> str:
        """The only source that this sender may name."""
        return f"/agencies/{self.party.agency}"


class Rejected(Exception):
    """A message that cannot be taken: every fault, and the HTTP status that sums them up."""

    def __init__(self, status: int, faults: Sequence[Fault]) -> None:
        super().__init__(", ".join(sorted({fault.rule for fault in faults})))
        self.status = status
        self.faults = tuple(faults)


@dataclass(frozen=True)
class Checked:
    """A message in which nothing is wrong by itself: the event, what was sent, and the catalogue's entry."""

    event: AnyEvent
    sent: Mapping[str, Any]
    entry: EventType

    @property
    def opens_incident(self) -> bool:
        """Whether it begins a new incident."""
        return isinstance(self.event.data, IncidentReferred)

    @property
    def register(self) -> str | None:
        """The register that it is about (the calendar, or its partnership's directory), and so about no incident."""
        return _register(self.entry, self.event.partnership)

    def within(self, traceparent: str | None) -> "Checked":
        """The same as part of a trace: it is written by another task than the request's, which has no span."""
        return replace(self, event=self.event.model_copy(update={"traceparent": traceparent})) if traceparent else self


def check(value: Any, arrival: Arrival, directory: Directory) -> Checked:
    """The event in a message, or `Rejected` with all that is wrong with it."""
    if not isinstance(value, dict):
        raise Rejected(422, [Fault(pointer="", rule="dict-type", detail="An event is a JSON object.")])
    try:
        content = orjson.dumps(value)
    except TypeError:  # it reads deeper than it writes
        raise Rejected(422, [Fault(pointer="", rule="too-deep", detail="It is nested far too deeply.")]) from None
    faults = [*_not_yours(value, arrival), *_owners(value)]
    if b"\\u0000" in content:
        faults += _unstorable(value)
    if len(content) > HARMLESS:
        faults += _endless(value)
    entry, event = None, None
    try:
        entry, _, envelope = version_in_use(value["type"] if isinstance(value.get("type"), str) else "")
        event = envelope.model_validate_json(content, strict=True, by_alias=True, by_name=False)
    except UnknownType as unknown:
        faults.append(_unknown_type(unknown))
    except ValidationError as invalid:
        faults += _schema_faults(invalid, value)
    except OverflowError:
        faults.append(Fault(pointer="", rule="out-of-range", detail="A time lies outside what a calendar can hold."))
    faults += _membership(value, arrival, directory)
    if entry is not None:
        faults += _right(entry, value, arrival, directory)
    if entry is not None and event is not None:
        faults += [*_envelope(entry, event), *_sense(event, arrival.at)]
        if isinstance(event.data, IncidentReferred):
            faults += _of_another(event.data, value["data"] if b'"vault:' in content else {})
    if faults or entry is None or event is None:
        raise Rejected(403 if any(fault.rule in NOT_PERMITTED for fault in faults) else 422, _distinct(faults))
    return Checked(event, value, entry)


def _distinct(faults: Sequence[Fault]) -> list[Fault]:
    return list({(fault.pointer, fault.rule): fault for fault in faults}.values())


def _unstorable(value: Any, at: str = "") -> Iterator[Fault]:
    """PostgreSQL keeps no NUL, and none has a meaning in a text."""
    if isinstance(value, dict):
        for name, each in value.items():
            if "\0" in name:
                yield Fault(pointer=f"{at}/*", rule="nul", detail="A name holds the character NUL; leave it out.")
            else:
                yield from _unstorable(each, f"{at}/{_told(name)}")
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from _unstorable(each, f"{at}/{number}")
    elif isinstance(value, str) and "\0" in value:
        yield Fault(pointer=at, rule="nul", detail="A text holds the character NUL; leave it out.")


def _endless(value: Any, at: str = "") -> Iterator[Fault]:
    """Lists without a reasonable end: the schema bounds every text, and the number of few lists."""
    if isinstance(value, dict):
        for name, each in value.items():
            if isinstance(each, dict | list):
                yield from _endless(each, f"{at}/{_told(name)}")
    elif isinstance(value, list):
        if len(value) > MOST_ITEMS:
            detail = "A list is too long; leave out what stands there twice, or send several events."
            yield Fault(pointer=at, rule="too-many", detail=detail, allowed=(f"at most {MOST_ITEMS} items",))
            return
        for number, each in enumerate(value):
            if isinstance(each, dict | list):
                yield from _endless(each, f"{at}/{number}")


def _not_yours(value: Mapping[str, Any], arrival: Arrival) -> Iterator[Fault]:
    """Who speaks is known from the token or the topic; a message that says otherwise is an impostor's."""
    if "source" in value and value["source"] != arrival.source:
        detail = "The source must be the agency that the token, or the inbound topic, belongs to."
        yield Fault(pointer="/source", rule="not-your-source", detail=detail, allowed=(arrival.source,))
    roles = tuple(sorted(role.value for role in arrival.party.roles))
    whose = {"agency": (arrival.party.agency,), "actor": (arrival.party.person,), "actorrole": roles}
    for name, allowed in whose.items():
        if value.get(name) is not None and value[name] not in allowed:
            detail = "Whose act it is follows from the token; leave it out or name yourself."
            yield Fault(pointer=f"/{name}", rule="not-your-act", detail=detail, allowed=tuple(a for a in allowed if a))


def _owners(value: Mapping[str, Any]) -> Iterator[Fault]:
    for name in GIVEN_BY_THE_OWNER:
        if value.get(name) is not None:
            detail = "The owner of the stream gives this to the fact it records; leave it out of a proposal."
            yield Fault(pointer=f"/{name}", rule="given-by-the-owner", detail=detail)


def _unknown_type(unknown: UnknownType) -> Fault:
    detail = "There is no such event type, or no such version of it (any more); use one of those allowed."
    return Fault(pointer="/type", rule="unknown-type", detail=detail, allowed=unknown.known)


def _schema_faults(invalid: ValidationError, value: Mapping[str, Any]) -> Iterator[Fault]:
    """Pydantic's findings with real JSON pointers: it names the branches of a union as if they were places."""
    for error in invalid.errors(include_url=False):
        place, node = _place(error["loc"], value, missing=error["type"] == "missing")
        if error["type"] == "string_type" and isinstance(node, dict):
            continue  # the branch of a union that takes a reference: the words' own branch says what is wrong
        if error["type"] == "too_short" and isinstance(node, list) and node:
            continue  # pydantic counts the items that are sound; each of the others is told of by itself
        found = faults_of([{**error, "loc": place}])[0]
        allowed = (found.allowed,) if found.allowed else ()
        yield Fault(
            pointer=found.pointer,
            rule=found.rule.replace("_", "-")[:60],
            detail=found.detail[:400],
            allowed=allowed,
        )


def _place(loc: Sequence[int | str], value: Any, *, missing: bool) -> tuple[tuple[int | str, ...], Any]:
    place: list[int | str] = []
    node = value
    for number, step in enumerate(loc):
        if isinstance(step, int) and isinstance(node, list):
            node = node[step] if step < len(node) else None
        elif isinstance(node, dict) and step in node:
            node = node[step]
        elif not (missing and number == len(loc) - 1):
            continue
        place.append(step if isinstance(step, int) else _told(step))
    return tuple(place), node


def _told(name: str) -> str:
    """A name as a pointer may repeat it: one that a schema has. Any other may be a word about somebody."""
    return name if name in _names() else "*"


@cache
def _names() -> frozenset[str]:
    """Every name that a schema of ours has."""
    found = set(AnyEvent.model_fields)
    for entry in CATALOGUE.values():
        for _, model in entry.versions():
            schema = model.model_json_schema(by_alias=True)
            for part in (schema, *schema.get("$defs", {}).values()):
                found |= set(part.get("properties", ()))
    return frozenset(found)


def _membership(value: Mapping[str, Any], arrival: Arrival, directory: Directory) -> Iterator[Fault]:
    partnership = value.get("partnership")
    if not isinstance(partnership, str):
        return
    agency = directory.agencies.get(arrival.party.agency)
    member_of = agency.partnerships if agency else frozenset()
    open_to = member_of if arrival.partnerships is None else member_of & arrival.partnerships
    if partnership not in open_to:
        detail = "Your agency is no member of this partnership, or your token is not good for it."
        yield Fault(pointer="/partnership", rule="not-a-member", detail=detail, allowed=tuple(sorted(open_to)))


def _right(entry: EventType, value: Mapping[str, Any], arrival: Arrival, directory: Directory) -> Iterator[Fault]:
    """The right to propose such an event at all; whether this incident is the sender's is asked with the incident."""
    partnership = value.get("partnership")
    if not isinstance(partnership, str):
        return
    agreement = directory.agreement(arrival.party.agency, partnership)
    decision = may_propose(arrival.party, entry.name, agreement, None)
    if not decision.allowed:
        allowed = tuple(
            CATALOGUE[name].wire_type
            for name in sorted(agreement.may_propose if agreement else ())
            if name in CATALOGUE and may_propose(arrival.party, name, agreement, None).allowed
        )
        detail = "Your agency and role, under your sharing agreement, may propose only the types allowed."
        yield Fault(pointer="/type", rule=decision.rule, detail=detail, allowed=allowed)


def _envelope(entry: EventType, event: AnyEvent) -> Iterator[Fault]:
    newest = entry.minor_of(event.major)
    schemas = tuple(schema_urn(entry.name, event.major, minor) for minor in range(newest + 1))
    if event.dataschema not in schemas:
        detail = "The schema must be that of the type in the same major version."
        yield Fault(pointer="/dataschema", rule="unknown-schema", detail=detail, allowed=schemas)
    subject = event.subject
    if isinstance(event.data, IncidentReferred):
        if subject is not None:
            detail = "The gateway gives a referred incident its id; leave it out (your own number is incidentref)."
            yield Fault(pointer="/subject", rule="given-by-the-owner", detail=detail)
    elif (register := _register(entry, event.partnership)) is not None:
        if subject not in (None, register):
            rule = "not-the-calendar" if register == CALENDAR_SUBJECT else "not-the-partnership"
            detail = "What is about the calendar, or a partnership's directory, names that, or nothing."
            yield Fault(pointer="/subject", rule=rule, detail=detail, allowed=(register,))
    elif subject is None and event.incidentref is None:
        detail = "Say which incident: by its id, or by the incidentref under which you referred it."
        yield Fault(pointer="/subject", rule="missing", detail=detail)


def _register(entry: EventType, partnership: str) -> str | None:
    return {CALENDAR: CALENDAR_SUBJECT, DIRECTORY: stream_of(partnership)}.get(entry.topic)


def _of_another(referral: IncidentReferred, sent: Mapping[str, Any]) -> Iterator[Fault]:
    """A new incident has no child and no words that are filed already: what is named so is another incident's.

    Taken on trust, the child's id would file what is said here under that child's key, and the reference would make
    this incident's words unreadable, since the vault shows it in its own incident alone.
    """
    for number, child in enumerate(referral.children):
        if child.subject is not None:
            detail = (
                "The gateway gives each child of a referral its id; leave it out. Whom it is like, the vault notices."
            )
            yield Fault(pointer=f"/data/children/{number}/subject", rule="given-by-the-owner", detail=detail)
    for pointer in _references(sent, "/data"):
        detail = "Nothing of an incident that is only being referred is filed yet; send the words themselves."
        yield Fault(pointer=pointer, rule="not-of-this-incident", detail=detail)


def _references(value: Any, at: str) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, each in value.items():
            yield from _references(each, f"{at}/{_told(name)}")
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from _references(each, f"{at}/{number}")
    elif is_reference(value):
        yield at


def _sense(event: AnyEvent, arrived: datetime) -> Iterator[Fault]:
    """What no schema can say: nothing from the future, nobody aware of what had not happened yet."""
    sound = True
    for pointer, instant in (("/time", event.time), *_instants(event.data, "/data")):
        if instant > arrived + CLOCKS_DIFFER_BY:
            sound = False
            yield Fault(pointer=pointer, rule="in-the-future", detail="This lies after the message's arrival.")
        elif instant < EARLIEST:
            sound = False
            yield Fault(pointer=pointer, rule="too-long-ago", detail="This lies before 1900; look for a slip.")
    content, at = getattr(event.data, "content", None), "/data/content"
    if content is None:
        content, at = event.data, "/data"
    occurrence = getattr(content, "occurrence", None)
    if not isinstance(occurrence, Occurrence) or not sound:
        return
    yield from _sense_of_occurrence(content, occurrence, at, london_date(arrived))
    for number, child in enumerate(getattr(content, "children", None) or ()):
        yield from _sense_of_child(child, occurrence, f"{at}/children/{number}")


def _sense_of_occurrence(content: BaseModel, occurrence: Occurrence, at: str, today: date) -> Iterator[Fault]:
    for name, day in (("dateFrom", occurrence.date_from), ("dateTo", occurrence.date_to)):
        if day is not None and day > today:
            detail = "The incident lies after the day on which the message arrived."
            yield Fault(pointer=f"{at}/occurrence/{name}", rule="in-the-future", detail=detail)
        elif day is not None and day < EARLIEST.date():
            detail = "This lies before 1900; look for a slip."
            yield Fault(pointer=f"{at}/occurrence/{name}", rule="too-long-ago", detail=detail)
    for name, alias in (("authority_told_at", "authorityToldAt"), ("became_aware_at", "becameAwareAt")):
        aware = getattr(content, name, None)
        if aware is not None and london_date(aware) < occurrence.date_from:
            detail = "Nobody can have been aware before the day of the incident (occurrence.dateFrom)."
            yield Fault(pointer=f"{at}/{alias}", rule="aware-before-incident", detail=detail)


def _sense_of_child(child: Child, occurrence: Occurrence, at: str) -> Iterator[Fault]:
    born = child.identity.date_of_birth if isinstance(child.identity, Identity) else None
    if born is None:
        return
    pointer = f"{at}/identity/dateOfBirth"
    age = age_on(born, occurrence.date_from)
    if age < 0:
        yield Fault(pointer=pointer, rule="born-after-incident", detail="The date of birth lies after the incident.")
    elif age > OLDEST_SUBJECT:
        detail = "The date of birth makes the subject older than anyone the duty covers."
        yield Fault(pointer=pointer, rule="too-old", detail=detail, allowed=(f"at most {OLDEST_SUBJECT} years",))
    elif child.age_at_incident not in (None, age):
        detail = "The age does not follow from the date of birth; leave it out, it is worked out here."
        yield Fault(pointer=f"{at}/ageAtIncident", rule="age-differs", detail=detail)


def _instants(model: BaseModel, at: str) -> Iterator[tuple[str, datetime]]:
    for name, alias in _timed(type(model)):
        value = getattr(model, name)
        pointer = f"{at}/{alias}"
        if isinstance(value, datetime):
            yield pointer, value
        elif isinstance(value, BaseModel):
            yield from _instants(value, pointer)
        elif isinstance(value, tuple):
            for number, item in enumerate(value):
                if isinstance(item, BaseModel):
                    yield from _instants(item, f"{pointer}/{number}")


@cache
def _timed(model: type[BaseModel]) -> tuple[tuple[str, str], ...]:
    """The fields in which an instant may stand, directly or within, each with its wire name."""
    timed = [name for name, field in model.model_fields.items() if _may_hold_instant(field.annotation)]
    return tuple((name, model.model_fields[name].alias or name) for name in timed)


def _may_hold_instant(annotation: Any) -> bool:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return bool(_timed(annotation))
    return annotation is datetime or any(_may_hold_instant(each) for each in get_args(annotation))


def age_on(born: date, day: date) -> int:
    """Completed years on a day; negative before birth. Who was born on 29 February completes a year on 1 March."""
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))
