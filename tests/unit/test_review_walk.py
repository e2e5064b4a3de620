"""Random walks through a rapid review: nothing illegal happens, nothing returned is lost, replays change nothing."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from contracts.codes import Ground
from contracts.envelope import AnyEvent
from contracts.identifiers import mint_reference
from contracts.local_rules import RulesAdopted
from contracts.review_codes import PanelView, Partner, PartnerView
from contracts.reviews import (
    GapsRecorded,
    InformationAcknowledged,
    InformationContributed,
    MissingAgency,
    ReturnAccepted,
    ReturnQueried,
    ReviewClosed,
)
from contracts.sealing import Model
from services.rapid_review import case as cases
from services.rapid_review import review as rules
from services.rapid_review.review import UNOPENED, Status
from shared.decider import Refused, Waiting
from tests.unit.review_stories import (
    COUNCIL,
    ICB,
    PARTNERS,
    POLICE,
    SCHOOL,
    WORDS,
    Story,
    amendment,
    answer,
    aware,
    entry,
    event,
    linked,
    london,
    meeting,
    of_partner,
    of_system,
    question,
    referral,
    reply,
    report,
    sent,
    submission,
    view,
    withdrawal,
)

AGENCIES = st.sampled_from([COUNCIL, ICB, POLICE, SCHOOL])
BEGINNINGS = st.sampled_from(["2025-12-17", "2026-03-27", "2020-04-27", "2023-04-24"])  # Christmas, Easter, 8 May
G, M = (
    {Status.OPEN, Status.INFORMATION_REQUESTED, Status.INFORMATION_PARTIAL, Status.INFORMATION_COMPLETE},
    Status.MEETING_HELD,
)
FORWARD = {Status.SUBMITTED, Status.CANCELLED, Status.CLOSED}
LEGAL: dict[Status, set[Status]] = {
    **{status: G | {M} | FORWARD for status in G},
    M: {M, Status.DRAFTED} | FORWARD,
    Status.DRAFTED: {Status.DRAFTED, Status.SIGNED_OFF, Status.PANEL_RESPONDED} | FORWARD,
    Status.SIGNED_OFF: {Status.SIGNED_OFF, Status.DRAFTED, Status.PANEL_RESPONDED} | FORWARD,
    Status.SUBMITTED: {Status.DRAFTED, Status.PANEL_RESPONDED} | FORWARD,
    Status.PANEL_RESPONDED: {Status.PANEL_RESPONDED, Status.DRAFTED, Status.CANCELLED, Status.CLOSED},
    Status.CANCELLED: set(Status),  # opened again it goes on where it was
    Status.CLOSED: set(Status),  # so does one that was closed because it was cancelled
}
"""From each state where a review may be next."""


class RapidReview(RuleBasedStateMachine):
    """Proposals legal and illegal, facts of the case and ticks, by a clock that only goes forward."""

    def __init__(self) -> None:
        super().__init__()
        self.story = Story()
        self.now = london("2026-03-10")
        self.sent_back: list[tuple[str, str]] = []
        self.parts: list[tuple[str, str]] = []
        self.submitted: list[datetime] = []
        self.seen: list[Status] = []

    @initialize(on=BEGINNINGS, local=st.sampled_from(["T06a", "T06b"]), grounds=st.booleans())
    def begin(self, on: str, local: Any, grounds: bool) -> None:
        self.now = london(on)
        self.story.local = RulesAdopted(rapid_review=local)
        self.hear(referral())
        self.hear(aware(self.now))
        self.hear(submission(self.now, Ground.S16C_A if grounds else Ground.LAC_DEATH))

    def hear(self, data: Model) -> None:
        self.story.hear(data, self.now)
        self.note()

    def note(self) -> None:
        """Every state on the way, each fact of a decision by itself."""
        folded, self.seen = UNOPENED, []
        for fact in self.story.facts:
            folded = rules.evolve(folded, fact)
            if folded.status is not None:
                self.seen.append(folded.status)

    def propose(self, data: Model, **by: Any) -> list[AnyEvent]:
        before = self.story.review
        try:
            facts = self.story.propose(data, self.now, **by)
        except (Refused, Waiting):
            assert self.story.review == before
            return []
        self.note()
        return facts

    def request(self, place: int) -> tuple[str, str]:
        """One of the requests there are, or one that is not."""
        known = [(each.agency, each.id) for each in self.story.review.requests.values()]
        known.append((SCHOOL, "request-" + "0" * 32))
        return known[place % len(known)]

    @rule(hours=st.integers(1, 80))
    def time_passes(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @rule()
    def ticks(self) -> None:
        if self.story.facts:
            self.story.tick(self.now)
            self.note()
            assert self.story.tick(self.now) == []
            following = self.story.next_instant(self.now)
            assert following is None or following > self.now

    @rule(undone=st.booleans())
    def is_linked(self, undone: bool) -> None:
        self.hear(linked(self.story.subject, undone=undone))

    @rule(back=st.integers(0, 200))
    def portal_time_is_corrected(self, back: int) -> None:
        self.hear(submission(self.now - timedelta(hours=back)))

    @rule(back=st.integers(0, 200))
    def awareness_is_corrected(self, back: int) -> None:
        self.hear(aware(self.now - timedelta(hours=back)))

    @rule(adds=st.booleans())
    def is_amended(self, adds: bool) -> None:
        self.hear(amendment(self.now, *([Ground.S16C_A] if adds else [])))

    @rule(really=st.integers(0, 5))
    def is_withdrawn(self, really: int) -> None:
        if not really:
            self.hear(withdrawal(self.now))

    @rule(agency=AGENCIES, days=st.integers(-1, 20))
    def asks(self, agency: str, days: int) -> None:
        self.propose(question(agency, due=self.now.date() + timedelta(days=days)))

    @rule(place=st.integers(0, 5), by=AGENCIES, nil=st.booleans(), replaces=st.booleans())
    def answers(self, place: int, by: str, nil: bool, replaces: bool) -> None:
        agency, request = self.request(place)
        told = answer(agency, request, nil=nil, replaces_contributions=replaces)
        if not nil:
            told = told.model_copy(update={"analysis": mint_reference()})
        for fact in self.propose(told, **of_system(by)):
            assert by == agency
            self.sent_back.append((request, fact.id))

    @rule(place=st.integers(0, 5), by=AGENCIES)
    def contributes(self, place: int, by: str) -> None:
        agency, request = self.request(place)
        said = InformationContributed(agency=agency, request=request, entries=(entry(words=mint_reference()),))
        for fact in self.propose(said, **of_system(by)):
            assert by == agency
            self.parts.append((request, fact.id))

    @rule(place=st.integers(0, 5), what=st.integers(0, 2), version=st.integers(1, 3))
    def judges(self, place: int, what: int, version: int) -> None:
        agency, request = self.request(place)
        told: list[Callable[[], Model]] = [
            lambda: ReturnAccepted(agency=agency, request=request, version=version),
            lambda: ReturnQueried(agency=agency, request=request, version=version, reason=WORDS),
            lambda: InformationAcknowledged(agency=agency, request=request),
        ]
        self.propose(told[what]())

    @rule(agency=AGENCIES)
    def goes_on_without(self, agency: str) -> None:
        self.propose(GapsRecorded(missing=(MissingAgency(agency=agency, reason=WORDS),)))

    @rule(all_three=st.booleans())
    def meets(self, all_three: bool) -> None:
        self.propose(meeting(self.now, *(() if all_three else (COUNCIL, SCHOOL))))

    @rule()
    def drafts(self) -> None:
        self.propose(report())

    @rule(agency=AGENCIES, how=st.sampled_from(PartnerView), version=st.integers(1, 3))
    def views(self, agency: str, how: PartnerView, version: int) -> None:
        self.propose(view(version, how), **of_partner(agency))

    @rule()
    def all_partners_view(self) -> None:
        for agency in PARTNERS:
            self.propose(view(len(self.story.review.drafts) or 1), **of_partner(agency))

    @rule(back=st.integers(0, 50))
    def submits(self, back: int) -> None:
        at = self.now - timedelta(hours=back)
        if self.propose(sent(at)):
            self.submitted.append(at)

    @rule(how=st.sampled_from(PanelView))
    def is_answered(self, how: PanelView) -> None:
        self.propose(reply(self.now, how), **of_system("panel"))

    @rule(why=st.sampled_from(["panel_agreed", "panel_answered", "no_reply", "cancelled"]))
    def ends(self, why: str) -> None:
        self.propose(ReviewClosed(why=why, reason=WORDS))

    @invariant()
    def no_state_follows_another_unlawfully(self) -> None:
        for before, after in pairwise(self.seen):
            assert after is before or after in LEGAL[before], (before, after)

    @invariant()
    def nothing_returned_is_lost(self) -> None:
        requests = self.story.review.requests
        assert [(name, each.fact) for name, found in requests.items() for each in found.returns] == sorted(
            self.sent_back, key=lambda told: list(requests).index(told[0])
        )
        held = {(name, part) for name, found in requests.items() for part in found.contributed}
        counted = {(name, part) for name, found in requests.items() for each in found.returns for part in each.parts}
        assert held | counted <= set(self.parts)
        for name, found in requests.items():
            assert [each.version for each in found.returns] == list(range(1, len(found.returns) + 1)), name

    @invariant()
    def the_clock_is_met_by_submission_alone(self) -> None:
        clock = self.story.review.clock
        if clock is not None and clock.met_at is not None:
            assert clock.met_at in self.submitted
        met = [fact for fact in self.story.facts if fact.name == "deadline.met" and fact.data.rule != "T08"]
        causes = {fact.id: fact for fact in self.story.facts}
        assert len(met) <= len(causes)
        if not self.submitted:
            assert met == []

    @invariant()
    def what_is_due_is_fifteen_working_days_from_day_0(self) -> None:
        clock = self.story.review.clock
        if clock is not None and clock.due is not None and clock.reckoning is not None:
            assert self.story.calendar.between(clock.reckoning.day0, clock.due) == 15

    @invariant()
    def it_is_under_way_only_where_a_review_follows(self) -> None:
        if self.story.review.under_way:
            assert self.story.case.to_review is not None

    @invariant()
    def nothing_was_drafted_without_a_quorate_meeting_nor_signed_off_without_three_views(self) -> None:
        names = [fact.name for fact in self.story.facts]
        quorate = [
            place for place, fact in enumerate(self.story.facts) if fact.name == "meeting.held" and fact.data.quorate
        ]
        if "review.drafted" in names:
            assert quorate
            assert quorate[0] < names.index("review.drafted")
        for draft in self.story.review.drafts:
            assert not draft.signed_off or draft.views.keys() == set(Partner)

    @invariant()
    def each_level_is_told_once_for_each_time_of_asking(self) -> None:
        told: set[tuple[str, date, str]] = set()
        for fact in self.story.facts:
            if fact.name == "information.chased":
                key = (fact.data.request, fact.data.due, fact.data.level.value)
                assert key not in told
                told.add(key)
            elif fact.name == "return.queried":
                told = {key for key in told if key[0] != fact.data.request}

    @invariant()
    def the_same_facts_give_the_same_review(self) -> None:
        assert self.story.refold() == self.story.review

    @invariant()
    def a_fact_of_the_case_heard_again_changes_nothing(self) -> None:
        if self.story.facts:
            past = event(
                withdrawal(self.now), self.now, self.story.subject, source="/services/gateway", streamversion=1
            )
            assert cases.evolve(self.story.case, past) == self.story.case
            assert rules.on_facts(self.story.review, self.story.case, past, self.story.context(self.now)) == []


RapidReview.TestCase.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)
TestRapidReview = RapidReview.TestCase
