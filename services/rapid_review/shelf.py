"""Finds an incident's reviews for whoever asks: what is not theirs is not there."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncConnection

from contracts.access import Matter, Party
from contracts.directory import Directory
from contracts.envelope import AnyEvent
from contracts.matters import incidents_of
from contracts.vault import Purpose, may_look_for
from services.rapid_review import views
from services.rapid_review.access import Looker, asked_in, visible
from services.rapid_review.shown import Sighted, standing
from services.rapid_review.streams import PRACTICE, REVIEW, practice_of, review_of
from shared.clock import Clock
from shared.database import Database
from shared.eventlog import EventLog
from shared.http import Problem, not_found
from shared.identity import Caller, caller, on_behalf_of
from shared.listed import directory


def behalf(request: Request, who: Annotated[Caller, Depends(caller)]) -> Caller:
    """The one for whom the gateway asks; nobody else gets an answer here."""
    asking = on_behalf_of(who, request)
    if asking.kind == "service":
        raise not_found()
    return asking


Behalf = Annotated[Caller, Depends(behalf)]


@dataclass(frozen=True)
class Shelf:
    """Where reviews are kept."""

    database: Database
    log: EventLog
    clock: Clock

    async def find(self, incident: str, asking: Caller) -> Sighted:
        """Both reviews as they exist for this caller. Problem 404 where neither does, as for none."""
        async with self.database.reading() as connection:
            known = await directory(connection)
            party = party_of(asking, known)
            sighted = await self.sight(connection, incident, party, asking, known) if party else None
        if sighted is None or standing(sighted) is None:
            raise not_found()
        return sighted

    async def sight(
        self, connection: AsyncConnection, incident: str, party: Party, asking: Caller, known: Directory
    ) -> Sighted:
        """Both reviews of an incident, with the facts that exist for a party; that may be none."""
        dossier = await views.dossier_of(connection, incident)
        rapid = await self.log.load(connection, review_of(incident))
        practice = await self.log.load(connection, practice_of(incident))
        state = REVIEW.fold(rapid)
        others = await _others(connection, incident, [*rapid, *practice])
        looker = Looker(party, asking.partnerships, known, dossier, asked_in(state), others)
        facts = visible(looker, [*rapid, *practice])
        return Sighted(looker, state, PRACTICE.fold(practice), facts, self.clock.now())


def party_of(asking: Caller, known: Directory) -> Party | None:
    """The caller as the directory knows them; None for one of an agency that it does not know."""
    person = asking.id if asking.kind == "person" else None
    return known.member(asking.agency or "", person, asking.roles)


def allow(purpose: Purpose, who: Caller) -> None:
    """Problem 403 for a purpose that the caller's role does not serve, before anything is looked up."""
    if not may_look_for(purpose, who.kind, who.roles):
        detail = "Look for a purpose that your role serves: contracts/vault.py has the table."
        raise Problem(403, "purpose-not-yours", "Not for this purpose", detail)


async def _others(connection: AsyncConnection, incident: str, facts: Collection[AnyEvent]) -> dict[str, Matter]:
    """The further incidents that facts tell of: whoever is shown one must be entitled to all."""
    named = {name for fact in facts for name in incidents_of(fact)} - {incident}
    found = {name: (await views.dossier_of(connection, name)).matter for name in sorted(named)}
    return {name: matter for name, matter in found.items() if matter is not None}
