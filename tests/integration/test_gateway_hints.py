"""What is kept back leaves no trace in what is shown: whoever is to be shut out cannot tell that anything was said."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from nacl.public import PrivateKey

from contracts.access import Matter
from contracts.ceilings import Fields
from services.gateway import queries
from services.gateway.api_detail import Detail, detail_router
from services.gateway.api_incidents import Desk
from services.gateway.sight import Viewer, references_in, task_shown
from shared.http import service_app
from shared.identity import Verifier
from shared.pages import Cursors
from shared.vault_client import VaultClient
from tests.faults.gateway.door import AUDIENCE, ISSUER, Doorway, doorway, public_key, token
from tests.faults.gateway.ground import COUNCIL, POLICE, event, gateway_database, ground, referral
from tests.stacks import Stack

OFFICER, MANAGER = "business-unit-officer", "business-unit-manager"


@pytest.fixture(scope="module")
async def at(stack: Stack) -> AsyncIterator[Doorway]:
    service = await gateway_database(stack, "hints")
    async with ground(service, PrivateKey.generate()) as opened, doorway(opened) as door:
        yield door


async def proposed(at: Doorway, incident: str, **whom: str) -> str:
    """Somebody proposes that somebody is shut out; the reference to why."""
    said = event("exclusion.proposed.v1", whom | {"basis": "other", "reason": "Why"}, agency=COUNCIL, subject=incident)
    answer = await at.as_(COUNCIL, "authority-approver", "approver").send(said)
    assert answer.status_code == 202, answer.text
    last = (await at.ground.facts(incident))[-1]
    assert last.name == "exclusion.proposed"
    (reason,) = references_in([last.model_dump(mode="json")])
    return reason


@pytest.mark.parametrize(
    ("viewer", "whom"),
    [
        ((COUNCIL, OFFICER, "business_unit"), {"agency": COUNCIL, "person": OFFICER}),
        ((POLICE,), {"agency": POLICE}),
        ((POLICE, "police-manager", "business_unit"), {"agency": POLICE, "person": "another"}),
    ],
    ids=["a person of the authority", "an agency's system", "a colleague elsewhere"],
)
async def test_an_incident_looks_the_same_once_somebody_is_to_be_shut_out_of_it(
    at: Doorway, viewer: tuple[str, ...], whom: dict[str, str]
) -> None:
    incident = str((await at.as_(POLICE).send(referral())).json()["incident"])
    paths = [f"/v1/incidents/{incident}", f"/v1/incidents/{incident}/timeline", "/v1/incidents"]

    async def seen() -> list[Any]:
        return [(await at.as_(*viewer).get(path)).json() for path in paths]

    before = await seen()
    assert before[0]["id"] == incident
    at.ground.clock.shows += timedelta(hours=1)
    await proposed(at, incident, **whom)
    assert await seen() == before
    told = (await at.as_(COUNCIL, MANAGER, "business_unit").get(paths[1])).json()["items"]
    assert told[-1]["type"] == "exclusion.proposed.v1", "the others of the authority are told"


async def test_who_read_an_incident_names_no_reason_for_shutting_out_whoever_asks(at: Doorway) -> None:
    incident = str((await at.as_(POLICE).send(referral())).json()["incident"])
    reason = await proposed(at, incident, agency=COUNCIL, person=OFFICER)
    other = references_in([fact.model_dump(mode="json") for fact in await at.ground.facts(incident)])[0]
    looks = [{"look": number, "references": refs} for number, refs in enumerate(([reason], [other, reason], []))]

    async def jwks() -> Any:
        return {"keys": [public_key()]}

    async def anything(audience: str) -> str:
        return audience

    def vault(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"items": looks, "next": "more"})

    async def reads(person: str) -> dict[str, Any]:
        headers = {"authorization": f"Bearer {token(COUNCIL, person, 'business_unit')}"}
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway.test") as http:
            told: dict[str, Any] = (await http.get(f"/v1/incidents/{incident}/reads", headers=headers)).json()
        return told

    async with httpx.AsyncClient(transport=httpx.MockTransport(vault), base_url="http://vault.test") as http:
        desk = Desk(at.ground.database, at.ground.log, at.ground.clock, Cursors(b"a key that only tests have"))
        routers = [detail_router(Detail(desk, VaultClient(http, anything)))]
        app = service_app(
            title="Gateway", service="gateway", routers=routers, verifier=Verifier(ISSUER, AUDIENCE, jwks)
        )
        assert (await reads(MANAGER))["items"] == looks
        told = await reads(OFFICER)
    assert told == {"items": [{"look": 1, "references": [other]}, {"look": 2, "references": []}], "next": "more"}


class WithoutClocks(Viewer):
    def sees(self, matter: Matter, name: str) -> Fields | None:
        return None if name == "deadline.set" else super().sees(matter, name)


async def test_what_waits_for_somebody_who_may_see_no_clock_does_not_say_when_it_is_due(at: Doorway) -> None:
    incident = str((await at.as_(POLICE).send(referral())).json()["incident"])
    party = at.ground.directory.member(COUNCIL, "authority-approver", frozenset({"approver"}))
    assert party is not None
    async with at.ground.database.reading() as connection:
        row = await queries.summary(connection, incident)
        assert row is not None
        (task,) = queries.tasks_of(row, await queries.clocks(connection, incident))
    told = [kind(party, frozenset({"northshire"}), at.ground.directory) for kind in (Viewer, WithoutClocks)]
    seen, unseen = (task_shown(viewer, task, row) for viewer in told)
    assert (seen["what"], seen["due"], seen["clock"]) == ("decide_notifiability", "2026-09-01", "T05")
    assert unseen == seen | {"due": None, "clock": None, "state": None}
