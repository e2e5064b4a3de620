"""Whatever is proposed, scanned and ticked in whatever order, the review's story stays a legal one."""

from contextlib import suppress
from datetime import date, datetime, timedelta
from typing import Any

import numpy
from hypothesis import event, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from contracts.envelope import AnyEvent
from contracts.practice_reviews import (
    AdvanceCopyDelivered,
    DelayNotified,
    PracticeReviewEnded,
    PracticeReviewPaused,
    PracticeReviewResumed,
    PracticeReviewUnpublished,
    RedactionChecked,
    ResponseAgreed,
)
from contracts.review_codes import Basis, Check, CopyTo, Publication, Scan
from contracts.sealing import Model
from services.rapid_review.practice_review import Status, evolve
from services.rapid_review.practice_review.state import UNDECIDED
from shared.decider import Refused, Waiting
from shared.london import london_date
from shared.working_days import england_and_wales
from tests.practice_reviews import (
    PARTNERS,
    WORDS,
    Story,
    appointment,
    decision,
    draft,
    london,
    planned,
    publication,
    scope,
)

HOLIDAYS = [day.isoformat() for day in england_and_wales().days_off]
S = Status
DRAFTED = {S.DRAFT_REPORT, S.RESPONSE_AGREED, S.REDACTION_CHECKED, S.ADVANCE_COPIES_SENT}
PUBLIC = {S.PUBLISHED, S.IMPROVEMENTS_PUBLISHED}
TO: dict[Status | None, set[Status]] = {
    None: {S.COMMISSIONED},
    S.COMMISSIONED: {S.SCOPED, S.ENDED},
    S.SCOPED: {S.IN_REVIEW, S.COMMISSIONED, S.ENDED},
    S.IN_REVIEW: {S.DRAFT_REPORT, S.COMMISSIONED, S.ENDED},
    # For each version anew; an independent review takes the place of one under way.
    **{status: (DRAFTED - {status}) | PUBLIC | {S.COMMISSIONED, S.ENDED} for status in DRAFTED},
    S.PUBLISHED: {S.COMMISSIONED},
    S.IMPROVEMENTS_PUBLISHED: {S.PUBLISHED, S.COMMISSIONED},
    S.ENDED: {S.COMMISSIONED},
}
VERSIONS = st.integers(min_value=0, max_value=1)
PEOPLE = st.sampled_from(["first", "second"])


class Walk(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.story = Story()
        self.now = london("2026-03-26")

    @initialize(undecided=st.sampled_from([False, False, False, True]))
    def begin(self, undecided: bool) -> None:
        """Most walks begin with a draft: few would get far by chance."""
        if not undecided:
            self.story.until_draft(self.now)

    @rule(hours=st.integers(min_value=1, max_value=400))
    def wait(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @rule()
    def tick(self) -> None:
        self.story.tick(self.now)
        assert self.story.tick(self.now) == []

    @rule(agency=st.sampled_from([*PARTNERS, "stranger"]), basis=st.sampled_from([Basis.NEAR_MISS, Basis.INDEPENDENT]))
    def decide(self, agency: str, basis: Basis) -> None:
        self.propose(decision(basis=basis), agency)

    @rule(basis=st.sampled_from([Basis.NEAR_MISS, Basis.INDEPENDENT]))
    def decide_together(self, basis: Basis) -> None:
        for agency in PARTNERS:
            self.propose(decision(basis=basis), agency)

    @rule(works_for=st.sampled_from([None, None, "northshire-school", "far-away"]))
    def carry_out(self, works_for: str | None) -> None:
        self.propose(scope())
        self.propose(appointment(works_for))

    @rule(data=st.sampled_from([PracticeReviewPaused(reason=WORDS), PracticeReviewResumed()]))
    def rest_or_go_on(self, data: Model) -> None:
        self.propose(data)

    @rule()
    def draft(self) -> None:
        self.propose(draft())

    @rule(back=VERSIONS)
    def respond(self, back: int) -> None:
        self.propose(ResponseAgreed(version=self.version(back), response=WORDS))

    @rule(result=st.sampled_from(Scan), back=VERSIONS)
    def scan(self, result: Scan, back: int) -> None:
        if self.story.state.draft:
            self.story.scan(self.now, result, self.version(back))

    @rule(result=st.sampled_from([Check.PASSED, Check.PASSED, Check.FAILED]), back=VERSIONS, actor=PEOPLE)
    def check(self, result: Check, back: int, actor: str) -> None:
        self.propose(RedactionChecked(version=self.version(back), result=result, note=WORDS), actor=actor)

    @rule(recipients=st.sets(st.sampled_from(CopyTo), min_size=1), back=VERSIONS, ago=st.integers(0, 200))
    def copy(self, recipients: set[CopyTo], back: int, ago: int) -> None:
        at = self.now - timedelta(hours=ago)
        for recipient in recipients:
            self.propose(AdvanceCopyDelivered(recipient=recipient, version=self.version(back), delivered_at=at))

    @rule(days=st.integers(0, 20), form=st.sampled_from(Publication))
    def plan(self, days: int, form: Publication) -> None:
        self.propose(planned(self.today + timedelta(days=days), form))

    @rule(form=st.sampled_from([None, *Publication]), ago=st.integers(0, 3))
    def publish(self, form: Publication | None, ago: int) -> None:
        """On the planned day in the planned form, or at any other."""
        plan = self.story.state.plan
        if form is None and plan is not None:
            self.now = max(self.now, london(plan.on.isoformat()))
            self.propose(publication(plan.on, plan.form))
        else:
            self.propose(publication(self.today - timedelta(days=ago), form or Publication.FULL))

    @rule(
        left_out=st.sampled_from([None, None, None, "response", "scan", "one check", "both checks", "plan", "copies"]),
        early=st.integers(0, 9),
        days=st.integers(9, 14),
        result=st.sampled_from(Scan),
    )
    def make_ready_and_publish(self, left_out: str | None, early: int, days: int, result: Scan) -> None:
        """Everything for the newest version but what is left out; copies some days ahead, now and then too late."""
        on = self.today + timedelta(days=days)
        if left_out != "scan":
            self.scan(result, 0)
        if left_out != "response":
            self.respond(0)
        if left_out != "both checks":
            for actor in ("first",) if left_out == "one check" else ("first", "second"):
                self.check(Check.PASSED, 0, actor)
        if left_out != "copies":
            self.copy({*CopyTo}, 0, 0)
        if left_out != "plan":
            self.propose(planned(on))
        self.now = london(on.isoformat()) + timedelta(hours=early % 3)
        self.propose(publication(on if early else on - timedelta(days=1)))

    @rule()
    def wait_for_most_of_a_year(self) -> None:
        self.now += timedelta(days=362)

    @rule()
    def unpublish(self) -> None:
        self.propose(PracticeReviewUnpublished(reason=WORDS))

    @rule()
    def tell_of_a_delay(self) -> None:
        self.propose(DelayNotified(reasons=WORDS))

    @rule(sure=st.integers(0, 4))
    def give_up(self, sure: int) -> None:
        if sure == 0:
            self.propose(PracticeReviewEnded(reason=WORDS))

    @property
    def today(self) -> date:
        return london_date(self.now)

    def version(self, back: int) -> int:
        return max(1, self.story.state.numbered - back)

    def propose(self, data: Model, agency: str = "northshire-council", actor: str = "unit") -> None:
        before, count = self.story.state, len(self.story.facts)
        try:
            self.story.propose(data, self.now, agency, actor)
        except (Refused, Waiting):
            assert (self.story.state, len(self.story.facts)) == (before, count)

    @invariant()
    def the_fold_is_the_past(self) -> None:
        assert self.story.refold() == self.story.state

    def teardown(self) -> None:
        state, past = UNDECIDED, list[AnyEvent]()
        for fact in self.story.facts:
            after = evolve(state, fact)
            if after.status is not state.status:
                assert after.status in TO[state.status], (state.status, after.status)
            if fact.name == "practice-review.published":
                nothing_was_missing(past, fact)
            if fact.name == "practice-review.unpublished":
                public_for_a_year(past, fact)
            if fact.name == "practice-review.commissioned":
                assert {each.data.partner for each in past if each.name == "practice-review.decided"} == {
                    *PARTNERS.values()
                }
            state, past = after, [*past, fact]
        self.its_clock_is_set_once_for_each_review()

    def its_clock_is_set_once_for_each_review(self) -> None:
        running = False
        for name in self.story.names:
            if name == "deadline.set":
                assert not running
                running = True
            elif name in ("deadline.met", "deadline.cancelled"):
                running = False
            elif name.startswith("deadline."):
                assert running


def nothing_was_missing(past: list[AnyEvent], fact: AnyEvent) -> None:
    """DOMAIN 4A item 6 restated from the log alone, with numpy counting."""
    version, on = fact.data.version, fact.data.on
    begun = max(n for n, each in enumerate(past) if each.name == "practice-review.commissioned")
    own = past[begun:]
    drafts = [each for each in own if each.name == "practice-review.drafted"]
    assert drafts[-1].data.version == version, "the newest"

    def of(name: str) -> list[AnyEvent]:
        return [each for each in own if each.name == name and each.data.version == version]

    responses = of("response.agreed")
    assert responses
    scans = of("redaction.scanned")
    assert scans[-1].data.result is not Scan.FAILED
    since = own[max(own.index(scans[-1]), own.index(responses[-1])) :]
    words = {each.actor: each.data.result for each in since if each.name == "redaction.checked"}
    assert len(words) >= 2
    assert set(words.values()) == {Check.PASSED}
    plans = [each for each in own if each.name == "publication.planned"]
    assert (plans[-1].data.on, plans[-1].data.form) == (on, fact.data.form)
    last = numpy.busday_offset(on.isoformat(), -7, roll="forward", holidays=HOLIDAYS).astype(object)
    for recipient in CopyTo:
        copies = [each for each in of("advance-copy.delivered") if each.data.recipient is recipient]
        if len(responses) > 1:  # another response is other content
            copies = [each for each in copies if own.index(each) > own.index(responses[-1])]
        assert min(london_date(each.data.delivered_at) for each in copies) <= last
    assert on <= london_date(recorded_at(fact))


def public_for_a_year(past: list[AnyEvent], fact: AnyEvent) -> None:
    for each in past:
        if each.name == "practice-review.published":
            assert (london_date(recorded_at(fact)) - each.data.on).days >= 365


def recorded_at(fact: AnyEvent) -> datetime:
    assert fact.recordedtime is not None
    return fact.recordedtime


STEPS = ("scan", "response", "first", "second", "plan")
LATER = ("draft", "found", "failed", "against", "paused", "resumed", "sooner", "third")


def done(story: Story, step: str, now: datetime, on: date) -> None:
    """One step on the way to publication, or something that comes between."""
    number = story.number
    match step:
        case "scan" | "found" | "failed":
            result = {"scan": Scan.NOTHING_FOUND, "found": Scan.FOUND, "failed": Scan.FAILED}[step]
            story.scan(now, result)
        case "response":
            story.propose(ResponseAgreed(version=number, response=WORDS), now)
        case "first" | "second" | "third":
            story.propose(RedactionChecked(version=number, result=Check.PASSED), now, actor=step)
        case "against":
            story.propose(RedactionChecked(version=number, result=Check.FAILED, note=WORDS), now, actor="first")
        case "plan":
            story.propose(planned(on), now)
        case "sooner":
            story.propose(planned(on - timedelta(days=1)), now)
        case "draft":
            story.propose(draft(), now)
        case "paused":
            story.propose(PracticeReviewPaused(reason=WORDS), now)
        case "resumed":
            story.propose(PracticeReviewResumed(), now)


@settings(max_examples=400, deadline=None)
@given(
    st.data(),
    st.dates(date(2025, 12, 1), date(2026, 6, 30)),
    st.sets(st.sampled_from(STEPS), max_size=1),
    st.lists(st.sampled_from(LATER), max_size=2),
    st.lists(st.sampled_from(STEPS), max_size=3),
)
def test_it_is_published_exactly_if_nothing_was_missing(
    data: st.DataObject, on: date, left_out: set[str], later: list[str], again: list[str]
) -> None:
    now = london((on - timedelta(days=20)).isoformat())
    story = Story()
    story.until_draft(now)
    copying = data.draw(st.permutations(["early", "copies", "late"]))[0]
    version = story.number
    for step in [*(step for step in STEPS if step not in left_out), *later, *again]:
        with suppress(Refused, Waiting):
            done(story, step, now, on)
    for recipient in CopyTo:
        before = data.draw(st.integers(7, 15)) if copying == "copies" else {"early": 16, "late": 8}[copying]
        at = london((on - timedelta(days=before)).isoformat(), "23:30")
        of = data.draw(st.sampled_from([story.number, story.number, version]))
        story.propose(AdvanceCopyDelivered(recipient=recipient, version=of, delivered_at=at), max(now, at))
    past = list(story.facts)
    with suppress(Refused):
        story.propose(publication(on), london(on.isoformat()))
    rests = [fact.name for fact in past if fact.name in ("practice-review.paused", "practice-review.resumed")][-1:]
    complete = rests != ["practice-review.paused"]
    try:
        nothing_was_missing(
            past,
            story.facts[-1].model_copy(
                update={
                    "data": publication(on).model_copy(update={"version": story.number}),
                    "recordedtime": london(on.isoformat()),
                }
            ),
        )
    except (AssertionError, IndexError, ValueError):
        complete = False
    event("published" if complete else "refused")
    assert ("practice-review.published" in story.names) == complete


TestWalk: Any = Walk.TestCase
TestWalk.settings = settings(max_examples=120, stateful_step_count=15, deadline=None)
