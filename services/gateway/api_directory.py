"""Who belongs to the caller's partnerships, and under which sharing agreements; what awaits a second person."""

from collections.abc import Mapping
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends
from starlette.responses import Response

from contracts.access import Agreement, Matter
from contracts.directory import Agency, Directory, Offer
from services.gateway.api_incidents import Desk
from services.gateway.sight import Viewer
from shared.http import not_found
from shared.london import london_date


def directory_router(desk: Desk) -> APIRouter:
    """Partnerships, agencies and agreements, as far as the caller's partnerships reach."""
    router = APIRouter(prefix="/v1", tags=["directory"])
    Looks = Annotated[Viewer, Depends(desk.viewer)]  # noqa: N806 (an annotation, as FastAPI wants it)

    @router.get("/partnerships", summary="The caller's partnerships, with their areas")
    async def partnerships(viewer: Looks) -> Response:
        known = [viewer.directory.partnerships[name] for name in sorted(viewer.partnerships)]
        return _json({"items": [{"id": one.id, "name": one.name, "areas": sorted(one.areas)} for one in known]})

    @router.get("/agencies", summary="The agencies of the caller's partnerships")
    async def agencies(viewer: Looks) -> Response:
        known = viewer.directory.agencies.values()
        return _json({"items": [agency_shown(viewer, one) for one in known if one.partnerships & viewer.partnerships]})

    @router.get("/agreements", summary="The sharing agreements in force, and those that await a second person")
    async def agreements(viewer: Looks) -> Response:
        today = london_date(desk.clock.now()).isoformat()
        places = sorted({*viewer.directory.agreements, *viewer.directory.offers})
        shown = [_standing(viewer.directory, place, today) for place in places if _may_see(viewer, place)]
        return _json({"items": shown})

    @router.get("/agreements/{agency}", summary="One agency's agreements")
    async def agreement(agency: str, viewer: Looks) -> Response:
        today = london_date(desk.clock.now()).isoformat()
        places = sorted({*viewer.directory.agreements, *viewer.directory.offers})
        shown = [
            _standing(viewer.directory, place, today)
            for place in places
            if place[0] == agency and _may_see(viewer, place)
        ]
        if not shown:
            raise not_found()
        return _json({"items": shown})

    return router


def _may_see(viewer: Viewer, place: tuple[str, str]) -> bool:
    """Everybody may see what holds for themselves; the rest as the facts of the directory are seen."""
    agency, partnership = place
    if partnership not in viewer.partnerships:
        return False
    return agency == viewer.party.agency or viewer.sees(Matter(partnership), "agreement.approved") is not None


def agency_shown(viewer: Viewer, agency: Agency) -> dict[str, Any]:
    """An agency as far as the viewer's partnerships list it: partnerships are blind to each other."""
    shared = sorted(agency.partnerships & viewer.partnerships)
    listed = [viewer.directory.listings[agency.id, partnership].entry for partnership in shared]
    return {
        "agency": agency.id,
        "name": agency.name,
        "type": agency.type.value,
        "areas": sorted({area for entry in listed for area in entry.areas}),
        "partnerships": shared,
        "mailboxes": {role.value: address for role, address in agency.mailboxes.items()},
        "contacts": dict(agency.contacts),
    }


def _standing(directory: Directory, place: tuple[str, str], today: str) -> dict[str, Any]:
    now, offer = directory.agreements.get(place), directory.offers.get(place)
    shown: dict[str, Any] = {"agency": place[0], "partnership": place[1]}
    if now is not None:
        shown["inForce"] = _in_force(now) | {"reviewOverdue": now.review_on.isoformat() < today}
    if offer is not None:
        shown["awaiting"] = _awaiting(offer)
    return shown


def _in_force(agreement: Agreement) -> dict[str, Any]:
    return {
        "version": agreement.version,
        "hash": agreement.hash,
        "proposedBy": agreement.proposed_by,
        "approvedBy": agreement.approved_by,
        "legalBasis": agreement.legal_basis,
        "reviewOn": agreement.review_on.isoformat(),
        "incidents": sorted(agreement.incidents),
        "mayPropose": sorted(agreement.may_propose),
        "mayRead": sorted(agreement.may_read),
        "fields": {name: sorted(fields.named) for name, fields in sorted(agreement.fields.items())},
        "reads": dict(agreement.reads),
    }


def _awaiting(offer: Offer) -> dict[str, Any]:
    terms = offer.terms.model_dump(mode="json", by_alias=True, exclude={"agency"})
    return {"version": offer.version, "hash": offer.hash, "proposedBy": offer.by} | terms


def _json(body: Mapping[str, Any]) -> Response:
    return Response(orjson.dumps(body), media_type="application/json")
