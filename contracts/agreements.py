"""The directory stream, one a partnership: who belongs to it and under which sharing agreement; and exclusions.

An agreement is proposed by one person and approved by another, who names by its hash exactly what was proposed.
"""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from hashlib import sha256
from typing import Annotated

from pydantic import Field, StringConstraints

from contracts.codes import AgencyType, Incidents, Role
from contracts.identifiers import AgencyId, AreaCode, PersonId
from contracts.sealing import Model, Narrative

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=2, max_length=120)]
Address = Annotated[str, StringConstraints(pattern=r"^[^@\s]{1,64}@[A-Za-z0-9.-]{1,180}$")]
"""An office's e-mail address, never a person's own."""

TypeName = Annotated[str, StringConstraints(pattern=r"^[a-z-]{1,40}\.[a-z-]{1,40}$")]
FieldName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9]{0,60}$")]
Hash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Number = Annotated[int, Field(ge=1)]


class ContactFor(StrEnum):
    """What an agency's office is written to about."""

    TECHNICAL = "technical"
    DATA_PROTECTION = "data_protection"
    OUT_OF_HOURS = "out_of_hours"
    ESCALATION = "escalation"  # a senior, where the agency owes an answer


class PartnershipEstablished(Model):
    """A partnership is there, with its areas (ONS codes). Said again by an operator, it changes them."""

    name: Name
    areas: Annotated[tuple[AreaCode, ...], Field(min_length=1)]


class AgencyListed(Model):
    """An agency belongs to the partnership. Said again, it changes the entry; its type stays as it was first listed."""

    agency: AgencyId
    name: Name
    type: AgencyType
    areas: tuple[AreaCode, ...] = Field((), description="Those it serves in this partnership.")
    mailboxes: Mapping[Role, Address] = Field({}, description="Where letters go, by role: offices' addresses.")
    contacts: Mapping[ContactFor, Address] = Field({}, description="Offices' addresses, by what they are for.")


class AgencyWithdrawn(Model):
    """An agency belongs to the partnership no more; its agreement there ends with it."""

    agency: AgencyId
    why: Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=200)]


class Terms(Model):
    """What an agency may propose and read, of which incidents, on which basis, and when that is looked at again.

    `fields` narrows a type to the fields named; a type that is not in it is narrowed by the catalogue's ceiling alone.
    `reads` is the major version in which it reads a type; today's where it says nothing.
    """

    agency: AgencyId
    legal_basis: Annotated[str, StringConstraints(strip_whitespace=True, min_length=10, max_length=300)]
    review_on: date
    incidents: tuple[Incidents, ...] = ()
    may_propose: tuple[TypeName, ...] = ()
    may_read: tuple[TypeName, ...] = ()
    fields: Mapping[TypeName, tuple[FieldName, ...]] = {}
    reads: Mapping[TypeName, Number] = {}

    @property
    def terms(self) -> "Terms":
        """The terms alone, without what a proposal of them says besides."""
        return Terms(**{name: getattr(self, name) for name in Terms.model_fields})

    def fingerprint(self, partnership: str, version: int) -> str:
        """What an approval names: it stands for these terms as this version in this partnership, and no others."""
        return sha256(f"{partnership} {version} {_canonical(self.terms)}".encode()).hexdigest()


def _canonical(terms: Terms) -> str:
    ordered = terms.model_copy(
        update={
            "incidents": tuple(sorted(set(terms.incidents))),
            "may_propose": tuple(sorted(set(terms.may_propose))),
            "may_read": tuple(sorted(set(terms.may_read))),
            "fields": {name: tuple(sorted(set(terms.fields[name]))) for name in sorted(terms.fields)},
            "reads": {name: terms.reads[name] for name in sorted(terms.reads)},
        }
    )
    return ordered.model_dump_json(by_alias=True)


class AgreementProposed(Terms):
    """A sharing agreement, or a new version of it, awaits another person's approval."""

    version: Number | None = Field(None, description="Given by the owner.")
    hash: Hash | None = Field(None, description="Given by the owner; the approval names it.")


class AgreementApproved(Model):
    """Another person than its proposer approved what was proposed: from now on it is what counts."""

    agency: AgencyId
    version: Number
    hash: Hash = Field(description="Of what was proposed, as the proposal's fact tells it.")
    agreement: Terms | None = Field(None, description="The whole agreement; given by the owner.")


class AgreementEnded(Model):
    """The agency may propose and read nothing here any more. One person may: it only narrows."""

    agency: AgencyId
    why: Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=200)]


class ExclusionBasis(StrEnum):
    CONFLICT_OF_INTEREST = "conflict_of_interest"
    ALLEGED_PERPETRATOR = "alleged_perpetrator"
    OTHER = "other"


class OfExclusion(Model):
    """Somebody's being shut out of an incident. Whoever it is about does not read of it, nor sees that it was said."""

    agency: AgencyId
    person: PersonId | None = Field(None, description="The account shut out; left out, the whole agency is.")
    basis: ExclusionBasis


class ExclusionProposed(OfExclusion):
    """An agency, or one person of it, should be shut out of the incident; or be let in again (`lift`)."""

    lift: bool = Field(False, description="True proposes to end an exclusion that stands.")
    reason: Narrative


class ExclusionApproved(OfExclusion):
    """Shut out, whatever their agreement says: for them the incident does not exist. Said by a second person."""

    holds_duty: bool | None = Field(
        None, description="Given by the owner: a person of the authority that holds the duty, which goes on acting."
    )


class ExclusionEnded(OfExclusion):
    """Let in again, as far as the agreement goes. Proposed by one person (`lift`) and said by another."""
