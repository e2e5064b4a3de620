"""What the gateway itself owns, decided within the intake's transaction: incidents, and the calendar."""

from collections.abc import Sequence

from contracts.envelope import AnyEvent
from services.gateway import past
from services.gateway.calendar import CALENDAR, STREAM
from services.gateway.checks import CALENDAR_SUBJECT
from services.gateway.incident import decide, needed
from services.gateway.intake import Decided, Known
from services.gateway.surroundings import Areas, context
from shared.consumer import Work
from shared.decider import Outcome


class Owned:
    """Loads, decides, saves. What it decides by was read, or is held, in the same transaction."""

    def __init__(self, areas: Areas) -> None:
        self._areas = areas

    def opened(self, work: Work, proposal: AnyEvent) -> Sequence[Outcome]:
        """The outcomes of a referral. Pure; raises Refused."""
        return decide(None, proposal, context(self._areas, work.now, work.calendar, arrived=proposal.recordedtime))

    async def known(self, work: Work, incident: str) -> Known | None:
        """What is known of an incident, held until the transaction ends; None where there is none."""
        found, facts = await past.incident(work.tx, work.place.log, incident)
        if found is None:
            return None
        children = (child for fact in facts for child in getattr(fact.data, "children", ()))
        return Known(found.matter, tuple(dict.fromkeys(c.subject for c in children if c.subject)), found.version)

    async def decided(self, work: Work, proposal: AnyEvent) -> Decided:
        """The facts that followed from a proposal, appended. Raises Refused."""
        if proposal.subject == CALENDAR_SUBJECT:
            return Decided(await work.decide(CALENDAR, STREAM, proposal))
        name, log = str(proposal.subject), work.place.log
        incident, _ = await past.incident(work.tx, log, name)
        related = await past.related(work.tx, log, needed(proposal) | (incident.twins if incident else frozenset()))
        known = context(self._areas, work.now, work.calendar, arrived=proposal.recordedtime, related=related)
        outcomes = decide(incident, proposal, known)
        facts: list[AnyEvent] = []
        for stream in dict.fromkeys(outcome.subject or name for outcome in outcomes):
            facts += await work.record(stream, [o for o in outcomes if (o.subject or name) == stream])
        return Decided(facts, _marks(outcomes))


def _marks(outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(mark for outcome in outcomes for mark in outcome.marks))
