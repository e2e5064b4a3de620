"""What an owner decides: pure functions over folded facts, and how their outcomes become events of the log."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, Generic, TypeVar
from uuid import UUID, uuid5

from contracts.catalogue import CATALOGUE, EventType, version
from contracts.envelope import AnyEvent
from contracts.sealing import Model
from contracts.submissions import Fault
from shared.london import london_date
from shared.telemetry import current_traceparent
from shared.working_days import Calendar

S = TypeVar("S")

FACTS = UUID("6f1d3a0c-5d0e-4a57-9b1e-6a1f0c7e2b44")
"""The namespace of the ids of facts."""


class Refused(Exception):
    """The proposal cannot stand: every reason at once. The proposer can mend it."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__("; ".join(fault.rule for fault in faults))
        self.faults = faults


class Waiting(Exception):
    """Not yet: something that may still come must come first. Time mends it; `for_what` is told to the proposer."""

    def __init__(self, for_what: str) -> None:
        super().__init__(for_what)
        self.for_what = for_what


@dataclass(frozen=True)
class Context:
    """What a decision may know beside the past: the business time, and the calendar as this transaction reads it."""

    now: datetime
    calendar: Calendar


@dataclass(frozen=True)
class Outcome:
    """A fact that follows from a decision, before it is recorded.

    `time` is when it happened: that of its cause, unless given. `name` is needed only where a model serves several
    types. `marks` are told to the proposer though the proposal was accepted (`late`, `awaiting_reason`).
    """

    data: Model
    time: datetime | None = None
    subject: str | None = None
    name: str | None = None
    marks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Aggregate(Generic[S]):
    """One kind of stream: how its state is folded, and what follows from a proposal.

    `decide` and `evolve` are pure. `decide` returns the outcomes, or raises `Refused` or `Waiting`.
    """

    initial: S
    decide: Callable[[S, AnyEvent, Context], Sequence[Outcome]]
    evolve: Callable[[S, AnyEvent], S]

    def fold(self, facts: Iterable[AnyEvent], state: S | None = None) -> S:
        """The state after these facts, from `state` or from the beginning."""
        folded = self.initial if state is None else state
        for fact in facts:
            folded = self.evolve(folded, fact)
        return folded


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
