"""What is due under the retention schedule, and which class a record is of: for a person who decides.

The vault does not know whose to decide a record is. It says of which records something is due, is told of which of them
the person may hear, and records looks at these alone.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
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
from services.vault.reveal import Reveal, Shown
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

    async def owners(self, service: Caller, who: Caller, until: date, at: datetime) -> list[str]:
        """Those in the person's own partnerships who are due by that day, or cannot be reckoned; nothing else of them.
        The asking is recorded as a search. Problem 403."""
        _allow(who)
        await record_search(self._database, service, who, "retention_due", [until.isoformat()], at)
        return [one.owner for one, _ in await self._reckoned(who, until)]

    async def due(self, owners: Collection[str], service: Caller, who: Caller, until: date, at: datetime) -> Listed:
        """What is due by that day of these alone. The asking is recorded as a search, and where a class counts from
        birth each identity of what is listed as a look, before any of it is told. Problem 403."""
        _allow(who)
        await record_search(self._database, service, who, "retention_due", [until.isoformat(), *sorted(owners)], at)
        reckoned = await self._reckoned(who, until, frozenset(owners))
        if looked_at := [row for _, identities in reckoned for row in identities]:
            await self._reveal.record(looked_at, Asking(service, who, Purpose.ERASURE_REVIEW), at)
        async with self._database.reading() as connection:
            told = [await _told(connection, one) for one, _ in reckoned]
        return Listed([one for one in told if one["due"]], [one for one in told if not one["due"]])

    async def classify(self, decision: Decision, record_class: str) -> None:
        """Gives a record another class of the schedule. Problems: 403, 404, 422."""
        line = schedule().get(record_class)
        of = decision.owner.partition("-")[0]
        if line is None or line.of != of:
            allowed = ", ".join(each.id for each in schedule().values() if each.of == of)
            fault = Fault("/recordClass", "not-in-the-schedule", f"For this the schedule has {allowed}.", allowed)
            raise Problem(422, "invalid", "No such class", fault.detail, [fault])
        row: dict[str, Any] = {"owner": decision.owner, "record_class": record_class, "decided_by": decision.by.id}
        row |= {"agency": decision.by.agency, "reason_ref": decision.reason_ref}
        async with self._database.transaction() as tx:
            await entitled(tx.connection, decision)
            await tx.connection.execute(insert(tables.record_class).values(**row, at=decision.at))

    async def _reckoned(
        self, who: Caller, until: date, owners: frozenset[str] | None = None
    ) -> list[tuple[Due, Sequence[Any]]]:
        """What is due, of these owners or of all, with the identities from whose dates of birth that follows."""
        async with self._database.reading() as connection:
            kept = [k for k in await _kept(connection, who.partnerships) if owners is None or k.owner in owners]
            identities = await _identities(connection, kept)
        # no look yet: nobody is shown what is reckoned here before one is recorded
        shown = await self._reveal.open({row.ref: row for rows in identities.values() for row in rows})
        born = {subject: _birth([shown[row.ref] for row in rows]) for subject, rows in identities.items()}
        reckoned = due([Kept(k.owner, k.record_class, k.last_filed, born.get(k.owner)) for k in kept])
        return [(one, identities.get(one.owner, ())) for one in reckoned if one.on is None or one.on <= until]


def _allow(who: Caller) -> None:
    if who.kind != "person" or MAY_DECIDE not in who.roles:
        raise Problem(403, "not-permitted", "Not permitted", f"A person with the role {MAY_DECIDE} asks this.")


async def _identities(connection: AsyncConnection, kept: Collection[Kept]) -> Mapping[str, Sequence[Any]]:
    """The identities of those whose class counts from birth, the oldest first."""
    subjects = [each.owner for each in kept if schedule()[each.record_class].counted_from == "birth"]
    found: dict[str, list[Any]] = {}
    if subjects:
        item = tables.item
        theirs = select(item).where(item.c.kind == "identity", item.c.subject.in_(subjects))
        for row in await connection.execute(theirs.order_by(item.c.sealed_at, item.c.ref)):
            found.setdefault(row.subject, []).append(row)
    return found


def _birth(identities: Iterable[Shown]) -> date | None:
    """By the newest identity that has a date."""
    days = [day for one in identities if (day := (one.value or {}).get("dateOfBirth"))]
    return date.fromisoformat(days[-1]) if days else None


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
