"""What the relay's publishing shows in a trace."""

from collections.abc import Sequence

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from shared.publisher import Publisher
from shared.sequencer import Sequenced

ONE, OTHER = "0af7651916cd43dd8448eb211c80319c", "1af7651916cd43dd8448eb211c80319c"


def record(position: int, trace: str | None, flags: str = "01", topic: str = "a") -> Sequenced:
    traceparent = f"00-{trace}-b7ad6b7169203331-{flags}" if trace else None
    return Sequenced(position, position, topic, 0, 0, b"", b"", b"", traceparent)


def spans_of(records: Sequence[Sequenced], monkeypatch: pytest.MonkeyPatch) -> list[ReadableSpan]:
    kept = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    monkeypatch.setattr("shared.publisher.tracer", provider.get_tracer("test"))
    database: None = None
    publisher = Publisher("gateway", database, {}, acknowledged=0, known=0)  # type: ignore[arg-type]  # it asks nothing
    publisher._trace(records, 1)
    return list(kept.get_finished_spans())


@pytest.mark.parametrize(("flags", "spans"), [("01", 1), ("03", 1), ("00", 0), ("02", 0)])
def test_a_trace_is_gone_on_with_if_it_is_sampled_whatever_its_other_flags(
    flags: str, spans: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(spans_of([record(1, ONE, flags)], monkeypatch)) == spans


def test_facts_of_one_request_are_one_span_for_each_topic(monkeypatch: pytest.MonkeyPatch) -> None:
    records = [record(1, ONE), record(2, OTHER), record(3, ONE), record(4, ONE, topic="b"), record(5, None)]
    told = {
        (
            f"{span.context.trace_id:032x}",
            *((span.attributes or {})[name] for name in ("messaging.destination.name", "position")),
            (span.attributes or {})["messaging.batch.message_count"],
        )
        for span in spans_of(records, monkeypatch)
        if span.context
    }
    assert told == {(ONE, "a", 3, 2), (OTHER, "a", 2, 1), (ONE, "b", 4, 1)}
