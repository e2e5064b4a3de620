"""What every service's HTTP answers to bad requests, and what it keeps to itself."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from typing import Annotated

import httpx
import pytest
from fastapi import APIRouter, Depends, Request
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pydantic import BaseModel, ConfigDict, field_validator

from shared.http import Health, Problem, service_app, too_fast
from shared.identity import Caller, Verifier, caller
from shared.logs import Lines
from shared.telemetry import current_traceparent, tracing

PLANTED = "Zebedee Quillfeather"


class Child(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    age: int
    band: str = "infant"

    @field_validator("band")
    @classmethod
    def known(cls, band: str) -> str:
        if band not in ("infant", "child"):
            raise ValueError(f"{band} is not a band")
        return band


router = APIRouter()


@router.post("/children")
async def add(child: Child) -> dict[str, str | None]:
    return {"traceparent": current_traceparent()}


@router.post("/raw", max_body_size=200)
async def raw(request: Request) -> int:
    return len(await request.body())


@router.post("/explode")
async def explode(request: Request) -> None:
    raise RuntimeError((await request.body()).decode())


@router.get("/away/{what}")
async def away(what: str) -> None:
    raise {"database": ConnectionRefusedError, "file": FileNotFoundError}[what](PLANTED)


@router.get("/too-fast")
async def hurried() -> None:
    raise too_fast(1.2)


@router.get("/refused")
async def refused() -> None:
    raise Problem(403, "not-permitted", "Not permitted", "Ask the authority.")


@router.get("/mine")
async def mine(who: Annotated[Caller, Depends(caller)]) -> str:
    return who.id


async def _no_keys() -> dict[str, object]:
    raise ValueError("no key set here")


async def _failing() -> Health:
    raise ConnectionError(PLANTED)


async def _ageing() -> Health:
    return Health("warning", "the calendar ends within a year")


def _app(**components: object) -> httpx.AsyncClient:
    app = service_app(
        title="Probe",
        service="probe",
        routers=[router],
        verifier=Verifier("https://issuer.example", "probe", _no_keys),
        components=components,  # type: ignore[arg-type]
        body_limit=100,
    )
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://probe")


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with _app() as http:
        yield http


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.WARNING, "httpx")  # the test's own client
    caplog.set_level(logging.DEBUG)
    caplog.handler.setFormatter(Lines("probe"))
    return caplog


async def test_malformed_json_is_400_and_says_the_remedy(client: httpx.AsyncClient) -> None:
    answer = await client.post("/children", content=b'{"age": ', headers={"content-type": "application/json"})

    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "urn:safeguarding-exchange:problem:malformed-json"


async def test_text_that_is_not_utf8_is_400(client: httpx.AsyncClient) -> None:
    answer = await client.post("/children", content=b'{"age": "\xff"}', headers={"content-type": "application/json"})

    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")


async def test_json_nested_beyond_reason_is_a_client_fault(client: httpx.AsyncClient) -> None:
    async with _app() as http:
        answer = await http.post("/children", content=b"[" * 99, headers={"content-type": "application/json"})

    assert answer.status_code == 400


async def test_every_fault_is_listed_with_its_pointer_rule_and_what_is_allowed(client: httpx.AsyncClient) -> None:
    answer = await client.post("/children", json={"age": "old", "band": 7, "shoe": 1})

    faults = {fault["pointer"]: fault["rule"] for fault in answer.json()["errors"]}
    assert answer.status_code == 422
    assert faults == {"/age": "int_parsing", "/band": "string_type", "/shoe": "extra_forbidden"}


@pytest.mark.parametrize(
    "body",
    [
        {"age": PLANTED},
        {"age": 1, "band": PLANTED},
        {"age": 1, "band": PLANTED.lower()},
        {"age": 1, PLANTED: 1},
        [PLANTED],
        PLANTED,
    ],
)
async def test_a_planted_name_comes_back_neither_in_the_reply_nor_in_the_log(
    body: object, client: httpx.AsyncClient, logged: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = await client.post(f"/children?name={PLANTED}", json=body)

    assert answer.status_code == 422
    everything = (answer.text + str(answer.headers) + logged.text + "".join(capsys.readouterr())).lower()
    assert "zebedee" not in everything
    assert "quillfeather" not in everything


async def test_a_failure_of_ours_tells_the_caller_nothing_and_the_log_no_value(
    client: httpx.AsyncClient, logged: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = await client.post("/explode", content=PLANTED)

    assert answer.status_code == 500
    assert answer.json()["type"].endswith(":unforeseen")
    assert "detail" not in answer.json()
    assert "exception=RuntimeError" in logged.text
    assert "test_http.py" in logged.text
    assert "Zebedee" not in answer.text + logged.text + "".join(capsys.readouterr())


async def test_what_time_will_mend_is_503_and_what_it_will_not_is_500(client: httpx.AsyncClient) -> None:
    outage = await client.get("/away/database")
    missing = await client.get("/away/file")

    assert (outage.status_code, outage.headers["retry-after"]) == (503, "2")
    assert missing.status_code == 500
    assert "Zebedee" not in outage.text + missing.text


async def test_a_path_and_its_query_are_never_logged(
    client: httpx.AsyncClient, logged: pytest.LogCaptureFixture
) -> None:
    answer = await client.get(f"/children/{PLANTED}?of={PLANTED}")

    assert answer.status_code == 404
    assert "route=unmatched" in logged.text
    assert "Zebedee" not in logged.text


async def test_the_access_log_names_the_route_by_its_template(
    client: httpx.AsyncClient, logged: pytest.LogCaptureFixture
) -> None:
    await client.get("/refused")

    assert "route=/refused status=403" in logged.text


@pytest.mark.parametrize(("path", "limit"), [("/children", 100), ("/raw", 200)])
@pytest.mark.parametrize("declared", [True, False])
async def test_a_body_over_the_limit_is_413_whether_declared_or_streamed(
    path: str, limit: int, declared: bool, client: httpx.AsyncClient
) -> None:
    sent = 0

    async def parts() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(1000):
            sent += 50
            yield b"x" * 50

    headers = {"content-type": "application/json"} | ({"content-length": "50000"} if declared else {})
    answer = await client.post(path, content=parts(), headers=headers)

    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["connection"] == "close"
    assert answer.json()["type"].endswith(":too-large")
    assert "x-request-id" in answer.headers
    if not declared:
        assert sent <= limit + 100, "the rest must not be read"


async def test_a_body_within_the_limit_of_its_own_route_is_taken(client: httpx.AsyncClient) -> None:
    answer = await client.post("/raw", content=b"x" * 150)

    assert (answer.status_code, answer.json()) == (200, 150)


async def test_wrong_method_keeps_its_allow_header(client: httpx.AsyncClient) -> None:
    answer = await client.get("/children")

    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"
    assert answer.json()["type"].endswith(":method-not-allowed")


async def test_too_fast_says_when_to_come_back(client: httpx.AsyncClient) -> None:
    answer = await client.get("/too-fast")

    assert (answer.status_code, answer.headers["retry-after"]) == (429, "2")


@pytest.mark.parametrize("authorization", [None, "Basic abc", "Bearer", "Bearer  "])
async def test_no_token_is_401_with_a_challenge(authorization: str | None, client: httpx.AsyncClient) -> None:
    headers = {"authorization": authorization} if authorization else {}
    answer = await client.get("/mine", headers=headers)

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer realm=")


async def test_a_token_of_nonsense_is_401_and_not_repeated(client: httpx.AsyncClient) -> None:
    answer = await client.get("/mine", headers={"authorization": "Bearer Zebedee"})

    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    assert "Zebedee" not in answer.text + str(answer.headers)


async def test_the_trace_that_a_caller_began_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    spans = InMemorySpanExporter()
    provider = tracing(Resource.create({}), [spans])
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)
    theirs = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

    async with _app() as http:
        answer = await http.post("/children", json={"age": 1}, headers={"traceparent": theirs})
        problem = await http.get("/refused", headers={"traceparent": theirs})
    provider.force_flush()

    inside = answer.json()["traceparent"]
    assert inside.split("-")[1] == theirs.split("-")[1]
    assert inside.split("-")[2] != theirs.split("-")[2]
    assert problem.json()["trace"] == theirs.split("-")[1]
    first = spans.get_finished_spans()[0]
    assert first.name == "POST /children"
    assert first.parent is not None
    assert f"{first.parent.span_id:016x}" == "b7ad6b7169203331"


async def test_answers_carry_security_headers(client: httpx.AsyncClient) -> None:
    answer = await client.get("/health/live")

    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["content-security-policy"]


async def test_a_warning_keeps_a_service_in_service() -> None:
    async with _app(calendar=_ageing) as http:
        answer = await http.get("/health/ready")

    assert answer.status_code == 200
    assert answer.json()["status"] == "warning"
    assert answer.json()["components"]["calendar"]["detail"] == "the calendar ends within a year"


async def test_a_part_that_cannot_say_how_it_stands_has_failed_and_its_words_stay_inside() -> None:
    async with _app(calendar=_ageing, database=_failing) as http:
        answer = await http.get("/health/ready")

    assert answer.status_code == 503
    assert answer.json()["components"]["database"]["status"] == "failed"
    assert "Zebedee" not in answer.text


async def test_metrics_are_prometheus_text(client: httpx.AsyncClient) -> None:
    answer = await client.get("/metrics")

    assert answer.headers["content-type"].startswith("text/plain")
    assert "python_info" in answer.text


async def test_the_interface_description_tells_of_problems(client: httpx.AsyncClient) -> None:
    described = (await client.get("/openapi.json")).json()

    responses = described["paths"]["/children"]["post"]["responses"]
    assert "application/problem+json" in responses["4XX"]["content"]
    assert "HTTPValidationError" not in json.dumps(described)


async def test_a_task_nobody_awaited_logs_no_value(logged: pytest.LogCaptureFixture) -> None:
    async def fails() -> None:
        raise ValueError(PLANTED)

    task = asyncio.create_task(fails())
    await asyncio.wait([task])
    asyncio.get_running_loop().call_exception_handler(
        {"message": "Task exception was never retrieved", "exception": task.exception(), "future": task}
    )

    assert "exception=ValueError" in logged.text
    assert "Zebedee" not in logged.text
