"""Who belongs to which partnership, under which sharing agreement, and where its mail goes: folded from facts."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from pydantic import BaseModel, ValidationError

from contracts.abroad import Turn, in_order, taken_along
from contracts.access import Agreement, Matter, Party
from contracts.agreements import (
    AgencyListed,
    AgencyWithdrawn,
    AgreementApproved,
    AgreementEnded,
    AgreementProposed,
    PartnershipEstablished,
    Terms,
)
from contracts.catalogue import CATALOGUE
from contracts.ceilings import Fields
from contracts.codes import AgencyType, Role
from contracts.envelope import AnyEvent
from contracts.local_rules import DEFAULT, RulesAdopted
from contracts.sealing import Model

BOOTSTRAP = "bootstrap"
"""The actor of facts that an operator wrote from a file."""


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
    contacts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Partnership:
    """One safeguarding partnership and its areas."""

    id: str
    name: str
    areas: frozenset[str]


@dataclass(frozen=True)
class Listing:
    """An agency as one partnership lists it, since when."""

    entry: AgencyListed
    since: datetime


@dataclass(frozen=True)
class Offer:
    """An agreement that awaits another person's approval."""

    terms: Terms
    version: int
    hash: str
    by: str | None


Place = tuple[str, str]
"""An agency and a partnership."""


def stream_of(partnership: str) -> str:
    """The stream, and the subject, of a partnership's part of the directory."""
    return f"partnership-{partnership}"


@dataclass(frozen=True)
class Directory:
    """All agencies, partnerships and agreements of the installation. `edition` counts the facts it was folded from.

    Facts of several partnerships may come in any order between them: the fold is the same. `turns` are, by agency, when
    its agreements came into force and ended; `withdrawn` were members once.
    """

    agencies: Mapping[str, Agency] = field(default_factory=dict)
    partnerships: Mapping[str, Partnership] = field(default_factory=dict)
    agreements: Mapping[Place, Agreement] = field(default_factory=dict)
    listings: Mapping[Place, Listing] = field(default_factory=dict)
    offers: Mapping[Place, Offer] = field(default_factory=dict)
    versions: Mapping[Place, int] = field(default_factory=dict)
    turns: Mapping[str, tuple[Turn, ...]] = field(default_factory=dict)
    withdrawn: frozenset[Place] = frozenset()
    edition: int = 0
    rules: Mapping[str, RulesAdopted] = field(default_factory=dict)

    def rules_of(self, partnership: str) -> RulesAdopted:
        """A partnership's own readings and plan, by its last word on them; where it said nothing, the default ones."""
        return self.rules.get(partnership, DEFAULT)

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
        system = self._systems.get(agency)
        if system is None or (person is None and not roles):
            return system
        return replace(system, person=person, roles=frozenset(role for role in Role if role.value in roles))

    @cached_property
    def _systems(self) -> Mapping[str, Party]:
        return {
            agency.id: Party(agency.id, agency.type, agency.areas, served=frozenset(self._served(agency)))
            for agency in self.agencies.values()
        }

    def _served(self, agency: Agency) -> Iterator[tuple[str, str]]:
        for partnership in agency.partnerships:
            yield from ((partnership, area) for area in self.listings[agency.id, partnership].entry.areas)

    def agreement(self, agency: str, partnership: str) -> Agreement | None:
        """The agreement of an agency in a partnership."""
        return self.agreements.get((agency, partnership))

    def agreement_on(self, agency: str, matter: Matter) -> Agreement | None:
        """The agreement that decides on a matter: in its partnership; for a participant from elsewhere, the one that it
        takes along (`contracts.abroad`).

        Whoever is or was a member of the matter's partnership has what was agreed there, or nothing: not what another
        partnership gave.
        """
        within = self.agreements.get((agency, matter.partnership))
        if within is not None or agency not in matter.participants or self._belonged(agency, matter.partnership):
            return within
        return self._taken_along.get(agency)

    def agreement_to_say(self, agency: str, partnership: str, matter: Matter) -> Agreement | None:
        """The agreement under which an agency that names this partnership says something about a matter.

        It names the one of the agreement that decides on the matter, or it could choose what it speaks under.
        """
        found = self.agreement_on(agency, matter)
        return found if found is not None and found.partnership == partnership else None

    def _belonged(self, agency: str, partnership: str) -> bool:
        """Whether what an agency has in a partnership is for that partnership to agree: it is a member, or was one. One
        person withdraws an agency, and nothing may grow by one person's act."""
        return (agency, partnership) in self.listings or (agency, partnership) in self.withdrawn

    @cached_property
    def _taken_along(self) -> Mapping[str, Agreement]:
        """The agreement of each agency that counts in partnerships it never belonged to."""
        chosen = {agency: taken_along(turns) for agency, turns in self.turns.items()}
        return {agency: self.agreements[agency, where] for agency, where in chosen.items() if where is not None}

    def name_of(self, recipient: str) -> str:
        """A recipient as a person reads it: an agency's name, an area's authority, or the code itself."""
        if recipient in self.agencies:
            return self.agencies[recipient].name
        return self.authorities[recipient].name if recipient in self.authorities else recipient

    def after(self, fact: AnyEvent) -> "Directory":
        """The directory after one more of its facts; any other changes nothing."""
        return self.told(fact.partnership, fact.data, by=fact.actor, at=fact.recordedtime or fact.time)

    def told(self, partnership: str, data: BaseModel, *, by: str | None, at: datetime) -> "Directory":
        """The directory after what was said of a partnership, by whom (None for nobody in person) and when."""
        after = self._with(partnership, data, by, at)
        return self if after is None else replace(after, edition=self.edition + 1)

    def _with(self, partnership: str, data: BaseModel, by: str | None, at: datetime) -> "Directory | None":
        place = (getattr(data, "agency", ""), partnership)
        match data:
            case PartnershipEstablished(name=name, areas=areas):
                known = Partnership(partnership, name, frozenset(areas))
                return replace(self, partnerships={**self.partnerships, partnership: known})
            case RulesAdopted():
                return replace(self, rules={**self.rules, partnership: data})
            case AgencyListed():
                since = self.listings[place].since if place in self.listings else at
                return self._listing({**self.listings, place: Listing(data, since)})
            case AgencyWithdrawn():
                left = self._ended(place, at)
                gone = frozenset({place} if place in self.listings else ())
                return replace(left, withdrawn=self.withdrawn | gone)._listing(_without(self.listings, place))
            case AgreementProposed(version=version, hash=hash_):
                offer = Offer(data.terms, version or 1, hash_ or "", by)
                return replace(self, offers={**self.offers, place: offer})
            case AgreementApproved(version=version):
                proposer = self.offers[place].by if place in self.offers else None
                again = place in self.agreements and self.versions.get(place) == version
                return replace(
                    self if again else self._turned(place, at, agreed=True),
                    agreements={**self.agreements, place: _agreement(partnership, data, proposer, by)},
                    offers=_without(self.offers, place),
                    versions={**self.versions, place: version},
                )
            case AgreementEnded():
                return self._ended(place, at)
            case _:
                return None

    def _ended(self, place: Place, at: datetime) -> "Directory":
        turned = self._turned(place, at, agreed=False) if place in self.agreements else self
        return replace(turned, agreements=_without(self.agreements, place), offers=_without(self.offers, place))

    def _turned(self, place: Place, at: datetime, *, agreed: bool) -> "Directory":
        """Two processes' clocks may differ: what a partnership says later never counts as earlier."""
        agency, partnership = place
        before = self.turns.get(agency, ())
        turn = Turn(max([at, *(each.at for each in before if each.partnership == partnership)]), partnership, agreed)
        return replace(self, turns={**self.turns, agency: in_order([*before, turn])})

    def _listing(self, listings: Mapping[Place, Listing]) -> "Directory":
        names = sorted({agency for agency, _ in listings})
        return replace(self, listings=listings, agencies={name: _agency(name, listings) for name in names})


def _without(places: Mapping[Place, Any], place: Place) -> dict[Place, Any]:
    return {other: value for other, value in places.items() if other != place}


def _agency(name: str, listings: Mapping[Place, Listing]) -> Agency:
    """As whoever listed it first describes it; every partnership adds the areas that it serves there."""
    of = {partnership: listing for (agency, partnership), listing in sorted(listings.items()) if agency == name}
    first = of[min(of, key=lambda partnership: (of[partnership].since, partnership))].entry
    areas = frozenset(area for listing in of.values() for area in listing.entry.areas)
    contacts = {about.value: address for about, address in first.contacts.items()}
    return Agency(name, first.name, first.type, areas, frozenset(of), dict(first.mailboxes), contacts)


def _agreement(partnership: str, said: AgreementApproved, proposer: str | None, by: str | None) -> Agreement:
    terms = said.agreement
    assert terms is not None, "the owner puts the whole agreement into its fact"
    return Agreement(
        agency=terms.agency,
        partnership=partnership,
        version=said.version,
        legal_basis=terms.legal_basis,
        review_on=terms.review_on,
        may_propose=frozenset(terms.may_propose),
        may_read=frozenset(terms.may_read),
        incidents=frozenset(terms.incidents),
        fields={name: Fields(frozenset(named)) for name, named in terms.fields.items()},
        proposed_by=proposer or "",
        approved_by=by or "",
        reads=dict(terms.reads),
        hash=said.hash,
    )


def directory_from(text: str) -> Directory:
    """The directory in a TOML text, as a bootstrap would make it. Raises BadDirectory."""
    told = Directory()
    for partnership, data in said_in(text):
        told = told.told(partnership, data, by=BOOTSTRAP, at=datetime(2000, 1, 1, tzinfo=UTC))
    return told


def said_in(text: str) -> list[tuple[str, Model]]:
    """What a TOML text says of each partnership, in the order in which facts are made of it. Raises BadDirectory."""
    try:
        return list(_said(tomllib.loads(text)))
    except KeyError as missing:
        raise BadDirectory(f"an entry lacks {missing}") from None
    except ValidationError as wrong:
        first = wrong.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(step) for step in first["loc"])
        raise BadDirectory(f"{wrong.title}: {where}: {first['msg']}") from None
    except (ValueError, TypeError, AttributeError) as wrong:
        raise BadDirectory(str(wrong)) from None


def _said(told: Mapping[str, Any]) -> Iterator[tuple[str, Model]]:
    areas: dict[str, frozenset[str]] = {}
    for entry in told.get("partnership", ()):
        established = PartnershipEstablished(name=entry["name"], areas=tuple(entry["areas"]))
        areas[entry["id"]] = frozenset(established.areas)
        yield entry["id"], established
    members: dict[Place, AgencyType] = {}
    for entry in told.get("agency", ()):
        for partnership, listed in _listed(entry, areas):
            members[listed.agency, partnership] = listed.type
            yield partnership, listed
    for entry in told.get("agreement", ()):
        place = (entry["agency"], entry["partnership"])
        if place not in members:
            raise BadDirectory(f"an agreement names {' in '.join(place)}, where it is no member")
        terms = Terms.model_validate(_spelt_out(entry, members[place]))
        version = entry.get("version", 1)
        hash_ = terms.fingerprint(place[1], version)
        yield place[1], AgreementProposed(**dict(terms), version=version, hash=hash_)
        yield place[1], AgreementApproved(agency=terms.agency, version=version, hash=hash_, agreement=terms)


def _spelt_out(entry: Mapping[str, Any], kind: AgencyType) -> dict[str, Any]:
    """The terms in an entry; where it says "ceiling", everything that the catalogue gives this kind of agency today."""
    terms = {name: value for name, value in entry.items() if name in Terms.model_fields}
    if terms.get("may_propose") == "ceiling":
        able = (each for each in CATALOGUE.values() if any(p.agency in (None, kind) for p in each.proposers))
        terms["may_propose"] = tuple(each.name for each in able)
    if terms.get("may_read") == "ceiling":
        terms["may_read"] = tuple(each.name for each in CATALOGUE.values() if kind in each.ceiling.agencies)
    return terms


def _listed(entry: Mapping[str, Any], areas: Mapping[str, frozenset[str]]) -> Iterator[tuple[str, AgencyListed]]:
    if unknown := set(entry["partnerships"]) - areas.keys():
        raise BadDirectory(f"{entry['id']} belongs to {sorted(unknown)}, which are not listed")
    if elsewhere := set(entry["areas"]).difference(*(areas[name] for name in entry["partnerships"])):
        raise BadDirectory(f"{entry['id']} serves {sorted(elsewhere)}, outside its partnerships")
    for partnership in entry["partnerships"]:
        served = tuple(area for area in entry["areas"] if area in areas[partnership])
        more = {name: entry[name] for name in ("mailboxes", "contacts") if name in entry}
        yield (
            partnership,
            AgencyListed(agency=entry["id"], name=entry["name"], type=AgencyType(entry["type"]), areas=served, **more),
        )
