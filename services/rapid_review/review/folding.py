"""A rapid review from its facts."""

from collections.abc import Mapping
from dataclasses import replace

from contracts.deadlines import OfDeadline
from contracts.envelope import AnyEvent
from contracts.review_codes import PanelView
from contracts.reviews import (
    Addressed,
    GapsRecorded,
    InformationAcknowledged,
    InformationChased,
    InformationContributed,
    InformationRequested,
    InformationReturned,
    MeetingHeld,
    PanelAnswered,
    ReturnAccepted,
    ReturnQueried,
    ReviewCancelled,
    ReviewClosed,
    ReviewDrafted,
    ReviewOpened,
    ReviewPlanned,
    ReviewSignedOff,
    ReviewSubmitted,
    ViewRecorded,
)
from services.rapid_review.review.returning import content_of, outside
from services.rapid_review.review.state import Answer, Draft, Meeting, Request, Return, Review, Status, Submission
from shared.deadlines import awaiting_after, clock_after, judged_after

GATHERING = frozenset(
    {Status.OPEN, Status.INFORMATION_REQUESTED, Status.INFORMATION_PARTIAL, Status.INFORMATION_COMPLETE}
)

Answering = (
    InformationAcknowledged
    | InformationContributed
    | InformationReturned
    | InformationChased
    | ReturnAccepted
    | ReturnQueried
)
"""What is said of one request."""


def evolve(state: Review, fact: AnyEvent) -> Review:
    """The review after one more of its facts."""
    match fact.data:
        case ReviewOpened(rule=rule, portal_time=at, plan=plan):
            return replace(state, rule=rule, portal_time=at, plan=plan, cancelled=None, closed=None)
        case ReviewCancelled(because=because):
            return replace(state, cancelled=because)
        case ReviewPlanned(plan=plan):
            return replace(state, plan=plan)
        case Addressed() as data:
            return _gathered(replace(state, requests=_requests(state, fact, data)))
        case GapsRecorded(missing=missing):
            return _gathered(replace(state, gaps=state.gaps | {each.agency for each in missing}))
        case MeetingHeld(held_at=at, quorate=quorate):
            others = tuple(meeting for meeting in state.meetings if meeting.held_at != at)
            held = quorate and state.stage in GATHERING
            stage = Status.MEETING_HELD if held else state.stage
            return replace(state, meetings=(*others, Meeting(at, quorate)), stage=stage)
        case ReviewDrafted(version=version):
            draft = Draft(version or len(state.drafts) + 1, fact.id)
            return replace(state, drafts=(*state.drafts, draft), stage=Status.DRAFTED)
        case ViewRecorded() | ReviewSignedOff():
            return _viewed(state, fact.data)
        case ReviewSubmitted() as submitted:
            return _submitted(state, submitted)
        case PanelAnswered(view=view):
            return _answered(state, view)
        case ReviewClosed(why=why):
            return replace(state, closed=why)
        case OfDeadline() as data:
            return _timed(state, fact, data)
        case _:
            return state


def _requests(state: Review, fact: AnyEvent, data: Addressed) -> Mapping[str, Request]:
    at = fact.recordedtime or fact.time
    if isinstance(data, InformationRequested):
        assert data.request is not None
        assert data.due is not None
        new = Request(
            id=data.request,
            agency=data.agency,
            due=data.due,
            scope_from=data.scope_from,
            scope_to=data.scope_to,
            subjects=data.subjects,
            asked_at=at,
            open_since=at,
        )
        return {**state.requests, new.id: new}
    assert isinstance(data, Answering)
    found = state.requests[data.request]
    return {**state.requests, found.id: _after(found, fact, data)}


def _after(found: Request, fact: AnyEvent, data: Answering) -> Request:
    match data:
        case InformationAcknowledged():
            return replace(found, status=Answer.ACKNOWLEDGED) if found.status is Answer.REQUESTED else found
        case InformationContributed():
            return replace(found, contributed={**found.contributed, fact.id: content_of(data)})
        case InformationReturned():
            return _returned(found, fact, data)
        case ReturnAccepted(version=version):
            return replace(found, status=Answer.ACCEPTED, accepted=version)
        case ReturnQueried(due=due):
            at = fact.recordedtime or fact.time
            return replace(found, status=Answer.QUERIED, due=due or found.due, open_since=at, chased=frozenset())
        case InformationChased(level=level):
            return replace(found, chased=found.chased | {level})
        case _:
            return found


def _returned(found: Request, fact: AnyEvent, data: InformationReturned) -> Request:
    contributed = {} if data.replaces_contributions else found.contributed
    version = Return(
        version=data.version or len(found.returns) + 1,
        fact=fact.id,
        at=fact.recordedtime or fact.time,
        content=content_of(data),
        nil=data.nil,
        late=data.late,
        after_meeting=data.after_meeting,
        outside_scope=outside(data.entries),
        parts=tuple(contributed),
    )
    status = Answer.NIL if data.nil else Answer.RETURNED
    return replace(found, status=status, returns=(*found.returns, version), contributed=contributed)


def _gathered(state: Review) -> Review:
    """How far the gathering is; from the meeting on, an answer moves nothing."""
    if state.stage not in GATHERING or not state.requests:
        return state
    owing = {request.agency for request in state.owing}
    if not owing:
        return replace(state, stage=Status.INFORMATION_COMPLETE)
    partial = owing <= state.gaps
    return replace(state, stage=Status.INFORMATION_PARTIAL if partial else Status.INFORMATION_REQUESTED)


def _viewed(state: Review, data: ViewRecorded | ReviewSignedOff) -> Review:
    drafts = {draft.number: draft for draft in state.drafts}
    draft = drafts[data.version]
    if isinstance(data, ViewRecorded):
        assert data.partner is not None
        viewed = replace(draft, views={**draft.views, data.partner: data.view})
    else:
        viewed = replace(draft, signed_off=True)
    signed = viewed.signed_off and state.stage is Status.DRAFTED
    stage = Status.SIGNED_OFF if signed and viewed.number == max(drafts) else state.stage
    return replace(state, drafts=tuple({**drafts, viewed.number: viewed}.values()), stage=stage)


def _submitted(state: Review, data: ReviewSubmitted) -> Review:
    if state.corrects_submission:
        *before, last = state.submissions
        explained = last.explained or data.late_reason is not None
        return replace(state, submissions=(*before, replace(last, at=data.submitted_at, explained=explained)))
    new = Submission(data.submitted_at, data.version, explained=data.late_reason is not None)
    return replace(state, submissions=(*state.submissions, new), stage=Status.SUBMITTED)


def _answered(state: Review, view: PanelView) -> Review:
    *before, last = state.submissions
    stage = Status.DRAFTED if view is PanelView.QUERIES else Status.PANEL_RESPONDED
    return replace(state, submissions=(*before, replace(last, answer=view)), stage=stage)


def _timed(state: Review, fact: AnyEvent, data: OfDeadline) -> Review:
    """A review's clock that no calendar reaches runs from what its facts tell: the submission, or the portal's time."""
    start = state.submission.at if data.rule == "T08" and state.submission else state.portal_time
    after = clock_after(state.clocks.get(data.clock), fact, data, start or fact.time)
    if after is None:
        return state
    return replace(
        state,
        clocks={**state.clocks, data.clock: after},
        judged=judged_after(state.judged, fact, data),
        awaiting_reason=awaiting_after(state.awaiting_reason, data),
    )
