"""Bytes as they lie in a log or on a topic, read as today's models."""

from pydantic_core import from_json

from contracts.catalogue import parse
from contracts.envelope import AnyEvent
from contracts.upcasting import to_today


def decode(content: bytes) -> AnyEvent:
    """The event in structured-mode bytes, brought up to today's version.

    Raises `UnknownType`, pydantic's `ValidationError` without values, or `ValueError` where it is no JSON.
    """
    return to_today(parse(from_json(content)))
