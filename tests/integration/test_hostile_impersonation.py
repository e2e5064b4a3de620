"""An agency that speaks, asks or turns pages as another: refused, given nothing, and each time written down."""

import base64
import logging
import re
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import httpx
import orjson
import pytest
from nacl.public import PrivateKey

from shared.logs import Lines
from tests.faults.gateway.door import MANY, Caller, Doorway, doorway
from tests.faults.gateway.ground import COUNCIL, POLICE, gateway_database, ground, referral, triage
from tests.stacks import Stack

ELSEWHERE = "southmere-police"


@pytest.fixture(scope="module")
async def at(stack: Stack) -> AsyncIterator[Doorway]:
    service = await gateway_database(stack, "hostile")
    async with ground(service, PrivateKey.generate()) as opened, doorway(opened) as door:
        yield door


@pytest.fixture
def police(at: Doorway) -> Caller:
    return at.as_(POLICE)


@pytest.fixture
def written(caplog: pytest.LogCaptureFixture) -> "Written":
    caplog.set_level(logging.INFO)
    return Written(caplog)


class Written:
    """The log as it is written to disk: each record one line."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        self._caplog = caplog

    def lines(self) -> list[str]:
        ours = [record for record in self._caplog.records if record.name != "httpx"]  # the test's own client
        return [Lines("gateway").format(record) for record in ours]

    def last(self) -> str:
        return next(line for line in reversed(self.lines()) if "route=" in line)


async def receipt_of(who: Caller, answer: httpx.Response) -> dict[str, Any]:
    told: dict[str, Any] = (await who.get(answer.headers["location"])).json()
    return told


async def submissions(at: Doorway) -> int:
    return int((await at.ground.rows("select count(*) from submission"))[0][0])


async def test_anothers_name_in_source_is_refused_with_a_receipt_that_only_the_sender_has(
    at: Doorway, police: Caller, written: Written
) -> None:
    value = referral(agency=COUNCIL)

    answer = await police.send(value)

    assert (answer.status_code, answer.json()["errors"][0]["rule"]) == (403, "not-your-source")
    assert answer.json()["errors"][0]["pointer"] == "/source"
    receipt = await receipt_of(police, answer)
    assert (receipt["status"], receipt["faults"][0]["rule"]) == ("refused", "not-your-source")
    council = at.as_(COUNCIL)
    assert (await council.get("/v1/submissions", source=value["source"], id=value["id"])).status_code == 404
    assert (await council.send(value)).status_code == 202, "its own id was not used up by another"
    line = next(line for line in written.lines() if "status=403" in line)
    assert f"caller={POLICE}" in line
    assert COUNCIL not in line


@pytest.mark.parametrize(
    "source",
    [
        "/agencies/northshire-police/../northshire-council",
        "/agencies/Northshire-Police",
        "/services/gateway",
        "//x",
        "",
    ],
)
async def test_a_source_that_only_looks_like_ones_own_is_refused(police: Caller, source: str) -> None:
    answer = await police.send(referral() | {"source": source})

    assert answer.status_code in (403, 422)
    assert "/source" in {fault["pointer"] for fault in answer.json()["errors"]}
    assert (await receipt_of(police, answer))["status"] == "refused"


async def test_anothers_incident_in_subject_does_not_exist_and_the_try_has_a_receipt(
    at: Doorway, police: Caller, written: Written
) -> None:
    incident = (await police.send(referral())).json()["incident"]
    known = len(await at.ground.facts(incident))
    stranger = at.as_("southmere-council", "southmere-authority-approver", "approver")
    tried = triage(incident) | {"source": "/agencies/southmere-council", "partnership": "southmere"}
    unknown = triage("incident-" + "0" * 32) | {"source": "/agencies/southmere-council", "partnership": "southmere"}

    answers = [await stranger.send(value) for value in (tried, unknown)]

    there, not_there = ([(each["pointer"], each["rule"]) for each in one.json()["errors"]] for one in answers)
    assert there == not_there, "what is not yours cannot be told from what is not there"
    assert there[0][0] == "/subject"
    assert {answer.status_code for answer in answers} == {404}
    assert (await receipt_of(stranger, answers[0]))["status"] == "refused"
    assert len(await at.ground.facts(incident)) == known
    assert incident not in written.last()


async def test_anothers_incident_and_receipt_in_a_path_do_not_exist(
    at: Doorway, police: Caller, written: Written
) -> None:
    sent = await police.send(referral())
    incident, submission = sent.json()["incident"], sent.headers["location"]
    stranger = at.as_(ELSEWHERE)
    paths = (f"/v1/incidents/{incident}", f"/v1/incidents/{incident}/timeline", submission)

    for path in paths:
        named = re.search(r"[0-9a-f]{32}", path)
        assert named
        nothing = await stranger.get(path.replace(named[0], "0" * 32))
        answer = await stranger.get(path)
        assert (answer.status_code, nothing.status_code) == (404, 404)
        assert _without_trace(answer) == _without_trace(nothing)
        line = written.last()
        assert f"caller={ELSEWHERE}" in line
        assert "status=404" in line
        assert "refused=not-found" in line
        assert incident not in line


def _without_trace(answer: httpx.Response) -> dict[str, Any]:
    return {name: value for name, value in answer.json().items() if name != "trace"}


async def test_a_cursor_of_anothers_and_one_tampered_with_open_nothing(
    at: Doorway, police: Caller, written: Written
) -> None:
    for _ in range(3):
        assert (await police.send(referral())).status_code == 202
    for path in ("/v1/submissions", "/v1/incidents"):
        cursor = (await police.get(path, limit=1)).json()["next"]
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        assert b'"after"' not in raw
        forged = base64.urlsafe_b64encode(raw[:40] + orjson.dumps({"after": 2**40})).decode()
        flipped = base64.urlsafe_b64encode(raw[:-2] + bytes([raw[-2] ^ 1]) + raw[-1:]).decode()
        unsigned = base64.urlsafe_b64encode(bytes(40) + raw[40:]).decode()
        assert (await police.get(path, cursor=cursor)).status_code == 200

        tries = [(at.as_(COUNCIL), cursor), (at.as_(ELSEWHERE), cursor)]
        tries += [(police, each.rstrip("=")) for each in (forged, flipped, unsigned, cursor[:-4], "AAAA", "{}")]
        for who, shown in tries:
            answer = await who.get(path, cursor=shown)
            assert answer.status_code == 400, shown
            assert answer.json()["errors"][0]["pointer"] == "/query/cursor"
            assert shown not in answer.text
            assert "refused=bad-cursor" in written.last()
            assert shown not in written.last()


async def test_a_cursor_of_one_list_opens_no_other(police: Caller) -> None:
    for _ in range(2):
        await police.send(referral())
    cursor = (await police.get("/v1/submissions", limit=1)).json()["next"]

    assert (await police.get("/v1/incidents", cursor=cursor)).status_code == 400


async def test_ten_thousand_events_in_a_batch_are_refused_whole(at: Doorway, police: Caller, written: Written) -> None:
    before = await submissions(at)

    answer = await police.send([{"id": str(number)} for number in range(10_000)], as_=MANY)

    assert answer.status_code == 413
    assert answer.json()["errors"][0]["allowed"] == "at most 1000 events"
    assert await submissions(at) == before
    assert f"caller={POLICE}" in written.last()
    assert "refused=too-many-events" in written.last()


FORGED = "answered level=ERROR caller=operator"


@pytest.mark.parametrize("break_", ["\n", "\r\n", "\x0b", "\u2028", "\x1b[2J"])
async def test_what_is_sent_begins_no_line_of_the_log_and_no_header_of_the_answer(
    police: Caller, written: Written, break_: str
) -> None:
    planted = f"{break_}{FORGED}"
    headers = {"prefer": f"wait=0{break_}set-cookie: a=b", "traceparent": f"00-{'1' * 32}-{'2' * 16}-01{planted}"}
    if break_ == "\u2028":
        headers = {}  # no byte of a header
    value = referral(data={"summary": planted}) | {"id": f"id{planted}", "type": f"incident.referred.v1{planted}"}

    answers = [
        await police.send(value, **headers),
        await police.get(f"/v1/incidents/x{quote(planted)}", cursor=planted),
    ]
    answers.append(await police.send(referral(), as_=f"application/cloudevents+json; x={FORGED}"))

    for answer in answers:
        assert answer.status_code < 500
        assert "set-cookie" not in answer.headers
        assert FORGED not in str(answer.headers)
    for line in written.lines():
        assert FORGED not in line
        assert len(line.splitlines()) == 1
        assert "\x1b" not in line


async def test_a_name_in_the_token_itself_cannot_forge_a_line(at: Doorway, written: Written) -> None:
    forger = at.as_(POLICE, f"someone\n{FORGED}")

    await forger.get("/v1/incidents")

    assert all(len(line.splitlines()) == 1 for line in written.lines())
    assert not any(line.startswith("answered") for line in written.lines())
