"""Drafts of a practice review are scanned by themselves, each on behalf of whoever recorded it: the looks are recorded.

What was found is told to nobody here but in counts. A checker who looks has the document scanned for themselves.
"""

import asyncio
import logging
from datetime import date, timedelta

from pydantic import TypeAdapter

from contracts.decoding import decode
from contracts.envelope import AnyEvent
from contracts.practice_reviews import PracticeReviewDrafted
from contracts.sealing import Contact, Identity
from contracts.vault import Purpose
from services.rapid_review import practice_review
from services.rapid_review.dossier import Dossier
from services.rapid_review.redaction.apart import scanned_apart
from services.rapid_review.redaction.known import Known
from services.rapid_review.redaction.scanning import Scanned, failed
from services.rapid_review.streams import PRACTICE, stream_of
from services.rapid_review.views import dossier_of
from shared.consumer import Workplace
from shared.database import Database, Transaction, is_outage
from shared.identity import Caller
from shared.vault_client import NotYetFiled, VaultAway, VaultClient, VaultRefused

POLL_SECONDS = 1.0
LONGEST_PAUSE = timedelta(minutes=10)
_CALLER = TypeAdapter(Caller)
_ASK = """
    insert into scan (incident, version, cause, behalf) values ($1, $2, $3, $4)
    on conflict (incident) do update set version = excluded.version, cause = excluded.cause, behalf = excluded.behalf,
        attempts = 0, asked_at = clock_timestamp(), next_attempt_at = clock_timestamp()
    """
_NEXT = """
    select incident, cause, behalf, attempts from scan where next_attempt_at <= clock_timestamp()
    order by next_attempt_at limit 1 for update skip locked
    """
_LATER = """
    update scan set attempts = attempts + 1, next_attempt_at = clock_timestamp() + $2::interval where incident = $1
    """

log = logging.getLogger(__name__)


def author_of(fact: AnyEvent) -> Caller:
    """Whoever recorded a fact, as the vault knows callers: a person in their role, or an agency's own system."""
    agency, partnerships = fact.agency, frozenset({fact.partnership})
    if fact.actor is None:
        return Caller("agency", agency or "", agency, partnerships=partnerships)
    roles = frozenset({fact.actorrole} if fact.actorrole else ())
    return Caller("person", fact.actor, agency, roles, partnerships)


async def ask(tx: Transaction, draft: AnyEvent, behalf: Caller) -> None:
    """Have the document of a `practice-review.drafted` scanned; one of an earlier version no more."""
    row = (draft.subject, draft.data.version or 1, draft.to_json(), _CALLER.dump_json(behalf))
    await tx.driver.execute(_ASK, *row)


class Scanner:
    """Scans a document for what the vault holds of its incident. Raises VaultAway, NotYetFiled, VaultRefused."""

    def __init__(self, vault: VaultClient) -> None:
        self._vault = vault

    async def scan(self, ref: str, dossier: Dossier, behalf: Caller, purpose: Purpose = Purpose.REVIEW) -> Scanned:
        """What of the incident stands in the document; `failed` for one that cannot be read."""
        known = await self._known(dossier, behalf, purpose)
        opening = self._vault.document(ref, purpose=purpose, caller=behalf, incident=dossier.incident)
        async with opening as document:
            media_type = document.media_type.partition(";")[0].strip()
            content = b"".join([chunk async for chunk in document.chunks])
        return await scanned_apart(content, media_type, known)

    async def _known(self, dossier: Dossier, behalf: Caller, purpose: Purpose) -> Known:
        identities = set(dossier.identities.values())
        refs = identities | dossier.traces
        shown = await self._vault.reveal(refs, purpose=purpose, caller=behalf, incident=dossier.incident)
        found = [one for one in shown.values() if one.status == "present"]
        days: list[date] = [dossier.case.occurred_from] if dossier.case.occurred_from else []
        return Known.of(
            [Identity.model_validate(one.value) for one in found if one.kind == "identity"],
            contacts=[Contact.model_validate(one.value) for one in found if one.kind == "contact"],
            places=[str(one.value) for one in found if one.kind == "place"],
            dates=days,
        )


class Scanning:
    """Scans what waits, until cancelled. Several processes share the work."""

    def __init__(self, place: Workplace, database: Database, scanner: Scanner) -> None:
        self._place = place
        self._database = database
        self._scanner = scanner

    async def run(self) -> None:
        """Look for drafts every second; while the vault is away they wait."""
        while True:
            try:
                while await self.one():
                    pass
            except Exception as error:
                if not is_outage(error):
                    log.exception("drafts could not be scanned")
            await asyncio.sleep(POLL_SECONDS)

    async def one(self) -> bool:
        """Scan the next draft and say what came of it; False where there is none."""
        async with self._database.transaction(self._place.log) as tx:
            row = await tx.driver.fetchrow(_NEXT)
            if row is None:
                return False
            draft = decode(row["cause"])
            assert isinstance(draft.data, PracticeReviewDrafted)
            try:
                dossier = await dossier_of(tx, row["incident"])
                behalf = _CALLER.validate_json(row["behalf"])
                scanned = await self._scanner.scan(draft.data.report, dossier, behalf)
            except (VaultAway, NotYetFiled):
                pause = min(timedelta(seconds=2 ** min(row["attempts"], 10)), LONGEST_PAUSE)
                await tx.driver.execute(_LATER, row["incident"], pause)
                return True
            except VaultRefused as refused:
                log.warning("the vault would not show a draft", extra={"status": refused.status})
                scanned = failed("refused")
            await self._tell(tx, draft, scanned)
            await tx.driver.execute("delete from scan where incident = $1", row["incident"])
            return True

    async def _tell(self, tx: Transaction, draft: AnyEvent, scanned: Scanned) -> None:
        work = await self._place.work(tx, draft)
        stream = stream_of(draft)
        state, _ = await work.load(PRACTICE, stream)
        version = draft.data.version or 1
        outcomes = practice_review.scanned(state, version, scanned.result, scanned.counts)
        await work.record(stream, outcomes, acting=False)

    async def waiting(self) -> float:
        """Signal: for how many seconds the oldest draft has waited for its scan; 0 if there are none."""
        async with self._database.transaction() as tx:
            oldest = "select extract(epoch from clock_timestamp() - min(asked_at)) from scan"
            return float(await tx.driver.fetchval(oldest) or 0.0)
