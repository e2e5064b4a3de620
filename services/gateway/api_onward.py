"""What the gateway asks of other services on a caller's behalf: notifications, their copies, and documents."""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Depends, Header, Query, Request
from starlette.responses import Response, StreamingResponse

from contracts.access import may_propose
from contracts.catalogue import CATALOGUE
from contracts.identifiers import IncidentId, Reference
from contracts.vault import Purpose
from services.gateway import queries
from services.gateway.api_incidents import Desk
from services.gateway.asking import allow, asked, away
from services.gateway.history import is_host, kept_from
from services.gateway.passing import Passing
from services.gateway.queries import IncidentRow
from services.gateway.sight import Viewer, references_in
from shared.http import Problem, not_found
from shared.identity import Caller, caller
from shared.vault_client import VaultClient

LARGEST_DOCUMENT = 25 * 1024 * 1024 + 1024
"""Bytes; the vault holds the limit of 25 MB itself, and says so."""

NOTIFICATION = ("notification.drafted", "notification.submitted")
"""Who may read one of these, for that one there is a notification; its owner decides about each state of it."""

Who = Annotated[Caller, Depends(caller)]
Form = Literal["json", "csv", "pdf"]


@dataclass(frozen=True)
class Onward:
    """What the routes here need."""

    desk: Desk
    vault: VaultClient
    notifications: Passing
    rapid_review: Passing


def onward_router(onward: Onward) -> APIRouter:
    """Notifications and their copies, and documents."""
    router = APIRouter(prefix="/v1")
    Looks = Annotated[Viewer, Depends(onward.desk.viewer)]  # noqa: N806 (an annotation, as FastAPI wants it)

    @router.get("/notifications", tags=["notifications"], summary="Notifications that the caller may see")
    async def notifications(
        who: Who,
        viewer: Looks,
        cursor: Annotated[str | None, Query(max_length=400)] = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
    ) -> Response:
        page = {"limit": str(limit)} | ({"cursor": cursor} if cursor else {})
        return await onward.notifications.ask("/v1/notifications", who, page)

    @router.get("/notifications/{incident}", tags=["notifications"], summary="One notification")
    async def notification(incident: IncidentId, who: Who, viewer: Looks) -> Response:
        row = await _find_notification(onward.desk, incident, viewer)
        answer = await onward.notifications.ask(f"/v1/notifications/{incident}", who)
        return _without_content(answer) if await _kept_from(onward.desk, viewer, row) else answer

    @router.get("/notifications/{incident}/exports/{form}", tags=["notifications"], summary="A copy, recorded")
    async def export(
        incident: IncidentId,
        form: Form,
        purpose: Purpose,
        who: Who,
        viewer: Looks,
        version: Annotated[int | None, Query(ge=1, le=10_000)] = None,
        filing: bool | None = None,
    ) -> Response:
        allow(purpose, who)
        row = await _find_notification(onward.desk, incident, viewer)
        if await _kept_from(onward.desk, viewer, row):
            raise not_found()  # a copy holds addresses, and its owner knows of one incident alone
        wanted = {"purpose": purpose.value}
        wanted |= {} if filing is None else {"filing": str(filing).lower()}
        wanted |= {"version": str(version)} if version else {}
        return await onward.notifications.ask(f"/v1/notifications/{incident}/exports/{form}", who, wanted)

    @router.post(
        "/documents",
        tags=["documents"],
        status_code=201,
        max_body_size=LARGEST_DOCUMENT,
        summary="File a document about an incident; 25 MB at most",
    )
    async def file(
        request: Request,
        incident: IncidentId,
        who: Who,
        viewer: Looks,
        document_name: Annotated[str, Header(max_length=300)] = "",
    ) -> Response:
        row = await _find_for_documents(onward.desk, incident, viewer)
        _has_a_say(viewer, row)
        filed = await asked(
            onward.vault.file_document(
                request.stream(),
                incident=row.id,
                partnership=row.partnership,
                caller=who,
                name=document_name,
                declared=_media_type(request.headers.get("content-type", "")),
            )
        )
        told = {"ref": filed.ref, "mediaType": filed.media_type, "size": filed.size, "sha256": filed.sha256}
        return _json(told, 201, {"location": f"/v1/documents/{filed.ref}?incident={row.id}"})

    @router.get(
        "/documents/{ref}",
        tags=["documents"],
        summary="A document, the look recorded: for the authority, for whoever is told of it, and for its own agency",
    )
    async def fetch(ref: Reference, incident: IncidentId, purpose: Purpose, who: Who, viewer: Looks) -> Response:
        allow(purpose, who)
        row = await _find_for_documents(onward.desk, incident, viewer)
        # a reference alone opens nothing: what was recalled is no longer told, and only the vault knows whose it is
        own = not is_host(viewer, row) and ref not in await _told(onward, row.id, who)
        held = AsyncExitStack()
        opening = onward.vault.document(ref, purpose=purpose, caller=who, incident=row.id, own=own)
        document = await asked(held.enter_async_context(opening))

        async def chunks() -> AsyncIterator[bytes]:
            async with held:
                async for chunk in document.chunks:
                    yield chunk

        headers = {"content-length": str(document.size), "content-disposition": document.disposition}
        return StreamingResponse(chunks(), 200, headers, document.media_type)

    return router


async def _find_notification(desk: Desk, incident: str, viewer: Viewer) -> IncidentRow:
    """A notification exists for whoever may read of it, be it that the referral does not, as for the Panel.

    Problem 404 for anybody else, as for none.
    """
    async with desk.database.reading() as connection:
        row = await queries.summary(connection, incident)
    if row is None or all(viewer.sees(row.matter, name) is None for name in NOTIFICATION):
        raise not_found()
    return row


async def _find_for_documents(desk: Desk, incident: str, viewer: Viewer) -> IncidentRow:
    """A document is words about the case: for whoever may read the referral's own, or is asked for words of its own,
    and may learn an address. Problem 404 for anybody else, as for no incident."""
    async with desk.database.reading() as connection:
        row = await queries.summary(connection, incident)
    if row is None:
        raise not_found()
    referral = viewer.sees(row.matter, "incident.referred")
    asked_for_words = viewer.party.agency in row.asked and viewer.sees(row.matter, "information.requested") is not None
    if (referral is None or "summary" not in referral) and not asked_for_words:
        raise not_found()
    if await _kept_from(desk, viewer, row):
        raise not_found()
    return row


async def _kept_from(desk: Desk, viewer: Viewer, row: IncidentRow) -> bool:
    async with desk.database.reading() as connection:
        return await kept_from(connection, viewer, row)


def _has_a_say(viewer: Viewer, row: IncidentRow) -> None:
    """Problem 403 for whoever may read of the incident and state nothing about it: nothing could refer to what it
    files."""
    agreement = viewer.agreement(row.matter)
    if not any(may_propose(viewer.party, name, agreement, row.matter).allowed for name in CATALOGUE):
        detail = "Your agency and role may read of this incident, and propose nothing about it."
        raise Problem(403, "not-a-proposer", "Not permitted", detail)


async def _told(onward: Onward, incident: str, who: Caller) -> list[str]:
    """The references in the notification and in the reviews as they are told to this caller. Problem 503 where that
    cannot be known."""
    found: list[str] = []
    for asking, path in ((onward.notifications, "notifications"), (onward.rapid_review, "reviews")):
        answer = await asking.ask(f"/v1/{path}/{incident}", who)
        if answer.status_code == 200:
            found += references_in([{"data": orjson.loads(answer.body)}])
        elif answer.status_code != 404:
            raise away(asking.service)
    return found


def _without_content(answer: Response) -> Response:
    """That there is one, and how it stands: all that an alleged perpetrator's side is told."""
    if answer.status_code != 200:
        return answer
    told = orjson.loads(answer.body)
    return _json({name: value for name, value in told.items() if name not in ("content", "coverage")})


def _media_type(said: str) -> str:
    """What the sender calls it; the vault looks for itself. Anything that is no media type is not passed on."""
    plain = said.partition(";")[0].strip().lower()
    return plain if re.fullmatch(r"[a-z0-9.+-]{1,60}/[a-z0-9.+-]{1,90}", plain) else "application/octet-stream"


def _json(body: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(orjson.dumps(body), status, dict(headers or {}), "application/json")
