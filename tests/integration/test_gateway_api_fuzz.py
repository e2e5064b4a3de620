"""Whatever a client sends, it is the client that is told so: no 5xx, and nothing of what was sent in reply or log."""

import logging
from collections.abc import AsyncIterator
from copy import deepcopy
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nacl.public import PrivateKey

from tests.faults.gateway.door import MANY, ONE, Caller, Doorway, doorway
from tests.faults.gateway.ground import COUNCIL, POLICE, event, gateway_database, ground, referral, triage
from tests.stacks import Stack

PLANTED = "Wolstenholme"
"""A word that stands nowhere but in what these tests send."""

FUZZ = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture(scope="module")
async def at(stack: Stack) -> AsyncIterator[Doorway]:
    service = await gateway_database(stack, "fuzz")
    async with ground(service, PrivateKey.generate()) as opened, doorway(opened) as door:
        yield door


LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=20),
    st.sampled_from(
        [
            PLANTED,
            f"{PLANTED}\0",
            "9999-12-31T23:59:59-14:00",
            "0001-01-01T00:00:00+14:00",
            "0001-01-01",
            "9999-12-31",
            "2026-08-28T00:10:00",
            "vault:" + "0" * 32,
            "incident-" + "0" * 32,
            "deadline.missed.v1",
            "/services/gateway",
            "\u2028",
            "é" * 300,
        ]
    ),
)
KEYS = st.one_of(st.text(max_size=12), st.sampled_from([PLANTED, "data", "source", "id", "type", "time", "subject"]))
ANYTHING = st.recursive(
    LEAVES,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(KEYS, inner, max_size=4)),
    max_leaves=12,
)


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The place of everything in a value."""
    inner: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    return [place for key, each in inner for place in ((*at, key), *places(each, (*at, key)))]


@st.composite
def mutated(draw: st.DrawFn) -> Any:
    """A sound event in which some things were replaced, taken out or added."""
    data = {"portalReference": "SIN-1", "portalTime": "2026-08-28T08:00:00Z", "delayReason": PLANTED}
    filed = event("notification.submitted.v1", data, agency=COUNCIL, subject="incident-" + "0" * 32)
    value = deepcopy(
        draw(st.sampled_from([referral(data={"summary": PLANTED}), triage("incident-" + "0" * 32), filed]))
    )
    for _ in range(draw(st.integers(1, 3))):
        *way, last = draw(st.sampled_from(places(value)))
        node = value
        for step in way:
            node = node[step]
        match draw(st.sampled_from(["replace", "remove", "add"])):
            case "replace":
                node[last] = draw(ANYTHING)
            case "remove":
                del node[last]
            case "add" if isinstance(node, dict):
                node[draw(KEYS)] = draw(ANYTHING)
        if not places(value):
            break
    return value


def encoded(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS)


async def told_without_a_word(who: Caller, body: bytes, as_: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    caplog.clear()
    answer = await who.send(body, as_=as_)
    assert answer.status_code < 500, answer.text
    assert PLANTED.lower() not in answer.text.lower()
    if answer.status_code >= 400:
        told = answer.json()
        assert told["title"]
        assert all(fault["pointer"] == "" or fault["pointer"].startswith("/") for fault in told.get("errors", ()))
    for record in caplog.records:
        assert record.levelno < logging.ERROR, record.getMessage()
        assert PLANTED.lower() not in f"{record.getMessage()} {vars(record)}".lower()


@pytest.mark.parametrize("agency", [POLICE, COUNCIL])
@FUZZ
@given(value=mutated())
async def test_a_bent_event_is_refused_or_taken(
    at: Doorway, caplog: pytest.LogCaptureFixture, agency: str, value: Any
) -> None:
    who = at.as_(agency, "authority-approver", "approver", "notifier") if agency == COUNCIL else at.as_(agency)
    await told_without_a_word(who, encoded(value), ONE, caplog)


@FUZZ
@given(value=ANYTHING)
async def test_any_json_at_all_is_refused(at: Doorway, caplog: pytest.LogCaptureFixture, value: Any) -> None:
    await told_without_a_word(at.as_(), encoded(value), ONE, caplog)


@FUZZ
@given(values=st.lists(st.one_of(mutated(), ANYTHING), max_size=6))
async def test_a_batch_of_anything_is_answered_item_by_item(
    at: Doorway, caplog: pytest.LogCaptureFixture, values: list[Any]
) -> None:
    await told_without_a_word(at.as_(), encoded(values), MANY, caplog)


@FUZZ
@given(body=st.binary(max_size=200), as_=st.sampled_from([ONE, MANY, "text/plain", "application/json; charset=x", ";"]))
async def test_any_bytes_under_any_name_are_refused(
    at: Doorway, caplog: pytest.LogCaptureFixture, body: bytes, as_: str
) -> None:
    await told_without_a_word(at.as_(), body, as_, caplog)


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":' * 1200 + b"1" + b"}" * 1200,
        b'{"specversion": ' + b"9" * 5000 + b"}",
        b'{"specversion": 1e999999}',
        b'{"specversion": -1e-999999, "data": NaN}',
        b'{"id": "\\ud83d", "source": "x"}',
        b'{"id": "\\u0000", "source": "/agencies/northshire-police"}',
        b'{"id": {"id": 1}, "type": ["x"], "partnership": {}, "data": []}',
        b'{"type": "' + b"a" * 100_000 + b'"}',
        b"\xef\xbb\xbf{}",
        orjson.dumps(referral(type=PLANTED)),
        orjson.dumps(referral() | {PLANTED.lower(): 1}),
        orjson.dumps(referral(data={PLANTED.lower(): f"{PLANTED}\0", PLANTED: 1, "nature": PLANTED})),
        orjson.dumps(referral(partnership=PLANTED.lower(), source=f"/agencies/{PLANTED.lower()}", id=PLANTED)),
        orjson.dumps(referral(time="9999-12-31T23:59:59-14:00")),
        orjson.dumps(referral(time=1724800000)),
        orjson.dumps(referral(data={"authorityToldAt": "0001-01-01T00:00:00+14:00"})),
        orjson.dumps(referral(data={"occurrence": {"dateFrom": "0001-01-01", "location": "x"}})),
        orjson.dumps(referral(subject="calendar-england-and-wales")),
        orjson.dumps(referral(classification="OFFICIAL", reasonref="vault:" + "0" * 32)),
    ],
)
async def test_what_has_broken_others_is_refused(at: Doorway, caplog: pytest.LogCaptureFixture, body: bytes) -> None:
    answer = await at.as_().send(body)
    assert 400 <= answer.status_code < 500
    await told_without_a_word(at.as_(), body, ONE, caplog)


@FUZZ
@given(
    path=st.sampled_from(
        ["/v1/incidents", "/v1/submissions", "/v1/deadlines", "/v1/incidents/{}", "/v1/submissions/{}"]
    ),
    word=st.one_of(st.text(max_size=30), st.sampled_from([PLANTED, "a\0b", "../..", "%00"])),
)
async def test_any_question_is_answered(at: Doorway, caplog: pytest.LogCaptureFixture, path: str, word: str) -> None:
    caplog.clear()
    asked = dict.fromkeys(("cursor", "limit", "id", "source", "topic-offset", "waiting-for-me"), word)
    segment = "".join(f"%{byte:02x}" for byte in word.encode("utf-8", "replace"))
    for name in asked:
        answer = await at.as_().get(path.format(segment), **{name: word})
        assert answer.status_code < 500
        assert PLANTED.lower() not in answer.text.lower()
    assert all(record.levelno < logging.ERROR for record in caplog.records)
