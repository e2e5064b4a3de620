"""An incident as it stands, for whoever is about to decide about it: folded from the log, with what was heard."""

from collections.abc import Collection, Iterable
from dataclasses import replace

from contracts.envelope import AnyEvent
from services.gateway.incident import Incident, decide, evolve
from services.gateway.views import asked_ahead, filing_of, filings_ahead, lock
from shared.database import Transaction
from shared.decider import Aggregate
from shared.eventlog import EventLog

INCIDENT: Aggregate[Incident | None] = Aggregate(None, decide, evolve)  # type: ignore[arg-type]
"""For `Work`: to be decided with the gateway's own `Context`."""


def after(known: Incident, facts: Iterable[AnyEvent]) -> Incident:
    """An incident after further facts of its own."""
    for fact in facts:
        known = evolve(known, fact)
    return known


async def incident(tx: Transaction, log: EventLog, name: str) -> tuple[Incident | None, list[AnyEvent]]:
    """The incident and its facts, held against every other decision until the transaction ends."""
    if ("held", name) not in tx.known:
        await lock(tx, [name])
    facts = await log.load(tx, name)
    return await _standing(tx, facts), facts


async def ahead(tx: Transaction, log: EventLog, names: Collection[str]) -> None:
    """Hold several incidents and read what `incident` needs of them, in as many round trips as for one."""
    tx.known |= {("held", name): True for name in await lock(tx, names)}
    await log.read_ahead(tx, names)
    await filings_ahead(tx, names)
    await asked_ahead(tx, names)


async def related(tx: Transaction, log: EventLog, names: Iterable[str]) -> dict[str, Incident]:
    """Further incidents that a decision needs, those that exist, with the referrals linked to them, held alike."""
    found = await _each(tx, log, names)
    twins = frozenset[str]().union(*(known.twins for known in found.values())) - found.keys()
    return found | await _each(tx, log, twins)


async def _each(tx: Transaction, log: EventLog, names: Iterable[str]) -> dict[str, Incident]:
    known = {name: await _standing(tx, await log.load(tx, name)) for name in await lock(tx, names)}
    return {name: standing for name, standing in known.items() if standing is not None}


async def _standing(tx: Transaction, facts: Iterable[AnyEvent]) -> Incident | None:
    folded: Incident | None = None
    for fact in facts:
        folded = evolve(folded, fact)
    return replace(folded, filing=await filing_of(tx, folded.id)) if folded else None
