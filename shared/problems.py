"""What a caller is told when a request cannot be met: RFC 9457 problems, which never repeat what was sent."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from fastapi.exceptions import RequestValidationError
from opentelemetry import trace
from pydantic import ValidationError
from starlette.responses import Response

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:safeguarding-exchange:problem:"


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong with what was sent: where (a JSON pointer), which rule, and what is allowed."""

    pointer: str
    rule: str
    detail: str
    allowed: str | None = None

    def to_json(self) -> dict[str, str]:
        """The fault as it stands in a problem's `errors`."""
        told = {"pointer": self.pointer, "rule": self.rule, "detail": self.detail}
        return told | {"allowed": self.allowed} if self.allowed is not None else told


class Problem(Exception):
    """A request that ends in a 4xx or 5xx. `type` is a slug or a whole URI; `detail` says the remedy."""

    def __init__(
        self,
        status: int,
        type: str,  # noqa: A002 (the name it has in RFC 9457)
        title: str,
        detail: str = "",
        errors: Sequence[Fault] = (),
        *,
        headers: Mapping[str, str] | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(type)
        self.status = status
        self.type = type if ":" in type else TYPE_PREFIX + type
        self.title = title
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})
        self.more = dict(more or {})

    def to_json(self) -> dict[str, Any]:
        """The problem's body, with the trace it happened in so that an operator can find it."""
        body: dict[str, Any] = {"type": self.type, "title": self.title, "status": self.status}
        if self.detail:
            body["detail"] = self.detail
        if self.errors:
            body["errors"] = [fault.to_json() for fault in self.errors]
        context = trace.get_current_span().get_span_context()
        if context.is_valid:
            body["trace"] = f"{context.trace_id:032x}"
        return body | self.more

    def response(self) -> Response:
        """The problem as an HTTP answer."""
        return Response(orjson.dumps(self.to_json()), self.status, self.headers, MEDIA_TYPE)


def too_fast(retry_after: float) -> Problem:
    """429: the caller may ask again after so many seconds."""
    seconds = max(1, int(-(-retry_after // 1)))
    return Problem(
        429,
        "too-fast",
        "Too many requests",
        f"Send again after {seconds} s; several events may go in one request.",
        headers={"Retry-After": str(seconds)},
    )


def not_found() -> Problem:
    """404, for what is not there and for what is not the caller's alike."""
    return Problem(404, "not-found", "Not found", "There is nothing here that you may see.")


def faults_of(
    error: ValidationError | RequestValidationError | Iterable[Mapping[str, Any]], at: str = ""
) -> list[Fault]:
    """What pydantic found, in our words: where, which rule, what is allowed, and never the value itself.

    `at` is the JSON pointer of the validated part within what was sent.
    """
    found = error.errors() if isinstance(error, ValidationError | RequestValidationError) else error
    return [_fault(each, at) for each in found]


_FIELD = re.compile(r"[a-z][a-zA-Z0-9_]{0,63}")
_SAYS_ONLY_THE_RULE = re.compile(
    r"missing|extra_forbidden|literal_error|enum|.*_type|.*_parsing|.*_pattern_mismatch|(string|bytes)_too_(short|long)"
    r"|too_(short|long)|(greater|less)_than(_equal)?|multiple_of|finite_number|json_invalid|frozen_.*|none_required"
    r"|decimal_.*|int_from_float|date_from_datetime_.*|.*_(past|future)|timezone_(naive|aware)|is_instance_of"
)
_PLAIN = {
    "missing": "It is needed; give it.",
    "extra_forbidden": "There is no such field; mend its name, or take it out.",
}
"""Pydantic's sentences that name no remedy, in ours."""

_LIMITS = ("expected", "expected_tags", "pattern", "ge", "gt", "le", "lt", "min_length", "max_length", "multiple_of")


def _fault(error: Mapping[str, Any], at: str) -> Fault:
    rule = str(error["type"])
    context = error.get("ctx") or {}
    allowed = [f"{name.replace('_', ' ')} {context[name]}" for name in _LIMITS if name in context]
    pointer = at + "".join(f"/{_segment(part)}" for part in _without_place(error["loc"]))
    return Fault(pointer, rule, _sentence(rule, error), "; ".join(allowed) or None)


def _without_place(loc: Sequence[int | str]) -> Sequence[int | str]:
    """FastAPI puts the part of the request first; a JSON pointer needs it for all but the body."""
    return loc[1:] if loc and loc[0] == "body" else loc


def _segment(part: int | str) -> str:
    """A field's name as it is; `*` for a key that no schema of ours can have, since it may be anything."""
    if isinstance(part, int):
        return str(part)
    return part if _FIELD.fullmatch(part.replace("-", "_")) else "*"


def _sentence(rule: str, error: Mapping[str, Any]) -> str:
    """Pydantic's message where it can hold only the rule, or a validator's own where nothing sent stands in it."""
    message = str(error["msg"]).removeprefix("Value error, ").removeprefix("Assertion failed, ")
    if _SAYS_ONLY_THE_RULE.fullmatch(rule):
        return _PLAIN.get(rule, message)
    if "input" not in error or _repeats(message, error["input"]):
        return "This does not meet the rule named here."
    return message


_CODE = re.compile(r"[a-z][a-z0-9_.-]*")
_TELLING_WORD = re.compile(r"\b(?:[^\W\d_a-z]\w{2,}|\d{6,})\b")


def _repeats(message: str, sent: object) -> bool:
    """Whether a message says again something that was sent: a whole value, or a name or long number within one.

    Inside an object a code such as `death` is no such thing, or no rule about several fields could name one.
    """
    if isinstance(sent, str | int | float) and not isinstance(sent, bool):
        return len(str(sent)) > 1 and str(sent).lower() in message.lower()
    words = set(re.findall(r"\w+", message))
    return any(
        (not _CODE.fullmatch(text) and len(text) > 2 and text.lower() in message.lower())
        or any(word in words for word in _TELLING_WORD.findall(text))
        for text in _texts(sent)
    )


def _texts(value: object) -> Iterable[str]:
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield str(key)
            yield from _texts(each)
    elif isinstance(value, list | tuple | set):
        for each in value:
            yield from _texts(each)
    elif value is not None and not isinstance(value, bool):
        yield str(value)
