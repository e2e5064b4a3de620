"""Read models and named queries, kept in the same transaction as the log."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from contracts.envelope import AnyEvent
from services.notifications.case import Case
from services.notifications.notification import Notification, Status
from services.notifications.tables import notification
from shared.database import Transaction, driver_of

_CASE = TypeAdapter(Case)
PREFIX = "notification-"
_KEEP_CASES = """
    insert into known_case (incident, partnership, folded) select * from unnest($1::text[], $2::text[], $3::bytea[])
    on conflict (incident) do update set partnership = excluded.partnership, folded = excluded.folded
    """
_SHOW = """
    insert into notification (incident, partnership, status, version, drafted_by, grounds, portal_reference,
        portal_time, without_approval, ended, changed_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
    on conflict (incident) do update set partnership = excluded.partnership, status = excluded.status,
        version = excluded.version, drafted_by = excluded.drafted_by, grounds = excluded.grounds,
        portal_reference = excluded.portal_reference, portal_time = excluded.portal_time,
        without_approval = excluded.without_approval, ended = excluded.ended, changed_at = excluded.changed_at
    """


def stream_of(incident: str) -> str:
    """The stream of an incident's notification."""
    return f"{PREFIX}{incident}"


async def case_of(connection: Transaction | AsyncConnection, incident: str) -> Case:
    """What is known of an incident so far; an empty case where nothing is."""
    if isinstance(connection, Transaction):
        if ("case", incident) not in connection.known:
            await read_cases(connection, [incident])
        case: Case = connection.known["case", incident]
        return case
    driver = await driver_of(connection)
    return _case(incident, await driver.fetchval("select folded from known_case where incident = $1", incident))


async def read_cases(tx: Transaction, incidents: Collection[str]) -> None:
    """Read several cases at once, for `case_of` in this transaction."""
    rows = await tx.driver.fetch(
        "select incident, folded from known_case where incident = any($1::text[])", list(incidents)
    )
    found: dict[str, bytes] = dict(rows)
    for incident in incidents:
        tx.known["case", incident] = _case(incident, found.get(incident))


def _case(incident: str, folded: bytes | None) -> Case:
    return _CASE.validate_json(folded) if folded else Case(incident)


def keep_case(tx: Transaction, case: Case) -> None:
    """Remember the case as it is folded now: written once before the commit, however many facts changed it."""
    tx.known["case", case.incident] = case
    tx.later("cases", _keep_cases, case.incident)


async def _keep_cases(tx: Transaction, incidents: Sequence[str]) -> None:
    # In one order for all, or two transactions could wait for each other.
    cases = [tx.known["case", incident] for incident in sorted(set(incidents))]
    rows = [(case.incident, case.partnership, _CASE.dump_json(case)) for case in cases]
    await tx.driver.execute(_KEEP_CASES, *(list(column) for column in zip(*rows, strict=True)))


async def show(tx: Transaction, shown: Mapping[str, tuple[Notification, AnyEvent]]) -> None:
    """Bring incidents' rows up to their folded states; each with the newest fact."""
    if shown:
        rows = [_row(incident, *known) for incident, known in sorted(shown.items())]
        await tx.driver.executemany(_SHOW, rows)


def _row(incident: str, state: Notification, fact: AnyEvent) -> tuple[Any, ...]:
    latest = state.latest
    return (
        incident,
        fact.partnership,
        (state.status or Status.DRAFT).value,
        len(state.versions),
        latest.by if latest else None,
        sorted(state.grounds or (latest.content.grounds if latest else ())),
        state.filed.portal_reference if state.filed else None,
        state.filed.portal_time if state.filed else None,
        bool(state.filed and state.filed.without_approval),
        state.ended,
        fact.recordedtime,
    )


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
