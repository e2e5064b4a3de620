"""What the facts of others make the gateway do: a notification's meet its clocks; whom a review asks it remembers."""

from contracts.catalogue import NOTIFICATIONS, REVIEWS
from contracts.envelope import AnyEvent, Event
from contracts.reviews import InformationRequested
from services.gateway import past, views
from services.gateway.incident import on_notification
from services.gateway.surroundings import context
from shared.consumer import Reactions, Unfit, Work
from shared.listed import directory

HEARD = (
    "notification.submitted",
    "notification.delay-explained",
    "notification.amended",
    "notification.withdrawn",
    "notification.closed",
)


def register(reactions: Reactions) -> None:
    """Have the reader hand over what concerns the clocks, and who is asked."""

    async def heard(fact: AnyEvent, work: Work) -> None:
        name = fact.subject or ""
        incident, _ = await past.incident(work.tx, work.place.log, name)
        if incident is None:
            raise Unfit("a notification of no incident")
        lead = await past.related(work.tx, work.place.log, [incident.linked_to] if incident.linked_to else [])
        areas = await directory(work.tx.connection)
        outcomes = on_notification(incident, fact, context(areas, work.now, work.calendar, related=lead))
        for stream in dict.fromkeys(outcome.subject or name for outcome in outcomes):
            await work.record(stream, [outcome for outcome in outcomes if (outcome.subject or name) == stream])
        await views.keep_filing(work.tx, fact)

    async def asked(fact: Event[InformationRequested], work: Work) -> None:
        await views.keep_asked(work.tx, fact.subject or "", fact.data.agency)

    reactions.on(NOTIFICATIONS, *HEARD)(heard)
    reactions.on(REVIEWS, "information.requested")(asked)
