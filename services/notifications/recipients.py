"""Who must be told of a notification, by the truth table of DOMAIN 1.1: national bodies, partners, other areas."""

from collections.abc import Iterable

from contracts.codes import Ground
from contracts.incidents import Child
from contracts.rules.grounds import Recipient, recipients_of, under_18

PARTNERS = Recipient.PARTNERS.value


def any_child(people: Iterable[Child]) -> bool:
    """Whether anybody of these counts as a child: a care leaver may be 24."""
    return any(under_18(each.age_at_incident) for each in people)


def recipients(grounds: frozenset[Ground], other_areas: Iterable[str] = (), *, child: bool = True) -> tuple[str, ...]:
    """The recipients in their usual order; other areas by their area code, wherever partners are told.

    `child`: whether anybody in the incident is under 18 (`any_child`).
    """
    told = tuple(recipient.value for recipient in recipients_of(grounds, child=child))
    return (*told, *other_areas) if PARTNERS in told else told
