"""What the gateway asks of other services on a caller's behalf: words and documents, every look recorded."""

import hashlib
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import httpx
import pikepdf
import pytest

from tests.whole_stack.conftest import Exchange, proposal, until

NOTIFIER, APPROVER, STRANGER = "authority-notifier", "authority-approver", "southmere-authority-approver"
POLICE = "northshire-police"


def a_page() -> bytes:
    """A PDF with one empty page."""
    document, written = pikepdf.new(), BytesIO()
    document.add_blank_page()
    document.save(written)
    return written.getvalue()


PAGE = a_page()


def ask(exchange: Exchange, who: str, method: str, path: str, **more: Any) -> httpx.Response:
    headers = exchange.tokens.headers(who) | more.pop("headers", {})
    return httpx.request(method, exchange.stack.urls["gateway-2"] + path, headers=headers, timeout=60, **more)


@pytest.fixture(scope="module")
def incident(exchange: Exchange) -> str:
    return exchange.refer(summary="Phrase of the onward test")


def test_the_words_of_an_incident_are_shown_to_a_person_for_a_purpose(exchange: Exchange, incident: str) -> None:
    path = f"/v1/incidents/{incident}/detail"

    def shown() -> httpx.Response:
        return ask(exchange, APPROVER, "GET", path, params={"purpose": "triage"})

    answer = until(shown, lambda told: told.status_code != 503)
    assert answer.status_code == 200, answer.text
    referral = answer.json()["facts"][0]["data"]
    assert referral["summary"] == "Phrase of the onward test"
    assert referral["children"][0]["identity"]["name"]
    assert ask(exchange, APPROVER, "GET", path).status_code == 422
    assert ask(exchange, APPROVER, "GET", path, params={"purpose": "curiosity"}).status_code == 422
    assert ask(exchange, "northshire-academy", "GET", path, params={"purpose": "triage"}).status_code == 404
    stranger = ask(exchange, STRANGER, "GET", path, params={"purpose": "triage"})
    assert stranger.status_code == 404


def test_a_document_is_filed_and_fetched_as_it_was(exchange: Exchange, incident: str) -> None:
    filed = ask(
        exchange,
        NOTIFIER,
        "POST",
        "/v1/documents",
        params={"incident": incident},
        content=PAGE,
        headers={"content-type": "application/pdf", "document-name": "report.pdf"},
    )
    assert filed.status_code == 201, filed.text
    told = filed.json()
    assert (told["mediaType"], told["sha256"]) == ("application/pdf", hashlib.sha256(PAGE).hexdigest())
    path, params = f"/v1/documents/{told['ref']}", {"incident": incident, "purpose": "triage"}
    fetched = ask(exchange, APPROVER, "GET", path, params=params)
    assert (fetched.status_code, fetched.content) == (200, PAGE)
    assert fetched.headers["content-type"] == "application/pdf"
    assert ask(exchange, STRANGER, "GET", path, params=params).status_code == 404
    other = exchange.refer()
    assert ask(exchange, APPROVER, "GET", path, params=params | {"incident": other}).status_code == 404
    too_large = ask(exchange, NOTIFIER, "POST", "/v1/documents", params={"incident": incident}, content=bytes(27 << 20))
    assert too_large.status_code == 413


def test_a_notification_is_shown_as_its_owner_shows_it(exchange: Exchange) -> None:
    incident = exchange.refer()
    for by, example in ((APPROVER, "notifiability.decided.v1"), (NOTIFIER, "notification.drafted.v1")):
        receipt = exchange.settled(by, exchange.send(by, proposal(example, None, incident)))
        assert receipt["status"] == "accepted", receipt
    shown = ask(exchange, NOTIFIER, "GET", f"/v1/notifications/{incident}")
    assert shown.status_code == 200, shown.text
    told = shown.json()
    assert (told["incident"], told["status"], told["versions"][0]["by"]) == (incident, "draft", NOTIFIER)
    listed = ask(exchange, NOTIFIER, "GET", "/v1/notifications").json()["items"]
    assert incident in {one["incident"] for one in listed}
    assert ask(exchange, STRANGER, "GET", f"/v1/notifications/{incident}").status_code == 404
    assert incident not in ask(exchange, STRANGER, "GET", "/v1/notifications").text
    wrong = ask(exchange, NOTIFIER, "GET", f"/v1/notifications/{incident}/exports/docx", params={"purpose": "triage"})
    assert wrong.status_code == 422


def act(exchange: Exchange, who: str, type_: str, incident: str, **data: Any) -> str:
    """The id of the first fact that followed."""
    told = proposal(type_, None, incident) | {"source": "/agencies/northshire-council", "data": data}
    receipt = exchange.settled(who, exchange.send(who, told))
    assert receipt["status"] == "accepted", receipt
    return str(receipt["facts"][0])


def submitted(exchange: Exchange, incident: str, **content: Any) -> str:
    """The id of the fact that its notification was submitted."""
    now = datetime.now(UTC).isoformat()
    drafted = proposal("notification.drafted.v1")["data"]["content"] | {"becameAwareAt": now} | content
    decided = proposal("notifiability.decided.v1")["data"] | {"becameAwareAt": now}
    act(exchange, APPROVER, "notifiability.decided.v1", incident, **decided)
    act(exchange, NOTIFIER, "notification.drafted.v1", incident, content=drafted)
    act(exchange, APPROVER, "notification.approved.v1", incident, version=1)
    now = datetime.now(UTC).isoformat()
    about = {"portalReference": "CSI-2026-00124", "portalTime": now}
    return act(exchange, NOTIFIER, "notification.submitted.v1", incident, **about)


def test_a_document_is_read_by_whoever_is_told_of_it_and_no_more_once_that_was_recalled(exchange: Exchange) -> None:
    incident = exchange.refer()
    about = {"params": {"incident": incident}, "content": PAGE, "headers": {"content-type": "application/pdf"}}
    ref = ask(exchange, NOTIFIER, "POST", "/v1/documents", **about).json()["ref"]

    def read(who: str) -> int:
        params = {"incident": incident, "purpose": "triage"}
        return ask(exchange, who, "GET", f"/v1/documents/{ref}", params=params).status_code

    assert (read(APPROVER), read(POLICE)) == (200, 404)
    fact = submitted(exchange, incident, documents=[ref])
    assert until(lambda: read(POLICE), lambda status: status != 404) == 200
    recall = {"because": "wrong_recipient", "recipients": [POLICE], "reason": "It was meant for another force."}
    act(exchange, NOTIFIER, "incident.recalled.v1", incident, event=fact, **recall)
    assert until(lambda: read(POLICE), lambda status: status != 200) == 404
    assert read(APPROVER) == 200


def test_an_alleged_perpetrators_side_gets_no_copy_in_another_incident_of_the_child(exchange: Exchange) -> None:
    one, two = exchange.refer(), exchange.refer()
    submitted(exchange, two)

    def copy() -> httpx.Response:
        return ask(exchange, POLICE, "GET", f"/v1/notifications/{two}/exports/json", params={"purpose": "review"})

    assert "An address in Northshire" in until(copy, lambda told: told.status_code == 200).text
    side = {"agency": POLICE, "person": "the-accused", "basis": "alleged_perpetrator"}
    act(exchange, APPROVER, "exclusion.proposed.v1", one, **side, reason="An allegation against an officer.")
    act(exchange, "business-unit-manager", "exclusion.approved.v1", one, **side)
    timelines = [
        ask(exchange, APPROVER, "GET", f"/v1/incidents/{each}/timeline").json()["items"] for each in (one, two)
    ]
    subjects = [facts[0]["data"]["children"][0]["subject"] for facts in timelines]
    reason = "The same NHS number, confirmed."
    act(exchange, APPROVER, "subjects.merged.v1", one, incidents=[one, two], subjects=subjects, reason=reason)
    assert copy().status_code == 404


def test_with_the_vault_gone_words_are_not_shown_and_events_are_taken(exchange: Exchange, incident: str) -> None:
    exchange.stack.hold("vault")
    try:
        assert exchange.refer()
        away = ask(exchange, APPROVER, "GET", f"/v1/incidents/{incident}/detail", params={"purpose": "triage"})
        assert (away.status_code, away.headers["retry-after"]) == (503, "5")
    finally:
        exchange.stack.let_go("vault")
