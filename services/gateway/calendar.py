"""The calendar: a proclaimed day off is proposed by one person and approved by another."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from contracts.calendars import CalendarDayAdded, CalendarDayProposed
from contracts.envelope import AnyEvent
from contracts.submissions import Fault
from shared.decider import Aggregate, Context, Outcome, Refused

STREAM = "calendar-england-and-wales"


@dataclass(frozen=True)
class Proposed:
    """A day off that awaits another person's approval."""

    title: str
    source: str
    by: str | None


@dataclass(frozen=True)
class Proclaimed:
    """What was proposed and not approved yet, and how many days have been added."""

    open: Mapping[date, Proposed] = field(default_factory=dict)
    added: tuple[date, ...] = ()


def decide(state: Proclaimed, proposal: AnyEvent, context: Context) -> list[Outcome]:
    """The proposed day, or the added one with the edition it makes. Raises Refused with every fault."""
    match proposal.data:
        case CalendarDayProposed() as proposed:
            faults = [*_a_person(proposal), *_not_off_yet(proposed.day, context), *_not_proposed(state, proposed.day)]
            _refuse_if(faults)
            return [Outcome(proposed)]
        case CalendarDayAdded() as added:
            _refuse_if([*_a_person(proposal), *_not_off_yet(added.day, context), *_approvable(state, added, proposal)])
            known = context.calendar.edition.partition("+")[0]
            # Three digits, so that editions sort as they were made.
            return [Outcome(added.model_copy(update={"edition": f"{known}+{len(state.added) + 1:03}"}))]
        case _:
            raise Refused(_fault("/type", "not-proposable", "Nothing else is said about the calendar."))


def evolve(state: Proclaimed, fact: AnyEvent) -> Proclaimed:
    """The calendar's stream after one more of its facts."""
    match fact.data:
        case CalendarDayProposed(day=day, title=title, source=source):
            return replace(state, open={**state.open, day: Proposed(title, source, fact.actor)})
        case CalendarDayAdded(day=day):
            left = {other: proposed for other, proposed in state.open.items() if other != day}
            return replace(state, open=left, added=(*state.added, day))
        case _:
            return state


CALENDAR: Aggregate[Proclaimed] = Aggregate(Proclaimed(), decide, evolve)


def _a_person(proposal: AnyEvent) -> Iterator[Fault]:
    if proposal.actor is None:
        yield _fault("/actor", "needs-a-person", "A person proposes a day off, and another approves it.")


def _not_off_yet(day: date, context: Context) -> Iterator[Fault]:
    calendar = context.calendar
    if not calendar.covers(day):
        detail = "The known calendar does not reach this day; it will come with the official list."
        yield _fault("/data/day", "outside-calendar", detail, f"{calendar.first} to {calendar.last}")
    elif (why := calendar.why_not(day)) is not None:
        yield _fault("/data/day", "no-working-day", f"It does not count as it is: {why}.")


def _not_proposed(state: Proclaimed, day: date) -> Iterator[Fault]:
    if day in state.open:
        yield _fault("/data/day", "proposed-already", "It awaits another person's approval.", "calendar.day-added")


def _approvable(state: Proclaimed, added: CalendarDayAdded, proposal: AnyEvent) -> Iterator[Fault]:
    proposed = state.open.get(added.day)
    if proposed is None:
        yield _fault("/data/day", "not-proposed", "Nobody has proposed this day.", "calendar.day-proposed")
        return
    if proposal.actor is not None and proposal.actor == proposed.by:
        yield _fault("/actor", "same-person", "Another person than the proposer approves.")
    for name, said, stands in (("title", added.title, proposed.title), ("source", added.source, proposed.source)):
        if said != stands:
            yield _fault(f"/data/{name}", "differs-from-proposed", "Approve what was proposed, unaltered.", stands)


def _fault(pointer: str, rule: str, detail: str, *allowed: str) -> Fault:
    return Fault(pointer=pointer, rule=rule, detail=detail, allowed=allowed)


def _refuse_if(faults: list[Fault]) -> None:
    if faults:
        raise Refused(*faults)
