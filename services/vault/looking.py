"""Looks and searches as they are recorded: who, for whom, why; always before the answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import insert

from contracts.vault import Purpose
from services.vault import tables
from shared.database import Database
from shared.identity import Caller
from shared.telemetry import current_traceparent

Searched = Literal["looks", "likenesses", "quarantine", "retention_due", "access_record", "erasure_proposals"]


@dataclass(frozen=True)
class Asking:
    """Who looks, and why. `who` is the person or service in whose name the service asks.

    What is shown is of `incident`, where one is named. `opened` are incidents that the service found open to `who`,
    whichever partnership they are of; of any other it sees what is of its own partnerships.
    """

    service: Caller
    who: Caller
    purpose: Purpose
    incident: str | None = None
    opened: frozenset[str] = frozenset()


async def record_search(
    database: Database, service: Caller, who: Caller, what: Searched, asked: Sequence[str | None], at: datetime
) -> None:
    """Records a search and commits it. `asked` are ids and codes, never words. If that fails nothing may be answered:
    whatever it raises must go up."""
    row = insert(tables.search).values(
        at=at,
        what=what,
        asked=[each for each in asked if each],
        service=service.id,
        who=who.id,
        who_kind=who.kind,
        agency=who.agency,
        roles=sorted(who.roles),
        traceparent=current_traceparent(),
    )
    async with database.transaction() as tx:
        await tx.connection.execute(row)
