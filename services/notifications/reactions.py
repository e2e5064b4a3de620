"""What the facts of others make notifications do."""

from contracts.calendars import CalendarDayAdded
from contracts.catalogue import CALENDAR, INCIDENTS
from contracts.directory import Directory
from contracts.envelope import AnyEvent, Event
from services.notifications.case import evolve
from services.notifications.letters import letters
from services.notifications.notification import on_incident
from services.notifications.post import keep_letters
from services.notifications.proposals import aggregate
from services.notifications.views import case_of, keep_case, stream_of
from shared.consumer import Reactions, Work
from shared.days_off import add_day_off

MAY_END_A_DRAFT = ("notifiability.decided", "incident.linked")


def reactions(directory: Directory) -> Reactions:
    """Every reaction of the service; `directory` says whom letters go to."""
    react = Reactions("notifications")

    @react.on(INCIDENTS)
    async def follow(fact: AnyEvent, work: Work) -> None:
        assert fact.subject is not None
        before = await case_of(work.tx, fact.subject)
        case = evolve(before, fact)
        if case != before:
            await keep_case(work.tx, case)
        await keep_letters(work.tx, letters(fact, case, directory), work.now)
        if fact.name in MAY_END_A_DRAFT:
            state, _ = await work.load(aggregate(case), stream_of(fact.subject))
            await work.record(stream_of(fact.subject), on_incident(state, case), acting=False)

    @react.on(CALENDAR, "calendar.day-added")
    async def day_added(fact: Event[CalendarDayAdded], work: Work) -> None:
        edition = fact.data.edition or fact.id
        await add_day_off(work.tx.connection, fact.data.day, fact.data.title, edition)

    return react
