"""Which letters a fact gives rise to, and what they say: an incident's id, codes and dates; never a case's words.

To office mailboxes of the authority that holds the duty (DOMAIN 4A item 9: warnings on working days 3 and 4, a miss at
once, then each working day while it is open).
"""

from collections.abc import Iterator

from contracts.codes import Role
from contracts.deadlines import DeadlineDueSoon, DeadlineMet, DeadlineMissed, DeadlineSet, OfDeadline, Reckoned
from contracts.directory import Directory
from contracts.envelope import AnyEvent
from contracts.incidents import IncidentReferred
from contracts.notifications import NotificationSubmitted
from services.notifications.case import Case
from services.notifications.reckoning import sentence
from shared.letters import Letter, letters_to, shown

DO = {
    "T01": "Notify the Panel at the national portal, then record its reference and time.",
    "T02": "Tell the partner, then record when and how.",
    "T03": "Notify the Department and Ofsted at the national portal, then record its reference and time.",
    "T04": "Notify the Department and Ofsted at the national portal, then record its reference and time.",
    "T05": "Decide whether the incident is notifiable.",
}
WORDS = {
    "T01": "notification to the Panel",
    "T02": "telling the partner",
    "T03": "notification of a looked-after child's death",
    "T04": "notification of a care leaver's death",
    "T05": "decision on notifiability",
}


def letters(fact: AnyEvent, case: Case, directory: Directory) -> Iterator[Letter]:
    """The letters that follow from a fact of the incident or of its notification."""
    match fact.data:
        case IncidentReferred():
            lines = ["An incident was referred to you.", f"To do: {DO['T05']}"]
            yield from _to(fact, case, directory, (Role.NOTIFIER, Role.APPROVER), "An incident was referred", lines)
        case DeadlineSet(uncomputed=True) as deadline:
            lines = ["No calendar covers its dates, so no due day could be worked out. It is not assumed."]
            subject = f"{_name(deadline)}: due day unknown"
            yield from _to(fact, case, directory, (Role.APPROVER, Role.BUSINESS_UNIT), subject, lines)
        case DeadlineDueSoon(due=due, working_day=day) as deadline:
            lines = [f"Working day {day}: due by the end of {shown(due)}.", f"To do: {_do(deadline)}"]
            subject = f"{_name(deadline)}: due {shown(due)}"
            yield from _to(
                fact, case, directory, (Role.NOTIFIER, Role.APPROVER), subject, lines, _clock(case, deadline)
            )
        case DeadlineMissed(due=due) as deadline:
            lines = [_missed(deadline), f"To do: {_do(deadline)} Late is taken, and marked late."]
            subject = f"{_name(deadline)}: missed, was due {shown(due)}"
            roles = (Role.NOTIFIER, Role.APPROVER, Role.BUSINESS_UNIT)
            yield from _to(fact, case, directory, roles, subject, lines, _clock(case, deadline))
        case DeadlineMet(awaiting_reason=True) as deadline:
            lines = ["It was met late and stands. The copy to be filed waits for the reason for the delay."]
            subject = f"{_name(deadline)}: awaiting the reason for the delay"
            yield from _to(fact, case, directory, (Role.NOTIFIER,), subject, lines)
        case NotificationSubmitted(without_approval=True):
            lines = ["A submission was recorded that nobody had approved. It stands, and is marked so."]
            yield from _to(fact, case, directory, (Role.APPROVER,), "Submitted without approval", lines)


def _to(
    fact: AnyEvent,
    case: Case,
    directory: Directory,
    roles: tuple[Role, ...],
    subject: str,
    lines: list[str],
    reckoned: Reckoned | None = None,
) -> Iterator[Letter]:
    authority = directory.authorities.get(case.host_authority)
    boxes = authority.mailboxes if authority else {}
    reckoning = [f"Reckoning: {sentence(reckoned)}."] if reckoned else []
    yield from letters_to((boxes[role] for role in roles if role in boxes), fact, subject, [*lines, *reckoning])


def _name(deadline: OfDeadline) -> str:
    whom = f" ({deadline.recipient})" if deadline.recipient else ""
    return f"{deadline.rule} {WORDS.get(deadline.rule, 'deadline')}{whom}"


def _do(deadline: OfDeadline) -> str:
    return DO.get(deadline.rule, "See the incident.")


def _clock(case: Case, deadline: OfDeadline) -> Reckoned | None:
    return case.clocks.get(deadline.clock)


def _missed(deadline: DeadlineMissed) -> str:
    late = deadline.working_days_late
    days = "" if late is None else f", {late} working day{'' if late == 1 else 's'} ago"
    outstanding = (
        " What would meet it arrived in time; its answer is outstanding." if deadline.answer_outstanding else ""
    )
    return f"It was due by the end of {shown(deadline.due)}{days}.{outstanding}"
