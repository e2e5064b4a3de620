"""What is known of a local child safeguarding practice review, folded from its facts, and of the case it is about."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from contracts.practice_reviews import (
    DelayNotified,
    PracticeReviewCommissioned,
    PracticeReviewMonitored,
    PracticeReviewScoped,
    PublicationPlanned,
)
from contracts.review_codes import Basis, Check, CopyTo, Involved, Involvement, Partner, Publication, Scan
from contracts.rules import Rule, rule
from shared import decider
from shared.deadlines import Deadline
from shared.london import london_date


class Status(StrEnum):
    """The states of DOMAIN 4. Paused and overdue are flags beside it."""

    COMMISSIONED = "commissioned"
    SCOPED = "scoped"
    IN_REVIEW = "in_review"
    DRAFT_REPORT = "draft_report"
    RESPONSE_AGREED = "response_agreed"
    REDACTION_CHECKED = "redaction_checked"
    ADVANCE_COPIES_SENT = "advance_copies_sent"
    PUBLISHED = "published"
    IMPROVEMENTS_PUBLISHED = "improvements_only_published"
    ENDED = "ended"


T09 = "T09"
"""The clock from the third partner's decision to publication. A pause does not stop it (DOMAIN 4)."""

CHECKERS = 2
"""So many different people must have passed a version."""


@dataclass(frozen=True)
class Decided:
    """One partner's decision to initiate it."""

    basis: Basis
    on: date


@dataclass(frozen=True)
class Reviewer:
    """Who leads or led the review; `works_for` their agency, where they work for one."""

    works_for: str | None
    removed: bool = False


@dataclass(frozen=True)
class Draft:
    """A version of the report: its document, the response agreed to it, and what scan and people say of it.

    `checks` holds each person's last word since the scan; `copies` the London date on which each recipient first had
    it; `drafted_on` and `responded_on` are the London dates of it and of its response, `ready_on` the latest one of
    what was done for it here.
    """

    number: int
    report: str
    drafted_on: date
    ready_on: date
    responded_on: date | None = None
    scan: Scan | None = None
    checks: Mapping[str, Check] = field(default_factory=dict)
    copies: Mapping[CopyTo, date] = field(default_factory=dict)

    @property
    def responded(self) -> bool:
        """Whether the partnership's response to it is agreed."""
        return self.responded_on is not None

    def lacks_response(self, copied_on: date) -> bool:
        """Whether a copy of that day came before the response: it held other content than is published."""
        return self.responded_on is not None and copied_on < self.responded_on

    @property
    def passed(self) -> int:
        """How many different people passed it; none, if its scan failed or somebody's last word is against it."""
        stands = self.scan not in (None, Scan.FAILED) and Check.FAILED not in self.checks.values()
        return len(self.checks) if stands else 0

    @property
    def copied(self) -> bool:
        """Whether every recipient has an advance copy of it."""
        return all(recipient in self.copies for recipient in CopyTo)


@dataclass(frozen=True)
class Published:
    """What was made public: which version, in which form, and until when at least."""

    version: int
    form: Publication
    on: date
    available_until: date


@dataclass(frozen=True)
class PracticeReview:
    """One incident's practice review. After one is ended or published a further one can be decided; `publications` are
    kept, and `numbered` counts every version there was. `decisions` lead to the next commission; `agreed` led to this
    one. `judged` names, by clock, the fact that last said missed or met."""

    decisions: Mapping[Partner, Decided] = field(default_factory=dict)
    commission: PracticeReviewCommissioned | None = None
    agreed: Mapping[Partner, Decided] = field(default_factory=dict)
    scope: PracticeReviewScoped | None = None
    reviewers: Mapping[str, Reviewer] = field(default_factory=dict)
    monitored: tuple[PracticeReviewMonitored, ...] = ()
    involvement: Mapping[Involved, tuple[Involvement, ...]] = field(default_factory=dict)
    delays: tuple[DelayNotified, ...] = ()
    paused: bool = False
    numbered: int = 0
    draft: Draft | None = None
    plan: PublicationPlanned | None = None
    publications: tuple[Published, ...] = ()
    publication: Published | None = None
    unpublished: bool = False
    ended: bool = False
    clocks: Mapping[str, Deadline] = field(default_factory=dict)
    judged: Mapping[str, str] = field(default_factory=dict)
    awaiting_reason: frozenset[str] = frozenset()

    @property
    def status(self) -> Status | None:
        """How far it is; None until the three partners have decided. It follows from what is done for the newest
        version, so that a further version begins again as a draft."""
        draft = self.draft
        if self.commission is None:
            return None
        if self.publication:
            full = self.publication.form is Publication.FULL
            return Status.PUBLISHED if full else Status.IMPROVEMENTS_PUBLISHED
        if self.ended:
            return Status.ENDED
        if draft is None:
            begun = Status.IN_REVIEW if self.standing else Status.SCOPED
            return begun if self.scope else Status.COMMISSIONED
        steps = (
            (draft.responded, Status.RESPONSE_AGREED),
            (draft.passed >= CHECKERS, Status.REDACTION_CHECKED),
            (draft.copied, Status.ADVANCE_COPIES_SENT),
        )
        reached = Status.DRAFT_REPORT
        for done, status in steps:
            if not done:
                break
            reached = status
        return reached

    @property
    def standing(self) -> Mapping[str, Reviewer]:
        """The reviewers who were not removed."""
        return {name: reviewer for name, reviewer in self.reviewers.items() if not reviewer.removed}

    @property
    def running(self) -> bool:
        """Commissioned, and neither published nor given up."""
        return self.commission is not None and self.publication is None and not self.ended

    @property
    def due(self) -> date | None:
        """The last day on which it is published in time (T09)."""
        return self.clocks[T09].due if T09 in self.clocks else None

    @property
    def running_clock(self) -> bool:
        """Whether T09 was set, and is neither met nor cancelled; a missed one runs."""
        return T09 in self.clocks and not self.clocks[T09].done


UNDECIDED = PracticeReview()


@dataclass(frozen=True)
class Case:
    """The incident as its practice review needs it.

    `partners` are the three of the host area; `asked` and `participants` the agencies that have to do with it, in its
    rapid review or otherwise; `other_authorities` those of further areas that are concerned.
    """

    incident: str
    known: bool = True
    partnership: str = ""
    host_authority: str = ""
    partners: Mapping[str, Partner] = field(default_factory=dict)
    other_authorities: tuple[str, ...] = ()
    asked: frozenset[str] = frozenset()
    participants: frozenset[str] = frozenset()
    occurred_from: date | None = None
    rapid_review: bool = False
    linked_to: str | None = None

    @property
    def involved(self) -> frozenset[str]:
        """The agencies from which no reviewer may come."""
        return self.asked | self.participants | {self.host_authority}


@dataclass(frozen=True)
class Context(decider.Context):
    """What a decision may know beside the past; `rules` looks up the edition in force on a London date."""

    rules: Callable[[str, date, str | None], Rule] = rule

    @property
    def today(self) -> date:
        """The London date of recording."""
        return london_date(self.now)
