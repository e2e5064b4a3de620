"""What a business unit is given of people's records, and which of them it may end; on a real PostgreSQL."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson
import pytest
from nacl.public import PrivateKey

from contracts.identifiers import mint
from services.gateway import queries
from services.gateway.api_detail import Detail
from services.gateway.api_incidents import Desk
from services.gateway.api_records import OwnRecord, Records, holds_the_duty, records_router
from services.gateway.sight import Viewer, incident_shown, references_in
from shared.http import service_app
from shared.identity import Caller, Verifier
from shared.pages import Cursors
from shared.problems import Problem
from shared.vault_client import OwnReach, VaultClient
from tests.faults.gateway.door import AUDIENCE, ISSUER, Doorway, doorway, public_key, token
from tests.faults.gateway.ground import COUNCIL, POLICE, event, gateway_database, ground, referral, triage
from tests.stacks import Stack

HOME, ELSEWHERE = "E06000992", "southmere-council"


@pytest.fixture(scope="module")
async def at(stack: Stack) -> AsyncIterator[Doorway]:
    service = await gateway_database(stack, "records")
    async with ground(service, PrivateKey.generate()) as opened, doorway(opened) as door:
        yield door


@dataclass
class Asked:
    """Stands where the vault does, says what is `filed`, and keeps what it was asked."""

    filed: list[str] = field(default_factory=list)
    questions: dict[str, Any] = field(default_factory=dict)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.questions[request.url.path] = orjson.loads(request.content or b"null")
        if request.url.path.endswith(("/incidents", "/owners")):
            return httpx.Response(200, json={"items": self.filed})
        if request.url.path.endswith("/due"):
            return httpx.Response(200, json={"schedule": [], "due": [], "cannotBeReckoned": []})
        return httpx.Response(200, json={"subjects": [], "look": None, "given": [], "heldBack": [], "looks": []})


@pytest.fixture
def vault() -> Asked:
    return Asked()


@pytest.fixture
async def records(at: Doorway, vault: Asked) -> AsyncIterator[Records]:
    async with httpx.AsyncClient(transport=httpx.MockTransport(vault), base_url="http://vault.test") as http:
        desk = Desk(at.ground.database, at.ground.log, at.ground.clock, Cursors(b"a key that only tests have"))
        yield Records(Detail(desk, VaultClient(http, _anything)), at.ground.sealer)


async def _anything(audience: str) -> str:
    return audience


def manager(at: Doorway, agency: str = POLICE, person: str = "police-manager") -> Viewer:
    party = at.ground.directory.member(agency, person, frozenset({"business_unit"}))
    assert party is not None
    return Viewer(party, frozenset({"northshire"}), at.ground.directory)


async def child_of(at: Doorway, incident: str) -> str:
    return str((await at.ground.facts(incident))[0].data.children[0].subject)


async def refer(at: Doorway, **data: Any) -> str:
    return str((await at.as_(POLICE).send(referral(data=data))).json()["incident"])


async def shut_out(at: Doorway, incident: str, **whom: Any) -> None:
    about = {"agency": POLICE, "basis": "conflict_of_interest"} | whom
    for who, role, name, more in (
        ("authority-approver", "approver", "proposed", {"reason": "Reason A"}),
        ("business-unit-manager", "business_unit", "approved", {}),
    ):
        said = event(f"exclusion.{name}.v1", about | more, agency=COUNCIL, subject=incident)
        answer = await at.as_(COUNCIL, who, role).send(said)
        assert answer.status_code == 202, answer.text


SIDES: list[dict[str, Any]] = [{}, {"person": "police-manager"}, {"person": "another", "basis": "alleged_perpetrator"}]


@pytest.mark.parametrize("whom", SIDES, ids=["the agency", "the person", "an alleged perpetrator of its side"])
async def test_an_exclusion_holds_for_a_persons_own_record_too(
    at: Doorway, records: Records, whom: dict[str, Any]
) -> None:
    closed, open_ = await refer(at), await refer(at)
    assert await records.opened(manager(at), [closed, open_]) == {closed, open_}
    await shut_out(at, closed, **whom)
    assert await records.opened(manager(at), [closed, open_]) == {open_}


async def test_the_authority_that_holds_the_duty_makes_it_though_elsewhere_it_is_the_childs_alleged_side(
    at: Doorway, records: Records
) -> None:
    here, elsewhere = await refer(at), await refer(at, hostAuthority=HOME, homeAuthority="E06000991")
    await shut_out(at, elsewhere, agency=COUNCIL, person="another", basis="alleged_perpetrator")
    about = {"subjects": [await child_of(at, each) for each in (here, elsewhere)], "incidents": [here, elsewhere]}
    merged = event("subjects.merged.v1", about | {"reason": "Reason A"}, agency=COUNCIL, subject=here)
    answer = await at.as_(COUNCIL, "authority-approver", "approver").send(merged)
    assert answer.json()["status"] == "accepted", answer.text
    council = manager(at, COUNCIL, "business-unit-officer")
    assert await records.opened(council, [here, elsewhere]) == {here}


async def test_the_vault_makes_a_persons_own_record_of_open_incidents_alone(
    at: Doorway, records: Records, vault: Asked
) -> None:
    closed, open_ = await refer(at), await refer(at)
    await shut_out(at, closed)
    who = Caller("person", "police-manager", POLICE, frozenset({"business_unit"}), frozenset({"northshire"}))
    child = await child_of(at, open_)
    vault.filed = [closed, open_]
    record = await records.own(manager(at), OwnRecord(subject=child), who)
    asked = vault.questions["/v1/subject-access"]
    assert (asked["subjects"], asked["incidents"], asked["partly"]) == ([child], [], [open_])
    assert (len(asked["told"]), asked["untold"]) == (len(words_of(await at.ground.facts(open_))), [])
    assert [each["incident"] for each in record["codes"]] == [open_]
    vault.filed, vault.questions = [closed], {}
    with pytest.raises(Problem) as told:
        await records.own(manager(at), OwnRecord(subject=await child_of(at, closed)), who)
    assert told.value.status == 404
    assert "/v1/subject-access" not in vault.questions, "a look at what nobody is shown is not made"


def words_of(facts: list[Any]) -> set[str]:
    return set(references_in([fact.model_dump(mode="json") for fact in facts]))


async def test_an_own_record_gives_whoever_holds_no_duty_no_words_that_the_incident_itself_does_not_tell_it(
    at: Doorway, records: Records
) -> None:
    incident = await refer(at)
    reason = await proposed(at, incident, agency="northshire-icb")
    police, council = await reaches(at, records, incident)
    assert (set(police.whole), set(police.partly)) == (set(), {incident})
    assert police.told == words_of(await at.ground.facts(incident)) - {reason}
    assert (set(council.whole), set(council.partly), set(council.untold)) == ({incident}, set(), set())


async def proposed(at: Doorway, incident: str, **whom: str) -> str:
    """Somebody proposes that somebody is shut out; the reference to why."""
    about = whom | {"basis": "other", "reason": "Reason A"}
    said = event("exclusion.proposed.v1", about, agency=COUNCIL, subject=incident)
    answer = await at.as_(COUNCIL, "authority-approver", "approver").send(said)
    assert answer.status_code == 202, answer.text
    (reason,) = words_of([fact for fact in await at.ground.facts(incident) if fact.name == "exclusion.proposed"])
    return reason


async def reaches(at: Doorway, records: Records, incident: str) -> tuple[OwnReach, OwnReach]:
    council = manager(at, COUNCIL, "business-unit-officer")
    return await records.reach(manager(at), [incident]), await records.reach(council, [incident])


async def test_an_own_record_does_not_tell_whoever_is_to_be_shut_out_why(at: Doorway, records: Records) -> None:
    incident = await refer(at)
    reason = await proposed(at, incident, agency=COUNCIL, person="business-unit-officer")
    _, council = await reaches(at, records, incident)
    assert council.untold == {reason}


async def test_only_the_authority_that_holds_the_duty_decides_how_records_end(at: Doorway, records: Records) -> None:
    incident, drafted = await refer(at), mint("subject")
    listed = [incident, await child_of(at, incident), drafted, mint("incident")]
    assert await records.opened(manager(at), [incident]) == {incident}, "the police see it"
    assert await records.only_theirs(manager(at), listed) == []
    for each in listed:
        with pytest.raises(Problem) as told:
            await records.theirs(manager(at), each)
        assert told.value.status == 404
    council = manager(at, COUNCIL, "business-unit-officer")
    assert await records.only_theirs(council, listed) == listed[:3]
    await shut_out(at, incident, agency=COUNCIL, person="business-unit-officer")
    assert await records.only_theirs(council, listed) == listed[2:3]


async def test_the_vault_is_asked_what_is_due_of_those_records_alone_whose_end_the_asker_decides(
    at: Doorway, records: Records, vault: Asked
) -> None:
    here, elsewhere = await refer(at), await refer(at, hostAuthority=HOME, homeAuthority="E06000991")
    vault.filed = [here, elsewhere, await child_of(at, here), await child_of(at, elsewhere)]

    async def jwks() -> Any:
        return {"keys": [public_key()]}

    verifier = Verifier(ISSUER, AUDIENCE, jwks)
    app = service_app(title="Gateway", service="gateway", routers=[records_router(records)], verifier=verifier)
    who = token(COUNCIL, "business-unit-officer", "business_unit")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway.test") as http:
        answer = await http.get("/v1/retention/due", headers={"authorization": f"Bearer {who}"})
    assert answer.status_code == 200, answer.text
    assert vault.questions["/v1/retention/due"] == {"owners": [here, vault.filed[2]]}


async def receipts_of(at: Doorway, incident: str, agency: str, *who: str) -> list[str]:
    """The types of what the agency sent about the incident, as one of its people or its system finds them."""
    caller = at.as_(agency, *who)
    listed = (await caller.get("/v1/submissions", limit=200)).json()["items"]
    found = [one for one in listed if one.get("incident") == incident]
    for one in found:
        assert (await caller.get(f"/v1/submissions/{one['submission']}")).status_code == 200
        assert (await caller.get("/v1/submissions", source=one["source"], id=one["id"])).status_code == 200
    return [one["type"] for one in found]


@pytest.mark.parametrize("whom", [{}, {"person": "police-manager"}], ids=["the agency", "the person"])
async def test_whoever_is_shut_out_finds_no_receipt_of_it_but_of_what_it_said_itself(
    at: Doorway, whom: dict[str, Any]
) -> None:
    person, colleague = ("police-manager", "business_unit"), ("police-other", "business_unit")
    receipt = (await at.as_(POLICE).send(referral())).json()
    incident = receipt["incident"]
    assert await receipts_of(at, incident, POLICE, *person) == ["incident.referred.v1"]
    await shut_out(at, incident, **whom)
    assert await receipts_of(at, incident, POLICE, *person) == []
    assert (await at.as_(POLICE, *person).get(f"/v1/submissions/{receipt['submission']}")).status_code == 404
    assert await receipts_of(at, incident, POLICE, *colleague) == (["incident.referred.v1"] if whom else [])
    assert await receipts_of(at, incident, POLICE) == ["incident.referred.v1"], "the system needs what it was answered"


async def test_a_colleagues_receipt_does_not_tell_that_somebody_is_to_be_shut_out(at: Doorway) -> None:
    incident = await refer(at)
    await shut_out(at, incident, agency=COUNCIL, person="somebody-else")
    assert await receipts_of(at, incident, COUNCIL, "business-unit-officer", "business_unit") == []
    approver = await receipts_of(at, incident, COUNCIL, "authority-approver", "approver")
    assert approver == ["exclusion.proposed.v1"], "its own"


async def test_a_record_of_two_authorities_incidents_is_not_for_one_of_them_to_end(at: Doorway) -> None:
    here, elsewhere = await refer(at), await refer(at, hostAuthority=HOME, homeAuthority="E06000991")
    council = manager(at, COUNCIL, "business-unit-officer")
    async with at.ground.database.reading() as connection:
        rows = [await queries.summary(connection, each) for each in (here, elsewhere)]
    one, other = (row for row in rows if row is not None)
    assert incident_shown(council, other) is not None, "the council sees it"
    assert holds_the_duty(council, [one])
    assert not holds_the_duty(council, [other])
    assert not holds_the_duty(council, [one, other])


async def test_what_a_participant_of_another_partnership_adds_is_kept_under_the_incidents_own(at: Doorway) -> None:
    incident = await refer(at, homeAuthority=HOME)
    approver = at.as_(COUNCIL, "authority-approver", "approver")
    decided = await approver.send(triage(incident))
    assert decided.status_code == 202, decided.text
    away = at.as_(ELSEWHERE, "southmere-authority-approver", "approver")
    assert (await away.get(f"/v1/incidents/{incident}")).status_code == 200
    words = {"agency": POLICE, "basis": "other", "reason": "Reason from elsewhere"}
    said = event("exclusion.proposed.v1", words, agency=ELSEWHERE, subject=incident, partnership="southmere")
    answer = await away.send(said)
    assert answer.status_code == 202, answer.text
    (parcel,) = [each for each in await at.ground.opened() if "Reason from elsewhere" in str(each)]
    assert (parcel["partnership"], parcel["agency"]) == ("northshire", ELSEWHERE)
