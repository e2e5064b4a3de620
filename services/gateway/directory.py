"""Who belongs to which partnership, and under which sharing agreement: read from the agencies file."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from contracts.access import Agreement, Incidents, Party
from contracts.ceilings import Fields
from contracts.codes import AgencyType, Role
from shared.identity import Caller


class BadDirectory(ValueError):
    """The agencies file cannot be used; the message says where and why. An operator mends it."""


@dataclass(frozen=True)
class Agency:
    """One agency. `areas` are those it serves (ONS codes)."""

    id: str
    name: str
    type: AgencyType
    areas: frozenset[str]
    partnerships: frozenset[str]


@dataclass(frozen=True)
class Partnership:
    """One safeguarding partnership and its areas."""

    id: str
    name: str
    areas: frozenset[str]


@dataclass(frozen=True)
class Directory:
    """All agencies, partnerships and agreements of the installation, by their ids."""

    agencies: Mapping[str, Agency]
    partnerships: Mapping[str, Partnership]
    agreements: Mapping[tuple[str, str], Agreement]

    @cached_property
    def authorities(self) -> Mapping[str, Agency]:
        """The local authority of each area: it holds the duty to notify."""
        return {
            area: agency
            for agency in self.agencies.values()
            if agency.type is AgencyType.LOCAL_AUTHORITY
            for area in agency.areas
        }

    def party(self, caller: Caller) -> Party | None:
        """The caller as access decisions see it; None for one that belongs to no agency known here."""
        if caller.kind == "service":
            return None
        return self.member(caller.agency or "", caller.id if caller.kind == "person" else None, caller.roles)

    def member(self, agency: str, person: str | None = None, roles: frozenset[str] = frozenset()) -> Party | None:
        """An agency's system, or a person of the agency in roles; None for an agency that is not known here."""
        found = self.agencies.get(agency)
        if found is None:
            return None
        known = frozenset(role for role in Role if role.value in roles)
        return Party(found.id, found.type, found.areas, person, known)

    def agreement(self, agency: str, partnership: str) -> Agreement | None:
        """The agreement of an agency in a partnership."""
        return self.agreements.get((agency, partnership))


def read_directory(path: Path) -> Directory:
    """The directory in a TOML file. Raises BadDirectory."""
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
        agencies = {entry["id"]: _agency(entry) for entry in told.get("agency", ())}
        partnerships = {entry["id"]: _partnership(entry) for entry in told.get("partnership", ())}
        agreements = [_agreement(entry) for entry in told.get("agreement", ())]
    except OSError as unreadable:
        raise BadDirectory(
            f"{path.name} cannot be read ({type(unreadable).__name__}): point SX_AGENCIES_FILE at it"
        ) from None
    except KeyError as missing:
        raise BadDirectory(f"{path.name}: an entry lacks {missing}") from None
    except (ValueError, TypeError) as wrong:
        raise BadDirectory(f"{path.name}: {wrong}") from None
    for agency in agencies.values():
        if unknown := agency.partnerships - partnerships.keys():
            raise BadDirectory(f"{path.name}: {agency.id} belongs to {sorted(unknown)}, which are not listed")
    for agreement in agreements:
        member = agencies.get(agreement.agency)
        if member is None or agreement.partnership not in member.partnerships:
            raise BadDirectory(
                f"{path.name}: an agreement names {agreement.agency} in {agreement.partnership}, where it is no member"
            )
    return Directory(agencies, partnerships, {(each.agency, each.partnership): each for each in agreements})


def _agency(entry: Mapping[str, Any]) -> Agency:
    return Agency(
        entry["id"],
        entry["name"],
        AgencyType(entry["type"]),
        frozenset(entry["areas"]),
        frozenset(entry["partnerships"]),
    )


def _partnership(entry: Mapping[str, Any]) -> Partnership:
    return Partnership(entry["id"], entry["name"], frozenset(entry["areas"]))


def _agreement(entry: Mapping[str, Any]) -> Agreement:
    return Agreement(
        agency=entry["agency"],
        partnership=entry["partnership"],
        version=entry["version"],
        legal_basis=entry["legal_basis"],
        review_on=entry["review_on"],
        may_propose=frozenset(entry.get("may_propose", ())),
        may_read=frozenset(entry.get("may_read", ())),
        incidents=frozenset(Incidents(scope) for scope in entry.get("incidents", ())),
        fields={name: Fields(frozenset(named)) for name, named in entry.get("fields", {}).items()},
        proposed_by=entry.get("proposed_by", ""),
        approved_by=entry.get("approved_by", ""),
    )
