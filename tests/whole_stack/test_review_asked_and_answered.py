"""A rapid review in the whole house: it opens by itself, an agency that is only asked reads its own and nothing else,
answers, and its answer is in the copies that the authority takes."""

import csv
import io
import os
import signal
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.whole_stack.conftest import Exchange, proposal, until
from tests.whole_stack.test_feeds import process_of
from tests.whole_stack.test_feeds_killed import BACK_SECONDS

NOTIFIER, APPROVER, UNIT = "authority-notifier", "authority-approver", "business-unit-officer"
ACADEMY, HOMES, STRANGER = "northshire-academy", "harbour-homes", "southmere-council"
REVIEW = {"purpose": "review"}
OFFICES = dict.fromkeys((NOTIFIER, APPROVER, UNIT), "northshire-council") | {"police-reviewer": "northshire-police"}


def past(**ago: float) -> str:
    return (datetime.now(UTC) - timedelta(**ago)).isoformat()


def on(days: int) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).date().isoformat()


def say(exchange: Exchange, by: str, example: str, incident: str, **data: Any) -> Mapping[str, Any]:
    """Propose this, and return its receipt once its verdict is there; a refusal at the door counts."""
    event = proposal(example, OFFICES.get(by, by), incident)
    sent = exchange.send(by, event | {"data": event["data"] | data})
    if sent.receipt is None or not sent.submission:
        return sent.receipt or {}
    return exchange.settled(by, sent)


def accepted(exchange: Exchange, by: str, example: str, incident: str, **data: Any) -> Mapping[str, Any]:
    receipt = say(exchange, by, example, incident, **data)
    assert receipt.get("status") == "accepted", (example, receipt)
    return receipt


def get(exchange: Exchange, who: str, path: str, **params: str) -> httpx.Response:
    return until(lambda: exchange.https.get(who, path, params), lambda told: told.status_code != 503)  # type: ignore[no-any-return]


def opened(exchange: Exchange) -> str:
    """An incident whose notification was submitted, and whose review has opened by itself."""
    incident = exchange.refer()
    accepted(exchange, APPROVER, "notifiability.decided.v1", incident, becameAwareAt=past(hours=2))
    content = proposal("notification.drafted.v1")["data"]["content"] | {"becameAwareAt": past(hours=2)}
    accepted(exchange, NOTIFIER, "notification.drafted.v1", incident, content=content)
    accepted(exchange, APPROVER, "notification.approved.v1", incident)
    accepted(exchange, NOTIFIER, "notification.submitted.v1", incident, portalTime=past(minutes=30))
    until(lambda: exchange.https.get(UNIT, f"/v1/reviews/{incident}").status_code == 200)
    return incident


def asked(exchange: Exchange, incident: str, agency: str) -> str:
    """The request that an agency was sent."""
    timeline = exchange.https.get(APPROVER, f"/v1/incidents/{incident}/timeline").json()["items"]
    child = timeline[0]["data"]["children"][0]["subject"]
    accepted(exchange, UNIT, "information.requested.v1", incident, agency=agency, subjects=[child], due=on(5))
    told = exchange.https.get(UNIT, f"/v1/reviews/{incident}").json()
    (found,) = [each for each in told["review"]["requests"] if each["agency"] == agency]
    return str(found["request"])


@pytest.fixture(scope="module")
def incident(exchange: Exchange) -> str:
    return opened(exchange)


@pytest.fixture(scope="module")
def request_(exchange: Exchange, incident: str) -> str:
    """The academy's; Harbour Homes is asked too."""
    asked(exchange, incident, HOMES)
    return asked(exchange, incident, ACADEMY)


def test_it_stands_with_its_clock_its_plan_and_what_waits(exchange: Exchange, incident: str) -> None:
    told = exchange.https.get(UNIT, f"/v1/reviews/{incident}").json()["review"]
    assert told["rule"] == "T06a"
    (clock,) = told["clocks"]
    assert [day["workingDay"] for day in clock["days"] if "workingDay" in day] == list(range(1, 16))
    assert clock["sentence"].startswith("notified ")
    assert [task["task"] for task in told["plan"]] == [
        "requests_out",
        "returns_due",
        "case_group",
        "sign_off",
        "submit",
    ]
    assert told["waits"]
    listed = exchange.https.get(UNIT, "/v1/reviews").json()["items"]
    assert incident in [each["incident"] for each in listed]


def test_whoever_is_only_asked_reads_its_own_request_and_nothing_else(
    exchange: Exchange, incident: str, request_: str
) -> None:
    told = until(lambda: exchange.https.get(ACADEMY, f"/v1/reviews/{incident}").json(), lambda t: "review" in t)
    assert [each["agency"] for each in told["review"]["requests"]] == [ACADEMY]
    assert set(told) == {"incident", "partnership", "documents", "review"}
    assert set(told["review"]) <= {"requests", "waits"}
    for path in ("", "/timeline", "/clocks"):
        assert exchange.https.get(ACADEMY, f"/v1/incidents/{incident}{path}").status_code == 404
    for path in ("chronology", "report/pdf"):
        assert get(exchange, ACADEMY, f"/v1/reviews/{incident}/{path}", **REVIEW).status_code == 404
    own = get(exchange, ACADEMY, f"/v1/reviews/{incident}/requests/{request_}", **REVIEW)
    assert own.status_code == 200, own.text
    assert own.json()["facts"][0]["data"]["reason"].startswith("A rapid review")
    (child,) = own.json()["children"]
    assert child["name"]
    assert child["keyName"] in (None, "UPN")
    words = get(exchange, ACADEMY, f"/v1/reviews/{incident}/detail", **REVIEW).json()
    assert {fact["data"]["agency"] for fact in words["facts"]} == {ACADEMY}


def test_to_a_stranger_there_is_no_review(exchange: Exchange, incident: str, request_: str) -> None:
    for path in ("", "/detail", "/chronology", f"/requests/{request_}", f"/requests/{request_}/letter"):
        answer = exchange.https.get(STRANGER, f"/v1/reviews/{incident}{path}", REVIEW)
        assert answer.status_code == 404, path
    assert exchange.https.get(HOMES, f"/v1/reviews/{incident}/requests/{request_}", REVIEW).status_code == 404
    said = say(exchange, STRANGER, "information.acknowledged.v1", incident, agency=STRANGER, request=request_)
    assert said.get("status") != "accepted"
    said = say(exchange, HOMES, "information.acknowledged.v1", incident, agency=ACADEMY, request=request_)
    assert [fault["rule"] for fault in said["faults"]] == ["absent"]
    event = proposal("information.acknowledged.v1", HOMES, incident)
    event |= {"data": {"agency": ACADEMY, "request": request_}}
    assert until(lambda: exchange.send(HOMES, event).http, lambda answered: answered != 202) == 404


def test_its_feed_brings_what_is_addressed_to_it_alone(exchange: Exchange, incident: str, request_: str) -> None:
    def fed(agency: str) -> list[Any]:
        items = exchange.https.get(agency, "/v1/feed", {"limit": 200}).json()["items"]
        return [each for each in items if (each.get("event") or each).get("subject") == incident]

    mine = until(lambda: fed(ACADEMY))
    assert {str((each.get("event") or each)["type"]) for each in mine} == {"information.requested.v1"}
    assert all((each.get("event") or each)["data"]["request"] == request_ for each in mine)


def test_its_answer_is_in_every_copy_that_the_authority_takes(exchange: Exchange, incident: str, request_: str) -> None:
    child = exchange.https.get(UNIT, f"/v1/reviews/{incident}").json()["review"]["requests"][0]["subjects"]
    entries = [each | {"subjects": child} for each in proposal("information.returned.v1")["data"]["entries"]]
    of = {"agency": ACADEMY, "request": request_}
    accepted(exchange, ACADEMY, "information.acknowledged.v1", incident, **of)
    accepted(exchange, ACADEMY, "information.returned.v1", incident, entries=entries, **of)
    path = f"/v1/reviews/{incident}/chronology"
    sheet = get(exchange, UNIT, path, form="csv", **REVIEW)
    assert sheet.status_code == 200, sheet.text
    rows = list(csv.DictReader(io.StringIO(sheet.content.decode("utf-8-sig"))))
    assert [row["event"] for row in rows] == [entries[0]["words"]["event"]]
    whole = get(exchange, UNIT, path, form="json", **REVIEW).json()
    assert whole["chronology"]["children"] == ["Child A"]
    for form, begins in (("pdf", b"%PDF"), ("svg", b"<svg"), ("xlsx", b"PK")):
        assert get(exchange, UNIT, path, form=form, **REVIEW).content.startswith(begins)
    letter = get(exchange, UNIT, f"/v1/reviews/{incident}/requests/{request_}/letter", **REVIEW)
    assert letter.content.startswith(b"%PDF"), letter.text
    reads = exchange.https.get(APPROVER, f"/v1/incidents/{incident}/reads").json()["items"]
    assert "business-unit-officer" in str(reads)


def test_a_report_is_copied_with_views_and_chronology(exchange: Exchange, incident: str, request_: str) -> None:
    accepted(exchange, UNIT, "meeting.held.v1", incident, heldAt=past(minutes=1))
    accepted(exchange, UNIT, "review.drafted.v1", incident)
    accepted(exchange, "police-reviewer", "view.recorded.v1", incident, version=1, partner="police")
    told = get(exchange, UNIT, f"/v1/reviews/{incident}/report/json", **REVIEW)
    assert told.status_code == 200, told.text
    assert [view["view"] for view in told.json()["views"]] == [None, None, "agree"]
    assert told.json()["chronology"]["lines"]
    assert get(exchange, UNIT, f"/v1/reviews/{incident}/report/pdf", **REVIEW).content.startswith(b"%PDF")
    standing = exchange.https.get(UNIT, f"/v1/reviews/{incident}").json()["review"]
    assert standing["versions"][0]["decision"]["outcome"]


@pytest.mark.timeout(300)
def test_killed_under_traffic_it_loses_nothing(exchange: Exchange) -> None:
    incident = opened(exchange)
    request = asked(exchange, incident, ACADEMY)
    sent = []
    for number in range(20):
        entries = [{"day": "2026-03-02", "words": {"event": f"Entry {number} of the traffic."}}]
        event = proposal("information.contributed.v1", ACADEMY, incident, request=request, entries=entries)
        sent.append(exchange.send(ACADEMY, event))
        if number == 10:
            os.kill(process_of(exchange, "rapid-review"), signal.SIGKILL)

    def verdicts() -> set[str]:
        return {str(exchange.https.receipt(ACADEMY, each.submission or "").get("status")) for each in sent}

    until(verdicts, lambda told: told == {"accepted"}, seconds=BACK_SECONDS)
    told = exchange.https.get(ACADEMY, f"/v1/reviews/{incident}").json()["review"]["requests"]
    assert [each["contributions"] for each in told] == [20]
