"""The clocks of a rapid review (T06a or T06b, and T08), and its plan's dates (T07)."""

from dataclasses import replace
from datetime import date, datetime

from contracts.review_codes import Task
from contracts.reviews import Plan
from contracts.rules import NoRuleInForce, Rule
from services.rapid_review.case import Case
from services.rapid_review.review.state import Context, Review
from shared.deadlines import WEEKDAYS, Clocks
from shared.london import london_date
from shared.working_days import Calendar, OutsideCalendar

T06A, T06B, T08 = "T06a", "T06b", "T08"


def clocks_of(state: Review, case: Case, context: Context) -> Clocks:
    """Its clocks while a decision is made about them."""

    def rule_for(rule_id: str, at: datetime) -> Rule:
        """The edition in force on day 0, the partnership's own first; before the first one known, today's."""
        try:
            return context.rules(rule_id, london_date(at), case.partnership)
        except NoRuleInForce:
            return context.rules(rule_id, context.today, case.partnership)

    return Clocks(
        started(state, case).clocks, context, rule_for, judged=state.judged, awaiting_reason=state.awaiting_reason
    )


def started(state: Review, case: Case) -> Review:
    """The review with its clock that no calendar reached counting from its day 0, which no fact of it tells."""
    clock, start = state.clock, start_of(state.rule or "", case)
    if clock is None or start is None or clock.reckoning is not None:
        return state
    return replace(state, clocks={**state.clocks, clock.key: replace(clock, started_at=start)})


def start_of(rule: str, case: Case) -> datetime | None:
    """The instant whose London date is day 0: T06a the portal's time, never of its keying in; T06b awareness.

    Source: DOMAIN T06a, T06b, 4A item 4. None while it is not known.
    """
    if rule == T06B:
        return case.awareness
    return case.to_review.portal_time if case.to_review else None


def dated(plan: Plan, start: datetime, calendar: Calendar) -> Plan:
    """The plan with the date of each task; a day that no calendar reaches has none."""
    return tuple(each.model_copy(update={"due": _day(london_date(start), each.day, calendar)}) for each in plan)


def _day(day0: date, working_day: int, calendar: Calendar) -> date | None:
    try:
        return calendar.add(day0, working_day)
    except OutsideCalendar:
        return None


def near(day: date, working_days: int, calendar: Calendar) -> date:
    """So many working days from a day; where no calendar reaches, weekdays: a reminder too early does no harm."""
    try:
        return calendar.add(day, working_days)
    except OutsideCalendar:
        return WEEKDAYS.add(day, working_days)


def sent_too_late(plan: Plan, rule: Rule) -> bool:
    """Whether a plan sends the report after the working day by which the rule wants it."""
    return any(each.task is Task.SUBMIT and each.day > rule.counted for each in plan)
