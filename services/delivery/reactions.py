"""What the facts of others make delivery do: each goes into the feeds of those for whom it exists."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from contracts.access import Matter
from contracts.catalogue import CALENDAR, DIRECTORY, INCIDENTS, NOTIFICATIONS, REVIEWS
from contracts.corrections import IncidentRecalled
from contracts.envelope import AnyEvent
from contracts.incidents import IncidentReferred
from contracts.matters import PREFIX, evolve
from contracts.vault import VAULT
from services.delivery.feeds import Growth, Kept, growing
from services.delivery.rights import AT_LEAST, Matters, Recall, changed
from shared.consumer import Reactions, Work
from shared.database import Transaction
from shared.listed import add_listed, directory


def reactions(wake: Callable[[], None]) -> Reactions:
    """Every reaction of the service; `wake` is called once something has been committed."""
    react = Reactions("delivery")

    async def read_ahead(facts: Sequence[AnyEvent], tx: Transaction) -> None:
        await growing(tx, facts)

    for topic in (INCIDENTS, NOTIFICATIONS, REVIEWS, VAULT):
        react.ahead(topic, read_ahead)

    async def kept(fact: AnyEvent, work: Work) -> tuple[Growth, Kept]:
        here = await growing(work.tx, [fact])
        if wake not in work.tx.callbacks:
            work.tx.after_commit(wake)
        return here, here.keep(fact, work.origin.value if work.origin else fact.to_json())

    @react.on(INCIDENTS)
    async def of_an_incident(fact: AnyEvent, work: Work) -> None:
        here, number = await kept(fact, work)
        before = here.known.get(fact.subject or "")
        after = _after(before, fact)
        if after is None or fact.subject is None:
            return
        if before is None:  # a review's facts come on another topic, at any time
            after = replace(after, asked=await here.asked_before(fact.subject))
        if isinstance(fact.data, IncidentRecalled):
            await _recalled(here, number, fact.data, work)
        elif after == before:
            here.append(number, here.reach.readers(fact, here.known), work.now)
        else:
            here.change(fact.subject, after, getattr(fact.data, "host_authority", ""))
            await _opened(here, number, before, after, work)

    @react.on(REVIEWS)
    async def of_a_review(fact: AnyEvent, work: Work) -> None:
        here, number = await kept(fact, work)
        before = here.known.get(fact.subject or "")
        after = evolve(before, fact) if before else None
        if after is None or after == before:
            here.append(number, here.reach.readers(fact, here.known), work.now)
        else:
            here.change(fact.subject or "", after, "")
            await _opened(here, number, before, after, work)

    @react.on(NOTIFICATIONS)
    @react.on(VAULT)
    @react.on(CALENDAR)
    async def of_another_stream(fact: AnyEvent, work: Work) -> None:
        here, number = await kept(fact, work)
        here.append(number, here.reach.readers(fact, here.known), work.now)

    @react.on(DIRECTORY)
    async def of_the_directory(fact: AnyEvent, work: Work) -> None:
        here, number = await kept(fact, work)
        before = here.directory
        await add_listed(work.tx.connection, fact)
        here.directory = await directory(work.tx.connection)
        different = list(changed(before, here.directory))
        lost = {agency for agency, was, now in different if was.lost_by(now)}
        here.narrow(lost)
        here.widen({agency for agency, was, now in different if now.lost_by(was)} - lost)
        for agency, _, _ in different:
            async for incident in here.open_to(agency):
                await here.give_past(agency, incident, work.now)
        here.append(number, here.reach.readers(fact, Matters()), work.now)

    return react


def _after(before: Matter | None, fact: AnyEvent) -> Matter | None:
    """The matter after a fact of the incident's stream; None for one that does not begin with its referral."""
    begins = before is not None or isinstance(fact.data, IncidentReferred)
    return evolve(before, fact) if begins and (fact.subject or "").startswith(PREFIX) else None


async def _recalled(here: Growth, number: Kept, data: IncidentRecalled, work: Work) -> None:
    """Whoever had it is told; from whom it is taken, it is taken at once."""
    fact = number.fact
    assert fact.subject is not None
    taken = Recall(frozenset(data.recipients) if data.because == "wrong_recipient" else None)
    had = await here.recall(data.event, fact.subject, taken)
    authority = here.known.authority(here.directory, fact.subject)
    here.narrow(agency for agency in had if taken.hides_from(agency, authority))
    to = dict.fromkeys(had & here.directory.agencies.keys(), AT_LEAST) | here.reach.readers(fact, here.known)
    here.append(number, to, work.now)


async def _opened(here: Growth, number: Kept, before: Matter | None, after: Matter, work: Work) -> None:
    """The incident changed for access: who had it gets this fact, who has it now gets its past as well."""
    fact = number.fact
    assert fact.subject is not None
    had = here.reach.concerned(before) if before else frozenset()
    has = here.reach.concerned(after)
    if before is not None:
        here.narrow(here.reach.lost(before, after))
        here.widen(here.reach.lost(after, before))
    to = {agency: seen for agency, seen in here.reach.readers(fact, here.known).items() if agency in had}
    here.append(number, to, work.now)
    for agency in sorted(has - had):
        await here.give_past(agency, fact.subject, work.now)
    if before is None:
        await here.give_late(fact.subject, work.now)
