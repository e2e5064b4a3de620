"""The users of one agency: as a rule one, two while it changes its password, none once it was shut out.

The broker is the only record. A user with a credential stands; one that was shut out (`shut_out`) never comes back:
what is still connected as it must gain nothing, so the next user of that agency has a number of its own.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass, replace

from infra.kafka.declared import AGENCY_ID, Declared, agency_user

_USER = re.compile(rf"{re.escape(agency_user(''))}({AGENCY_ID.pattern})(?:\.([2-9]|[1-9][0-9]+))?")


@dataclass(frozen=True)
class Generations:
    """Users of one agency, oldest first. `half_gone`: those of the gone that still have a credential."""

    agency: str
    standing: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    half_gone: tuple[str, ...] = ()

    @property
    def next(self) -> str:
        """The name for one more user; it was never used before."""
        return user_of(self.agency, max(map(_number, (*self.standing, *self.gone)), default=0) + 1)


def user_of(agency: str, number: int) -> str:
    """The name of an agency's first, second … user."""
    return agency_user(agency) if number == 1 else f"{agency_user(agency)}.{number}"


def agency_of_user(user: str) -> str | None:
    """Whose user it is; None for one that is no agency's."""
    found = _USER.fullmatch(user)
    return found[1] if found else None


def generations(agency: str, credentials: Collection[str], shut_out: Collection[str]) -> Generations:
    """An agency's users, of those that have a credential and those that were shut out."""
    standing = [user for user in credentials if agency_of_user(user) == agency and user not in shut_out]
    gone = [user for user in shut_out if agency_of_user(user) == agency]
    gone.sort(key=_number)
    half = tuple(user for user in gone if user in credentials)
    return Generations(agency, tuple(sorted(standing, key=_number)), tuple(gone), half)


def as_standing(wanted: Declared, credentials: Collection[str], shut_out: Collection[str]) -> Declared:
    """What is declared, with each agency's first user replaced by those that it has: the same grants for each.

    An agency that never had a user gets its first; one that was shut out gets none.
    """
    instead: dict[str, tuple[str, ...]] = {}
    for user in wanted.users:
        agency = agency_of_user(user)
        if agency is not None:
            now = generations(agency, credentials, shut_out)
            instead[user] = now.standing or (() if now.gone else (user,))
    return replace(
        wanted,
        users=tuple(one for user in wanted.users for one in instead.get(user, (user,))),
        grants=frozenset(
            replace(grant, user=one) for grant in wanted.grants for one in instead.get(grant.user, (grant.user,))
        ),
    )


def _number(user: str) -> int:
    found = _USER.fullmatch(user)
    return int(found[2] or 1) if found else 0
