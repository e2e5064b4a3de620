"""`GET /v1/breach-reports/{of}`: who received what of an incident, or of one event, and whether they looked."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import httpx
import orjson
from fastapi import APIRouter, Depends, Path, Query
from starlette.responses import PlainTextResponse, Response

from contracts.codes import Role
from services.gateway import queries
from services.gateway.api_detail import Detail
from services.gateway.asking import asked, away
from services.gateway.breach import report
from services.gateway.history import is_host
from services.gateway.readable import breach_report
from services.gateway.sight import Viewer
from shared.credentials import CredentialsRefused, ServiceCredentials
from shared.database import driver_of
from shared.http import not_found
from shared.identity import Caller, IssuerUnavailable, audience_of, caller
from shared.telemetry import current_traceparent

Who = Annotated[Caller, Depends(caller)]
Of = Annotated[str, Path(pattern=r"^[A-Za-z0-9._:-]{1,64}$")]

_OF_EVENT = """
    select subject from fact where event_id = $1 and topic = 'safeguarding.incidents'
    union all select incident from filing where state::jsonb -> 'filed' ? $1 limit 1
    """


@dataclass(frozen=True)
class Breach:
    """What the route here needs. `delivery` has that service's base URL."""

    detail: Detail
    delivery: httpx.AsyncClient
    credentials: ServiceCredentials

    async def incident_of(self, of: str) -> tuple[str, str | None]:
        """The incident, and the event if it was one that was named. Problem 404 for neither."""
        if of.startswith("incident-"):
            return of, None
        async with self.detail.desk.database.reading() as connection:
            found = await (await driver_of(connection)).fetchval(_OF_EVENT, of)
        if found is None:
            raise not_found()
        return found, of

    async def deliveries(self, incident: str) -> list[dict[str, Any]]:
        """What delivery gave to whom. Problem 503 where it does not answer: a report without it would mislead."""
        try:
            headers = {"authorization": f"Bearer {await self.credentials.token(audience_of('delivery'))}"}
            if traceparent := current_traceparent():
                headers["traceparent"] = traceparent
            params = {"incident": incident}
            answer = await self.delivery.get("/internal/deliveries", params=params, headers=headers, timeout=30)
            answer.raise_for_status()
        except (httpx.HTTPError, IssuerUnavailable, CredentialsRefused):
            raise away("delivery") from None
        found: list[dict[str, Any]] = answer.json()["items"]
        return found

    async def looks(self, incident: str, who: Caller) -> list[dict[str, Any]]:
        """Every look at the incident, the oldest first."""
        items: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            page: Mapping[str, Any] = await asked(self.detail.vault.looks(caller=who, incident=incident, cursor=cursor))
            items += page["items"]
            cursor = page.get("next")
            if not cursor:
                return items[::-1]


def breach_router(breach: Breach) -> APIRouter:
    """The first page of a breach report, for the business unit of the authority that holds the duty.

    It names every agency that received something, and those do not all know of one another.
    """
    router = APIRouter(prefix="/v1", tags=["records"])
    desk = breach.detail.desk

    @router.get("/breach-reports/{of}", summary="Who received what, when, over which way, and whether they looked")
    async def first_page(
        of: Of,
        who: Who,
        viewer: Annotated[Viewer, Depends(desk.viewer)],
        form: Annotated[Literal["json", "text"], Query()] = "json",
    ) -> Response:
        if viewer.party.person is None or Role.BUSINESS_UNIT not in viewer.party.roles:
            raise not_found()
        incident, event = await breach.incident_of(of)
        row, _ = await desk.find(incident, viewer)
        if not is_host(viewer, row):
            raise not_found()
        async with desk.database.reading() as connection:
            facts = await queries.timeline(connection, desk.log, row.id)
        made = report(
            incident=row.id,
            event=event,
            facts=facts,
            deliveries=await breach.deliveries(row.id),
            looks=await breach.looks(row.id, who),
            name_of=viewer.directory.name_of,
            by=who.id,
            at=desk.clock.now(),
        )
        if form == "text":
            return PlainTextResponse(breach_report(made))
        return Response(orjson.dumps(made), media_type="application/json")

    return router
