"""What a review waits for, of whom, and by when. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from contracts.review_codes import Partner, Task
from services.rapid_review.practice_review import PracticeReview
from services.rapid_review.practice_review import Status as Stage
from services.rapid_review.review import Review, Status
from services.rapid_review.review.state import Request
from shared.london import london_date


@dataclass(frozen=True)
class Wait:
    """One thing that waits for somebody; `due` is the day by which it should be done, where one is known."""

    what: str
    due: date | None = None
    overdue: bool = False
    agency: str | None = None
    request: str | None = None
    partner: Partner | None = None


_NEXT = {
    Status.INFORMATION_COMPLETE: ("hold_meeting", Task.CASE_GROUP),
    Status.INFORMATION_PARTIAL: ("hold_meeting", Task.CASE_GROUP),
    Status.MEETING_HELD: ("draft_report", Task.SIGN_OFF),
    Status.SIGNED_OFF: ("submit", Task.SUBMIT),
}
_IN_PRACTICE = {
    Stage.COMMISSIONED: "record_scope",
    Stage.SCOPED: "appoint_reviewer",
    Stage.IN_REVIEW: "draft_report",
    Stage.DRAFT_REPORT: "agree_response",
    Stage.RESPONSE_AGREED: "check_redaction",
    Stage.REDACTION_CHECKED: "deliver_advance_copies",
    Stage.ADVANCE_COPIES_SENT: "publish",
}


def of_review(state: Review, now: datetime) -> Iterator[Wait]:
    """What a rapid review waits for now; nothing for one that is closed or cancelled."""
    if not state.under_way:
        return
    for request in state.owing:
        yield of_request(request, now)
    match state.status:
        case Status.OPEN:
            yield _planned("ask_agencies", state, Task.REQUESTS_OUT, now)
        case Status.DRAFTED if state.draft is not None:
            for partner in Partner:
                if partner not in state.draft.views:
                    due = state.planned(Task.SIGN_OFF)
                    yield Wait("record_view", due, _passed(due, now), partner=partner)
        case Status.SUBMITTED:
            due = state.clocks["T08"].due if "T08" in state.clocks else None
            yield Wait("panel_reply", due, _passed(due, now))
        case Status.PANEL_RESPONDED:
            yield Wait("close")
        case status if status in _NEXT:
            yield _planned(_NEXT[status][0], state, _NEXT[status][1], now)
        case _:
            pass
    if state.clock is not None and not state.clock.done and state.status is not Status.SIGNED_OFF:
        yield Wait("submit", state.clock.due, _passed(state.clock.due, now))


def of_request(request: Request, now: datetime) -> Wait:
    """An answer that is awaited."""
    return Wait("answer", request.due, _passed(request.due, now), request.agency, request.id)


def of_practice_review(state: PracticeReview, now: datetime) -> Iterator[Wait]:
    """What a practice review waits for now."""
    if state.commission is None and not state.decisions:
        return
    if state.commission is None:
        for partner in Partner:
            if partner not in state.decisions:
                yield Wait("decide_to_initiate", partner=partner)
    elif state.running and state.status is not None:
        yield Wait(_IN_PRACTICE[state.status])
        yield Wait("publish_in_time", state.due, _passed(state.due, now))


def _planned(what: str, state: Review, task: Task, now: datetime) -> Wait:
    due = state.planned(task)
    return Wait(what, due, _passed(due, now))


def _passed(due: date | None, now: datetime) -> bool:
    return due is not None and london_date(now) > due
