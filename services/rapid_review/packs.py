"""The advance copy of a practice review's publication: what goes with the report itself. Pure."""

from collections.abc import Iterator
from typing import Any

from contracts.envelope import AnyEvent
from contracts.practice_reviews import AdvanceCopyDelivered, PracticeReviewDrafted, PublicationPlanned, ResponseAgreed
from contracts.review_codes import CopyTo, Publication
from contracts.review_exports import ExportedAdvanceCopy, ExportedFinding, ExportedPack, ExportedRecommendation
from contracts.sealing import is_reference, marked
from services.rapid_review.practice_review import Case, Context
from services.rapid_review.practice_review.rules import last_copy_day
from services.rapid_review.shown import Sighted
from services.rapid_review.words import Words
from shared.working_days import OutsideCalendar

WHOLE = ("report", "findings", "recommendations")
TOLD = PracticeReviewDrafted | ResponseAgreed | PublicationPlanned


def newest(sighted: Sighted) -> AnyEvent | None:
    """The fact of the newest draft, if whoever looks may read it whole."""
    found = [
        fact
        for fact, seen in sighted.facts
        if isinstance(fact.data, PracticeReviewDrafted) and all(name in seen for name in WHOLE)
    ]
    return found[-1] if found else None


def references(sighted: Sighted) -> Iterator[str]:
    """Every reference that the pack may need."""
    for fact, seen in sighted.facts:
        if isinstance(fact.data, TOLD):
            whole = fact.data.model_dump(mode="json", by_alias=True, exclude_none=True)
            data = {name: value for name, value in whole.items() if name in seen}
            yield from (ref for _, ref in marked(type(fact.data), data) if is_reference(ref))


def pack(
    sighted: Sighted, draft: AnyEvent, words: Words, about: Case, context: Context, common: dict[str, Any]
) -> ExportedPack:
    """The copy. `common` is what every copy says of itself."""
    data: PracticeReviewDrafted = draft.data
    version, known = data.version or 1, sighted.looker.directory
    plan, responses = sighted.practice.plan, _of_version(sighted, ResponseAgreed, version)
    return ExportedPack(
        **common,
        version=version,
        report=data.report,
        published_on=plan.on if plan else None,
        copies_by=_copies_by(plan, about, context),
        form=(plan.form if plan else Publication.FULL).value,
        form_reasons=words.text(plan.reasons) if plan else None,
        findings=tuple(ExportedFinding(what=words.said(f.what), why=words.said(f.why)) for f in data.findings),
        recommendations=tuple(
            ExportedRecommendation(text=words.said(each.text), to=tuple(known.name_of(agency) for agency in each.to))
            for each in data.recommendations
        ),
        response=words.text(responses[-1].response) if responses else None,
        redaction=_redaction(sighted),
        copies=tuple(_copies(sighted, version)),
    )


def _of_version(sighted: Sighted, model: type[Any], version: int) -> list[Any]:
    return [f.data for f, _ in sighted.facts if isinstance(f.data, model) and f.data.version == version]


def _copies_by(plan: PublicationPlanned | None, about: Case, context: Context) -> Any:
    try:
        return last_copy_day(plan.on, about, context) if plan else None
    except OutsideCalendar:
        return None


def _redaction(sighted: Sighted) -> str | None:
    draft = sighted.practice.draft
    if draft is None or draft.scan is None:
        return None
    people = "person has" if draft.passed == 1 else "people have"
    return f"Scanned: {draft.scan.value.replace('_', ' ')}. {draft.passed} {people} checked and passed this version."


def _copies(sighted: Sighted, version: int) -> Iterator[ExportedAdvanceCopy]:
    delivered: dict[CopyTo, AdvanceCopyDelivered] = {}
    for each in _of_version(sighted, AdvanceCopyDelivered, version):
        first = delivered.get(each.recipient)
        if first is None or each.delivered_at < first.delivered_at:
            delivered[each.recipient] = each
    for recipient in CopyTo:
        found = delivered.get(recipient)
        at = found.delivered_at if found else None
        yield ExportedAdvanceCopy(recipient=recipient, version=version if found else None, delivered_at=at)
