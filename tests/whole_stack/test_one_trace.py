"""One trace holds from a request through the log and Kafka to every consumer, and back to the receipt.

The vault reads no topic: a trace reaches it with what it is asked and with what it collects, and goes on with the facts
that follow from either.
"""

import json
import secrets
from typing import Any

import httpx

from tests.whole_stack.conftest import Exchange, proposal, until


def _spans(exchange: Exchange, trace: str) -> set[tuple[str, str]]:
    """The service and name of every span of a trace."""
    found = set()
    for file in exchange.stack.home.folder.glob("services/*/traces/*.jsonl"):
        for line in file.read_text().splitlines():
            span: dict[str, Any] = json.loads(line)
            if span["trace"] == trace:
                found.add((span["service"], span["name"]))
    return found


def _headers(exchange: Exchange, by: str, trace: str) -> dict[str, str]:
    return exchange.tokens.headers(by) | {"traceparent": f"00-{trace}-{secrets.token_hex(8)}-01"}


def _post(exchange: Exchange, by: str, event: dict[str, Any], trace: str) -> dict[str, Any]:
    headers = _headers(exchange, by, trace) | {"content-type": "application/cloudevents+json", "prefer": "wait=20"}
    answer = httpx.post(f"{exchange.stack.urls['gateway']}/v1/events", json=event, headers=headers, timeout=40)
    told: dict[str, Any] = answer.json()
    return told


def test_a_referral_is_one_trace_from_the_request_to_each_other_services_reaction(exchange: Exchange) -> None:
    trace = secrets.token_hex(16)
    _post(exchange, "northshire-police", proposal("incident.referred.v1", "northshire-police"), trace)
    wanted = {
        ("gateway", "POST /v1/events"),
        ("gateway", "publish"),
        ("notifications", "apply incident.referred"),
        ("delivery", "apply incident.referred"),
    }
    until(lambda: _spans(exchange, trace), lambda seen: wanted <= seen)


def test_a_referral_is_one_trace_into_the_vault_that_files_it_and_what_the_vault_then_notices(
    exchange: Exchange,
) -> None:
    exchange.refer()
    trace = secrets.token_hex(16)
    again = _post(exchange, "northshire-police", proposal("incident.referred.v1", "northshire-police"), trace)
    assert again["incident"], again
    wanted = {
        ("gateway", "POST /v1/events"),
        ("vault", "file parcel"),
        ("vault", "publish"),
        ("delivery", "apply subject.likeness-noticed"),
    }
    until(lambda: _spans(exchange, trace), lambda seen: wanted <= seen)


def test_a_proposal_is_one_trace_over_its_owner_and_back_into_the_receipt(exchange: Exchange) -> None:
    incident = exchange.refer()
    exchange.send("authority-approver", proposal("notifiability.decided.v1", None, incident))
    trace = secrets.token_hex(16)
    receipt = _post(exchange, "authority-notifier", proposal("notification.drafted.v1", None, incident), trace)
    assert receipt["status"] == "accepted", receipt
    wanted = {
        ("gateway", "POST /v1/events"),
        ("gateway", "publish"),
        ("notifications", "apply notification.drafted"),
        ("notifications", "publish"),
        ("gateway", "apply submission.answered"),
        ("delivery", "apply notification.drafted"),
    }
    until(lambda: _spans(exchange, trace), lambda seen: wanted <= seen)


def test_an_agencys_return_is_one_trace_over_rapid_review_and_back_into_the_receipt(exchange: Exchange) -> None:
    incident, request = exchange.asked("northshire-academy")
    trace = secrets.token_hex(16)
    answer = proposal("information.returned.v1", "northshire-academy", incident, request=request)
    receipt = _post(exchange, "northshire-academy", answer, trace)
    assert receipt["status"] == "accepted", receipt
    wanted = {
        ("gateway", "POST /v1/events"),
        ("gateway", "publish"),
        ("rapid-review", "apply information.returned"),
        ("rapid-review", "publish"),
        ("gateway", "apply submission.answered"),
        ("delivery", "apply information.returned"),
    }
    until(lambda: _spans(exchange, trace), lambda seen: wanted <= seen)


def test_a_look_is_one_trace_over_the_vault_and_what_it_tells_of_the_look(exchange: Exchange) -> None:
    incident = exchange.refer()
    trace = secrets.token_hex(16)

    def look() -> httpx.Response:
        return httpx.get(
            f"{exchange.stack.urls['gateway']}/v1/incidents/{incident}/detail",
            params={"purpose": "triage"},
            headers=_headers(exchange, "authority-approver", trace),
            timeout=40,
        )

    assert until(look, lambda answer: answer.status_code != 503).status_code == 200
    wanted = {
        ("gateway", "GET /v1/incidents/{incident}/detail"),
        ("vault", "POST /v1/reveal"),
        ("vault", "publish"),
        ("delivery", "apply record.read"),
    }
    until(lambda: _spans(exchange, trace), lambda seen: wanted <= seen)
