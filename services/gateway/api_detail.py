"""Detail on request: an incident and a child in words, for a stated purpose, the look recorded before its answer."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Query
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.responses import Response

from contracts.codes import Role
from contracts.identifiers import IncidentId, SubjectId
from contracts.vault import Purpose
from services.gateway import queries
from services.gateway.api_incidents import Desk
from services.gateway.asking import allow, asked
from services.gateway.history import OF_TWO, about_the_viewer, at_a_glance, is_host, kept_from, stated
from services.gateway.queries import IncidentRow
from services.gateway.sight import Viewer, references_in
from services.gateway.subjects import MOST, incidents_with, joined_with
from shared.http import not_found
from shared.identity import Caller, caller
from shared.showing import filled, opened
from shared.vault_client import VaultClient

Who = Annotated[Caller, Depends(caller)]

READS_OF_ALL = frozenset({Role.APPROVER, Role.BUSINESS_UNIT, Role.SCRUTINEER})
"""Roles of the authority that holds the duty which are told of every look; others of those at their own words."""


@dataclass(frozen=True)
class Seen:
    """A child as it stands in one incident that the viewer may see: codes, and the reference to who it is."""

    subject: str
    row: IncidentRow
    incident: Mapping[str, Any]
    child: Mapping[str, Any]


@dataclass(frozen=True)
class Detail:
    """What the routes here need."""

    desk: Desk
    vault: VaultClient

    async def child(self, viewer: Viewer, subject: str) -> list[Seen]:
        """The child in every incident in which the viewer may see it, with those it was found to be. Problem 404 where
        there is none, as for no such child."""
        found: list[Seen] = []
        async with self.desk.database.reading() as connection:
            asked_for, known = [subject], {subject}
            while asked_for:
                one = asked_for.pop(0)
                seen = await self._in_incidents(connection, viewer, one)
                found += seen
                # a merge joins views for whoever sees both sides of it, and only from a side that is seen
                joined = await joined_with(connection, [each.row.id for each in seen], one)
                new = [other for other in joined if other not in known][: MOST - len(known)]
                known.update(new)
                asked_for += new
        if not any(each.subject == subject for each in found):
            raise not_found()
        return found

    async def _in_incidents(self, connection: AsyncConnection, viewer: Viewer, subject: str) -> list[Seen]:
        found = []
        for incident in await incidents_with(connection, subject):
            row = await queries.summary(connection, incident)
            shown = await at_a_glance(connection, viewer, row) if row else None
            if row is None or shown is None:
                continue
            facts = await stated(connection, self.desk.log, viewer, row)
            child = latest_child(facts, subject)
            if child is not None:
                found.append(Seen(subject, row, shown, child))
        return found


def latest_child(facts: Iterable[Mapping[str, Any]], subject: str) -> Mapping[str, Any] | None:
    """The child as last said, in what a viewer is shown; None where it sees no children. Pure."""
    said = [child for fact in facts for child in fact["data"].get("children") or () if child.get("subject") == subject]
    return said[-1] if said else None


def detail_router(detail: Detail) -> APIRouter:
    """An incident's words, a child, and who read them."""
    router = APIRouter(prefix="/v1")
    Looks = Annotated[Viewer, Depends(detail.desk.viewer)]  # noqa: N806 (an annotation, as FastAPI wants it)

    @router.get("/incidents/{incident}/detail", tags=["incidents"], summary="The incident in words, the look recorded")
    async def incident(incident: IncidentId, purpose: Purpose, who: Who, viewer: Looks) -> Response:
        allow(purpose, who)
        row, shown = await detail.desk.find(incident, viewer)
        async with detail.desk.database.reading() as connection:
            facts = await stated(connection, detail.desk.log, viewer, row)
            kept = await kept_from(connection, viewer, row)
        own = references_in([fact for fact in facts if fact["type"] not in OF_TWO])
        of_two = [ref for ref in references_in(facts) if ref not in own]
        words = await asked(detail.vault.reveal(own, purpose=purpose, caller=who, incident=row.id))
        words |= await asked(detail.vault.reveal(of_two, purpose=purpose, caller=who, opened=[row.id]))
        return _json({"incident": shown, "purpose": purpose, "facts": filled(facts, opened(words, addresses=not kept))})

    @router.get("/subjects/{subject}", tags=["subjects"], summary="A child in each incident it is in, recorded")
    async def subject(subject: SubjectId, purpose: Purpose, who: Who, viewer: Looks) -> Response:
        allow(purpose, who)
        seen = await detail.child(viewer, subject)
        refs = references_in([{"data": each.child} for each in seen])
        open_ = {each.row.id for each in seen}
        words = await asked(detail.vault.reveal(refs, purpose=purpose, caller=who, opened=open_))
        async with detail.desk.database.reading() as connection:
            kept = {each.row.id: await kept_from(connection, viewer, each.row) for each in seen}
        told = [
            {"incident": each.incident, "child": filled(each.child, opened(words, addresses=not kept[each.row.id]))}
            for each in seen
        ]
        joined = sorted({each.subject for each in seen} - {subject})
        return _json({"subject": subject, "purpose": purpose, "foundToBe": joined, "incidents": told})

    @router.get("/incidents/{incident}/reads", tags=["incidents"], summary="Who read it: whole, or one's own words")
    async def reads(
        incident: IncidentId,
        who: Who,
        viewer: Looks,
        cursor: Annotated[str | None, Query(max_length=400)] = None,
    ) -> Response:
        row, _ = await detail.desk.find(incident, viewer)
        whole = is_host(viewer, row) and bool(viewer.party.roles & READS_OF_ALL)
        owner = None if whole else viewer.party.agency
        async with detail.desk.database.reading() as connection:
            hidden = await about_the_viewer(connection, detail.desk.log, viewer, row)
        page = await asked(detail.vault.looks(caller=who, incident=row.id, owner=owner, cursor=cursor))
        return _json(page | {"items": list(_less(page["items"], hidden))})

    return router


def _less(looks: Iterable[Mapping[str, Any]], hidden: set[str]) -> Iterator[Mapping[str, Any]]:
    """The looks without what is hidden; none of those at nothing else."""
    for look in looks:
        references = [ref for ref in look["references"] if ref not in hidden]
        if references or not look["references"]:
            yield {**look, "references": references}


def _json(body: Mapping[str, Any]) -> Response:
    return Response(orjson.dumps(body), media_type="application/json")
