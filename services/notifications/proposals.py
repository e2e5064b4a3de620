"""A proposal on its way in: load, decide, save; and the read models that follow from what was saved."""

from collections.abc import Sequence

from contracts.catalogue import NOTIFICATIONS, topic_of
from contracts.directory import Directory
from contracts.envelope import AnyEvent
from services.notifications import notification
from services.notifications.case import Case
from services.notifications.letters import letters
from services.notifications.notification import UNWRITTEN, Notification
from services.notifications.post import keep_letters
from services.notifications.views import case_of, show, stream_of
from shared.clock import Clock
from shared.consumer import Work
from shared.database import Transaction
from shared.decider import Aggregate
from shared.eventlog import EventLog


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
    case = await case_of(work.tx.connection, proposal.subject)
    return await work.decide(aggregate(case), stream_of(proposal.subject), proposal)


class Projection:
    """Keeps the read models, and writes the letters that our own facts give rise to."""

    def __init__(self, log: EventLog, directory: Directory, clock: Clock) -> None:
        self._log = log
        self._directory = directory
        self._clock = clock

    async def __call__(self, tx: Transaction, facts: Sequence[AnyEvent]) -> None:
        """In the transaction that appended them."""
        for fact in facts:
            if topic_of(fact) != NOTIFICATIONS or fact.subject is None:
                continue
            case = await case_of(tx.connection, fact.subject)
            state = aggregate(case).fold(await self._log.load(tx, stream_of(fact.subject)))
            await show(tx.connection, fact.subject, state, fact)
            await keep_letters(tx.connection, letters(fact, case, self._directory), self._clock.now())
