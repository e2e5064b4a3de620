"""Whose sharing agreement relies on which part of the contracts: the live readers and proposers of each version."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from contracts.access import Agreement
from contracts.catalogue import EventType
from contracts.ceilings import EVERYTHING, Fields
from contracts.directory import Agency, Directory, directory_from
from infra.agencies import AGENCIES


@dataclass(frozen=True, order=True)
class Holder:
    """An agency, by the agreement that it holds in a partnership."""

    agency: str
    name: str
    partnership: str


@cache
def directory(path: Path = AGENCIES) -> Directory:
    """The agencies and agreements in a file; where none is named, the demo's count. Raises `BadDirectory`."""
    return directory_from(path.read_text(encoding="utf-8"))


def version_read(agreement: Agreement, entry: EventType) -> int:
    """The major version of a type that an agreement asks for; today's where it names none."""
    return agreement.reads.get(entry.name, entry.major)


def readers(within: Directory, entry: EventType, major: int, field: str | None = None) -> tuple[Holder, ...]:
    """Who reads a version of a type, and of its data this field (None: the event at all)."""
    return tuple(
        sorted(
            _holder(agency, agreement)
            for agency, agreement in _agreements(within)
            if version_read(agreement, entry) == major
            and (sight := _sight(agency, agreement, entry)) is not None
            and (field is None or field in sight)
        )
    )


def proposers(within: Directory, entry: EventType) -> tuple[Holder, ...]:
    """Who may propose a type, its system or some person of it."""
    kinds = {proposer.agency for proposer in entry.proposers}
    return tuple(
        sorted(
            _holder(agency, agreement)
            for agency, agreement in _agreements(within)
            if entry.name in agreement.may_propose and (None in kinds or agency.type in kinds)
        )
    )


def subscribers(within: Directory) -> tuple[Holder, ...]:
    """Whoever has a feed: whose agreement opens anything to read."""
    return tuple(sorted(_holder(agency, agreement) for agency, agreement in _agreements(within) if agreement.may_read))


def losing(
    within: Directory, entry: EventType, major: int, kind: str, fields: frozenset[str] | None
) -> tuple[Holder, ...]:
    """Whose agreement, of this kind of agency, has that version and one of these fields (None: whatever it has)."""
    return tuple(
        sorted(
            _holder(agency, agreement)
            for agency, agreement in _agreements(within)
            if agency.type == kind
            and entry.name in agreement.may_read
            and version_read(agreement, entry) == major
            and (fields is None or any(name in agreement.fields.get(entry.name, EVERYTHING) for name in fields))
        )
    )


def speaking_of(within: Directory, name: str, *, proposing: bool = False) -> tuple[Holder, ...]:
    """Whose agreement allows reading or proposing a type of that name, also where the catalogue has lost it."""
    return tuple(
        sorted(
            _holder(agency, agreement)
            for agency, agreement in _agreements(within)
            if name in (agreement.may_propose if proposing else agreement.may_read)
        )
    )


def told(holders: tuple[Holder, ...]) -> str:
    """The holders for people: each agency once."""
    return ", ".join(dict.fromkeys(holder.name for holder in holders))


def _agreements(within: Directory) -> Iterator[tuple[Agency, Agreement]]:
    for (agency, _), agreement in within.agreements.items():
        yield within.agencies[agency], agreement


def _sight(agency: Agency, agreement: Agreement, entry: EventType) -> Fields | None:
    ceiling = entry.ceiling.agencies.get(agency.type)
    if ceiling is None or entry.name not in agreement.may_read:
        return None
    return ceiling & agreement.fields.get(entry.name, EVERYTHING)


def _holder(agency: Agency, agreement: Agreement) -> Holder:
    return Holder(agency.id, agency.name, agreement.partnership)
