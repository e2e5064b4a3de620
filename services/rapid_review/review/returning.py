"""What an agency answers: by its own system, by its lead, or keyed in for it. Nothing that it sends is lost.

After the due day it is late, after the meeting the chair is told; what lies outside the scope period is kept and
flagged; a return after another is a further version (DOMAIN 3.2, 4, 4A item 20).
"""

from hashlib import sha256

from contracts.envelope import AnyEvent
from contracts.reviews import (
    ChronologyEntry,
    InformationAcknowledged,
    InformationContributed,
    InformationReturned,
)
from services.rapid_review.review.faults import asked, fault, refuse_if
from services.rapid_review.review.state import Answer, Context, Request, Review
from shared.decider import Outcome
from shared.london import london_date

GIVEN_BY_THE_OWNER = {"version", "late", "after_meeting"}


def acknowledge(state: Review, proposal: AnyEvent, data: InformationAcknowledged, context: Context) -> list[Outcome]:
    """The agency has the request. Said again, or after its answer, it has no further effect."""
    found = asked(state, data, data.request, proposal, context)
    return [Outcome(data)] if found.status is Answer.REQUESTED else []


def contribute(state: Review, proposal: AnyEvent, data: InformationContributed, context: Context) -> list[Outcome]:
    """A part of a long chronology. The same part again has no further effect. One that comes behind the return is kept,
    and counts with the next: its sender is told so."""
    found = asked(state, data, data.request, proposal, context)
    if content_of(data) in found.contributed.values():
        return []
    fact = data.model_copy(update={"entries": flagged(data.entries, found)})
    marks = _marks(outside_scope=outside(fact.entries), counts_with_the_next_return=found.answered)
    return [Outcome(fact, marks=marks)]


def give_back(state: Review, proposal: AnyEvent, data: InformationReturned, context: Context) -> list[Outcome]:
    """The agency's answer, in whatever state the review is. The same again has no further effect, unless the first was
    queried: then it is what the agency says to that."""
    found = asked(state, data, data.request, proposal, context)
    parts = () if data.replaces_contributions else tuple(found.contributed)
    if data.nil and parts:
        detail = "Entries were contributed before: say replacesContributions, or leave nil out."
        refuse_if([fault("/data/nil", "contributed-already", detail)])
    if not (data.nil or parts or _says_something(data)):
        detail = "This return holds nothing: say nil, if there is nothing to tell."
        refuse_if([fault("/data", "empty-return", detail, "nil: true")])
    if found.answered and found.latest and found.latest.content == content_of(data) and found.latest.parts == parts:
        return []
    after_meeting = state.met_on is not None and context.arrival >= state.met_on
    late = after_meeting or london_date(context.arrival) > found.due
    fact = data.model_copy(
        update={
            "entries": flagged(data.entries, found),
            "version": len(found.returns) + 1,
            "late": late,
            "after_meeting": after_meeting,
        }
    )
    marks = _marks(
        late=late,
        after_meeting=after_meeting,
        outside_scope=outside(fact.entries),
        not_signed_off=not data.signed_off,
    )
    return [Outcome(fact, marks=marks)]


def flagged(entries: tuple[ChronologyEntry, ...], found: Request) -> tuple[ChronologyEntry, ...]:
    """The entries with those marked that lie outside the scope period: kept, whatever the sender marked."""
    return tuple(
        entry.model_copy(update={"outside_scope": not found.scope_from <= entry.day <= found.scope_to})
        for entry in entries
    )


def outside(entries: tuple[ChronologyEntry, ...]) -> int:
    return sum(entry.outside_scope for entry in entries)


def content_of(data: InformationReturned | InformationContributed) -> str:
    """What tells one answer from another: all of it but what its owner gives. Words sealed anew are other words."""
    entries = tuple(entry.model_copy(update={"outside_scope": False}) for entry in data.entries)
    plain = data.model_copy(update={"entries": entries})
    return sha256(plain.model_dump_json(exclude=GIVEN_BY_THE_OWNER).encode()).hexdigest()


def _says_something(data: InformationReturned) -> bool:
    about = {"agency", "request", "nil", "replaces_contributions", "author", "signed_off", *GIVEN_BY_THE_OWNER}
    return any(getattr(data, name) for name in type(data).model_fields if name not in about)


def _marks(**found: object) -> tuple[str, ...]:
    return tuple(name for name, said in found.items() if said)
