"""How records end, and a person's own: asked of the vault for the business unit, whose reasons are sealed here."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Depends, Query
from pydantic import Field, StringConstraints
from starlette.responses import PlainTextResponse, Response

from contracts.codes import AgencyType, Role
from contracts.identifiers import PartnershipId, Reference, SubjectId, mint_reference
from contracts.sealing import Model
from contracts.vault import Purpose
from services.gateway import queries
from services.gateway.api_detail import Detail, Seen
from services.gateway.asking import allow, asked
from services.gateway.history import is_host, kept_from, stated
from services.gateway.queries import IncidentRow
from services.gateway.readable import own_record
from services.gateway.sight import Viewer, incident_shown, references_in
from services.gateway.subjects import incidents_with
from shared.http import Fault, Problem, not_found
from shared.identity import Caller, caller
from shared.vault_client import OwnReach, Sealable, Sealer, keep

Who = Annotated[Caller, Depends(caller)]
Owner = Annotated[str, StringConstraints(pattern=r"^(subject|incident)-[0-9a-f]{32}$")]
Day = Annotated[str, Query(pattern=r"^\d{4}-\d{2}-\d{2}$")]
Why = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=20_000)]


class Deciding(Model):
    """About whose record, and why; the words are sealed to the vault. The partnership only for people of several."""

    owner: Owner
    reason: Why
    partnership: PartnershipId | None = None


class Proposing(Deciding):
    act: Literal["proposed", "withdrawn"] = "proposed"


class Holding(Deciding):
    act: Literal["placed", "lifted"]


class Classifying(Deciding):
    record_class: Annotated[str, StringConstraints(pattern=r"^[a-z_]{3,60}$")]


class OwnRecord(Model):
    """Whose own record; `released` are held-back things that a person has read and found to speak of nobody else."""

    subject: SubjectId
    released: Annotated[tuple[Reference, ...], Field(max_length=500)] = ()


@dataclass(frozen=True)
class Records:
    """What the routes here need."""

    detail: Detail
    sealer: Sealer

    async def reason(self, viewer: Viewer, about: Deciding) -> str:
        """The reference under which the reason's words are on their way to the vault, kept before the act."""
        partnership = about.partnership or next(iter(viewer.partnerships), None)
        if partnership not in viewer.partnerships or (about.partnership is None and len(viewer.partnerships) > 1):
            allowed = ", ".join(sorted(viewer.partnerships))
            fault = Fault("/partnership", "which", "Say in which of your partnerships you decide.", allowed)
            raise Problem(422, "invalid", "Which partnership?", fault.detail, [fault])
        ref = mint_reference()
        # under no incident: it must outlive what it is the reason for
        parcel = self.sealer.seal(
            [Sealable(ref, "narrative", about.reason)], partnership=str(partnership), agency=viewer.party.agency
        )
        async with self.detail.desk.database.transaction() as tx:
            await keep(tx, [parcel])
        return ref

    async def theirs(self, viewer: Viewer, owner: str) -> None:
        """Problem 404 for a record whose end is not the viewer's to decide."""
        if not await self._is_theirs(viewer, owner):
            raise not_found()

    async def only_theirs(self, viewer: Viewer, owners: Iterable[str]) -> list[str]:
        """Those of these records whose end is the viewer's to decide."""
        return [owner for owner in owners if await self._is_theirs(viewer, owner)]

    async def _is_theirs(self, viewer: Viewer, owner: str) -> bool:
        """The vault knows neither who holds the duty nor exclusions, and sees to the partnership.

        A subject that no incident is known to have is one that only a draft speaks of: a local authority's.
        """
        of_incident = owner.startswith("incident-")
        rows = await self._rows([owner] if of_incident else await self._incidents_with(owner))
        if not rows:
            return not of_incident and viewer.party.agency_type is AgencyType.LOCAL_AUTHORITY
        return holds_the_duty(viewer, rows)

    async def own(self, viewer: Viewer, about: OwnRecord, who: Caller) -> dict[str, Any]:
        """A person's own record. Problem 404 where the viewer may see nothing of it.

        The vault is told which incidents are open before it opens or names anything: a look that nobody was shown must
        not be recorded.
        """
        vault = self.detail.vault
        try:
            seen = await self.detail.child(viewer, about.subject)
        except Problem:
            seen = []  # one that only a draft speaks of: the vault knows it
        subjects = {about.subject, *(each.subject for each in seen)}
        opened = await self.opened(viewer, await asked(vault.incidents_about(subjects, caller=who)))
        if not (seen or opened):
            raise not_found()
        released = about.released
        reach = await self.reach(viewer, opened)
        record = await asked(vault.access_record(subjects, reach, caller=who, released=released))
        return record | {"subject": about.subject, "codes": [_codes(each) for each in seen]}

    async def opened(self, viewer: Viewer, incidents: Iterable[str]) -> frozenset[str]:
        """Those of these incidents whose words an own record may give this viewer: an exclusion holds here too, and an
        alleged perpetrator's side learns no address this way either."""
        seen = [row for row in await self._rows(incidents) if incident_shown(viewer, row) is not None]
        async with self.detail.desk.database.reading() as connection:
            return frozenset([row.id for row in seen if not await kept_from(connection, viewer, row)])

    async def reach(self, viewer: Viewer, opened: Iterable[str]) -> OwnReach:
        """How far an own record goes in each of these incidents. The authority that holds the duty has all of it but
        what it is not told, as whoever is to be shut out is not told why; anybody else has what it is told."""
        whole, partly, told, untold = set[str](), set[str](), set[str](), set[str]()
        desk = self.detail.desk
        for row in await self._rows(opened):
            async with desk.database.reading() as connection:
                shown = set(references_in(await stated(connection, desk.log, viewer, row)))
                facts = await queries.timeline(connection, desk.log, row.id)
            if is_host(viewer, row):
                whole.add(row.id)
                untold |= {*references_in([fact.model_dump(mode="json") for fact in facts])} - shown
            else:
                partly.add(row.id)
                told |= shown
        return OwnReach(frozenset(whole), frozenset(partly), frozenset(told), frozenset(untold))

    async def _incidents_with(self, subject: str) -> list[str]:
        async with self.detail.desk.database.reading() as connection:
            return await incidents_with(connection, subject)

    async def _rows(self, incidents: Iterable[str]) -> list[IncidentRow]:
        async with self.detail.desk.database.reading() as connection:
            found = [await queries.summary(connection, each) for each in sorted(set(incidents))]
        return [row for row in found if row is not None]


def holds_the_duty(viewer: Viewer, rows: Iterable[IncidentRow]) -> bool:
    """Whether the viewer is of the authority that holds the duty in every one of these, and shut out of none. Pure."""
    return all(is_host(viewer, row) and incident_shown(viewer, row) is not None for row in rows)


def records_router(records: Records) -> APIRouter:
    """Erasures by two people, legal holds, what is due, and a person's own record."""
    router = APIRouter(prefix="/v1", tags=["records"])
    vault = records.detail.vault

    async def unit(viewer: Annotated[Viewer, Depends(records.detail.desk.viewer)]) -> Viewer:
        """Lets people of a business unit in; to anyone else nothing is here."""
        if viewer.party.person is None or Role.BUSINESS_UNIT not in viewer.party.roles:
            raise not_found()
        return viewer

    Unit = Annotated[Viewer, Depends(unit)]  # noqa: N806 (an annotation, as FastAPI wants it)

    @router.get("/retention/due", summary="What the schedule makes due by a day, with its sources; recorded")
    async def due(who: Who, viewer: Unit, until: Day | None = None) -> Response:
        # whose to decide it is comes first: what nobody is shown is not looked at
        owners = await records.only_theirs(viewer, await asked(vault.retention_owners(caller=who, until=until)))
        return _json(await asked(vault.retention_due(owners, caller=who, until=until)))

    @router.post("/retention/classes", status_code=201, summary="Give a record another class of the schedule")
    async def classify(about: Classifying, who: Who, viewer: Unit) -> Response:
        await records.theirs(viewer, about.owner)
        ref = await records.reason(viewer, about)
        await asked(vault.classify(about.owner, about.record_class, reason_ref=ref, caller=who))
        return _json({"owner": about.owner, "recordClass": about.record_class, "reason": ref}, 201)

    @router.get("/erasures/proposals", summary="Erasures that await a second person")
    async def proposals(who: Who, viewer: Unit) -> Response:
        listed = await asked(vault.proposed_erasures(caller=who))
        theirs = await records.only_theirs(viewer, [each["owner"] for each in listed])
        return _json({"items": [each for each in listed if each["owner"] in theirs]})

    @router.post("/erasures/proposals", status_code=201, summary="Propose an erasure, or take the proposal back")
    async def propose(about: Proposing, who: Who, viewer: Unit) -> Response:
        await records.theirs(viewer, about.owner)
        ref = await records.reason(viewer, about)
        await asked(vault.propose_erasure(about.owner, about.act, reason_ref=ref, caller=who))
        return _json({"owner": about.owner, "act": about.act, "reason": ref}, 201)

    @router.post("/erasures", summary="Erase what another person proposed: its key is destroyed, for good")
    async def erase(about: Deciding, who: Who, viewer: Unit) -> Response:
        await records.theirs(viewer, about.owner)
        ref = await records.reason(viewer, about)
        remains = await asked(vault.erase(about.owner, reason_ref=ref, caller=who))
        return _json({"owner": about.owner, "reason": ref, "remains": remains})

    @router.post("/holds", status_code=201, summary="Place or lift a legal hold")
    async def hold(about: Holding, who: Who, viewer: Unit) -> Response:
        await records.theirs(viewer, about.owner)
        ref = await records.reason(viewer, about)
        await asked(vault.hold(about.owner, about.act, reason_ref=ref, caller=who))
        return _json({"owner": about.owner, "act": about.act, "reason": ref}, 201)

    @router.post("/subject-access", summary="A person's own record, third parties held back, and who looked")
    async def own(
        about: OwnRecord, who: Who, viewer: Unit, form: Annotated[Literal["json", "text"], Query()] = "json"
    ) -> Response:
        allow(Purpose.SUBJECT_ACCESS, who)
        record = await records.own(viewer, about, who)
        return PlainTextResponse(own_record(record)) if form == "text" else _json(record)

    return router


def _codes(seen: Seen) -> dict[str, Any]:
    """What the exchange itself holds of the child in one incident: codes, no reference to anything sealed."""
    return {
        "incident": seen.row.id,
        "subject": seen.subject,
        "codes": {name: value for name, value in seen.child.items() if name not in ("identity", "subject")},
    }


def _json(body: Mapping[str, Any], status: int = 200) -> Response:
    return Response(orjson.dumps(body), status, media_type="application/json")
