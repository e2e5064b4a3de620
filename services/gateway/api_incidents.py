"""HTTP queries about incidents, their clocks, the calendar, the rules and the event types."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from contracts.access import may_propose
from contracts.catalogue import CATALOGUE
from contracts.rules import published
from services.gateway import agenda, queries
from services.gateway.directory import party_of
from services.gateway.history import at_a_glance, stated
from services.gateway.queries import ClockRow, IncidentRow
from services.gateway.sight import Viewer, clock_shown, task_shown
from shared.clock import Clock
from shared.database import Database, driver_of
from shared.days_off import calendar
from shared.eventlog import EventLog
from shared.http import Cursors, Problem, not_found
from shared.identity import Caller, caller
from shared.listed import directory
from shared.pages import page_of

Cursor = Annotated[str | None, Query(max_length=400)]
Limit = Annotated[int, Query(ge=1, le=200)]


@dataclass(frozen=True)
class Desk:
    """What the queries here need."""

    database: Database
    log: EventLog
    clock: Clock
    cursors: Cursors

    async def viewer(self, who: Annotated[Caller, Depends(caller)]) -> Viewer:
        """The caller as one who looks, under the directory of this moment: a right that was lost is gone at once.

        Problem 403 for whoever belongs to no agency listed here.
        """
        async with self.database.reading() as connection:
            known = await directory(connection)
        party = party_of(known, who)
        if party is None:
            remedy = "Only an agency's system, or a person of an agency listed here, may ask."
            raise Problem(403, "not-permitted", "Not permitted", remedy)
        return Viewer(party, known.agencies[party.agency].partnerships & who.partnerships, known)

    async def find(self, incident: str, viewer: Viewer) -> tuple[IncidentRow, dict[str, Any]]:
        """An incident that the viewer may see, and as it sees it. Problem 404 for any other, as for none."""
        if not incident.isprintable():
            raise not_found()
        async with self.database.reading() as connection:
            row = await queries.summary(connection, incident)
            shown = await at_a_glance(connection, viewer, row) if row else None
        if row is None or shown is None:
            raise not_found()
        return row, shown


def incidents_router(desk: Desk) -> APIRouter:
    """Incidents, deadlines, and what waits for the caller."""
    router = APIRouter(prefix="/v1", tags=["incidents"])
    Looks = Annotated[Viewer, Depends(desk.viewer)]  # noqa: N806 (an annotation, as FastAPI wants it)

    @router.get("/incidents", summary="The incidents that the caller may see; or those with something for it to do")
    async def incidents(
        viewer: Looks,
        cursor: Cursor = None,
        limit: Limit = 50,
        mine: Annotated[bool, Query(alias="waiting-for-me")] = False,
    ) -> Response:
        if mine:
            return await _waiting(desk, viewer)
        of = f"incidents of {viewer.party.agency}"
        begin: str = desk.cursors.decode(cursor, of=of)["after"] if cursor else ""
        asked: dict[str, Any] = {
            "partnerships": viewer.partnerships,
            "areas": viewer.party.areas,
            "agency": viewer.party.agency,
        }
        async with desk.database.reading() as connection:
            items, more = await page_of(
                lambda after, count: queries.incidents(connection, **asked, after=after, limit=count),
                lambda row: at_a_glance(connection, viewer, row),
                lambda row: row.id,
                begin,
                limit,
            )
        return _page(desk, items, more, of)

    @router.get("/incidents/{incident}", summary="One incident, with its clocks and how each was reckoned")
    async def incident(incident: str, viewer: Looks) -> Response:
        row, shown = await desk.find(incident, viewer)
        async with desk.database.reading() as connection:
            clocks = await queries.clocks(connection, row.id)
        told = [told for clock in clocks if (told := clock_shown(viewer, row, clock)) is not None]
        return _json(shown | {"clocks": told})

    @router.get("/incidents/{incident}/timeline", summary="What was stated about the incident, oldest first")
    async def timeline(incident: str, viewer: Looks) -> Response:
        row, _ = await desk.find(incident, viewer)
        async with desk.database.reading() as connection:
            return _json({"items": await stated(connection, desk.log, viewer, row)})

    @router.get("/deadlines", summary="The clocks that run in incidents the caller may see, the next due first")
    async def deadlines(viewer: Looks, cursor: Cursor = None, limit: Limit = 50) -> Response:
        of = f"deadlines of {viewer.party.agency}"
        due, name, key = desk.cursors.decode(cursor, of=of)["after"] if cursor else agenda.FIRST
        begin: agenda.Place = (due, name, key)
        asked: dict[str, Any] = {
            "partnerships": viewer.partnerships,
            "areas": viewer.party.areas,
            "agency": viewer.party.agency,
        }

        async def shown(of_one: tuple[IncidentRow, ClockRow]) -> dict[str, Any] | None:
            return clock_shown(viewer, *of_one)

        async with desk.database.reading() as connection:
            items, more = await page_of(
                lambda after, count: agenda.running(connection, **asked, after=after, limit=count),
                shown,
                lambda of_one: agenda.place_of(*of_one),
                begin,
                limit,
            )
        return _page(desk, items, more, of)

    return router


async def _waiting(desk: Desk, viewer: Viewer) -> Response:
    async with desk.database.reading() as connection:
        tasks = await queries.waiting_for(
            connection,
            areas=viewer.party.areas,
            partnerships=viewer.partnerships,
            roles=viewer.party.roles,
        )
        items = []
        for task in tasks:
            row = await queries.summary(connection, task.incident) if task.incident else None
            shown = await at_a_glance(connection, viewer, row) if row else None
            if task.incident is None or shown is not None:
                items.append(task_shown(viewer, task, row) | {"of": shown})
    return _json({"items": items})


def reference_router(desk: Desk) -> APIRouter:
    """The calendar, the rules and the event types."""
    router = APIRouter(prefix="/v1", tags=["reference"])
    Looks = Annotated[Viewer, Depends(desk.viewer)]  # noqa: N806 (an annotation, as FastAPI wants it)

    @router.get("/calendar", summary="The days that do not count, and proclaimed ones that await approval")
    async def days(viewer: Looks) -> Response:
        async with desk.database.reading() as connection:
            known = await calendar(connection)
            driver = await driver_of(connection)
            proposed = await driver.fetch(
                "select day, title, source, proposed_by from proclaimed_day"
                " where edition is null and partnership = any($1::text[]) order by day",
                sorted(viewer.partnerships),
            )
        return _json(
            {
                "edition": known.edition,
                "first": known.first,
                "last": known.last,
                "daysOff": [{"day": day, "title": title} for day, title in sorted(known.days_off.items())],
                "proposed": [
                    {"day": row[0], "title": row[1], "source": row[2], "proposedBy": row[3]} for row in proposed
                ],
            }
        )

    @router.get("/rules", summary="Every time rule with its editions, sources, and how far each is verified")
    async def rules(viewer: Looks) -> Response:
        mine = [
            rule for rule in published().records if rule.partnership is None or rule.partnership in viewer.partnerships
        ]
        return _json({"items": [rule.model_dump(mode="json") for rule in mine]})

    @router.get("/event-types", summary="Every event type: its versions, its owner, and what the caller may do with it")
    async def event_types(viewer: Looks) -> Response:
        return _json({"items": [_type(viewer, name) for name in CATALOGUE]})

    return router


def _type(viewer: Viewer, name: str) -> dict[str, Any]:
    entry = CATALOGUE[name]
    agreements = [viewer.directory.agreement(viewer.party.agency, each) for each in sorted(viewer.partnerships)]
    return {
        "name": name,
        "meaning": entry.meaning,
        "owner": entry.owner,
        "topic": entry.topic,
        "versions": [
            {
                "type": f"{name}.v{major}",
                "dataschema": entry.schema_of(major),
            }
            for major, _ in entry.versions()
        ],
        "mayPropose": any(may_propose(viewer.party, name, agreement, None).allowed for agreement in agreements),
        "mayRead": any(agreement is not None and name in agreement.may_read for agreement in agreements),
    }


def _page(desk: Desk, items: Sequence[Mapping[str, Any]], more: Any, of: str) -> Response:
    following = {} if more is None else {"next": desk.cursors.encode({"after": more}, of=of)}
    return _json({"items": items} | following)


def _json(body: Mapping[str, Any]) -> Response:
    return Response(orjson.dumps(body), media_type="application/json")
