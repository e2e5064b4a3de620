"""What a decision may know beside the past, made in one place: for proposals, for reactions and for ticks."""

from collections.abc import Mapping
from datetime import datetime

from contracts.codes import AgencyType
from contracts.directory import Directory
from contracts.review_codes import Partner
from services.rapid_review import practice_review, review
from services.rapid_review.case import Case
from shared.consumer import TryLater
from shared.database import Transaction
from shared.decider import Context
from shared.listed import directory

PARTNER_OF = {
    AgencyType.LOCAL_AUTHORITY: Partner.LOCAL_AUTHORITY,
    AgencyType.ICB: Partner.ICB,
    AgencyType.POLICE_FORCE: Partner.POLICE,
}


async def directory_of(tx: Transaction, partnership: str) -> Directory:
    """The directory. Raises TryLater until the partnership is in it: its facts come on another topic, at any time."""
    known: Directory | None = tx.known.get("directory")
    if known is None:
        known = tx.known["directory"] = await directory(tx.connection)
    if partnership and partnership not in known.partnerships:
        raise TryLater("the directory does not know the partnership yet")
    return known


def host_of(case: Case, known: Directory) -> str | None:
    """The agency that holds the duty for the incident."""
    agency = known.authorities.get(case.host)
    return agency.id if agency else None


def partners_of(case: Case, known: Directory) -> Mapping[str, Partner]:
    """Which of the three safeguarding partners an agency of the host area is."""
    return {
        agency.id: PARTNER_OF[agency.type]
        for agency in known.agencies.values()
        if agency.type in PARTNER_OF and case.host in agency.areas
    }


def of_review(base: Context, case: Case, known: Directory, *, arrived: datetime | None = None) -> review.Context:
    """For a decision about a rapid review."""
    return review.Context(
        base.now,
        base.calendar,
        host=host_of(case, known),
        partners=partners_of(case, known),
        listed=frozenset(agency for agency, where in known.listings if where == case.partnership),
        local=known.rules_of(case.partnership),
        arrived=arrived,
    )


def of_practice_review(base: Context) -> practice_review.Context:
    """For a decision about a practice review."""
    return practice_review.Context(base.now, base.calendar)


def practice_case(case: Case, rapid: review.Review, known: Directory) -> practice_review.Case:
    """The incident as its practice review needs it."""
    others = (known.authorities.get(area) for area in case.other_areas)
    host = host_of(case, known)
    return practice_review.Case(
        case.incident,
        known=bool(case.host) and host is not None,
        partnership=case.partnership,
        host_authority=host or "",
        partners=partners_of(case, known),
        other_authorities=tuple(dict.fromkeys(agency.id for agency in others if agency and agency.id != host)),
        asked=frozenset(request.agency for request in rapid.requests.values()),
        participants=case.participants,
        occurred_from=case.occurred_from,
        rapid_review=rapid.rule is not None,
        linked_to=case.linked_to,
    )
