"""Agreements and exclusions through the gateway's door: two people, in force at once, and gone at once."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from nacl.public import PrivateKey

from contracts.directory import stream_of
from services.gateway.bootstrap import bootstrap
from shared.listed import directory
from tests.faults.gateway.door import MANY, Caller, Doorway, doorway
from tests.faults.gateway.ground import (
    AGENCIES,
    COUNCIL,
    NOW,
    POLICE,
    Ground,
    event,
    gateway_database,
    ground,
    referral,
)
from tests.stacks import Stack

UNIT, ADMINISTRATION = ("business_unit",), ("administrator",)
PROBATION = "northshire-probation"


@pytest.fixture(scope="module")
async def at(stack: Stack) -> AsyncIterator[Doorway]:
    service = await gateway_database(stack, "directory")
    async with ground(service, PrivateKey.generate()) as opened, doorway(opened) as door:
        yield door


@pytest.fixture
def administrator(at: Doorway) -> Caller:
    return at.as_(COUNCIL, "partnership-administrator", *ADMINISTRATION)


@pytest.fixture
def manager(at: Doorway) -> Caller:
    return at.as_(COUNCIL, "business-unit-manager", *UNIT)


def said(name: str, data: dict[str, Any], **more: Any) -> dict[str, Any]:
    return event(f"{name}.v1", data, agency=COUNCIL, **more)


def listing(agency: str = PROBATION) -> dict[str, Any]:
    data = {"agency": agency, "name": "Northshire Probation", "type": "probation", "areas": ["E06000991"]}
    return said("agency.listed", data)


def terms(agency: str = PROBATION, **changed: Any) -> dict[str, Any]:
    data = {
        "agency": agency,
        "legalBasis": "Children Act 2004 section 11: duty to safeguard",
        "reviewOn": "2027-08-01",
        "incidents": ["own"],
        "mayPropose": ["incident.referred"],
        "mayRead": ["incident.referred", "notifiability.decided"],
    }
    return said("agreement.proposed", data | changed)


async def agreed(administrator: Caller, manager: Caller, value: dict[str, Any]) -> dict[str, Any]:
    assert (await administrator.send(value)).status_code == 202
    agency = value["data"]["agency"]
    (shown,) = (await manager.get(f"/v1/agreements/{agency}")).json()["items"]
    offer: dict[str, Any] = shown["awaiting"]
    data = {"agency": agency, "version": offer["version"], "hash": offer["hash"]}
    assert (await manager.send(said("agreement.approved", data))).status_code == 202
    return offer


async def test_a_new_agency_speaks_as_soon_as_two_people_agreed_and_no_longer_once_it_ended(
    at: Doorway, administrator: Caller, manager: Caller
) -> None:
    assert (await administrator.send(listing())).status_code == 202
    await at.ground.standing.refresh()
    probation = at.as_(PROBATION)
    mine = referral(agency=PROBATION)
    assert (await probation.send(mine)).status_code == 403
    await agreed(administrator, manager, terms())
    taken = await probation.send(mine)
    assert taken.status_code == 202, "this gateway process checked it by the directory it knew a moment ago"
    where = f"/v1/incidents/{taken.json()['incident']}"
    assert (await probation.get(where)).status_code == 200
    ended = said("agreement.ended", {"agency": PROBATION, "why": "It was merged with its neighbour"})
    assert (await manager.send(ended)).status_code == 202
    assert (await probation.get(where)).status_code == 404
    assert (await probation.send(referral(agency=PROBATION))).status_code == 403


async def test_a_right_that_was_lost_is_not_used_by_a_process_that_has_not_heard_of_it(
    at: Doorway, administrator: Caller, manager: Caller
) -> None:
    agency = "northshire-college"
    await administrator.send(listing(agency))
    await agreed(administrator, manager, terms(agency))
    before = await at.ground.standing.refresh()
    old = at.ground.arrival(agency)
    await manager.send(said("agreement.ended", {"agency": agency, "why": "It has closed its doors"}))
    at.ground.standing._directory = before  # as another process knows it, which has not looked since
    (taken,) = await at.ground.take(referral(agency=agency), arrival=old)
    assert taken.receipt is not None
    assert [fault.rule for fault in taken.receipt.faults] == ["no-agreement"]
    await at.ground.standing.refresh()


async def test_above_the_ceiling_is_refused_with_its_place_and_what_is_allowed(administrator: Caller) -> None:
    await administrator.send(listing())
    answer = await administrator.send(terms(mayRead=["incident.referred", "notification.submitted"]))
    assert answer.status_code == 422
    (fault,) = answer.json()["errors"]
    assert (fault["pointer"], fault["rule"]) == ("/data/mayRead/1", "above-the-ceiling")
    assert "notification.submitted" not in fault["allowed"].split("; ")


async def test_the_proposer_and_another_agencys_person_do_not_approve(at: Doorway, administrator: Caller) -> None:
    await administrator.send(listing())
    await administrator.send(terms(incidents=["participant"]))
    (shown,) = (await administrator.get(f"/v1/agreements/{PROBATION}")).json()["items"]
    data = {"agency": PROBATION, "version": shown["awaiting"]["version"], "hash": shown["awaiting"]["hash"]}
    same = await administrator.send(said("agreement.approved", data))
    assert [fault["rule"] for fault in same.json()["errors"]] == ["same-person"]
    officer = at.as_(POLICE, "police-administrator", *ADMINISTRATION)
    value = event("agreement.approved.v1", data, agency=POLICE)
    assert (await officer.send(value)).status_code == 403
    notifier = at.as_(COUNCIL, "authority-notifier", "notifier")
    assert (await notifier.send(said("agreement.approved", data))).status_code == 403


async def test_another_partnerships_administrator_changes_nothing_here(at: Doorway) -> None:
    stranger = at.as_("southmere-council", "southmere-administrator", *ADMINISTRATION)
    value = event("agency.listed.v1", listing()["data"], agency="southmere-council", partnership="southmere")
    answer = await stranger.send(value)
    assert "outside-the-partnership" in [fault["rule"] for fault in answer.json()["errors"]]
    elsewhere = event("agency.listed.v1", listing()["data"], agency="southmere-council")
    assert (await stranger.send(elsewhere)).status_code == 403
    named = value | {"subject": stream_of("northshire")}
    assert "not-the-partnership" in [fault["rule"] for fault in (await stranger.send(named)).json()["errors"]]


async def test_agreements_of_others_are_seen_within_the_partnership_alone(at: Doorway) -> None:
    mine = (await at.as_(POLICE).get("/v1/agreements")).json()["items"]
    assert {one["agency"] for one in mine} == {POLICE}, "its agreement does not open those of others"
    council = at.as_(COUNCIL, "partnership-administrator", *ADMINISTRATION)
    everybody = (await council.get("/v1/agreements")).json()["items"]
    assert {one["partnership"] for one in everybody} == {"northshire"}
    assert len(everybody) > 3
    assert (await council.get("/v1/agreements/southmere-council")).status_code == 404
    agencies = (await council.get("/v1/agencies")).json()["items"]
    assert "southmere-police" not in {one["agency"] for one in agencies}


def exclusion(name: str, incident: str, **data: Any) -> dict[str, Any]:
    return said(name, {"agency": POLICE, "basis": "conflict_of_interest"} | data, subject=incident)


async def shut_out(at: Doorway, incident: str, **data: Any) -> None:
    one, other = (at.as_(COUNCIL, "authority-approver", "approver"), at.as_(COUNCIL, "business-unit-manager", *UNIT))
    proposed = await one.send(exclusion("exclusion.proposed", incident, reason="A reason in words", **data))
    assert proposed.status_code == 202, proposed.text
    assert (await one.send(exclusion("exclusion.approved", incident, **data))).status_code == 422
    assert (await other.send(exclusion("exclusion.approved", incident, **data))).status_code == 202


async def test_an_excluded_agency_finds_its_own_incident_gone(at: Doorway) -> None:
    police, icb = at.as_(POLICE), at.as_("northshire-icb")
    incident = (await police.send(referral())).json()["incident"]
    where = f"/v1/incidents/{incident}"
    assert (await police.get(where)).status_code == 200
    await shut_out(at, incident)
    for path in (where, f"{where}/timeline"):
        assert (await police.get(path)).status_code == 404
    listed = (await police.get("/v1/incidents", limit="200")).json()["items"]
    assert incident not in {one["id"] for one in listed}
    clocks = (await police.get("/v1/deadlines", limit="200")).json()["items"]
    assert incident not in {one["incident"] for one in clocks}
    officer = at.as_(POLICE, "police-reviewer", "partner")
    assert (await officer.get(where)).status_code == 404
    assert (await icb.get(where)).status_code == 200
    told = event("partner.notified.v1", {"recipient": POLICE, "notifiedAt": NOW.isoformat(), "channel": "email"})
    assert (await police.send(told | {"subject": incident})).status_code in (403, 404)


async def test_an_excluded_person_finds_nothing_and_a_colleague_everything(at: Doorway) -> None:
    incident = (await at.as_(POLICE).send(referral())).json()["incident"]
    await shut_out(at, incident, agency=COUNCIL, person="authority-notifier", basis="alleged_perpetrator")
    out, colleague = (at.as_(COUNCIL, name, "notifier") for name in ("authority-notifier", "another-notifier"))
    assert (await out.get(f"/v1/incidents/{incident}")).status_code == 404
    assert (await colleague.get(f"/v1/incidents/{incident}")).status_code == 200


async def test_an_alleged_perpetrators_side_gets_no_reference_to_a_place_or_to_words(at: Doorway) -> None:
    police = at.as_(POLICE)
    incident = (await police.send(referral())).json()["incident"]
    await shut_out(at, incident, person="police-reviewer", basis="alleged_perpetrator")
    (first, *_) = (await police.get(f"/v1/incidents/{incident}/timeline")).json()["items"]
    assert "summary" not in first["data"]
    assert "location" not in first["data"]["occurrence"]
    (whole, *_) = (await at.as_("northshire-icb").get(f"/v1/incidents/{incident}/timeline")).json()["items"]
    assert {"summary", "occurrence"} <= whole["data"].keys()
    assert "location" in whole["data"]["occurrence"]


async def test_the_duty_can_always_be_done(at: Doorway) -> None:
    incident = (await at.as_(POLICE).send(referral())).json()["incident"]
    approver = at.as_(COUNCIL, "authority-approver", "approver")
    answer = await approver.send(exclusion("exclusion.proposed", incident, agency=COUNCIL, reason="A reason"))
    assert [fault["rule"] for fault in answer.json()["errors"]] == ["holds-the-duty"]


async def test_an_exclusions_reason_lies_in_the_vault_alone(at: Doorway) -> None:
    incident = (await at.as_(POLICE).send(referral())).json()["incident"]
    words = "Planted words about a conflict"
    approver = at.as_(COUNCIL, "authority-approver", "approver")
    await approver.send(exclusion("exclusion.proposed", incident, reason=words))
    stored = [fact.to_json().decode() for fact in await at.ground.facts(incident)]
    assert not [fact for fact in stored if words in fact]
    assert [parcel for parcel in await at.ground.opened() if words in str(parcel)]


async def test_a_batch_is_decided_by_what_its_own_first_event_changed(at: Doorway, administrator: Caller) -> None:
    agency = "northshire-hostel"
    batch = [listing(agency), terms(agency), terms(agency, incidents=["participant"])]
    items = (await administrator.send(batch, as_=MANY)).json()["items"]
    assert [item["status"] for item in items] == ["accepted"] * 3
    (shown,) = (await administrator.get(f"/v1/agreements/{agency}")).json()["items"]
    assert shown["awaiting"]["incidents"] == ["participant"]


async def test_the_bootstrap_says_nothing_twice_and_undoes_nothing_that_people_decided(at: Doorway) -> None:
    here: Ground = at.ground
    text = AGENCIES.read_text(encoding="utf-8")
    assert await bootstrap(here.database, here.clock, text) == 0
    before = await here.standing.refresh()
    await at.as_(COUNCIL, "business-unit-manager", *UNIT).send(
        said("agreement.ended", {"agency": "harbour-homes", "why": "It closed"})
    )
    assert await bootstrap(here.database, here.clock, text) == 0
    assert (await here.standing.refresh()).agreement("harbour-homes", "northshire") is None
    assert await bootstrap(here.database, here.clock, text, amend=True) >= 2
    after = await here.standing.refresh()
    again = after.agreement("harbour-homes", "northshire")
    assert again is not None
    assert again.version == before.agreements["harbour-homes", "northshire"].version + 1
    assert again.approved_by == "bootstrap"


class GivenUp(Exception):
    """A transaction's end."""


_AS_IF = """
    insert into listed (subject, version, event)
    select 'partnership-' || $1, version, convert_to(replace(convert_from(event, 'UTF8'), 'eastmere', $1), 'UTF8')
    from listed where subject = 'partnership-eastmere'
    """


async def test_a_directory_that_was_rolled_back_is_not_believed(at: Doorway) -> None:
    here: Ground = at.ground
    await bootstrap(
        here.database, here.clock, '[[partnership]]\nid = "eastmere"\nname = "eastmere"\nareas = ["E06000993"]\n'
    )

    async def read_and_given_up() -> None:
        async with here.database.transaction() as tx:
            await tx.driver.execute(_AS_IF, "nowhere")
            assert "nowhere" in (await directory(tx.connection)).partnerships
            raise GivenUp

    with pytest.raises(GivenUp):
        await read_and_given_up()
    async with here.database.transaction() as tx:
        await tx.driver.execute(_AS_IF, "westmere")
    async with here.database.reading() as connection:
        known = (await directory(connection)).partnerships
    assert "westmere" in known, "as many facts as the one given up had, and others"
    assert "nowhere" not in known


async def test_a_review_is_due_within_three_years(administrator: Caller) -> None:
    await administrator.send(listing())
    late = (NOW + timedelta(days=2000)).date().isoformat()
    (fault,) = (await administrator.send(terms(reviewOn=late))).json()["errors"]
    assert (fault["pointer"], fault["rule"]) == ("/data/reviewOn", "review-date")
