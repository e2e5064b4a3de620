"""Incident facts and proposals travel on two topics: whatever crosses what, a submission is never lost or refused."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from contracts.catalogue import parse
from contracts.envelope import AnyEvent
from services.notifications import notification
from services.notifications.case import Case, evolve
from services.notifications.notification import Notification, Status
from services.notifications.proposals import aggregate
from shared.decider import Outcome, Refused, Waiting
from shared.recording import recorded
from tests.interleavings import interleavings
from tests.notifications import CONTEXT, INCIDENT, NOW, proposed


def _incident(example: str) -> AnyEvent:
    event = proposed(example)
    return parse(
        event.model_dump(mode="json", exclude_none=True) | {"subject": INCIDENT, "source": "/services/gateway"}
    )


REFERRED, NOTIFIABLE = _incident("incident.referred.v1"), _incident("notifiability.decided.v1")
NOT_NOTIFIABLE = _incident("notifiability.decided.v1-not-notifiable")
DRAFTED = proposed("notification.drafted.v1")
APPROVED = proposed("notification.approved.v1", actor="authority-approver")
SUBMITTED = proposed("notification.submitted.v1")


@dataclass
class Service:
    """What the service does with what comes, without its database: fold, decide, let wait, try again."""

    case: Case = field(default_factory=lambda: Case(INCIDENT))
    past: list[AnyEvent] = field(default_factory=list)
    waiting: list[AnyEvent] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def take(self, event: AnyEvent) -> None:
        if event.source == "/services/gateway":
            self.case = evolve(self.case, event)
            self._record(event, notification.on_incident(self.state, self.case))
        else:
            self.waiting.append(event)
        for proposal in self.waiting.copy():
            self._try(proposal)

    @property
    def state(self) -> Notification:
        return aggregate(self.case).fold(self.past)

    def _try(self, proposal: AnyEvent) -> None:
        try:
            outcomes = notification.decide(self.state, proposal, self.case, CONTEXT)
        except Waiting:
            return
        except Refused:
            self.refused.append(proposal.name)
            outcomes = ()
        self.waiting.remove(proposal)
        self._record(proposal, outcomes)

    def _record(self, cause: AnyEvent, outcomes: Sequence[Outcome]) -> None:
        self.past += recorded(cause, outcomes, service="notifications", stream="n", after=len(self.past), now=NOW)


@pytest.mark.parametrize(
    "incident", [[REFERRED, NOTIFIABLE], [REFERRED, NOTIFIABLE, NOT_NOTIFIABLE]], ids=["notifiable", "crossing no"]
)
def test_a_submission_is_taken_whatever_crosses_it(incident: list[AnyEvent]) -> None:
    seen = 0
    for order in interleavings([incident, [DRAFTED, APPROVED, SUBMITTED]]):
        service = Service()
        for event in order:
            service.take(event)
        seen += 1
        assert service.state.filed is not None, [event.name for event in order]
        assert service.state.status is Status.SUBMITTED
        assert "notification.submitted" not in service.refused
    assert seen > 5


def test_a_draft_that_triage_overtook_ends_as_not_needed_whatever_the_order() -> None:
    for order in interleavings([[REFERRED, NOTIFIABLE, NOT_NOTIFIABLE], [DRAFTED]]):
        service = Service()
        for event in order:
            service.take(event)
        assert service.state.ended == "not_needed" or service.refused == ["notification.drafted"]
