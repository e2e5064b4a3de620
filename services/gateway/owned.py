"""What the gateway itself owns, decided within the intake's transaction: incidents."""

from collections.abc import Mapping, Sequence

from contracts.envelope import AnyEvent
from services.gateway.directory import Directory
from services.gateway.incident import Context, Incident, decide, evolve, needed
from services.gateway.intake import Decided, Known
from shared.consumer import Work
from shared.decider import Outcome


class Owned:
    """Loads, decides, saves. What it decides by (the calendar) was read in the same transaction."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    def opened(self, work: Work, proposal: AnyEvent) -> Sequence[Outcome]:
        """The outcomes of a referral. Pure; raises Refused."""
        return decide(None, proposal, self._context(work, proposal, {}))

    async def known(self, work: Work, incident: str) -> Known | None:
        """What is known of an incident; None where there is none."""
        loaded, people = await self._load(work, incident)
        return Known(loaded.matter, people, loaded.version) if loaded else None

    async def decided(self, work: Work, proposal: AnyEvent) -> Decided:
        """The facts that followed from a proposal about an incident, appended. Raises Refused."""
        assert proposal.subject is not None
        incident, _ = await self._load(work, proposal.subject)
        names = set(needed(proposal)) | set(incident.twins if incident else ())
        related = {name: found for name in names if (found := (await self._load(work, name))[0])}
        outcomes = decide(incident, proposal, self._context(work, proposal, related))
        streams = dict.fromkeys(outcome.subject or proposal.subject for outcome in outcomes)
        facts: list[AnyEvent] = []
        for stream in streams:
            facts += await work.record(stream, [o for o in outcomes if (o.subject or proposal.subject) == stream])
        return Decided(facts, tuple(dict.fromkeys(mark for outcome in outcomes for mark in outcome.marks)))

    async def _load(self, work: Work, incident: str) -> tuple[Incident | None, tuple[str, ...]]:
        folded: Incident | None = None
        people: dict[str, None] = {}
        for fact in await work.place.log.load(work.tx, incident):
            folded = evolve(folded, fact)
            people |= dict.fromkeys(child.subject for child in getattr(fact.data, "children", ()) if child.subject)
        return folded, tuple(people)

    def _context(self, work: Work, proposal: AnyEvent, related: Mapping[str, Incident]) -> Context:
        return Context(
            now=work.now,
            calendar=work.calendar,
            authority_of=self._authority_of,
            partners_of=self._partners_of,
            arrived=proposal.recordedtime,
            related=related,
        )

    def _authority_of(self, area: str) -> str | None:
        authority = self._directory.authorities.get(area)
        return authority.id if authority else None

    def _partners_of(self, area: str) -> tuple[str, ...]:
        return tuple(agency.id for agency in self._directory.partners(area))
