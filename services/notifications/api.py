"""Queries about notifications, for the gateway on a caller's behalf; the table of what each error is answered with."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from contracts.codes import Ground
from contracts.directory import Directory
from contracts.rules.grounds import review_follows
from contracts.vault import Purpose
from services.notifications import views
from services.notifications.access import delay_for, may_see, may_see_content, versions_for
from services.notifications.case import Case
from services.notifications.copies import MEDIA_TYPES, Copies, Form, Wanted
from services.notifications.coverage import coverage
from services.notifications.notification import Delay, Notification, Status, Written
from services.notifications.proposals import aggregate
from services.notifications.recipients import any_child, recipients
from shared.database import Database
from shared.eventlog import EventLog
from shared.http import Cursors, Page, Problem, not_found
from shared.identity import Caller, caller, on_behalf_of
from shared.listed import directory
from shared.pages import page_of
from shared.vault_client import NotYetFiled, VaultAway, VaultRefused


def behalf(request: Request, who: Annotated[Caller, Depends(caller)]) -> Caller:
    """The one for whom the gateway asks; nobody else gets an answer here."""
    asking = on_behalf_of(who, request)
    if asking.kind == "service":
        raise not_found()
    return asking


Behalf = Annotated[Caller, Depends(behalf)]


@dataclass(frozen=True)
class Found:
    """A notification that the caller may see, the directory of that moment, and how much of it may be shown."""

    case: Case
    state: Notification
    directory: Directory
    content: bool
    versions: tuple[Written, ...]
    delay: Delay


@dataclass(frozen=True)
class Shelf:
    """What the routes here need."""

    database: Database
    log: EventLog
    copies: Copies
    cursors: Cursors

    async def find(self, incident: str, asking: Caller) -> Found:
        """A notification that this caller may see. Problem 404 for any other, as for one that is not there."""
        person = asking.id if asking.kind == "person" else None
        async with self.database.reading() as connection:
            known = await directory(connection)
            case = await views.case_of(connection, incident)
            state = aggregate(case).fold(await self.log.load(connection, views.stream_of(incident)))
        party = known.member(asking.agency or "", person, asking.roles)
        if party is None or state.status is None or not may_see(party, case, state, known):
            raise not_found()
        content = may_see_content(party, case, state, known)
        versions = versions_for(party, case, state, known)
        return Found(case, state, known, content, versions, delay_for(party, case, state, known))


def notifications_router(shelf: Shelf) -> APIRouter:
    """`GET /v1/notifications`, one of them, and its copies."""
    router = APIRouter(prefix="/v1/notifications", tags=["notifications"])

    @router.get("", summary="Notifications that the caller may see")
    async def several(
        asking: Behalf,
        cursor: Annotated[str | None, Query(max_length=400)] = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
    ) -> Page[dict[str, Any]]:
        listed = f"notifications of {asking.id}"
        after = shelf.cursors.decode(cursor, of=listed)["after"] if cursor else ""

        async def rows(after: str, count: int) -> Sequence[Any]:
            async with shelf.database.reading() as connection:
                return await views.of_partnerships(connection, sorted(asking.partnerships), after, count)

        async def shown(row: Any) -> dict[str, Any] | None:
            found = await _found(shelf, row.incident, asking)
            return _row(row, found) if found else None

        items, more = await page_of(rows, shown, lambda row: str(row.incident), after, limit)
        return Page(items=items, next=None if more is None else shelf.cursors.encode({"after": more}, of=listed))

    @router.get("/{incident}", summary="One notification: status, versions, readiness, who is told")
    async def one(incident: str, asking: Behalf) -> dict[str, Any]:
        found = await shelf.find(incident, asking)
        return _told(found)

    @router.get("/{incident}/exports/{form}", summary="A copy, in the form's order; taking it is recorded")
    async def copy(
        incident: str,
        form: Form,
        purpose: Purpose,
        asking: Behalf,
        version: Annotated[int | None, Query(ge=1)] = None,
        filing: Annotated[
            bool | None,
            Query(description="The copy to be filed, as one for the Panel is: waits for the reason of a delay."),
        ] = None,
    ) -> Response:
        found = await shelf.find(incident, asking)
        if not found.content or (asking.kind != "person" and form is not Form.JSON):
            raise not_found()  # a page is for people; an agency's system takes the copy that it can read
        to_be_filed = purpose is Purpose.PANEL_EXPORT if filing is None else filing
        if to_be_filed and asking.kind == "person" and found.delay.awaited:
            remedy = (
                "It was submitted late: record the reason with notification.delay-explained first, or take a copy "
                "that is not to be filed (filing=false)."
            )
            raise Problem(409, "awaiting-reason", "Awaiting the reason for the delay", remedy)
        written = _version(found.versions, version)
        content = await _copied(shelf, Wanted(incident, form, purpose, asking), found, written)
        name = f"notification-{incident[-8:]}-v{written.number}.{form}"
        disposition = {"content-disposition": f'attachment; filename="{name}"'}
        return Response(content, media_type=MEDIA_TYPES[form], headers=disposition)

    return router


async def _found(shelf: Shelf, incident: str, asking: Caller) -> Found | None:
    try:
        return await shelf.find(incident, asking)
    except Problem:
        return None


def _version(versions: Sequence[Written], number: int | None) -> Written:
    found = [written for written in versions if number in (None, written.number)]
    if not found:
        raise not_found()
    return found[-1]


async def _copied(shelf: Shelf, wanted: Wanted, found: Found, written: Written) -> bytes:
    try:
        return await shelf.copies.take(wanted, found.case, found.state, written, found.directory, found.delay)
    except NotYetFiled:
        remedy = "What was just sent is still on its way to the vault; ask again in a moment."
        raise Problem(503, "not-yet-filed", "Not yet filed", remedy, headers={"Retry-After": "1"}) from None
    except VaultAway:
        remedy = "The vault cannot be reached, so nothing can be shown; ask again shortly."
        raise Problem(503, "vault-away", "The vault is away", remedy, headers={"Retry-After": "5"}) from None
    except VaultRefused as refused:
        told = refused.problem
        title, detail = told.get("title", "The vault refused"), told.get("detail", "")
        raise Problem(refused.status, told.get("type", "refused"), title, detail) from None


def _grounds(state: Notification, versions: Sequence[Written]) -> frozenset[Ground]:
    """The grounds as the caller may know them: of the latest version that it is shown."""
    latest = versions[-1] if versions else None
    if latest is state.latest and state.grounds:
        return state.grounds
    return latest.content.grounds if latest else frozenset()


def _row(row: Any, found: Found) -> dict[str, Any]:
    return {
        "incident": row.incident,
        "partnership": row.partnership,
        "status": row.status,
        "version": row.version,
        "grounds": sorted(_grounds(found.state, found.versions)),
        "portalReference": row.portal_reference,
        "portalTime": row.portal_time,
        "withoutApproval": row.without_approval,
        "ended": row.ended,
    }


def _other_areas(case: Case, latest: Written | None) -> list[str]:
    named = dict.fromkeys((*case.other_areas, *(latest.content.other_areas_to_notify if latest else ())))
    return [area for area in named if area != case.host_authority]


def _told(found: Found) -> dict[str, Any]:
    case, state, versions = found.case, found.state, found.versions
    latest = versions[-1] if versions else None
    filed = state.filed
    grounds = _grounds(state, versions)
    child = any_child(latest.content.children) if latest else case.child
    told: dict[str, Any] = {
        "incident": case.incident,
        "partnership": case.partnership,
        "status": state.status,
        "ended": state.ended,
        "grounds": sorted(grounds),
        "recipients": recipients(grounds, _other_areas(case, latest), child=child),
        "reviewFollows": review_follows(grounds) and state.status is not Status.WITHDRAWN,
        "versions": [{"version": w.number, "by": w.by, "approvedBy": w.approved_by} for w in versions],
        "acknowledgedBy": list(state.acknowledged_by),
        "awaitingReason": found.delay.awaited,
    }
    if filed:
        told["submission"] = filed.model_dump(mode="json") | {"recordedAt": state.filed_recorded_at}
    if latest and found.content:
        covered = coverage(latest.content)
        told["coverage"] = {
            "ready": covered.ready,
            "fields": covered.fields,
            "missing": [field.label for field in covered.missing],
            "sentence": covered.sentence(),
        }
        told["content"] = latest.content.model_dump(mode="json")
    return told
