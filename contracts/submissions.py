"""What became of a submission: the owner's answers, which the gateway folds into its receipt."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from contracts.envelope import EventId
from contracts.identifiers import SubmissionId
from contracts.sealing import Model


class Verdict(StrEnum):
    WAITING = "waiting"
    ACCEPTED = "accepted"
    REFUSED = "refused"


class Fault(Model):
    """One thing that is wrong: where (a JSON pointer), by which rule, and what is allowed. Never the value."""

    pointer: str
    rule: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,60}$")]
    detail: Annotated[str, Field(max_length=400)]
    allowed: tuple[str, ...] = ()


class SubmissionAnswered(Model):
    """As many `waiting` as it takes, then one verdict: accepted, or refused with every reason."""

    submission: SubmissionId
    verdict: Verdict
    waiting_for: Annotated[str, Field(max_length=200)] | None = None
    faults: tuple[Fault, ...] = ()
    marks: tuple[Annotated[str, Field(pattern=r"^[a-z_]{1,40}$")], ...] = ()
    """What was noted though it was accepted: `awaiting_reason`, `without_approval`, `late`."""
    facts: tuple[EventId, ...] = ()
