"""What delivery has read and may need again: kept facts, decoded, and incidents as far as access depends on them."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from pydantic import TypeAdapter

from contracts.access import Matter
from contracts.decoding import decode
from contracts.envelope import AnyEvent
from services.delivery.rights import Matters, Recall

REMEMBERED = 2048
"""Facts that are kept decoded: the newest are asked for again by every reader. A few dozen megabytes at the most."""

_MATTER = TypeAdapter(Matter)
_facts: dict[bytes, AnyEvent] = {}


def decoded(content: bytes) -> AnyEvent:
    """A kept fact."""
    return _facts.get(content) or remember(content, decode(content))


def remember(content: bytes, fact: AnyEvent) -> AnyEvent:
    """Know a fact by the bytes in which it came; the one known longest is forgotten for it."""
    if len(_facts) >= REMEMBERED:
        del _facts[next(iter(_facts))]
    _facts[content] = fact
    return fact


async def matters(driver: Any, incidents: Iterable[str]) -> Matters:
    """Those of these incidents that are known."""
    asked = sorted(set(incidents))
    if not asked:
        return Matters()
    rows = await driver.fetch("select incident, folded, host from matter where incident = any($1::text[])", asked)
    return Matters({row[0]: matter(row[1]) for row in rows}, {row[0]: row[2] for row in rows})


@lru_cache(maxsize=4096)
def matter(folded: bytes) -> Matter:
    """An incident as it is kept."""
    return _MATTER.validate_json(folded)


def folded(known: Matter) -> bytes:
    """An incident as it is to be kept."""
    return _MATTER.dump_json(known)


def recall_of(row: Any) -> Recall | None:
    """What a row that was read with `recalled` says of its fact."""
    if not row["recalled"]:
        return None
    return Recall(None if row["recipients"] is None else frozenset(row["recipients"]))
