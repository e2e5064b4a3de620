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
from contracts.reviews import GapsRecorded, PanelAnswered, ReviewCommented, ReviewDrafted, ViewRecorded
from contracts.rules.criteria import criteria
from contracts.sealing import is_reference, marked
from services.rapid_review.exports.labels import label, shown_day
from services.rapid_review.review import Answer
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
ANSWERS = {Answer.RETURNED: "Returned", Answer.NIL: "Nil return", Answer.ACCEPTED: "Returned and accepted"}
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
        remarks=tuple(_remarks(sighted)),
        sections=tuple(
            ExportedSection(heading=heading, text=words.text(getattr(data, name))) for name, heading in SECTIONS.items()
        ),
        decision=_decision(data, draft, words),
        agencies=tuple(_agencies(sighted, words)),
        meeting=_meeting(sighted),
        views=tuple(_views(sighted, version, words)),
        scrutineer=words.text(_newest(sighted, ReviewCommented, version, "comment")),
        panel=_panel(sighted, words),
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
        answer = ANSWERS.get(request.status, "Nothing" if request.latest is None else "Asked for more detail")
        note = words.text(missing.get(request.agency)) if answer == "Nothing" else None
        yield ExportedAgency(agency=sighted.looker.directory.name_of(request.agency), answer=answer, note=note)


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


def _panel(sighted: Sighted, words: Words) -> str | None:
    replies = [fact.data for fact, _ in sighted.facts if isinstance(fact.data, PanelAnswered)]
    if not replies:
        return None
    advice = [f"It advises a {label(each).lower()}." for each in sorted(replies[-1].advice)]
    comments = words.text(replies[-1].comments)
    return " ".join([f"{label(replies[-1].view)}.", *advice, *([comments] if comments else [])])


def _newest(sighted: Sighted, model: type[ReviewCommented], version: int, name: str) -> str | None:
    found = [fact.data for fact, _ in sighted.facts if isinstance(fact.data, model) and fact.data.version == version]
    return getattr(found[-1], name) if found else None


def _remarks(sighted: Sighted) -> Iterator[str]:
    state = sighted.review
    late = sum(bool(request.latest and request.latest.after_meeting) for request, _ in sighted.requests())
    if late:
        yield f"{late} {'answer' if late == 1 else 'answers'} came after the meeting."
    if state.draft and state.draft.dissenting:
        yield f"Dissenting: {', '.join(label(each) for each in state.draft.dissenting)}."
    if state.submission and not any(draft.signed_off for draft in state.drafts):
        yield "It was submitted without a sign-off of all three partners."
