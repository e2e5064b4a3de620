"""Each agency is asked, answers, and loses nothing; bad input gets its clear reply (DOMAIN 3.2, 4)."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from contracts.codes import Role
from contracts.directory import directory_from
from contracts.identifiers import mint, mint_reference
from contracts.local_rules import RulesAdopted
from contracts.review_codes import Task
from contracts.reviews import (
    GapsRecorded,
    InformationAcknowledged,
    InformationContributed,
    InformationRequested,
    LearningNoted,
    MissingAgency,
    PlannedTask,
    ReturnAccepted,
    ReturnQueried,
    ReviewClosed,
    ReviewPlanned,
)
from contracts.sealing import Model
from services.rapid_review.letters import letters
from services.rapid_review.review import Answer, Status
from shared.decider import Refused, Waiting
from tests.unit.review_stories import (
    COUNCIL,
    ICB,
    SCHOOL,
    WORDS,
    Story,
    answer,
    begun,
    entry,
    event,
    linked,
    london,
    meeting,
    of_system,
    question,
    referral,
    said,
    submission,
    withdrawal,
)

SENT = london("2026-03-10")
SOON = london("2026-03-11")


def refused(story: Story, data: Model, at: Any = SOON, **attributes: Any) -> dict[str, tuple[str, ...]]:
    """What a proposal is refused for, each with what is allowed; and that nothing changed."""
    before = story.review
    with pytest.raises(Refused) as why:
        story.propose(data, at, **attributes)
    assert story.review == before
    return {fault.rule: fault.allowed for fault in why.value.faults}


def how_far(story: Story) -> Status | None:
    return story.review.status


def asked(agency: str = SCHOOL) -> tuple[Story, str]:
    story = begun(SENT)
    return story, story.ask(agency, SOON)


def test_a_request_gets_an_id_and_the_plans_day_and_asking_again_gets_the_same_id() -> None:
    story = begun(SENT)
    (fact,) = story.propose(question(SCHOOL), SOON, id="proposal-1")
    assert fact.data.due == date(2026, 3, 24)
    assert story.review.status is Status.INFORMATION_REQUESTED
    again = begun(SENT, subject=story.subject)
    assert again.propose(question(SCHOOL), SOON, id="proposal-1")[0].data.request == fact.data.request
    assert again.ask(ICB, SOON) != fact.data.request


def test_without_a_day_for_returns_in_the_plan_the_reviews_own_due_day_is_taken() -> None:
    story = begun(SENT, local=RulesAdopted(plan=(PlannedTask(task=Task.SUBMIT, day=15),)))
    assert story.propose(question(SCHOOL), SOON)[0].data.due == date(2026, 3, 31)


def test_a_request_is_refused_for_whom_it_cannot_reach_and_about_whom_it_is_not() -> None:
    story = begun(SENT)
    assert "not-listed" in refused(story, question("nobody-here"))
    assert "not-of-this-incident" in refused(story, question(SCHOOL, subjects=(mint("subject"),)))
    assert "due-in-the-past" in refused(story, question(SCHOOL, due=date(2026, 3, 10)))
    assert "due-in-the-past" in refused(story, question(SCHOOL), london("2026-03-25"))
    elsewhere = {"agency": "southbank-council"}
    assert refused(story, question(SCHOOL), **elsewhere) == {"not-the-host": (COUNCIL,)}


def test_an_agency_that_still_owes_an_answer_can_be_asked_more_and_the_unit_is_told() -> None:
    story, _ = asked()
    story.propose(question(SCHOOL), SOON)
    assert story.marks == {"asked_already"}


@pytest.mark.parametrize(
    "by",
    [
        of_system(SCHOOL),
        {"agency": SCHOOL, "actor": "northbank-school-lead", "actorrole": "lead"},
        {"agency": COUNCIL, "actor": "northbank-unit", "actorrole": Role.BUSINESS_UNIT.value},
    ],
    ids=["system", "lead", "keyed in"],
)
def test_an_agency_answers_by_its_system_by_its_lead_or_through_the_unit(by: dict[str, Any]) -> None:
    story, request = asked()
    assert said(story.propose(InformationAcknowledged(agency=SCHOOL, request=request), SOON, **by)) == [
        "information.acknowledged"
    ]
    (fact,) = story.propose(answer(SCHOOL, request), SOON, **by)
    assert (fact.data.version, fact.data.late, fact.data.after_meeting) == (1, False, False)
    assert story.review.requests[request].status is Answer.RETURNED
    assert story.review.status is Status.INFORMATION_COMPLETE


@pytest.mark.parametrize(
    "by",
    [
        of_system(ICB),
        {"agency": COUNCIL, "actor": "northbank-lead", "actorrole": "lead"},
        {"agency": ICB, "actor": "northbank-icb-unit", "actorrole": "business_unit"},
    ],
)
def test_to_anybody_else_there_is_no_such_request(by: dict[str, Any]) -> None:
    story, request = asked()
    parts = InformationContributed(agency=SCHOOL, request=request, entries=(entry(),))
    for data in (answer(SCHOOL, request), parts, InformationAcknowledged(agency=SCHOOL, request=request)):
        assert refused(story, data, **by) == {"absent": ()}


def test_an_answer_to_another_agencys_request_is_to_none() -> None:
    story, request = asked()
    other = story.ask(ICB, SOON)
    assert refused(story, answer(ICB, request), **of_system(ICB)) == {"absent": ()}
    assert refused(story, answer(SCHOOL, "request-" + "0" * 32), **of_system(SCHOOL)) == {"absent": ()}
    assert refused(story, answer(SCHOOL, other)) == {"absent": ()}


def test_the_same_answer_twice_has_one_effect_and_another_is_a_further_version() -> None:
    story, request = asked()
    told = answer(SCHOOL, request)
    story.propose(told, SOON)
    assert story.propose(told, SOON) == []
    assert story.propose(answer(SCHOOL, request, analysis=mint_reference()), SOON)[0].data.version == 2
    assert story.propose(told, SOON)[0].data.version == 3
    assert [each.version for each in story.review.requests[request].returns] == [1, 2, 3]


def test_after_its_due_day_it_is_late_and_not_before_midnight() -> None:
    story, request = asked()
    other = story.ask(ICB, SOON)
    assert not story.propose(answer(SCHOOL, request), london("2026-03-24", "23:59"))[0].data.late
    (fact,) = story.propose(answer(ICB, other), london("2026-03-25", "00:00"))
    assert (fact.data.late, fact.data.after_meeting, story.marks) == (True, False, {"late"})


def test_the_due_day_ends_at_midnight_in_london_in_summer_too() -> None:
    story = begun(SENT)
    request = story.ask(SCHOOL, SOON, due=date(2026, 4, 10))
    assert story.propose(answer(SCHOOL, request), london("2026-04-11", "00:10"))[0].data.late  # still the 10th in UTC


def test_after_the_meeting_it_is_taken_and_marked_so_and_late() -> None:
    story, request = asked()
    story.propose(meeting(london("2026-03-20")), london("2026-03-20", "12:00"))
    (fact,) = story.propose(answer(SCHOOL, request), london("2026-03-23"))
    assert (fact.data.late, fact.data.after_meeting, story.marks) == (True, True, {"late", "after_meeting"})
    assert story.review.status is Status.MEETING_HELD


def test_a_meeting_without_its_quorum_makes_no_answer_late() -> None:
    story, request = asked()
    story.propose(meeting(london("2026-03-20"), COUNCIL), london("2026-03-20", "12:00"))
    assert not story.propose(answer(SCHOOL, request), london("2026-03-23"))[0].data.late


def test_entries_outside_the_scope_period_are_kept_and_flagged() -> None:
    story, request = asked()
    days = ("2023-12-31", "2024-01-01", "2026-03-10", "2026-03-11")
    told = answer(SCHOOL, request, entries=tuple(entry(day, outside_scope=True) for day in days))
    (fact,) = story.propose(told, SOON)
    assert [each.outside_scope for each in fact.data.entries] == [True, False, False, True]
    assert story.marks == {"outside_scope"}


def test_parts_count_with_the_answer_until_it_replaces_them() -> None:
    story, request = asked()
    part = InformationContributed(agency=SCHOOL, request=request, entries=(entry("2025-01-02"),))
    (first,) = story.propose(part, SOON)
    assert story.propose(part, SOON) == []
    story.propose(answer(SCHOOL, request, entries=(), analysis=WORDS), SOON)
    assert story.review.requests[request].returns[0].parts == (first.id,)
    story.propose(answer(SCHOOL, request, replaces_contributions=True), SOON)
    assert story.review.requests[request].returns[1].parts == ()


def test_a_nil_return_answers_and_contradicts_nothing_that_was_sent() -> None:
    story, request = asked()
    story.propose(InformationContributed(agency=SCHOOL, request=request, entries=(entry(),)), SOON)
    assert "contributed-already" in refused(story, answer(SCHOOL, request, nil=True))
    story.propose(answer(SCHOOL, request, nil=True, replaces_contributions=True), SOON)
    assert story.review.requests[request].status is Answer.NIL


def test_a_return_that_holds_nothing_and_is_not_nil_is_refused() -> None:
    story, request = asked()
    assert "empty-return" in refused(story, answer(SCHOOL, request, entries=()))


def test_one_that_no_senior_has_signed_off_is_taken_and_marked() -> None:
    story, request = asked()
    story.propose(answer(SCHOOL, request, signed_off=False), SOON)
    assert story.marks == {"not_signed_off"}


def test_a_query_opens_the_request_again_and_even_the_same_answer_is_then_one() -> None:
    story, request = asked()
    told = answer(SCHOOL, request)
    story.propose(told, SOON)
    (fact,) = story.propose(ReturnQueried(agency=SCHOOL, request=request, version=1, reason=WORDS), SOON)
    assert fact.data.due == date(2026, 3, 24)
    assert story.review.status is Status.INFORMATION_REQUESTED
    assert story.propose(told, SOON)[0].data.version == 2
    assert story.review.requests[request].status is Answer.RETURNED


def test_a_query_after_the_due_day_gives_at_least_the_next_working_day() -> None:
    story, request = asked()
    story.propose(answer(SCHOOL, request), SOON)
    thursday_before_easter = london("2026-04-02")
    query = ReturnQueried(agency=SCHOOL, request=request, version=1, reason=WORDS)
    assert story.propose(query, thursday_before_easter)[0].data.due == date(2026, 4, 7)
    past = query.model_copy(update={"due": date(2026, 4, 1)})
    assert "due-in-the-past" in refused(story, past, thursday_before_easter)


def test_the_newest_version_alone_is_accepted_or_queried_and_a_return_after_that_is_a_further_version() -> None:
    story, request = asked()
    accept = ReturnAccepted(agency=SCHOOL, request=request, version=1)
    assert "nothing-returned" in refused(story, accept)
    story.propose(answer(SCHOOL, request), SOON)
    assert said(story.propose(accept, SOON)) == ["return.accepted"]
    assert story.propose(accept, SOON) == []
    story.propose(answer(SCHOOL, request, gaps=WORDS), SOON)
    assert story.review.requests[request].accepted == 1
    assert refused(story, accept) == {"not-the-newest": ("2",)}
    assert refused(story, accept, agency=SCHOOL, actorrole="business_unit") == {"not-the-host": (COUNCIL,)}


def test_an_agency_that_is_shut_out_is_not_asked_and_no_letter_tells_it_of_the_incident() -> None:
    story, _ = asked()
    known = directory_from(Path("infra/demo/agencies.toml").read_text())
    told = InformationRequested(**question("northshire-police").model_dump() | {"due": date(2026, 3, 24)})
    fact = event(told.model_copy(update={"request": f"request-{'a' * 32}"}), SOON, story.subject)
    assert list(letters(fact, story.case, known))
    assert not list(letters(fact, story.case, known, {"northshire-police"}))
    story.shut_out = frozenset({SCHOOL})
    assert refused(story, question(SCHOOL)) == {"shut-out": ()}
    assert refused(story, question(SCHOOL), agency=ICB) == {"not-the-host": (COUNCIL,)}


def test_a_part_behind_the_return_is_kept_and_its_sender_told_that_it_counts_with_the_next() -> None:
    story, request = asked()
    part = InformationContributed(agency=SCHOOL, request=request, entries=(entry(),))
    story.propose(part, SOON, **of_system(SCHOOL))
    assert story.marks == set()
    story.propose(answer(SCHOOL, request), SOON, **of_system(SCHOOL))
    (fact,) = story.propose(part.model_copy(update={"entries": (entry("2025-07-01"),)}), SOON, **of_system(SCHOOL))
    assert story.marks == {"counts_with_the_next_return"}
    story.propose(answer(SCHOOL, request, gaps=WORDS), SOON, **of_system(SCHOOL))
    latest = story.review.requests[request].latest
    assert latest is not None
    assert fact.id in latest.parts


def test_an_answer_that_was_queried_after_all_can_be_accepted_again_and_nobody_is_chased() -> None:
    story, request = asked()
    accept = ReturnAccepted(agency=SCHOOL, request=request, version=1)
    story.propose(answer(SCHOOL, request), SOON)
    story.propose(accept, SOON)
    story.propose(ReturnQueried(agency=SCHOOL, request=request, version=1, reason=WORDS), SOON)
    assert how_far(story) is Status.INFORMATION_REQUESTED
    assert said(story.propose(accept, SOON)) == ["return.accepted"]
    assert story.review.requests[request].status is Answer.ACCEPTED
    assert how_far(story) is Status.INFORMATION_COMPLETE


def test_the_review_goes_on_with_recorded_gaps_of_agencies_that_owe_an_answer() -> None:
    story, request = asked()
    other = story.ask(ICB, SOON)
    story.propose(answer(ICB, other), SOON)
    missing = GapsRecorded(missing=(MissingAgency(agency=SCHOOL, reason=WORDS),))
    answered = GapsRecorded(missing=(MissingAgency(agency=ICB, reason=WORDS),))
    assert refused(story, answered) == {"owes-nothing": (SCHOOL,)}
    story.propose(missing, SOON)
    assert how_far(story) is Status.INFORMATION_PARTIAL
    story.propose(answer(SCHOOL, request), SOON)
    assert story.review.status is Status.INFORMATION_COMPLETE


def test_what_has_happened_is_taken_in_a_cancelled_review_and_nothing_new_is_asked() -> None:
    story, request = asked()
    story.hear(withdrawal(SOON), SOON)
    assert said(story.propose(answer(SCHOOL, request), SOON)) == ["information.returned"]
    assert "cancelled" in refused(story, question(SCHOOL))
    story.propose(ReviewClosed(why="cancelled"), SOON)
    assert said(story.propose(answer(SCHOOL, request, gaps=WORDS), SOON)) == ["information.returned"]
    assert "closed" in refused(story, question(SCHOOL))


def test_the_plan_of_a_review_is_dated_by_its_own_day_0_and_marked_if_it_sends_too_late() -> None:
    story = begun(SENT)
    (fact,) = story.propose(
        ReviewPlanned(plan=(PlannedTask(task=Task.RETURNS_DUE, day=5, due=date(2020, 1, 1)),)), SOON
    )
    assert fact.data.plan[0].due == date(2026, 3, 17)
    assert story.marks == set()
    story.propose(ReviewPlanned(plan=(PlannedTask(task=Task.SUBMIT, day=16),)), SOON)
    assert story.marks == {"sent_too_late"}


def test_learning_is_noted_at_once_in_any_state() -> None:
    story, _ = asked()
    story.hear(withdrawal(SOON), SOON)
    noted = LearningNoted(category="changed", statement=WORDS)
    assert said(story.propose(noted, SOON, agency=ICB, actorrole="partner")) == ["learning.noted"]


def test_before_it_is_open_a_proposal_waits_and_where_no_review_follows_it_is_refused() -> None:
    story = Story()
    with pytest.raises(Waiting, match="notification"):
        story.propose(question(SCHOOL), SOON)
    story.hear(submission(SENT), SENT)
    with pytest.raises(Waiting, match="referral"):
        story.propose(question(SCHOOL), SOON)
    story.hear(referral(), SENT)
    assert story.ask(SCHOOL, SOON)
    twin = Story()
    twin.hear(linked(twin.subject), SENT)
    twin.hear(submission(SENT), SENT)
    assert "linked" in refused(twin, question(SCHOOL))
    gone = Story()
    gone.hear(withdrawal(SENT), SENT)
    assert "no-review" in refused(gone, question(SCHOOL))
