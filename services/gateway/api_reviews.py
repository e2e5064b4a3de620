"""What the gateway asks of rapid-review on a caller's behalf: how reviews stand, their words, and their copies."""

from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from contracts.identifiers import IncidentId
from contracts.reviews import RequestId
from contracts.vault import Purpose
from services.gateway import queries
from services.gateway.api_incidents import Desk
from services.gateway.asking import allow
from services.gateway.history import kept_from
from services.gateway.passing import Passing
from services.gateway.sight import Viewer
from shared.http import not_found
from shared.identity import Caller, caller

REVIEW = (
    "review.opened",
    "review.submitted",
    "information.requested",
    "practice-review.commissioned",
    "practice-review.published",
)
"""Who may read one of these, for that one there may be a review; its owner decides about each part of it."""

Who = Annotated[Caller, Depends(caller)]
AsCopy = Literal["json", "csv", "xlsx", "svg", "pdf"]


@dataclass(frozen=True)
class Reviews:
    """What the routes here need."""

    desk: Desk
    passing: Passing

    async def stands(self, incident: str, viewer: Viewer, *, words: bool = True) -> None:
        """Problem 404 for whoever can have nothing to do with a review of it; where there are words, for an alleged
        perpetrator's side too."""
        async with self.desk.database.reading() as connection:
            row = await queries.summary(connection, incident)
            if row is None or all(viewer.sees(row.matter, name) is None for name in REVIEW):
                raise not_found()
            if words and await kept_from(connection, viewer, row):
                raise not_found()


def reviews_router(reviews: Reviews) -> APIRouter:
    """`/v1/reviews` and `/v1/practice-reviews`, as rapid-review answers them."""
    router = APIRouter(prefix="/v1", tags=["reviews"])
    Looks = Annotated[Viewer, Depends(reviews.desk.viewer)]  # noqa: N806 (an annotation, as FastAPI wants it)

    @router.get("/reviews", summary="Reviews that the caller may see: how each stands, what waits, and by when")
    async def several(
        who: Who,
        viewer: Looks,
        cursor: Annotated[str | None, Query(max_length=400)] = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
    ) -> Response:
        page = {"limit": str(limit)} | ({"cursor": cursor} if cursor else {})
        return await reviews.passing.ask("/v1/reviews", who, page)

    @router.get("/reviews/{incident}", summary="How an incident's reviews stand, each clock with its reckoning")
    async def one(incident: IncidentId, who: Who, viewer: Looks) -> Response:
        await reviews.stands(incident, viewer, words=False)
        return await reviews.passing.ask(f"/v1/reviews/{incident}", who)

    @router.get("/reviews/{incident}/detail", summary="What was said in them, in words, the look recorded")
    async def detail(incident: IncidentId, purpose: Purpose, who: Who, viewer: Looks) -> Response:
        return await worded(f"/v1/reviews/{incident}/detail", incident, purpose, who, viewer)

    @router.get("/reviews/{incident}/requests/{request}", summary="One request and its answers, in words")
    async def request(incident: IncidentId, request: RequestId, purpose: Purpose, who: Who, viewer: Looks) -> Response:
        return await worded(f"/v1/reviews/{incident}/requests/{request}", incident, purpose, who, viewer)

    @router.get("/reviews/{incident}/requests/{request}/letter", summary="The request as a letter; recorded")
    async def letter(incident: IncidentId, request: RequestId, purpose: Purpose, who: Who, viewer: Looks) -> Response:
        return await worded(f"/v1/reviews/{incident}/requests/{request}/letter", incident, purpose, who, viewer)

    @router.get("/reviews/{incident}/chronology", summary="The combined chronology, recorded")
    async def chronology(
        incident: IncidentId, purpose: Purpose, who: Who, viewer: Looks, form: AsCopy = "json"
    ) -> Response:
        path = f"/v1/reviews/{incident}/chronology"
        return await worded(path, incident, purpose, who, viewer, {"form": form})

    @router.get("/reviews/{incident}/report/{form}", summary="A copy of the report, recorded")
    async def report(
        incident: IncidentId,
        form: Literal["json", "pdf"],
        purpose: Purpose,
        who: Who,
        viewer: Looks,
        version: Annotated[int | None, Query(ge=1, le=10_000)] = None,
    ) -> Response:
        path, more = f"/v1/reviews/{incident}/report/{form}", {"version": str(version)} if version else {}
        return await worded(path, incident, purpose, who, viewer, more)

    @router.get("/practice-reviews/{incident}/pack/{form}", summary="The pack of an advance copy, recorded")
    async def pack(
        incident: IncidentId, form: Literal["json", "pdf"], purpose: Purpose, who: Who, viewer: Looks
    ) -> Response:
        return await worded(f"/v1/practice-reviews/{incident}/pack/{form}", incident, purpose, who, viewer)

    @router.get("/practice-reviews/{incident}/scan", summary="What a scan finds and where, for a checker; recorded")
    async def findings(incident: IncidentId, purpose: Purpose, who: Who, viewer: Looks) -> Response:
        return await worded(f"/v1/practice-reviews/{incident}/scan", incident, purpose, who, viewer)

    @router.post("/practice-reviews/{incident}/scan", status_code=202, summary="Have the newest version scanned again")
    async def again(incident: IncidentId, who: Who, viewer: Looks) -> Response:
        await reviews.stands(incident, viewer)
        return await reviews.passing.ask(f"/v1/practice-reviews/{incident}/scan", who, by="POST")

    async def worded(
        path: str, incident: str, purpose: Purpose, who: Caller, viewer: Viewer, more: dict[str, str] | None = None
    ) -> Response:
        allow(purpose, who)
        await reviews.stands(incident, viewer)
        return await reviews.passing.ask(path, who, {"purpose": purpose.value} | (more or {}))

    return router
