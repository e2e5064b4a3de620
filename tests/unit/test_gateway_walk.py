"""Whatever is proposed, heard and ticked in whatever order, the incident's story stays a legal one."""

from datetime import timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from contracts.codes import Ground
from contracts.deadlines import OfDeadline
from contracts.notifications import NotificationClosed, NotificationWithdrawn
from contracts.rules.grounds import S16C
from contracts.sealing import Model
from services.gateway.incident import Incident, Status, evolve
from shared.deadlines import is_late
from shared.decider import Refused
from tests.unit.gateway_stories import (
    DEATH,
    NOT_KNOWN,
    PARTNERS,
    REASON,
    SUSPECTED,
    Story,
    amendment,
    corrected,
    decision,
    explanation,
    london,
    not_notifiable,
    submission,
    told,
)

BEGAN = london("2026-03-26", "23:30")
GROUNDS = st.sets(st.sampled_from([Ground.S16C_A, Ground.LAC_DEATH]), min_size=1)
BACK = st.integers(min_value=0, max_value=200).map(lambda hours: timedelta(hours=hours))
AFTER = {
    None: {"deadline.set"},
    "deadline.set": {
        "deadline.due-soon",
        "deadline.missed",
        "deadline.recomputed",
        "deadline.met",
        "deadline.cancelled",
    },
    "deadline.due-soon": {
        "deadline.due-soon",
        "deadline.missed",
        "deadline.recomputed",
        "deadline.met",
        "deadline.cancelled",
    },
    "deadline.missed": {"deadline.missed", "deadline.recomputed", "deadline.met", "deadline.cancelled"},
    "deadline.met": {"deadline.recomputed", "deadline.met"},
    "deadline.cancelled": {"deadline.set"},
}
TO = {
    Status.REFERRED: {Status.TRIAGED_NOTIFIABLE, Status.TRIAGED_NOT_NOTIFIABLE, Status.CLOSED},
    Status.TRIAGED_NOTIFIABLE: {Status.TRIAGED_NOT_NOTIFIABLE, Status.CLOSED},
    Status.TRIAGED_NOT_NOTIFIABLE: {Status.TRIAGED_NOTIFIABLE, Status.CLOSED},
    Status.CLOSED: {Status.TRIAGED_NOTIFIABLE},
}


class Walk(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.story = Story()
        self.now = BEGAN
        self.filed = self.withdrawn = False

    @initialize(abuse=st.sampled_from([SUSPECTED, NOT_KNOWN]), before=BACK)
    def refer(self, abuse: Any, before: timedelta) -> None:
        child = {"looked_after": True}
        told_at = self.now - before
        self.story.refer(self.now, nature=DEATH, abuse_or_neglect=abuse, child=child, authority_told_at=told_at)

    @rule(hours=st.integers(min_value=0, max_value=60))
    def wait(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @rule(hours=st.integers(min_value=0, max_value=100), awaiting=st.booleans())
    def tick(self, hours: int, awaiting: bool) -> None:
        self.now += timedelta(hours=hours)
        self.story.tick(self.now, awaiting=awaiting)
        assert awaiting or self.story.tick(self.now) == []

    @rule(
        aware=BACK,
        grounds=GROUNDS,
        both=st.sampled_from([None, True, False]),
        reasons=st.sampled_from([None, REASON, REASON]),
    )
    def notifiable(self, aware: timedelta, grounds: set[Ground], both: bool | None, reasons: str | None) -> None:
        self.propose(
            decision(self.now - aware, *grounds, earlier_awareness_showed_both=both, reasons=reasons),
        )

    @rule(aware=BACK)
    def not_notifiable(self, aware: timedelta) -> None:
        self.propose(not_notifiable(self.now - aware))

    @rule(aware=BACK)
    def correct(self, aware: timedelta) -> None:
        self.propose(corrected(self.now - aware))

    @rule(recipient=st.sampled_from([*PARTNERS, "somebody-else"]), ago=BACK)
    def tell(self, recipient: str, ago: timedelta) -> None:
        self.propose(told(recipient, self.now - ago))

    @precondition(lambda self: self.story.now.status is not Status.REFERRED)
    @rule(ago=BACK, grounds=GROUNDS, reason=st.sampled_from([None, REASON]))
    def submit(self, ago: timedelta, grounds: set[Ground], reason: str | None) -> None:
        self.filed = True
        self.story.hear(submission(self.now - ago, *grounds, delay_reason=reason), self.now)

    @precondition(lambda self: self.filed)
    @rule()
    def explain(self) -> None:
        self.story.hear(explanation(), self.now)

    @precondition(lambda self: self.filed and not self.withdrawn)
    @rule(ago=BACK, aware=BACK, grounds=GROUNDS)
    def amend(self, ago: timedelta, aware: timedelta, grounds: set[Ground]) -> None:
        self.story.hear(amendment(self.now - ago, self.now - ago - aware, *grounds), self.now)

    @precondition(lambda self: self.filed and not self.withdrawn)
    @rule()
    def withdraw(self) -> None:
        self.withdrawn = True
        self.story.hear(NotificationWithdrawn(reasons=REASON, panel_told_at=self.now), self.now)

    @precondition(lambda self: self.filed)
    @rule()
    def close(self) -> None:
        why = "withdrawn" if self.withdrawn else "review_closed"
        self.story.hear(NotificationClosed(why=why), self.now)

    def propose(self, data: Model) -> None:
        before, count = self.story.incident, len(self.story.facts)
        try:
            self.story.propose(data, self.now)
        except Refused:
            assert (self.story.incident, len(self.story.facts)) == (before, count)

    def teardown(self) -> None:
        """What holds at the end held at every step before it: facts are only ever added."""
        self.folding_the_same_past_gives_the_same_incident()
        self.no_clock_is_set_twice_or_ends_twice()
        self.no_status_is_reached_by_an_unlisted_step()
        self.no_awareness_is_ever_lost()

    def folding_the_same_past_gives_the_same_incident(self) -> None:
        assert self.story.incident is None or self.story.refold() == self.story.incident

    def no_clock_is_set_twice_or_ends_twice(self) -> None:
        last: dict[str, str] = {}
        for fact in self.story.facts:
            if isinstance(fact.data, OfDeadline):
                key = fact.data.clock
                if fact.name == "deadline.recomputed":
                    assert last.get(key) not in (None, "deadline.cancelled")
                    if last[key] != "deadline.met":  # counted anew, a missed clock may warn again
                        last[key] = "deadline.set"
                    continue
                assert fact.name in AFTER[last.get(key)], (last.get(key), fact.name)
                last[key] = fact.name

    def no_status_is_reached_by_an_unlisted_step(self) -> None:
        incident: Incident | None = None
        for fact in self.story.facts:
            after = evolve(incident, fact)
            if incident is not None and after.status is not incident.status:
                assert after.status in TO[incident.status]
            incident = after

    def no_awareness_is_ever_lost(self) -> None:
        kept = [entry.at for entry in self.story.now.awareness] if self.story.incident else []
        for fact in self.story.facts:
            for name in ("authority_told_at", "became_aware_at", "aware_at"):
                said = getattr(fact.data, name, None)
                assert said is None or said in kept

    @invariant()
    def what_is_told_of_a_met_clock_is_true(self) -> None:
        for deadline in self.story.now.clocks.values() if self.story.incident else ():
            if deadline.state.value.startswith("met"):
                assert deadline.met_at is not None
                assert deadline.reckoning is not None
                assert (deadline.state.value == "met_late") == is_late(deadline.met_at, deadline.reckoning)
                assert deadline.key not in self.story.now.awaiting_reason or deadline.state.value == "met_late"

    @invariant()
    def a_standing_submission_leaves_none_of_its_clocks_running(self) -> None:
        if self.story.incident is None or not self.story.now.filing.stands:
            return
        running = {deadline.key for deadline in self.story.now.running}
        assert not (self.story.now.filing.grounds & S16C and "T01" in running)
        assert not (Ground.LAC_DEATH in self.story.now.filing.grounds and "T03" in running)

    @invariant()
    def a_notifiable_incident_has_its_clock(self) -> None:
        incident = self.story.incident
        if incident and incident.status is Status.TRIAGED_NOTIFIABLE and not incident.filing.withdrawn:
            assert not incident.grounds & S16C or incident.clocks["T01"].state.value != "cancelled"


TestWalk = Walk.TestCase
TestWalk.settings = settings(max_examples=50, stateful_step_count=12, deadline=None)
