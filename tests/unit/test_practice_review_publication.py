"""Nothing is published while anything is missing, each missing thing is named, and what was published stays a year."""

from datetime import date, timedelta

import pytest

from contracts.practice_reviews import (
    AdvanceCopyDelivered,
    DelayNotified,
    PracticeReviewEnded,
    PracticeReviewPaused,
    PracticeReviewUnpublished,
    RedactionChecked,
    ResponseAgreed,
)
from contracts.review_codes import Check, CopyTo, Publication, Scan
from contracts.rules import Rule
from services.rapid_review.practice_review import Status
from services.rapid_review.practice_review.rules import first_publication_day, last_copy_day
from shared.deadlines import DeadlineState
from shared.decider import Waiting
from shared.london import london_date
from tests.practice_reviews import (
    CASE,
    ICB,
    POLICE,
    WORDS,
    Story,
    draft,
    london,
    planned,
    publication,
)

BEGAN = london("2025-11-03")
ON = date(2026, 4, 15)
DAY = london("2026-04-15")
UNPUBLISHED = PracticeReviewUnpublished(reason=WORDS)


def ready(copied: str = "2026-04-01", on: date = ON) -> Story:
    story = Story()
    story.until_draft(BEGAN)
    story.check_and_respond(BEGAN)
    story.copy(london(copied))
    story.propose(planned(on), london(copied))
    return story


def drafted() -> Story:
    story = Story()
    story.until_draft(BEGAN)
    return story


def published(on: date = ON) -> Story:
    story = ready(on=on)
    story.propose(publication(on), london(on.isoformat()), POLICE)
    return story


def test_with_everything_there_it_is_published_and_its_clock_is_met() -> None:
    story = ready()
    assert story.state.status == "advance_copies_sent"
    outcome, met = story.propose(publication(ON), DAY)
    assert story.state.status == "published"
    assert story.state.publication is not None
    assert (outcome.data.version, outcome.data.available_until) == (1, date(2027, 4, 15))  # type: ignore[attr-defined]
    assert met.data.in_time, "due on 3 May 2026"  # type: ignore[attr-defined]
    assert story.state.clocks["T09"].state is DeadlineState.MET_IN_TIME


@pytest.mark.parametrize(
    ("on", "last"),
    [(date(2026, 4, 14), date(2026, 4, 1)), (date(2026, 1, 8), date(2025, 12, 29)), (ON, date(2026, 4, 2))],
    ids=["P01", "P02", "across Easter"],
)
def test_the_last_day_for_copies_is_counted_back_from_publication(on: date, last: date) -> None:
    context = Story.context(DAY)
    assert last_copy_day(on, CASE, context) == last
    assert first_publication_day(last, CASE, context) <= on


def test_copies_on_the_saturday_after_good_friday_are_too_late_for_the_wednesday_after_next() -> None:
    late = ready("2026-04-04").refused(publication(ON), DAY)
    assert list(late) == ["late-copy-to-panel", "late-copy-to-secretary-of-state", "late-copy-to-ofsted"]
    assert all(fault.allowed == ("from 2026-04-16",) for fault in late.values())
    ready("2026-04-02").propose(publication(ON), DAY)
    ready("2026-04-04", date(2026, 4, 16)).propose(publication(date(2026, 4, 16)), london("2026-04-16"))


def test_a_copy_just_before_midnight_in_london_counts_for_that_day() -> None:
    story = Story()
    story.until_draft(BEGAN)
    story.check_and_respond(BEGAN)
    story.copy(london("2026-04-10"), at=london("2026-04-02", "23:59"))
    story.propose(planned(ON), london("2026-04-10"))
    story.propose(publication(ON), DAY)


def test_each_missing_thing_is_named_at_once_with_its_remedy() -> None:
    story = Story()
    story.until_draft(BEGAN)
    faults = story.refused(publication(ON), DAY)
    assert list(faults) == [
        "not-planned",
        "no-response",
        "not-scanned",
        "no-copy-to-panel",
        "no-copy-to-secretary-of-state",
        "no-copy-to-ofsted",
    ]
    assert faults["no-copy-to-ofsted"].allowed == ("from 2026-04-24",)
    assert faults["no-copy-to-ofsted"].detail.startswith("Ofsted has no copy")
    assert faults["no-copy-to-panel"].detail.startswith("The Panel has no copy")
    assert all(len(fault.detail) <= 400 for fault in faults.values())


def test_one_missing_copy_is_enough_to_refuse() -> None:
    for left_out in CopyTo:
        story = Story()
        story.until_draft(BEGAN)
        story.check_and_respond(BEGAN)
        story.copy(london("2026-04-01"), *(each for each in CopyTo if each is not left_out))
        story.propose(planned(ON), london("2026-04-01"))
        assert list(story.refused(publication(ON), DAY)) == [f"no-copy-to-{left_out.value.replace('_', '-')}"]


def test_without_a_draft_there_is_nothing_to_publish() -> None:
    story = Story()
    story.commission(BEGAN)
    assert list(story.refused(publication(ON), DAY)) == ["no-draft"]


def test_one_person_is_not_both_checkers() -> None:
    story = Story()
    story.until_draft(BEGAN)
    passed = RedactionChecked(version=1, result=Check.PASSED)
    with pytest.raises(Waiting, match="scan"):
        story.propose(passed, BEGAN)
    story.scan(BEGAN, Scan.FOUND)
    assert list(story.refused(passed, BEGAN)) == ["no-response"]
    story.propose(ResponseAgreed(version=1, response=WORDS), BEGAN)
    story.propose(passed, BEGAN, actor="first-checker")
    assert list(story.refused(passed, BEGAN, actor="first-checker")) == ["same-person"]
    assert "not-checked-by-two" in story.refused(publication(ON), DAY)
    story.propose(passed, BEGAN, agency=ICB, actor="second-checker")
    assert "not-checked-by-two" not in story.refused(publication(ON), DAY)


def test_a_scan_that_failed_blocks_until_a_version_that_can_be_read() -> None:
    story = Story()
    story.until_draft(BEGAN)
    story.propose(ResponseAgreed(version=1, response=WORDS), BEGAN)
    story.scan(BEGAN, Scan.FAILED)
    passed = RedactionChecked(version=1, result=Check.PASSED)
    assert list(story.refused(passed, BEGAN)) == ["scan-failed"]
    assert "scan-failed" in story.refused(publication(ON), DAY)
    story.propose(draft(), BEGAN)
    assert story.scan(BEGAN, of=1) == [], "of an earlier version nothing is said any more"
    story.scan(BEGAN)
    assert "scan-failed" not in story.refused(publication(ON), DAY)


def test_a_scan_after_the_checks_makes_them_to_be_done_again() -> None:
    story = ready()
    story.scan(BEGAN, Scan.FOUND)
    assert list(story.refused(publication(ON), DAY)) == ["not-checked-by-two"]


def test_another_response_is_other_content_to_be_read_and_copied_anew() -> None:
    story = ready()
    story.propose(ResponseAgreed(version=1, response=WORDS), BEGAN)
    faults = story.refused(publication(ON), DAY)
    assert list(faults) == [
        "not-checked-by-two",
        "no-copy-to-panel",
        "no-copy-to-secretary-of-state",
        "no-copy-to-ofsted",
    ]


def test_a_copy_that_came_before_the_response_meets_nothing() -> None:
    story = drafted()
    copies = [AdvanceCopyDelivered(recipient=to, version=1, delivered_at=BEGAN) for to in CopyTo]
    for copy in copies:
        assert story.propose(copy, BEGAN)[0].marks == ()
    story.propose(ResponseAgreed(version=1, response=WORDS), BEGAN + timedelta(days=1))
    assert story.state.draft is not None
    assert story.state.draft.copies == {}
    assert story.propose(copies[0], BEGAN + timedelta(days=1))[0].marks == ("without_the_response",)
    assert story.state.draft.copies == {}


def test_a_copy_that_is_keyed_in_before_the_response_it_came_with_counts() -> None:
    story = drafted()
    story.propose(AdvanceCopyDelivered(recipient=CopyTo.PANEL, version=1, delivered_at=BEGAN), BEGAN)
    story.propose(ResponseAgreed(version=1, response=WORDS), BEGAN)
    assert story.state.draft is not None
    assert list(story.state.draft.copies) == [CopyTo.PANEL]


def test_a_checker_who_finds_something_stops_it_whoever_else_passes() -> None:
    story = ready()
    failed = RedactionChecked(version=1, result=Check.FAILED, note=WORDS)
    story.propose(failed, BEGAN, actor="third-checker")
    assert list(story.refused(publication(ON), DAY)) == ["redaction-failed"]


def test_a_further_version_makes_response_scan_checks_and_copies_to_be_done_again() -> None:
    story = ready()
    story.propose(draft(), BEGAN)
    assert story.state.status is Status.DRAFT_REPORT
    assert {"no-response", "not-scanned", "no-copy-to-panel"} <= set(story.refused(publication(ON), DAY))
    for data in (RedactionChecked(version=1, result=Check.PASSED), ResponseAgreed(version=1, response=WORDS)):
        assert story.refused(data, BEGAN)["not-the-newest"].allowed == ("2",)
    old = AdvanceCopyDelivered(recipient=CopyTo.PANEL, version=1, delivered_at=BEGAN)
    (outcome,) = story.propose(old, BEGAN)
    assert outcome.marks == ("not_the_newest",)
    assert "no-copy-to-panel" in story.refused(publication(ON), DAY)


def test_a_copy_of_a_version_that_there_is_not_and_one_of_tomorrow_are_refused() -> None:
    story = ready()
    copy = AdvanceCopyDelivered(recipient=CopyTo.PANEL, version=2, delivered_at=DAY + timedelta(days=1))
    assert list(story.refused(copy, DAY)) == ["in-the-future", "no-such-version"]


def test_a_copy_of_an_earlier_version_does_not_pass_for_one_of_the_newest() -> None:
    story = ready()
    story.propose(draft(), DAY)
    early = AdvanceCopyDelivered(recipient=CopyTo.PANEL, version=2, delivered_at=BEGAN)
    assert story.refused(early, DAY)["before-the-version"].allowed == (f"from {london_date(DAY).isoformat()}",)
    story.propose(early.model_copy(update={"version": 1}), DAY)
    story.propose(early.model_copy(update={"delivered_at": DAY}), DAY)
    assert story.state.draft is not None
    assert story.state.draft.copies == {CopyTo.PANEL: london_date(DAY)}


def test_a_national_body_speaks_of_its_own_copy() -> None:
    copy = AdvanceCopyDelivered(recipient=CopyTo.PANEL, version=1, delivered_at=BEGAN)
    story = ready()
    assert story.refused(copy, DAY, agency="department")["another-recipient"].allowed == ("secretary_of_state",)
    story.propose(copy, DAY, agency="panel")


def test_moving_the_date_earlier_checks_the_copies_again() -> None:
    story = ready("2026-04-02")
    earlier = date(2026, 4, 14)
    assert story.refused(publication(earlier), DAY)["another-day-than-planned"].allowed == ("2026-04-15",)
    (moved,) = story.propose(planned(earlier), london("2026-04-03"))
    assert moved.marks == ("too_soon_for_advance_copies",)
    assert "late-copy-to-panel" in story.refused(publication(earlier), london("2026-04-14"))


def test_a_plan_that_leaves_time_for_the_copies_is_not_marked() -> None:
    story = Story()
    story.until_draft(BEGAN)
    (in_time,) = story.propose(planned(ON), london("2026-04-02"))
    (too_soon,) = story.propose(planned(ON), london("2026-04-03"))
    assert (in_time.marks, too_soon.marks) == ((), ("too_soon_for_advance_copies",))
    assert list(story.refused(planned(ON), london("2026-04-16"))) == ["in-the-past"]


def test_improvements_only_is_published_as_planned_with_reasons_and_meets_the_clock() -> None:
    story = ready()
    only = publication(ON, Publication.IMPROVEMENTS_ONLY)
    assert story.refused(only, DAY)["another-form-than-planned"].allowed == ("full",)
    story.propose(planned(ON, Publication.IMPROVEMENTS_ONLY), london("2026-04-02"))
    story.propose(only, DAY)
    assert story.state.status is Status.IMPROVEMENTS_PUBLISHED
    assert story.state.clocks["T09"].met_at is not None
    with pytest.raises(ValueError, match="reasons"):
        type(planned(ON))(on=ON, form=Publication.IMPROVEMENTS_ONLY)


def test_after_improvements_only_the_whole_report_can_follow_by_the_same_rules() -> None:
    story = ready()
    story.propose(planned(ON, Publication.IMPROVEMENTS_ONLY), london("2026-04-02"))
    story.propose(publication(ON, Publication.IMPROVEMENTS_ONLY), DAY)
    later = date(2026, 9, 1)
    story.propose(planned(later), DAY)
    outcomes = story.propose(publication(later), london("2026-09-01"))
    assert len(outcomes) == 1, "the clock was met by the first"
    assert story.state.status is Status.PUBLISHED
    story.propose(planned(later, Publication.IMPROVEMENTS_ONLY), DAY)
    back = story.refused(publication(later, Publication.IMPROVEMENTS_ONLY), london("2026-09-01"))
    assert list(back) == ["published-in-full"]


def test_the_same_version_is_not_published_twice_and_what_is_public_cannot_be_given_up() -> None:
    story = published()
    assert "published-already" in story.refused(publication(ON), DAY)
    assert list(story.refused(PracticeReviewEnded(reason=WORDS), DAY)) == ["published-already"]


def test_a_corrected_version_is_published_in_its_place_by_the_same_rules() -> None:
    story = published()
    story.propose(draft(), london("2026-05-01"))
    assert story.state.status is Status.PUBLISHED
    story.check_and_respond(london("2026-05-02"))
    story.copy(london("2026-05-05"))
    again = date(2026, 5, 18)
    story.propose(planned(again), london("2026-05-05"))
    story.propose(publication(again), london("2026-05-18"))
    assert story.refused(UNPUBLISHED, london("2027-05-17"))["available-for-a-year"].allowed == ("from 2027-05-18",)


def test_nothing_is_published_on_a_day_on_which_it_was_not_ready_or_has_not_come() -> None:
    story = ready()
    assert "in-the-future" in story.refused(publication(ON), london("2026-04-14"))
    story.scan(london("2026-04-16"))
    for actor in ("first-checker", "second-checker"):
        story.propose(RedactionChecked(version=1, result=Check.PASSED), london("2026-04-17"), actor=actor)
    faults = story.refused(publication(ON), london("2026-04-17"))
    assert faults["before-it-was-ready"].allowed == ("from 2026-04-17",)


def test_a_paused_review_is_not_published() -> None:
    story = ready()
    story.propose(PracticeReviewPaused(reason=WORDS), BEGAN)
    assert list(story.refused(publication(ON), DAY)) == ["paused"]


def test_only_the_three_partners_publish() -> None:
    assert list(ready().refused(publication(ON), DAY, agency="southshire-council")) == ["absent"]


def test_what_is_public_stays_for_a_year() -> None:
    story = published()
    faults = story.refused(UNPUBLISHED, london("2027-04-14", "23:59"))
    assert faults["available-for-a-year"].allowed == ("from 2027-04-15",)
    story.propose(UNPUBLISHED, london("2027-04-15", "00:00"))
    assert list(story.refused(UNPUBLISHED, london("2027-04-16"))) == ["not-published"]


def test_published_late_without_a_delay_told_it_awaits_its_reasons_and_they_judge_the_clock_again() -> None:
    on = date(2026, 5, 12)
    story = ready(on=on)
    story.tick(london("2026-05-04", "00:00"))
    outcome, met = story.propose(publication(on), london("2026-05-12"))
    assert outcome.marks == ("delay_not_notified",)
    assert (met.data.in_time, met.data.awaiting_reason) == (False, True)  # type: ignore[attr-defined]
    assert met.data.working_days_late == 6, "4 May is a bank holiday"  # type: ignore[attr-defined]
    told = DelayNotified(reasons=WORDS, panel_told_at=DAY, secretary_of_state_told_at=DAY)
    _, again = story.propose(told, london("2026-05-13"))
    assert not again.data.awaiting_reason  # type: ignore[attr-defined]
    assert len(story.propose(told, london("2026-05-14"))) == 1


def test_where_no_calendar_reaches_nothing_is_assumed() -> None:
    story = ready()
    beyond = date(2029, 3, 1)
    (outcome,) = story.propose(planned(beyond), DAY)
    assert outcome.marks == ("too_soon_for_advance_copies",)
    assert "outside-the-calendar" in story.refused(publication(beyond), london("2029-03-01"))


def test_a_partnership_that_reads_clear_days_counts_eight_back() -> None:
    context = Story.context(DAY)

    def own(rule_id: str, on: date, partnership: str | None) -> Rule:
        return context.rules(rule_id, on, partnership).model_copy(update={"length": 8})

    clear = type(context)(context.now, context.calendar, own)
    assert last_copy_day(date(2026, 4, 14), CASE, clear) == date(2026, 3, 31)
