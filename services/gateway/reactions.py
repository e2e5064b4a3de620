"""What the notification's facts make the gateway do: its clocks are met, judged again, started or ended."""

from contracts.catalogue import NOTIFICATIONS
from contracts.envelope import AnyEvent
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
    """Have the reader hand over what concerns the clocks."""

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

    reactions.on(NOTIFICATIONS, *HEARD)(heard)
