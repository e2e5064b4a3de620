"""A proposal on its way in: load, decide, save; and the read models that follow from what was saved."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from contracts.catalogue import REVIEWS, topic_of
from contracts.envelope import AnyEvent
from contracts.practice_reviews import PracticeReviewDrafted
from services.rapid_review import agenda, practice_review, review, scanning
from services.rapid_review.dossier import shut_out_of
from services.rapid_review.letters import letters
from services.rapid_review.streams import PRACTICE, REVIEW, of_practice, review_of, stream_of
from services.rapid_review.surroundings import directory_of, of_practice_review, of_review, practice_case
from services.rapid_review.views import dossier_of, show_practice_reviews, show_reviews
from shared.clock import Clock
from shared.consumer import Work
from shared.database import Transaction
from shared.decider import Aggregate
from shared.eventlog import EventLog
from shared.post import keep_letters


async def judge(proposal: AnyEvent, work: Work) -> Sequence[AnyEvent]:
    """The facts that follow from a proposal on `submissions.rapid-review`. Raises `Refused` or `Waiting`."""
    assert proposal.subject is not None
    dossier = await dossier_of(work.tx, proposal.subject)
    case = dossier.case
    known = await directory_of(work.tx, case.partnership)
    stream = stream_of(proposal)
    if not of_practice(proposal):
        context = of_review(work.context, case, known, arrived=proposal.recordedtime)
        context = replace(context, shut_out=shut_out_of(dossier))
        rapid = Aggregate(
            REVIEW.initial, lambda state, said, _: review.decide(state, said, case, context), REVIEW.evolve
        )
        return await work.decide(rapid, stream, proposal)
    before, _ = await work.load(REVIEW, review_of(proposal.subject))
    about, base = practice_case(case, before, known), of_practice_review(work.context)
    practice = Aggregate(
        PRACTICE.initial, lambda state, said, _: practice_review.decide(state, said, about, base), PRACTICE.evolve
    )
    return await work.decide(practice, stream, proposal)


class Projection:
    """What follows from our own facts, in the transaction that appends them: read models, letters, and scans to do."""

    def __init__(self, log: EventLog, clock: Clock) -> None:
        self._log = log
        self._clock = clock

    async def __call__(self, tx: Transaction, facts: Sequence[AnyEvent]) -> None:
        """Bring the read models up to these facts, write the letters that they give rise to, have drafts scanned."""
        await self.fold(tx, facts)
        for fact in _own(facts):
            dossier = await dossier_of(tx, fact.subject or "")
            known = await directory_of(tx, "")
            told = letters(fact, dossier.case, known, shut_out_of(dossier))
            keep_letters(tx, told, self._clock.now())
            if isinstance(fact.data, PracticeReviewDrafted):
                await scanning.ask(tx, fact, scanning.author_of(fact))

    async def fold(self, tx: Transaction, facts: Sequence[AnyEvent]) -> None:
        """The read models alone, as a rebuild needs them."""
        newest = {stream_of(fact): fact for fact in _own(facts)}
        reviews: dict[str, tuple[review.Review, AnyEvent]] = {}
        practice: dict[str, tuple[practice_review.PracticeReview, AnyEvent]] = {}
        due: dict[str, tuple[agenda.State, str]] = {}
        for stream, fact in newest.items():
            of: Aggregate[Any] = PRACTICE if of_practice(fact) else REVIEW
            state = await self._state(tx, of, stream, fact)
            (practice if of_practice(fact) else reviews)[fact.subject or ""] = (state, fact)
            due[stream] = (state, fact.partnership)
        await show_reviews(tx, reviews)
        await show_practice_reviews(tx, practice)
        await agenda.schedule(tx, due, self._clock.now())

    async def _state(self, tx: Transaction, of: Aggregate[Any], stream: str, fact: AnyEvent) -> Any:
        state, version = tx.known.get(stream, (of.initial, 0))
        if version == fact.streamversion:
            return state
        past = await self._log.load(tx, stream)  # it was not decided here just now: a rebuild
        return of.fold(each for each in past if (each.streamversion or 0) <= (fact.streamversion or 0))


def _own(facts: Sequence[AnyEvent]) -> list[AnyEvent]:
    return [fact for fact in facts if topic_of(fact) == REVIEWS and fact.subject]
