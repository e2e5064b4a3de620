"""A late submission without its reason: it stands, the copy to be filed waits, and then tells the reason."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.whole_stack.conftest import Exchange, proposal, until

NOTIFIER, APPROVER, COUNCIL = "authority-notifier", "authority-approver", "northshire-council"
REASON = "The draft waited in a mailbox that nobody read."


@pytest.fixture(scope="module")
def late(exchange: Exchange) -> str:
    """An incident that was submitted three weeks too late, nobody having said why."""
    now = datetime.now(UTC)
    aware = now - timedelta(days=30)
    incident = exchange.refer()
    content = proposal("notification.drafted.v1")["data"]["content"]
    content |= {"becameAwareAt": aware.isoformat(), "delayReason": None}
    content["occurrence"] |= {"dateFrom": (aware - timedelta(days=2)).date().isoformat()}
    steps = [
        (APPROVER, "notifiability.decided.v1", {"becameAwareAt": aware.isoformat()}),
        (NOTIFIER, "notification.drafted.v1", {"content": content}),
        (APPROVER, "notification.approved.v1", {}),
        (NOTIFIER, "notification.submitted.v1", {"portalTime": (now - timedelta(hours=1)).isoformat()}),
    ]
    for by, example, data in steps:
        receipt = exchange.settled(by, exchange.send(by, proposal(example, COUNCIL, incident, **data)))
        assert receipt["status"] == "accepted", receipt
    return incident


def copied(exchange: Exchange, incident: str, **more: Any) -> httpx.Response:
    """What asking for the copy for the Panel is answered, once the vault has filed what it needs."""
    path, asked = f"/v1/notifications/{incident}/exports/json", {"purpose": "panel_export", **more}
    answer: httpx.Response = until(
        lambda: exchange.https.get(NOTIFIER, path, asked), lambda told: told.status_code != 503
    )
    return answer


def line(copy: httpx.Response) -> dict[str, Any]:
    assert copy.status_code == 200, copy.text
    (found,) = [field for field in copy.json()["fields"] if field["field"] == "delayReason"]
    return dict(found)


def test_the_copy_to_be_filed_waits_for_the_reason_and_then_tells_it(exchange: Exchange, late: str) -> None:
    # From the first moment on, before the gateway has judged its clock, and after.
    refused = copied(exchange, late)
    assert refused.status_code == 409, refused.text
    assert refused.json()["type"].endswith(":awaiting-reason")
    assert "filing=false" in refused.json()["detail"]
    until(lambda: "deadline.met.v1" in stated(exchange, late))
    assert copied(exchange, late).status_code == 409

    aid = line(copied(exchange, late, filing="false"))
    assert (aid["value"], aid["ready"]) == (None, False)

    explained = proposal("notification.delay-explained.v1", COUNCIL, late, delayReason=REASON)
    assert exchange.settled(NOTIFIER, exchange.send(NOTIFIER, explained))["status"] == "accepted"
    assert line(copied(exchange, late))["value"] == REASON


def stated(exchange: Exchange, incident: str) -> list[str]:
    """What was stated of an incident's first duty, by type."""
    items = exchange.https.get(NOTIFIER, f"/v1/incidents/{incident}/timeline").json()["items"]
    return [one["type"] for one in items if (one.get("data") or {}).get("clock") == "T01"]
