"""The gateway's HTTP on a real PostgreSQL: the way in, receipts, and what each caller may see."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, cast
from uuid import uuid4

import httpx
import pytest
from nacl.public import PrivateKey

from contracts.envelope import Event
from contracts.submissions import Fault, SubmissionAnswered, Verdict
from services.gateway.answers import Answers
from shared.consumer import Streams, Work
from shared.working_days import england_and_wales
from tests.faults.gateway.door import MANY, Caller, Doorway, doorway
from tests.faults.gateway.ground import COUNCIL, NOW, POLICE, event, gateway_database, ground, referral, triage
from tests.retiring import retired
from tests.stacks import Stack


@pytest.fixture(scope="module")
async def at(stack: Stack) -> AsyncIterator[Doorway]:
    service = await gateway_database(stack, "api")
    async with ground(service, PrivateKey.generate()) as opened, doorway(opened) as door:
        yield door


@pytest.fixture
def police(at: Doorway) -> Caller:
    return at.as_(POLICE)


@pytest.fixture
def approver(at: Doorway) -> Caller:
    return at.as_(COUNCIL, "authority-approver", "approver")


@pytest.fixture
def notifier(at: Doorway) -> Caller:
    return at.as_(COUNCIL, "authority-notifier", "notifier")


def submitted(incident: str, **more: Any) -> dict[str, Any]:
    data = {"portalReference": "SIN-1", "portalTime": (NOW - timedelta(minutes=2)).isoformat()}
    return event("notification.submitted.v1", data, agency=COUNCIL, subject=incident, **more)


async def test_an_event_is_taken_with_202_and_a_location_that_tells_what_became_of_it(police: Caller) -> None:
    value = referral()
    answer = await police.send(value)
    assert answer.status_code == 202
    receipt = answer.json()
    assert receipt["status"] == "accepted"
    assert (await police.get(answer.headers["location"])).json() == receipt
    assert (await police.get("/v1/submissions", id=value["id"])).json() == receipt
    assert (await police.get("/v1/submissions", source=value["source"], id=value["id"])).json() == receipt
    again = await police.send(value)
    assert (again.status_code, again.json()) == (200, receipt)


async def test_another_agency_finds_no_receipt_of_mine(at: Doorway, police: Caller) -> None:
    value = referral()
    where = (await police.send(value)).headers["location"]
    for other in (at.as_(COUNCIL), at.as_("southmere-police")):
        assert (await other.get(where)).status_code == 404
        assert (await other.get("/v1/submissions", source=value["source"], id=value["id"])).status_code == 404


async def test_a_refusal_is_a_problem_with_every_fault_and_a_receipt(police: Caller) -> None:
    answer = await police.send(referral(data={"nature": "x", "surplus": 1}))
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert {fault["pointer"] for fault in answer.json()["errors"]} == {"/data/nature", "/data/*"}
    receipt = (await police.get(answer.headers["location"])).json()
    assert receipt["status"] == "refused"
    assert len(receipt["faults"]) == 2


@pytest.mark.parametrize(
    ("body", "as_", "status"),
    [
        (b"{", "application/cloudevents+json", 400),
        (b"\xff\xfe", "application/cloudevents+json", 400),
        (b'{"a": "\\ud800"}', "application/cloudevents+json", 400),
        (b"[" * 100_000, "application/cloudevents+json", 400),
        (b"{}", "application/json", 415),
        (b"{}", "", 415),
        (b"[]", "application/cloudevents+json", 422),
        (b"null", "application/cloudevents+json", 422),
        (b"[]", MANY, 422),
        (b"{}", MANY, 422),
        (b"[" + b"0," * 1000 + b"0]", MANY, 413),
        (b" " * (10 * 1024 * 1024 + 1), "application/cloudevents+json", 413),
    ],
)
async def test_bad_bodies_are_told_so(police: Caller, body: bytes, as_: str, status: int) -> None:
    answer = await police.send(body, as_=as_)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


async def test_nobody_without_a_token_and_no_service_gets_in(at: Doorway) -> None:
    assert (await at.http.post("/v1/events", content=b"{}")).status_code == 401
    service = at.as_("vault", kind="service", agency=None)
    assert (await service.send(referral())).status_code == 403
    assert (await service.get("/v1/incidents")).status_code == 403


async def test_a_batch_answers_for_each_item_in_order(police: Caller) -> None:
    number = uuid4().hex
    values = [referral(), referral(incidentref=number, data={"nature": "x"}), referral(incidentref=number), 7]
    answer = await police.send(values, as_=MANY)
    assert answer.status_code == 202
    items = answer.json()["items"]
    assert [(item["index"], item["httpStatus"], item["status"]) for item in items] == [
        (0, 202, "accepted"),
        (1, 422, "refused"),
        (2, 424, "not attempted"),
        (3, 422, "refused"),
    ]


async def test_too_fast_is_told_when_to_come_again_and_two_processes_share_the_limit(stack: Stack) -> None:
    service = await gateway_database(stack, "limits")
    secret = PrivateKey.generate()
    async with (
        ground(service, secret) as one,
        ground(service, secret) as two,
        doorway(one, rate=0.5, burst=10) as first,
        doorway(two, rate=0.5, burst=10) as second,
    ):
        both = [door.as_(POLICE) for door in (first, second)]
        answers = [await both[number % 2].send(referral()) for number in range(16)]
        statuses = [answer.status_code for answer in answers]
        assert statuses.count(429) >= 4
        refused = next(answer for answer in answers if answer.status_code == 429)
        assert int(refused.headers["retry-after"]) >= 1
        assert (await first.as_(COUNCIL).send(referral(agency=COUNCIL))).status_code == 202


async def until_known(who: Caller, event_id: str) -> httpx.Response:
    for _ in range(500):
        found = await who.get("/v1/submissions", id=event_id)
        if found.status_code == 200:
            return found
        await asyncio.sleep(0.02)
    raise AssertionError("the submission never became known")


async def answer_it(
    at: Doorway, submission: str, verdict: Verdict, *, folding: Answers | None = None, **more: Any
) -> None:
    """What the owner's answer does, folded in this process unless another is given."""
    said = SubmissionAnswered(submission=submission, verdict=verdict, **more)
    answer: Any = cast(Any, Event[SubmissionAnswered]).model_construct(data=said)
    async with at.ground.database.transaction() as tx:
        await (folding or at.answers).fold(
            answer, Work(at.ground.place, tx, answer, NOW, england_and_wales(), Streams())
        )


@asynccontextmanager
async def process(at: Doorway, kind: str) -> AsyncIterator[Answers]:
    """Which process folds an answer; one that was ended before it could tell of it is found out by looking."""
    made = at.answers if kind == "here" else Answers(at.ground.database)
    running = asyncio.create_task(made.run()) if kind == "elsewhere" else None
    try:
        yield made
    finally:
        if running:
            running.cancel()


@pytest.mark.parametrize("kind", ["here", "elsewhere", "elsewhere, and ended before it told"])
async def test_prefer_wait_returns_the_owners_verdict(
    at: Doorway, police: Caller, notifier: Caller, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if kind == "elsewhere":
        monkeypatch.setattr("services.gateway.answers.LOOK_EVERY", 60.0)  # so that it must have been told
    incident = (await police.send(referral())).json()["incident"]
    value = submitted(incident)
    waiting = asyncio.create_task(notifier.send(value, prefer="wait=20"))
    found = await until_known(notifier, value["id"])
    submission = found.json()["submission"]
    async with process(at, kind) as folding:
        await answer_it(at, submission, Verdict.WAITING, waiting_for="its triage", folding=folding)
        assert (await notifier.get("/v1/submissions", id=value["id"])).json()["waitingFor"] == "its triage"
        told = {"facts": ("f-1",), "marks": ("without_approval",)}
        await answer_it(at, submission, Verdict.ACCEPTED, folding=folding, **told)
        async with asyncio.timeout(5):
            answer = await waiting
    assert answer.status_code == 200
    assert answer.headers["preference-applied"] == "wait=20"
    assert answer.json() | {"deadlines": []} == found.json() | {
        "status": "accepted",
        "facts": ["f-1"],
        "marks": ["without_approval"],
    }


async def test_a_verdict_stands_and_a_refused_submission_may_be_sent_again(
    at: Doorway, police: Caller, notifier: Caller
) -> None:
    incident = (await police.send(referral())).json()["incident"]
    value = submitted(incident)
    first = await notifier.send(value, prefer="wait=0")
    assert (first.status_code, first.json()["status"]) == (202, "pending")
    slow = await notifier.send(value, prefer="wait=1")
    assert slow.json()["status"] == "pending"
    fault = Fault(pointer="/data/version", rule="unknown-version", detail="There is no such version.")
    await answer_it(at, first.json()["submission"], Verdict.REFUSED, faults=(fault,))
    await answer_it(at, first.json()["submission"], Verdict.ACCEPTED)
    receipt = (await notifier.get(first.headers["location"])).json()
    assert (receipt["status"], receipt["faults"][0]["rule"]) == ("refused", "unknown-version")
    again = await notifier.send(value)
    assert again.status_code == 202
    assert again.json()["submission"] != first.json()["submission"]


async def test_an_incident_is_shown_with_its_clocks_day_by_day(police: Caller, approver: Caller) -> None:
    sent = (await police.send(referral(incidentref="POL/7"))).json()
    shown = (await approver.get(f"/v1/incidents/{sent['incident']}")).json()
    assert "incidentref" not in shown  # another agency's own number
    clock = next(clock for clock in shown["clocks"] if clock["clock"] == "T01")
    assert (clock["due"], clock["provisional"]) == ("2026-09-07", True)
    assert clock["days"][0] == {"day": "2026-08-28", "why": "day 0 is not counted"}
    assert clock["days"][3] == {"day": "2026-08-31", "why": "Summer bank holiday"}
    assert clock["days"][-1] == {"day": "2026-09-07", "workingDay": 5}
    assert (await police.get(f"/v1/incidents/{sent['incident']}")).json()["incidentref"] == "POL/7"


async def test_what_is_not_yours_does_not_exist(at: Doorway, police: Caller) -> None:
    incident = (await police.send(referral())).json()["incident"]
    strangers = (
        at.as_("southmere-council", "southmere-approver", "approver"),
        at.as_("northshire-academy"),
        at.as_(COUNCIL, "authority-operator", "operator"),
        at.as_(POLICE, partnerships=[]),
    )
    for stranger in strangers:
        for path in (f"/v1/incidents/{incident}", f"/v1/incidents/{incident}/timeline"):
            assert (await stranger.get(path)).status_code == 404
        assert incident not in (await stranger.get("/v1/incidents", limit=200)).text
        assert incident not in (await stranger.get("/v1/deadlines", limit=200)).text


async def test_an_agency_sees_only_the_fields_that_its_kind_may(at: Doorway) -> None:
    school = at.as_("northshire-academy")
    sent = (await school.send(referral(agency="northshire-academy"))).json()
    shown = (await school.get(f"/v1/incidents/{sent['incident']}")).json()
    assert shown["clocks"] == []
    assert "participants" not in shown
    (fact,) = (await school.get(f"/v1/incidents/{sent['incident']}/timeline")).json()["items"]
    assert set(fact["data"]) == {"nature", "hostAuthority"}


async def test_lists_come_in_pages_that_join_up(at: Doorway, police: Caller) -> None:
    sent = {(await police.send(referral())).json()["incident"] for _ in range(5)}
    for path, of in (("/v1/incidents", "id"), ("/v1/deadlines", "incident")):
        found, cursor = [], None
        while True:
            page = (await police.get(path, limit=3, **({"cursor": cursor} if cursor else {}))).json()
            found += [(item[of], item.get("clock")) for item in page["items"]]
            cursor = page.get("next")
            if cursor is None:
                break
        assert sent <= {incident for incident, _ in found}
        assert len(found) == len(set(found))
    assert (await police.get("/v1/incidents", cursor="bent")).status_code == 400


async def test_what_is_closed_to_the_caller_neither_empties_a_page_nor_gives_it_a_next(
    at: Doorway, police: Caller, approver: Caller
) -> None:
    open_, closed = [[(await police.send(referral())).json()["incident"] for _ in range(2)] for _ in range(2)]
    about = {"agency": POLICE, "basis": "conflict_of_interest"}
    for incident in closed:
        for who, name, more in (
            (approver, "proposed", {"reason": "Reason A"}),
            (at.as_(COUNCIL, "business-unit-manager", "business_unit"), "approved", {}),
        ):
            said = event(f"exclusion.{name}.v1", about | more, agency=COUNCIL, subject=incident)
            assert (await who.send(said)).status_code == 202
    for path, of in (("/v1/incidents", "id"), ("/v1/deadlines", "incident")):
        pages: list[list[str]] = []
        cursor = None
        while not pages or cursor:
            page = (await police.get(path, limit=1, **({"cursor": cursor} if cursor else {}))).json()
            pages.append([item[of] for item in page["items"]])
            cursor = page.get("next")
        assert {len(page) for page in pages} == {1}
        assert set(open_) <= {incident for (incident,) in pages}
        assert set(closed).isdisjoint(incident for (incident,) in pages)


async def test_what_waits_for_me_names_the_task_and_its_due_day(
    police: Caller, approver: Caller, notifier: Caller
) -> None:
    incident = (await police.send(referral())).json()["incident"]
    mine = (await approver.get("/v1/incidents", **{"waiting-for-me": "true"})).json()["items"]
    assert [task["what"] for task in mine if task["incident"] == incident] == ["decide_notifiability"]
    await approver.send(triage(incident))
    theirs = (await notifier.get("/v1/incidents", **{"waiting-for-me": "true"})).json()["items"]
    assert ("submit_notification", "2026-09-07") in {(t["what"], t["due"]) for t in theirs if t["incident"] == incident}


async def test_a_proclaimed_day_is_proposed_by_one_and_approved_by_another(at: Doorway, police: Caller) -> None:
    one, two = (at.as_(COUNCIL, f"business-unit-{number}", "business_unit") for number in ("one", "two"))
    day = {"day": "2027-05-10", "title": "A proclaimed day", "source": "A proclamation"}
    proposed = event("calendar.day-proposed.v1", day, agency=COUNCIL)
    assert (await one.send(proposed)).json()["status"] == "accepted"
    assert (await one.get("/v1/calendar")).json()["proposed"][0]["day"] == "2027-05-10"
    added = event("calendar.day-added.v1", day, agency=COUNCIL)
    refused = await one.send(added)
    assert (refused.status_code, refused.json()["errors"][0]["rule"]) == (422, "same-person")
    assert (await two.send(added)).json()["status"] == "accepted"
    calendar = (await police.get("/v1/calendar")).json()
    assert {"day": "2027-05-10", "title": "A proclaimed day"} in calendar["daysOff"]
    assert calendar["proposed"] == []


async def test_a_retired_version_is_refused_with_those_there_are(notifier: Caller) -> None:
    with retired("notification.amended", 1):
        answer = await notifier.send(event("notification.amended.v1", {}, agency=COUNCIL))
    assert answer.status_code == 422
    (fault,) = answer.json()["errors"]
    assert (fault["pointer"], fault["rule"]) == ("/type", "unknown-type")
    assert fault["allowed"] == "notification.amended.v2"


async def test_rules_and_event_types_are_told_to_whoever_belongs_here(police: Caller) -> None:
    rules = (await police.get("/v1/rules")).json()["items"]
    assert any(rule["id"] == "T01" and rule["source"] for rule in rules)
    types = {entry["name"]: entry for entry in (await police.get("/v1/event-types")).json()["items"]}
    assert types["incident.referred"]["mayPropose"] is True
    assert types["notifiability.decided"]["mayPropose"] is False
    assert [version["type"] for version in types["notification.amended"]["versions"]] == [
        "notification.amended.v1",
        "notification.amended.v2",
    ]
