"""What the facts of others make delivery do: each goes into the feeds of those for whom it exists."""

from collections.abc import Callable

from contracts.access import Matter
from contracts.catalogue import CALENDAR, DIRECTORY, INCIDENTS, NOTIFICATIONS
from contracts.corrections import IncidentRecalled
from contracts.envelope import AnyEvent
from contracts.incidents import IncidentReferred
from contracts.matters import PREFIX, evolve, incidents_of
from contracts.vault import VAULT
from services.delivery import feeds
from services.delivery.rights import AT_LEAST, Matters, Recall, changed, concerned, readers
from shared.consumer import Reactions, Work
from shared.listed import add_listed, directory


def reactions(wake: Callable[[], None]) -> Reactions:
    """Every reaction of the service; `wake` is called once something has been committed."""
    react = Reactions("delivery")

    @react.on(INCIDENTS)
    async def of_an_incident(fact: AnyEvent, work: Work) -> None:
        await _begin(work, wake)
        number = await feeds.keep(work.tx, fact)
        known = await feeds.matters(work.tx.driver, incidents_of(fact))
        before = known.get(fact.subject or "")
        after = _after(before, fact)
        if after is None or fact.subject is None:
            return
        known[fact.subject] = after
        if isinstance(fact.data, IncidentRecalled):
            await _recalled(work, fact, fact.data, number, known)
        elif after == before:
            await _deliver(work, number, fact, known)
        else:
            host = known.hosts.setdefault(fact.subject, getattr(fact.data, "host_authority", ""))
            await feeds.keep_matter(work.tx, fact.subject, after, host)
            await _opened(work, fact, number, known, before)

    @react.on(NOTIFICATIONS)
    @react.on(VAULT)
    @react.on(CALENDAR)
    async def of_another_stream(fact: AnyEvent, work: Work) -> None:
        await _begin(work, wake)
        number = await feeds.keep(work.tx, fact)
        await _deliver(work, number, fact, await feeds.matters(work.tx.driver, incidents_of(fact)))

    @react.on(DIRECTORY)
    async def of_the_directory(fact: AnyEvent, work: Work) -> None:
        await _begin(work, wake)
        before = await directory(work.tx.connection)
        await add_listed(work.tx.connection, fact)
        after = await directory(work.tx.connection)
        number = await feeds.keep(work.tx, fact)
        different = list(changed(before, after))
        lost = {agency for agency, was, now in different if was.lost_by(now)}
        gained = {agency for agency, was, now in different if now.lost_by(was)}
        await feeds.narrowed(work.tx, lost)
        await feeds.widened(work.tx, gained - lost)
        for agency, _, _ in different:
            async for incident in feeds.open_to(work.tx, after, agency):
                await feeds.give_past(work.tx, after, agency, incident, work.now)
        await feeds.append(work.tx, number, fact, readers(after, fact, Matters()), work.now)

    return react


async def _begin(work: Work, wake: Callable[[], None]) -> None:
    await feeds.lock(work.tx)
    if wake not in work.tx.callbacks:
        work.tx.after_commit(wake)


def _after(before: Matter | None, fact: AnyEvent) -> Matter | None:
    """The matter after a fact of the incident's stream; None for one that does not begin with its referral."""
    begins = before is not None or isinstance(fact.data, IncidentReferred)
    return evolve(before, fact) if begins and (fact.subject or "").startswith(PREFIX) else None


async def _deliver(work: Work, number: int, fact: AnyEvent, known: Matters) -> None:
    now = await directory(work.tx.connection)
    await feeds.append(work.tx, number, fact, readers(now, fact, known), work.now)


async def _recalled(work: Work, fact: AnyEvent, data: IncidentRecalled, number: int, known: Matters) -> None:
    """Whoever had it is told; from whom it is taken, it is taken at once."""
    now = await directory(work.tx.connection)
    assert fact.subject is not None
    taken = Recall(frozenset(data.recipients) if data.because == "wrong_recipient" else None)
    had = await feeds.recall(work.tx, data.event, fact.subject, taken)
    authority = known.authority(now, fact.subject)
    await feeds.narrowed(work.tx, [agency for agency in sorted(had) if taken.hides_from(agency, authority)])
    to = dict.fromkeys(had & now.agencies.keys(), AT_LEAST) | readers(now, fact, known)
    await feeds.append(work.tx, number, fact, to, work.now)


async def _opened(work: Work, fact: AnyEvent, number: int, known: Matters, before: Matter | None) -> None:
    """The incident changed for access: who had it gets this fact, who has it now gets its past as well."""
    now = await directory(work.tx.connection)
    assert fact.subject is not None
    had = concerned(now, before) if before else frozenset()
    has = concerned(now, known[fact.subject])
    await feeds.narrowed(work.tx, had - has)
    await feeds.widened(work.tx, has - had if before else ())
    to = {agency: seen for agency, seen in readers(now, fact, known).items() if agency in had}
    await feeds.append(work.tx, number, fact, to, work.now)
    for agency in sorted(has - had):
        await feeds.give_past(work.tx, now, agency, fact.subject, work.now)
