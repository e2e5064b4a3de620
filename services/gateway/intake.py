"""The one intake for both ways in: what is taken or refused, and all that follows from it, in one transaction."""

import hmac
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from contracts.access import ABSENT, Matter, Party, may_propose
from contracts.catalogue import DIRECTORY
from contracts.envelope import AnyEvent
from contracts.matters import incidents_of
from contracts.submissions import Fault
from services.gateway import queries, receipts
from services.gateway.belonging import foreign
from services.gateway.checks import Arrival, Checked, Rejected
from services.gateway.directory import Directory
from services.gateway.offering import Offered, Offering, acceptance_of, receipt_of, refusal_of
from services.gateway.receipts import PENDING, REFUSED, REPEATED, Receipt
from services.gateway.sealing import seal
from shared.consumer import Streams, Work, Workplace
from shared.database import Transaction
from shared.decider import Outcome, Refused, Waiting
from shared.eventlog import Conflict
from shared.listed import directory
from shared.recording import recorded
from shared.vault_client import Parcel, Sealer, keep
from shared.working_days import Calendar

SERVICE = "gateway"


@dataclass(frozen=True)
class Known:
    """What the gateway knows of an incident when something is proposed about it; `people` are its subjects."""

    matter: Matter
    people: Sequence[str]
    version: int


@dataclass(frozen=True)
class Decided:
    """What followed from a proposal: facts, appended, and what its sender is told besides."""

    facts: Sequence[AnyEvent]
    marks: tuple[str, ...] = ()


class Owned(Protocol):
    """What the gateway itself owns and decides: incidents, the calendar and the directory."""

    def opened(self, work: Work, proposal: AnyEvent, directory: Directory) -> Sequence[Outcome]:
        """The outcomes of a proposal that opens an incident. Pure; raises Refused."""
        ...

    async def ahead(self, work: Work, incidents: Collection[str]) -> None:
        """Read what `known` will need of several incidents, and hold them."""
        ...

    async def known(self, work: Work, incident: str) -> Known | None:
        """What is known of an incident; None where there is none."""
        ...

    async def decided(self, work: Work, proposal: AnyEvent, directory: Directory) -> Decided:
        """The facts that followed from any other proposal, appended. Raises Refused."""
        ...


@dataclass(frozen=True)
class Taken:
    """What became of an offer. Without a receipt it was not attempted, since one it depends on had failed."""

    receipt: Receipt | None
    repeated: bool = False

    @property
    def failed(self) -> bool:
        """Whether what depends on it must not be attempted."""
        return self.receipt is None or self.receipt.status == REFUSED


@dataclass
class _Run:
    """Offers that open incidents, decided together and written in a few statements."""

    decided: list[tuple[int, Offered, Receipt, Sequence[AnyEvent]]] = field(default_factory=list)
    incidentrefs: set[tuple[object, str]] = field(default_factory=set)


class Intake:
    """Takes messages in. It needs the database alone: neither Kafka nor the vault is asked for anything."""

    def __init__(
        self, place: Workplace, owned: Owned, standing: Callable[[], Directory], sealer: Sealer, digest_key: bytes
    ) -> None:
        self._place = place
        self._owned = owned
        self._sealer = sealer
        self._offering = Offering(standing, sealer, digest_key)

    def offer(self, value: Any, arrival: Arrival, *, batch: object = None) -> Offered:
        """Everything about a message that needs no database. Raises NoSealingKey."""
        return self._offering.offer(value, arrival, batch=batch)

    async def take(self, tx: Transaction, offers: Sequence[Offered]) -> list[Taken]:
        """Takes offers in, in order, in the caller's transaction, which is to be given up if this raises.

        Raises Conflict (do it again), SealingKeyRetired (offer it again), or what the database raises.
        """
        results: dict[int, Taken] = {}
        failed: set[tuple[object, str]] = set()
        calendar = await self._place.calendar(tx)
        known = await directory(tx.connection)
        used = await self._read_ahead(tx, offers, calendar)
        run = _Run()
        for number, each in enumerate(offers):
            offered = self._offering.under(known, each)
            joint = {(offered.batch, key) for key in offered.keys} if offered.batch is not None else set()
            together = offered.kept is not None and not joint & run.incidentrefs
            if not together and run.decided:
                await self._write(tx, run, results)
                failed |= _failures(offers, results)
                run = _Run()
            if joint & failed:
                results[number] = Taken(None)
            elif offered.kept is not None:
                self._decide(number, offered, tx, calendar, known, run)
                run.incidentrefs |= joint
            else:
                results[number] = await self._take_one(tx, offered, calendar, known, used)
                known = await directory(tx.connection) if _of_directory(offered) else known
            failed |= _failures(offers, results)
        await self._write(tx, run, results)
        await tx.write()  # whatever is taken next in this transaction may bear an id of these
        return [results[number] for number in range(len(offers))]

    async def _read_ahead(
        self, tx: Transaction, offers: Sequence[Offered], calendar: Calendar
    ) -> dict[tuple[str, str], bool]:
        """Whether offers' ids were used before, what they are about being read too. Nothing where one stands twice."""
        ids = [(offered.arrival.source, offered.event_id) for offered in offers if offered.event_id]
        if len(set(ids)) < len(ids):
            return {}
        others = [o.checked for o in offers if isinstance(o.checked, Checked) and not o.kept and not o.checked.register]
        if not others:
            return {}
        about = {checked.event.subject for checked in others if checked.event.subject}
        if about:
            await self._owned.ahead(self._work(tx, others[0].event, calendar), about)
        used = await receipts.used(tx, ids)
        return {each: each in used for each in ids}

    def _decide(
        self, number: int, offered: Offered, tx: Transaction, calendar: Calendar, known: Directory, run: _Run
    ) -> None:
        assert offered.kept is not None
        proposal = offered.kept.proposal
        work = self._work(tx, proposal, calendar)
        try:
            outcomes = self._owned.opened(work, proposal, known)
        except Refused as refused:
            run.decided.append((number, offered, refusal_of(offered, Rejected(422, refused.faults)), ()))
            return
        assert proposal.subject is not None
        facts = recorded(proposal, outcomes, service=SERVICE, stream=proposal.subject, after=0, now=offered.arrival.at)
        marks = tuple(dict.fromkeys(mark for outcome in outcomes for mark in outcome.marks))
        run.decided.append((number, offered, acceptance_of(offered, proposal, facts, marks), facts))

    def _work(self, tx: Transaction, cause: AnyEvent, calendar: Calendar) -> Work:
        return Work(self._place, tx, cause, self._place.clock.now(), calendar, Streams())

    async def _write(self, tx: Transaction, run: _Run, results: dict[int, Taken]) -> None:
        """What a run came to: receipts first, since they tell which messages had been taken before."""
        new = await receipts.record(tx, [receipt for _, _, receipt, _ in run.decided])
        opened: dict[str, Sequence[AnyEvent]] = {}
        parcels: list[Parcel] = []
        for number, offered, receipt, followed in run.decided:
            if receipt.submission not in new:
                results[number] = await self._known_before(tx, offered)
                continue
            results[number] = Taken(receipt)
            if followed and offered.kept is not None:
                opened[str(receipt.incident)] = followed
                parcels += [offered.kept.parcel] if offered.kept.parcel else []
        await self._place.log.begin(tx, opened)
        if opened and self._place.project:
            await self._place.project(tx, [fact for followed in opened.values() for fact in followed])
        await keep(tx, parcels)

    async def _take_one(
        self,
        tx: Transaction,
        offered: Offered,
        calendar: Calendar,
        standing: Directory,
        used: Mapping[tuple[str, str], bool],
    ) -> Taken:
        checked = offered.checked
        if isinstance(checked, Rejected):
            return await self._refuse(tx, offered, checked)
        id_ = (checked.event.source, checked.event.id)
        if used[id_] if id_ in used else await receipts.used(tx, [id_]):
            return await self._known_before(tx, offered)
        work = self._work(tx, checked.event, calendar)
        try:
            subject, known = await self._about(work, checked, offered.arrival.party, standing)
            if checked.entry.owner != SERVICE:  # what the gateway owns it decides with those incidents at hand
                await self._others(tx, checked.event, subject, offered.arrival.party, standing)
            faults = await foreign(tx, self._place.log, subject, checked.event) if known else []
            if faults:
                raise Rejected(422, faults)
            kept = seal(
                checked,
                self._sealer,
                offered.arrival.party,
                submission=offered.submission,
                subject=subject,
                arrived=offered.arrival.at,
                people=known.people if known else (),
                partnership=known.matter.partnership if known else None,
            )
            work = replace(work, cause=kept.proposal)
            receipt = await self._follow(work, offered, checked, kept.proposal, known, standing)
        except Rejected as rejected:
            return await self._refuse(tx, offered, rejected)
        except Refused as refused:
            return await self._refuse(tx, offered, Rejected(422, refused.faults))
        except Waiting as waiting:
            fault = Fault(pointer="/type", rule="too-early", detail=f"Send it again after: {waiting.for_what}"[:400])
            return await self._refuse(tx, offered, Rejected(422, [fault]))
        tx.later("receipts", receipts.record_new, receipt)
        if kept.parcel:
            tx.later("parcels", keep, kept.parcel)
        if id_ not in used:
            await tx.write()  # the next one may bear the same id
        return Taken(receipt)

    async def _about(
        self, work: Work, checked: Checked, party: Party, directory: Directory
    ) -> tuple[str, Known | None]:
        """Which stream a proposal is about, and what is known of it. What the sender may not see is not there."""
        if checked.register is not None:
            return checked.register, None
        event = checked.event
        subject = event.subject
        if subject is None:
            assert event.incidentref is not None
            under = await receipts.incidents_under(work.tx, party.agency, event.incidentref)
            if len(under) > 1:
                detail = "Your agency referred several incidents under this number; name one by its id."
                fault = Fault(pointer="/incidentref", rule="ambiguous", detail=detail, allowed=tuple(under))
                raise Rejected(422, [fault])
            subject = under[0] if under else ""
        known = await self._owned.known(work, subject) if subject else None
        agreement = directory.agreement_to_say(party.agency, event.partnership, known.matter) if known else None
        decision = may_propose(party, event.name, agreement, known.matter) if known else None
        if known is None or decision is None or agreement is None or decision.rule == ABSENT.rule:
            pointer = "/subject" if event.subject else "/incidentref"
            raise Rejected(
                404, [Fault(pointer=pointer, rule=ABSENT.rule, detail="There is no such incident of yours.")]
            )
        if not decision.allowed:
            detail = "Your agency and role may not propose this about this incident."
            raise Rejected(403, [Fault(pointer="/type", rule=decision.rule, detail=detail)])
        return subject, known

    async def _others(self, tx: Transaction, event: AnyEvent, subject: str, party: Party, directory: Directory) -> None:
        """Further incidents that a proposal names must be the sender's to say it of: whoever is shown the fact must be
        entitled to all of them, and one that there is not would hide it from everybody."""
        for other in sorted(incidents_of(event) - {subject}):
            row = await queries.summary(tx, other)
            agreement = directory.agreement_to_say(party.agency, event.partnership, row.matter) if row else None
            if row is None or not may_propose(party, event.name, agreement, row.matter).allowed:
                detail = "One of them is no incident of yours: name those that you may see."
                raise Rejected(404, [Fault(pointer="/data/incidents", rule=ABSENT.rule, detail=detail)])

    async def _follow(
        self,
        work: Work,
        offered: Offered,
        checked: Checked,
        proposal: AnyEvent,
        known: Known | None,
        standing: Directory,
    ) -> Receipt:
        """Decides what the gateway owns; sends the rest on to its owner, with the incident's version."""
        if checked.entry.owner == SERVICE:
            decided = await self._owned.decided(work, proposal, standing)
            return acceptance_of(offered, proposal, decided.facts, decided.marks)
        onward = proposal.model_copy(update={"streamversion": known.version if known else 0})
        work.tx.later("onward", self._send_on, (offered.submission, onward))
        return receipt_of(offered, PENDING, incident=proposal.subject, http_status=202)

    async def _send_on(self, tx: Transaction, proposals: Sequence[tuple[str, AnyEvent]]) -> None:
        await self._place.log.begin(tx, {submission: [onward] for submission, onward in proposals})

    async def _known_before(self, tx: Transaction, offered: Offered) -> Taken:
        """The same again gets the first receipt; other bytes under the same id are refused and change nothing."""
        first = await receipts.taken(tx, offered.arrival.source, offered.event_id or "")
        if first is None:
            raise Conflict(offered.submission, 0)  # it was refused meanwhile, or lies on another offset: do it again
        if hmac.compare_digest(first.digest or b"", offered.digest or b""):
            if offered.arrival.offset is not None:
                again = receipt_of(offered, REPEATED, repeats=first.submission, event_id=None)
                await receipts.record(tx, [again])
            return Taken(first, repeated=True)
        detail = "Another message was taken under this id; send this one under an id of its own."
        fault = Fault(pointer="/id", rule="id-used", detail=detail)
        refusal = receipt_of(offered, REFUSED, http_status=409, faults=(fault,), event_id=None)
        await receipts.record(tx, [refusal])
        return Taken(refusal)

    async def _refuse(self, tx: Transaction, offered: Offered, rejected: Rejected) -> Taken:
        refusal = refusal_of(offered, rejected)
        await receipts.record(tx, [refusal])
        return Taken(refusal)


def _failures(offers: Sequence[Offered], results: Mapping[int, Taken]) -> set[tuple[object, str]]:
    return {
        (offers[number].batch, key)
        for number, taken in results.items()
        if taken.failed and offers[number].batch is not None
        for key in offers[number].keys
    }


def _of_directory(offered: Offered) -> bool:
    return not isinstance(offered.checked, Rejected) and offered.checked.entry.topic == DIRECTORY
