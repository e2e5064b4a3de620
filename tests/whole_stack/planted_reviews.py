"""The acts of a rapid review and of a practice review, each type that takes words once: `test_planted_words` plants
them."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from tests.whole_stack.conftest import Exchange, proposal, until

UNIT, SCRUTINEER, ACADEMY = "business-unit-officer", "scrutineer", "northshire-academy"
LOCAL, ICB, POLICE = "authority-partner", "icb-reviewer", "police-reviewer"


class Plants(Protocol):
    """What plants words in each act, and sees it taken or refused."""

    exchange: Exchange

    def act(self, by: str, type_: str, incident: str, **data: Any) -> str: ...
    def refused(self, by: str, type_: str, incident: str, **data: Any) -> None: ...
    def child_in(self, incident: str) -> str: ...
    def file_document(self, incident: str) -> str: ...


def plant_reviews(plants: Plants, incident: str) -> None:
    """From the request to an agency to a practice review that is given up; its notification was submitted before."""
    _asked_and_answered(plants, incident)
    _reported(plants, incident)
    _commissioned(plants, incident)
    _read_and_planned(plants, incident)


def plant_the_end(plants: Plants, incident: str) -> None:
    """Once its notification was withdrawn: the review is cancelled by itself, and closed."""
    _stands(plants, incident, lambda told: told["review"]["status"] == "cancelled")
    plants.act(UNIT, "review.closed.v1", incident, why="cancelled")


def _ago(**ago: float) -> str:
    return (datetime.now(UTC) - timedelta(**ago)).isoformat()


def _on(days: int) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).date().isoformat()


def _asked_and_answered(plants: Plants, incident: str) -> None:
    child = plants.child_in(incident)
    plants.act(UNIT, "information.requested.v1", incident, subjects=[child], due=_on(5))
    request = _stands(plants, incident, lambda told: told["review"]["requests"][0]["request"])
    plants.act(UNIT, "gaps.recorded.v1", incident, missing=[{"agency": ACADEMY}])
    for answer in ("information.contributed.v1", "information.returned.v1"):
        entries = [each | {"subjects": [child]} for each in proposal(answer)["data"]["entries"]]
        plants.act(ACADEMY, answer, incident, request=request, entries=entries)
    plants.act(UNIT, "return.queried.v1", incident, request=request, version=1, due=_on(6))


def _reported(plants: Plants, incident: str) -> None:
    plants.act(UNIT, "meeting.held.v1", incident, heldAt=_ago(minutes=4))
    plants.act(UNIT, "learning.noted.v1", incident)
    plants.act(UNIT, "review.drafted.v1", incident)
    plants.act(POLICE, "view.recorded.v1-dissent", incident)
    plants.act(SCRUTINEER, "review.commented.v1", incident)
    plants.act(UNIT, "review.submitted.v1", incident, submittedAt=_ago(minutes=3))
    plants.act("panel", "panel.answered.v1", incident, answeredAt=_ago(minutes=2))


def _commissioned(plants: Plants, incident: str) -> None:
    for partner in (LOCAL, ICB, POLICE):
        plants.act(partner, "practice-review.decided.v1", incident, decidedOn=None)
    plants.act(UNIT, "practice-review.scoped.v1", incident)
    for _ in range(2):
        plants.act(UNIT, "reviewer.appointed.v1", incident)
    leading = _stands(plants, incident, lambda told: told["practiceReview"]["reviewers"][1])
    plants.act(UNIT, "reviewer.removed.v1", incident, reviewer=leading)
    plants.act(UNIT, "practice-review.monitored.v1", incident)
    plants.act(UNIT, "involvement.recorded.v1", incident, on=_on(0))
    told = dict.fromkeys(("panelToldAt", "secretaryOfStateToldAt"), _ago(minutes=1))
    plants.act(UNIT, "delay.notified.v1", incident, expectedOn=_on(300), **told)
    plants.act(UNIT, "practice-review.paused.v1", incident)
    plants.act(UNIT, "practice-review.resumed.v1", incident)


def _read_and_planned(plants: Plants, incident: str) -> None:
    """Its report names somebody, so that the scan has something to find, and says so in counts alone."""
    plants.act(UNIT, "practice-review.drafted.v1", incident, report=plants.file_document(incident))
    plants.act(UNIT, "response.agreed.v1", incident, version=1)
    plants.act(POLICE, "redaction.checked.v1", incident, version=1)
    found = _stands(plants, incident, lambda told: told["practiceReview"]["draft"]["found"])
    assert found["name"] > 0, found
    plants.act(UNIT, "publication.planned.v1-improvements-only", incident, on=_on(30))
    plants.refused(UNIT, "practice-review.unpublished.v1", incident)
    plants.act(UNIT, "practice-review.ended.v1", incident, panelToldAt=_ago(seconds=1))


def _stands(plants: Plants, incident: str, part: Callable[[Any], Any]) -> Any:
    """A part of how the reviews stand, as the business unit is shown it."""

    def there() -> Any:
        try:
            return part(plants.exchange.https.get(UNIT, f"/v1/reviews/{incident}").json())
        except LookupError:
            return None

    return until(there)
