"""What is due under the retention schedule, and which class a record is of: for a person who decides."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from contracts.vault import Purpose
from services.vault import tables
from services.vault.erasure import MAY_DECIDE, Decision, entitled, holds, open_proposals, touching
from services.vault.looking import Asking, record_search
from services.vault.retention import Due, Kept, default_class, due, schedule
from services.vault.reveal import Reveal
from shared.database import Database
from shared.identity import Caller
from shared.london import london_date
from shared.problems import Fault, Problem


@dataclass(frozen=True)
class Listed:
    """What is due, and what nobody can reckon."""

    due: list[dict[str, Any]]
    cannot_be_reckoned: list[dict[str, Any]]


class Retaining:
    """Lists and classifies; erases nothing."""

    def __init__(self, database: Database, reveal: Reveal) -> None:
        self._database = database
        self._reveal = reveal

    async def due(self, service: Caller, who: Caller, until: date, at: datetime) -> Listed:
        """What is due by that day in the person's own partnerships. The asking is recorded as a search, and where a
        class counts from birth each identity that is opened for it as a look. Problem 403."""
        if who.kind != "person" or MAY_DECIDE not in who.roles:
            raise Problem(403, "not-permitted", "Not permitted", f"A person with the role {MAY_DECIDE} asks this.")
        await record_search(self._database, service, who, "retention_due", [until.isoformat()], at)
        async with self._database.reading() as connection:
            kept = await _kept(connection, who.partnerships)
        born = await self._born(kept, Asking(service, who, Purpose.ERASURE_REVIEW), at)
        reckoned = due([Kept(k.owner, k.record_class, k.last_filed, born.get(k.owner)) for k in kept])
        async with self._database.reading() as connection:
            told = [await _told(connection, one) for one in reckoned if one.on is None or one.on <= until]
        return Listed([one for one in told if one["due"]], [one for one in told if not one["due"]])

    async def classify(self, decision: Decision, record_class: str) -> None:
        """Gives a record another class of the schedule. Problems: 403, 404, 422."""
        line = schedule().get(record_class)
        of = decision.owner.partition("-")[0]
        if line is None or line.of != of:
            allowed = ", ".join(each.id for each in schedule().values() if each.of == of)
            fault = Fault("/recordClass", "not-in-the-schedule", "The schedule has no such class of this.", allowed)
            raise Problem(422, "invalid", "No such class", fault.detail, [fault])
        row: dict[str, Any] = {"owner": decision.owner, "record_class": record_class, "decided_by": decision.by.id}
        row |= {"agency": decision.by.agency, "reason_ref": decision.reason_ref}
        async with self._database.transaction() as tx:
            await entitled(tx.connection, decision)
            await tx.connection.execute(insert(tables.record_class).values(**row, at=decision.at))

    async def _born(self, kept: Collection[Kept], asking: Asking, at: datetime) -> Mapping[str, date]:
        subjects = [each.owner for each in kept if schedule()[each.record_class].counted_from == "birth"]
        if not subjects:
            return {}
        item = tables.item
        identities = select(item.c.ref, item.c.subject).where(item.c.kind == "identity", item.c.subject.in_(subjects))
        async with self._database.reading() as connection:
            whose = {row.ref: row.subject for row in await connection.execute(identities.order_by(item.c.sealed_at))}
        _, shown = await self._reveal.reveal(list(whose), asking, at)
        # the newest identity that has a date counts
        days = {whose[ref]: (one.value or {}).get("dateOfBirth") for ref, one in shown.items()}
        return {subject: date.fromisoformat(day) for subject, day in days.items() if day}


async def _kept(connection: AsyncConnection, partnerships: Collection[str]) -> list[Kept]:
    """Every record under a key of its own that is not erased, with the day something was last filed about it."""
    item, mention, erased = tables.item, tables.mention, select(tables.erasure.c.owner)
    last = func.max(item.c.filed_at).label("last")
    within = item.c.partnership.in_(partnerships)
    incidents = select(item.c.incident.label("owner"), last).where(item.c.incident.is_not(None), within)
    subjects = select(item.c.subject.label("owner"), last).where(item.c.subject.is_not(None), within)
    spoken_of = select(mention.c.subject.label("owner"), last).join(item, item.c.ref == mention.c.ref).where(within)
    found = (
        incidents.group_by(item.c.incident)
        .union_all(subjects.group_by(item.c.subject), spoken_of.group_by(mention.c.subject))
        .subquery()
    )
    each = select(found.c.owner, func.max(found.c.last).label("last")).where(found.c.owner.not_in(erased))
    rows = (await connection.execute(each.group_by(found.c.owner).order_by(found.c.owner))).all()
    chosen = tables.record_class
    latest = select(chosen.c.owner, chosen.c.record_class).distinct(chosen.c.owner)
    latest = latest.order_by(chosen.c.owner, chosen.c.id.desc())
    classes = {row.owner: row.record_class for row in await connection.execute(latest)}
    return [
        Kept(row.owner, classes.get(row.owner) or default_class(row.owner).id, london_date(row.last)) for row in rows
    ]


async def _told(connection: AsyncConnection, one: Due) -> dict[str, Any]:
    line = one.record_class
    proposals = await open_proposals(connection, [one.owner])
    return {
        "owner": one.owner,
        "due": one.on.isoformat() if one.on else None,
        "recordClass": line.id,
        "years": line.years,
        "from": line.counted_from,
        "source": line.source,
        "status": line.status,
        "held": await holds(connection, await touching(connection, one.owner)),
        "proposedBy": proposals[0]["proposedBy"] if proposals else None,
    }
