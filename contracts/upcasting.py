"""Old versions to new, and back for those still reading the old: one pure function a step."""

from collections.abc import Callable
from typing import Any

from contracts.catalogue import CATALOGUE, version
from contracts.codes import Ground
from contracts.envelope import AnyEvent
from contracts.notifications import NotificationAmended, NotificationAmendedV1
from contracts.sealing import Model


def amended_v1_to_v2(old: NotificationAmendedV1) -> NotificationAmended:
    """Version 1 knew one time: it was the portal's. Its single ground counts among the content's set."""
    content = old.content.model_copy(update={"grounds": old.content.grounds | {old.ground}})
    return NotificationAmended(reason=old.reason, content=content, portal_time=old.amended_at)


def amended_v2_to_v1(new: NotificationAmended) -> NotificationAmendedV1:
    """Of several grounds version 1 can show the first, section 16C before the others."""
    first = next(ground for ground in Ground if ground in new.content.grounds)
    return NotificationAmendedV1(reason=new.reason, content=new.content, amended_at=new.portal_time, ground=first)


Step = Callable[[Any], Model]
UP: dict[tuple[str, int], Step] = {("notification.amended", 1): amended_v1_to_v2}
DOWN: dict[tuple[str, int], Step] = {("notification.amended", 2): amended_v2_to_v1}

SOURCES: dict[tuple[str, int], dict[str, frozenset[str]]] = {
    ("notification.amended", 2): {
        "reason": frozenset({"reason"}),
        "content": frozenset({"content"}),
        "amendedAt": frozenset({"portalTime"}),
        "ground": frozenset({"content"}),
    }
}
"""For each step back: from which fields of the newer version each field of the older one comes, by their wire names.

So what may not be seen of the newer version is not in the older one either, under whatever name.
"""


def to_today(event: AnyEvent) -> AnyEvent:
    """The event in the newest version of its type; the same event where it is that already."""
    return to_major(event, CATALOGUE[event.name].major)


def to_major(event: AnyEvent, major: int) -> AnyEvent:
    """The event in another major version of its type, one step at a time."""
    while event.major != major:
        up = event.major < major
        step = (UP if up else DOWN)[(event.name, event.major)]
        target = event.major + (1 if up else -1)
        _, _, envelope = version(f"{event.name}.v{target}")
        event = envelope.model_construct(
            **{name: getattr(event, name) for name in type(event).model_fields}
            | {
                "type": f"{event.name}.v{target}",
                "dataschema": CATALOGUE[event.name].schema_of(target),
                "data": step(event.data),
            }
        )
    return event


def sources(name: str, newest: int, major: int) -> dict[str, frozenset[str]] | None:
    """The fields of version `newest` from which each field of version `major` comes; None where each is its own."""
    traced: dict[str, frozenset[str]] | None = None
    for version_ in range(newest, major, -1):
        step = SOURCES[(name, version_)]
        before = traced
        traced = step if before is None else {field: _through(before, named) for field, named in step.items()}
    return traced


def _through(before: dict[str, frozenset[str]], named: frozenset[str]) -> frozenset[str]:
    return frozenset[str]().union(*(before[field] for field in named))
