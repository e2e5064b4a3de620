"""Erases by destroying a key, refuses under a legal hold, and says what remains for a person to decide about."""

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import delete, func, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.vault import tables
from services.vault.key_store import KeyStore
from services.vault.remembering import erased
from shared.database import Appends, Database, Transaction
from shared.identity import Caller
from shared.problems import Problem, not_found

log = logging.getLogger(__name__)

MAY_DECIDE = "business_unit"
"""The role whose decision an erasure or a hold is."""


@dataclass(frozen=True)
class Remains:
    """What an erasure leaves: references and ids only. Each needs a person's decision."""

    narratives: Sequence[str] = ()
    """Words that list the erased subject, filed under an incident."""
    documents: Sequence[str] = ()
    """Documents of the incidents that the subject is in."""
    identities: Sequence[str] = ()
    """Identities that came with the erased incident, filed under their subjects."""
    likely_same: Sequence[str] = ()
    """Subjects that may be the same child, each with a key of its own."""


@dataclass(frozen=True)
class Decision:
    """Who decided what about an owner of a key (a subject or an incident), and why."""

    owner: str
    by: Caller
    reason_ref: str
    at: datetime


class Erasure:
    """Destroys the keys of subjects and incidents."""

    def __init__(self, database: Database, event_log: Appends, keys: KeyStore) -> None:
        self._database = database
        self._log = event_log
        self._keys = keys

    async def propose(self, decision: Decision, act: Literal["proposed", "withdrawn"]) -> None:
        """One person proposes an erasure, or takes the proposal back. Problems: 403, 404, 409 under a legal hold."""
        async with self._database.transaction() as tx:
            await _in_turn(tx)
            await entitled(tx.connection, decision)
            if act == "proposed":
                await _refuse_if_held(tx.connection, decision.owner)
            await tx.connection.execute(insert(tables.erasure_proposal).values(**_row(decision), act=act))

    async def erase(self, decision: Decision) -> Remains:
        """Erases what another person proposed, and reports what remains; again does no more.

        Problems: 403, 404; 409 under a legal hold, and where nobody else has proposed it.
        """
        owner = decision.owner
        async with self._database.transaction(self._log) as tx:
            await _in_turn(tx)
            await entitled(tx.connection, decision)
            await _refuse_if_held(tx.connection, owner)
            row = _row(decision) | {"proposed_by": await _proposed_by_another(tx.connection, decision)}
            # the tombstone is first: a crash from here on is made good at the next start
            new = await tx.connection.execute(upsert(tables.erasure).values(row).on_conflict_do_nothing())
            if new.rowcount:
                partnership = await tx.connection.scalar(_partnership(owner))
                await tx.append(f"erasure-{owner}", 0, [erased(owner, str(partnership), decision.at)])
            await _forget_traits(tx, [owner])
        await self._keys.destroy([owner], decision.at)
        log.info("a key was destroyed", extra={"owner": owner})
        async with self._database.reading() as connection:
            return await _remains(connection, owner)

    async def hold(self, decision: Decision, act: Literal["placed", "lifted"]) -> None:
        """Places or lifts a legal hold. Problems: 403, 404."""
        async with self._database.transaction() as tx:
            await _in_turn(tx)
            await entitled(tx.connection, decision)
            await tx.connection.execute(insert(tables.hold).values(**_row(decision), act=act))

    async def reapply(self, at: datetime, told: Mapping[str, datetime] | None = None) -> int:
        """Makes good, at each start, what a restored backup brought back; how many keys had come back to life.

        Both databases remember every erasure, so either may have been restored; `told` is what the topic of erasures
        says, for the day on which both were.
        """
        async with self._database.reading() as connection:
            here = {row.owner for row in await connection.execute(select(tables.erasure.c.owner))}
        there = {**(told or {}), **await self._keys.erased()}
        async with self._database.transaction() as tx:
            for owner in sorted(there.keys() - here):
                await tx.connection.execute(upsert(tables.erasure).values(owner=owner, at=there[owner]))
            await _forget_traits(tx, sorted(here | there.keys()))
        revived = await self._keys.destroy(here | there.keys(), at) if here or there else 0
        if revived:
            log.warning("keys that a restore had brought back were destroyed again", extra={"keys": revived})
        return revived


def _row(decision: Decision) -> dict[str, Any]:
    return {
        "owner": decision.owner,
        "decided_by": decision.by.id,
        "agency": decision.by.agency,
        "reason_ref": decision.reason_ref,
        "at": decision.at,
    }


_TURN = func.hashtext("holds-and-erasures")


async def _in_turn(tx: Transaction) -> None:
    """A hold and an erasure never pass each other unseen, nor an erasure and a filing."""
    await tx.connection.execute(select(func.pg_advisory_xact_lock(_TURN)))


async def erased_among(tx: Transaction, owners: Collection[str]) -> set[str]:
    """Those who were erased; nobody else is until the transaction ends."""
    if not owners:
        return set()
    await tx.connection.execute(select(func.pg_advisory_xact_lock_shared(_TURN)))
    erased = select(tables.erasure.c.owner).where(tables.erasure.c.owner.in_(owners))
    return set((await tx.connection.execute(erased)).scalars())


async def _refuse_if_held(connection: AsyncConnection, owner: str) -> None:
    held = await holds(connection, await touching(connection, owner))
    if held:
        detail = "Lift the hold first; until then nothing of this is erased."
        raise Problem(409, "legal-hold", "Under a legal hold", detail, more={"held": held})


async def open_proposals(connection: AsyncConnection, owners: Collection[str] | None = None) -> list[dict[str, Any]]:
    """Proposed erasures that nobody has decided or taken back, of these owners or of all."""
    said, erased = tables.erasure_proposal, select(tables.erasure.c.owner)
    latest = select(said).distinct(said.c.owner).where(said.c.owner.not_in(erased))
    if owners is not None:
        latest = latest.where(said.c.owner.in_(owners))
    rows = await connection.execute(latest.order_by(said.c.owner, said.c.id.desc()))
    return [
        {
            "owner": row.owner,
            "proposedBy": row.decided_by,
            "agency": row.agency,
            "at": row.at,
            "reasonRef": row.reason_ref,
        }
        for row in rows
        if row.act == "proposed"
    ]


async def _proposed_by_another(connection: AsyncConnection, decision: Decision) -> str | None:
    done = select(tables.erasure.c.owner).where(tables.erasure.c.owner == decision.owner)
    if await connection.scalar(done) is not None:
        return None  # it is erased already
    proposals = await open_proposals(connection, [decision.owner])
    if not proposals or proposals[0]["proposedBy"] == decision.by.id:
        detail = "Erasing takes two people: one proposes it, another one decides."
        raise Problem(409, "needs-a-second-person", "Nobody else has proposed this", detail)
    return str(proposals[0]["proposedBy"])


def _partnership(owner: str) -> Any:
    item = tables.item
    return select(item.c.partnership).where((item.c.owner == owner) | (item.c.incident == owner)).limit(1)


async def entitled(connection: AsyncConnection, decision: Decision) -> None:
    """Whether this person may decide about a record: its own partnership's business unit. Problems: 403, 404."""
    by = decision.by
    if by.kind != "person" or MAY_DECIDE not in by.roles:
        raise Problem(403, "not-permitted", "Not permitted", f"A person with the role {MAY_DECIDE} decides this.")
    item = tables.item
    theirs = select(item.c.partnership).where((item.c.owner == decision.owner) | (item.c.incident == decision.owner))
    partnerships = set((await connection.execute(theirs.distinct())).scalars())
    if not partnerships or not partnerships <= by.partnerships:
        raise not_found()


async def touching(connection: AsyncConnection, owner: str) -> list[str]:
    """An owner and, of a subject, the incidents it is in; of an incident, the subjects that came with it."""
    item, mention = tables.item, tables.mention
    incidents = select(item.c.incident).where(item.c.subject == owner, item.c.incident.is_not(None))
    spoken_of = select(item.c.incident).join(mention, mention.c.ref == item.c.ref).where(mention.c.subject == owner)
    subjects = select(item.c.subject).where(item.c.incident == owner, item.c.subject.is_not(None))
    found = await connection.execute(incidents.union(spoken_of, subjects))
    return [owner, *sorted(one for one in found.scalars() if one is not None)]


async def holds(connection: AsyncConnection, owners: Collection[str]) -> list[str]:
    """Those among them on whom a legal hold stands."""
    hold = tables.hold
    latest = select(hold.c.owner, hold.c.act).distinct(hold.c.owner).where(hold.c.owner.in_(owners))
    rows = await connection.execute(latest.order_by(hold.c.owner, hold.c.id.desc()))
    return [row.owner for row in rows if row.act == "placed"]


async def _forget_traits(tx: Transaction, owners: Collection[str]) -> None:
    await tx.connection.execute(delete(tables.trait).where(tables.trait.c.subject.in_(owners)))


async def _remains(connection: AsyncConnection, owner: str) -> Remains:
    item, mention, likeness = tables.item, tables.mention, tables.likeness
    erased = select(tables.erasure.c.owner)
    there = item.c.owner.not_in(erased) & item.c.ciphertext.is_not(None)
    spoken_of = select(item.c.ref).join(mention, mention.c.ref == item.c.ref).where(mention.c.subject == owner, there)
    incidents = [one for one in await touching(connection, owner) if one.startswith("incident-")]
    documents = select(item.c.ref).where(item.c.kind == "document", item.c.incident.in_(incidents), there)
    identities = select(item.c.ref).where(item.c.kind == "identity", item.c.incident == owner, there)
    pairs = select(likeness.c.known, likeness.c.filed).where((likeness.c.known == owner) | (likeness.c.filed == owner))
    twins = {one for row in await connection.execute(pairs) for one in row} - {owner}
    living = set((await connection.execute(erased.where(tables.erasure.c.owner.in_(twins)))).scalars())
    return Remains(
        narratives=sorted((await connection.execute(spoken_of.where(item.c.kind != "identity"))).scalars()),
        documents=sorted((await connection.execute(documents)).scalars()),
        identities=sorted((await connection.execute(identities)).scalars()),
        likely_same=sorted(twins - living),
    )
