"""What the facts of others make rapid reviews do."""

from collections.abc import Sequence

from contracts.calendars import CalendarDayAdded
from contracts.catalogue import CALENDAR, DIRECTORY, INCIDENTS, NOTIFICATIONS
from contracts.envelope import AnyEvent, Event
from contracts.local_rules import RulesAdopted
from services.rapid_review import review
from services.rapid_review.agenda import wake_partnership
from services.rapid_review.dossier import after
from services.rapid_review.streams import REVIEW, review_of
from services.rapid_review.surroundings import directory_of, of_review
from services.rapid_review.views import dossier_of, hold_dossiers, keep_dossier, read_dossiers
from shared.consumer import Reactions, Work
from shared.database import Transaction
from shared.days_off import add_day_off
from shared.listed import add_listed


async def dossiers_ahead(events: Sequence[AnyEvent], tx: Transaction) -> None:
    """Read what is known of the incidents that several proposals are about."""
    await read_dossiers(tx, {event.subject for event in events if event.subject})


async def _held_ahead(events: Sequence[AnyEvent], tx: Transaction) -> None:
    await hold_dossiers(tx, {event.subject for event in events if event.subject})


def reactions() -> Reactions:
    """Every reaction of the service."""
    react = Reactions("rapid-review")
    react.ahead(INCIDENTS, _held_ahead)
    react.ahead(NOTIFICATIONS, _held_ahead)

    @react.on(INCIDENTS)
    @react.on(NOTIFICATIONS)
    async def follow(fact: AnyEvent, work: Work) -> None:
        if fact.subject is None:
            return
        await hold_dossiers(work.tx, [fact.subject])
        before = await dossier_of(work.tx, fact.subject)
        dossier = after(before, fact)
        if dossier is before:
            return
        keep_dossier(work.tx, dossier)
        if dossier.case.opening is None:
            return  # nothing has called for a review yet, so there is none
        known = await directory_of(work.tx, dossier.case.partnership)
        state, _ = await work.load(REVIEW, review_of(fact.subject))
        context = of_review(work.context, dossier.case, known)
        outcomes = review.on_facts(state, dossier.case, fact, context)
        await work.record(review_of(fact.subject), outcomes, acting=False)

    @react.on(DIRECTORY)
    async def listed(fact: AnyEvent, work: Work) -> None:
        await add_listed(work.tx.connection, fact)
        if isinstance(fact.data, RulesAdopted):
            await wake_partnership(work.tx, fact.partnership, work.now)

    @react.on(CALENDAR, "calendar.day-added")
    async def day_added(fact: Event[CalendarDayAdded], work: Work) -> None:
        # Which reviews it concerns the next tick finds: their schedules bear the edition that they were reckoned by.
        await add_day_off(work.tx.connection, fact.data.day, fact.data.title, fact.data.edition or fact.id)

    return react
