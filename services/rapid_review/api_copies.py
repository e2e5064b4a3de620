"""Copies of reviews over HTTP, and for checkers what a scan finds where: each recorded before it is handed over."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from starlette.responses import Response

from contracts.identifiers import IncidentId
from contracts.review_exports import ExportedChronology
from contracts.reviews import RequestId
from contracts.vault import Purpose
from services.rapid_review import packs, scanning
from services.rapid_review.access import checks_redaction
from services.rapid_review.copies import Copies, Taking
from services.rapid_review.exports.as_pdf import chronology_pdf, pack_pdf, report_pdf, request_pdf
from services.rapid_review.exports.as_sheets import as_csv, as_xlsx
from services.rapid_review.exports.picture import picture
from services.rapid_review.shelf import Behalf, Shelf, allow
from shared.http import Problem, not_found
from shared.identity import Caller
from shared.vault_answers import asked

AsChronology = Literal["json", "csv", "xlsx", "svg", "pdf"]
AsDocument = Literal["json", "pdf"]
MEDIA_TYPES: Mapping[str, str] = {
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "svg": "image/svg+xml",
    "pdf": "application/pdf",
}
CHRONOLOGY: Mapping[str, Callable[[ExportedChronology], bytes]] = {
    "csv": as_csv,
    "xlsx": as_xlsx,
    "svg": lambda copy: picture(copy.chronology, copy.classification).svg.encode(),
    "pdf": chronology_pdf,
}


def copies_router(shelf: Shelf, copies: Copies, scanner: scanning.Scanner) -> APIRouter:
    """The chronology, the report, a request as a letter, the pack of an advance copy, and the scan's findings."""
    router = APIRouter(prefix="/v1", tags=["reviews"])

    async def taking(incident: str, purpose: Purpose, asking: Caller) -> Taking:
        allow(purpose, asking)
        return Taking(await shelf.find(incident, asking), purpose, asking)

    @router.get("/reviews/{incident}/chronology", summary="The combined chronology, recorded")
    async def chronology(
        incident: IncidentId, purpose: Purpose, asking: Behalf, form: AsChronology = "json"
    ) -> Response:
        by = await taking(incident, purpose, asking)
        copy = await copies.chronology(by)
        content = await _made(copy, form, CHRONOLOGY)
        await copies.record(by, "chronology", form)
        return _handed(content, f"chronology-{incident[-8:]}", form)

    @router.get("/reviews/{incident}/report/{form}", summary="A copy of the report, recorded")
    async def report(
        incident: IncidentId,
        form: AsDocument,
        purpose: Purpose,
        asking: Behalf,
        version: Annotated[int | None, Query(ge=1)] = None,
    ) -> Response:
        by = await taking(incident, purpose, asking)
        copy = await copies.report(by, version)
        content = await _made(copy, form, {"pdf": report_pdf})
        await copies.record(by, "report", form, copy.version)
        return _handed(content, f"rapid-review-{incident[-8:]}-v{copy.version}", form)

    @router.get("/reviews/{incident}/requests/{request}/letter", summary="The request as a letter, recorded")
    async def letter(
        incident: IncidentId, request: RequestId, purpose: Purpose, asking: Behalf, form: AsDocument = "pdf"
    ) -> Response:
        by = await taking(incident, purpose, asking)
        content = await _made(await copies.request(by, request), form, {"pdf": request_pdf})
        await copies.record(by, "request", form)
        return _handed(content, f"request-{incident[-8:]}", form)

    @router.get("/practice-reviews/{incident}/pack/{form}", summary="The pack of an advance copy, recorded")
    async def pack(incident: IncidentId, form: AsDocument, purpose: Purpose, asking: Behalf) -> Response:
        by = await taking(incident, purpose, asking)
        copy = await copies.pack(by)
        content = await _made(copy, form, {"pdf": pack_pdf})
        await copies.record(by, "advance_copy", form, copy.version)
        return _handed(content, f"advance-copy-{incident[-8:]}-v{copy.version}", form)

    @router.get("/practice-reviews/{incident}/scan", summary="What a scan finds, and where, for a checker; recorded")
    async def findings(incident: IncidentId, purpose: Purpose, asking: Behalf) -> dict[str, Any]:
        by = await taking(incident, purpose, asking)
        draft = packs.newest(by.sighted)
        looker = by.sighted.looker
        if draft is None or not checks_redaction(looker) or not looker.learns_addresses:
            raise not_found()
        found = await asked(scanner.scan(draft.data.report, looker.dossier, asking, purpose))
        told = [
            {
                "what": each.what,
                "where": each.where,
                "words": each.words,
                "around": each.around,
                "possible": each.possible,
            }
            for each in found.findings
        ]
        return {"version": draft.data.version, "result": found.result, "why": found.why, "findings": told} | {
            "unread": list(found.unread)
        }

    @router.post("/practice-reviews/{incident}/scan", status_code=202, summary="Have the newest version scanned again")
    async def again(incident: IncidentId, asking: Behalf) -> dict[str, Any]:
        sighted = await shelf.find(incident, asking)
        draft = packs.newest(sighted)
        if draft is None or not checks_redaction(sighted.looker):
            raise not_found()
        if not sighted.practice.running or sighted.practice.draft is None:
            raise Problem(409, "not-under-way", "Not under way", "There is no version that is still to be published.")
        async with shelf.database.transaction() as tx:
            await scanning.ask(tx, draft, asking)
        return {"version": draft.data.version}

    return router


async def _made(copy: Any, form: str, render: Mapping[str, Callable[[Any], bytes]]) -> bytes:
    """The copy's bytes; made beside the loop, since setting many pages takes seconds."""
    if form in render:
        return await asyncio.to_thread(render[form], copy)
    return bytes(copy.model_dump_json(indent=2, by_alias=True).encode())


def _handed(content: bytes, name: str, form: str) -> Response:
    disposition = {"content-disposition": f'attachment; filename="{name}.{form}"'}
    return Response(content, media_type=MEDIA_TYPES[form], headers=disposition)
