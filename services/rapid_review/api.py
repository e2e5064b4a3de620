"""Queries about reviews, for the gateway on a caller's behalf: how they stand, and their words for a stated purpose."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query

from contracts.identifiers import IncidentId
from contracts.reviews import InformationRequested, RequestId
from contracts.vault import Purpose
from services.rapid_review import requests, views
from services.rapid_review.shelf import Behalf, Shelf, allow, party_of
from services.rapid_review.shown import Sighted, glance, request_shown, standing
from services.rapid_review.words import revealed
from shared.http import Cursors, Page, not_found
from shared.identity import Caller
from shared.listed import directory
from shared.pages import page_of
from shared.showing import fact_shown, filled, opened, references_in
from shared.vault_answers import asked
from shared.vault_client import VaultClient


def reviews_router(shelf: Shelf, vault: VaultClient, cursors: Cursors) -> APIRouter:
    """`GET /v1/reviews`, how one stands, its requests, and its words."""
    router = APIRouter(prefix="/v1/reviews", tags=["reviews"])

    @router.get("", summary="Reviews that the caller may see: how each stands, what waits, and by when")
    async def several(
        asking: Behalf,
        cursor: Annotated[str | None, Query(max_length=400)] = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
    ) -> Page[dict[str, Any]]:
        of = f"reviews of {asking.id}"
        after = cursors.decode(cursor, of=of)["after"] if cursor else ""
        async with shelf.database.reading() as connection:
            known = await directory(connection)
        party = party_of(asking, known)

        async def rows(after: str, count: int) -> Sequence[str]:
            async with shelf.database.reading() as connection:
                return await views.listed(connection, asking.partnerships, asking.agency or "", after, count)

        async def shown(incident: str) -> dict[str, Any] | None:
            if party is None:
                return None
            async with shelf.database.reading() as connection:
                return glance(await shelf.sight(connection, incident, party, asking, known))

        items, more = await page_of(rows, shown, str, after, limit)
        return Page(items=items, next=None if more is None else cursors.encode({"after": more}, of=of))

    @router.get("/{incident}", summary="How an incident's reviews stand, each clock with its reckoning")
    async def one(incident: IncidentId, asking: Behalf) -> dict[str, Any]:
        found = standing(await shelf.find(incident, asking))
        assert found is not None
        return found

    @router.get("/{incident}/detail", summary="What was said in them, in words; the look is recorded first")
    async def detail(incident: IncidentId, purpose: Purpose, asking: Behalf) -> dict[str, Any]:
        allow(purpose, asking)
        sighted = await shelf.find(incident, asking)
        facts = await in_words(sighted, sighted.facts, vault, purpose, asking)
        return {"incident": incident, "purpose": purpose, "facts": facts}

    @router.get("/{incident}/requests/{request}", summary="One request and its answers, in words; recorded first")
    async def request(incident: IncidentId, request: RequestId, purpose: Purpose, asking: Behalf) -> dict[str, Any]:
        allow(purpose, asking)
        sighted = await shelf.find(incident, asking)
        about = [(fact, seen) for fact, seen in sighted.facts if getattr(fact.data, "request", None) == request]
        stands = request_shown(sighted, request)
        if stands is None:  # what was asked was recalled, or is not in the agreement: nor is what was said to it
            raise not_found()
        facts = await in_words(sighted, about, vault, purpose, asking)
        told = {"incident": incident, "purpose": purpose, "request": stands, "facts": facts}
        data = next(
            (f.data for f, seen in about if isinstance(f.data, InformationRequested) and "reason" in seen), None
        )
        if data is None:
            return told
        words = await revealed(vault, list(requests.references(sighted, data)), purpose, asking, incident)
        children = requests.asked_about(sighted, data, words)
        return told | {"children": [each.model_dump(mode="json", by_alias=True) for each in children]}

    return router


async def in_words(
    sighted: Sighted, facts: Sequence[tuple[Any, Any]], vault: VaultClient, purpose: Purpose, asking: Caller
) -> list[Any]:
    """Facts as whoever looks sees them, their words revealed in one recorded look."""
    looker = sighted.looker
    open_ = looker.learns_addresses
    shown = [(fact, fact_shown(fact, seen, looker.party.agency, addresses=open_)) for fact, seen in facts]
    refs = [ref for fact, told in shown for ref in references_in(fact, told)]
    words = await asked(vault.reveal(refs, purpose=purpose, caller=asking, incident=looker.dossier.incident))
    return [filled(told, opened(words, addresses=open_)) for _, told in shown]
