"""An alleged perpetrator's side learns no address in any incident of the child; a link, a document are told to few.

On a real PostgreSQL. The vault stands in with what was really sealed, notifications with a notification.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, cast

import httpx
import orjson
import pytest
from nacl.public import PrivateKey

from services.gateway.api_detail import Detail, detail_router
from services.gateway.api_incidents import Desk
from services.gateway.api_onward import Onward, onward_router
from services.gateway.bootstrap import bootstrap
from services.gateway.passing import Passing
from shared.credentials import ServiceCredentials
from shared.database import Database
from shared.http import service_app
from shared.identity import ON_BEHALF_OF, Verifier
from shared.pages import Cursors
from shared.vault_client import VaultClient
from tests.faults.gateway.door import AUDIENCE, ISSUER, Caller, Doorway, doorway, public_key
from tests.faults.gateway.ground import (
    AGENCIES,
    COUNCIL,
    POLICE,
    Ground,
    HandClock,
    event,
    gateway_database,
    ground,
    referral,
    triage,
)
from tests.stacks import Stack

ICB, ELSEWHERE, NEIGHBOUR = "northshire-icb", "southmere-council", "westshire-council"
HERE, AWAY, WEST = "E06000991", "E06000992", "E06000994"
DOCUMENT, PAGE, COPY = f"vault:{'d' * 32}", b"A page", b"Address A"
WORDS = {"status": "submitted", "content": {"documents": [DOCUMENT]}, "coverage": {"ready": True}}
TRIAGE, REVIEW = {"purpose": "triage"}, {"purpose": "review"}


def with_a_neighbour(text: str) -> str:
    """The demo's agencies, and a second authority in the same partnership, under the same agreement."""
    start = text.index(f'[[agreement]]\nagency = "{COUNCIL}"')
    agreement = text[start : text.index("[[agreement]]", start + 1)].replace(COUNCIL, NEIGHBOUR)
    listed = (
        f'[[agency]]\nid = "{NEIGHBOUR}"\nname = "Westshire Council"\ntype = "local_authority"\n'
        f'areas = ["{WEST}"]\npartnerships = ["northshire"]\n'
    )
    wider = text.replace(f'areas = ["{HERE}"]', f'areas = ["{HERE}", "{WEST}"]', 1)
    return f"{wider}\n{listed}\n{agreement}"


@dataclass
class Others:
    """The services beside the gateway: `looked` are the kinds of thing that the vault was asked for.

    For `recalled_from` the notification exists no more.
    """

    ground: Ground
    looked: list[str] = field(default_factory=list)
    recalled_from: set[str] = field(default_factory=set)

    async def vault(self, request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            if "own" in request.url.params:
                return httpx.Response(404, json={})  # nobody here filed one
            return httpx.Response(200, content=PAGE, headers={"content-type": "application/pdf"})
        refs = orjson.loads(request.content)["refs"]
        sealed = {item["ref"]: item for parcel in await self.ground.opened() for item in parcel["items"]}
        self.looked += [sealed[ref]["kind"] for ref in refs]
        shown = {ref: {"status": "present"} | {k: sealed[ref][k] for k in ("kind", "value")} for ref in refs}
        return httpx.Response(200, json={"items": shown})

    async def notifications(self, request: httpx.Request) -> httpx.Response:
        of_a_review = "/reviews/" in request.url.path
        if of_a_review or orjson.loads(request.headers[ON_BEHALF_OF])["agency"] in self.recalled_from:
            return httpx.Response(404)
        return httpx.Response(200, content=COPY) if "exports" in request.url.path else httpx.Response(200, json=WORDS)

    async def token(self, audience: str) -> str:
        return f"a token for {audience}"


@dataclass
class House:
    """The way in, the routes in words, and what stands beside them."""

    at: Doorway
    http: httpx.AsyncClient
    others: Others

    async def refer(self, **data: Any) -> tuple[str, str]:
        """An incident, and the child in it."""
        receipt = (await self.at.as_(POLICE).send(referral(data=data))).json()
        facts = await self.at.ground.facts(receipt["incident"])
        return receipt["incident"], facts[0].data.children[0].subject

    async def act(self, type_: str, incident: str, data: dict[str, Any], *who: str) -> None:
        caller = self.at.as_(COUNCIL, *(who or ("authority-approver", "approver")))
        receipt = (await caller.send(event(type_, data, agency=COUNCIL, subject=incident))).json()
        assert receipt.get("status") == "accepted", receipt

    async def accuse(self, incident: str, agency: str) -> None:
        """Shut a person of the agency out of it, as an alleged perpetrator."""
        side = {"agency": agency, "person": "the-accused", "basis": "alleged_perpetrator"}
        await self.act("exclusion.proposed.v1", incident, side | {"reason": "Reason A"})
        await self.act("exclusion.approved.v1", incident, side, "business-unit-manager", "business_unit")

    async def merge(self, one: tuple[str, str], two: tuple[str, str]) -> None:
        incidents, subjects = zip(one, two, strict=True)
        about = {"subjects": subjects, "incidents": incidents, "reason": "Reason A"}
        await self.act("subjects.merged.v1", one[0], about)

    async def get(self, path: str, agency: str, *who: str, **params: str) -> httpx.Response:
        return await Caller(self.http, self.at.as_(agency, *who).token).get(path, **params)


@pytest.fixture(scope="module")
async def house(stack: Stack) -> AsyncIterator[House]:
    service = await gateway_database(stack, "alleged")
    database = Database(service.runtime_url, pool_size=1)
    await bootstrap(database, HandClock(), with_a_neighbour(AGENCIES.read_text(encoding="utf-8")), amend=True)
    await database.close()

    async def jwks() -> Any:
        return {"keys": [public_key()]}

    async with ground(service, PrivateKey.generate()) as here, doorway(here) as at:
        others = Others(here)
        of_the_vault, of_notifications = (
            httpx.AsyncClient(transport=httpx.MockTransport(each), base_url="http://beside.test")
            for each in (others.vault, others.notifications)
        )
        desk = Desk(here.database, here.log, here.clock, Cursors(b"a key that only tests have"))
        vault = VaultClient(of_the_vault, others.token)
        standing = cast(ServiceCredentials, others)
        onward = Onward(
            desk, vault, *(Passing(name, of_notifications, standing) for name in ("notifications", "rapid-review"))
        )
        app = service_app(
            title="Gateway",
            service="gateway",
            routers=[detail_router(Detail(desk, vault)), onward_router(onward)],
            verifier=Verifier(ISSUER, AUDIENCE, jwks),
        )
        async with (
            of_the_vault,
            of_notifications,
            httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway.test") as http,
        ):
            yield House(at, http, others)


@pytest.fixture
async def second(house: House) -> str:
    """A second incident of a child; in the first the police are an alleged perpetrator's side."""
    one, two = await house.refer(), await house.refer()
    await house.accuse(one[0], POLICE)
    await house.merge(one, two)
    return two[0]


async def test_that_side_gets_no_copy_of_a_notification_in_another_incident_of_the_child(
    house: House, second: str
) -> None:
    copy = f"/v1/notifications/{second}/exports/json"
    assert (await house.get(copy, ICB, **REVIEW)).content == COPY
    assert (await house.get(copy, POLICE, **REVIEW)).status_code == 404


async def test_that_side_is_told_how_a_notification_there_stands_and_not_what_is_in_it(
    house: House, second: str
) -> None:
    assert (await house.get(f"/v1/notifications/{second}", ICB)).json() == WORDS
    assert (await house.get(f"/v1/notifications/{second}", POLICE)).json() == {"status": "submitted"}


async def test_that_side_reads_no_place_and_no_words_there_and_the_vault_is_not_asked_for_them(
    house: House, second: str
) -> None:
    held = ("Address A", "Place A", "Phrase A")
    whole = (await house.get(f"/v1/incidents/{second}/detail", ICB, **TRIAGE)).text
    assert [words in whole for words in held] == [True, True, True]
    house.others.looked.clear()
    theirs = (await house.get(f"/v1/incidents/{second}/detail", POLICE, **TRIAGE)).text
    assert [words in theirs for words in held] == [False, False, False]
    assert "Child A" in theirs
    assert set(house.others.looked) == {"identity", "contact"}


async def test_the_authority_that_holds_the_duty_there_learns_its_addresses_and_not_the_other_incidents(
    house: House,
) -> None:
    one = await house.refer(otherAreasToNotify=[WEST])
    two = await house.refer(hostAuthority=WEST, otherAreasToNotify=[HERE])
    await house.accuse(one[0], NEIGHBOUR)
    await house.merge(one, two)
    approver = (NEIGHBOUR, "westshire-approver", "approver")
    details = [await house.get(f"/v1/incidents/{each}/detail", *approver, **TRIAGE) for each, _ in (one, two)]
    assert [answer.status_code for answer in details] == [200, 200]
    assert ["Address A" in answer.text for answer in details] == [False, True]
    child = (await house.get(f"/v1/subjects/{two[1]}", *approver, **TRIAGE)).json()["incidents"]
    shown = {each["incident"]["id"]: "address" in each["child"]["identity"] for each in child}
    assert shown == {one[0]: False, two[0]: True}


async def test_a_link_is_named_in_no_list_and_in_no_words_to_whoever_may_not_see_its_other_side(
    house: House,
) -> None:
    (lead, _), (twin, child) = await house.refer(), await house.refer(homeAuthority=AWAY)
    decided = await house.at.as_(COUNCIL, "authority-approver", "approver").send(triage(twin))
    assert decided.status_code == 202, decided.text
    await house.act("incident.linked.v1", lead, {"lead": lead, "twin": twin, "reason": "Reason A"})

    async def told(agency: str, who: str) -> list[Any]:
        caller = house.at.as_(agency, who, "approver")
        listed = (await caller.get("/v1/incidents", limit=200)).json()["items"]
        words = await house.get(f"/v1/incidents/{twin}/detail", agency, who, "approver", **TRIAGE)
        of_child = await house.get(f"/v1/subjects/{child}", agency, who, "approver", **TRIAGE)
        alone = (await caller.get(f"/v1/incidents/{twin}")).json()
        seen = next(one for one in listed if one["id"] == twin)
        shown = [alone, seen, words.json()["incident"], of_child.json()["incidents"][0]["incident"]]
        return [each.get("linkedTo") for each in shown]

    assert await told(COUNCIL, "authority-approver") == [lead] * 4
    assert await told(ELSEWHERE, "southmere-authority-approver") == [None] * 4


async def test_a_document_is_read_by_whoever_is_told_of_it_and_by_the_authority_that_holds_the_duty(
    house: House,
) -> None:
    incident, _ = await house.refer()

    async def reads(ref: str, agency: str, *who: str) -> int:
        path = f"/v1/documents/{ref}"
        return (await house.get(path, agency, *who, incident=incident, **TRIAGE)).status_code

    unmentioned, approver = f"vault:{'e' * 32}", (COUNCIL, "authority-approver", "approver")
    assert [await reads(each, ICB) for each in (DOCUMENT, unmentioned)] == [200, 404]
    assert [await reads(each, *approver) for each in (DOCUMENT, unmentioned)] == [200, 200]
    house.others.recalled_from.add(ICB)
    assert await reads(DOCUMENT, ICB) == 404
    assert await reads(DOCUMENT, POLICE) == 200
