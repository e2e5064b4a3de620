"""The life of a clock: what becomes of a deadline as time passes and as facts are told or corrected.

Every function is pure and returns the deadline as it stands afterwards; the owning service compares it with what stood
before and states the facts of the deadline family. Source: DOMAIN 4A items 1, 2, 8, 9, 12 and 18.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from itertools import takewhile

from shared.deadlines.reckoning import (
    MORNING,
    Pause,
    Reckoning,
    chasers_after,
    is_late,
    london_instant,
    reckon,
    reckon_months,
    warnings,
    working_days_late,
)
from shared.london import aware, london_date
from shared.working_days import ONE_DAY, Calendar, OutsideCalendar


class DeadlineState(StrEnum):
    """DOMAIN 4A item 18. A missed deadline is still open; an uncomputed one lies outside the known calendar."""

    PROVISIONAL = "provisional"
    OPEN = "open"
    MISSED = "missed"
    MET_IN_TIME = "met_in_time"
    MET_LATE = "met_late"
    CANCELLED = "cancelled"
    UNCOMPUTED = "uncomputed"


MET = frozenset({DeadlineState.MET_IN_TIME, DeadlineState.MET_LATE})
CLOSED = MET | {DeadlineState.CANCELLED}


@dataclass(frozen=True)
class RuleVersion:
    """Which edition of which rule made a deadline."""

    id: str
    edition: str


@dataclass(frozen=True)
class Deadline:
    """One clock. `provisional` stays true of one that warns or is missed before it was made firm.

    `next_instant` is when `tick` next has something to say; None for one that is closed, paused or uncomputed.
    `working_days_late` is None unless met late, and None even then where the calendar does not reach. One that is
    reckoned in `months` has no `working_days`, and no suspension stops it.
    """

    key: str
    rule: RuleVersion
    recipient: str | None
    started_at: datetime
    working_days: int
    state: DeadlineState
    provisional: bool
    reckoning: Reckoning | None = None
    last_notice: datetime | None = None
    next_instant: datetime | None = None
    met_at: datetime | None = None
    working_days_late: int | None = None
    paused_on: date | None = None
    pauses: tuple[Pause, ...] = ()
    cancelled_because: str | None = None
    months: int | None = None

    @property
    def due(self) -> date | None:
        return self.reckoning.due if self.reckoning else None

    @property
    def closed(self) -> bool:
        """Met or cancelled; neither time nor a changed calendar touches it any more."""
        return self.state in CLOSED

    @property
    def done(self) -> bool:
        """Met or cancelled. One that was met outside the known calendar is done, though nobody can judge it yet."""
        return self.closed or (self.state is DeadlineState.UNCOMPUTED and self.met_at is not None)


class NoticeKind(StrEnum):
    """What a tick tells. A miss is told once, and chased while it stands."""

    DUE_SOON = "due_soon"
    MISSED = "missed"
    STILL_MISSED = "still_missed"


@dataclass(frozen=True)
class Notice:
    """How a deadline stands, told at the instant `at` of its schedule, and the deadline with that told.

    `working_day` is the day of the count that a warning belongs to (3 or 4); None for a miss. `working_days_left`
    counts what remains after today's London date (0 on the due day); `working_days_late` is None where the calendar
    does not reach. `answer_outstanding`: what may have met it in time still awaits its verdict.
    """

    kind: NoticeKind
    at: datetime
    deadline: Deadline
    working_day: int | None = None
    working_days_left: int = 0
    working_days_late: int | None = None
    answer_outstanding: bool = False


def start(
    *,
    key: str,
    rule: RuleVersion,
    at: datetime,
    working_days: int,
    calendar: Calendar,
    recipient: str | None = None,
    provisional: bool = False,
    months: int | None = None,
) -> Deadline:
    """Starts a clock; outside the known calendar it is uncomputed, and the caller alarms. Raises NaiveInstant."""
    reckoning = _reckoning(aware(at), working_days, months, calendar)
    running = DeadlineState.PROVISIONAL if provisional else DeadlineState.OPEN
    return Deadline(
        key=key,
        rule=rule,
        recipient=recipient,
        started_at=at,
        working_days=working_days,
        state=running if reckoning else DeadlineState.UNCOMPUTED,
        provisional=provisional,
        reckoning=reckoning,
        next_instant=first_instant(reckoning, calendar) if reckoning else None,
        months=months,
    )


def tick(deadline: Deadline, now: datetime, calendar: Calendar, *, awaiting_answer: bool = False) -> list[Notice]:
    """At most one notice, of how the deadline stands now, however long nobody ticked.

    While what may meet it awaits its verdict no miss is told before 09:00 London, and then with the answer outstanding.
    """
    due = deadline.reckoning
    if due is None or deadline.next_instant is None or now < deadline.next_instant:
        return []
    told = replace(deadline, last_notice=now)
    if now < due.late_from:
        at = [instant for instant in warnings(due, calendar) if instant <= now][-1]
        day = 0 if due.months else due.counted.index(london_date(at)) + 1
        left = sum(day > london_date(now) for day in due.counted)
        if due.months:
            left = calendar.between(london_date(now), due.due)
        return [Notice(NoticeKind.DUE_SOON, at, scheduled(told, calendar), working_day=day, working_days_left=left)]
    first = deadline.state is not DeadlineState.MISSED
    if first and awaiting_answer and now < london_instant(due.due + ONE_DAY, MORNING):
        return []
    instants = list(takewhile(lambda instant: instant <= now, chasers_after(due.due, calendar)))
    return [
        Notice(
            NoticeKind.MISSED if first else NoticeKind.STILL_MISSED,
            instants[0] if first else instants[-1],
            scheduled(replace(told, state=DeadlineState.MISSED), calendar),
            working_days_late=_days_late(due, now, calendar),
            answer_outstanding=first and awaiting_answer,
        )
    ]


def meet(deadline: Deadline, at: datetime, calendar: Calendar) -> Deadline:
    """Met at an instant; met again at a corrected one, it is judged again, a miss included. Cancelled stays cancelled.

    Done while suspended, the days of suspension up to that day do not count against it. Raises NaiveInstant.
    """
    if deadline.state is DeadlineState.CANCELLED:
        return deadline
    met = replace(deadline, met_at=aware(at))
    if deadline.paused_on is not None:
        return _reckoned(_ended_pause(met, london_date(at) + ONE_DAY), calendar)
    return _judged(met, calendar)


def correct(deadline: Deadline, at: datetime, calendar: Calendar) -> Deadline:
    """Starts the count at another instant. A missed one whose due day moves is open until the next tick; a met one is
    judged again; a cancelled one stays so. Raises NaiveInstant."""
    if deadline.state is DeadlineState.CANCELLED:
        return deadline
    return _reckoned(replace(deadline, started_at=aware(at)), calendar)


def make_firm(deadline: Deadline, at: datetime, calendar: Calendar) -> Deadline:
    """A provisional clock becomes firm, counted from `at` (its own start, or another that was found)."""
    if deadline.state is DeadlineState.CANCELLED:
        return deadline
    return correct(replace(deadline, provisional=False), at, calendar)


def recompute(deadline: Deadline, calendar: Calendar) -> Deadline | None:
    """The deadline under another edition of the calendar; None if it is closed or no day of the count changes.

    An uncomputed one that the calendar now reaches is computed, and judged if it was met meanwhile.
    """
    if deadline.closed:
        return None
    after = _reckoned(deadline, calendar)
    before_count = deadline.reckoning and deadline.reckoning.counted
    after_count = after.reckoning and after.reckoning.counted
    return None if before_count == after_count else after


def cancel(deadline: Deadline, because: str) -> Deadline:
    """Ends a clock that no longer runs, saying why. A met one stays met."""
    if deadline.closed:
        return deadline
    return replace(deadline, state=DeadlineState.CANCELLED, cancelled_because=because, next_instant=None)


def pause(deadline: Deadline, at: datetime, calendar: Calendar) -> Deadline:
    """Suspends a running clock: nothing is told until it is resumed. Raises NaiveInstant."""
    if deadline.closed or deadline.paused_on is not None:
        return deadline
    return scheduled(replace(deadline, paused_on=london_date(at)), calendar)


def resume(deadline: Deadline, at: datetime, calendar: Calendar) -> Deadline:
    """Resumes it: the working days from the day of suspension to the day before resumption do not count."""
    if deadline.closed or deadline.paused_on is None:
        return deadline
    return _reckoned(_ended_pause(deadline, london_date(at)), calendar)


def scheduled(deadline: Deadline, calendar: Calendar) -> Deadline:
    """The deadline with its `next_instant` worked out anew; for whoever folds one from facts."""
    return replace(deadline, next_instant=_next_instant(deadline, calendar))


def first_instant(reckoning: Reckoning, calendar: Calendar) -> datetime:
    """The `next_instant` of a clock that has just been set."""
    return next(iter(warnings(reckoning, calendar)), reckoning.late_from)


def _ended_pause(deadline: Deadline, resumed: date) -> Deadline:
    if deadline.paused_on is None or resumed <= deadline.paused_on:
        return replace(deadline, paused_on=None)
    return replace(deadline, paused_on=None, pauses=(*deadline.pauses, Pause(deadline.paused_on, resumed)))


def _reckoned(deadline: Deadline, calendar: Calendar) -> Deadline:
    reckoning = _reckoning(deadline.started_at, deadline.working_days, deadline.months, calendar, deadline.pauses)
    moved = reckoning is None or reckoning.due != deadline.due
    running = DeadlineState.PROVISIONAL if deadline.provisional else DeadlineState.OPEN
    state = deadline.state if deadline.state is DeadlineState.MISSED and not moved else running
    return _judged(replace(deadline, reckoning=reckoning, state=state), calendar)


def _reckoning(
    at: datetime, working_days: int, months: int | None, calendar: Calendar, pauses: tuple[Pause, ...] = ()
) -> Reckoning | None:
    try:
        return reckon_months(at, months, calendar) if months else reckon(at, working_days, calendar, pauses)
    except OutsideCalendar:
        return None


def _judged(deadline: Deadline, calendar: Calendar) -> Deadline:
    due, met_at = deadline.reckoning, deadline.met_at
    if due is None:
        return replace(deadline, state=DeadlineState.UNCOMPUTED, next_instant=None)
    if met_at is None:
        return scheduled(deadline, calendar)
    late = is_late(met_at, due)
    return replace(
        deadline,
        state=DeadlineState.MET_LATE if late else DeadlineState.MET_IN_TIME,
        working_days_late=_days_late(due, met_at, calendar) if late else None,
        next_instant=None,
    )


def _days_late(reckoning: Reckoning, at: datetime, calendar: Calendar) -> int | None:
    try:
        return working_days_late(reckoning.due, at, calendar)
    except OutsideCalendar:
        return None


def _next_instant(deadline: Deadline, calendar: Calendar) -> datetime | None:
    due, told = deadline.reckoning, deadline.last_notice
    if due is None or deadline.closed or deadline.paused_on is not None:
        return None
    if deadline.state is DeadlineState.MISSED:
        return next(instant for instant in chasers_after(due.due, calendar) if told is None or instant > told)
    ahead = (instant for instant in warnings(due, calendar) if told is None or instant > told)
    return next(ahead, due.late_from)
