"""The life of a serious incident notification: DRAFT, APPROVED, SUBMITTED, and how it ends (DOMAIN 4 and 4A item 10).

What has happened is never refused: a portal submission without an approval is taken and marked (4A item 20).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from contracts.codes import Ground
from contracts.envelope import AnyEvent
from contracts.notifications import (
    NotificationAcknowledged,
    NotificationAmended,
    NotificationApproved,
    NotificationClosed,
    NotificationContent,
    NotificationDelayExplained,
    NotificationDrafted,
    NotificationReturnedToDraft,
    NotificationSubmitted,
    NotificationWithdrawn,
)
from contracts.reviews import ReviewClosed
from contracts.rules.grounds import S16C, clocks_of, review_follows
from contracts.submissions import Fault
from services.notifications.case import DUTY, Case
from services.notifications.coverage import missing
from services.notifications.recipients import any_child, recipients
from shared.decider import Context, Outcome, Refused, Waiting
from shared.london import london_date


class Status(StrEnum):
    DRAFT = "draft"
    APPROVED = "approved"
    SUBMITTED = "submitted"
    WITHDRAWN = "withdrawn"
    CLOSED = "closed"


@dataclass(frozen=True)
class Written:
    """One version of the content, who wrote it, and the fact that says it."""

    number: int
    content: NotificationContent
    by: str | None
    approved_by: str | None = None
    fact: str = ""


@dataclass(frozen=True)
class DelayReason:
    """Why it was late, by reference to the vault, and the fact that says it."""

    words: str
    fact: str


@dataclass(frozen=True)
class Delay:
    """Why it was late, as far as it was told: references, in the order in which they were given."""

    reasons: tuple[str, ...] = ()
    awaited: bool = False


@dataclass(frozen=True)
class Notification:
    """A notification folded from its facts. `versions` and `delay_reasons` are kept, every one; `filed_fact` is the id
    of `filed`'s."""

    status: Status | None = None
    versions: tuple[Written, ...] = ()
    filed: NotificationSubmitted | None = None
    filed_fact: str = ""
    filed_recorded_at: datetime | None = None
    grounds: frozenset[Ground] = frozenset()
    delay_reasons: tuple[DelayReason, ...] = ()
    acknowledged_by: tuple[str, ...] = ()
    ended: str | None = None

    @property
    def latest(self) -> Written | None:
        """The newest version, if there is one."""
        return self.versions[-1] if self.versions else None


UNWRITTEN = Notification()


def awaits_reason(state: Notification, case: Case) -> bool:
    """Whether the copy to be filed waits for the reason of a delay (DOMAIN 4A item 10).

    The gateway judges. Until it has, its own clocks tell whether the portal's time is late: a copy that is asked for
    in between must not slip through.
    """
    filed = state.filed
    if filed is None or state.delay_reasons:
        return False
    met = [case.clocks[rule] for rule in clocks_of(filed.grounds) if rule in DUTY and rule in case.clocks]
    return bool(case.late_unexplained) or any(filed.portal_time >= clock.late_from for clock in met)


def decide(state: Notification, proposal: AnyEvent, case: Case, context: Context) -> Sequence[Outcome]:
    """The facts that follow from a proposal. Raises `Refused` with every fault, or `Waiting`."""
    match proposal.data:
        case NotificationDrafted() as drafted:
            return _drafted(state, drafted, case)
        case NotificationApproved() as approved:
            return _approved(state, approved, proposal, context)
        case NotificationReturnedToDraft() as returned:
            return _returned(state, returned)
        case NotificationSubmitted() as submitted:
            return _submitted(state, submitted, case, context)
        case NotificationDelayExplained() as explained:
            _filed_or_wait(state)
            return [Outcome(explained)]
        case NotificationAmended() as amended:
            return _amended(state, amended, context)
        case NotificationWithdrawn() as withdrawn:
            return _withdrawn(state, withdrawn, context)
        case NotificationAcknowledged() as acknowledged:
            return _acknowledged(state, acknowledged, proposal, context)
        case _:
            raise Refused(Fault(pointer="/type", rule="not-proposable", detail="its owner alone states this fact"))


def _drafted(state: Notification, drafted: NotificationDrafted, case: Case) -> Sequence[Outcome]:
    if case.linked_to:
        raise Refused(_fault("/subject", "linked", "this referral was linked: draft on the lead incident"))
    if not case.notifiable:
        raise Refused(_fault("/subject", "not-notifiable", "decide notifiability first: a draft follows triage"))
    if state.status is Status.APPROVED:
        raise Refused(_fault("/type", "approved-already", "return the approved version to draft first"))
    if state.filed:
        raise Refused(_fault("/type", "submitted-already", "propose notification.amended: it has been submitted"))
    if drafted.content.notifying_authority != case.host_authority:
        fault = _fault("/data/content/notifyingAuthority", "not-the-host", "the authority of the place notifies")
        raise Refused(fault.model_copy(update={"allowed": (case.host_authority,)}))
    marks = ("awareness_differs",) if differs(drafted.content.became_aware_at, case.became_aware_at) else ()
    return [Outcome(drafted.model_copy(update={"version": len(state.versions) + 1}), marks=marks)]


def differs(drafted: datetime, decided: datetime | None) -> bool:
    """Whether a draft tells another awareness than the authority decided, by a minute or more."""
    return decided is not None and abs((drafted - decided).total_seconds()) >= 60


def _approved(
    state: Notification, approved: NotificationApproved, proposal: AnyEvent, context: Context
) -> Sequence[Outcome]:
    latest = state.latest
    if state.status is not Status.DRAFT or latest is None:
        raise Refused(_fault("/type", "no-draft", "there is no draft to approve"))
    faults = []
    if approved.version != latest.number:
        fault = _fault("/data/version", "not-the-latest", "approve the newest version")
        faults.append(fault.model_copy(update={"allowed": (str(latest.number),)}))
    if proposal.actor is None or proposal.actor == latest.by:
        faults.append(_fault("/actor", "same-person", "another person than the drafter approves"))
    if latest.content.became_aware_at > context.now:
        faults.append(_fault("/data/version", "aware-in-the-future", "becameAwareAt lies in the future"))
    faults += [
        _fault("/data/version", "needed-to-file", f"the draft lacks {field.label.lower()} (/data/content/{field.wire})")
        for field in missing(latest.content)
    ]
    if faults:
        raise Refused(*faults)
    return [Outcome(approved)]


def _returned(state: Notification, returned: NotificationReturnedToDraft) -> Sequence[Outcome]:
    if state.status is not Status.APPROVED:
        raise Refused(_fault("/type", "not-approved", "only an approved version goes back to draft"))
    if state.latest and returned.version != state.latest.number:
        raise Refused(_fault("/data/version", "not-the-latest", "name the newest version"))
    return [Outcome(returned)]


def _submitted(
    state: Notification, submitted: NotificationSubmitted, case: Case, context: Context
) -> Sequence[Outcome]:
    _not_in_the_future("/data/portalTime", submitted.portal_time, context)
    _not_before_the_incident(submitted.portal_time, state.latest, case)
    if state.filed:
        _only_a_correction(state.filed, submitted)
    latest = state.latest
    grounds = latest.content.grounds if latest else case.grounds
    if not grounds:
        raise Waiting("the authority's decision that the incident is notifiable")
    unapproved = state.status is not Status.APPROVED and not state.filed
    without_approval = unapproved or bool(state.filed and state.filed.without_approval)
    marks = (*(("without_approval",) if without_approval else ()), *(("portal_time_corrected",) if state.filed else ()))
    fact = submitted.model_copy(
        update={
            "version": latest.number if latest else None,
            "grounds": frozenset(grounds),
            "without_approval": without_approval,
            "recipients": recipients(frozenset(grounds), _areas(latest, case), child=_of_a_child(latest, case)),
            # One that was written into the version filed has been given.
            "delay_reason": submitted.delay_reason or (latest.content.delay_reason if latest else None),
        }
    )
    closing = [] if review_follows(frozenset(grounds)) or state.ended else [NotificationClosed(why="no_review_follows")]
    return [Outcome(fact, marks=marks), *(Outcome(close) for close in closing)]


def _areas(latest: Written | None, case: Case) -> tuple[str, ...]:
    drafted = latest.content.other_areas_to_notify if latest else ()
    return tuple(area for area in dict.fromkeys((*case.other_areas, *drafted)) if area != case.host_authority)


def _of_a_child(latest: Written | None, case: Case) -> bool:
    return any_child(latest.content.children) if latest else case.child


def _only_a_correction(filed: NotificationSubmitted, submitted: NotificationSubmitted) -> None:
    if submitted.portal_reference != filed.portal_reference:
        fault = _fault("/data/portalReference", "submitted-already", "record a later filing as notification.amended")
        raise Refused(fault.model_copy(update={"allowed": (filed.portal_reference,)}))
    if submitted.portal_time == filed.portal_time:
        raise Refused(_fault("/data/portalTime", "recorded-already", "this reference and time stand recorded already"))


def _amended(state: Notification, amended: NotificationAmended, context: Context) -> Sequence[Outcome]:
    _not_in_the_future("/data/portalTime", amended.portal_time, context)
    filed = _filed_or_wait(state)
    if state.status is Status.WITHDRAWN:
        raise Refused(_fault("/type", "withdrawn", "it was withdrawn; refer the incident again"))
    if amended.portal_time < filed.portal_time:
        raise Refused(_fault("/data/portalTime", "before-the-notification", "it lies before the notification's own"))
    added = (amended.content.grounds - state.grounds) & S16C
    version = len(state.versions) + 1
    return [Outcome(amended.model_copy(update={"version": version, "added_grounds": frozenset(added)}))]


def _withdrawn(state: Notification, withdrawn: NotificationWithdrawn, context: Context) -> Sequence[Outcome]:
    _not_in_the_future("/data/panelToldAt", withdrawn.panel_told_at, context)
    _filed_or_wait(state)
    if state.status is Status.WITHDRAWN:
        raise Refused(_fault("/type", "withdrawn", "it was withdrawn already"))
    return [Outcome(withdrawn), Outcome(NotificationClosed(why="withdrawn"))]


def _acknowledged(
    state: Notification, acknowledged: NotificationAcknowledged, proposal: AnyEvent, context: Context
) -> Sequence[Outcome]:
    _not_in_the_future("/data/acknowledgedAt", acknowledged.acknowledged_at, context)
    _filed_or_wait(state)
    national = {"panel", "department", "ofsted"}
    if proposal.agency in national and proposal.agency != acknowledged.by:
        raise Refused(_fault("/data/by", "another-recipient", "acknowledge as yourself"))
    return [Outcome(acknowledged)]


def on_review(state: Notification, closed: ReviewClosed) -> Sequence[Outcome]:
    """The rapid review that followed from it has ended, and so has it. One that was cancelled says why by itself."""
    if state.status is not Status.SUBMITTED or closed.why == "cancelled":
        return []
    return [Outcome(NotificationClosed(why="review_closed"))]


def on_incident(state: Notification, case: Case) -> Sequence[Outcome]:
    """What the incident's own facts do to it: an unsubmitted draft ends when it is no longer needed."""
    unsubmitted = state.status in (Status.DRAFT, Status.APPROVED)
    if unsubmitted and case.linked_to:
        return [Outcome(NotificationClosed(why="linked"))]
    if unsubmitted and case.notifiable is False:
        return [Outcome(NotificationClosed(why="not_needed"))]
    return []


def _filed_or_wait(state: Notification) -> NotificationSubmitted:
    if state.filed is None:
        raise Waiting("the notification that it follows")
    return state.filed


def _not_in_the_future(pointer: str, at: datetime, context: Context) -> None:
    if at > context.now:
        raise Refused(_fault(pointer, "in-the-future", "it lies in the future: record what has happened"))


def _not_before_the_incident(portal_time: datetime, latest: Written | None, case: Case) -> None:
    """A slip in the portal's date would meet the duty before there was one, and every miss would be corrected away."""
    occurred = latest.content.occurrence.date_from if latest else case.occurred_from
    if occurred is not None and london_date(portal_time) < occurred:
        fault = _fault("/data/portalTime", "before-the-incident", "nothing was filed before the incident happened")
        raise Refused(fault.model_copy(update={"allowed": (f"from {occurred.isoformat()}",)}))


def _fault(pointer: str, rule: str, detail: str) -> Fault:
    return Fault(pointer=pointer, rule=rule, detail=detail)


def evolve(state: Notification, fact: AnyEvent) -> Notification:
    """The notification after one more of its facts."""
    match fact.data:
        case NotificationDrafted(content=content, version=version):
            written = Written(version or len(state.versions) + 1, content, fact.actor, fact=fact.id)
            return replace(state, status=Status.DRAFT, versions=(*state.versions, written), ended=None)
        case NotificationApproved():
            return replace(state, status=Status.APPROVED, versions=_approve(state.versions, fact.actor))
        case NotificationReturnedToDraft():
            return replace(state, status=Status.DRAFT, versions=_approve(state.versions, None))
        case NotificationSubmitted() as filed:
            at = fact.recordedtime
            return replace(
                state,
                status=Status.SUBMITTED,
                filed=filed,
                filed_fact=fact.id,
                filed_recorded_at=at,
                grounds=filed.grounds,
                delay_reasons=_with_reason(state, filed.delay_reason, fact),
                ended=None,
            )
        case NotificationDelayExplained(delay_reason=reason):
            return replace(state, delay_reasons=_with_reason(state, reason, fact))
        case NotificationAmended() as amended:
            written = Written(amended.version or len(state.versions) + 1, amended.content, fact.actor, fact=fact.id)
            reopened = Status.SUBMITTED if amended.added_grounds else state.status
            return replace(
                state,
                status=reopened,
                versions=(*state.versions, written),
                grounds=amended.content.grounds,
                delay_reasons=_with_reason(state, amended.content.delay_reason, fact),
            )
        case NotificationWithdrawn():
            return replace(state, status=Status.WITHDRAWN)
        case NotificationAcknowledged(by=by):
            return replace(state, acknowledged_by=tuple(dict.fromkeys((*state.acknowledged_by, by))))
        case NotificationClosed(why=why):
            withdrawn = state.status is Status.WITHDRAWN
            return replace(state, status=Status.WITHDRAWN if withdrawn else Status.CLOSED, ended=why)
        case _:
            return state


def _with_reason(state: Notification, words: str | None, fact: AnyEvent) -> tuple[DelayReason, ...]:
    known = state.delay_reasons
    if words is None or words in [reason.words for reason in known]:
        return known
    return (*known, DelayReason(words, fact.id))


def _approve(versions: tuple[Written, ...], by: str | None) -> tuple[Written, ...]:
    return (*versions[:-1], replace(versions[-1], approved_by=by)) if versions else versions
