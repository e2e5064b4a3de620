"""What stands between a report and its publication: each thing that is missing, with its remedy (DOMAIN 4A item 6)."""

from collections.abc import Iterator
from datetime import date

from contracts.practice_reviews import PracticeReviewPublished
from contracts.review_codes import Check, CopyTo, Publication, Scan
from contracts.submissions import Fault
from services.rapid_review.practice_review.faults import fault
from services.rapid_review.practice_review.rules import first_publication_day, last_copy_day
from services.rapid_review.practice_review.state import CHECKERS, Case, Context, Draft, PracticeReview
from shared.working_days import OutsideCalendar


def missing(state: PracticeReview, data: PracticeReviewPublished, case: Case, context: Context) -> Iterator[Fault]:
    """Everything that publication on that date in that form lacks."""
    draft = state.draft
    if state.paused:
        yield fault("/type", "paused", "Work on it rests: record that it goes on first.")
    if draft is None:
        yield fault("/type", "no-draft", "There is no report: record its draft first.")
        return
    yield from _published_already(state, draft, data)
    yield from _planned(state, data)
    if not draft.responded:
        detail = "The partnership's response to this version is published with it: record response.agreed."
        yield fault("/type", "no-response", detail, f"version {draft.number}")
    yield from _read(draft)
    yield from _copies(data.on, draft, case, context)
    if data.on < draft.ready_on:
        detail = "This version was not ready on that day: publish it on a day on which everything was there."
        yield fault("/data/on", "before-it-was-ready", detail, f"from {draft.ready_on.isoformat()}")


def _published_already(state: PracticeReview, draft: Draft, data: PracticeReviewPublished) -> Iterator[Fault]:
    before = state.publication
    if before is None:
        return
    if (before.version, before.form) == (draft.number, data.form):
        yield fault("/type", "published-already", "This version is public in this form already.")
    elif before.form is Publication.FULL and data.form is not Publication.FULL:
        yield fault("/data/form", "published-in-full", "It is public in full already.", Publication.FULL.value)


def _planned(state: PracticeReview, data: PracticeReviewPublished) -> Iterator[Fault]:
    plan = state.plan
    if plan is None:
        detail = "Plan its publication first, with date and form: publication.planned."
        yield fault("/type", "not-planned", detail)
        return
    if data.on != plan.on:
        detail = "It is planned for another day: plan it anew, so that everybody hears of the move."
        yield fault("/data/on", "another-day-than-planned", detail, plan.on.isoformat())
    if data.form is not plan.form:
        detail = "It is planned in another form: plan it anew; improvements only needs its reasons."
        yield fault("/data/form", "another-form-than-planned", detail, plan.form.value)


def _read(draft: Draft) -> Iterator[Fault]:
    if draft.scan is None:
        yield fault("/type", "not-scanned", "The scan of this version is not done yet: it comes by itself.")
    elif draft.scan is Scan.FAILED:
        detail = "The scanner could not read this version: record a further version that it can read."
        yield fault("/type", "scan-failed", detail)
    elif Check.FAILED in draft.checks.values():
        detail = "A checker found what could tell who it is about: take it out, and record a further version."
        yield fault("/type", "redaction-failed", detail)
    elif draft.passed < CHECKERS:
        detail = f"{CHECKERS} different people must pass this version by redaction.checked; {draft.passed} did."
        yield fault("/type", "not-checked-by-two", detail)


def too_soon(on: date, draft: Draft | None, case: Case, context: Context) -> bool:
    """Whether advance copies, as they are or delivered today, are too late for a publication date."""
    copies = draft.copies if draft else {}
    try:
        last = last_copy_day(on, case, context)
    except OutsideCalendar:
        return True
    return any(copies.get(recipient, context.today) > last for recipient in CopyTo)


def _copies(on: date, draft: Draft, case: Case, context: Context) -> Iterator[Fault]:
    """Those that are missing, or that came too late for the publication date (T10)."""
    try:
        last = last_copy_day(on, case, context)
        for recipient in CopyTo:
            copied = draft.copies.get(recipient)
            if copied is None or copied > last:
                yield _late(recipient, copied, last, case, context)
    except OutsideCalendar:
        detail = "The working days before that date are not known here: choose a day within the known calendar."
        until = f"up to {context.calendar.last.isoformat()}"
        yield fault("/data/on", "outside-the-calendar", detail, until)


_NAMES = {
    CopyTo.PANEL: "The Panel",
    CopyTo.SECRETARY_OF_STATE: "The Secretary of State",
    CopyTo.OFSTED: "Ofsted",
}


def _late(recipient: CopyTo, copied: date | None, last: date, case: Case, context: Context) -> Fault:
    first = first_publication_day(copied or context.today, case, context).isoformat()
    who = _NAMES[recipient]
    if copied is None:
        detail = f"{who} has no copy of this version: delivered today, it may be published from {first}."
        return fault("/data/on", f"no-copy-to-{recipient.value.replace('_', '-')}", detail, f"from {first}")
    detail = (
        f"{who} had this version on {copied.isoformat()}; for that day it was due by {last.isoformat()}. "
        f"It may be published from {first}."
    )
    return fault("/data/on", f"late-copy-to-{recipient.value.replace('_', '-')}", detail, f"from {first}")
