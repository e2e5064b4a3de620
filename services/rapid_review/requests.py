"""The request to one agency, as a letter or on its screen: the minimum of DOMAIN section 5, and nothing more. Pure."""

from collections.abc import Iterator
from typing import Any, Literal

from contracts.access import sees_addresses
from contracts.codes import AgencyType, Role
from contracts.directory import Directory
from contracts.review_exports import ERASED, AskedAbout, ExportedRequest
from contracts.reviews import InformationRequested
from contracts.sealing import Identity
from services.rapid_review.shown import Sighted
from services.rapid_review.words import Words

KEYS: dict[AgencyType, Literal["NHS number", "UPN"]] = {AgencyType.ICB: "NHS number", AgencyType.SCHOOL: "UPN"}
"""By which identifier an agency of a kind keeps its records; no other is told."""


def references(sighted: Sighted, data: InformationRequested) -> Iterator[str | None]:
    """Every reference that the request needs."""
    yield from (sighted.looker.dossier.identities.get(subject) for subject in data.subjects)
    for ref in (data.lead, data.household, data.reason):
        yield ref if isinstance(ref, str) else None


def asked_about(sighted: Sighted, data: InformationRequested, words: Words) -> list[AskedAbout]:
    """The children as the agency needs to know them, whoever takes the copy: an alleged perpetrator's side gets no
    address."""
    looker = sighted.looker
    party = looker.directory.member(data.agency)
    key = KEYS.get(party.agency_type) if party else None
    found = (words.identity(looker.dossier.identities.get(subject)) for subject in data.subjects)
    addresses = _learns_addresses(sighted, data)
    return [_about(identity, key, addresses=addresses) for identity in found]


def _learns_addresses(sighted: Sighted, data: InformationRequested) -> bool:
    """Whether the agency that is asked may; whoever takes the copy sends it there."""
    party = sighted.looker.directory.member(data.agency)
    return party is not None and sees_addresses(party, sighted.looker.matter)


def _about(identity: Identity | None, key: Literal["NHS number", "UPN"] | None, *, addresses: bool) -> AskedAbout:
    if identity is None:
        return AskedAbout(name=ERASED)
    value = {"NHS number": identity.nhs_number, "UPN": identity.upn}[key] if key else None
    return AskedAbout(
        name=identity.name,
        born=identity.date_of_birth,
        expected=identity.expected_date_of_delivery,
        addresses=(identity.address,) if identity.address and addresses else (),
        key_name=key if value else None,
        key=value,
    )


def letter(sighted: Sighted, data: InformationRequested, words: Words, common: dict[str, Any]) -> ExportedRequest:
    """The copy. `common` is what every copy says of itself."""
    known: Directory = sighted.looker.directory
    lead = words.contact(data.lead)
    host = known.agencies.get(sighted.looker.authority or "")
    assert data.request is not None
    return ExportedRequest(
        **common,
        request=data.request,
        agency=data.agency,
        agency_name=known.name_of(data.agency),
        lead=lead.name if lead else None,
        children=tuple(asked_about(sighted, data, words)),
        household=words.text(data.household) if _learns_addresses(sighted, data) else None,
        scope_from=data.scope_from,
        scope_to=data.scope_to,
        reason=words.said(data.reason),
        legal_basis=data.legal_basis,
        due=sighted.review.requests[data.request].due,
        answer_to=host.mailboxes.get(Role.BUSINESS_UNIT) if host else None,
    )
