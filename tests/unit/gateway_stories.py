"""A story of one incident for tests: what was proposed, heard and ticked, and the facts that followed, all pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import Any
from uuid import uuid4

from contracts.catalogue import CATALOGUE, version
from contracts.codes import AbuseOrNeglect, AwarenessSource, Channel, Ground, Nature
from contracts.deadlines import OfDeadline, Reckoned
from contracts.envelope import AnyEvent
from contracts.identifiers import mint, mint_reference
from contracts.incidents import (
    AwarenessCorrected,
    Child,
    IncidentReferred,
    NotifiabilityDecided,
    Occurrence,
)
from contracts.notifications import (
    NotificationAmended,
    NotificationContent,
    NotificationDelayExplained,
    NotificationSubmitted,
    PartnerNotified,
)
from contracts.sealing import Model
from services.gateway import incident as rules
from services.gateway.incident import Context, Incident
from shared.decider import Outcome
from shared.london import LONDON
from shared.recording import recorded
from shared.working_days import Calendar, england_and_wales

HOST, HOME, ELSEWHERE = "E06000001", "E06000002", "E06000003"
PARTNERS = ("northbank-icb", "northbank-police")
AUTHORITIES = {HOST: "northbank-council", HOME: "southbank-council"}
SUSPECTED, NOT_KNOWN = AbuseOrNeglect.SUSPECTED, AbuseOrNeglect.NOT_KNOWN_OR_SUSPECTED
DEATH, HARM = Nature.CHILD_DEATH, Nature.SERIOUS_HARM
REASON = mint_reference()


def london(day: str, at: str = "10:00") -> datetime:
    """That time of that day in London."""
    return datetime.combine(date.fromisoformat(day), time.fromisoformat(at), LONDON).astimezone(UTC)


def referral(**changed: Any) -> IncidentReferred:
    """A referral of a harmed child, abuse suspected, in the host's area."""
    child = Child(identity=mint_reference(), age_at_incident=changed.pop("age", 6), **changed.pop("child", {}))
    occurred = {"date_from": date(2019, 1, 1), "location": mint_reference()} | changed.pop("occurrence", {})
    asked: dict[str, Any] = {
        "nature": HARM,
        "abuse_or_neglect": SUSPECTED,
        "occurrence": Occurrence(**occurred),
        "host_authority": HOST,
        "children": (child,),
        "summary": mint_reference(),
        "contact": mint_reference(),
    }
    return IncidentReferred(**asked | changed)


def decision(aware: datetime, *grounds: Ground, **changed: Any) -> NotifiabilityDecided:
    """Notifiable on these grounds (section 16C, in area, if none is given)."""
    asked: dict[str, Any] = {
        "notifiable": True,
        "grounds": frozenset(grounds or {Ground.S16C_A}),
        "became_aware_at": aware,
    }
    return NotifiabilityDecided(**asked | changed)


def not_notifiable(aware: datetime) -> NotifiabilityDecided:
    return NotifiabilityDecided(notifiable=False, became_aware_at=aware, reasons=REASON)


def submission(at: datetime, *grounds: Ground, **changed: Any) -> NotificationSubmitted:
    """As notifications states it: with the grounds of the version filed."""
    filed = frozenset(grounds or {Ground.S16C_A})
    return NotificationSubmitted(portal_reference="PANEL-1", portal_time=at, grounds=filed, **changed)


def explanation() -> NotificationDelayExplained:
    return NotificationDelayExplained(delay_reason=REASON)


def amendment(at: datetime, aware: datetime, *grounds: Ground, **changed: Any) -> NotificationAmended:
    content = NotificationContent(
        notifying_authority=HOST,
        notifier=mint_reference(),
        became_aware_at=aware,
        awareness_source=AwarenessSource.POLICE,
        occurrence=Occurrence(date_from=date(2019, 1, 1), location=mint_reference()),
        nature=DEATH,
        abuse_or_neglect=SUSPECTED,
        grounds=frozenset(grounds),
        children=(Child(identity=mint_reference(), age_at_incident=6),),
        **changed,
    )
    return NotificationAmended(reason=REASON, content=content, portal_time=at)


def told(recipient: str, at: datetime) -> PartnerNotified:
    return PartnerNotified(recipient=recipient, notified_at=at, channel=Channel.TELEPHONE)


def corrected(aware: datetime) -> AwarenessCorrected:
    return AwarenessCorrected(aware_at=aware, reason=REASON)


def event(data: Model, at: datetime, subject: str, **attributes: Any) -> AnyEvent:
    """A proposal of the host authority's, sealed already."""
    (name,) = (entry.name for entry in CATALOGUE.values() if entry.model is type(data))
    entry = CATALOGUE[name]
    _, _, envelope = version(entry.wire_type)
    asked = {
        "id": f"proposal-{uuid4().hex[:12]}",
        "source": "/agencies/northbank-council",
        "type": entry.wire_type,
        "subject": subject,
        "time": at,
        "dataschema": entry.schema,
        "partnership": "northbank",
        "agency": "northbank-council",
        "actor": "northbank-approver",
        "actorrole": "approver",
        "data": data,
    }
    return envelope.model_validate(asked | attributes)


@dataclass
class Story:
    """One incident's past. Each step returns the facts that followed from it; `said` shortens them for comparison."""

    calendar: Calendar = field(default_factory=england_and_wales)
    subject: str = field(default_factory=lambda: mint("incident"))
    incident: Incident | None = None
    facts: list[AnyEvent] = field(default_factory=list)
    heard: list[AnyEvent] = field(default_factory=list)
    related: Mapping[str, Incident] = field(default_factory=dict)
    partners: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: {HOST: PARTNERS})

    def context(self, now: datetime) -> Context:
        return Context(
            now,
            self.calendar,
            authority_of=AUTHORITIES.get,
            partners_of=lambda area: self.partners.get(area, ()),
            related=self.related,
        )

    @property
    def now(self) -> Incident:
        assert self.incident is not None
        return self.incident

    def propose(self, data: Model, at: datetime, now: datetime | None = None, **attributes: Any) -> list[AnyEvent]:
        proposal = event(data, at, self.subject, **attributes)
        return self.record(proposal, rules.decide(self.incident, proposal, self.context(now or at)), now or at)

    def refer(self, at: datetime, **changed: Any) -> list[AnyEvent]:
        return self.propose(referral(**changed), at)

    def hear(self, data: Model, at: datetime) -> list[AnyEvent]:
        """A fact of the notification, stated by its owner."""
        fact = event(data, at, self.subject, source="/services/notifications", streamversion=len(self.heard) + 1)
        return self.hear_again(fact, at)

    def hear_again(self, fact: AnyEvent, at: datetime) -> list[AnyEvent]:
        outcomes = rules.on_notification(self.now, fact, self.context(at))
        self.heard.append(fact)
        self.incident = rules.evolve(self.incident, fact)
        return self.record(fact, outcomes, at)

    def tick(self, at: datetime, *, awaiting: bool = False) -> list[AnyEvent]:
        outcomes = rules.tick(self.now, self.context(at), awaiting)
        return self.record(self.facts[-1], outcomes, at, acting=False)

    def record(self, cause: AnyEvent, outcomes: list[Outcome], now: datetime, *, acting: bool = True) -> list[AnyEvent]:
        own = [outcome for outcome in outcomes if outcome.subject in (None, self.subject)]
        after = len(self.facts)
        facts = recorded(cause, own, service="gateway", stream=self.subject, after=after, now=now, acting=acting)
        for fact in facts:
            self.incident = rules.evolve(self.incident, fact)
        self.facts += facts
        return facts

    def due(self, clock: str = "T01") -> date | None:
        return self.now.clocks[clock].due

    def state(self, clock: str = "T01") -> str:
        return self.now.clocks[clock].state.value

    def refold(self) -> Incident | None:
        """The same past folded anew, its own facts first and what it heard after."""
        folded: Incident | None = None
        for fact in (*self.facts, *self.heard):
            folded = rules.evolve(folded, fact)
        return folded


def said(facts: list[AnyEvent]) -> list[str]:
    """`deadline.met T01` and the like."""
    return [f"{f.name} {f.data.clock}" if isinstance(f.data, OfDeadline) else f.name for f in facts]


def only(facts: list[AnyEvent], name: str, clock: str = "T01") -> Any:
    """The data of the one fact of that name about that clock."""
    (found,) = (f.data for f in facts if f.name == name and f.data.clock == clock)
    return found


def reckoning(facts: list[AnyEvent], clock: str = "T01") -> Reckoned:
    """The newest reckoning of a clock among these facts."""
    found: list[Reckoned] = [
        f.data.reckoned for f in facts if f.name in ("deadline.set", "deadline.recomputed") and f.data.clock == clock
    ]
    return found[-1]


def referred(at: datetime, **changed: Any) -> Story:
    story = Story()
    story.refer(at, **changed)
    return story


def notifiable(aware: datetime, *grounds: Ground, **changed: Any) -> Story:
    """Referred at that instant, and found notifiable an hour later with awareness at the same instant."""
    story = referred(aware, **changed)
    later = replace_hour(aware)
    story.propose(decision(aware, *grounds, reasons=REASON), later)
    return story


def replace_hour(at: datetime) -> datetime:
    return datetime.fromtimestamp(at.timestamp() + 3600, UTC)
