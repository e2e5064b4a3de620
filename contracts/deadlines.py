"""The deadline family. It stands in the stream of what it times; DOMAIN section 2 and 4A say how it is reckoned."""

from datetime import date
from typing import Annotated

from pydantic import Field

from contracts.envelope import EventId, Instant
from contracts.sealing import Model, Narrative

RuleId = Annotated[str, Field(pattern=r"^T[0-9]{2}[a-z]?$")]
Recipient = Annotated[str, Field(pattern=r"^[a-z][a-zA-Z0-9-]{1,62}$|^E[0-9]{8}$")]


class DayNotCounted(Model):
    day: date
    why: Annotated[str, Field(max_length=80)]


class Reckoned(Model):
    """The reckoning, so that anyone can do it again years later."""

    started_at: Instant
    day0: date
    working_days: Annotated[int, Field(description="Counted back where negative; 0 where `months` is there.")]
    months: Annotated[int, Field(ge=1)] | None = Field(None, description="Of a clock that is reckoned in months.")
    due: date
    late_from: Instant
    not_counted: tuple[DayNotCounted, ...] = ()
    calendar: str


class OfDeadline(Model):
    """What every event of the family says: which clock, under which rule, for whom."""

    clock: Annotated[str, Field(pattern=r"^T[0-9]{2}[a-z]?(:[A-Za-z0-9-]{1,63})?$")] = Field(
        description="The rule, and after a colon the recipient where the rule has a clock for each."
    )
    rule: RuleId
    edition: str
    recipient: Recipient | None = None


class DeadlineSet(OfDeadline):
    """A clock runs. `reckoned` is absent where no calendar covers the dates: `uncomputed`, and alarmed."""

    provisional: bool
    reckoned: Reckoned | None = None
    uncomputed: bool = False
    late_as_set: bool = Field(False, description="Its due day had passed when it was set.")


class DeadlineDueSoon(OfDeadline):
    due: date
    working_day: Annotated[int, Field(description="Of the count; 0 for a clock that is reckoned in months.")]
    provisional: bool


class DeadlineMissed(OfDeadline):
    """The due day has passed and it is not met; said again each working day while that is so."""

    due: date
    working_days_late: Annotated[int, Field(ge=0)] | None = Field(None, description="None outside the calendar.")
    provisional: bool
    answer_outstanding: bool = Field(False, description="What would meet it arrived in time and awaits its verdict.")
    again: bool = False


class DeadlineMet(OfDeadline):
    met_at: Instant
    due: date | None = None
    in_time: bool
    working_days_late: Annotated[int, Field(ge=0)] | None = None
    awaiting_reason: bool = Field(False, description="Late, and no reason for the delay has been given yet.")
    corrects: EventId | None = Field(None, description="The id of the deadline event that this one judges again.")


class DeadlineRecomputed(OfDeadline):
    """Day 0, its firmness or the calendar changed while the clock was open, or a fact was corrected."""

    because: Annotated[str, Field(pattern=r"^(calendar|awareness|triage|reopened|ground_added|linked|portal_time)$")]
    provisional: bool
    before: Reckoned | None = None
    reckoned: Reckoned | None = None
    uncomputed: bool = False
    reason: Narrative | None = None


class DeadlineCancelled(OfDeadline):
    because: Annotated[str, Field(pattern=r"^(not_notifiable|linked|withdrawn|not_needed|rule)$")]


class DeadlinePaused(OfDeadline):
    since: Instant
    reason: Narrative


class DeadlineResumed(OfDeadline):
    since: Instant
    reckoned: Reckoned | None = None
