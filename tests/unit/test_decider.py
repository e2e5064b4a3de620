"""Outcomes become facts: whose act it was, when it happened and was recorded, and what it followed from."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace import TracerProvider

from contracts.catalogue import CATALOGUE
from contracts.deadlines import DeadlineCancelled
from contracts.decoding import decode
from contracts.envelope import AnyEvent, Event
from contracts.incidents import IncidentClosed
from contracts.submissions import Fault
from shared.decider import Aggregate, Context, Outcome, Refused
from shared.recording import recorded
from shared.telemetry import attach
from shared.working_days import england_and_wales

NOW = datetime(2026, 8, 28, 9, 30, tzinfo=UTC)
HAPPENED = datetime(2026, 8, 27, 23, 10, tzinfo=UTC)  # already the 28th in London
INCIDENT = "incident-00000000000000000000000000000001"
CLOSED = IncidentClosed(why="not_notifiable")


def proposal(**more: Any) -> AnyEvent:
    given: dict[str, Any] = {
        "id": "message-1",
        "source": "/agencies/exampleshire-council",
        "type": "incident.closed.v1",
        "dataschema": "urn:safeguarding-exchange:schema:incident.closed:1.0",
        "subject": INCIDENT,
        "time": HAPPENED,
        "traceparent": "00-11111111111111111111111111111111-2222222222222222-01",
        "partnership": "exampleshire",
        "incidentref": "EX/1",
        "agency": "exampleshire-council",
        "actor": "authority-approver",
        "actorrole": "approver",
        "reasonref": "vault:00000000000000000000000000000001",
        "submission": "submission-00000000000000000000000000000001",
        "streamversion": 4,
        "data": CLOSED,
    }
    return Event[IncidentClosed](**(given | more))


def facts(cause: AnyEvent, outcomes: Sequence[Outcome], **more: Any) -> list[AnyEvent]:
    given: dict[str, Any] = {"service": "notifications", "stream": INCIDENT, "after": 6, "now": NOW}
    return recorded(cause, outcomes, **(given | more))


def test_a_fact_says_whose_act_it_was_and_what_it_followed_from() -> None:
    (fact,) = facts(proposal(), [Outcome(CLOSED)])
    assert fact.source == "/services/notifications"
    assert (fact.type, fact.dataschema) == ("incident.closed.v1", CATALOGUE["incident.closed"].schema)
    assert (fact.agency, fact.actor, fact.actorrole) == ("exampleshire-council", "authority-approver", "approver")
    assert fact.reasonref == "vault:00000000000000000000000000000001"
    assert (fact.causationid, fact.correlationid, fact.subject) == ("message-1", INCIDENT, INCIDENT)
    assert (fact.partnership, fact.incidentref) == ("exampleshire", "EX/1")
    assert fact.submission == "submission-00000000000000000000000000000001"
    assert decode(fact.to_json()) == fact


def test_a_fact_keeps_when_it_happened_apart_from_when_it_was_recorded() -> None:
    (fact,) = facts(proposal(), [Outcome(CLOSED)])
    assert (fact.time, fact.recordedtime, fact.businessdate) == (HAPPENED, NOW, date(2026, 8, 28))
    (other,) = facts(proposal(), [Outcome(CLOSED, time=HAPPENED - timedelta(hours=1))])
    assert (other.time, other.businessdate) == (HAPPENED - timedelta(hours=1), date(2026, 8, 27))


def test_versions_go_on_from_the_streams_own_and_not_from_the_proposals() -> None:
    assert [fact.streamversion for fact in facts(proposal(), [Outcome(CLOSED)] * 3)] == [7, 8, 9]


def test_what_nobody_did_names_nobody() -> None:
    (fact,) = facts(proposal(), [Outcome(CLOSED)], acting=False)
    assert (fact.agency, fact.actor, fact.actorrole, fact.reasonref) == (None, None, None, None)
    assert (fact.partnership, fact.causationid) == ("exampleshire", "message-1")


def test_a_fact_that_follows_from_a_fact_is_no_submissions_own() -> None:
    (fact,) = facts(proposal(source="/services/gateway"), [Outcome(CLOSED)])
    assert fact.submission is None


def test_the_trace_is_the_current_spans_and_else_the_causes() -> None:
    (outside,) = facts(proposal(), [Outcome(CLOSED)])
    assert outside.traceparent == proposal().traceparent
    tracer = TracerProvider().get_tracer("test")
    with attach(proposal().traceparent), tracer.start_as_current_span("apply"):
        (inside,) = facts(proposal(), [Outcome(CLOSED)])
    assert inside.traceparent is not None
    assert inside.traceparent != proposal().traceparent
    assert inside.traceparent.split("-")[1] == "1" * 32


@given(st.integers(1, 5), st.integers(0, 5))
def test_ids_are_the_same_for_the_same_past_and_differ_for_every_place(count: int, after: int) -> None:
    first, again = (facts(proposal(), [Outcome(CLOSED)] * count, after=after) for _ in range(2))
    assert [fact.id for fact in first] == [fact.id for fact in again]
    assert len({fact.id for fact in first}) == count
    elsewhere = facts(proposal(), [Outcome(CLOSED)] * count, after=after, stream="another")
    of_another = facts(proposal(source="/agencies/exampleshire-police"), [Outcome(CLOSED)] * count, after=after)
    later = facts(proposal(), [Outcome(CLOSED)] * count, after=after + count)
    ids = [fact.id for fact in (*first, *elsewhere, *of_another, *later)]
    assert len(set(ids)) == 4 * count


def test_every_model_of_the_catalogue_names_one_type_so_that_an_outcome_needs_no_name() -> None:
    models = [entry.model for entry in CATALOGUE.values()]
    assert len(models) == len(set(models))


def test_an_outcome_whose_model_is_in_no_type_crashes() -> None:
    with pytest.raises(ValueError, match="not enough values"):
        facts(proposal(), [Outcome(Fault(pointer="/", rule="none", detail=""))])


def test_a_refusal_keeps_every_fault_and_its_message_only_the_rules() -> None:
    faults = (Fault(pointer="/a", rule="first", detail="x"), Fault(pointer="/b", rule="second", detail="y"))
    refused = Refused(*faults)
    assert refused.faults == faults
    assert str(refused) == "first; second"


@dataclass(frozen=True)
class Tally:
    count: int = 0


def evolve(state: Tally, fact: AnyEvent) -> Tally:
    return Tally(state.count + 1)


def decide(state: Tally, proposal: AnyEvent, context: Context) -> list[Outcome]:
    return [Outcome(DeadlineCancelled(clock="T01", rule="T01", edition="2026", because="not_needed"))] * state.count


@given(st.integers(0, 6), st.integers(0, 6))
def test_folding_on_is_the_same_as_folding_from_the_beginning(early: int, late: int) -> None:
    aggregate = Aggregate(Tally(), decide, evolve)
    past = [proposal()] * (early + late)
    assert aggregate.fold(past[:early]) == Tally(early)
    assert aggregate.fold(past[early:], aggregate.fold(past[:early])) == aggregate.fold(past)
    assert len(aggregate.decide(aggregate.fold(past), proposal(), Context(NOW, england_and_wales()))) == early + late
