"""What became of a message."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

PENDING, WAITING, ACCEPTED, REFUSED = "pending", "waiting", "accepted", "refused"
NOT_ATTEMPTED = "not attempted"
"""It stood in a batch behind one about the same incident that failed; send it again after that one."""


@dataclass(frozen=True)
class Receipt:
    """One message's receipt. `told` is the whole of it, as the gateway gave it."""

    submission: str
    status: str
    event: str | None = None
    incident: str | None = None
    incidentref: str | None = None
    facts: tuple[str, ...] = ()
    faults: tuple[Mapping[str, Any], ...] = ()
    marks: tuple[str, ...] = ()
    deadlines: tuple[Mapping[str, Any], ...] = ()
    waiting_for: str | None = None
    told: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> "Receipt":
        """The receipt in a gateway's answer."""
        return cls(
            submission=str(told.get("submission", "")),
            status=str(told.get("status", "")),
            event=told.get("id"),
            incident=told.get("incident"),
            incidentref=told.get("incidentref"),
            facts=tuple(told.get("facts", ())),
            faults=tuple(told.get("faults", ())),
            marks=tuple(told.get("marks", ())),
            deadlines=tuple(told.get("deadlines", ())),
            waiting_for=told.get("waitingFor"),
            told=told,
        )

    @property
    def final(self) -> bool:
        """Whether there is a verdict."""
        return self.status in (ACCEPTED, REFUSED)

    @property
    def taken(self) -> bool:
        """Whether the exchange has it."""
        return self.status in (PENDING, WAITING, ACCEPTED)
