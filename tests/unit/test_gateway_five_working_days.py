"""T01 from the referral to its end. Expectations by hand from DOMAIN sections 1, 2 and 4A."""

from datetime import date, datetime

import pytest

from contracts.codes import Ground
from shared.decider import Refused
from tests.unit.gateway_stories import (
    DEATH,
    NOT_KNOWN,
    REASON,
    SUSPECTED,
    Story,
    corrected,
    decision,
    explanation,
    london,
    not_notifiable,
    notifiable,
    only,
    reckoning,
    referred,
    said,
    submission,
)

CASES = [
    ("a plain midweek", london("2026-03-10"), date(2026, 3, 17)),
    ("known on a Friday", london("2026-03-13"), date(2026, 3, 20)),
    ("known on a Saturday", london("2026-03-14"), date(2026, 3, 20)),
    ("known on a Sunday", london("2026-03-15"), date(2026, 3, 20)),
    ("Christmas 2025", london("2025-12-22"), date(2025, 12, 31)),
    ("Boxing Day on a Saturday", london("2026-12-23"), date(2027, 1, 4)),
    ("two substitute days and New Year", london("2021-12-24"), date(2022, 1, 5)),
    ("Easter", london("2026-04-01"), date(2026, 4, 10)),
    ("known on Good Friday", london("2026-04-03"), date(2026, 4, 13)),
    ("8 May 2020, moved", london("2020-05-05"), date(2020, 5, 13)),
    ("Mon 4 May 2020 was a working day", london("2020-05-01"), date(2020, 5, 11)),
    ("2 and 3 June 2022", london("2022-05-30"), date(2022, 6, 8)),
    ("the state funeral", london("2022-09-14"), date(2022, 9, 22)),
    ("the coronation", london("2023-05-03"), date(2023, 5, 11)),
    ("1 and 8 May 2023", london("2023-04-28"), date(2023, 5, 9)),
    ("23:50 BST, UTC the same day", london("2026-08-27", "23:50"), date(2026, 9, 4)),
    ("00:10 BST, UTC the day before", london("2026-08-28", "00:10"), date(2026, 9, 7)),
    ("Scotland's holiday does not count", london("2026-06-12"), date(2026, 6, 19)),
]


@pytest.mark.parametrize(("aware", "due"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_the_panel_is_due_at_the_end_of_the_fifth_working_day_after_awareness(aware: datetime, due: date) -> None:
    story = notifiable(aware)
    assert story.due() == due
    assert story.state() == "open"


def test_the_clock_runs_provisionally_from_the_referral() -> None:
    facts = referred(london("2026-08-28", "00:10")).facts
    assert said(facts) == [
        "incident.referred",
        "deadline.set T01",
        "deadline.set T02:northbank-icb",
        "deadline.set T02:northbank-police",
        "deadline.set T05",
    ]
    t01 = only(facts, "deadline.set")
    assert t01.provisional
    assert not t01.late_as_set
    assert t01.reckoned.day0 == date(2026, 8, 28)
    assert [(off.day, off.why) for off in t01.reckoned.not_counted] == [
        (date(2026, 8, 29), "Saturday"),
        (date(2026, 8, 30), "Sunday"),
        (date(2026, 8, 31), "Summer bank holiday"),
        (date(2026, 9, 5), "Saturday"),
        (date(2026, 9, 6), "Sunday"),
    ]
    assert t01.reckoned.late_from == london("2026-09-08", "00:00")
    assert only(facts, "deadline.set", "T05").reckoned.due == date(2026, 9, 1)


def test_day_0_is_when_the_referral_reached_the_authority_if_that_was_before() -> None:
    story = referred(london("2026-03-13"), authority_told_at=london("2026-03-10"))
    assert story.due() == date(2026, 3, 17)


def test_triage_makes_the_clocks_firm_from_awareness_and_not_from_the_decision() -> None:
    story = referred(london("2026-03-10"))
    facts = story.propose(decision(london("2026-03-09"), reasons=REASON), london("2026-03-16"))
    assert said(facts) == [
        "notifiability.decided",
        "deadline.recomputed T01",
        "deadline.recomputed T02:northbank-icb",
        "deadline.recomputed T02:northbank-police",
        "deadline.met T05",
    ]
    firm = only(facts, "deadline.recomputed")
    assert firm.because == "triage"
    assert not firm.provisional
    assert firm.before.due == date(2026, 3, 17)
    assert firm.reckoned.due == date(2026, 3, 16)


def test_awareness_put_later_than_the_referral_needs_its_reasons() -> None:
    story = referred(london("2026-03-10"))
    with pytest.raises(Refused) as refused:
        story.propose(decision(london("2026-03-12")), london("2026-03-12", "12:00"))
    assert [f.rule for f in refused.value.faults] == ["later-awareness-needs-reasons"]
    story.propose(decision(london("2026-03-12"), reasons=REASON), london("2026-03-12", "12:00"))
    assert story.due() == date(2026, 3, 19)
    assert [entry.at for entry in story.now.awareness] == [london("2026-03-10"), london("2026-03-12")]


def test_a_decision_not_to_notify_ends_the_clocks() -> None:
    story = referred(london("2026-03-10"))
    facts = story.propose(not_notifiable(london("2026-03-10")), london("2026-03-11"))
    cancelled = [f.data.clock for f in facts if f.name == "deadline.cancelled"]
    assert cancelled == ["T01", "T02:northbank-icb", "T02:northbank-police"]
    assert story.state("T05") == "met_in_time"
    assert story.tick(london("2026-04-10")) == []


def test_reopening_counts_from_the_original_awareness_if_that_showed_both() -> None:
    story = referred(london("2026-03-10"))
    story.propose(not_notifiable(london("2026-03-10")), london("2026-03-11"))
    again = decision(london("2026-03-20"), earlier_awareness_showed_both=True, reasons=REASON)
    facts = story.propose(again, london("2026-03-20", "11:00"))
    t01 = only(facts, "deadline.set")
    assert t01.late_as_set
    assert t01.reckoned.due == date(2026, 3, 17)
    assert {entry.at for entry in story.now.awareness} == {london("2026-03-10"), london("2026-03-20")}
    assert story.now.aware_at == story.now.own_aware_at == london("2026-03-10")
    missed = only(story.tick(london("2026-03-20", "11:01")), "deadline.missed")
    assert missed.working_days_late == 3


def test_reopening_counts_from_the_later_awareness_if_the_earlier_did_not_show_both() -> None:
    story = referred(london("2026-03-10"))
    story.propose(not_notifiable(london("2026-03-10")), london("2026-03-11"))
    story.propose(
        decision(london("2026-03-20"), earlier_awareness_showed_both=False, reasons=REASON),
        london("2026-03-20", "11:00"),
    )
    assert story.due() == date(2026, 3, 27)
    assert story.now.status.value == "triaged_notifiable"


def test_reopening_without_choosing_the_awareness_is_refused_with_what_is_allowed() -> None:
    story = referred(london("2026-03-10"))
    story.propose(not_notifiable(london("2026-03-10")), london("2026-03-11"))
    with pytest.raises(Refused) as refused:
        story.propose(decision(london("2026-03-20")), london("2026-03-20", "11:00"))
    told = {(f.pointer, f.rule, f.allowed) for f in refused.value.faults}
    assert told == {
        ("/data/reasons", "reopening-needs-reasons", ()),
        ("/data/earlierAwarenessShowedBoth", "choose-awareness", ("true", "false")),
    }


def test_a_submission_before_midnight_of_the_due_day_is_in_time() -> None:
    story = notifiable(london("2026-08-28", "00:10"))
    story.hear(submission(london("2026-09-07", "23:59:59")), london("2026-09-07", "23:59:59"))
    assert story.state() == "met_in_time"


def test_a_submission_at_midnight_is_late_by_one_working_day_and_awaits_its_reason() -> None:
    story = notifiable(london("2026-08-28", "00:10"))
    met = only(story.hear(submission(london("2026-09-08", "00:00")), london("2026-09-08")), "deadline.met")
    assert (met.in_time, met.working_days_late, met.awaiting_reason) == (False, 1, True)
    assert story.now.awaiting_reason == {"T01"}


def test_due_on_friday_and_submitted_on_saturday_is_late_by_no_working_day() -> None:
    story = notifiable(london("2026-03-13"))
    met = only(story.hear(submission(london("2026-03-21")), london("2026-03-21")), "deadline.met")
    assert (met.in_time, met.working_days_late) == (False, 0)


def test_the_reason_given_later_ends_the_waiting_and_changes_nothing_else() -> None:
    story = notifiable(london("2026-03-13"))
    (late,) = story.hear(submission(london("2026-03-24")), london("2026-03-24"))
    explained = only(story.hear(explanation(), london("2026-03-25")), "deadline.met")
    assert explained.corrects == late.id
    assert explained.working_days_late == late.data.working_days_late == 2
    assert not explained.awaiting_reason
    assert story.now.awaiting_reason == frozenset()


def test_a_late_submission_with_its_reason_awaits_none() -> None:
    story = notifiable(london("2026-03-13"))
    met = only(story.hear(submission(london("2026-03-24"), delay_reason=REASON), london("2026-03-24")), "deadline.met")
    assert not met.awaiting_reason


def test_a_miss_is_told_at_midnight_and_corrected_by_an_earlier_portal_time() -> None:
    story = notifiable(london("2026-03-10"))
    (missed, *_) = story.tick(london("2026-03-18", "00:00"))
    assert said([missed]) == ["deadline.missed T01"]
    assert missed.time == london("2026-03-18", "00:00")
    assert missed.data.working_days_late == 1
    facts = story.hear(submission(london("2026-03-17", "16:00")), london("2026-03-19"))
    met = only(facts, "deadline.met")
    assert (met.in_time, met.corrects) == (True, missed.id)
    assert story.state() == "met_in_time"


def test_a_late_submission_confirms_its_miss_and_corrects_nothing() -> None:
    story = notifiable(london("2026-03-10"))
    story.tick(london("2026-03-18", "00:00"))
    met = only(story.hear(submission(london("2026-03-19")), london("2026-03-19")), "deadline.met")
    assert (met.in_time, met.working_days_late, met.corrects) == (False, 2, None)


def test_a_corrected_portal_time_is_judged_again() -> None:
    story = notifiable(london("2026-03-10"))
    (late,) = story.hear(submission(london("2026-03-18")), london("2026-03-18"))
    met = only(story.hear(submission(london("2026-03-17")), london("2026-03-19")), "deadline.met")
    assert (met.in_time, met.corrects) == (True, late.id)


def test_corrected_awareness_judges_a_met_clock_again() -> None:
    story = notifiable(london("2026-03-10"))
    (met,) = story.hear(submission(london("2026-03-17")), london("2026-03-17"))
    facts = story.propose(corrected(london("2026-03-06")), london("2026-03-18"))
    again = only(facts, "deadline.met")
    assert (again.in_time, again.working_days_late, again.awaiting_reason) == (False, 2, True)
    assert again.corrects == met.id
    assert [entry.at for entry in story.now.awareness] == [
        london("2026-03-10"),
        london("2026-03-10"),
        london("2026-03-06"),
    ]


def test_corrected_awareness_takes_back_a_miss_that_was_none() -> None:
    story = notifiable(london("2026-03-10"))
    story.tick(london("2026-03-18", "00:00"))
    facts = story.propose(corrected(london("2026-03-12")), london("2026-03-18"))
    assert only(facts, "deadline.recomputed").because == "awareness"
    assert story.due() == date(2026, 3, 19)
    assert story.state() == "open"


def test_a_referral_that_comes_too_late_is_taken_and_missed_at_the_next_tick() -> None:
    story = referred(london("2026-03-20"), authority_told_at=london("2026-03-02"))
    assert only(story.facts, "deadline.set").late_as_set
    facts = story.tick(london("2026-03-20", "10:01"))
    missed = only(facts, "deadline.missed")
    assert missed.provisional
    assert (missed.due, missed.working_days_late) == (date(2026, 3, 9), 9)


def test_an_untriaged_referral_is_itself_overdue_after_one_working_day() -> None:
    story = referred(london("2026-03-13"))
    assert story.due("T05") == date(2026, 3, 16)
    assert said(story.tick(london("2026-03-17", "00:00"))) == ["deadline.missed T05"]


def test_outside_the_known_calendar_it_is_taken_and_marked_uncomputed() -> None:
    story = notifiable(london("2028-12-27"))
    assert only(story.facts, "deadline.set").uncomputed
    assert story.state() == "uncomputed"
    assert story.tick(london("2029-03-01")) == []


def test_a_calendar_that_goes_further_computes_what_was_uncomputed() -> None:
    story = notifiable(london("2028-12-27"))
    known = story.calendar
    new_year = {**known.days_off, date(2029, 1, 1): "New Year's Day"}
    story.calendar = type(known)("england-and-wales/next", known.first, date(2029, 12, 31), new_year)
    facts = story.tick(london("2028-12-28"))
    assert reckoning(facts).due == date(2029, 1, 4)
    assert only(facts, "deadline.recomputed").because == "calendar"
    assert story.state() == "open"


def test_what_was_met_outside_the_calendar_is_judged_once_a_calendar_covers_it() -> None:
    story = notifiable(london("2028-12-27"))
    met = only(story.hear(submission(london("2029-01-05")), london("2029-01-05")), "deadline.met")
    assert (met.due, met.in_time, met.awaiting_reason) == (None, False, False)
    known = story.calendar
    new_year = {**known.days_off, date(2029, 1, 1): "New Year's Day"}
    story.calendar = type(known)("england-and-wales/next", known.first, date(2029, 12, 31), new_year)
    judged = only(story.tick(london("2029-01-06")), "deadline.met")
    assert (judged.due, judged.in_time, judged.working_days_late) == (date(2029, 1, 4), False, 1)


def test_a_proclaimed_day_recomputes_open_clocks_and_leaves_closed_ones() -> None:
    running, closed = notifiable(london("2022-09-14")), notifiable(london("2022-09-07"))
    closed.hear(submission(london("2022-09-14")), london("2022-09-14"))
    days = dict(running.calendar.days_off)
    del days[date(2022, 9, 19)]
    unproclaimed = type(running.calendar)("before", running.calendar.first, running.calendar.last, days)
    story = Story(calendar=unproclaimed)
    story.refer(london("2022-09-14"))
    assert story.due() == date(2022, 9, 21)
    story.calendar = unproclaimed.with_day(date(2022, 9, 19), "State Funeral of Queen Elizabeth II", "after")
    closed.calendar = story.calendar
    facts = story.tick(london("2022-09-15"))
    assert {f.data.because for f in facts if f.name == "deadline.recomputed"} == {"calendar"}
    assert story.due() == date(2022, 9, 22)
    assert not [f for f in closed.tick(london("2022-09-15")) if f.data.clock == "T01"]


def test_aware_before_the_incident_and_in_the_future_are_refused_together_by_pointer() -> None:
    story = referred(london("2026-03-10"), occurrence={"date_from": date(2026, 3, 9)})
    with pytest.raises(Refused) as refused:
        story.propose(decision(london("2026-03-08"), Ground.S16C_B), london("2026-03-10", "12:00"))
    assert {(f.pointer, f.rule, f.allowed) for f in refused.value.faults} == {
        ("/data/becameAwareAt", "aware-before-incident", ("from 2026-03-09",)),
        ("/data/grounds", "ground-impossible", ("S16C_A", "LAC_DEATH", "CARE_LEAVER_DEATH")),
        ("/data/reasons", "grounds-need-reasons", ("S16C_A",)),
    }
    with pytest.raises(Refused) as refused:
        story.propose(decision(london("2026-03-12")), london("2026-03-10", "12:00"))
    assert "in-the-future" in {f.rule for f in refused.value.faults}


def test_every_fault_of_a_referral_is_told_at_once() -> None:
    with pytest.raises(Refused) as refused:
        Story().refer(
            london("2026-03-10"),
            age=24,
            child={"looked_after": True},
            occurrence={"date_from": date(2026, 3, 11), "date_to": date(2026, 3, 12)},
            authority_told_at=london("2026-03-10", "12:00"),
            suspected_suicide=True,
        )
    assert {f.pointer for f in refused.value.faults} == {
        "/data/authorityToldAt",
        "/data/occurrence/dateFrom",
        "/data/occurrence/dateTo",
        "/data/suspectedSuicide",
        "/data/children/0/ageAtIncident",
        "/data/children/0/lookedAfter",
    }


def test_a_looked_after_childs_death_without_suspected_abuse_goes_to_the_department_and_ofsted() -> None:
    story = notifiable(
        london("2026-03-10"),
        Ground.LAC_DEATH,
        nature=DEATH,
        abuse_or_neglect=NOT_KNOWN,
        child={"looked_after": True},
    )
    assert story.state("T03") == "open"
    assert story.state("T01") == "cancelled"
    assert story.now.clocks["T01"].cancelled_because == "not_needed"
    assert story.state("T02:northbank-icb") == "open"
    story.hear(submission(london("2026-03-12"), Ground.LAC_DEATH), london("2026-03-12"))
    assert story.state("T03") == "met_in_time"
    assert story.state("T01") == "cancelled"


def test_a_looked_after_child_killed_by_abuse_has_both_clocks() -> None:
    story = notifiable(
        london("2026-03-10"),
        Ground.S16C_A,
        Ground.LAC_DEATH,
        nature=DEATH,
        abuse_or_neglect=SUSPECTED,
        child={"looked_after": True},
    )
    assert {story.state("T01"), story.state("T03")} == {"open"}
    story.hear(submission(london("2026-03-12"), Ground.S16C_A, Ground.LAC_DEATH), london("2026-03-12"))
    assert {story.state("T01"), story.state("T03")} == {"met_in_time"}


def test_a_care_leavers_death_has_t04_and_tells_no_partner_by_default() -> None:
    story = notifiable(
        london("2026-03-10"),
        Ground.CARE_LEAVER_DEATH,
        nature=DEATH,
        abuse_or_neglect=NOT_KNOWN,
        age=24,
        child={"care_leaver": True},
    )
    assert story.state("T04") == "open"
    assert not [key for key in story.now.clocks if key.startswith("T02")]


def test_grounds_other_than_the_referral_calls_for_need_reasons_and_say_which_would_fit() -> None:
    story = referred(london("2026-03-10"), nature=DEATH, child={"looked_after": True})
    with pytest.raises(Refused) as refused:
        story.propose(decision(london("2026-03-10"), Ground.S16C_A), london("2026-03-10", "12:00"))
    (fault,) = refused.value.faults
    assert (fault.pointer, fault.rule) == ("/data/reasons", "grounds-need-reasons")
    assert set(fault.allowed) == {"S16C_A", "LAC_DEATH"}
