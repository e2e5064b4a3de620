"""A sharing agreement: proposed by one person, approved by another exactly as proposed, never above the ceiling."""

from collections.abc import Iterator
from datetime import date, timedelta

from contracts.agreements import AgreementApproved, AgreementEnded, AgreementProposed, Terms
from contracts.catalogue import CATALOGUE, EventType
from contracts.ceilings import NOTHING
from contracts.codes import AgencyType
from contracts.directory import Directory
from contracts.envelope import AnyEvent
from contracts.submissions import Fault
from services.gateway.partnership.faults import fault, holds_duty, listed, refuse_if, still_somebody
from shared.decider import Context, Outcome
from shared.london import london_date

LONGEST_REVIEW = timedelta(days=3 * 366)
"""How far ahead a review may lie. No source gives a length; three years is this project's own choice."""


def propose(directory: Directory, partnership: str, offered: AgreementProposed, context: Context) -> list[Outcome]:
    """The next version of the agency's agreement, which awaits another person. Raises Refused."""
    refuse_if(list(listed(directory, offered.agency, partnership)))
    kind = directory.agencies[offered.agency].type
    refuse_if(
        [
            *_reviewed_in_time(offered, london_date(context.now)),
            *_proposable(offered, kind),
            *_readable(offered, kind),
            *still_somebody(directory, partnership, offered.agency, offered.may_propose),
        ]
    )
    version = directory.versions.get((offered.agency, partnership), 0) + 1
    named = {"version": version, "hash": offered.fingerprint(partnership, version)}
    return [Outcome(offered.model_copy(update=named))]


def approve(directory: Directory, proposal: AnyEvent, approval: AgreementApproved) -> list[Outcome]:
    """The whole agreement, as it was proposed. Raises Refused."""
    refuse_if(list(_approvable(directory, proposal, approval)))
    offer = directory.offers[approval.agency, proposal.partnership]
    refuse_if(list(still_somebody(directory, proposal.partnership, approval.agency, offer.terms.may_propose)))
    return [Outcome(approval.model_copy(update={"agreement": offer.terms}))]


def end(directory: Directory, partnership: str, ended: AgreementEnded) -> list[Outcome]:
    """The agreement counts no more. Raises Refused."""
    place = (ended.agency, partnership)
    faults = [*holds_duty(directory, *place), *still_somebody(directory, partnership, ended.agency)]
    if place not in directory.agreements and place not in directory.offers:
        faults.append(fault("/data/agency", "no-agreement", "There is no agreement to end, and none proposed."))
    refuse_if(faults)
    return [Outcome(ended)]


def _approvable(directory: Directory, proposal: AnyEvent, approval: AgreementApproved) -> Iterator[Fault]:
    offer = directory.offers.get((approval.agency, proposal.partnership))
    if offer is None:
        detail = "No agreement of this agency awaits approval."
        yield fault("/data/agency", "not-proposed", detail, "agreement.proposed")
        return
    if proposal.actor == offer.by:
        yield fault("/actor", "same-person", "Another person than the proposer approves.")
    if approval.version != offer.version:
        yield fault("/data/version", "differs-from-proposed", "Approve what was proposed.", str(offer.version))
    if approval.hash != offer.hash:
        detail = "This is not the hash of what awaits approval: read it again before you approve it."
        yield fault("/data/hash", "differs-from-proposed", detail, offer.hash)
    if approval.agreement is not None and approval.agreement != offer.terms:
        yield fault("/data/agreement", "differs-from-proposed", "Leave it out: what was proposed is what is approved.")


def _reviewed_in_time(offered: Terms, today: date) -> Iterator[Fault]:
    latest = today + LONGEST_REVIEW
    if not today < offered.review_on <= latest:
        detail = "Say when it is looked at again: after today, and within three years."
        yield fault("/data/reviewOn", "review-date", detail, f"{today + timedelta(days=1)} to {latest}")


def _proposable(offered: Terms, kind: AgencyType) -> Iterator[Fault]:
    for number, name in enumerate(offered.may_propose):
        entry = CATALOGUE.get(name)
        if entry is None or not any(proposer.agency in (None, kind) for proposer in entry.proposers):
            allowed = [
                each.name for each in CATALOGUE.values() if any(p.agency in (None, kind) for p in each.proposers)
            ]
            detail = "No agency of this kind may ever propose this."
            yield fault(f"/data/mayPropose/{number}", "above-the-ceiling", detail, *allowed)


def _readable(offered: Terms, kind: AgencyType) -> Iterator[Fault]:
    for number, name in enumerate(offered.may_read):
        entry = CATALOGUE.get(name)
        if entry is None or kind not in entry.ceiling.agencies:
            allowed = [each.name for each in CATALOGUE.values() if kind in each.ceiling.agencies]
            detail = "No agency of this kind may ever read this."
            yield fault(f"/data/mayRead/{number}", "above-the-ceiling", detail, *allowed)
    for name, fields in offered.fields.items():
        entry = CATALOGUE.get(name)
        if entry is None or name not in offered.may_read:
            yield fault(f"/data/fields/{name}", "not-read", "Narrow only what mayRead opens.", *offered.may_read)
            continue
        yield from _fields(entry, fields, kind)
    for name, major in offered.reads.items():
        entry = CATALOGUE.get(name)
        majors = [number for number, _ in entry.versions()] if entry else []
        if name not in offered.may_read:
            yield fault(f"/data/reads/{name}", "not-read", "Give a version only of what mayRead opens.")
        elif major not in majors:
            yield fault(f"/data/reads/{name}", "unknown-version", "There is no such version.", *map(str, majors))


def _fields(entry: EventType, fields: tuple[str, ...], kind: AgencyType) -> Iterator[Fault]:
    ceiling = entry.ceiling.agencies.get(kind, NOTHING)
    there = {field.alias or name for _, model in entry.versions() for name, field in model.model_fields.items()}
    allowed = sorted(name for name in there if name in ceiling)
    for number, name in enumerate(fields):
        if name not in allowed:
            detail = "There is no such field, or no agency of this kind may ever see it."
            yield fault(f"/data/fields/{entry.name}/{number}", "above-the-ceiling", detail, *allowed)
