"""T02 one clock a recipient; and what the notification's facts do to the clocks, whatever crosses them."""

from datetime import date

import pytest

from contracts.codes import Ground
from contracts.identifiers import mint_reference
from contracts.notifications import NotificationClosed, NotificationWithdrawn
from services.gateway.incident import Status
from shared.decider import Refused
from tests.unit.gateway_stories import (
    DEATH,
    ELSEWHERE,
    HOME,
    NOT_KNOWN,
    PARTNERS,
    REASON,
    Story,
    amendment,
    corrected,
    decision,
    london,
    not_notifiable,
    notifiable,
    only,
    referral,
    referred,
    said,
    submission,
    told,
)

AWARE = london("2026-03-10")


def withdrawal() -> NotificationWithdrawn:
    return NotificationWithdrawn(reasons=REASON, panel_told_at=london("2026-03-20"))


def test_each_partner_and_each_other_area_has_a_clock_of_its_own() -> None:
    story = notifiable(AWARE, home_authority=HOME, other_areas_to_notify=(ELSEWHERE, HOME))
    recipients = {key for key in story.now.clocks if key.startswith("T02")}
    # The home area's authority is known here; the other area's is not, so its code stands for it.
    assert recipients == {
        "T02:northbank-icb",
        "T02:northbank-police",
        "T02:southbank-council",
        f"T02:{ELSEWHERE}",
    }


def test_a_childs_placing_authority_is_told_too() -> None:
    story = notifiable(AWARE, child={"placing_authority": HOME})
    assert story.state("T02:southbank-council") == "open"


def test_an_area_whose_partners_are_not_known_here_stands_for_them() -> None:
    story = Story(partners={})
    story.refer(AWARE)
    assert [key for key in story.now.clocks if key.startswith("T02")] == ["T02:E06000001"]


def test_the_host_itself_is_not_told_whatever_is_known_of_it() -> None:
    story = Story(partners={"E06000009": PARTNERS})
    story.refer(AWARE, host_authority="E06000009", home_authority="E06000009")
    assert [key for key in story.now.clocks if key.startswith("T02")] == [f"T02:{who}" for who in PARTNERS]


def test_telling_one_partner_meets_its_clock_and_no_other() -> None:
    story = notifiable(AWARE)
    facts = story.propose(told("northbank-icb", london("2026-03-12")), london("2026-03-13"))
    assert said(facts) == ["partner.notified", "deadline.met T02:northbank-icb"]
    assert facts[1].data.met_at == london("2026-03-12")
    assert story.state("T02:northbank-police") == "open"


def test_an_area_told_by_its_code_is_the_authority_of_that_area() -> None:
    story = notifiable(AWARE, home_authority=HOME)
    facts = story.propose(told(HOME, london("2026-03-12")), london("2026-03-12"))
    assert said(facts) == ["partner.notified", "deadline.met T02:southbank-council"]
    assert facts[0].data.recipient == "southbank-council"


def test_a_partner_told_late_is_late_and_needs_no_reason() -> None:
    story = notifiable(AWARE)
    met = only(
        story.propose(told("northbank-icb", london("2026-03-19")), london("2026-03-19")),
        "deadline.met",
        "T02:northbank-icb",
    )
    assert (met.in_time, met.working_days_late, met.awaiting_reason) == (False, 2, False)


def test_a_partner_told_before_triage_stays_told() -> None:
    story = referred(AWARE)
    story.propose(told("northbank-icb", london("2026-03-11")), london("2026-03-11"))
    story.propose(decision(AWARE), london("2026-03-11", "12:00"))
    assert story.state("T02:northbank-icb") == "met_in_time"


def test_the_first_telling_counts() -> None:
    story = notifiable(AWARE)
    story.propose(told("northbank-icb", london("2026-03-12")), london("2026-03-12"))
    assert said(story.propose(told("northbank-icb", london("2026-03-19")), london("2026-03-19"))) == [
        "partner.notified"
    ]
    earlier = story.propose(told("northbank-icb", london("2026-03-11")), london("2026-03-19"))
    assert said(earlier) == ["partner.notified", "deadline.met T02:northbank-icb"]


def test_an_accepted_submission_beats_a_crossing_not_notifiable() -> None:
    story = notifiable(AWARE)
    story.propose(told("northbank-icb", london("2026-03-11")), london("2026-03-11"))
    story.propose(not_notifiable(AWARE), london("2026-03-12"))
    facts = story.hear(submission(london("2026-03-12", "09:00")), london("2026-03-12", "10:01"))
    assert said(facts) == ["deadline.set T01", "deadline.set T02:northbank-police", "deadline.met T01"]
    assert story.state() == "met_in_time"
    assert story.state("T02:northbank-icb") == "met_in_time"
    assert story.now.status is Status.TRIAGED_NOTIFIABLE
    with pytest.raises(Refused) as refused:
        story.propose(not_notifiable(AWARE), london("2026-03-13"))
    assert refused.value.faults[0].allowed == ("notification.withdrawn",)


def test_a_submission_heard_before_the_crossing_decision_refuses_it() -> None:
    story = notifiable(AWARE)
    story.hear(submission(london("2026-03-12", "09:00")), london("2026-03-12", "10:01"))
    with pytest.raises(Refused) as refused:
        story.propose(not_notifiable(AWARE), london("2026-03-12", "10:02"))
    assert [f.rule for f in refused.value.faults] == ["submitted-already"]


def test_withdrawing_ends_what_still_runs_and_leaves_what_was_met() -> None:
    story = notifiable(AWARE)
    story.hear(submission(london("2026-03-12")), london("2026-03-12"))
    facts = story.hear(withdrawal(), london("2026-03-20"))
    assert said(facts) == ["deadline.cancelled T02:northbank-icb", "deadline.cancelled T02:northbank-police"]
    assert {f.data.because for f in facts} == {"withdrawn"}
    assert story.state() == "met_in_time"
    closed = story.hear(NotificationClosed(why="withdrawn"), london("2026-03-20"))
    assert said(closed) == ["incident.closed"]
    assert story.now.status is Status.CLOSED


def test_a_notification_that_was_not_needed_does_not_close_the_incident() -> None:
    story = notifiable(AWARE)
    story.propose(not_notifiable(AWARE), london("2026-03-12"))
    assert story.hear(NotificationClosed(why="not_needed"), london("2026-03-12")) == []
    assert story.now.status is Status.TRIAGED_NOT_NOTIFIABLE


def test_partners_are_still_to_be_told_after_a_case_without_a_review_was_closed() -> None:
    story = notifiable(AWARE, Ground.LAC_DEATH, nature=DEATH, abuse_or_neglect=NOT_KNOWN, child={"looked_after": True})
    story.hear(submission(london("2026-03-12"), Ground.LAC_DEATH), london("2026-03-12"))
    story.hear(NotificationClosed(why="no_review_follows"), london("2026-03-12"))
    assert story.now.status is Status.CLOSED
    assert said(story.tick(london("2026-03-18", "00:00"))) == [
        "deadline.missed T02:northbank-icb",
        "deadline.missed T02:northbank-police",
    ]
    story.propose(told("northbank-icb", london("2026-03-18")), london("2026-03-18"))
    assert story.state("T02:northbank-icb") == "met_late"


def test_an_amendment_that_adds_a_section_16c_ground_starts_t01_and_meets_it_by_its_portal_time() -> None:
    story = notifiable(AWARE, Ground.LAC_DEATH, nature=DEATH, abuse_or_neglect=NOT_KNOWN, child={"looked_after": True})
    story.hear(submission(london("2026-03-12"), Ground.LAC_DEATH), london("2026-03-12"))
    story.hear(NotificationClosed(why="no_review_follows"), london("2026-03-12"))
    learnt = london("2026-04-01")
    facts = story.hear(
        amendment(london("2026-04-10", "23:59"), learnt, Ground.LAC_DEATH, Ground.S16C_A), london("2026-04-11")
    )
    assert said(facts) == ["deadline.set T01", "deadline.met T01"]
    assert only(facts, "deadline.set").reckoned.due == date(2026, 4, 10)  # Good Friday and Easter Monday do not count
    assert only(facts, "deadline.met").in_time
    assert story.state("T03") == "met_in_time"
    assert story.now.status is Status.TRIAGED_NOTIFIABLE


def test_an_amendment_that_adds_nothing_moves_no_clock() -> None:
    story = notifiable(AWARE)
    story.hear(submission(london("2026-03-12")), london("2026-03-12"))
    assert story.hear(amendment(london("2026-03-30"), AWARE, Ground.S16C_A), london("2026-03-30")) == []


def test_a_reason_heard_before_the_clock_was_judged_late_is_not_asked_for_again() -> None:
    story = notifiable(AWARE)
    story.hear(submission(london("2026-03-17"), delay_reason=REASON), london("2026-03-17"))
    facts = story.propose(corrected(london("2026-03-06")), london("2026-03-18"))
    met = only(facts, "deadline.met")
    assert (met.in_time, met.awaiting_reason) == (False, False)


def test_a_fact_heard_twice_has_no_further_consequence() -> None:
    story = notifiable(AWARE)
    story.hear(submission(london("2026-03-24")), london("2026-03-24"))
    once = story.now
    assert story.hear_again(story.heard[0], london("2026-03-25")) == []
    assert story.now == once


def test_a_submission_without_a_section_16c_ground_does_not_meet_t01() -> None:
    story = notifiable(AWARE, Ground.S16C_A, Ground.LAC_DEATH, nature=DEATH, child={"looked_after": True})
    story.hear(submission(london("2026-03-12"), Ground.LAC_DEATH), london("2026-03-12"))
    assert (story.state("T01"), story.state("T03")) == ("open", "met_in_time")


def test_a_ground_added_before_submission_asks_which_awareness_counts() -> None:
    story = notifiable(AWARE, Ground.LAC_DEATH, nature=DEATH, abuse_or_neglect=NOT_KNOWN, child={"looked_after": True})
    both = (Ground.LAC_DEATH, Ground.S16C_A)
    with pytest.raises(Refused) as refused:
        story.propose(decision(london("2026-03-12"), *both, reasons=REASON), london("2026-03-12"))
    assert [f.rule for f in refused.value.faults] == ["choose-awareness"]
    later = decision(london("2026-03-12"), *both, reasons=REASON, earlier_awareness_showed_both=False)
    facts = story.propose(later, london("2026-03-12", "11:00"))
    assert said(facts) == ["notifiability.decided", "deadline.set T01"]
    assert story.due("T01") == date(2026, 3, 19)
    assert story.due("T03") == date(2026, 3, 17)


def test_a_later_decision_does_not_move_awareness() -> None:
    story = notifiable(AWARE, Ground.S16C_A, Ground.LAC_DEATH, nature=DEATH, child={"looked_after": True})
    with pytest.raises(Refused) as refused:
        story.propose(decision(london("2026-03-12"), reasons=REASON), london("2026-03-12"))
    assert [(f.rule, f.allowed) for f in refused.value.faults] == [("awareness-stands", ("2026-03-10T10:00:00+00:00",))]


def test_only_the_authority_of_the_place_decides() -> None:
    story = referred(AWARE)
    with pytest.raises(Refused) as refused:
        story.propose(decision(AWARE), london("2026-03-10", "12:00"), agency="southbank-council")
    assert [(f.rule, f.allowed) for f in refused.value.faults] == [("not-the-host", ("northbank-council",))]


def test_the_authority_whose_child_it_was_may_tell_of_a_looked_after_childs_death_elsewhere() -> None:
    story = Story()
    story.refer(AWARE, nature=DEATH, abuse_or_neglect=NOT_KNOWN, child={"looked_after": True}, home_authority=HOME)
    story.propose(decision(AWARE, Ground.LAC_DEATH), london("2026-03-10", "12:00"), agency="southbank-council")
    assert story.state("T03") == "open"


def test_several_children_call_for_the_union_of_their_grounds() -> None:
    asked = referral()
    harmed = asked.children[0]
    leaver = harmed.model_copy(
        update={"age_at_incident": 17, "looked_after": True, "identity": mint_reference(), "index_child": False}
    )
    story = Story()
    story.refer(AWARE, nature=DEATH, children=(harmed, leaver))
    assert story.now.apparent_grounds == {Ground.S16C_A, Ground.LAC_DEATH}
