"""How the outcomes of a decision become events of the log."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any
from uuid import UUID, uuid5

from contracts.catalogue import CATALOGUE, EventType, version
from contracts.envelope import AnyEvent
from contracts.sealing import Model
from shared.decider import Outcome
from shared.london import london_date
from shared.telemetry import current_traceparent

FACTS = UUID("6f1d3a0c-5d0e-4a57-9b1e-6a1f0c7e2b44")
"""The namespace of the ids of facts."""


def recorded(
    cause: AnyEvent,
    outcomes: Sequence[Outcome],
    *,
    service: str,
    stream: str,
    after: int,
    now: datetime,
    acting: bool = True,
) -> list[AnyEvent]:
    """The outcomes as events, ready to be appended to `stream` after version `after`.

    `now` is the business time of recording. Whose act the cause was, the facts say too; `acting=False` for what
    nobody did (a clock that ran out). The id follows from the cause, the type and the place in the stream, so that
    doing the same again from the same past gives the same ids.
    """
    traceparent = current_traceparent() or cause.traceparent
    proposed = cause.source.startswith("/agencies/")
    facts = []
    for index, outcome in enumerate(outcomes):
        entry = _entry(outcome)
        happened = (outcome.time or cause.time).astimezone(UTC)
        attributes: dict[str, Any] = {
            "id": _id(service, stream, cause, entry.wire_type, after + index + 1),
            "source": f"/services/{service}",
            "type": entry.wire_type,
            "subject": outcome.subject or cause.subject,
            "time": happened,
            "recordedtime": now.astimezone(UTC),
            "businessdate": london_date(happened),
            "dataschema": entry.schema,
            "traceparent": traceparent,
            "partnership": cause.partnership,
            "classification": cause.classification,
            "incidentref": cause.incidentref,
            "agency": cause.agency if acting else None,
            "actor": cause.actor if acting else None,
            "actorrole": cause.actorrole if acting else None,
            "reasonref": cause.reasonref if acting else None,
            "correlationid": cause.correlationid or outcome.subject or cause.subject,
            "causationid": cause.id,
            "submission": cause.submission if proposed else None,
            "streamversion": after + index + 1,
            "data": outcome.data,
        }
        _, _, envelope = version(entry.wire_type)
        facts.append(envelope.model_validate(attributes))
    return facts


def _id(service: str, stream: str, cause: AnyEvent, type_: str, place: int) -> str:
    return str(uuid5(FACTS, f"{service} {stream} {cause.source} {cause.id} {type_} {place}"))


def _entry(outcome: Outcome) -> EventType:
    """The catalogue's entry of an outcome's type; crashes loudly where the model alone does not tell it."""
    if outcome.name is not None:
        return CATALOGUE[outcome.name]
    (name,) = _names_of(type(outcome.data))
    return CATALOGUE[name]


@cache
def _names_of(model: type[Model]) -> tuple[str, ...]:
    return tuple(entry.name for entry in CATALOGUE.values() if entry.model is model)
