"""Agencies are asked what they know; their answers are accepted or queried; gaps are recorded (DOMAIN 3.2, 4)."""

from collections.abc import Iterator
from datetime import date
from hashlib import blake2b

from contracts.envelope import AnyEvent
from contracts.review_codes import Task
from contracts.reviews import GapsRecorded, InformationRequested, ReturnAccepted, ReturnQueried, ReviewPlanned
from contracts.submissions import Fault
from services.rapid_review.case import Case
from services.rapid_review.review.clocks import dated, near, sent_too_late
from services.rapid_review.review.faults import asked, fault, not_the_unit, not_under_way, refuse_if
from services.rapid_review.review.state import Answer, Context, Request, Review
from shared.decider import Outcome


def plan(state: Review, proposal: AnyEvent, data: ReviewPlanned, case: Case, context: Context) -> list[Outcome]:
    """This review goes by another plan than its partnership's template. One that sends late is taken, and marked."""
    refuse_if([*not_under_way(state), *not_the_unit(proposal, context)])
    clock = state.clock
    if clock is None:
        return [Outcome(data)]
    fact = data.model_copy(update={"plan": dated(data.plan, clock.started_at, context.calendar)})
    rule = context.rules(clock.rule.id, context.today, case.partnership)
    return [Outcome(fact, marks=("sent_too_late",) if sent_too_late(data.plan, rule) else ())]


def request(
    state: Review, proposal: AnyEvent, data: InformationRequested, case: Case, context: Context
) -> list[Outcome]:
    """One agency is asked, by the plan's day where the request names none."""
    due, faults = _due(state, data, context)
    refuse_if([*not_under_way(state), *not_the_unit(proposal, context)])  # who is shut out, no other unit is told
    refuse_if([*_whom(data, case, context), *faults])
    again = any(each.agency == data.agency for each in state.owing)
    fact = data.model_copy(update={"request": _named(proposal), "due": due})
    return [Outcome(fact, marks=("asked_already",) if again else ())]


def _named(proposal: AnyEvent) -> str:
    """The id follows from the proposal, so that judging it again asks nobody twice."""
    told = f"{proposal.subject} {proposal.source} {proposal.id}".encode()
    return f"request-{blake2b(told, digest_size=16).hexdigest()}"


def _due(state: Review, data: InformationRequested, context: Context) -> tuple[date | None, list[Fault]]:
    """As it says, or by the plan, or else by the review's own due day."""
    of_review = state.clock.due if state.clock else None
    due = data.due or state.planned(Task.RETURNS_DUE) or of_review
    if due is None:
        return None, [fault("/data/due", "no-due-day", "No calendar reaches the plan's day: give due.")]
    if due < context.today:
        detail = "This day has passed: give a due day from today on."
        return None, [fault("/data/due", "due-in-the-past", detail, f"from {context.today.isoformat()}")]
    return due, []


def _whom(data: InformationRequested, case: Case, context: Context) -> Iterator[Fault]:
    if context.listed is not None and data.agency not in context.listed:
        yield fault("/data/agency", "not-listed", "No agency of that name is listed in the partnership.")
    if data.agency in context.shut_out:
        detail = "This agency is shut out of the incident: it may not read what it would be asked."
        yield fault("/data/agency", "shut-out", detail)
    if case.subjects and (others := set(data.subjects) - case.subjects):
        detail = f"{len(others)} of the subjects are not in this incident: ask only about its own."
        yield fault("/data/subjects", "not-of-this-incident", detail, *sorted(case.subjects))


def accept(state: Review, proposal: AnyEvent, data: ReturnAccepted, context: Context) -> list[Outcome]:
    """The newest version is what was asked for. Accepted again, it has no further effect, unless it was queried since:
    then nothing more is owed."""
    refuse_if([*not_the_unit(proposal, context)])
    found = asked(state, data, data.request, proposal, context)
    refuse_if([*_not_the_newest(found, data.version)])
    return [] if found.status is Answer.ACCEPTED else [Outcome(data)]


def query(state: Review, proposal: AnyEvent, data: ReturnQueried, context: Context) -> list[Outcome]:
    """The request is open again: by the day given, else by its own, or the next working day once that has passed."""
    refuse_if([*not_under_way(state), *not_the_unit(proposal, context)])
    found = asked(state, data, data.request, proposal, context)
    refuse_if([*_not_the_newest(found, data.version), *_passed(data, context)])
    due = data.due or max(found.due, near(context.today, 1, context.calendar))
    return [Outcome(data.model_copy(update={"due": due}))]


def _passed(data: ReturnQueried, context: Context) -> Iterator[Fault]:
    if data.due is not None and data.due < context.today:
        detail = "This day has passed: give a due day from today on."
        yield fault("/data/due", "due-in-the-past", detail, f"from {context.today.isoformat()}")


def _not_the_newest(found: Request, version: int) -> Iterator[Fault]:
    if found.latest is None:
        yield fault("/data/version", "nothing-returned", "The agency has returned nothing yet.")
    elif found.latest.version != version:
        yield fault("/data/version", "not-the-newest", "Name the newest version.", str(found.latest.version))


def record_gaps(state: Review, proposal: AnyEvent, data: GapsRecorded, context: Context) -> list[Outcome]:
    """The chair goes on without some answers. Only an agency that owes one can be missing."""
    owing = sorted({each.agency for each in state.owing})
    faults = [
        fault(f"/data/missing/{place}/agency", "owes-nothing", "This agency owes no answer.", *owing)
        for place, missing in enumerate(data.missing)
        if missing.agency not in owing
    ]
    refuse_if([*not_under_way(state), *not_the_unit(proposal, context), *faults])
    return [Outcome(data)]
