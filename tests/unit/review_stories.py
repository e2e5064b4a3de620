"""A story of one rapid review for tests: what was heard, proposed and ticked, and the facts that followed, all pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import Any
from uuid import uuid4

from contracts.catalogue import CATALOGUE, version
from contracts.codes import AbuseOrNeglect, AwarenessSource, Ground, Nature
from contracts.deadlines import DeadlineSet, OfDeadline, Reckoned
from contracts.envelope import AnyEvent
from contracts.identifiers import mint, mint_reference
from contracts.incidents import AwarenessCorrected, Child, IncidentLinked, IncidentReferred, Occurrence
from contracts.local_rules import DEFAULT, RulesAdopted
from contracts.notifications import (
    NotificationAmended,
    NotificationContent,
    NotificationSubmitted,
    NotificationWithdrawn,
)
from contracts.review_codes import Attendance, LegalBasis, Outcome, PanelView, Partner, PartnerView
from contracts.reviews import (
    Attendee,
    ChronologyEntry,
    InformationRequested,
    InformationReturned,
    MeetingHeld,
    PanelAnswered,
    ReviewDecision,
    ReviewDrafted,
    ReviewSubmitted,
    ViewRecorded,
)
from contracts.sealing import Model
from services.rapid_review import case as cases
from services.rapid_review import review as rules
from services.rapid_review.case import Case
from services.rapid_review.review import UNOPENED, Context, Review
from shared import decider
from shared.deadlines import reckon, reckoned
from shared.london import LONDON
from shared.recording import recorded
from shared.working_days import Calendar, england_and_wales

HOST = "E06000001"
COUNCIL, ICB, POLICE, SCHOOL = "northbank-council", "northbank-icb", "northbank-police", "northbank-school"
PARTNERS = {COUNCIL: Partner.LOCAL_AUTHORITY, ICB: Partner.ICB, POLICE: Partner.POLICE}
WORDS = mint_reference()
CHILD = mint("subject")


def london(day: str, at: str = "10:00") -> datetime:
    """That time of that day in London."""
    return datetime.combine(date.fromisoformat(day), time.fromisoformat(at), LONDON).astimezone(UTC)


def referral() -> IncidentReferred:
    return IncidentReferred(
        nature=Nature.SERIOUS_HARM,
        abuse_or_neglect=AbuseOrNeglect.SUSPECTED,
        occurrence=Occurrence(date_from=date(2019, 1, 1), location=mint_reference()),
        host_authority=HOST,
        children=(Child(identity=mint_reference(), age_at_incident=6, subject=CHILD),),
        summary=WORDS,
        contact=mint_reference(),
    )


def aware(at: datetime) -> DeadlineSet:
    """T01 as the gateway states it: its start is the awareness that counts."""
    return DeadlineSet(
        clock="T01",
        rule="T01",
        edition="wt-2023",
        provisional=False,
        reckoned=reckoned(reckon(at, 5, england_and_wales())),
    )


def knew(at: datetime) -> AwarenessCorrected:
    return AwarenessCorrected(aware_at=at, reason=WORDS)


def linked(subject: str, *, undone: bool = False) -> IncidentLinked:
    return IncidentLinked(lead="incident-" + "e" * 32, twin=subject, reason=WORDS, undone=undone)


def submission(at: datetime, *grounds: Ground) -> NotificationSubmitted:
    return NotificationSubmitted(
        portal_reference="PANEL-1", portal_time=at, grounds=frozenset(grounds or {Ground.S16C_A})
    )


def amendment(at: datetime, *added: Ground) -> NotificationAmended:
    content = NotificationContent(
        notifying_authority=HOST,
        notifier=mint_reference(),
        became_aware_at=at,
        awareness_source=AwarenessSource.POLICE,
        occurrence=Occurrence(date_from=date(2019, 1, 1), location=mint_reference()),
        nature=Nature.CHILD_DEATH,
        abuse_or_neglect=AbuseOrNeglect.SUSPECTED,
        grounds=frozenset({Ground.LAC_DEATH, *added}),
        children=(Child(identity=mint_reference(), age_at_incident=6),),
    )
    return NotificationAmended(reason=WORDS, content=content, portal_time=at, added_grounds=frozenset(added))


def withdrawal(at: datetime) -> NotificationWithdrawn:
    return NotificationWithdrawn(reasons=WORDS, panel_told_at=at)


def question(agency: str, **changed: Any) -> InformationRequested:
    asked: dict[str, Any] = {
        "agency": agency,
        "legal_basis": (LegalBasis.PUBLIC_TASK,),
        "scope_from": date(2024, 1, 1),
        "scope_to": date(2026, 3, 10),
        "subjects": (CHILD,),
        "reason": WORDS,
    }
    return InformationRequested(**asked | changed)


def entry(day: str = "2025-06-02", **changed: Any) -> ChronologyEntry:
    return ChronologyEntry(**{"day": date.fromisoformat(day), "words": WORDS} | changed)


def answer(agency: str, request: str, **changed: Any) -> InformationReturned:
    told = {} if changed.get("nil") else {"entries": (entry(),)}
    return InformationReturned(**{"agency": agency, "request": request, "signed_off": True} | told | changed)


def meeting(at: datetime, *agencies: str) -> MeetingHeld:
    """Each of these agencies was there, and spoke for the partner that it is."""
    there = tuple(Attendee(agency=agency, partner=PARTNERS.get(agency)) for agency in agencies or PARTNERS)
    sorry = Attendee(agency=SCHOOL, attendance=Attendance.APOLOGIES)
    return MeetingHeld(held_at=at, attendees=(*there, sorry))


def report(outcome: Outcome = Outcome.NO_FURTHER_REVIEW) -> ReviewDrafted:
    return ReviewDrafted(decision=ReviewDecision(outcome=outcome, reasons=WORDS))


def view(number: int, how: PartnerView = PartnerView.AGREE) -> ViewRecorded:
    return ViewRecorded(version=number, view=how, dissent=WORDS if how is PartnerView.DISSENT else None)


def sent(at: datetime, **changed: Any) -> ReviewSubmitted:
    return ReviewSubmitted(submitted_at=at, **changed)


def reply(at: datetime, how: PanelView = PanelView.AGREES) -> PanelAnswered:
    return PanelAnswered(answered_at=at, view=how)


def event(data: Model, at: datetime, subject: str, **attributes: Any) -> AnyEvent:
    """A proposal of the host authority's business unit, sealed already."""
    (name,) = (entry.name for entry in CATALOGUE.values() if entry.model is type(data))
    found = CATALOGUE[name]
    _, _, envelope = version(found.wire_type)
    asked = {
        "id": f"proposal-{uuid4().hex[:12]}",
        "source": "/agencies/northbank-council",
        "type": found.wire_type,
        "subject": subject,
        "time": at,
        "dataschema": found.schema,
        "partnership": "northbank",
        "agency": COUNCIL,
        "actor": "northbank-unit",
        "actorrole": "business_unit",
        "data": data,
    }
    return envelope.model_validate(asked | attributes)


def of_system(agency: str) -> dict[str, Any]:
    """An agency's own system says it."""
    return {"source": f"/agencies/{agency}", "agency": agency, "actor": None, "actorrole": None}


def of_partner(agency: str) -> dict[str, Any]:
    return {"agency": agency, "actor": f"{agency}-partner", "actorrole": "partner"}


GATEWAY, NOTIFICATIONS = "/services/gateway", "/services/notifications"


@dataclass
class Story:
    """One review's past. Each step returns the facts that followed; `marks` are those of the newest proposal."""

    calendar: Calendar = field(default_factory=england_and_wales)
    local: RulesAdopted = DEFAULT
    partners: Mapping[str, Partner] = field(default_factory=lambda: dict(PARTNERS))
    shut_out: frozenset[str] = frozenset()
    subject: str = field(default_factory=lambda: mint("incident"))
    case: Case = field(init=False)
    review: Review = UNOPENED
    facts: list[AnyEvent] = field(default_factory=list)
    said_by: dict[str, int] = field(default_factory=dict)
    marks: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.case = Case(self.subject)

    def context(self, now: datetime) -> Context:
        return Context(
            now,
            self.calendar,
            host=COUNCIL,
            partners=self.partners,
            listed=frozenset({*PARTNERS, SCHOOL, "northbank-probation"}),
            shut_out=self.shut_out,
            local=self.local,
        )

    def fact(self, data: Model, at: datetime, source: str) -> AnyEvent:
        """The next fact of its owner's stream about the incident."""
        self.said_by[source] = self.said_by.get(source, 0) + 1
        return event(data, at, self.subject, source=source, streamversion=self.said_by[source], recordedtime=at)

    def hear(self, data: Model, at: datetime) -> list[AnyEvent]:
        return self.hear_fact(self.fact(data, at, owner_of(data)), at)

    def hear_fact(self, fact: AnyEvent, at: datetime) -> list[AnyEvent]:
        self.case = cases.evolve(self.case, fact)
        return self.record(fact, rules.on_facts(self.review, self.case, fact, self.context(at)), at)

    def propose(self, data: Model, at: datetime, **attributes: Any) -> list[AnyEvent]:
        proposal = event(data, at, self.subject, **attributes)
        outcomes = rules.decide(self.review, proposal, self.case, self.context(at))
        self.marks = {mark for outcome in outcomes for mark in outcome.marks}
        return self.record(proposal, outcomes, at)

    def tick(self, at: datetime) -> list[AnyEvent]:
        return self.record(self.facts[-1], rules.tick(self.review, self.case, self.context(at)), at, acting=False)

    def next_instant(self, now: datetime) -> datetime | None:
        return rules.schedule(self.review, self.case, self.context(now))

    def record(
        self, cause: AnyEvent, outcomes: Sequence[decider.Outcome], now: datetime, *, acting: bool = True
    ) -> list[AnyEvent]:
        stream, after = f"review-{self.subject}", len(self.facts)
        facts = recorded(cause, outcomes, service="rapid-review", stream=stream, after=after, now=now, acting=acting)
        for fact in facts:
            self.review = rules.evolve(self.review, fact)
        self.facts += facts
        return facts

    def ask(self, agency: str, at: datetime, **changed: Any) -> str:
        """The id of the request that an agency was sent."""
        (fact,) = self.propose(question(agency, **changed), at)
        return str(fact.data.request)

    def refold(self) -> Review:
        folded = UNOPENED
        for fact in self.facts:
            folded = rules.evolve(folded, fact)
        return folded


def owner_of(data: Model) -> str:
    (topic,) = {each.topic for each in CATALOGUE.values() if each.model is type(data)}
    return NOTIFICATIONS if topic.endswith("notifications") else GATEWAY


def said(facts: Sequence[AnyEvent]) -> list[str]:
    """`deadline.met T06a` and the like."""
    return [f"{f.name} {f.data.clock}" if isinstance(f.data, OfDeadline) else f.name for f in facts]


def reckoning(facts: Sequence[AnyEvent], clock: str) -> Reckoned:
    """The newest reckoning of a clock among these facts."""
    told: list[Reckoned] = [
        f.data.reckoned
        for f in facts
        if isinstance(f.data, OfDeadline) and f.data.clock == clock and hasattr(f.data, "reckoned")
    ]
    return told[-1]


def begun(at: datetime, *, known: datetime | None = None, **changed: Any) -> Story:
    """Referred, known to the authority at an instant, and submitted at another: the review is open."""
    story = Story(**changed)
    story.hear(referral(), known or at)
    story.hear(aware(known or at), known or at)
    story.hear(submission(at), at)
    return story


def met(at: datetime, **changed: Any) -> Story:
    """Begun, and met an hour later with all three partners."""
    story = begun(at, **changed)
    later = datetime.fromtimestamp(at.timestamp() + 3600, UTC)
    story.propose(meeting(later), later)
    return story
