"""Three partners decide; from the third decision six calendar months run, whatever pauses or replaces the review."""

from dataclasses import replace
from datetime import date

import pytest

from contracts.practice_reviews import (
    AdvanceCopyDelivered,
    DelayNotified,
    InvolvementRecorded,
    PracticeReviewEnded,
    PracticeReviewMonitored,
    PracticeReviewPaused,
    PracticeReviewResumed,
    ReviewerRemoved,
)
from contracts.review_codes import Basis, CopyTo, Involved, Involvement, Partner, Quality
from services.rapid_review.practice_review import Status, schedule
from shared.deadlines import DeadlineState
from shared.decider import Waiting
from tests.practice_reviews import (
    CASE,
    COUNCIL,
    ICB,
    POLICE,
    WORDS,
    Story,
    appointment,
    decision,
    draft,
    london,
    scope,
)

BEGAN = london("2026-03-02")


def commissioned(day: str = "2026-03-02") -> Story:
    story = Story()
    story.commission(london(day))
    return story


def test_it_is_commissioned_with_the_third_partners_decision_and_with_none_before() -> None:
    story = Story()
    for agency in (POLICE, COUNCIL):
        assert len(story.propose(decision(), BEGAN, agency)) == 1
        assert story.state.status is None
    outcomes = story.propose(decision(), london("2026-03-05"), ICB)
    assert story.names[-3:] == ["practice-review.decided", "practice-review.commissioned", "deadline.set"]
    assert outcomes[0].data.partner is Partner.ICB  # type: ignore[attr-defined]
    assert story.state.status is Status.COMMISSIONED
    assert story.state.due == date(2026, 9, 5)
    assert story.facts[-1].data.recipient is None, "a recipient would become a participant of the matter"


def test_day_0_is_the_date_that_the_last_decision_bears_not_that_of_keying_it_in() -> None:
    story = Story()
    days = {COUNCIL: date(2026, 2, 10), ICB: date(2026, 2, 20), POLICE: date(2026, 2, 12)}
    for agency, day in days.items():
        story.propose(decision(decided_on=day), BEGAN, agency)
    assert story.state.due == date(2026, 8, 20)


@pytest.mark.parametrize(
    ("decided", "due"),
    [
        ("2026-08-31", date(2027, 2, 28)),
        ("2025-11-30", date(2026, 5, 30)),
        ("2026-03-31", date(2026, 9, 30)),
        ("2027-08-31", date(2028, 2, 29)),
    ],
)
def test_six_months_end_on_the_corresponding_day_or_on_the_months_last(decided: str, due: date) -> None:
    assert commissioned(decided).state.due == due


def test_a_decision_just_after_midnight_in_summer_counts_from_the_london_date() -> None:
    story = Story()
    story.commission(london("2026-06-30", "00:10"))  # 23:10 of the 29th in UTC
    assert story.state.due == date(2026, 12, 30)


def test_only_the_three_partners_of_the_area_decide() -> None:
    assert list(Story().refused(decision(), BEGAN, "northshire-school")) == ["absent"]


def test_to_another_areas_authority_there_is_no_such_review_whatever_it_says() -> None:
    story = Story(replace(CASE, other_authorities=("southshire-council",)))
    story.commission(BEGAN)
    for data in (scope(), appointment(), PracticeReviewPaused(reason=WORDS), PracticeReviewEnded(reason=WORDS)):
        assert list(story.refused(data, BEGAN, "southshire-council")) == ["absent"]
    copy = AdvanceCopyDelivered(recipient=CopyTo.PANEL, version=1, delivered_at=BEGAN)
    assert list(story.refused(copy, BEGAN, "southshire-council")) == ["absent"]
    assert list(story.refused(scope(), BEGAN, "panel")) == ["absent"]


def test_partners_who_decide_on_different_bases_have_not_decided_yet() -> None:
    story = Story()
    story.propose(decision(), BEGAN, COUNCIL)
    story.propose(decision(), BEGAN, ICB)
    (outcome,) = story.propose(decision(basis=Basis.PANEL_ADVICE), BEGAN, POLICE)
    assert outcome.marks == ("bases_differ",)
    assert story.state.status is None
    story.propose(decision(), BEGAN, POLICE)
    assert story.state.status is Status.COMMISSIONED


@pytest.mark.parametrize("basis", [Basis.NEAR_MISS, Basis.GOOD_PRACTICE, Basis.POOR_PRACTICE, Basis.INDEPENDENT])
def test_near_misses_and_good_practice_need_no_rapid_review(basis: Basis) -> None:
    story = Story(replace(CASE, rapid_review=False))
    story.commission(BEGAN, basis=basis)
    assert story.state.status is Status.COMMISSIONED


def test_after_a_rapid_review_that_never_was_there_is_no_review_on_its_basis() -> None:
    faults = Story(replace(CASE, rapid_review=False)).refused(decision(), BEGAN)
    assert "near_miss" in faults["no-rapid-review"].allowed


def test_of_a_linked_referral_the_lead_is_reviewed() -> None:
    faults = Story(replace(CASE, linked_to="incident-lead")).refused(decision(), BEGAN)
    assert faults["linked"].allowed == ("incident-lead",)


def test_before_its_incident_is_known_a_decision_waits() -> None:
    with pytest.raises(Waiting):
        Story(replace(CASE, known=False)).propose(decision(), BEGAN)


def test_where_several_areas_are_concerned_one_leads_and_the_others_co_sign() -> None:
    story = Story(replace(CASE, other_authorities=("southshire-council", COUNCIL)))
    story.commission(BEGAN)
    assert story.state.commission is not None
    assert story.state.commission.lead_authority == COUNCIL
    assert story.state.commission.co_signers == ("southshire-council",)


def test_an_independent_review_takes_the_place_of_one_under_way_and_inherits_its_clock() -> None:
    story = commissioned()
    story.propose(scope(), BEGAN)
    assert list(story.refused(decision(), BEGAN)) == ["commissioned-already"]
    later = london("2026-06-01")
    story.commission(later, basis=Basis.INDEPENDENT)
    assert story.state.status is Status.COMMISSIONED, "its scope is its own"
    assert story.state.due == date(2026, 9, 2)
    assert story.names.count("deadline.set") == 1
    assert {each.basis for each in story.state.agreed.values()} == {Basis.INDEPENDENT}
    assert (len(story.state.agreed), story.state.decisions) == (3, {}), "a further one is decided by three anew"


def test_what_was_given_up_can_be_decided_again_with_a_clock_of_its_own() -> None:
    story = commissioned()
    (ended, *_) = story.propose(PracticeReviewEnded(reason=WORDS), london("2026-04-01"))
    assert ended.marks == ("panel_not_told",)
    assert story.names[-1] == "deadline.cancelled"
    assert list(story.refused(scope(), BEGAN)) == ["ended"]
    story.commission(london("2026-05-06"), basis=Basis.INDEPENDENT)
    assert story.state.due == date(2026, 11, 6)


def test_nothing_is_done_in_a_review_that_nobody_commissioned() -> None:
    for data in (scope(), appointment(), draft(), PracticeReviewPaused(reason=WORDS)):
        assert list(Story().refused(data, BEGAN)) == ["not-commissioned"]


@pytest.mark.parametrize("works_for", [COUNCIL, ICB, "northshire-school"])
def test_nobody_from_an_agency_that_is_involved_leads_the_review(works_for: str) -> None:
    assert list(commissioned().refused(appointment(works_for), BEGAN)) == ["not-independent"]


def test_a_reviewer_whose_agency_becomes_involved_later_drafts_nothing() -> None:
    story = commissioned()
    for data in (scope(), appointment("far-away-trust")):
        story.propose(data, BEGAN)
    (reviewer,) = story.state.standing
    story.case = replace(CASE, asked=frozenset({"far-away-trust"}))
    assert story.refused(draft(), BEGAN)["not-independent"].allowed == (reviewer,)
    story.propose(ReviewerRemoved(reviewer=reviewer, reason=WORDS), BEGAN)
    assert list(story.refused(draft(), BEGAN)) == ["no-reviewer"]
    story.propose(appointment(), BEGAN)
    story.propose(draft(), BEGAN)
    assert story.state.status is Status.DRAFT_REPORT


def test_a_draft_needs_terms_of_reference_and_a_reviewer() -> None:
    assert list(commissioned().refused(draft(), BEGAN)) == ["not-scoped", "no-reviewer"]


def test_it_goes_from_commission_over_scope_into_review() -> None:
    story = commissioned()
    story.propose(scope(), BEGAN)
    assert story.state.status == "scoped"
    story.propose(appointment(), BEGAN)
    assert story.state.status == "in_review"


def test_monitoring_and_involvement_are_kept_step_by_step() -> None:
    story = commissioned()
    story.propose(PracticeReviewMonitored(in_time=True, quality=Quality.IN_DOUBT, asked_for_draft=True), BEGAN, ICB)
    for outcome in (Involvement.INVITED, Involvement.TOOK_PART):
        story.propose(InvolvementRecorded(involved=Involved.FAMILY, outcome=outcome, on=date(2026, 3, 1)), BEGAN)
    assert [each.asked_for_draft for each in story.state.monitored] == [True]
    assert story.state.involvement[Involved.FAMILY] == (Involvement.INVITED, Involvement.TOOK_PART)
    ahead = InvolvementRecorded(involved=Involved.FAMILY, outcome=Involvement.DECLINED, on=date(2026, 3, 3))
    assert list(story.refused(ahead, BEGAN)) == ["in-the-future"]


def test_a_pause_stops_no_clock() -> None:
    story = commissioned()
    story.propose(PracticeReviewPaused(reason=WORDS), BEGAN)
    assert "paused-already" in story.refused(PracticeReviewPaused(reason=WORDS), BEGAN)
    assert story.state.due == date(2026, 9, 2)
    assert [each.data.due for each in story.tick(london("2026-09-02", "09:00"))] == [  # type: ignore[attr-defined]
        date(2026, 9, 2)
    ]
    assert story.names[-1] == "deadline.due-soon"
    story.propose(PracticeReviewResumed(), london("2026-09-02", "09:30"))
    assert "not-paused" in story.refused(PracticeReviewResumed(), london("2026-09-02", "09:30"))


def test_a_clock_that_ends_on_a_sunday_warns_on_the_last_working_day_and_is_not_moved() -> None:
    story = commissioned("2026-08-31")
    assert story.tick(london("2027-02-26", "08:59")) == []
    assert len(story.tick(london("2027-02-26", "09:00"))) == 1
    assert story.tick(london("2027-02-28", "23:59")) == []
    story.tick(london("2027-03-01", "00:00"))
    assert story.names[-1] == "deadline.missed"
    assert story.state.clocks["T09"].state is DeadlineState.MISSED
    assert schedule(story.state, story.context(london("2027-03-01"))) == {"T09": london("2027-03-01", "09:00")}


def test_a_delay_is_told_to_panel_and_secretary_of_state_and_whoever_was_not_is_marked() -> None:
    story = commissioned()
    now = london("2026-08-03")
    (told,) = story.propose(DelayNotified(reasons=WORDS, panel_told_at=now, expected_on=date(2026, 11, 1)), now)
    assert told.marks == ("secretary_of_state_not_told",)
    early = DelayNotified(reasons=WORDS, expected_on=date(2026, 9, 2))
    assert story.refused(early, now)["not-late"].allowed == ("after 2026-09-02",)
