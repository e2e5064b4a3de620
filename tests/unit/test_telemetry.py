"""Traces join up, figures come out, and no word that a person wrote comes with them."""

import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pydantic import BaseModel, ConfigDict, ValidationError
from sqlalchemy.exc import IntegrityError

from shared.logs import JsonLines, Lines, told
from shared.telemetry import FileExporter, attach, carry_trace, current_traceparent, tracing

PLANTED = "Zebedee Quillfeather"


class Loose(BaseModel):
    age: int


class Hidden(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)

    age: int


def _validation_error(model: type[BaseModel]) -> ValidationError:
    with pytest.raises(ValidationError) as caught:
        model.model_validate({"age": PLANTED})
    return caught.value


class _DriverError(Exception):
    sqlstate = "23505"


def _errors() -> list[BaseException]:
    database = IntegrityError("INSERT INTO child VALUES ($1)", {"name": PLANTED}, _DriverError(PLANTED))
    nested = ValueError("outside")
    nested.__cause__ = RuntimeError(PLANTED)
    return [
        _validation_error(Loose),
        _validation_error(Hidden),
        database,
        KeyError(PLANTED),
        OSError(2, PLANTED),
        nested,
    ]


def _record(message: object, *args: object, error: BaseException | None = None, **extra: object) -> logging.LogRecord:
    exc_info = (type(error), error, error.__traceback__) if error else None
    record = logging.LogRecord("probe", logging.ERROR, __file__, 1, message, args, exc_info)
    vars(record).update(extra)
    return record


@pytest.mark.parametrize("formatter", [Lines("probe"), JsonLines("probe")])
@pytest.mark.parametrize("number", range(6))
def test_an_exception_never_brings_its_words_into_the_log(formatter: logging.Formatter, number: int) -> None:
    error = _errors()[number]
    lines = [
        formatter.format(_record("it failed", error=error)),
        formatter.format(_record("it failed: %s", error)),
        formatter.format(_record("it failed: %(why)r", {"why": error})),
        formatter.format(_record(error)),
        formatter.format(_record("it failed", why=error)),
    ]

    for line in lines:
        assert "Zebedee" not in line
        assert "\n" not in line
        assert type(error).__qualname__ in line


@pytest.mark.parametrize("number", [0, 2])
def test_text_that_a_library_made_of_an_error_is_cleaned_too(number: int) -> None:
    assert "Zebedee" not in Lines("probe").format(_record(f"it failed: {_errors()[number]}"))


def test_postgresqls_detail_is_left_out() -> None:
    line = Lines("probe").format(
        _record(f'duplicate key "child_pkey"\nDETAIL:  Key (name)=({PLANTED}) already exists.')
    )

    assert "child_pkey" in line
    assert "Zebedee" not in line


def test_what_may_be_said_of_an_error_is_its_type_and_code() -> None:
    _, _, database, _, system, nested = _errors()

    assert told(database) == "IntegrityError[23505]"
    assert told(system) == "FileNotFoundError[2]"
    assert told(nested) == "ValueError from RuntimeError"


def test_a_line_says_time_level_service_message_and_values() -> None:
    line = Lines("gateway").format(_record("taken in", submission="submission-1", why="two words"))

    time, level, service, rest = line.split(maxsplit=3)
    assert time.endswith("Z")
    assert (level, service) == ("ERROR", "gateway")
    assert rest == 'taken in submission=submission-1 why="two words"'


@given(st.text(), st.text())
def test_an_event_is_always_one_line(message: str, value: str) -> None:
    record = _record(message.replace("%", ""), extra_value=value)

    assert len(Lines("probe").format(record).splitlines()) <= 1
    assert json.loads(JsonLines("probe").format(record))["extra_value"] == value


@pytest.fixture
def spans() -> Iterator[tuple[TracerProvider, InMemorySpanExporter]]:
    exporter = InMemorySpanExporter()
    provider = tracing(Resource.create({"service.name": "probe"}), [exporter])
    yield provider, exporter
    provider.shutdown()


def test_a_stored_traceparent_is_taken_up_again(spans: tuple[TracerProvider, InMemorySpanExporter]) -> None:
    provider, exporter = spans
    tracer = provider.get_tracer("probe")
    with tracer.start_as_current_span("request"):
        stored = current_traceparent()
    assert current_traceparent() is None

    with attach(stored), tracer.start_as_current_span("relay"):
        carried = current_traceparent()
    provider.force_flush()

    request, relay = exporter.get_finished_spans()
    assert stored is not None
    assert carried is not None
    assert carried.split("-")[1] == stored.split("-")[1]
    assert relay.parent is not None
    assert request.context is not None
    assert relay.parent.span_id == request.context.span_id


async def test_what_is_asked_of_others_joins_the_trace(spans: tuple[TracerProvider, InMemorySpanExporter]) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, text=request.headers.get("traceparent", "none"))

    transport = httpx.MockTransport(answer)
    async with httpx.AsyncClient(transport=transport, event_hooks={"request": [carry_trace]}) as http:
        outside = await http.get("http://vault")
        with spans[0].get_tracer("probe").start_as_current_span("asks"):
            inside = await http.get("http://vault")
            expected = current_traceparent()

    assert (outside.text, inside.text) == ("none", expected)


@pytest.mark.parametrize("nonsense", [None, "", "nonsense", "00-0-0-00", PLANTED])
def test_a_traceparent_that_is_none_starts_a_new_trace(
    nonsense: str | None, spans: tuple[TracerProvider, InMemorySpanExporter]
) -> None:
    provider, _ = spans
    with (
        provider.get_tracer("probe").start_as_current_span("outer") as outer,
        attach(nonsense),
        provider.get_tracer("probe").start_as_current_span("inner") as inner,
    ):
        assert inner.get_span_context().trace_id != outer.get_span_context().trace_id


def test_what_a_library_puts_into_a_span_is_scrubbed(spans: tuple[TracerProvider, InMemorySpanExporter]) -> None:
    provider, exporter = spans
    with (
        pytest.raises(ValueError, match="Zebedee"),
        provider.get_tracer("probe").start_as_current_span("x", attributes={"url.query": PLANTED, "kept": 1}),
    ):
        raise ValueError(PLANTED)
    provider.force_flush()

    (span,) = exporter.get_finished_spans()
    assert "Zebedee" not in span.to_json()
    assert dict(span.attributes or {}) == {"kept": 1}
    assert span.events[0].attributes is not None
    assert span.events[0].attributes["exception.type"] == "ValueError"
    assert span.status.status_code is trace.StatusCode.ERROR


def test_the_trace_file_is_json_lines_and_does_not_grow_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.telemetry._LARGEST_TRACE_FILE", 500)
    path = tmp_path / "traces" / "probe.jsonl"
    provider = tracing(Resource.create({"service.name": "probe"}), [FileExporter(path)])
    for _ in range(6):
        with provider.get_tracer("probe").start_as_current_span("work"):
            pass
        provider.force_flush()
    provider.shutdown()

    written = [json.loads(line) for line in path.read_text().splitlines()]
    assert {(line["service"], line["name"]) for line in written} == {("probe", "work")}
    assert sorted(each.name for each in path.parent.iterdir()) == ["probe.1.jsonl", "probe.jsonl"]
    assert sum(each.stat().st_size for each in path.parent.iterdir()) < 3000


PROGRAM = """
import asyncio, sys, threading, warnings
from prometheus_client import generate_latest
from shared.telemetry import counter, gauge, histogram, start_telemetry, stop_telemetry, tracer
early = counter("early_events", description="made before telemetry started")
start_telemetry("probe", state_dir=sys.argv[1])
gauge("oldest_unpublished_seconds", lambda: 1.5)
gauge("parked_keys", lambda: [(2, {"topic": "answers"})])
early.add(3, {"kind": "a"})
histogram("wait", buckets=[0.1, 1]).record(0.5)
with tracer("probe").start_as_current_span("work"):
    pass
stop_telemetry()
print(generate_latest().decode())
threading.Thread(target=lambda: int("Zebedee"), daemon=True).start()
async def fails(): raise ValueError("Zebedee")
async def main():
    task = asyncio.create_task(fails()); await asyncio.sleep(0.01); del task
asyncio.run(main())
warnings.warn("careful")
raise RuntimeError("Zebedee")
"""


def test_a_whole_process_exports_its_figures_and_dies_without_a_word(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path)], check=False, capture_output=True, text=True, timeout=60
    )

    assert ran.returncode == 1
    assert "oldest_unpublished_seconds 1.5" in ran.stdout
    assert 'parked_keys{topic="answers"} 2.0' in ran.stdout
    assert 'early_events_total{kind="a"} 3.0' in ran.stdout
    assert 'wait_seconds_bucket{le="1"} 1.0' in ran.stdout
    assert json.loads((tmp_path / "traces" / "probe.jsonl").read_text())["name"] == "work"
    assert "Zebedee" not in ran.stderr
    assert "exception=RuntimeError" in ran.stderr
    assert ran.stderr.count("exception=ValueError") == 2
    assert "careful" in ran.stderr
