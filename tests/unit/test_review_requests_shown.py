"""One request over HTTP: where it does not exist for whoever looks, there is nothing, whatever was said to it."""

from collections.abc import Sequence
from typing import Any, cast

import httpx
import pytest
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from contracts.ceilings import EVERYTHING
from contracts.envelope import AnyEvent
from contracts.reviews import InformationAcknowledged
from services.rapid_review.access import Looker
from services.rapid_review.api import reviews_router
from services.rapid_review.practice_review import UNDECIDED
from services.rapid_review.shelf import behalf
from services.rapid_review.shown import Sighted
from shared.http import Problem
from shared.identity import Caller
from tests.unit.review_stories import SCHOOL, Story, begun, london, of_system

AT = london("2026-03-11")


class Shelf:
    """Hands over the review with these facts alone."""

    def __init__(self, story: Story, facts: Sequence[AnyEvent]) -> None:
        self._sighted = Sighted(
            cast(Looker, _Looker()), story.review, UNDECIDED, [(each, EVERYTHING) for each in facts], AT
        )

    async def find(self, incident: str, asking: Caller) -> Sighted:
        return self._sighted


class _Looker:
    def sees(self, name: str) -> None:
        return None


async def status_of(story: Story, request: str, *names: str) -> int:
    shelf = Shelf(story, [fact for fact in story.facts if fact.name in names])
    app = FastAPI()
    app.include_router(reviews_router(cast(Any, shelf), cast(Any, None), cast(Any, None)))
    app.dependency_overrides[behalf] = lambda: Caller("agency", SCHOOL, SCHOOL)

    async def said(_: Request, problem: Any) -> Response:
        return Response(status_code=problem.status)

    app.add_exception_handler(Problem, said)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://reviews.test") as http:
        path = f"/v1/reviews/{story.subject}/requests/{request}"
        return (await http.get(path, params={"purpose": "review"})).status_code


@pytest.mark.parametrize("told", [("information.acknowledged",), ("review.opened",)])
async def test_a_request_that_was_recalled_is_not_there_though_it_was_acknowledged(told: tuple[str, ...]) -> None:
    story = begun(london("2026-03-10"))
    request = story.ask(SCHOOL, AT)
    story.propose(InformationAcknowledged(agency=SCHOOL, request=request), AT, **of_system(SCHOOL))
    assert await status_of(story, request, *told) == 404
