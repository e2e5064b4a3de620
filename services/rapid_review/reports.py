"""The report of a rapid review, one version of it, as it is handed over. Pure: its words were revealed before."""

from collections.abc import Iterator, Sequence
from typing import Any

from contracts.envelope import AnyEvent
from contracts.review_codes import Partner
from contracts.review_exports import (
    Chronology,
    ExportedAgency,
    ExportedCriterion,
    ExportedDecision,
    ExportedReview,
    ExportedSection,
    ExportedView,
)
from contracts.reviews import (
    GapsRecorded,
    PanelAnswered,
    ReviewCommented,
    ReviewDrafted,
    ReviewSubmitted,
    ViewRecorded,
)
from contracts.rules.criteria import criteria
from contracts.sealing import is_reference, marked
from services.rapid_review.exports.labels import label, shown_day
from services.rapid_review.review import Answer
from services.rapid_review.review.state import Request
from services.rapid_review.shown import STARTING, Sighted
from services.rapid_review.words import Words
from shared.london import london_date

SECTIONS = {
    "child_and_family": "The child and the family",
    "incident": "The incident",
    "agencies_involvement": "How agencies were involved",
    "key_practice_episodes": "Key practice episodes",
    "lived_experience": "The child's lived experience",
    "identity_and_inequalities": "Identity and inequalities",
    "good_practice": "Good practice",
    "immediate_actions": "Immediate actions",
    "local_and_national_issues": "Local and national issues",
    "proposed_scope": "Proposed scope of a further review",
    "family_contact": "Contact with the family",
}
BESIDE = ReviewDrafted | ViewRecorded | ReviewCommented | PanelAnswered | GapsRecorded


def draft_of(sighted: Sighted, version: int | None) -> AnyEvent | None:
    """The fact of a version of the report, the newest unless one is named, if whoever looks may read it whole."""
    found = [
        fact
        for fact, seen in sighted.facts
        if isinstance(fact.data, ReviewDrafted) and version in (None, fact.data.version) and "decision" in seen
    ]
    return found[-1] if found else None


def references(sighted: Sighted) -> Iterator[str]:
    """Every reference that a copy of the report may need."""
    for fact, seen in sighted.facts:
        if isinstance(fact.data, BESIDE):
            whole = fact.data.model_dump(mode="json", by_alias=True, exclude_none=True)
            data = {name: value for name, value in whole.items() if name in seen}
            yield from (ref for _, ref in marked(type(fact.data), data) if is_reference(ref))


def report(
    sighted: Sighted, draft: AnyEvent, words: Words, combined: Chronology | None, common: dict[str, Any]
) -> ExportedReview:
    """The copy. `common` is what every copy says of itself."""
    data: ReviewDrafted = draft.data
    version, state = data.version or 1, sighted.review
    reckoning = state.clock.reckoning if state.clock else None
    return ExportedReview(
        **common,
        version=version,
        status=label(state.status or "").lower(),
        clock=reckoning.sentence(STARTING.get(state.rule or "", "from")) if reckoning else None,
        remarks=tuple(remarks(sighted, version)),
        sections=tuple(
            ExportedSection(heading=heading, text=words.text(getattr(data, name))) for name, heading in SECTIONS.items()
        ),
        decision=_decision(data, draft, words),
        agencies=tuple(_agencies(sighted, words)),
        meeting=_meeting(sighted),
        views=tuple(_views(sighted, version, words)),
        scrutineer=scrutineer(sighted, version, words),
        panel=panel(sighted, version, words),
        chronology=combined,
    )


def _decision(data: ReviewDrafted, draft: AnyEvent, words: Words) -> ExportedDecision:
    tested = criteria(london_date(draft.time), draft.partnership)
    return ExportedDecision(
        outcome=data.decision.outcome,
        reasons=words.said(data.decision.reasons),
        criteria=tuple(
            ExportedCriterion(words=each.shown, met=name in data.decision.criteria, source=each.source)
            for name, each in tested.items()
        ),
    )


def _agencies(sighted: Sighted, words: Words) -> Iterator[ExportedAgency]:
    missing = {
        each.agency: each.reason
        for fact, _ in sighted.facts
        if isinstance(fact.data, GapsRecorded)
        for each in fact.data.missing
    }
    for request, _ in sighted.requests():
        note = words.text(missing.get(request.agency)) if request.latest is None else None
        name = sighted.looker.directory.name_of(request.agency)
        yield ExportedAgency(agency=name, answer=answer(request), note=note)


def answer(request: Request) -> str:
    """What became of a request: a nil or a late return stays one, whatever is made of it afterwards."""
    latest = request.latest
    if latest is None:
        return "Nothing"
    told = ["Nil return" if latest.nil else "Returned", *(["late"] if latest.late else [])]
    told += ["accepted"] if request.status is Answer.ACCEPTED else []
    told += [] if request.answered else ["asked for more detail"]
    return ", ".join(told)


def _views(sighted: Sighted, version: int, words: Words) -> Iterator[ExportedView]:
    said: dict[Partner, ViewRecorded] = {}
    for fact, _ in sighted.facts:
        if isinstance(fact.data, ViewRecorded) and fact.data.version == version and fact.data.partner:
            said[fact.data.partner] = fact.data
    for partner in Partner:
        view = said.get(partner)
        yield (
            ExportedView(partner=partner, view=view.view, dissent=words.text(view.dissent))
            if view
            else ExportedView(partner=partner)
        )


def _meeting(sighted: Sighted) -> str | None:
    held = [meeting for meeting in sighted.review.meetings if meeting.quorate]
    if not held:
        return None
    days: Sequence[str] = [shown_day(london_date(each.held_at)) for each in held]
    return f"The case group met on {' and on '.join(days)}, with all three partners there."


def panel(sighted: Sighted, version: int, words: Words) -> str | None:
    """The Panel's newest reply to this version: it queried an earlier one, say, and agreed with a later."""
    reply, submitted = None, None
    for fact, _ in sighted.facts:
        if isinstance(fact.data, ReviewSubmitted):
            submitted = fact.data.version
        elif isinstance(fact.data, PanelAnswered) and submitted == version:
            reply = fact.data
    if reply is None:
        return None
    advice = [f"It advises a {label(each).lower()}." for each in sorted(reply.advice)]
    comments = words.text(reply.comments)
    return " ".join([f"{label(reply.view)}.", *advice, *([comments] if comments else [])])


def scrutineer(sighted: Sighted, version: int, words: Words) -> str | None:
    """The newest comment on this version, or, where there is none, on the last one before it that has one."""
    said = [fact.data for fact, _ in sighted.facts if isinstance(fact.data, ReviewCommented)]
    found = max((each for each in said if each.version <= version), key=lambda each: each.version, default=None)
    if found is None:
        return None
    newest = [each for each in said if each.version == found.version][-1]
    comment = words.text(newest.comment)
    return comment if comment is None or newest.version == version else f"On version {newest.version}: {comment}"


def remarks(sighted: Sighted, version: int) -> Iterator[str]:
    """What whoever reads this version has to know of how it came about."""
    state = sighted.review
    dissenting = next((draft.dissenting for draft in state.drafts if draft.number == version), ())
    late = sum(bool(request.latest and request.latest.after_meeting) for request, _ in sighted.requests())
    if late:
        yield f"{late} {'answer' if late == 1 else 'answers'} came after the meeting."
    if dissenting:
        yield f"Dissenting: {', '.join(label(each) for each in dissenting)}."
    submitted = [fact.data for fact, _ in sighted.facts if isinstance(fact.data, ReviewSubmitted)]
    if any(each.without_sign_off and each.version in (None, version) for each in submitted):
        yield "It was submitted without a sign-off of all three partners."
