"""What is known of one rapid review, folded from its facts, and what a decision may know beside it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from contracts.local_rules import DEFAULT, RulesAdopted
from contracts.review_codes import Chase, PanelView, Partner, PartnerView, Task
from contracts.reviews import Plan
from contracts.rules import Rule, rule
from shared import decider
from shared.deadlines import Deadline
from shared.london import london_date


class Status(StrEnum):
    """The states of DOMAIN 4, in their order. That an answer is overdue is a flag beside it."""

    OPEN = "open"
    INFORMATION_REQUESTED = "information_requested"
    INFORMATION_PARTIAL = "information_partial"
    INFORMATION_COMPLETE = "information_complete"
    MEETING_HELD = "meeting_held"
    DRAFTED = "drafted"
    SIGNED_OFF = "signed_off"
    SUBMITTED = "submitted"
    PANEL_RESPONDED = "panel_responded"
    CLOSED = "closed"
    CANCELLED = "cancelled"


class Answer(StrEnum):
    """How far an agency's answer is."""

    REQUESTED = "requested"
    ACKNOWLEDGED = "acknowledged"
    RETURNED = "returned"
    NIL = "nil"
    ACCEPTED = "accepted"
    QUERIED = "queried"


ANSWERED = frozenset({Answer.RETURNED, Answer.NIL, Answer.ACCEPTED})


@dataclass(frozen=True)
class Return:
    """One version of an agency's answer. `content` tells whether the same was sent again; `parts` are the facts whose
    entries count with its own."""

    version: int
    fact: str
    at: datetime
    content: str
    nil: bool = False
    late: bool = False
    after_meeting: bool = False
    outside_scope: int = 0
    parts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Request:
    """What one agency is asked. `returns` are kept, every one; `contributed` are the parts, by what they hold, that
    count; `open_since` is when it was last asked, and `chased` what it was told since."""

    id: str
    agency: str
    due: date
    scope_from: date
    scope_to: date
    subjects: tuple[str, ...]
    asked_at: datetime
    open_since: datetime
    status: Answer = Answer.REQUESTED
    returns: tuple[Return, ...] = ()
    contributed: Mapping[str, str] = field(default_factory=dict)
    accepted: int | None = None
    chased: frozenset[Chase] = frozenset()

    @property
    def answered(self) -> bool:
        """Whether nothing is awaited of the agency; one that was asked for more detail owes it."""
        return self.status in ANSWERED

    @property
    def latest(self) -> Return | None:
        return self.returns[-1] if self.returns else None


@dataclass(frozen=True)
class Meeting:
    held_at: datetime
    quorate: bool


@dataclass(frozen=True)
class Draft:
    """A version of the report, and the partners' newest views of it."""

    number: int
    fact: str
    views: Mapping[Partner, PartnerView] = field(default_factory=dict)
    signed_off: bool = False

    @property
    def dissenting(self) -> tuple[Partner, ...]:
        return tuple(partner for partner in Partner if self.views.get(partner) is PartnerView.DISSENT)


@dataclass(frozen=True)
class Submission:
    """What reached the Panel, and when; `answer` is the Panel's newest reply to it."""

    at: datetime
    version: int | None
    explained: bool
    answer: PanelView | None = None


@dataclass(frozen=True)
class Review:
    """One incident's rapid review. `rule` (T06a or T06b) and `plan` stay as they were when it began.

    `stage` is how far it is, `cancelled` and `closed` why it ended. `judged` names, by clock, the fact that last said
    missed or met.
    """

    rule: str | None = None
    portal_time: datetime | None = None
    plan: Plan = ()
    stage: Status = Status.OPEN
    cancelled: str | None = None
    closed: str | None = None
    requests: Mapping[str, Request] = field(default_factory=dict)
    gaps: frozenset[str] = frozenset()
    meetings: tuple[Meeting, ...] = ()
    drafts: tuple[Draft, ...] = ()
    submissions: tuple[Submission, ...] = ()
    clocks: Mapping[str, Deadline] = field(default_factory=dict)
    judged: Mapping[str, str] = field(default_factory=dict)
    awaiting_reason: frozenset[str] = frozenset()

    @property
    def status(self) -> Status | None:
        """None for one that never began."""
        if self.rule is None:
            return None
        if self.closed:
            return Status.CLOSED
        return Status.CANCELLED if self.cancelled else self.stage

    @property
    def under_way(self) -> bool:
        return self.rule is not None and not self.closed and not self.cancelled

    @property
    def clock(self) -> Deadline | None:
        """T06's clock, whichever reading it runs by."""
        return self.clocks.get(self.rule) if self.rule else None

    @property
    def met_on(self) -> datetime | None:
        """When the first quorate meeting was held: what comes after it comes late."""
        return min((meeting.held_at for meeting in self.meetings if meeting.quorate), default=None)

    @property
    def draft(self) -> Draft | None:
        return self.drafts[-1] if self.drafts else None

    @property
    def submission(self) -> Submission | None:
        return self.submissions[-1] if self.submissions else None

    @property
    def corrects_submission(self) -> bool:
        """Whether a submission said now corrects the newest one: the Panel has not queried it."""
        return bool(self.submissions) and self.stage in (Status.SUBMITTED, Status.PANEL_RESPONDED)

    @property
    def owing(self) -> Iterator[Request]:
        """The requests that await something of their agency."""
        return (request for request in self.requests.values() if not request.answered)

    @property
    def running(self) -> Iterator[Deadline]:
        """The clocks that are neither met nor cancelled, a missed one among them."""
        return (clock for clock in self.clocks.values() if not clock.done)

    def planned(self, task: Task) -> date | None:
        """By which day the plan has a task done, if it has it."""
        return next((each.due for each in self.plan if each.task is task), None)

    def overdue(self, now: datetime) -> frozenset[str]:
        """The requests that nobody has answered by the end of their due day."""
        return frozenset(request.id for request in self.owing if london_date(now) > request.due)


UNOPENED = Review()


@dataclass(frozen=True)
class Context(decider.Context):
    """What a decision may know beside the past.

    `host`: the agency that holds the duty, None where the directory has none. `partners`: which of the three
    safeguarding partners an agency of the host area is. `listed`: the agencies that can be asked; None where nobody
    says. `shut_out`: those that may read nothing of the incident. `local`: the partnership's own readings. `arrived`:
    when the proposal reached the gateway, if before `now`.
    """

    host: str | None = None
    partners: Mapping[str, Partner] = field(default_factory=dict)
    listed: frozenset[str] | None = None
    shut_out: frozenset[str] = frozenset()
    local: RulesAdopted = DEFAULT
    rules: Callable[[str, date, str | None], Rule] = rule
    arrived: datetime | None = None

    @property
    def arrival(self) -> datetime:
        return self.arrived or self.now

    @property
    def today(self) -> date:
        """The London date of arrival."""
        return london_date(self.arrival)
