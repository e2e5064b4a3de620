"""A proclaimed day off: proposed by one person, approved by another, and an edition of its own."""

from datetime import date, datetime
from typing import Any

import pytest

from contracts.calendars import CalendarDayAdded, CalendarDayProposed
from contracts.sealing import Model
from services.gateway.calendar import CALENDAR, STREAM, Proclaimed
from shared.decider import Context, Refused
from shared.recording import recorded
from shared.working_days import england_and_wales
from tests.unit.gateway_stories import event, london

NOW = london("2026-03-10")
DAY = {"day": date(2026, 6, 15), "title": "A proclaimed day", "source": "The Gazette, issue 1"}


def played(state: Proclaimed, data: Model, by: str | None, now: datetime = NOW) -> tuple[Proclaimed, list[Any]]:
    proposal = event(data, now, STREAM, actor=by, actorrole="business_unit")
    outcomes = CALENDAR.decide(state, proposal, Context(now, england_and_wales()))
    facts = recorded(proposal, outcomes, service="gateway", stream=STREAM, after=0, now=now)
    return CALENDAR.fold(facts, state), [fact.data for fact in facts]


def rules(state: Proclaimed, data: Model, by: str | None) -> set[tuple[str, str]]:
    with pytest.raises(Refused) as refused:
        played(state, data, by)
    return {(fault.pointer, fault.rule) for fault in refused.value.faults}


def test_another_person_approves_what_was_proposed_and_makes_an_edition() -> None:
    state, _ = played(Proclaimed(), CalendarDayProposed(**DAY), "first")
    state, (added,) = played(state, CalendarDayAdded(**DAY), "second")
    assert added.edition == f"{england_and_wales().edition}+001"
    assert state == Proclaimed(open={}, added=(date(2026, 6, 15),))
    state, _ = played(state, CalendarDayProposed(**DAY | {"day": date(2026, 6, 16)}), "first")
    _, (second,) = played(state, CalendarDayAdded(**DAY | {"day": date(2026, 6, 16)}), "second")
    assert second.edition == f"{england_and_wales().edition}+002"


def test_nobody_approves_their_own_proposal_or_what_was_not_proposed() -> None:
    assert rules(Proclaimed(), CalendarDayAdded(**DAY), "second") == {("/data/day", "not-proposed")}
    state, _ = played(Proclaimed(), CalendarDayProposed(**DAY), "first")
    assert rules(state, CalendarDayAdded(**DAY), "first") == {("/actor", "same-person")}
    assert rules(state, CalendarDayAdded(**DAY | {"title": "Another title"}), "first") == {
        ("/actor", "same-person"),
        ("/data/title", "differs-from-proposed"),
    }
    assert rules(state, CalendarDayAdded(**DAY), None) == {("/actor", "needs-a-person")}


def test_a_day_that_does_not_count_as_it_is_cannot_be_proposed() -> None:
    for day, why in ((date(2026, 6, 13), "no-working-day"), (date(2026, 12, 28), "no-working-day")):
        assert rules(Proclaimed(), CalendarDayProposed(**DAY | {"day": day}), "first") == {("/data/day", why)}
    assert rules(Proclaimed(), CalendarDayProposed(**DAY | {"day": date(2035, 6, 15)}), "first") == {
        ("/data/day", "outside-calendar")
    }


def test_a_day_is_proposed_once() -> None:
    state, _ = played(Proclaimed(), CalendarDayProposed(**DAY), "first")
    assert rules(state, CalendarDayProposed(**DAY), "third") == {("/data/day", "proposed-already")}
