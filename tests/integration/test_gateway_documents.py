"""A document is read again by the agency that filed it, before anybody is told of it; a real vault behind the door.

Notifications stands in with a notification that names what a test says, or with none.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, cast

import httpx
import orjson
import pytest
from nacl.public import PrivateKey

from services.gateway.api_incidents import Desk
from services.gateway.api_onward import Onward, onward_router
from services.gateway.passing import Passing
from shared.http import service_app
from shared.identity import Verifier
from shared.pages import Cursors
from tests.faults.gateway.door import AUDIENCE, ISSUER, Doorway, doorway, public_key, token
from tests.faults.gateway.ground import COUNCIL, POLICE, event, gateway_database, ground, referral
from tests.stacks import Stack
from tests.vaults import World, vault_world

ICB, STRANGER = "northshire-icb", "southmere-council"
NOTE = b"A note of a visit."


@dataclass
class House:
    """The way in, the routes to documents, and the vault; `told` is what a notification names."""

    at: Doorway
    http: httpx.AsyncClient
    world: World
    told: list[str] = field(default_factory=list)

    def notifications(self, request: httpx.Request) -> httpx.Response:
        content = {"status": "submitted", "content": {"documents": self.told}}
        told = self.told and "/notifications/" in request.url.path
        return httpx.Response(200, json=content) if told else httpx.Response(404)

    async def refer(self, **data: Any) -> str:
        return str((await self.at.as_(POLICE).send(referral(data=data))).json()["incident"])

    async def file(self, incident: str, agency: str = POLICE, *who: str) -> str:
        headers = {"authorization": f"Bearer {token(agency, *who)}", "content-type": "text/plain"}
        params = {"incident": incident}
        answer = await self.http.post("/v1/documents", params=params, content=NOTE, headers=headers)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["ref"])

    async def read(self, ref: str, incident: str, agency: str = POLICE, *who: str, **more: str) -> httpx.Response:
        headers = {"authorization": f"Bearer {token(agency, *who)}"}
        params = {"incident": incident, "purpose": "triage"} | more
        return await self.http.get(f"/v1/documents/{ref}", params=params, headers=headers)

    async def shut_out(self, incident: str, **whom: str) -> None:
        about = {"agency": POLICE, "basis": "conflict_of_interest"} | whom
        for who, name, more in (
            (("authority-approver", "approver"), "proposed", {"reason": "Reason A"}),
            (("business-unit-manager", "business_unit"), "approved", {}),
        ):
            said = event(f"exclusion.{name}.v1", about | more, agency=COUNCIL, subject=incident)
            answer = await self.at.as_(COUNCIL, *who).send(said)
            assert answer.status_code == 202, answer.text

    async def looks(self, ref: str) -> list[Any]:
        asked = "select who, purpose from look join looked_at on look = id where ref = $1 order by id"
        return [tuple(row) for row in await self.world.rows(asked, ref)]


@pytest.fixture(scope="module")
async def house(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    service = await gateway_database(stack, "documents")

    async def jwks() -> Any:
        return {"keys": [public_key()]}

    async with (
        vault_world(stack, tmp_path_factory.mktemp("documents"), "documents_v") as world,
        ground(service, PrivateKey.generate()) as here,
        doorway(here) as at,
    ):
        made = House(at, at.http, world)
        standing_in = httpx.MockTransport(made.notifications)
        async with httpx.AsyncClient(transport=standing_in, base_url="http://notifications.test") as beside:
            desk = Desk(here.database, here.log, here.clock, Cursors(b"a key that only tests have"))
            standing = cast(Any, Standing())
            passing = (Passing(name, beside, standing) for name in ("notifications", "rapid-review"))
            onward = Onward(desk, world.client, *passing)
            app = service_app(
                title="Gateway",
                service="gateway",
                routers=[onward_router(onward)],
                verifier=Verifier(ISSUER, AUDIENCE, jwks),
            )
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://gateway.test") as http:
                made.http = http
                yield made


class Standing:
    """The gateway's standing at the notifications that stands in."""

    async def token(self, audience: str) -> str:
        return f"a token for {audience}"


@pytest.fixture(autouse=True)
def nothing_is_told(house: House) -> None:
    house.told = []


async def test_the_agency_that_filed_it_reads_it_again_and_to_another_it_is_not_there(house: House) -> None:
    incident = await house.refer()
    ref = await house.file(incident)
    own = await house.read(ref, incident)
    assert (own.status_code, own.content) == (200, NOTE)
    theirs = await house.file(incident, ICB)
    answers = [await house.read(each, incident) for each in (theirs, f"vault:{'0' * 32}")]
    assert [answer.status_code for answer in answers] == [404, 404]
    told = [answer.json() | {"trace": None} for answer in answers]
    assert told[0] == told[1], "nor can it be told from one that never was"
    assert (await house.read(ref, incident, ICB)).status_code == 404
    assert (await house.read(ref, incident, STRANGER)).status_code == 404
    house.told = [ref]
    assert (await house.read(ref, incident, ICB)).status_code == 200
    assert await house.looks(theirs) == [], "nobody was shown that one"


async def test_the_look_is_recorded_for_a_stated_purpose_and_told_to_the_owner(house: House) -> None:
    incident = await house.refer()
    ref = await house.file(incident)
    person = ("police-partner", "partner")
    assert (await house.read(ref, incident, POLICE, *person, purpose="curiosity")).status_code == 422
    assert (await house.read(ref, incident, POLICE, *person, purpose="subject_access")).status_code == 403
    assert (await house.read(ref, incident, POLICE, *person, purpose="review")).status_code == 200
    assert await house.looks(ref) == [("police-partner", "review")]
    facts = await house.world.rows("select event from fact where subject = $1", incident)
    (said,) = [orjson.loads(row[0])["data"] for row in facts]
    assert (said["reader"], said["agency"], said["owners"], said["kinds"]) == (
        "police-partner",
        POLICE,
        [POLICE],
        ["document"],
    )


async def test_where_the_look_cannot_be_recorded_it_is_not_shown_to_its_own_agency_either(house: House) -> None:
    incident = await house.refer()
    ref = await house.file(incident)
    role = house.world.data.runtime_role
    await house.world.rows(f'revoke insert on look from "{role}"')
    try:
        answer = await house.read(ref, incident)
    finally:
        await house.world.rows(f'grant insert on look to "{role}"')
    assert answer.status_code == 503
    assert NOTE not in answer.content


async def test_an_agency_that_is_shut_out_later_does_not_find_it(house: House) -> None:
    incident = await house.refer()
    ref = await house.file(incident)
    assert (await house.read(ref, incident)).status_code == 200
    await house.shut_out(incident)
    assert (await house.read(ref, incident)).status_code == 404
    other = await house.refer()
    assert (await house.read(ref, other)).status_code == 404, "naming an incident that is open does not open it"
    assert len(await house.looks(ref)) == 1


async def test_nor_does_a_person_who_is_shut_out_nor_an_alleged_perpetrators_side(house: House) -> None:
    incident, person, other = await house.refer(), ("police-partner", "partner"), ("police-other", "partner")
    ref = await house.file(incident, POLICE, *person)
    assert (await house.read(ref, incident, POLICE, *person)).status_code == 200
    await house.shut_out(incident, person=person[0])
    assert (await house.read(ref, incident, POLICE, *person)).status_code == 404
    assert (await house.read(ref, incident, POLICE, *other)).status_code == 200, "a colleague may still"
    await house.shut_out(incident, person="the-accused", basis="alleged_perpetrator")
    assert (await house.read(ref, incident, POLICE, *other)).status_code == 404
    assert (await house.read(ref, incident)).status_code == 404


async def test_one_that_was_erased_is_gone_for_its_own_agency_and_not_there_for_another(house: House) -> None:
    incident = await house.refer()
    ref = await house.file(incident)
    await house.world.erase(incident)
    assert (await house.read(ref, incident)).status_code == 410
    assert (await house.read(ref, incident, ICB)).status_code == 404
