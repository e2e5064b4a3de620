"""Traces, metrics and logs of one process, as OpenTelemetry and Prometheus have them, without personal data."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
import orjson
from opentelemetry import context, metrics, trace
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.metrics import CallbackOptions, Counter, Histogram, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import Status, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from shared.logs import start_logging

_TRACE_CONTEXT = TraceContextTextMapPropagator()
_METER = "safeguarding-exchange"
_LARGEST_TRACE_FILE = 32 * 1024 * 1024

Measured = float | Iterable[tuple[float, Mapping[str, str]]]
"""One figure, or one for each set of labels."""


def start_telemetry(service: str, *, mode: str = "local", state_dir: str = "", otlp_endpoint: str = "") -> None:
    """Starts this process's telemetry; call it once, before the app is made.

    Traces go to `otlp_endpoint` if one is given, and in local mode also to `<state_dir>/traces/<service>.jsonl`.
    """
    start_logging(service, as_json=mode == "production")
    resource = Resource.create({"service.name": service})
    exporters: list[SpanExporter] = []
    readers: list[MetricReader] = [PrometheusMetricReader(disable_target_info=True, scope_info_enabled=False)]
    if otlp_endpoint:
        # Only for whoever has a collector: they are a tenth of what a service imports.
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        exporters.append(OTLPSpanExporter(f"{otlp_endpoint.rstrip('/')}/v1/traces"))
        readers.append(PeriodicExportingMetricReader(OTLPMetricExporter(f"{otlp_endpoint.rstrip('/')}/v1/metrics")))
    if mode == "local" and state_dir:
        exporters.append(FileExporter(Path(state_dir) / "traces" / f"{service}.jsonl"))
    metrics.set_meter_provider(MeterProvider(readers, resource))
    trace.set_tracer_provider(tracing(resource, exporters))


def tracing(resource: Resource, exporters: Sequence[SpanExporter]) -> TracerProvider:
    """A tracer provider whose spans are scrubbed before any exporter sees them."""
    provider = TracerProvider(resource=resource)
    for exporter in exporters:
        provider.add_span_processor(BatchSpanProcessor(Scrubbed(exporter), schedule_delay_millis=500))
    return provider


def stop_telemetry() -> None:
    """Sends what is still waiting; call it when the process stops."""
    provider = trace.get_tracer_provider()
    if isinstance(provider, TracerProvider):
        provider.force_flush(5000)


_UNSAFE_ATTRIBUTES = (
    "url.query",
    "url.full",
    "url.path",
    "http.url",
    "http.target",
    "db.statement",
    "db.query",
    "exception.message",
    "exception.stacktrace",
    "client.address",
    "user_agent",
)


class Scrubbed(SpanExporter):
    """Takes out what libraries put into spans of their own accord: exceptions' words, addresses, queries."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Exports the spans without what may hold a value that somebody sent."""
        return self._exporter.export([_scrubbed(span) for span in spans])

    def shutdown(self) -> None:
        """Shuts the real exporter down."""
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Flushes the real exporter."""
        return self._exporter.force_flush(timeout_millis)


def _safe(attributes: Mapping[str, object] | None) -> dict[str, str | int | float | bool]:
    kept = {k: v for k, v in (attributes or {}).items() if not k.startswith(_UNSAFE_ATTRIBUTES)}
    return {k: v if isinstance(v, str | int | float | bool) else str(v) for k, v in kept.items()}


def _scrubbed(span: ReadableSpan) -> ReadableSpan:
    return ReadableSpan(
        name=span.name,
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=_safe(span.attributes),
        events=[Event(event.name, _safe(event.attributes), event.timestamp) for event in span.events],
        links=span.links,
        kind=span.kind,
        status=Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


class FileExporter(SpanExporter):
    """Writes spans as JSON lines, for a stack that has no collector; keeps this file and the one before it."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Appends the spans, one a line."""
        try:
            if self._path.exists() and self._path.stat().st_size > _LARGEST_TRACE_FILE:
                self._path.replace(self._path.with_suffix(".1.jsonl"))
            with self._path.open("ab") as file:
                file.write(b"".join(_line(span) for span in spans))
        except OSError:
            return SpanExportResult.FAILURE
        return SpanExportResult.SUCCESS


def _line(span: ReadableSpan) -> bytes:
    identity = span.get_span_context()
    assert identity is not None
    record = {
        "service": span.resource.attributes.get("service.name"),
        "name": span.name,
        "trace": f"{identity.trace_id:032x}",
        "span": f"{identity.span_id:016x}",
        "parent": f"{span.parent.span_id:016x}" if span.parent else None,
        "kind": span.kind.name.lower(),
        "start": span.start_time,
        "end": span.end_time,
        "status": span.status.status_code.name.lower(),
        "attributes": dict(span.attributes or {}),
    }
    return orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE, default=str)


def tracer(name: str) -> Tracer:
    """The tracer of a module; its spans go wherever `start_telemetry` said."""
    return trace.get_tracer(name)


def current_traceparent() -> str | None:
    """The W3C `traceparent` of the span that is current, to be stored with a fact or sent on; None outside any."""
    identity = trace.get_current_span().get_span_context()
    if not identity.is_valid:
        return None
    return f"00-{identity.trace_id:032x}-{identity.span_id:016x}-{identity.trace_flags:02x}"


async def carry_trace(request: httpx.Request) -> None:
    """For `httpx.AsyncClient(event_hooks={"request": [carry_trace]})`: what we ask of others joins our trace."""
    if traceparent := current_traceparent():
        request.headers["traceparent"] = traceparent


def context_of(traceparent: str | None) -> context.Context:
    """The context that a `traceparent` stands for; an empty one for None and for nonsense."""
    if not traceparent:
        return context.Context()
    return _TRACE_CONTEXT.extract({"traceparent": traceparent}, context.Context())


@contextmanager
def attach(traceparent: str | None) -> Iterator[None]:
    """Makes a stored `traceparent` the current one, so that what follows joins its trace; None starts anew."""
    token = context.attach(context_of(traceparent))
    try:
        yield
    finally:
        context.detach(token)


def gauge(name: str, measure: Callable[[], Measured], *, unit: str = "", description: str = "") -> None:
    """Exports what `measure` returns whenever metrics are read; labels are codes, never what a person wrote."""

    def observe(_: CallbackOptions) -> Iterable[Observation]:
        measured = measure()
        if isinstance(measured, int | float):
            return [Observation(measured)]
        return [Observation(value, labels) for value, labels in measured]

    metrics.get_meter(_METER).create_observable_gauge(name, [observe], unit, description)


def counter(name: str, *, unit: str = "", description: str = "") -> Counter:
    """A count that only grows: `.add(1, {"label": "code"})`."""
    return metrics.get_meter(_METER).create_counter(name, unit, description)


def histogram(
    name: str, *, unit: str = "s", description: str = "", buckets: Sequence[float] | None = None
) -> Histogram:
    """A spread of figures: `.record(0.012, {"label": "code"})`."""
    return metrics.get_meter(_METER).create_histogram(
        name, unit, description, explicit_bucket_boundaries_advisory=buckets
    )
