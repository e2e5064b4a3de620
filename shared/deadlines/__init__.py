"""Deadlines in working days and in calendar months: the reckoning, the life of a clock, and the facts that tell it.

Pure: instants, calendars and rules are passed in.
"""

from shared.deadlines.clocks import Clocks, RuleFor
from shared.deadlines.facts import reckoned, reckoning_of
from shared.deadlines.folding import WEEKDAYS, awaiting_after, clock_after, judged_after
from shared.deadlines.life import (
    Deadline,
    DeadlineState,
    Notice,
    NoticeKind,
    RuleVersion,
    cancel,
    correct,
    first_instant,
    make_firm,
    meet,
    pause,
    recompute,
    resume,
    scheduled,
    start,
    tick,
)
from shared.deadlines.reckoning import (
    NotCounted,
    Pause,
    Reckoning,
    chasers_after,
    is_late,
    months_after,
    reckon,
    reckon_months,
    restored,
    warnings,
    working_days_late,
)
from shared.deadlines.ticking import next_instants, ticked

__all__ = [
    "WEEKDAYS",
    "Clocks",
    "Deadline",
    "DeadlineState",
    "NotCounted",
    "Notice",
    "NoticeKind",
    "Pause",
    "Reckoning",
    "RuleFor",
    "RuleVersion",
    "awaiting_after",
    "cancel",
    "chasers_after",
    "clock_after",
    "correct",
    "first_instant",
    "is_late",
    "judged_after",
    "make_firm",
    "meet",
    "months_after",
    "next_instants",
    "pause",
    "reckon",
    "reckon_months",
    "reckoned",
    "reckoning_of",
    "recompute",
    "restored",
    "resume",
    "scheduled",
    "start",
    "tick",
    "ticked",
    "warnings",
    "working_days_late",
]
