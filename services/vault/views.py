"""What can be asked of the vault without opening anything: ids, codes, dates and counts."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.vault import tables


async def looks(
    connection: AsyncConnection,
    *,
    subject: str | None = None,
    incident: str | None = None,
    incidents: Collection[str] | None = None,
    ref: str | None = None,
    owner: str | None = None,
    partnerships: Collection[str] = (),
    before: int | None = None,
    limit: int = 50,
) -> list[dict[str, Any]]:
    """Who looked at a subject, an incident or one reference, newest first; only in these partnerships and in these
    `incidents`, if any are named, and only at the words of the agency `owner`, if one is. Of a look that reached
    further no other reference is named. `before` is the number of the last look of the page before."""
    look, at, item = tables.look, tables.looked_at, tables.item
    there = select(at.c.look, at.c.ref).join(item, item.c.ref == at.c.ref)
    if subject is not None:
        there = there.where(at.c.subjects.contains([subject]))
    if incident is not None:
        there = there.where(at.c.incident == incident)
    if incidents is not None:
        there = there.where(at.c.incident.in_(incidents))
    if ref is not None:
        there = there.where(at.c.ref == ref)
    if owner is not None:
        there = there.where(item.c.agency == owner)
    if partnerships:
        there = there.where(item.c.partnership.in_(partnerships))
    page = select(look).where(look.c.id.in_(there.with_only_columns(at.c.look))).order_by(look.c.id.desc()).limit(limit)
    if before is not None:
        page = page.where(look.c.id < before)
    rows = (await connection.execute(page)).all()
    seen: dict[int, list[str]] = {}
    refs = there.where(at.c.look.in_([row.id for row in rows])).order_by(at.c.ref)
    for row in await connection.execute(refs):
        seen.setdefault(row.look, []).append(row.ref)
    return [
        {
            "look": row.id,
            "at": row.at,
            "purpose": row.purpose,
            "service": row.service,
            "who": row.who,
            "kind": row.who_kind,
            "agency": row.agency,
            "roles": row.roles,
            "incident": row.incident,
            "references": seen.get(row.id, []),
        }
        for row in rows
    ]


async def likenesses(
    connection: AsyncConnection, *, partnerships: Collection[str] = (), incident: str | None = None
) -> list[dict[str, Any]]:
    """Subjects that may be one child, newest first; those erased since are left out."""
    likeness, erased = tables.likeness, select(tables.erasure.c.owner)
    found = select(likeness).where(likeness.c.known.not_in(erased), likeness.c.filed.not_in(erased))
    if partnerships:
        found = found.where(likeness.c.partnership.in_(partnerships))
    if incident is not None:
        found = found.where(likeness.c.incidents.contains([incident]))
    rows = await connection.execute(found.order_by(likeness.c.noticed_at.desc()).limit(500))
    return [
        {
            "subjects": [row.known, row.filed],
            "partnership": row.partnership,
            "incidents": row.incidents,
            "likenesses": row.likenesses,
            "events": row.events,
            "noticedAt": row.noticed_at,
        }
        for row in rows
    ]


async def quarantine(
    connection: AsyncConnection, *, partnerships: Collection[str] = (), before: str | None = None, limit: int = 50
) -> list[dict[str, Any]]:
    """Messages that nobody could read, newest first: where each came from, never what stood in it."""
    item, quarantined = tables.item, tables.quarantined
    found = select(item.c.ref, item.c.partnership, item.c.filed_at, item.c.sealed_at, quarantined).join(
        quarantined, quarantined.c.ref == item.c.ref
    )
    if partnerships:
        found = found.where(item.c.partnership.in_(partnerships))
    if before is not None:
        last = select(item.c.filed_at).where(item.c.ref == before).scalar_subquery()
        found = found.where((item.c.filed_at < last) | ((item.c.filed_at == last) & (item.c.ref < before)))
    rows = await connection.execute(found.order_by(item.c.filed_at.desc(), item.c.ref.desc()).limit(limit))
    return [
        {
            "reference": row.ref,
            "partnership": row.partnership,
            "agency": row.agency,
            "topic": row.topic,
            "partition": row.partition,
            "offset": row.offset,
            "reason": row.reason,
            "size": row.size,
            "sealedAt": row.sealed_at,
            "filedAt": row.filed_at,
        }
        for row in rows
    ]


async def unopened(connection: AsyncConnection) -> Sequence[Mapping[str, Any]]:
    """Parcels that could not be filed and wait for an operator where they are."""
    parcel = tables.unopened_parcel
    rows = await connection.execute(select(parcel).order_by(parcel.c.first_at).limit(500))
    return [
        {
            "parcel": row.parcel,
            "source": row.source,
            "sealingKey": row.key_id,
            "why": row.why,
            "firstAt": row.first_at,
            "lastAt": row.last_at,
        }
        for row in rows
    ]


async def count_unopened(connection: AsyncConnection) -> int:
    """How many parcels could not be filed: the signal `vault_parcels_unopened`."""
    return int(await connection.scalar(select(func.count()).select_from(tables.unopened_parcel)) or 0)
