"""What a decision about an incident may know beside its past: made in one place for intake, reactions and ticks."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from contracts.envelope import AnyEvent
from services.gateway.incident import Context, Incident
from shared.working_days import Calendar


class Named(Protocol):
    """Something with an id."""

    @property
    def id(self) -> str: ...


class Areas(Protocol):
    """Which agencies serve an area: the directory, as far as deciding needs it."""

    @property
    def authorities(self) -> Mapping[str, Named]: ...

    def partners(self, area: str) -> Sequence[Named]: ...


def context(
    areas: Areas,
    now: datetime,
    calendar: Calendar,
    *,
    arrived: datetime | None = None,
    related: Mapping[str, Incident] | None = None,
    facts: Iterable[AnyEvent] = (),
) -> Context:
    """`calendar` is as the transaction reads it, `related` and the incident's own `facts` as it holds them."""

    def authority_of(area: str) -> str | None:
        authority = areas.authorities.get(area)
        return authority.id if authority else None

    def partners_of(area: str) -> tuple[str, ...]:
        return tuple(agency.id for agency in areas.partners(area))

    return Context(
        now,
        calendar,
        authority_of=authority_of,
        partners_of=partners_of,
        stated=frozenset(fact.id for fact in facts if not fact.name.startswith(("deadline.", "incident.recalled"))),
        arrived=arrived,
        related=related or {},
    )
