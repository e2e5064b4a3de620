"""Meeting, report, views, submission, the Panel's reply and the end (DOMAIN 4, T06, T08, 4A items 4, 11 and 20)."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from contracts.review_codes import Attendance, PanelView, Partner, PartnerView
from contracts.reviews import Attendee, MeetingHeld, ReviewClosed, ReviewCommented, ReviewDecision
from services.rapid_review.review import Status
from shared.decider import Refused, Waiting
from tests.unit.review_stories import (
    COUNCIL,
    ICB,
    POLICE,
    SCHOOL,
    WORDS,
    Story,
    begun,
    london,
    meeting,
    met,
    of_partner,
    of_system,
    reckoning,
    reply,
    report,
    said,
    sent,
    submission,
    view,
    withdrawal,
)
from tests.unit.test_review_answers import how_far, refused

SENT = london("2026-03-10")
LATER = london("2026-03-20")
DISSENT = PartnerView.DISSENT


def drafted() -> Story:
    story = met(SENT)
    story.propose(report(), LATER)
    return story


def signed(*dissenting: str) -> Story:
    story = drafted()
    for agency in (COUNCIL, ICB, POLICE):
        how = DISSENT if agency in dissenting else PartnerView.AGREE
        story.propose(view(1, how), LATER, **of_partner(agency))
    return story


def test_a_meeting_of_all_three_partners_is_quorate_and_moves_the_review_on() -> None:
    story = begun(SENT)
    (fact,) = story.propose(meeting(LATER), LATER)
    assert fact.data.quorate
    assert story.review.status is Status.MEETING_HELD


@pytest.mark.parametrize(
    "attendees",
    [
        [Attendee(agency=COUNCIL, partner=Partner.LOCAL_AUTHORITY), Attendee(agency=ICB, partner=Partner.ICB)],
        [
            Attendee(agency=COUNCIL, partner=Partner.LOCAL_AUTHORITY),
            Attendee(agency=ICB, partner=Partner.ICB),
            Attendee(agency=POLICE, partner=Partner.POLICE, attendance=Attendance.APOLOGIES),
        ],
        [
            Attendee(agency=COUNCIL, partner=Partner.LOCAL_AUTHORITY),
            Attendee(agency=ICB, partner=Partner.ICB),
            Attendee(agency=SCHOOL, partner=Partner.POLICE),
        ],
        [
            Attendee(agency=COUNCIL, partner=Partner.LOCAL_AUTHORITY),
            Attendee(agency=ICB, partner=Partner.ICB),
            Attendee(agency=POLICE),
        ],
    ],
    ids=["absent", "apologies", "spoken for by another", "there, and not as a partner"],
)
def test_without_one_of_them_it_is_recorded_and_decides_nothing(attendees: list[Attendee]) -> None:
    story = begun(SENT)
    (fact,) = story.propose(MeetingHeld(held_at=LATER, attendees=tuple(attendees)), LATER)
    assert not fact.data.quorate
    assert story.marks == {"not_quorate"}
    assert refused(story, report(), LATER) == {"no-quorate-meeting": ("meeting.held",)}


@pytest.mark.parametrize("reasons", [None, " "])
def test_there_is_no_decision_without_reasons(reasons: str | None) -> None:
    with pytest.raises(ValidationError, match="reasons"):
        ReviewDecision.model_validate({"outcome": "no_further_review", "reasons": reasons})


def test_a_meeting_in_the_future_is_refused() -> None:
    assert "in-the-future" in refused(begun(SENT), meeting(london("2026-03-21")), LATER)


def test_the_third_view_signs_the_newest_version_off_and_dissent_is_kept() -> None:
    story = drafted()
    assert said(story.propose(view(1), LATER, **of_partner(COUNCIL))) == ["view.recorded"]
    story.propose(view(1, DISSENT), LATER, **of_partner(ICB))
    facts = story.propose(view(1), LATER, **of_partner(POLICE))
    assert said(facts) == ["view.recorded", "review.signed-off"]
    assert facts[0].data.partner is Partner.POLICE
    assert facts[1].data.dissenting == (Partner.ICB,)
    assert story.review.status is Status.SIGNED_OFF


def test_a_partner_that_changes_its_mind_signs_it_off_anew_and_one_that_repeats_itself_does_not() -> None:
    story = signed()
    assert said(story.propose(view(1), LATER, **of_partner(ICB))) == ["view.recorded"]
    facts = story.propose(view(1, DISSENT), LATER, **of_partner(ICB))
    assert facts[1].data.dissenting == (Partner.ICB,)


def test_a_view_is_a_partners_own_and_of_the_newest_version() -> None:
    story = drafted()
    story.propose(report(), LATER)
    assert refused(story, view(1), LATER, **of_partner(ICB)) == {"not-the-newest": ("2",)}
    assert refused(story, view(2), LATER, **of_system(SCHOOL)) == {"not-a-partner": (COUNCIL, ICB, POLICE)}
    others = view(2).model_copy(update={"partner": Partner.POLICE})
    assert refused(story, others, LATER, **of_partner(ICB)) == {"another-partner": ("icb",)}
    assert "no-draft" in refused(met(SENT), view(1), LATER, **of_partner(ICB))


def test_a_further_version_has_to_be_viewed_anew() -> None:
    story = signed()
    story.propose(report(), LATER)
    assert story.review.status is Status.DRAFTED
    assert said(story.propose(view(2), LATER, **of_partner(ICB))) == ["view.recorded"]


def test_the_scrutineer_comments_on_any_version_there_is() -> None:
    story = signed()
    story.propose(report(), LATER)
    by = {"agency": COUNCIL, "actor": "northbank-scrutineer", "actorrole": "scrutineer"}
    assert said(story.propose(ReviewCommented(version=1, comment=WORDS), LATER, **by)) == ["review.commented"]
    assert refused(story, ReviewCommented(version=3, comment=WORDS), LATER, **by) == {"no-such-version": ("1", "2")}


def test_submission_alone_meets_the_clock_and_a_reply_is_then_expected() -> None:
    story = signed()
    facts = story.propose(sent(LATER), LATER)
    assert said(facts) == ["review.submitted", "deadline.met T06a", "deadline.set T08"]
    assert (facts[0].data.version, facts[0].data.without_sign_off) == (1, False)
    assert facts[1].data.in_time
    assert reckoning(facts, "T08").due == date(2026, 4, 7)  # ten working days over Easter
    assert "submitted-already" in refused(story, report(), LATER)


@pytest.mark.parametrize(("at", "in_time"), [("23:59", True), ("00:00", False)])
def test_the_last_instant_of_working_day_15_is_in_time_and_midnight_is_late(at: str, in_time: bool) -> None:
    story = begun(SENT)
    instant = london("2026-03-31" if in_time else "2026-04-01", at)
    facts = story.propose(sent(instant), london("2026-04-02"))
    assert facts[1].data.in_time is in_time
    assert facts[1].data.awaiting_reason is not in_time


def test_the_reason_of_a_delay_may_follow_and_the_same_again_is_refused() -> None:
    story = begun(SENT)
    late = london("2026-04-01")
    story.propose(sent(late), late)
    assert "recorded-already" in refused(story, sent(late), late)
    facts = story.propose(sent(late, late_reason=WORDS), late)
    assert said(facts) == ["review.submitted", "deadline.met T06a"]
    assert not facts[1].data.awaiting_reason
    assert "recorded-already" in refused(story, sent(late, late_reason=WORDS), late)


def test_a_submission_without_sign_off_or_meeting_has_happened_and_is_marked() -> None:
    story = drafted()
    (fact, *_) = story.propose(sent(LATER), LATER)
    assert (fact.data.without_sign_off, story.marks) == (True, {"without_sign_off"})
    assert begun(SENT).propose(sent(LATER), LATER)[0].data.version is None


def test_a_submission_in_the_future_or_before_its_notification_is_refused() -> None:
    assert "in-the-future" in refused(begun(SENT), sent(london("2026-03-21")), LATER)
    assert refused(begun(SENT), sent(london("2026-03-09")), LATER) == {"before-the-notification": ("from 2026-03-10",)}


def test_a_corrected_time_of_submission_judges_both_clocks_again() -> None:
    story = begun(SENT)
    late = london("2026-04-01")
    story.propose(sent(late), late)
    facts = story.propose(sent(london("2026-03-31")), late)
    assert said(facts) == ["review.submitted", "deadline.met T06a", "deadline.recomputed T08"]
    assert facts[1].data.in_time
    assert facts[1].data.corrects is not None
    assert len(story.review.submissions) == 1


def test_a_query_brings_the_report_back_and_a_further_submission_leaves_the_first_to_meet_the_clock() -> None:
    story = signed()
    story.propose(sent(LATER), LATER)
    asked = london("2026-03-24")
    facts = story.propose(reply(asked, PanelView.QUERIES), asked, **of_system("panel"))
    assert said(facts) == ["panel.answered", "deadline.met T08"]
    assert how_far(story) is Status.DRAFTED
    story.propose(report(), asked)
    again = london("2026-04-20")
    assert said(story.propose(sent(again), again)) == ["review.submitted", "deadline.set T08"]
    assert story.review.clocks["T06a"].met_at == LATER
    assert [each.at for each in story.review.submissions] == [LATER, again]
    story.propose(reply(london("2026-04-21")), london("2026-04-21"))
    assert story.review.status is Status.PANEL_RESPONDED


def test_the_panel_answers_what_reached_it_and_not_before() -> None:
    story = begun(SENT)
    with pytest.raises(Waiting):
        story.propose(reply(LATER), LATER)
    story.propose(sent(LATER), LATER)
    assert "before-the-submission" in refused(story, reply(london("2026-03-19")), LATER)
    assert "in-the-future" in refused(story, reply(london("2026-03-21")), LATER)
    assert "not-the-host" in refused(story, reply(LATER), LATER, agency=ICB)


def closing(story: Story, why: str, at: Any, **more: Any) -> list[str]:
    return said(story.propose(ReviewClosed(why=why, **more), at))


def test_it_ends_for_a_reason_that_holds() -> None:
    story = signed()
    assert refused(story, ReviewClosed(why="panel_agreed"), LATER) == {"does-not-hold": ()}
    with pytest.raises(Refused) as early:
        story.propose(ReviewClosed(why="panel_agreed"), LATER)
    assert "cannot end yet" in early.value.faults[0].detail
    story.propose(sent(LATER), LATER)
    story.propose(reply(LATER, PanelView.DISAGREES), LATER)
    assert refused(story, ReviewClosed(why="panel_agreed"), LATER) == {"does-not-hold": ("panel_answered",)}
    assert closing(story, "panel_answered", LATER) == ["review.closed"]
    assert story.review.status is Status.CLOSED
    assert "closed" in refused(story, ReviewClosed(why="panel_answered"), LATER)


def test_without_a_reply_it_ends_only_after_the_expected_day_and_with_a_reason() -> None:
    story = signed()
    story.propose(sent(LATER), LATER)
    early, after = london("2026-04-07", "23:59"), london("2026-04-08", "00:00")
    assert "does-not-hold" in refused(story, ReviewClosed(why="no_reply", reason=WORDS), early)
    assert "needs-a-reason" in refused(story, ReviewClosed(why="no_reply"), after)
    assert closing(story, "no_reply", after, reason=WORDS) == ["review.closed", "deadline.cancelled T08"]
    assert story.next_instant(after) is None


def test_a_corrected_portal_time_judges_a_closed_reviews_clock_too() -> None:
    story = signed()
    story.propose(sent(LATER), LATER)
    story.propose(reply(LATER), LATER)
    closing(story, "panel_agreed", LATER)
    facts = story.hear(submission(london("2026-02-20")), LATER)
    assert said(facts) == ["deadline.recomputed T06a", "deadline.met T06a"]
    assert (facts[1].data.in_time, story.review.status) == (False, Status.CLOSED)


def test_a_cancelled_review_decides_nothing() -> None:
    story = signed()
    story.hear(withdrawal(LATER), LATER)
    assert "cancelled" in refused(story, report(), LATER)
    assert "cancelled" in refused(story, view(1), LATER, **of_partner(ICB))
    assert said(story.propose(meeting(LATER), LATER)) == ["meeting.held"]


@given(there=st.sets(st.sampled_from([COUNCIL, ICB, POLICE])))
def test_no_decision_is_drafted_without_all_three(there: set[str]) -> None:
    story = begun(SENT)
    story.propose(meeting(LATER, *(there or {SCHOOL})), LATER)
    try:
        story.propose(report(), LATER)
    except Refused:
        assert len(there) < 3
    else:
        assert len(there) == 3
