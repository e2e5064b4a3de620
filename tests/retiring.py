"""A version of a type retired for the length of a test, as an author of contracts will retire it one day."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from contracts.catalogue import CATALOGUE, EventType, version

AMENDED_V1: dict[str, Any] = json.loads(Path("contracts/examples/facts/notification.amended.v1.json").read_text())
"""A fact of a version that has a later one."""


@contextmanager
def retired(name: str, *majors: int) -> Iterator[EventType]:
    """The entry as it is with these versions retired; in this process alone."""
    entries, before = cast(dict[str, EventType], CATALOGUE), CATALOGUE[name]
    entries[name] = replace(before, retired=frozenset(majors))
    version.cache_clear()
    try:
        yield entries[name]
    finally:
        entries[name] = before
        version.cache_clear()
