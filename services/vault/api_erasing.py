"""The vault's HTTP for records that end, and for a person's own: two people erase, one lists what is due."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import Field, StringConstraints
from sqlalchemy import select

from contracts.identifiers import IncidentId, Reference, SubjectId
from contracts.sealing import Model
from services.vault import tables
from services.vault.access_record import AccessRecords, Asked
from services.vault.calling import Behind, Service
from services.vault.erasure import MAY_DECIDE, Decision, Erasure, open_proposals
from services.vault.looking import record_search
from services.vault.retaining import Retaining
from services.vault.retention import schedule
from shared.clock import Clock
from shared.database import Database
from shared.london import london_date
from shared.problems import not_found

Owner = Annotated[str, StringConstraints(pattern=r"^(subject|incident)-[0-9a-f]{32}$")]


class ErasureAsked(Model):
    """Whose key is to be destroyed; the reason lies in the vault like any other words."""

    owner: Owner
    reason_ref: Reference


class ProposalAsked(ErasureAsked):
    """An erasure proposed, or the proposal taken back."""

    act: Literal["proposed", "withdrawn"] = "proposed"


class HoldAsked(ErasureAsked):
    """A legal hold placed or lifted."""

    act: Literal["placed", "lifted"]


class ClassAsked(ErasureAsked):
    """Another class of the retention schedule for a record."""

    record_class: Annotated[str, StringConstraints(pattern=r"^[a-z_]{3,60}$")]


class DueAsked(Model):
    """Of which records what is due is told: those that are the asker's to decide."""

    owners: Annotated[tuple[Owner, ...], Field(max_length=2000)]
    until: date | None = None


class AboutAsked(Model):
    """Whose record is asked for: a subject and those it was found to be."""

    subjects: Annotated[tuple[SubjectId, ...], Field(min_length=1, max_length=50)]


class AccessAsked(AboutAsked):
    """Of which incidents: those open to who asks, and those of which it is `told` some; what a person releases."""

    incidents: Annotated[tuple[IncidentId, ...], Field(max_length=500)]
    partly: Annotated[tuple[IncidentId, ...], Field(max_length=500)] = ()
    told: Annotated[tuple[Reference, ...], Field(max_length=5000)] = ()
    untold: Annotated[tuple[Reference, ...], Field(max_length=5000)] = ()
    released: Annotated[tuple[Reference, ...], Field(max_length=500)] = ()


def erasing_router(
    database: Database, erasure: Erasure, retaining: Retaining, records: AccessRecords, clock: Clock
) -> APIRouter:
    """Erasures, holds, the retention schedule, and subject access."""
    router = APIRouter(prefix="/v1")

    @router.post("/erasures")
    async def erase(asked: ErasureAsked, who: Service, person: Behind) -> dict[str, Any]:
        remains = await erasure.erase(Decision(asked.owner, person, asked.reason_ref, clock.now()))
        return {
            "owner": asked.owner,
            "remains": {
                "narratives": remains.narratives,
                "documents": remains.documents,
                "identities": remains.identities,
                "likelySame": remains.likely_same,
            },
        }

    @router.post("/erasures/proposals", status_code=201)
    async def propose(asked: ProposalAsked, who: Service, person: Behind) -> dict[str, str]:
        await erasure.propose(Decision(asked.owner, person, asked.reason_ref, clock.now()), asked.act)
        return {"owner": asked.owner, "act": asked.act}

    @router.get("/erasures/proposals")
    async def proposals(who: Service, person: Behind) -> Mapping[str, Any]:
        if MAY_DECIDE not in person.roles:
            raise not_found()
        await record_search(database, who, person, "erasure_proposals", [], clock.now())
        item = tables.item
        within = item.c.partnership.in_(person.partnerships)
        async with database.reading() as connection:
            found = await open_proposals(connection)
            named = [each["owner"] for each in found]
            of = select(item.c.owner, item.c.incident).where(
                within, item.c.owner.in_(named) | item.c.incident.in_(named)
            )
            theirs = {owner for row in await connection.execute(of.distinct()) for owner in row}
        return {"items": [each for each in found if each["owner"] in theirs]}

    @router.post("/holds", status_code=201)
    async def hold(asked: HoldAsked, who: Service, person: Behind) -> dict[str, str]:
        await erasure.hold(Decision(asked.owner, person, asked.reason_ref, clock.now()), asked.act)
        return {"owner": asked.owner, "act": asked.act}

    @router.get("/retention/owners")
    async def owners(who: Service, person: Behind, until: Annotated[date | None, Query()] = None) -> Mapping[str, Any]:
        now = clock.now()
        return {"items": await retaining.owners(who, person, until or london_date(now), now)}

    @router.post("/retention/due")
    async def due(asked: DueAsked, who: Service, person: Behind) -> Mapping[str, Any]:
        now = clock.now()
        listed = await retaining.due(asked.owners, who, person, asked.until or london_date(now), now)
        return {
            "schedule": [each.model_dump(by_alias=True) for each in schedule().values()],
            "due": listed.due,
            "cannotBeReckoned": listed.cannot_be_reckoned,
        }

    @router.post("/retention/classes", status_code=201)
    async def classify(asked: ClassAsked, who: Service, person: Behind) -> dict[str, str]:
        await retaining.classify(Decision(asked.owner, person, asked.reason_ref, clock.now()), asked.record_class)
        return {"owner": asked.owner, "recordClass": asked.record_class}

    @router.post("/subject-access/incidents")
    async def incidents(asked: AboutAsked, who: Service, person: Behind) -> Mapping[str, Any]:
        return {"items": await records.incidents_about(asked.subjects, who, person, clock.now())}

    @router.post("/subject-access")
    async def record(asked: AccessAsked, who: Service, person: Behind) -> Mapping[str, Any]:
        whose = Asked(
            frozenset(asked.subjects),
            frozenset(asked.incidents),
            frozenset(asked.released),
            frozenset(asked.partly),
            frozenset(asked.told),
            frozenset(asked.untold),
        )
        return await records.of(whose, who, person, clock.now())

    return router
