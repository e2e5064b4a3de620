"""One line an event, and nothing in it that a person sent: exceptions show their type and place, never their words."""

import json
import logging
import re
import sys
import threading
import traceback
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

from opentelemetry import trace

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}

_SENT_VALUES = re.compile(
    r"input_value=.*?(?=, input_type=|$)"  # pydantic
    r"|(?<=\) ).*?(?=\n\[SQL: )|\[parameters: .*?\](?=\s|$)"  # SQLAlchemy
    r"|(?:DETAIL|CONTEXT|HINT): .*",  # PostgreSQL
    re.DOTALL,
)
_PLAIN = re.compile(r"[^\s\"=]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_FRAMES = 6


def told(error: BaseException) -> str:
    """What may be said of an exception: its type, a code if it has one, and the same of what caused it."""
    parts: list[str] = []
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen and len(parts) < 5:
        seen.add(id(current))
        code = _code(current)
        parts.append(type(current).__qualname__ + (f"[{code}]" if code else ""))
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
    return " from ".join(parts)


def _code(error: BaseException) -> str:
    """The errno, SQLSTATE or HTTP status an exception carries: each a code of a fixed list."""
    for candidate in (
        getattr(error, "sqlstate", None),
        getattr(getattr(error, "orig", None), "sqlstate", None),
        getattr(error, "errno", None),
        getattr(error, "status", None),
    ):
        if isinstance(candidate, int) or (isinstance(candidate, str) and re.fullmatch(r"[0-9A-Z]{5}", candidate)):
            return str(candidate)
    return ""


def _where(place: TracebackType | None) -> str:
    frames = traceback.extract_tb(place)[-_FRAMES:]
    return " < ".join(f"{_short(frame.filename)}:{frame.lineno} {frame.name}" for frame in reversed(frames))


def _short(path: str) -> str:
    return "/".join(path.replace("\\", "/").split("/")[-2:])


class _Clean(logging.Formatter):
    """Takes what was sent out of a record before it becomes a line."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def message(self, record: logging.LogRecord) -> str:
        """The record's message without exceptions' words, and on one line."""
        if isinstance(record.msg, BaseException):
            return told(record.msg)
        args = record.args
        if isinstance(args, dict):
            args = {name: _clean(value) for name, value in args.items()}
        elif args:
            args = tuple(_clean(value) for value in args)
        try:
            text = str(record.msg) % args if args else str(record.msg)
        except (TypeError, ValueError, KeyError):
            text = str(record.msg)
        if record.name == "asyncio":
            # asyncio appends the repr of the failed task, and with it the exception's words
            text = text.partition("\n")[0].partition(" exception=")[0]
        return _SENT_VALUES.sub("…", text).strip()

    def values(self, record: logging.LogRecord) -> dict[str, Any]:
        """What the record carries besides its message: its `extra`, where it failed, the trace it belongs to."""
        found = {name: _clean(value) for name, value in vars(record).items() if name not in _STANDARD}
        if record.exc_info and record.exc_info[1] is not None:
            found["exception"] = told(record.exc_info[1])
            found["at"] = _where(record.exc_info[2])
        context = trace.get_current_span().get_span_context()
        if context.is_valid:
            found["trace"] = f"{context.trace_id:032x}"
        return found


def _clean(value: object) -> object:
    return told(value) if isinstance(value, BaseException) else value


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Lines(_Clean):
    """For people: `time level service message key=value`."""

    def format(self, record: logging.LogRecord) -> str:
        """The record on one line."""
        pairs = " ".join(f"{name}={_quoted(value)}" for name, value in self.values(record).items())
        line = f"{_time(record)} {record.levelname:<7} {self._service} {self.message(record)} {pairs}"
        return _one_line(line.rstrip())


class JsonLines(_Clean):
    """For a log collector: one JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one JSON object."""
        head = {"time": _time(record), "level": record.levelname, "service": self._service}
        said = {"logger": record.name, "message": self.message(record)}
        return _one_line(json.dumps(head | said | self.values(record), default=str, ensure_ascii=False))


def _one_line(line: str) -> str:
    """Without anything that a terminal or a log collector takes for the end of a line or a command."""
    return _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", line)


def _quoted(value: object) -> str:
    text = str(value)
    return text if _PLAIN.fullmatch(text) else json.dumps(text, ensure_ascii=False)


_NOISY = {
    "uvicorn.error": logging.WARNING,
    "httpx": logging.WARNING,
    "httpcore": logging.WARNING,
    "alembic": logging.WARNING,
    "kafka": logging.WARNING,
    "faststream": logging.WARNING,
    # FastStream's own: a warning for every topic that need not be made, and for every one-partition topic that another
    # process of the service reads.
    "shared.consumer.broker": logging.ERROR,
    # A rebalance is a warning to it, and so is a topic that need not be made; what matters our own reader tells.
    "aiokafka": logging.ERROR,
}


def _worth_saying(record: logging.LogRecord) -> bool:
    """By the record, not by the logger's level: FastStream sets aiokafka's level anew with each broker it makes."""
    name = record.name
    while name:
        if name in _NOISY:
            return record.levelno >= _NOISY[name]
        name = name.rpartition(".")[0]
    return True


def start_logging(service: str, *, as_json: bool = False, level: int = logging.INFO) -> None:
    """Sends every record, and every exception nobody caught, through one clean formatter to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines(service) if as_json else Lines(service))
    handler.addFilter(_worth_saying)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    logging.captureWarnings(True)
    uncaught = logging.getLogger("uncaught")

    def on_exception(kind: type[BaseException], error: BaseException, place: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            return
        uncaught.critical("nobody caught this", exc_info=(kind, error, place))

    sys.excepthook = on_exception
    threading.excepthook = lambda args: on_exception(
        args.exc_type, args.exc_value or args.exc_type(), args.exc_traceback
    )
