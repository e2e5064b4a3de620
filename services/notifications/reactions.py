"""What the facts of others make notifications do."""

from collections.abc import Sequence

from contracts.calendars import CalendarDayAdded
from contracts.catalogue import CALENDAR, DIRECTORY, INCIDENTS, REVIEWS
from contracts.envelope import AnyEvent, Event
from contracts.reviews import ReviewClosed
from services.notifications.case import evolve
from services.notifications.letters import letters
from services.notifications.notification import on_incident, on_review
from services.notifications.proposals import aggregate
from services.notifications.surroundings import directory_of
from services.notifications.views import case_of, keep_case, read_cases, stream_of
from shared.consumer import Reactions, Work
from shared.database import Transaction
from shared.days_off import add_day_off
from shared.listed import add_listed
from shared.post import keep_letters

MAY_END_A_DRAFT = ("notifiability.decided", "incident.linked")


async def cases_ahead(events: Sequence[AnyEvent], tx: Transaction) -> None:
    """Read what is known of the incidents that several events are about."""
    await read_cases(tx, {event.subject for event in events if event.subject})


def reactions() -> Reactions:
    """Every reaction of the service."""
    react = Reactions("notifications")
    react.ahead(INCIDENTS, cases_ahead)

    @react.on(INCIDENTS)
    async def follow(fact: AnyEvent, work: Work) -> None:
        assert fact.subject is not None
        before = await case_of(work.tx, fact.subject)
        case = evolve(before, fact)
        if case != before:
            keep_case(work.tx, case)
        keep_letters(work.tx, letters(fact, case, await directory_of(work.tx, fact.partnership)), work.now)
        if fact.name in MAY_END_A_DRAFT:
            state, _ = await work.load(aggregate(case), stream_of(fact.subject))
            await work.record(stream_of(fact.subject), on_incident(state, case), acting=False)

    @react.on(REVIEWS, "review.closed")
    async def reviewed(fact: Event[ReviewClosed], work: Work) -> None:
        assert fact.subject is not None
        state, _ = await work.load(aggregate(await case_of(work.tx, fact.subject)), stream_of(fact.subject))
        await work.record(stream_of(fact.subject), on_review(state, fact.data), acting=False)

    @react.on(DIRECTORY)
    async def listed(fact: AnyEvent, work: Work) -> None:
        await add_listed(work.tx.connection, fact)

    @react.on(CALENDAR, "calendar.day-added")
    async def day_added(fact: Event[CalendarDayAdded], work: Work) -> None:
        edition = fact.data.edition or fact.id
        await add_day_off(work.tx.connection, fact.data.day, fact.data.title, edition)

    return react
