"""Read models and named queries, kept in the same transaction as the log."""

from collections.abc import Sequence
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from contracts.envelope import AnyEvent
from services.notifications.case import Case
from services.notifications.notification import Notification, Status
from services.notifications.tables import notification
from shared.database import Transaction, driver_of

_CASE = TypeAdapter(Case)
PREFIX = "notification-"
_KEEP_CASE = """
    insert into known_case (incident, partnership, folded) values ($1, $2, $3)
    on conflict (incident) do update set partnership = excluded.partnership, folded = excluded.folded
    """


def stream_of(incident: str) -> str:
    """The stream of an incident's notification."""
    return f"{PREFIX}{incident}"


async def case_of(connection: Transaction | AsyncConnection, incident: str) -> Case:
    """What is known of an incident so far; an empty case where nothing is."""
    driver = connection.driver if isinstance(connection, Transaction) else await driver_of(connection)
    folded = await driver.fetchval("select folded from known_case where incident = $1", incident)
    return _CASE.validate_json(folded) if folded else Case(incident)


async def keep_case(tx: Transaction, case: Case) -> None:
    """Remember the case as it is folded now. Every fact of every incident comes here: so not through Core."""
    await tx.driver.execute(_KEEP_CASE, case.incident, case.partnership, _CASE.dump_json(case))


async def show(connection: AsyncConnection, incident: str, state: Notification, fact: AnyEvent) -> None:
    """Bring an incident's row up to its folded state."""
    latest = state.latest
    values: dict[str, Any] = {
        "partnership": fact.partnership,
        "status": (state.status or Status.DRAFT).value,
        "version": len(state.versions),
        "drafted_by": latest.by if latest else None,
        "grounds": sorted(state.grounds or (latest.content.grounds if latest else ())),
        "portal_reference": state.filed.portal_reference if state.filed else None,
        "portal_time": state.filed.portal_time if state.filed else None,
        "without_approval": bool(state.filed and state.filed.without_approval),
        "ended": state.ended,
        "changed_at": fact.recordedtime,
    }
    shown = insert(notification).values(incident=incident, **values)
    await connection.execute(shown.on_conflict_do_update(index_elements=["incident"], set_=values))


async def of_partnerships(
    connection: AsyncConnection, partnerships: Sequence[str], after: str = "", limit: int = 50
) -> list[Any]:
    """The notifications of some partnerships, by incident, a page at a time."""
    query = (
        select(notification)
        .where(notification.c.partnership.in_(partnerships), notification.c.incident > after)
        .order_by(notification.c.incident)
        .limit(limit)
    )
    return list(await connection.execute(query))
