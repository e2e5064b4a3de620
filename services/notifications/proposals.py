"""A proposal on its way in: load, decide, save; and the read models that follow from what was saved."""

from collections.abc import Sequence

from contracts.catalogue import NOTIFICATIONS, topic_of
from contracts.envelope import AnyEvent
from services.notifications import notification
from services.notifications.case import Case
from services.notifications.letters import letters
from services.notifications.notification import UNWRITTEN, Notification
from services.notifications.surroundings import directory_of
from services.notifications.views import case_of, show, stream_of
from shared.clock import Clock
from shared.consumer import Work
from shared.database import Transaction
from shared.decider import Aggregate
from shared.eventlog import EventLog
from shared.post import keep_letters


def aggregate(case: Case) -> Aggregate[Notification]:
    """The notification of a case: what is decided depends on what is known of the incident."""
    return Aggregate(
        UNWRITTEN,
        lambda state, proposal, context: notification.decide(state, proposal, case, context),
        notification.evolve,
    )


async def judge(proposal: AnyEvent, work: Work) -> Sequence[AnyEvent]:
    """The facts that follow from a proposal on `submissions.notifications`. Raises `Refused` or `Waiting`."""
    assert proposal.subject is not None
    case = await case_of(work.tx, proposal.subject)
    return await work.decide(aggregate(case), stream_of(proposal.subject), proposal)


class Projection:
    """What follows from our own facts, in the transaction that appends them: read models, and letters."""

    def __init__(self, log: EventLog, clock: Clock) -> None:
        self._log = log
        self._clock = clock

    async def __call__(self, tx: Transaction, facts: Sequence[AnyEvent]) -> None:
        """Bring the read models up to these facts, and write the letters that they give rise to."""
        await self.fold(tx, facts)
        for fact in _own(facts):
            case = await case_of(tx, fact.subject or "")
            keep_letters(tx, letters(fact, case, await directory_of(tx, fact.partnership)), self._clock.now())

    async def fold(self, tx: Transaction, facts: Sequence[AnyEvent]) -> None:
        """The read models alone, as a rebuild needs them."""
        newest = {fact.subject: fact for fact in _own(facts) if fact.subject}
        shown = {}
        for incident, fact in newest.items():
            state, version = tx.known.get(stream_of(incident), (UNWRITTEN, 0))
            if version != fact.streamversion:  # it was not decided here just now: a rebuild
                past = await self._log.load(tx, stream_of(incident))
                known = [each for each in past if (each.streamversion or 0) <= (fact.streamversion or 0)]
                state = aggregate(Case(incident)).fold(known)
            shown[incident] = (state, fact)
        await show(tx, shown)


def _own(facts: Sequence[AnyEvent]) -> list[AnyEvent]:
    return [fact for fact in facts if topic_of(fact) == NOTIFICATIONS]
