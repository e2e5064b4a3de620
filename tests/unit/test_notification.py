"""The notification's life: who may do what next, and what is never refused because it has happened."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.codes import Ground
from contracts.envelope import AnyEvent
from contracts.reviews import ReviewClosed
from services.notifications import notification
from services.notifications.notification import Status
from services.notifications.proposals import aggregate
from shared.decider import Refused, Waiting
from tests.notifications import CASE, decided, happened, outcomes_of, proposed

DRAFTED = proposed("notification.drafted.v1")
APPROVED = proposed("notification.approved.v1", actor="authority-approver")
RETURNED = proposed("notification.returned-to-draft.v1", actor="authority-approver")
SUBMITTED = proposed("notification.submitted.v1")
AMENDED = proposed("notification.amended.v2")
WITHDRAWN = proposed("notification.withdrawn.v1", actor="authority-approver")
ACKNOWLEDGED = proposed("notification.acknowledged.v1", actor="panel-officer")
EXPLAINED = proposed("notification.delay-explained.v1")


def _status(past: list[AnyEvent]) -> Status | None:
    return aggregate(CASE).fold(past).status


def _rules(past: list[AnyEvent], proposal: AnyEvent, case: object = CASE) -> list[str]:
    with pytest.raises(Refused) as refused:
        outcomes_of(past, proposal, case)  # type: ignore[arg-type]
    return [fault.rule for fault in refused.value.faults]


def test_it_goes_from_draft_over_approval_to_submission() -> None:
    past = happened(DRAFTED, APPROVED, SUBMITTED)
    assert [fact.name for fact in past] == ["notification.drafted", "notification.approved", "notification.submitted"]
    state = aggregate(CASE).fold(past)
    assert state.status is Status.SUBMITTED
    assert state.filed is not None
    assert state.filed.version == 1
    assert not state.filed.without_approval
    assert state.filed.recipients == ("panel", "department", "ofsted", "partners")


def test_a_draft_follows_triage() -> None:
    for notifiable in (None, False):
        assert _rules([], DRAFTED, replace(CASE, notifiable=notifiable)) == ["not-notifiable"]


def test_only_the_authority_of_the_place_drafts() -> None:
    assert _rules([], DRAFTED, replace(CASE, host_authority="E06000992")) == ["not-the-host"]


def test_a_draft_that_tells_another_awareness_than_triage_is_taken_and_marked() -> None:
    (same,) = outcomes_of([], DRAFTED)
    (other,) = outcomes_of([], DRAFTED, replace(CASE, became_aware_at=datetime(2026, 8, 20, tzinfo=UTC)))
    assert same.marks == ()
    assert other.marks == ("awareness_differs",)


def test_a_later_draft_is_a_further_version_and_the_earlier_is_kept() -> None:
    state = aggregate(CASE).fold(happened(DRAFTED, DRAFTED))
    assert [written.number for written in state.versions] == [1, 2]


def test_the_drafter_does_not_approve() -> None:
    approving_own = proposed("notification.approved.v1", actor="authority-notifier")
    assert _rules(happened(DRAFTED), approving_own) == ["same-person"]


def test_only_the_newest_version_is_approved() -> None:
    assert _rules(happened(DRAFTED, DRAFTED), APPROVED) == ["not-the-latest"]


def test_approval_lists_every_field_that_filing_needs() -> None:
    content = dict(DRAFTED.data.model_dump(mode="json")["content"])
    bare = proposed("notification.drafted.v1", content={**content, "harm": [], "circumstances": None})
    with pytest.raises(Refused) as refused:
        outcomes_of(happened(bare), APPROVED)
    assert [fault.detail for fault in refused.value.faults] == [
        "the draft lacks kinds of harm (/data/content/harm)",
        "the draft lacks circumstances (/data/content/circumstances)",
    ]


def test_an_approved_version_goes_back_to_draft_before_it_is_written_anew() -> None:
    approved = happened(DRAFTED, APPROVED)
    assert _rules(approved, DRAFTED) == ["approved-already"]
    assert _status(decided(approved, RETURNED)) is Status.DRAFT
    assert len(happened(DRAFTED, APPROVED, RETURNED, DRAFTED)) == 4


def test_a_submission_without_approval_is_taken_and_marked() -> None:
    for past in ([], happened(DRAFTED)):
        (submitted,) = outcomes_of(past, SUBMITTED)
        assert submitted.marks == ("without_approval",)
        assert submitted.data.without_approval  # type: ignore[attr-defined]


def test_an_accepted_submission_stands_though_triage_said_no_meanwhile() -> None:
    crossing = replace(CASE, notifiable=False, grounds=frozenset())
    assert decided(happened(DRAFTED, APPROVED), SUBMITTED, crossing)[-1].name == "notification.submitted"


def test_a_submission_before_any_ground_is_known_waits() -> None:
    with pytest.raises(Waiting):
        outcomes_of([], SUBMITTED, replace(CASE, notifiable=None, grounds=frozenset()))


def test_the_portals_time_is_corrected_by_a_further_fact_and_never_repeated() -> None:
    past = happened(DRAFTED, APPROVED, SUBMITTED)
    assert _rules(past, SUBMITTED) == ["recorded-already"]
    earlier = proposed("notification.submitted.v1", portalTime="2026-09-02T10:15:00Z")
    (corrected, *_) = outcomes_of(past, earlier)
    assert corrected.marks == ("portal_time_corrected",)
    other = proposed("notification.submitted.v1", portalReference="CSI-2026-99999")
    assert _rules(past, other) == ["submitted-already"]


def test_what_lies_in_the_future_has_not_happened() -> None:
    assert _rules([], proposed("notification.submitted.v1", portalTime="2027-01-01T00:00:00Z")) == ["in-the-future"]


@pytest.mark.parametrize("past", [[], happened(DRAFTED), happened(DRAFTED, APPROVED, SUBMITTED)], ids=len)
def test_nothing_was_filed_before_the_incident_happened(past: list[AnyEvent]) -> None:
    case = replace(CASE, occurred_from=date(2026, 8, 26))
    slip = proposed("notification.submitted.v1", portalTime="2026-02-09T10:15:00Z")
    assert _rules(past, slip, case) == ["before-the-incident"]


@pytest.mark.parametrize("early", [AMENDED, WITHDRAWN, ACKNOWLEDGED, EXPLAINED], ids=lambda event: event.name)
def test_what_follows_the_notification_waits_for_it(early: AnyEvent) -> None:
    with pytest.raises(Waiting):
        outcomes_of(happened(DRAFTED), early)
    assert decided(happened(DRAFTED, APPROVED, SUBMITTED), early)[3].name == early.name


def test_an_amendment_is_a_further_version_and_names_the_grounds_it_adds() -> None:
    looked_after = replace(CASE, grounds=frozenset({Ground.LAC_DEATH}))
    content = dict(DRAFTED.data.model_dump(mode="json")["content"])
    drafted = proposed("notification.drafted.v1", content={**content, "grounds": ["LAC_DEATH"]})
    past = happened(drafted, APPROVED, SUBMITTED, case=looked_after)
    assert [fact.name for fact in past][-1] == "notification.closed", "no review follows"
    amended = decided(past, AMENDED, looked_after)
    state = aggregate(looked_after).fold(amended)
    assert amended[-1].data.added_grounds == {Ground.S16C_A}
    assert state.status is Status.SUBMITTED, "an added section 16C ground opens it again"
    assert len(state.versions) == 2


def test_withdrawal_ends_it_with_its_reasons() -> None:
    past = decided(happened(DRAFTED, APPROVED, SUBMITTED), WITHDRAWN)
    assert [fact.name for fact in past][-2:] == ["notification.withdrawn", "notification.closed"]
    assert _status(past) is Status.WITHDRAWN
    assert _rules(past, WITHDRAWN) == ["withdrawn"]
    assert _rules(past, AMENDED) == ["withdrawn"]


def test_a_national_body_acknowledges_as_itself() -> None:
    past = happened(DRAFTED, APPROVED, SUBMITTED)
    as_another = proposed("notification.acknowledged.v1", actor="panel-officer", by="ofsted")
    assert _rules(past, as_another) == ["another-recipient"]


@pytest.mark.parametrize(
    ("change", "why"), [({"notifiable": False}, "not_needed"), ({"linked_to": "incident-x"}, "linked")]
)
def test_a_draft_that_is_no_longer_needed_ends_and_a_submission_does_not(change: dict[str, object], why: str) -> None:
    case = replace(CASE, **change)  # type: ignore[arg-type]
    drafted, filed = happened(DRAFTED), happened(DRAFTED, APPROVED, SUBMITTED)
    (ending,) = notification.on_incident(aggregate(case).fold(drafted), case)
    assert ending.data.why == why  # type: ignore[attr-defined]
    assert notification.on_incident(aggregate(case).fold(filed), case) == []


@pytest.mark.parametrize("why", ["panel_agreed", "panel_answered", "no_reply"])
def test_a_submission_ends_with_the_review_that_followed_from_it(why: str) -> None:
    filed = aggregate(CASE).fold(happened(DRAFTED, APPROVED, SUBMITTED))
    (ending,) = notification.on_review(filed, ReviewClosed(why=why))
    assert ending.data.why == "review_closed"  # type: ignore[attr-defined]
    ended = aggregate(CASE).fold(decided(happened(DRAFTED, APPROVED, SUBMITTED), WITHDRAWN))
    assert notification.on_review(ended, ReviewClosed(why=why)) == []
    assert notification.on_review(filed, ReviewClosed(why="cancelled")) == [], "its own withdrawal or link ends it"


EVERYTHING = [DRAFTED, APPROVED, RETURNED, SUBMITTED, AMENDED, WITHDRAWN, ACKNOWLEDGED, EXPLAINED]


@given(st.lists(st.sampled_from(EVERYTHING), max_size=12))
def test_whatever_is_proposed_in_whatever_order_nothing_recorded_is_ever_lost(proposals: list[AnyEvent]) -> None:
    past: list[AnyEvent] = []
    for proposal in proposals:
        before = aggregate(CASE).fold(past)
        try:
            past = decided(past, proposal)
        except (Refused, Waiting):
            continue
        after = aggregate(CASE).fold(past)
        assert after.versions[: len(before.versions)] == before.versions or proposal.name in (
            "notification.approved",
            "notification.returned-to-draft",
        )
        assert before.filed is None or after.filed is not None
        if before.status is Status.WITHDRAWN:
            assert after.status is Status.WITHDRAWN
        if after.status is Status.APPROVED:
            latest = after.latest
            assert latest is not None
            assert latest.approved_by not in (None, latest.by)
