"""What the gateway itself owns, decided within the intake's transaction: incidents, the calendar, the directory."""

from collections.abc import Collection, Sequence
from dataclasses import replace

from contracts.catalogue import DIRECTORY, topic_of
from contracts.directory import Directory, stream_of
from contracts.envelope import AnyEvent
from services.gateway import partnership, past, views
from services.gateway.calendar import CALENDAR, STREAM
from services.gateway.checks import CALENDAR_SUBJECT
from services.gateway.incident import Incident, decide, needed
from services.gateway.intake import Decided, Known
from services.gateway.surroundings import context
from shared.consumer import Work
from shared.decider import Outcome
from shared.listed import directory


class Owned:
    """Loads, decides, saves. What it decides by was read, or is held, in the same transaction."""

    def opened(self, work: Work, proposal: AnyEvent, standing: Directory) -> Sequence[Outcome]:
        """The outcomes of a referral. Pure; raises Refused."""
        return decide(None, proposal, context(standing, work.now, work.calendar, arrived=proposal.recordedtime))

    async def ahead(self, work: Work, incidents: Collection[str]) -> None:
        """Read what `known` will need of several incidents, and hold them."""
        await past.ahead(work.tx, work.place.log, incidents)

    async def known(self, work: Work, incident: str) -> Known | None:
        """What is known of an incident, held until the transaction ends; None where there is none."""
        found, facts = await past.incident(work.tx, work.place.log, incident)
        if found is None:
            return None
        children = (child for fact in facts for child in getattr(fact.data, "children", None) or ())
        matter = replace(found.matter, asked=await views.asked_of(work.tx, incident))
        return Known(matter, tuple(dict.fromkeys(c.subject for c in children if c.subject)), found.version)

    async def decided(self, work: Work, proposal: AnyEvent, standing: Directory) -> Decided:
        """The facts that followed from a proposal, appended. Raises Refused."""
        if proposal.subject == CALENDAR_SUBJECT:
            return Decided(await work.decide(CALENDAR, STREAM, proposal))
        if topic_of(proposal) == DIRECTORY:
            return await _listed(work, proposal)
        name, log = str(proposal.subject), work.place.log
        incident, said = await past.incident(work.tx, log, name)
        related = await past.related(work.tx, log, needed(proposal) | _linked(incident, proposal))
        known = context(standing, work.now, work.calendar, arrived=proposal.recordedtime, related=related, facts=said)
        outcomes = decide(incident, proposal, known)
        facts: list[AnyEvent] = []
        for stream in dict.fromkeys(outcome.subject or name for outcome in outcomes):
            facts += await work.record(stream, [o for o in outcomes if (o.subject or name) == stream])
        return Decided(facts, _marks(outcomes))


def _linked(incident: Incident | None, proposal: AnyEvent) -> frozenset[str]:
    """Its twins; and for an exclusion, which holds for every referral of the incident, its lead."""
    if incident is None:
        return frozenset()
    lead = incident.linked_to if proposal.name.startswith("exclusion.") else None
    return incident.twins | (frozenset({lead}) if lead else frozenset())


async def _listed(work: Work, proposal: AnyEvent) -> Decided:
    await work.tx.driver.execute(views.DIRECTORY_ALONE)
    outcomes = partnership.decide(await directory(work.tx.connection), proposal, work.context)
    return Decided(await work.record(stream_of(proposal.partnership), outcomes))


def _marks(outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(mark for outcome in outcomes for mark in outcome.marks))
