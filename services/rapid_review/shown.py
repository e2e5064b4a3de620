"""How a review stands, as a caller is shown it: codes, dates and counts, each where the fact that says it is visible.

No words here, and no references: those are `/detail`. Pure.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any

from contracts.ceilings import Fields
from contracts.envelope import AnyEvent
from contracts.practice_reviews import PracticeReviewDrafted, PracticeReviewPublished, RedactionScanned
from contracts.reviews import InformationReturned, ReviewDrafted
from services.rapid_review import waits
from services.rapid_review.access import Looker
from services.rapid_review.practice_review import PracticeReview
from services.rapid_review.review import Review
from services.rapid_review.review.state import Request
from shared.deadlines import Deadline, Reckoning

STARTING = {"T06a": "notified", "T06b": "aware", "T08": "submitted", "T09": "decided"}
OF_REVIEW = ("review.opened", "review.drafted", "review.submitted", "information.requested")
OF_PRACTICE = ("practice-review.decided", "practice-review.commissioned", "practice-review.published")
"""Whoever may read one of these is told how the review stands, as far as each part of that goes."""

Facts = Sequence[tuple[AnyEvent, Fields]]


@dataclass(frozen=True)
class Sighted:
    """Both reviews of an incident, and the facts of them that exist for whoever looks."""

    looker: Looker
    review: Review
    practice: PracticeReview
    facts: Facts
    now: datetime

    def sees(self, name: str) -> bool:
        return self.looker.sees(name) is not None

    def requests(self) -> Iterator[tuple[Request, Fields]]:
        """The requests that exist for this party, each with the fields of it that it sees."""
        for fact, seen in self.facts:
            if fact.name == "information.requested" and fact.data.request in self.review.requests:
                yield self.review.requests[fact.data.request], seen


def standing(sighted: Sighted) -> dict[str, Any] | None:
    """How both reviews of an incident stand; None where nothing of either exists for whoever looks."""
    parts = {"review": _review(sighted), "practiceReview": _practice(sighted)}
    told = {name: part for name, part in parts.items() if part}
    if not told:
        return None
    case = sighted.looker.dossier.case
    documents = list(dict.fromkeys(_documents(sighted.facts)))
    return {"incident": case.incident, "partnership": case.partnership, "documents": documents} | told


def _documents(facts: Facts) -> Iterator[str]:
    """The documents that are told of, each to be fetched by its reference."""
    for fact, seen in facts:
        match fact.data:
            case PracticeReviewDrafted(report=report) if "report" in seen:
                yield report
            case InformationReturned(documents=documents) if "documents" in seen:
                yield from documents


def glance(sighted: Sighted) -> dict[str, Any] | None:
    """The same in a list: the states, and what waits, by when."""
    whole = standing(sighted)
    if whole is None:
        return None
    del whole["documents"]
    kept = ("status", "rule", "due", "waits", "publishedOn")
    for part in ("review", "practiceReview"):
        if part in whole:
            whole[part] = {name: value for name, value in whole[part].items() if name in kept}
    return whole


def request_shown(sighted: Sighted, request: str) -> dict[str, Any] | None:
    """How one request stands; None where it does not exist for whoever looks."""
    found = (_request(each, seen, sighted) for each, seen in sighted.requests() if each.id == request)
    return next(found, None)


def _review(sighted: Sighted) -> dict[str, Any] | None:
    state, told = sighted.review, dict[str, Any]()
    if state.rule is None:
        return None
    if sighted.sees("review.opened"):
        told |= _at_work(sighted)
    if asked := [_request(request, seen, sighted) for request, seen in sighted.requests()]:
        told["requests"] = asked
    if not sighted.sees("review.opened"):
        owing = {request.id: request for request, _ in sighted.requests() if not request.answered}
        told |= {"waits": [_wait(waits.of_request(each, sighted.now)) for each in owing.values()]} if asked else {}
    if sighted.sees("deadline.set"):
        told["clocks"] = [clock(each) for _, each in sorted(state.clocks.items())]
    if sighted.sees("review.drafted"):
        told["versions"] = list(_versions(sighted))
    if sighted.sees("review.submitted"):
        told["submissions"] = [
            {"at": each.at, "version": each.version, "panel": each.answer} for each in state.submissions
        ]
        told["closed"] = state.closed
    return told or None


def _at_work(sighted: Sighted) -> dict[str, Any]:
    state = sighted.review
    return {
        "status": state.status,
        "rule": state.rule,
        "portalTime": state.portal_time,
        "cancelled": state.cancelled,
        "due": state.clock.due if state.clock else None,
        "plan": [each.model_dump(mode="json", by_alias=True, exclude_none=True) for each in state.plan],
        "gaps": sorted(state.gaps),
        "meetings": [{"heldAt": each.held_at, "quorate": each.quorate} for each in state.meetings],
        "waits": [_wait(each) for each in waits.of_review(state, sighted.now) if _open_to(sighted, each)],
    }


def _open_to(sighted: Sighted, wait: waits.Wait) -> bool:
    """That another agency owes an answer is between it and the authority."""
    return wait.agency is None or sighted.looker.of_authority or wait.agency == sighted.looker.party.agency


def _wait(wait: waits.Wait) -> dict[str, Any]:
    return {name: value for name, value in asdict(wait).items() if value not in (None, False)}


def _request(request: Request, seen: Fields, sighted: Sighted) -> dict[str, Any]:
    latest = request.latest
    told = {
        "request": request.id,
        "agency": request.agency,
        "status": request.status,
        "due": request.due,
        "overdue": not request.answered and request.id in sighted.review.overdue(sighted.now),
        "askedAt": request.asked_at,
        "scopeFrom": request.scope_from,
        "scopeTo": request.scope_to,
        "subjects": list(request.subjects),
        "chased": sorted(request.chased),
        "contributions": len(request.contributed),
        "versions": [
            {
                "version": each.version,
                "at": each.at,
                "nil": each.nil,
                "late": each.late,
                "afterMeeting": each.after_meeting,
                "outsideScope": each.outside_scope,
            }
            for each in request.returns
        ],
        "accepted": request.accepted if latest else None,
    }
    own = frozenset({"scopeFrom", "scopeTo", "subjects"})
    return {name: value for name, value in told.items() if name not in own or name in seen}


def _versions(sighted: Sighted) -> Iterator[dict[str, Any]]:
    """Each version of the report: its decision in codes, and the partners' views of it."""
    views = sighted.sees("view.recorded")
    drafts = {each.number: each for each in sighted.review.drafts}
    for fact, _ in sighted.facts:
        if isinstance(fact.data, ReviewDrafted) and fact.data.version in drafts:
            draft = drafts[fact.data.version]
            told = {"outcome": fact.data.decision.outcome, "criteria": sorted(fact.data.decision.criteria)}
            shown = {"views": dict(draft.views), "dissenting": list(draft.dissenting)} if views else {}
            yield {"version": draft.number, "decision": told, "signedOff": draft.signed_off} | shown


def _practice(sighted: Sighted) -> dict[str, Any] | None:
    state, told = sighted.practice, dict[str, Any]()
    if sighted.sees("practice-review.scoped") and (state.decisions or state.commission):
        told |= {
            "status": state.status,
            "due": state.due,
            "decisions": {
                partner: {"basis": each.basis, "on": each.on}
                for partner, each in (state.decisions or state.agreed).items()
            },
            "paused": state.paused,
            "scale": state.scope.scale if state.scope else None,
            "reviewers": sorted(state.standing),
            "waits": [_wait(each) for each in waits.of_practice_review(state, sighted.now)],
        }
    if sighted.sees("practice-review.drafted") and state.draft is not None:
        told["draft"] = _draft(sighted)
    if sighted.sees("publication.planned") and state.plan is not None:
        told["planned"] = {"on": state.plan.on, "form": state.plan.form}
    if sighted.sees("deadline.set") and state.clocks:
        told["clocks"] = [clock(each) for _, each in sorted(state.clocks.items())]
    published = [fact.data for fact, _ in sighted.facts if isinstance(fact.data, PracticeReviewPublished)]
    if published:
        told |= {"publishedOn": published[-1].on, "form": published[-1].form, "address": published[-1].address}
        told |= {"availableUntil": published[-1].available_until, "unpublished": state.unpublished}
    return told or None


def _draft(sighted: Sighted) -> dict[str, Any]:
    draft = sighted.practice.draft
    assert draft is not None
    scans = [fact.data for fact, _ in sighted.facts if isinstance(fact.data, RedactionScanned)]
    found = [each.found for each in scans if each.version == draft.number]
    return {
        "version": draft.number,
        "responded": draft.responded,
        "scan": draft.scan,
        "found": {each.what: each.count for each in found[-1]} if found else {},
        "passedBy": draft.passed,
        "copies": dict(draft.copies),
    }


def clock(deadline: Deadline) -> dict[str, Any]:
    """One clock with its reckoning, day by day."""
    reckoning = deadline.reckoning
    starting = STARTING.get(deadline.rule.id, "from")
    return {
        "clock": deadline.key,
        "rule": deadline.rule.id,
        "edition": deadline.rule.edition,
        "state": deadline.state,
        "open": not deadline.done,
        "due": deadline.due,
        "lateFrom": reckoning.late_from if reckoning else None,
        "metAt": deadline.met_at,
        "workingDaysLate": deadline.working_days_late,
        "sentence": reckoning.sentence(starting) if reckoning else None,
        "days": list(_days(reckoning)) if reckoning else [],
    }


def _days(reckoning: Reckoning) -> Iterator[Mapping[str, Any]]:
    """Every day from day 0 to the due one: its number if it counts, else why it does not. None of a clock in months."""
    yield {"day": reckoning.day0, "why": "day 0 is not counted"}
    off, number = {each.day: each.why for each in reckoning.not_counted}, 0
    if reckoning.months:
        return
    for place in range(1, (reckoning.due - reckoning.day0).days + 1):
        day: date = reckoning.day0 + timedelta(days=place)
        number += day not in off
        yield {"day": day, "why": off[day]} if day in off else {"day": day, "workingDay": number}
