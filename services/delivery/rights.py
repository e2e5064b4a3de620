"""Who may see a fact, and what was taken from an agency's rights: `contracts.access` on today's directory. Pure."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from contracts.access import Agreement, Matter, Party, visible_fields
from contracts.agreements import OfExclusion
from contracts.catalogue import CALENDAR, CATALOGUE, DIRECTORY
from contracts.ceilings import EVERYTHING, Fields, only
from contracts.corrections import IncidentRecalled
from contracts.directory import Directory
from contracts.envelope import AnyEvent
from contracts.for_some import ForSome
from contracts.matters import incidents_of

OF_A_PARTNERSHIP = frozenset({CALENDAR, DIRECTORY})
"""Topics whose facts are of no incident, and go to a whole partnership."""


_ANY_OTHER = ""
"""Stands for every partnership in which nothing was ever said of an agency."""


@dataclass(frozen=True)
class Sight:
    """What a reader sees of a fact, in which major version of its type, and under the agreements of which
    partnerships."""

    fields: Fields
    major: int
    under: frozenset[str] = frozenset()

    def within(self, partnerships: Collection[str] | None) -> bool:
        """Whether a token that reaches these partnerships (None: all) reaches it."""
        return partnerships is None or self.under <= set(partnerships)


@dataclass(frozen=True)
class Recall:
    """A fact was taken back: from these recipients, or (None) from all but the authority that holds the duty."""

    recipients: frozenset[str] | None = None

    def hides_from(self, agency: str, authority: str | None) -> bool:
        """Whether the fact may no longer be shown to an agency."""
        return agency != authority if self.recipients is None else agency in self.recipients


class Matters(dict[str, Matter]):
    """Incidents, as far as access depends on them, by their ids. `hosts` are their areas that hold the duty."""

    def __init__(self, known: Mapping[str, Matter] | None = None, hosts: Mapping[str, str] | None = None) -> None:
        super().__init__(known or {})
        self.hosts = dict(hosts or {})

    def authority(self, directory: Directory, incident: str | None) -> str | None:
        """The agency that holds the duty for an incident."""
        agency = directory.authorities.get(self.hosts.get(incident or "", ""))
        return agency.id if agency else None

    def of(self, fact: AnyEvent) -> tuple[Matter, ...]:
        """Every matter that a fact tells of; none where one of them is not known (yet)."""
        if CATALOGUE[fact.name].topic in OF_A_PARTNERSHIP:
            return (Matter(fact.partnership),)
        named = incidents_of(fact)
        return tuple(self[name] for name in sorted(named)) if named and named <= self.keys() else ()


def sight(
    directory: Directory,
    agency: str,
    fact: AnyEvent,
    matters: Matters,
    partnerships: Collection[str] | None = None,
    recall: Recall | None = None,
) -> Sight | None:
    """What an agency's own system sees of a fact; None where it does not exist for it.

    It must be entitled to every incident that the fact tells of. `partnerships`: how far the reader's token reaches.
    """
    about = matters.of(fact)
    if not about or hidden(fact, agency, matters.authority(directory, fact.subject), recall):
        return None
    seen = judged(directory, agency, fact.name, about)
    return seen if seen is not None and seen.within(partnerships) else None


def judged(directory: Directory, agency: str, name: str, about: tuple[Matter, ...]) -> Sight | None:
    """What an agency sees of any fact of a type that tells of these matters, as far as they and its rights decide."""
    party = directory.member(agency)
    if party is None:
        return None
    fields, major, under = EVERYTHING, CATALOGUE[name].major, set()
    for one in about:
        agreement = directory.agreement_on(agency, one)
        found = visible_fields(party, name, agreement, one)
        if found is None or agreement is None:
            return None
        fields &= found
        major = min(major, agreement.reads.get(name, major))
        under.add(agreement.partnership)
    return Sight(fields, major, frozenset(under))


def hidden(fact: AnyEvent, agency: str, authority: str | None, recall: Recall | None = None) -> bool:
    """Whether this one fact is kept from an agency, whatever it may see of its type and matter."""
    if recall and recall.hides_from(agency, authority):
        return True
    if isinstance(fact.data, ForSome) and not fact.data.is_for(agency, authority):
        return True
    return shuts_out(fact, agency)


def shuts_out(fact: AnyEvent, agency: str) -> bool:
    """Whether a fact is about shutting out this whole agency: it does not read of that beforehand, nor afterwards.

    As the gateway holds it; what is said of one of an agency's people is hidden from that person, not from the agency.
    """
    said = fact.data
    if not isinstance(said, OfExclusion):
        return False
    return said.agency == agency and said.person is None


def told_of_recall(fact: AnyEvent, seen: Sight | None) -> Sight | None:
    """Whoever had what is recalled is told of it whatever they may see by then: at least what, and why."""
    return seen or (AT_LEAST if isinstance(fact.data, IncidentRecalled) else None)


AT_LEAST = Sight(only("event", "because"), 1)


def is_open(directory: Directory, agency: str, matter: Matter) -> bool:
    """Whether an incident is open to an agency: it may see some type of fact about it."""
    party, agreement = directory.member(agency), directory.agreement_on(agency, matter)
    if party is None or agreement is None:
        return False
    return any(visible_fields(party, name, agreement, matter) is not None for name in sorted(agreement.may_read))


@dataclass(frozen=True)
class Rights:
    """All that decides what an agency sees, but for the matter itself. `agreements`: which decides on a partnership's
    matters for a participant; for one that comes from elsewhere, its own."""

    party: Party | None
    agreements: Mapping[str, Agreement]

    @classmethod
    def of(cls, directory: Directory, agency: str, partnerships: Iterable[str]) -> "Rights":
        """Those of one agency in these partnerships, and in all others in which nothing was ever said of it."""
        taking_part = frozenset({agency})
        found = {
            name: directory.agreement_on(agency, Matter(name, participants=taking_part))
            for name in (*partnerships, _ANY_OTHER)
        }
        return cls(directory.member(agency), {name: each for name, each in found.items() if each is not None})

    def lost_by(self, after: "Rights") -> bool:
        """Whether anything that could be seen under these may be hidden under those."""
        if self.party is None or not self.agreements:
            return False
        if after.party is None or after.party.agency_type is not self.party.agency_type:
            return True
        if self.party.areas - after.party.areas or self.party.served - after.party.served:
            return True
        return any(_narrower(each, after.agreements.get(name)) for name, each in self.agreements.items())


def _narrower(before: Agreement, after: Agreement | None) -> bool:
    if after is None or before.may_read - after.may_read or before.incidents - after.incidents:
        return True
    return any(_cut(before, after, name) for name in before.may_read)


def _cut(before: Agreement, after: Agreement, name: str) -> bool:
    was, now = before.fields.get(name, EVERYTHING), after.fields.get(name, EVERYTHING)
    return was & now != was


def changed(before: Directory, after: Directory) -> Iterable[tuple[str, Rights, Rights]]:
    """The agencies whose rights are not what they were, with both."""
    said = [(getattr(before, each), getattr(after, each)) for each in ("listings", "agreements", "versions")]
    places = {place for was, now in said for place in (*was, *now)}
    touched = {
        agency for was, now in said for agency, name in places if was.get((agency, name)) != now.get((agency, name))
    }
    for agency in sorted(touched):
        names = [partnership for who, partnership in places if who == agency]
        was, now = Rights.of(before, agency, names), Rights.of(after, agency, names)
        if was != now:
            yield agency, was, now
