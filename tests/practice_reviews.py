"""A story of one practice review for tests: what was proposed, scanned and ticked, and the facts that followed."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import Any
from uuid import uuid4

from contracts.catalogue import CATALOGUE, version
from contracts.envelope import AnyEvent
from contracts.identifiers import mint, mint_reference
from contracts.practice_reviews import (
    AdvanceCopyDelivered,
    FoundCount,
    PracticeReviewDecided,
    PracticeReviewDrafted,
    PracticeReviewPublished,
    PracticeReviewScoped,
    PublicationPlanned,
    RedactionChecked,
    ResponseAgreed,
    ReviewerAppointed,
)
from contracts.review_codes import Basis, Check, CopyTo, Found, Partner, Publication, Scale, Scan
from contracts.sealing import Model
from services.rapid_review import practice_review as rules
from services.rapid_review.practice_review import UNDECIDED, Case, Context, PracticeReview
from shared.decider import Outcome, Refused
from shared.london import LONDON
from shared.recording import recorded
from shared.working_days import england_and_wales

WORDS = mint_reference()
PARTNERS = {
    "northshire-council": Partner.LOCAL_AUTHORITY,
    "northshire-icb": Partner.ICB,
    "northshire-police": Partner.POLICE,
}
COUNCIL, ICB, POLICE = PARTNERS
CASE = Case(
    mint("incident"),
    partnership="northshire",
    host_authority=COUNCIL,
    partners=PARTNERS,
    asked=frozenset({"northshire-school"}),
    participants=frozenset({ICB, POLICE}),
    rapid_review=True,
)


def london(day: str, at: str = "10:00") -> datetime:
    """That time of that day in London."""
    return datetime.combine(date.fromisoformat(day), time.fromisoformat(at), LONDON).astimezone(UTC)


def decision(**changed: Any) -> PracticeReviewDecided:
    return PracticeReviewDecided(**{"basis": Basis.RAPID_REVIEW, "reasons": WORDS} | changed)


def scope(**changed: Any) -> PracticeReviewScoped:
    told = {
        "terms": WORDS,
        "scale": Scale.STANDARD,
        "scale_reasons": WORDS,
        "scope_from": date(2023, 1, 1),
        "scope_to": date(2025, 1, 1),
    }
    return PracticeReviewScoped(**told | changed)


def appointment(works_for: str | None = None) -> ReviewerAppointed:
    return ReviewerAppointed(contact=WORDS, independence=WORDS, works_for=works_for)


def draft() -> PracticeReviewDrafted:
    return PracticeReviewDrafted(report=mint_reference())


def publication(on: date, form: Publication = Publication.FULL) -> PracticeReviewPublished:
    return PracticeReviewPublished(on=on, form=form)


def planned(on: date, form: Publication = Publication.FULL) -> PublicationPlanned:
    return PublicationPlanned(on=on, form=form, reasons=WORDS)


@dataclass
class Story:
    """A review as it becomes; `facts` lie as in the log."""

    case: Case = CASE
    facts: list[AnyEvent] = field(default_factory=list)
    state: PracticeReview = UNDECIDED

    def propose(self, data: Model, now: datetime, agency: str = COUNCIL, actor: str = "unit") -> Sequence[Outcome]:
        """What follows, recorded. Raises what the decider raises."""
        proposal = self._proposal(data, now, agency, actor)
        outcomes = rules.decide(self.state, proposal, self.case, self.context(now))
        self._record(proposal, outcomes, now)
        return outcomes

    def refused(self, data: Model, now: datetime, agency: str = COUNCIL, actor: str = "unit") -> dict[str, Any]:
        """The faults by rule of a proposal that must be refused."""
        try:
            self.propose(data, now, agency, actor)
        except Refused as refused:
            return {fault.rule: fault for fault in refused.faults}
        raise AssertionError(f"{type(data).__name__} was taken")

    def scan(self, now: datetime, result: Scan = Scan.NOTHING_FOUND, of: int | None = None) -> Sequence[Outcome]:
        found = (FoundCount(what=Found.NAME, count=2),) if result is Scan.FOUND else ()
        version_ = of or (self.state.draft.number if self.state.draft else 1)
        outcomes = rules.scanned(self.state, version_, result, found)
        self._record(self._proposal(draft(), now, None, None), outcomes, now)
        return outcomes

    def tick(self, now: datetime) -> Sequence[Outcome]:
        outcomes = rules.tick(self.state, self.case, self.context(now))
        if outcomes:
            self._record(self.facts[-1], outcomes, now, acting=False)
        return outcomes

    def commission(self, now: datetime, **changed: Any) -> None:
        for agency in PARTNERS:
            self.propose(decision(**changed), now, agency)

    def until_draft(self, now: datetime) -> None:
        self.commission(now)
        for data in (scope(), appointment(), draft()):
            self.propose(data, now)

    def check_and_respond(self, now: datetime) -> None:
        """Everything that the newest version needs but its advance copies."""
        number = self.number
        self.scan(now)
        self.propose(ResponseAgreed(version=number, response=WORDS), now)
        for actor in ("first-checker", "second-checker"):
            self.propose(RedactionChecked(version=number, result=Check.PASSED), now, actor=actor)

    def copy(self, now: datetime, *recipients: CopyTo, at: datetime | None = None) -> None:
        for recipient in recipients or tuple(CopyTo):
            copied = AdvanceCopyDelivered(recipient=recipient, version=self.number, delivered_at=at or now)
            self.propose(copied, now)

    @property
    def number(self) -> int:
        assert self.state.draft is not None
        return self.state.draft.number

    @property
    def names(self) -> list[str]:
        return [fact.name for fact in self.facts]

    def refold(self) -> PracticeReview:
        state = UNDECIDED
        for fact in self.facts:
            state = rules.evolve(state, fact)
        return state

    @staticmethod
    def context(now: datetime) -> Context:
        return Context(now, england_and_wales())

    def _proposal(self, data: Model, now: datetime, agency: str | None, actor: str | None) -> AnyEvent:
        (entry,) = (each for each in CATALOGUE.values() if each.model is type(data))
        _, _, envelope = version(entry.wire_type)
        return envelope(
            id=str(uuid4()),
            source=f"/agencies/{agency or COUNCIL}",
            type=entry.wire_type,
            subject=self.case.incident,
            time=now,
            dataschema=entry.schema,
            partnership=self.case.partnership,
            agency=agency,
            actor=actor,
            data=data,
        )

    def _record(self, cause: AnyEvent, outcomes: Sequence[Outcome], now: datetime, *, acting: bool = True) -> None:
        facts = recorded(
            cause,
            outcomes,
            service="rapid-review",
            stream=f"practice-{self.case.incident}",
            after=len(self.facts),
            now=now,
            acting=acting,
        )
        for fact in facts:
            self.facts.append(fact)
            self.state = rules.evolve(self.state, fact)
