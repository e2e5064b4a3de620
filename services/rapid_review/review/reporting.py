"""The report: drafted after a quorate meeting, and viewed by each of the three partners (DOMAIN 4, 4A item 11)."""

from collections.abc import Iterator, Mapping

from contracts.envelope import AnyEvent
from contracts.review_codes import Partner, PartnerView
from contracts.reviews import ReviewCommented, ReviewDrafted, ReviewSignedOff, ViewRecorded
from contracts.submissions import Fault
from services.rapid_review.review.faults import fault, not_the_unit, not_under_way, refuse_if
from services.rapid_review.review.state import Context, Review, Status
from shared.decider import Outcome

WRITABLE = frozenset({Status.MEETING_HELD, Status.DRAFTED, Status.SIGNED_OFF})


def draft(state: Review, proposal: AnyEvent, data: ReviewDrafted, context: Context) -> list[Outcome]:
    """A version of the report, with the decision and its reasons. A query of the Panel's opens it again."""
    refuse_if([*not_under_way(state), *not_the_unit(proposal, context), *_not_writable(state)])
    return [Outcome(data.model_copy(update={"version": len(state.drafts) + 1}))]


def _not_writable(state: Review) -> Iterator[Fault]:
    if state.met_on is None:
        detail = "The partners decide at a meeting of all three: record one that was quorate first."
        yield fault("/type", "no-quorate-meeting", detail, "meeting.held")
    elif state.stage not in WRITABLE:
        yield fault("/type", "submitted-already", "It was submitted: only a query of the Panel's opens it again.")


def view(state: Review, proposal: AnyEvent, data: ViewRecorded, context: Context) -> list[Outcome]:
    """One partner's view of the newest version, for that partner alone. With the third it is signed off, dissent or
    not; a changed view is a further fact."""
    partner = context.partners.get(proposal.agency or "")
    refuse_if([*not_under_way(state), *_not_a_partner(partner, data, context), *_not_the_newest(state, data.version)])
    newest = state.draft
    assert partner is not None
    assert newest is not None
    views = {**newest.views, partner: data.view}
    fact = Outcome(data.model_copy(update={"partner": partner}))
    after = _signed(newest.number, views)
    before = _signed(newest.number, newest.views) if newest.signed_off else None
    return [fact] if after in (None, before) else [fact, Outcome(after)]


def _signed(version: int, views: Mapping[Partner, PartnerView]) -> ReviewSignedOff | None:
    if views.keys() != frozenset(Partner):
        return None
    dissenting = tuple(partner for partner in Partner if views[partner] is PartnerView.DISSENT)
    return ReviewSignedOff(version=version, dissenting=dissenting)


def _not_a_partner(partner: Partner | None, data: ViewRecorded, context: Context) -> Iterator[Fault]:
    if partner is None:
        detail = "A safeguarding partner of the place of the incident records its own view."
        yield fault("/agency", "not-a-partner", detail, *sorted(context.partners))
    elif data.partner not in (None, partner):
        yield fault("/data/partner", "another-partner", "No partner records another's view.", partner.value)


def _not_the_newest(state: Review, version: int) -> Iterator[Fault]:
    if state.draft is None:
        yield fault("/data/version", "no-draft", "There is no draft of the report yet.")
    elif version != state.draft.number:
        yield fault("/data/version", "not-the-newest", "Name the newest version.", str(state.draft.number))


def comment(state: Review, data: ReviewCommented) -> list[Outcome]:
    """The scrutineer's comment on any version there is, in any state."""
    known = [str(each.number) for each in state.drafts]
    if str(data.version) not in known:
        refuse_if([fault("/data/version", "no-such-version", "There is no such version of the report.", *known)])
    return [Outcome(data)]
