"""The vault's HTTP. Services ask, in their own name or on another's behalf; operators turn keys; nobody else."""

import base64
from collections.abc import AsyncIterator
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import quote, unquote

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime, Field, StringConstraints
from sqlalchemy import insert

from contracts.identifiers import AgencyId, IncidentId, PartnershipId, Reference, SubjectId
from contracts.sealing import Model
from contracts.vault import Purpose
from services.vault import tables, views
from services.vault.access_record import AccessRecords
from services.vault.api_erasing import erasing_router
from services.vault.calling import Behind, Operator, Service, Who
from services.vault.collector import Collector, SourceAway
from services.vault.document_store import HEARD_OUT, DocumentStore, Sent
from services.vault.erasure import Erasure
from services.vault.key_store import KeyStore
from services.vault.looking import Asking, record_search
from services.vault.retaining import Retaining
from services.vault.reveal import Reveal
from shared.clock import Clock
from shared.database import Database
from shared.http import Cursors, Page, Problem, not_found

MAY_SEE_LOOKS = frozenset({"business_unit", "scrutineer", "approver"})


class RevealAsked(Model):
    """What is to be shown, and why."""

    refs: Annotated[tuple[Reference, ...], Field(min_length=1, max_length=10_000)]
    purpose: Purpose
    incident: IncidentId | None = None
    opened: Annotated[tuple[IncidentId, ...], Field(max_length=200)] = ()


class BackupTaken(Model):
    """A backup of both databases that holds everything filed until then."""

    until: AwareDatetime


Ref = Annotated[str, StringConstraints(pattern=r"^vault:[0-9a-f]{32}$")]


def vault_routers(
    database: Database,
    keys: KeyStore,
    collector: Collector,
    reveal: Reveal,
    documents: DocumentStore,
    erasure: Erasure,
    clock: Clock,
    cursors: Cursors,
) -> list[APIRouter]:
    """Everything but health, metrics and operations.

    One beside the other: a router inside a router would lose its prefix in the route's name, and so in logs and traces.
    """
    return [
        _keys(database, keys, collector),
        _looking(database, reveal, clock, cursors),
        _documents(documents, clock),
        erasing_router(database, erasure, Retaining(database, reveal), AccessRecords(database, reveal), clock),
    ]


def _looking(database: Database, reveal: Reveal, clock: Clock, cursors: Cursors) -> APIRouter:
    router = APIRouter(prefix="/v1")

    @router.post("/reveal")
    async def show(asked: RevealAsked, who: Service, person: Behind) -> dict[str, Any]:
        asking = Asking(who, person, asked.purpose, asked.incident, frozenset(asked.opened))
        look, shown = await reveal.reveal(asked.refs, asking, clock.now())
        return {"look": look, "items": {ref: asdict(one) for ref, one in shown.items()}}

    @router.get("/looks")
    async def looks(
        who: Service,
        person: Behind,
        subject: SubjectId | None = None,
        incident: IncidentId | None = None,
        reference: Reference | None = None,
        owner: AgencyId | None = None,
        cursor: str | None = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
    ) -> Page[dict[str, Any]]:
        theirs = owner is not None and owner == person.agency
        if not theirs and (person.kind != "person" or not MAY_SEE_LOOKS & person.roles):
            raise not_found()
        if subject is incident is reference is None:
            raise Problem(422, "invalid", "Say whose", "Name a subject, an incident or a reference.")
        of = f"looks {subject} {incident} {reference} {owner} {sorted(person.partnerships)}"
        before = cursors.decode(cursor, of=of)["look"] if cursor else None
        await record_search(database, who, person, "looks", [subject, incident, reference], clock.now())
        async with database.reading() as connection:
            found = await views.looks(
                connection,
                subject=subject,
                incident=incident,
                ref=reference,
                owner=owner,
                partnerships=person.partnerships,
                before=before,
                limit=limit,
            )
        more = cursors.encode({"look": found[-1]["look"]}, of=of) if len(found) == limit else None
        return Page(items=found, next=more)

    @router.get("/likenesses")
    async def likenesses(who: Service, person: Behind, incident: IncidentId | None = None) -> dict[str, Any]:
        await record_search(database, who, person, "likenesses", [incident], clock.now())
        async with database.reading() as connection:
            partnerships = person.partnerships
            return {"items": await views.likenesses(connection, partnerships=partnerships, incident=incident)}

    @router.get("/quarantine")
    async def quarantine(
        who: Who, person: Operator, cursor: str | None = None, limit: Annotated[int, Query(ge=1, le=200)] = 50
    ) -> Page[dict[str, Any]]:
        of = f"quarantine {sorted(person.partnerships)}"
        before = cursors.decode(cursor, of=of)["ref"] if cursor else None
        await record_search(database, who, person, "quarantine", [], clock.now())
        async with database.reading() as connection:
            found = await views.quarantine(connection, partnerships=person.partnerships, before=before, limit=limit)
        more = cursors.encode({"ref": found[-1]["reference"]}, of=of) if len(found) == limit else None
        return Page(items=found, next=more)

    return router


def _documents(documents: DocumentStore, clock: Clock) -> APIRouter:
    router = APIRouter(prefix="/v1/documents")

    @router.post("", status_code=201, max_body_size=HEARD_OUT)
    async def file(
        request: Request,
        who: Service,
        person: Behind,
        incident: IncidentId,
        partnership: PartnershipId,
        document_name: Annotated[str, Header(max_length=1000)] = "",
    ) -> dict[str, Any]:
        """The body is the file itself. Its name comes percent-encoded in a header, since addresses are logged."""
        declared = request.headers.get("content-type")
        sent = Sent(incident, partnership, person, unquote(document_name), declared, clock.now())
        if person.partnerships and partnership not in person.partnerships:
            raise not_found()
        kept = await documents.file(sent, request.stream())
        return {"ref": kept.ref, "mediaType": kept.media_type, "size": kept.size, "sha256": kept.sha256}

    @router.get("/{ref}")
    async def fetch(
        ref: Ref,
        who: Service,
        person: Behind,
        purpose: Purpose,
        incident: IncidentId | None = None,
        own: bool = False,
    ) -> StreamingResponse:
        opened = await documents.open(ref, Asking(who, person, purpose, incident), clock.now(), own=own)
        # the first chunk before the answer begins: what does not open is told while it still can be
        first = await anext(opened.chunks)
        headers = {
            "content-length": str(opened.size),
            "content-disposition": f"attachment; filename*=UTF-8''{quote(opened.name or 'document', safe='')}",
            "repr-digest": f"sha-256=:{base64.b64encode(bytes.fromhex(opened.sha256)).decode()}:",
        }
        return StreamingResponse(_after(first, opened.chunks), media_type=opened.media_type, headers=headers)

    return router


async def _after(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for chunk in rest:
        yield chunk


def _keys(database: Database, keys: KeyStore, collector: Collector) -> APIRouter:
    router = APIRouter(prefix="/v1")

    @router.get("/sealing-key")
    async def sealing_key() -> dict[str, str]:
        """The public key to seal to. It is no secret, so nobody is asked who they are."""
        key = await keys.current_sealing_key()
        return {"id": key.id, "public": base64.b64encode(key.public).decode()}

    @router.post("/sealing-keys/rotate")
    async def rotate(person: Operator) -> dict[str, str]:
        """A new key is published; the old private half goes once nothing needs it and a backup covers it."""
        key = await keys.rotate_sealing_key()
        return {"id": key.id}

    @router.post("/backups", status_code=201)
    async def backup(taken: BackupTaken, person: Operator) -> dict[str, datetime]:
        """Records that a finished backup of both databases holds everything filed until then."""
        if taken.until > datetime.now(UTC):
            raise Problem(422, "invalid", "Not in the future", "Give the time at which the backup was begun.")
        async with database.transaction() as tx:
            step = insert(tables.backup).values(until=taken.until, recorded_by=person.id)
            await tx.connection.execute(step)
        return {"until": taken.until}

    @router.post("/master-keys/rewrap")
    async def rewrap(person: Operator) -> dict[str, int]:
        """After a line was added to the master key file: every key is wrapped by the new one."""
        return {"keys": await keys.rewrap()}

    @router.post("/parcels/collect-again")
    async def again(person: Operator) -> dict[str, int]:
        """After a restore: what sources had set aside for want of a newer backup is collected once more."""
        try:
            return {"parcels": await collector.collect_again()}
        except SourceAway:
            detail = "A service that keeps parcels did not answer; send the same request again."
            raise Problem(
                503, "source-away", "Not all sources answered", detail, headers={"Retry-After": "5"}
            ) from None

    @router.get("/unopened-parcels")
    async def unopened(person: Operator) -> dict[str, Any]:
        async with database.reading() as connection:
            return {"items": await views.unopened(connection)}

    return router
