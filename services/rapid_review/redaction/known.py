"""What would tell who an incident is about: its own names, dates, places, identifiers and ages. For the scanner alone.

Nothing here is printed: a representation that held a name would end in a log.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Literal

from contracts.sealing import Contact, Identity

Unit = Literal["year", "month", "week", "day"]

_POSTCODE = re.compile(r"(?<![A-Z0-9])[A-Z]{1,2}[0-9][A-Z0-9]?\s*[0-9][A-Z]{2}(?![A-Z0-9])", re.IGNORECASE)
_INFANT = 2
"""Years: below this an age is told in months, weeks and days too."""


@dataclass(frozen=True, repr=False)
class Age:
    """So many whole years, months, weeks or days."""

    number: int
    unit: Unit


@dataclass(frozen=True, repr=False)
class Known:
    """The incident's own. Names and places are as they were recorded; their forms are the scanner's business."""

    names: frozenset[str] = frozenset()
    dates: frozenset[date] = frozenset()
    places: frozenset[str] = frozenset()
    identifiers: frozenset[str] = frozenset()
    ages: frozenset[Age] = frozenset()

    @classmethod
    def of(
        cls,
        identities: Iterable[Identity] = (),
        *,
        contacts: Iterable[Contact] = (),
        places: Iterable[str] = (),
        dates: Iterable[date] = (),
        identifiers: Iterable[str] = (),
    ) -> "Known":
        """From what the vault holds of an incident; `dates` are those on which things happened. Ages on them follow."""
        people, happened = list(identities), frozenset(dates)
        addresses = {person.address for person in people if person.address} | set(places)
        own = {
            value
            for person in people
            for value in (person.nhs_number, person.upn, person.local_id)
            if value is not None
        }
        postcodes = {found for address in addresses for found in _POSTCODE.findall(address)}
        called = {name for person in people for name in (person.name, *person.other_names)}
        born = {
            day
            for person in people
            for day in (person.date_of_birth, person.expected_date_of_delivery)
            if day is not None
        }
        return cls(
            names=frozenset(called | {contact.name for contact in contacts}),
            dates=happened | born,
            places=frozenset(_POSTCODE.sub(" ", address) for address in addresses),
            identifiers=frozenset(own | postcodes | set(identifiers)),
            ages=frozenset(
                age
                for person in people
                if person.date_of_birth is not None
                for day in happened
                for age in ages_on(person.date_of_birth, day)
            ),
        )


def ages_on(born: date, day: date) -> Iterable[Age]:
    """The ages that a person has on a day, in every unit in which it would be told."""
    if day < born:
        return
    months = (day.year - born.year) * 12 + day.month - born.month - (day.day < born.day)
    if months >= 12:
        yield Age(months // 12, "year")
    if months < 12 * _INFANT:
        yield Age(months, "month")
        days = (day - born).days
        yield Age(days // 7, "week")
        yield Age(days, "day")
