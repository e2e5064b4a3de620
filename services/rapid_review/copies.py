"""Taking copies of reviews: revealed on the caller's behalf, recorded before they are handed over."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal
from uuid import uuid4

from contracts.catalogue import CATALOGUE
from contracts.envelope import AnyEvent, Event
from contracts.review_exports import ExportedChronology, ExportedPack, ExportedRequest, ExportedReview
from contracts.reviews import InformationRequested, ReviewExported
from contracts.vault import Purpose
from services.rapid_review import combining, packs, reports, requests
from services.rapid_review.shown import Sighted
from services.rapid_review.streams import review_of
from services.rapid_review.surroundings import of_practice_review, practice_case
from services.rapid_review.words import Words, revealed
from shared.consumer import Workplace
from shared.database import Database
from shared.days_off import calendar
from shared.decider import Context, Outcome
from shared.eventlog import Conflict
from shared.http import not_found
from shared.identity import Caller
from shared.vault_client import VaultClient

TRIES = 5
What = Literal["report", "chronology", "request", "advance_copy"]


@dataclass(frozen=True)
class Taking:
    """Who takes a copy, and why."""

    sighted: Sighted
    purpose: Purpose
    caller: Caller

    @property
    def incident(self) -> str:
        return self.sighted.looker.dossier.incident

    @property
    def common(self) -> dict[str, Any]:
        """What every copy says of itself."""
        looker, case = self.sighted.looker, self.sighted.looker.dossier.case
        partnership = looker.directory.partnerships.get(case.partnership)
        return {
            "incident": case.incident,
            "partnership": case.partnership,
            "partnership_name": partnership.name if partnership else case.partnership,
            "exported_at": self.sighted.now,
            "exported_by": looker.party.agency,
            "exported_as": ", ".join(sorted(self.caller.roles)) or self.caller.kind,
            "purpose": self.purpose.value,
        }


class Copies:
    """Makes copies, and records that they were taken. Problem 404 for a copy of what is not the caller's to read."""

    def __init__(self, database: Database, workplace: Workplace, vault: VaultClient) -> None:
        self._database = database
        self._workplace = workplace
        self._vault = vault

    async def chronology(self, taking: Taking) -> ExportedChronology:
        """The combined chronology: for the authority that holds the duty, to which all answers are addressed."""
        sighted = _in_words(taking)
        seen = sighted.looker.sees("information.returned")
        if not sighted.looker.of_authority or seen is None or "entries" not in seen:
            raise not_found()
        found = combining.answers(sighted)
        words = await self._words(taking, combining.references(found))
        return ExportedChronology(**taking.common, chronology=combining.chronology(sighted, found, words))

    async def report(self, taking: Taking, version: int | None) -> ExportedReview:
        """A version of the report, with the combined chronology for whoever may read that."""
        sighted = _in_words(taking)
        draft = reports.draft_of(sighted, version)
        if draft is None:
            raise not_found()
        seen = sighted.looker.sees("information.returned")
        whole = sighted.looker.of_authority and seen is not None and "entries" in seen
        found = combining.answers(sighted) if whole else []
        words = await self._words(taking, [*reports.references(sighted), *combining.references(found)])
        combined = combining.chronology(sighted, found, words) if found else None
        return reports.report(sighted, draft, words, combined, taking.common)

    async def request(self, taking: Taking, request: str) -> ExportedRequest:
        """The request to one agency, as a letter: for that agency, and for the authority that sends it."""
        sighted = taking.sighted
        data = asked(sighted, request)
        words = await self._words(taking, requests.references(sighted, data))
        return requests.letter(sighted, data, words, taking.common)

    async def pack(self, taking: Taking) -> ExportedPack:
        """The advance copy of the newest draft of a practice review."""
        sighted = _in_words(taking)
        draft = packs.newest(sighted)
        if draft is None:
            raise not_found()
        async with self._database.reading() as connection:
            context = Context(sighted.now, await calendar(connection))
        looker = sighted.looker
        about = practice_case(looker.dossier.case, sighted.review, looker.directory)
        words = await self._words(taking, packs.references(sighted))
        return packs.pack(sighted, draft, words, about, of_practice_review(context), taking.common)

    async def record(self, taking: Taking, what: What, form: str, version: int | None = None) -> None:
        """Say that a copy was taken; committed before it is handed over."""
        taken = ReviewExported(document=what, form=form, purpose=taking.purpose.value, version=version)
        cause, stream = _act(taking, taken, self._workplace.clock.now()), review_of(taking.incident)
        for left in reversed(range(TRIES)):
            try:
                async with self._database.transaction(self._workplace.log) as tx:
                    work = await self._workplace.work(tx, cause)
                    await work.record(stream, [Outcome(taken)])
                return
            except Conflict:  # another was recorded at the same moment
                if not left:
                    raise

    async def _words(self, taking: Taking, refs: Iterator[str | None] | list[str]) -> Words:
        wanted = [ref for ref in refs if ref is not None]
        return await revealed(self._vault, wanted, taking.purpose, taking.caller, taking.incident)


def asked(sighted: Sighted, request: str) -> InformationRequested:
    """What a request asks, if it exists for whoever looks. Problem 404 otherwise."""
    for fact, seen in sighted.facts:
        if isinstance(fact.data, InformationRequested) and fact.data.request == request and "reason" in seen:
            return fact.data
    raise not_found()


def _in_words(taking: Taking) -> Sighted:
    """Problem 404 for an alleged perpetrator's side: a copy holds words, and words can hold an address."""
    if not taking.sighted.looker.learns_addresses:
        raise not_found()
    return taking.sighted


def _act(taking: Taking, taken: ReviewExported, now: Any) -> AnyEvent:
    caller, entry = taking.caller, CATALOGUE["review.exported"]
    return Event[ReviewExported](
        id=uuid4().hex,
        source=f"/agencies/{caller.agency or caller.id}",
        type=entry.wire_type,
        subject=taking.incident,
        time=now,
        dataschema=entry.schema,
        partnership=taking.sighted.looker.dossier.case.partnership,
        agency=caller.agency,
        actor=caller.id if caller.kind == "person" else None,
        actorrole=next(iter(sorted(caller.roles)), None),
        data=taken,
    )
