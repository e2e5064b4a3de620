"""The report: its drafts as versions, the partnership's response, the scan, and two different people who read it.

A further version begins again: response, scan, checks and advance copies are each of one version (DOMAIN 4A item 6).
"""

from collections.abc import Iterator, Sequence

from contracts.envelope import AnyEvent
from contracts.practice_reviews import (
    FoundCount,
    PracticeReviewDrafted,
    RedactionChecked,
    RedactionScanned,
    ResponseAgreed,
)
from contracts.review_codes import Check, Scan
from contracts.submissions import Fault
from services.rapid_review.practice_review.conducting import no_longer_independent
from services.rapid_review.practice_review.faults import (
    fault,
    newest,
    not_the_newest,
    not_under_way,
    refuse_if,
)
from services.rapid_review.practice_review.state import Case, Draft, PracticeReview
from shared.decider import Outcome, Waiting


def draft(state: PracticeReview, data: PracticeReviewDrafted, case: Case) -> list[Outcome]:
    """A draft is written within terms of reference, by a reviewer who is independent. After publication a further
    version is a corrected edition: it is published by the same rules."""
    refuse_if([*not_under_way(state)])
    refuse_if([*_out_of_turn(state), *no_longer_independent(state, case)])
    return [Outcome(data.model_copy(update={"version": state.numbered + 1}))]


def _out_of_turn(state: PracticeReview) -> Iterator[Fault]:
    if state.scope is None:
        yield fault("/type", "not-scoped", "Record the terms of reference first: practice-review.scoped.")
    if not state.standing:
        yield fault("/type", "no-reviewer", "Appoint who leads the review first: reviewer.appointed.")


def respond(state: PracticeReview, proposal: AnyEvent, data: ResponseAgreed, case: Case) -> list[Outcome]:
    """The partnership's response to the newest version: published with it, so that another one is other content, to be
    read and copied anew (DOMAIN 4A item 6)."""
    refuse_if([*not_under_way(state)])
    refuse_if([*not_the_newest(state, data.version)])
    return [Outcome(data)]


def scanned(state: PracticeReview, version: int, result: Scan, found: Sequence[FoundCount] = ()) -> list[Outcome]:
    """The owner's own fact, when the scanner is done. Of a version that is the newest no more nothing is said.

    A scan begins the reading anew: people check what they know the scanner to have said.
    """
    if not state.draft or state.ended or version != state.draft.number:
        return []
    return [Outcome(RedactionScanned(version=version, result=result, found=tuple(found)))]


def check(state: PracticeReview, proposal: AnyEvent, data: RedactionChecked, case: Case) -> list[Outcome]:
    """One person's reading of the newest version, after its scan. The scanner assists; a scan that failed blocks.

    Raises Waiting until the scan is done.
    """
    refuse_if([*not_under_way(state)])
    refuse_if([*not_the_newest(state, data.version)])
    read = newest(state)
    if read.scan is None:
        raise Waiting("the scan of this version")
    refuse_if([*_unreadable(read), *_without_response(read), *_same_person(read, proposal, data)])
    return [Outcome(data)]


def _unreadable(read: Draft) -> Iterator[Fault]:
    if read.scan is Scan.FAILED:
        detail = "The scanner could not read this document: record a further version that it can read."
        yield fault("/data/version", "scan-failed", detail)


def _without_response(read: Draft) -> Iterator[Fault]:
    if not read.responded:
        detail = "The partnership's response is published with the report and read with it: agree it first."
        yield fault("/data/version", "no-response", detail)


def _same_person(read: Draft, proposal: AnyEvent, data: RedactionChecked) -> Iterator[Fault]:
    if proposal.actor is None:
        yield fault("/actor", "no-person", "A person checks, signed in as themselves.")
    elif data.result is Check.PASSED and read.checks.get(proposal.actor) is Check.PASSED:
        yield fault("/actor", "same-person", "You have passed this version already: a second person must read it.")
