"""Who belongs to which partnership, under which sharing agreement, and where its mail goes: parsed from TOML."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from contracts.access import Agreement, Incidents, Matter, Party
from contracts.ceilings import Fields
from contracts.codes import AgencyType, Role


class BadDirectory(ValueError):
    """The agencies file cannot be used; the message says where and why. An operator mends it."""


@dataclass(frozen=True)
class Agency:
    """One agency. `areas` are those it serves (ONS codes); `mailboxes` are office addresses by role."""

    id: str
    name: str
    type: AgencyType
    areas: frozenset[str]
    partnerships: frozenset[str]
    mailboxes: Mapping[Role, str] = field(default_factory=dict)


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

    def partners(self, area: str) -> tuple[Agency, ...]:
        """The health board and the police of an area, beside its authority: its safeguarding partners."""
        kinds = (AgencyType.ICB, AgencyType.POLICE_FORCE)
        return tuple(agency for agency in self.agencies.values() if agency.type in kinds and area in agency.areas)

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

    def agreement_on(self, agency: str, matter: Matter) -> Agreement | None:
        """The agreement that decides on a matter: in its partnership; for a participant from another, its own."""
        within = self.agreements.get((agency, matter.partnership))
        if within is not None or agency not in matter.participants:
            return within
        return next((each for (party, _), each in sorted(self.agreements.items()) if party == agency), None)

    def name_of(self, recipient: str) -> str:
        """A recipient as a person reads it: an agency's name, an area's authority, or the code itself."""
        if recipient in self.agencies:
            return self.agencies[recipient].name
        return self.authorities[recipient].name if recipient in self.authorities else recipient


def directory_from(text: str) -> Directory:
    """The directory in a TOML text. Raises BadDirectory."""
    try:
        told = tomllib.loads(text)
        agencies = {entry["id"]: _agency(entry) for entry in told.get("agency", ())}
        partnerships = {entry["id"]: _partnership(entry) for entry in told.get("partnership", ())}
        agreements = [_agreement(entry) for entry in told.get("agreement", ())]
    except KeyError as missing:
        raise BadDirectory(f"an entry lacks {missing}") from None
    except (ValueError, TypeError) as wrong:
        raise BadDirectory(str(wrong)) from None
    for agency in agencies.values():
        if unknown := agency.partnerships - partnerships.keys():
            raise BadDirectory(f"{agency.id} belongs to {sorted(unknown)}, which are not listed")
    for agreement in agreements:
        member = agencies.get(agreement.agency)
        if member is None or agreement.partnership not in member.partnerships:
            where = f"{agreement.agency} in {agreement.partnership}"
            raise BadDirectory(f"an agreement names {where}, where it is no member")
    return Directory(agencies, partnerships, {(each.agency, each.partnership): each for each in agreements})


def _agency(entry: Mapping[str, Any]) -> Agency:
    return Agency(
        entry["id"],
        entry["name"],
        AgencyType(entry["type"]),
        frozenset(entry["areas"]),
        frozenset(entry["partnerships"]),
        {Role(role): address for role, address in entry.get("mailboxes", {}).items()},
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
