"""Building blocks for what notifications is tested with: its example proposals, as their owner would record them."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from contracts.catalogue import parse
from contracts.codes import Ground
from contracts.envelope import AnyEvent
from infra.contracts.examples import as_taken
from services.notifications import notification
from services.notifications.case import Case
from services.notifications.proposals import aggregate
from shared.decider import Context, Outcome
from shared.recording import recorded
from shared.working_days import england_and_wales

PROPOSALS = Path("contracts/examples/proposals")
INCIDENT = f"incident-{'1' * 31}a"
NOW = datetime(2026, 9, 20, 12, tzinfo=UTC)
CONTEXT = Context(NOW, england_and_wales())
CASE = Case(
    INCIDENT,
    partnership="northshire",
    host_authority="E06000991",
    areas=frozenset({"E06000991"}),
    notifiable=True,
    grounds=frozenset({Ground.S16C_A}),
    became_aware_at=datetime(2026, 8, 27, 23, 10, tzinfo=UTC),
)


def proposed(example: str, actor: str = "authority-notifier", **data: Any) -> AnyEvent:
    """An example as it reaches the owner: sealed, and with its actor."""
    event = as_taken(json.loads((PROPOSALS / f"{example}.json").read_text()))
    return parse(event | {"actor": actor, "agency": event["source"].rpartition("/")[2], "data": event["data"] | data})


def decided(past: Sequence[AnyEvent], proposal: AnyEvent, case: Case = CASE) -> list[AnyEvent]:
    """The past and what follows from the proposal, as it lies in the log. Raises what the decider raises."""
    outcomes = outcomes_of(past, proposal, case)
    return [*past, *_recorded(proposal, outcomes, len(past))]


def outcomes_of(past: Sequence[AnyEvent], proposal: AnyEvent, case: Case = CASE) -> Sequence[Outcome]:
    """What follows from the proposal after this past."""
    return notification.decide(aggregate(case).fold(past), proposal, case, CONTEXT)


def happened(*proposals: AnyEvent, case: Case = CASE) -> list[AnyEvent]:
    """The facts after these proposals, each of which must be accepted."""
    past: list[AnyEvent] = []
    for proposal in proposals:
        past = decided(past, proposal, case)
    return past


def _recorded(proposal: AnyEvent, outcomes: Sequence[Outcome], after: int) -> list[AnyEvent]:
    return recorded(proposal, outcomes, service="notifications", stream="notification", after=after, now=NOW)
