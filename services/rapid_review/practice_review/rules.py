"""Which edition of a time rule holds for a practice review, and the London dates that T10 and T11 give."""

from datetime import date, datetime

from contracts.rules import NoRuleInForce, Rule
from services.rapid_review.practice_review.state import Case, Context, PracticeReview
from shared.deadlines import Clocks, months_after
from shared.london import london_date
from shared.working_days import ONE_DAY


def edition(context: Context, rule_id: str, on: date, case: Case) -> Rule:
    """The edition in force on a date, the partnership's own first; before the first known one, today's."""
    try:
        return context.rules(rule_id, on, case.partnership)
    except NoRuleInForce:
        return context.rules(rule_id, context.today, case.partnership)


def clocks_of(state: PracticeReview, case: Case, context: Context) -> Clocks:
    """Its clock while a decision is made about it."""

    def rule_for(rule_id: str, at: datetime) -> Rule:
        return edition(context, rule_id, london_date(at), case)

    return Clocks(state.clocks, context, rule_for, judged=state.judged, awaiting_reason=state.awaiting_reason)


def last_copy_day(publication: date, case: Case, context: Context) -> date:
    """The last day for advance copies: counted back from the publication date (T10, DOMAIN 4A item 6).

    Raises OutsideCalendar.
    """
    return context.calendar.add(publication, edition(context, "T10", publication, case).counted)


def first_publication_day(copied: date, case: Case, context: Context) -> date:
    """The first day on which what was last copied on a date may be published: T10 the other way round.

    The publication day itself is not counted, so it is the day after the last of the days that are. Raises
    OutsideCalendar.
    """
    days = -edition(context, "T10", copied, case).counted
    first = context.calendar.add(copied - ONE_DAY, days) + ONE_DAY
    while last_copy_day(first, case, context) < copied:  # another edition of the rule has taken over meanwhile
        first += ONE_DAY
    return first


def available_until(published: date, case: Case, context: Context) -> date:
    """Not before this day may it go (T11)."""
    length = edition(context, "T11", published, case).length
    assert length is not None
    return months_after(published, length)
