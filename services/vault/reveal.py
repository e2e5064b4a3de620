"""Shows what is filed, for a stated purpose; the look is recorded and committed before anything is shown."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import orjson
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from contracts.vault import REACH, Purpose, may_look_for
from services.vault import tables
from services.vault.ciphers import Damaged, unlock
from services.vault.collector import Collector
from services.vault.key_store import KeyStore
from services.vault.looking import Asking
from services.vault.parcels import place_of
from services.vault.telling import tell
from shared.database import Appends, Database
from shared.identity import Caller
from shared.problems import Fault, Problem, not_found
from shared.telemetry import current_traceparent

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Shown:
    """One thing as it is shown: its value, or why there is none."""

    status: Literal["present", "erased", "damaged"]
    kind: str
    value: Any = None


class Reveal:
    """Answers looks at filed things."""

    def __init__(self, database: Database, event_log: Appends, keys: KeyStore, collector: Collector) -> None:
        self._database = database
        self._log = event_log
        self._keys = keys
        self._collector = collector

    async def reveal(self, refs: Sequence[str], asking: Asking, at: datetime) -> tuple[int | None, dict[str, Shown]]:
        """The number of the recorded look, and each thing by its reference, in one recorded look; none at nothing.

        Problems: 503 for what is not filed yet, 403 for a kind that the purpose does not reach, 404 for what belongs
        to another incident or partnership.
        """
        wanted = list(dict.fromkeys(refs))
        if not wanted:
            return None, {}
        rows = await self._filed(wanted)
        check(rows.values(), asking)
        look = await self.record(rows.values(), asking, at)
        return look, await self.open(rows)

    async def _filed(self, refs: Sequence[str]) -> dict[str, Any]:
        rows = await self._rows(refs)
        if len(rows) < len(refs):
            await self._collector.collect_all()
            rows = await self._rows(refs)
        missing = [ref for ref in refs if ref not in rows]
        if missing:
            raise not_yet_filed(missing)
        return rows

    async def _rows(self, refs: Sequence[str]) -> dict[str, Any]:
        async with self._database.reading() as connection:
            found = await connection.execute(select(tables.item).where(tables.item.c.ref.in_(refs)))
            rows = {row.ref: row for row in found}
        return {ref: rows[ref] for ref in refs if ref in rows}

    async def record(self, rows: Iterable[Any], asking: Asking, at: datetime) -> int:
        """Records a look, and the facts that tell the owners of it, and commits both. If that fails nothing may be
        shown: whatever it raises must go up."""
        seen = list(rows)
        async with self._database.transaction(self._log) as tx:
            mentioned = await _mentioned(tx.connection, [row.ref for row in seen])
            number = (await tx.connection.execute(_look(asking, at))).scalar_one()
            of = [
                {
                    "look": number,
                    "ref": row.ref,
                    "incident": row.incident,
                    "subject": row.subject,
                    "subjects": sorted({*mentioned.get(row.ref, ()), *([row.subject] if row.subject else [])}),
                }
                for row in seen
            ]
            await tx.connection.execute(insert(tables.looked_at), of)
            await tell(tx, int(number), asking, seen, {each["ref"]: each["subjects"] for each in of}, at)
        return int(number)

    async def open(self, rows: Mapping[str, Any]) -> dict[str, Shown]:
        """What is in them. Nobody may be shown anything of it, or of what follows from it, before `record`."""
        keys = await self._keys.for_reading({row.owner for row in rows.values()})
        return {ref: _shown(row, keys.get(row.owner)) for ref, row in rows.items()}


def _look(asking: Asking, at: datetime) -> Any:
    return (
        insert(tables.look)
        .values(
            at=at,
            purpose=asking.purpose,
            service=asking.service.id,
            who=asking.who.id,
            who_kind=asking.who.kind,
            agency=asking.who.agency,
            roles=sorted(asking.who.roles),
            incident=asking.incident,
            traceparent=current_traceparent(),
        )
        .returning(tables.look.c.id)
    )


async def _mentioned(connection: AsyncConnection, refs: Sequence[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for row in await connection.execute(select(tables.mention).where(tables.mention.c.ref.in_(refs))):
        found.setdefault(row.ref, []).append(row.subject)
    return found


def check(rows: Iterable[Any], asking: Asking) -> None:
    """Whether these things may be shown so. Raises Problem."""
    reach = REACH[asking.purpose]
    if reach.for_somebody and asking.who.kind == "service":
        detail = "Somebody must stand behind this purpose: send the person or agency on whose behalf you ask."
        raise Problem(403, "purpose-needs-somebody", "Not for this purpose", detail)
    if not may_look_for(asking.purpose, asking.who.kind, asking.who.roles):
        raise not_your_purpose(asking.who)
    for row in rows:
        if row.kind not in reach.kinds:
            allowed = ", ".join(sorted(reach.kinds))
            fault = Fault("/refs", "purpose-does-not-reach", "This purpose does not reach that kind of thing.", allowed)
            raise Problem(403, "purpose-does-not-reach", "Not for this purpose", fault.detail, [fault])
        elsewhere = asking.incident is not None and row.incident is not None and row.incident != asking.incident
        # no partnerships in the token means a service of the exchange itself, not a member of one
        foreign = bool(asking.who.partnerships) and row.partnership not in asking.who.partnerships
        if elsewhere or (foreign and row.incident not in {asking.incident, *asking.opened} - {None}):
            raise not_found()


def not_your_purpose(who: Caller) -> Problem:
    """403: a purpose that is not open to this role. It says nothing of what was asked for."""
    open_to_it = [one.value for one in Purpose if may_look_for(one, who.kind, who.roles)]
    detail = f"Open to you, as you are signed in: {', '.join(open_to_it) or 'no purpose'}."
    return Problem(403, "purpose-not-yours", "Not for this purpose", detail)


def not_yet_filed(refs: Sequence[str]) -> Problem:
    """503: the words are on their way, or their service is away; never a 404, since the reference is good."""
    return Problem(
        503,
        "not-yet-filed",
        "Not yet filed",
        "The vault has not collected this yet; send the same request again shortly.",
        headers={"Retry-After": "2"},
        more={"references": list(refs)},
    )


def _shown(row: Any, key: bytes | None) -> Shown:
    if key is None or row.ciphertext is None:
        return Shown("erased", row.kind)
    try:
        return Shown("present", row.kind, orjson.loads(unlock(key, bytes(row.ciphertext), bound_to(row))))
    except Damaged:
        log.critical("something filed does not open in its own place", extra={"ref": row.ref, "kind": row.kind})
        return Shown("damaged", row.kind)


def bound_to(row: Any) -> bytes:
    """What a filed row's ciphertext is bound to."""
    return place_of(
        ref=row.ref,
        owner=row.owner,
        kind=row.kind,
        incident=row.incident,
        subject=row.subject,
        partnership=row.partnership,
        sealed_at=row.sealed_at,
    )
