"""Which letters a fact gives rise to, and what they say: an incident's id, a request's, codes and dates; never words.

To office mailboxes: of the agency that is asked, so that one without a system hears of it too, and of the authority
that holds the duty.
"""

from collections.abc import Collection, Iterator, Sequence

from contracts.agreements import ContactFor
from contracts.codes import Role
from contracts.deadlines import DeadlineDueSoon, DeadlineMet, DeadlineMissed, DeadlineSet, OfDeadline
from contracts.directory import Directory
from contracts.envelope import AnyEvent
from contracts.practice_reviews import PracticeReviewDrafted, RedactionScanned
from contracts.review_codes import Chase, PanelView, Scan
from contracts.reviews import (
    Addressed,
    InformationChased,
    InformationRequested,
    InformationReturned,
    PanelAnswered,
    ReturnQueried,
    ReviewCancelled,
    ReviewOpened,
    ReviewSignedOff,
    ReviewSubmitted,
)
from services.rapid_review.case import Case
from shared.letters import Letter, letters_to, shown

DO = {
    "T06a": "Submit the rapid review to the Panel, then record when it reached the Panel.",
    "T06b": "Submit the rapid review to the Panel, then record when it reached the Panel.",
    "T08": "The Panel's reply is expected: record it when it comes, or close the review after this day.",
    "T09": "Publish the practice review, or tell the Panel and the Secretary of State why it will be late.",
}
WORDS = {
    "T06a": "rapid review",
    "T06b": "rapid review",
    "T08": "the Panel's reply",
    "T09": "publication of the practice review",
}
CHASED = {
    Chase.REMINDER: "is due",
    Chase.OVERDUE: "is overdue: it was due",
    Chase.ESCALATED: "is still awaited: it was due",
}
ANSWER = "Look the request up under its number, and answer it there or with the copy of it that the exchange makes."
UNIT = (Role.BUSINESS_UNIT,)
PARTNERS = (Role.APPROVER, Role.BUSINESS_UNIT)


def letters(fact: AnyEvent, case: Case, known: Directory, shut_out: Collection[str] = ()) -> Iterator[Letter]:
    """The letters that follow from a fact of a review: none to an agency that is shut out of the incident."""
    if not (isinstance(fact.data, Addressed) and fact.data.agency in shut_out):
        yield from _to_the_asked(fact, known)
    yield from _to_the_authority(fact, case, known)


def _to_the_asked(fact: AnyEvent, known: Directory) -> Iterator[Letter]:
    match fact.data:
        case InformationRequested(request=request, agency=agency, due=due) if due is not None:
            lines = [
                f"Request {request}",
                "A rapid review asks your agency what it knows.",
                f"Due {shown(due)}.",
                ANSWER,
            ]
            yield from letters_to(_lead(agency, known), fact, f"Information requested, due {shown(due)}", lines)
        case ReturnQueried(request=request, agency=agency, due=due) if due is not None:
            lines = [f"Request {request}", "More detail is asked of your answer.", f"Due {shown(due)}.", ANSWER]
            yield from letters_to(_lead(agency, known), fact, f"More detail asked, due {shown(due)}", lines)
        case InformationChased(request=request, agency=agency, level=level, due=due):
            told = f"{CHASED[level]} {shown(due)}"
            lines = [f"Request {request}", f"Your agency's answer {told}.", ANSWER]
            to = _senior(agency, known) if level is Chase.ESCALATED else _lead(agency, known)
            yield from letters_to(to, fact, f"Your answer {told}", lines)


def _to_the_authority(fact: AnyEvent, case: Case, known: Directory) -> Iterator[Letter]:
    told = _told(fact)
    if told is not None:
        roles, subject, *lines = told
        yield from letters_to(_of_authority(case, known, roles), fact, str(subject), map(str, lines))


def _told(fact: AnyEvent) -> tuple[Sequence[Role], str, *tuple[str, ...]] | None:
    """In which roles, the subject, and the lines."""
    match fact.data:
        case ReviewOpened(rule=rule):
            return PARTNERS, "A rapid review began", f"By {rule}. To do: ask the agencies by its plan."
        case ReviewCancelled(because=because):
            return PARTNERS, "The rapid review was cancelled", f"Because: {because}."
        case InformationReturned(after_meeting=True, request=request):
            return UNIT, "An answer came after the meeting", f"Request {request}", "The chair has to know of it."
        case ReviewSignedOff(version=version, dissenting=dissenting):
            dissent = f" Dissenting: {', '.join(dissenting)}." if dissenting else ""
            return UNIT, "The rapid review is signed off", f"Version {version}.{dissent} To do: submit it."
        case ReviewSubmitted(without_sign_off=True):
            return PARTNERS, "Submitted without sign-off", "It stands, and is marked so."
        case PanelAnswered(view=PanelView.QUERIES):
            return UNIT, "The Panel has queries", "The report is a draft again."
        case PracticeReviewDrafted(version=version):
            return (
                UNIT,
                "A draft of the practice review",
                f"Version {version} is scanned; then two people check.",
            )
        case RedactionScanned(version=version, result=Scan.FAILED):
            return UNIT, "A report could not be scanned", f"Version {version}: have it scanned again, or file another."
        case OfDeadline() as deadline:
            return _timed(deadline)
        case _:
            return None


def _timed(deadline: OfDeadline) -> tuple[Sequence[Role], str, *tuple[str, ...]] | None:
    name, do = f"{deadline.rule} {WORDS.get(deadline.rule, 'deadline')}", f"To do: {DO.get(deadline.rule, 'See it.')}"
    match deadline:
        case DeadlineSet(uncomputed=True):
            return PARTNERS, f"{name}: due day unknown", "No calendar covers its dates. No due day is assumed."
        case DeadlineDueSoon(due=due):
            return PARTNERS, f"{name}: due {shown(due)}", f"Due by the end of {shown(due)}.", do
        case DeadlineMissed(due=due):
            return PARTNERS, f"{name}: missed, was due {shown(due)}", f"It was due by the end of {shown(due)}.", do
        case DeadlineMet(awaiting_reason=True):
            return UNIT, f"{name}: awaiting the reason for the delay", "It was met late and stands."
        case _:
            return None


def _of_authority(case: Case, known: Directory, roles: Sequence[Role]) -> list[str]:
    agency = known.authorities.get(case.host)
    return [agency.mailboxes[role] for role in roles if role in agency.mailboxes] if agency else []


def _lead(agency: str, known: Directory) -> list[str]:
    """The safeguarding lead's office; where an agency named none, whoever it can be reached through."""
    found = known.agencies.get(agency)
    if found is None:
        return []
    box = found.mailboxes.get(Role.LEAD) or next(iter(sorted(found.mailboxes.values())), None)
    return [box] if box else []


def _senior(agency: str, known: Directory) -> list[str]:
    found = known.agencies.get(agency)
    senior = found.contacts.get(ContactFor.ESCALATION) if found else None
    return [senior] if senior else _lead(agency, known)
