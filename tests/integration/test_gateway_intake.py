"""The one intake, on a real PostgreSQL: what is taken, what is refused and why, and what is kept of it."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
import pytest
from nacl.public import PrivateKey

from services.gateway import receipts
from tests.faults.gateway.ground import (
    COUNCIL,
    NOW,
    POLICE,
    Ground,
    event,
    gateway_database,
    ground,
    referral,
    triage,
)
from tests.stacks import Stack

DRAFT = Path(__file__).parents[2] / "contracts" / "examples" / "proposals" / "notification.drafted.v1.json"
WORDS = ("Child A", "Address A", "Phrase A", "Duty officer A", "01632", "Place A", "2019-08-28")
ASKED = json.loads(DRAFT.with_name("information.requested.v1.json").read_text())["data"]


@pytest.fixture(scope="module")
async def gateway(stack: Stack) -> AsyncIterator[Ground]:
    service = await gateway_database(stack, "intake")
    async with ground(service, PrivateKey.generate()) as opened:
        yield opened


def rules(taken: Any) -> set[tuple[str, str]]:
    return {(fault.pointer, fault.rule) for fault in taken.receipt.faults}


async def refusal(gateway: Ground, value: Any, **more: Any) -> tuple[int, set[tuple[str, str]]]:
    (taken,) = await gateway.take(value, **more)
    assert taken.receipt is not None
    assert taken.receipt.status == "refused"
    return taken.receipt.http_status, rules(taken)


async def test_a_referral_opens_an_incident_and_starts_its_clock_at_once(gateway: Ground) -> None:
    (taken,) = await gateway.take(referral())
    receipt = taken.receipt
    assert receipt is not None
    assert (receipt.status, receipt.faults) == ("accepted", ())
    facts = await gateway.facts(str(receipt.incident))
    assert [fact.name for fact in facts][:2] == ["incident.referred", "deadline.set"]
    assert receipt.facts == tuple(fact.id for fact in facts)
    clock = next(deadline for deadline in receipt.deadlines if deadline["clock"] == "T01")
    assert clock["reckoned"]["due"] == "2026-09-07"
    assert {day["day"]: day["why"] for day in clock["reckoned"]["notCounted"]}["2026-08-31"].startswith("Summer bank")


async def test_words_and_identities_are_sealed_and_only_references_are_stored(gateway: Ground) -> None:
    (taken,) = await gateway.take(referral())
    assert taken.receipt is not None
    incident = taken.receipt.incident
    (fact, *_) = await gateway.facts(str(incident))
    child = fact.data.children[0]
    assert child.age_at_incident == 6  # the day before a seventh birthday
    assert str(child.identity).startswith("vault:")
    parcel = (await gateway.opened())[-1]
    items = {item["ref"]: item for item in parcel["items"]}
    assert items[child.identity]["value"]["name"] == "Child A"
    assert items[child.identity]["subject"] == child.subject
    assert items[fact.data.summary] | {"ref": ""} == {
        "ref": "",
        "kind": "narrative",
        "under": "incident",
        "incident": incident,
        "subject": None,
        "subjects": [child.subject],
        "value": "Phrase A",
    }
    for table in ("fact", "submission", "waiting", "parcel"):
        for (row,) in await gateway.rows(f"select to_jsonb(t)::text || coalesce(t::text, '') from {table} t"):
            assert not [word for word in WORDS if word in row or word.encode().hex() in row], table


async def test_the_same_bytes_again_get_the_first_receipt(gateway: Ground) -> None:
    value = referral()
    (first,) = await gateway.take(value)
    (again,) = await gateway.take(orjson.loads(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)))
    (traced,) = await gateway.take(value | {"traceparent": f"00-{uuid4().hex}-{uuid4().hex[:16]}-01"})
    assert again.receipt == first.receipt
    assert traced.receipt == first.receipt
    assert (first.repeated, again.repeated) == (False, True)


async def test_other_bytes_under_the_same_id_are_refused_and_change_nothing(gateway: Ground) -> None:
    value = referral()
    (first,) = await gateway.take(value)
    other = value | {"data": value["data"] | {"summary": "Phrase B"}}
    assert await refusal(gateway, other) == (409, {("/id", "id-used")})
    async with gateway.database.reading() as connection:
        assert await receipts.latest(connection, POLICE, value["source"], value["id"]) == first.receipt


async def test_a_refused_message_does_not_use_its_id_up(gateway: Ground) -> None:
    value = referral(data={"nature": "something"})
    status, _ = await refusal(gateway, value)
    assert status == 422
    mended = referral(id=value["id"])
    (taken,) = await gateway.take(mended)
    assert taken.receipt is not None
    assert taken.receipt.status == "accepted"
    async with gateway.database.reading() as connection:
        assert await receipts.latest(connection, POLICE, value["source"], value["id"]) == taken.receipt


async def test_one_id_sent_many_times_at_once_is_one_submission(gateway: Ground) -> None:
    value = referral()
    taken = await asyncio.gather(*(gateway.door.take([value], gateway.arrival(), batch=False) for _ in range(20)))
    assert len({each.receipt.submission for (each,) in taken if each.receipt}) == 1
    assert sum(not each.repeated for (each,) in taken) == 1
    count = await gateway.rows("select count(*) from submission where event_id = $1", value["id"])
    assert count[0][0] == 1


async def test_all_faults_are_told_at_once_with_pointer_rule_and_what_is_allowed(gateway: Ground) -> None:
    value = referral(
        source="/agencies/southmere-police",
        partnership="southmere",
        dataschema="urn:safeguarding-exchange:schema:incident.referred:9.9",
        streamversion=4,
        data={"nature": "something", "hostAuthority": "here", "summary": None, "surplus": 1},
    )
    del value["data"]["contact"]
    (taken,) = await gateway.take(value)
    assert taken.receipt is not None
    assert taken.receipt.http_status == 403
    assert rules(taken) >= {
        ("/source", "not-your-source"),
        ("/partnership", "not-a-member"),
        ("/streamversion", "given-by-the-owner"),
        ("/data/nature", "enum"),
        ("/data/hostAuthority", "string-pattern-mismatch"),
        ("/data/*", "extra-forbidden"),
        ("/data/contact", "missing"),
    }
    by_pointer = {fault.pointer: fault for fault in taken.receipt.faults}
    assert by_pointer["/source"].allowed == (f"/agencies/{POLICE}",)
    assert "child_death" in by_pointer["/data/nature"].allowed[0]
    assert "something" not in orjson.dumps(taken.receipt.to_json()).decode()


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"authorityToldAt": "2026-08-26T10:00:00Z"}, ("/data/authorityToldAt", "aware-before-incident")),
        ({"authorityToldAt": "2026-08-29T10:00:00Z"}, ("/data/authorityToldAt", "in-the-future")),
        ({"occurrence": {"dateFrom": "2026-08-29", "location": "P"}}, ("/data/occurrence/dateFrom", "in-the-future")),
        (
            {"children": [{"identity": {"name": "Child A", "dateOfBirth": "2026-08-28"}}]},
            ("/data/children/0/identity/dateOfBirth", "born-after-incident"),
        ),
        (
            {"children": [{"identity": {"name": "Child A", "dateOfBirth": "1990-08-28"}}]},
            ("/data/children/0/identity/dateOfBirth", "too-old"),
        ),
        (
            {"children": [{"identity": {"name": "Child A", "dateOfBirth": "2020-01-01"}, "ageAtIncident": 3}]},
            ("/data/children/0/ageAtIncident", "age-differs"),
        ),
        (
            {"children": [{"identity": {"name": "Child A", "dateOfBirth": "2020-01-01"}, "isUnborn": True}]},
            ("/data/children/0", "value-error"),
        ),
        ({"summary": "a\0b"}, ("/data/summary", "nul")),
    ],
)
async def test_what_makes_no_sense_is_refused(gateway: Ground, data: Any, expected: tuple[str, str]) -> None:
    assert await refusal(gateway, referral(data=data)) == (422, {expected})


async def test_an_unknown_type_or_version_is_told_those_there_are(gateway: Ground) -> None:
    (taken,) = await gateway.take(event("incident.noticed.v1", {}), arrival=gateway.arrival())
    assert taken.receipt is not None
    (fault,) = taken.receipt.faults
    assert (fault.pointer, fault.rule) == ("/type", "unknown-type")
    assert "incident.referred.v1" in fault.allowed
    (taken,) = await gateway.take(referral(type="incident.referred.v7"))
    assert taken.receipt is not None
    assert taken.receipt.faults[0].allowed == ("incident.referred.v1",)


async def test_a_type_that_the_agency_may_not_propose_is_refused_with_those_it_may(gateway: Ground) -> None:
    (taken,) = await gateway.take(triage("incident-" + "0" * 32) | {"source": f"/agencies/{POLICE}"})
    assert taken.receipt is not None
    assert taken.receipt.http_status == 403
    fault = next(fault for fault in taken.receipt.faults if fault.pointer == "/type")
    assert "incident.referred.v1" in fault.allowed
    assert "notifiability.decided.v1" not in fault.allowed


async def approver(gateway: Ground, value: Any) -> Any:
    (taken,) = await gateway.take(value, arrival=gateway.arrival(COUNCIL, "authority-approver", "approver"))
    return taken.receipt


async def test_triage_makes_the_clock_firm_whose_act_it_was_stands_in_the_facts(gateway: Ground) -> None:
    (taken,) = await gateway.take(referral(incidentref=f"POL/{uuid4().hex[:8]}"))
    assert taken.receipt is not None
    receipt = await approver(gateway, triage(taken.receipt.incident))
    assert receipt.status == "accepted", receipt.faults
    decided = next(f for f in await gateway.facts(str(taken.receipt.incident)) if f.name == "notifiability.decided")
    assert (decided.agency, decided.actor, decided.actorrole) == (COUNCIL, "authority-approver", "approver")
    assert decided.submission == receipt.submission


async def test_an_incident_of_another_agency_does_not_exist(gateway: Ground) -> None:
    (taken,) = await gateway.take(referral())
    assert taken.receipt is not None
    stranger = gateway.arrival("southmere-council", "southmere-approver", "approver")
    value = triage(taken.receipt.incident) | {"source": "/agencies/southmere-council", "partnership": "southmere"}
    theirs = await refusal(gateway, value, arrival=stranger)
    nobodys = await refusal(gateway, value | {"id": uuid4().hex, "subject": "incident-" + "0" * 32}, arrival=stranger)
    assert theirs == nobodys == (404, {("/subject", "absent")})


async def test_an_agencys_own_number_names_the_incident(gateway: Ground) -> None:
    number = f"LA/{uuid4().hex[:8]}"
    council = gateway.arrival(COUNCIL)
    (taken,) = await gateway.take(referral(agency=COUNCIL, incidentref=number), arrival=council)
    assert taken.receipt is not None
    receipt = await approver(gateway, triage(incidentref=number))
    assert (receipt.status, receipt.incident) == ("accepted", taken.receipt.incident)
    await gateway.take(referral(agency=COUNCIL, incidentref=number), arrival=council)
    receipt = await approver(gateway, triage(incidentref=number))
    assert [fault.rule for fault in receipt.faults] == ["ambiguous"]
    assert taken.receipt.incident in receipt.faults[0].allowed


async def test_another_owners_proposal_is_sent_on_with_the_version_of_the_incident(gateway: Ground) -> None:
    (taken,) = await gateway.take(referral())
    assert taken.receipt is not None
    data = {
        "portalReference": "SIN-1",
        "portalTime": (NOW - timedelta(minutes=2)).isoformat(),
        "delayReason": "Phrase A",
    }
    value = event("notification.submitted.v1", data, agency=COUNCIL, subject=taken.receipt.incident)
    notifier = gateway.arrival(COUNCIL, "authority-notifier", "notifier")
    (sent,) = await gateway.take(value, arrival=notifier)
    assert sent.receipt is not None
    assert (sent.receipt.status, sent.receipt.http_status) == ("pending", 202)
    (onward,) = await gateway.facts(sent.receipt.submission)
    assert (onward.submission, onward.id, onward.source) == (sent.receipt.submission, value["id"], value["source"])
    assert onward.streamversion == len(await gateway.facts(str(taken.receipt.incident)))
    assert str(onward.data.delay_reason).startswith("vault:")
    ((topic, key),) = await gateway.rows("select topic, key from fact where stream = $1", sent.receipt.submission)
    assert (topic, key) == ("submissions.notifications", taken.receipt.incident)
    async with gateway.database.reading() as connection:
        assert await receipts.awaiting(connection, str(taken.receipt.incident), NOW + timedelta(hours=1))
        assert not await receipts.awaiting(connection, str(taken.receipt.incident), NOW)


async def test_whom_a_request_is_for_is_no_incident_that_it_names(gateway: Ground) -> None:
    (taken,) = await gateway.take(referral())
    assert taken.receipt is not None
    incident = str(taken.receipt.incident)
    child = (await gateway.facts(incident))[0].data.children[0].subject
    lead = {"name": "Lead A", "role": "safeguarding lead", "email": "lead@academy.northshire.example"}
    data = ASKED | {"subjects": [child], "lead": lead}
    asked = event("information.requested.v1", data, agency=COUNCIL, subject=incident)
    (sent,) = await gateway.take(asked, arrival=gateway.arrival(COUNCIL, "business-unit-manager", "business_unit"))
    assert sent.receipt is not None
    assert sent.receipt.status == "pending", sent.receipt.faults


async def test_a_proposal_names_no_further_incident_that_is_not_there_for_its_sender(gateway: Ground) -> None:
    """A fact of several incidents is for whoever may see them all: one that is not there would hide it for good."""
    approver = gateway.arrival(COUNCIL, "authority-approver", "approver")

    async def receipt(value: dict[str, Any], **more: Any) -> receipts.Receipt:
        (taken,) = await gateway.take(value, **more)
        assert taken.receipt is not None
        return taken.receipt

    away = {"hostAuthority": "E06000992", "homeAuthority": "E06000992"}
    one, other, elsewhere = [
        str((await receipt(value)).incident) for value in (referral(), referral(), referral(data=away))
    ]

    async def decided(*incidents: str) -> receipts.Receipt:
        data = {"basis": "near_miss", "reasons": "Reason A", "incidents": list(incidents)}
        value = event("practice-review.decided.v1", data, agency=COUNCIL, subject=one)
        return await receipt(value, arrival=approver)

    assert (await decided(other)).status == "pending"
    for named in ((elsewhere,), (other, f"incident-{uuid4().hex}")):
        refused = await decided(*named)
        assert (refused.http_status, refused.faults[0].pointer) == (404, "/data/incidents")


async def test_in_a_batch_each_item_stands_alone_and_what_depends_on_a_failed_one_is_not_attempted(
    gateway: Ground,
) -> None:
    number, other = f"LA/{uuid4().hex[:8]}", f"LA/{uuid4().hex[:8]}"
    person = gateway.arrival(COUNCIL, "authority-approver", "approver")
    bad = referral(agency=COUNCIL, incidentref=other, data={"nature": "something"})
    values = [
        referral(agency=COUNCIL, incidentref=number),
        bad,
        triage(incidentref=other),
        "not an event",
        triage(incidentref=number),
    ]
    taken = await gateway.take(*values, arrival=person, batch=True)
    assert [each.receipt.status if each.receipt else "not attempted" for each in taken] == [
        "accepted",
        "refused",
        "not attempted",
        "refused",
        "accepted",
    ]
    assert taken[4].receipt.incident == taken[0].receipt.incident  # type: ignore[union-attr]


async def test_a_hundred_referrals_in_a_batch_are_a_hundred_incidents_in_one_transaction(gateway: Ground) -> None:
    values = [referral() for _ in range(100)]
    taken = await gateway.take(*values, batch=True)
    assert {each.receipt.status for each in taken if each.receipt} == {"accepted"}
    rows = await gateway.rows(
        "select count(distinct xmin::text) from submission where event_id = any($1::text[])", [v["id"] for v in values]
    )
    assert rows[0][0] == 1


async def test_two_processes_share_one_database_and_one_set_of_ids(stack: Stack) -> None:
    service = await gateway_database(stack, "intakes")
    secret = PrivateKey.generate()
    async with ground(service, secret) as one, ground(service, secret) as two:
        values = [referral() for _ in range(30)]
        both = await asyncio.gather(
            *(door.take([value], one.arrival(), batch=False) for value in values for door in (one.door, two.door))
        )
        submissions = {each.receipt.submission for (each,) in both if each.receipt}
        assert len(submissions) == 30
        assert sum(each.repeated for (each,) in both) == 30


async def test_a_draft_names_children_and_words_of_its_own_incident_alone(gateway: Ground) -> None:
    ours, theirs = [each.receipt for each in await gateway.take(referral(), referral())]
    assert ours is not None
    assert theirs is not None
    (mine, *_), (other, *_) = [await gateway.facts(str(each.incident)) for each in (ours, theirs)]
    drafter = gateway.arrival(COUNCIL, "authority-notifier", "notifier")

    def draft(circumstances: str, *children: dict[str, Any]) -> Any:
        content = orjson.loads(DRAFT.read_bytes())["data"]["content"]
        first, rest = content["children"][0], {"circumstances": circumstances}
        content |= rest | {"children": [first | child for child in children]}
        return event("notification.drafted.v1", {"content": content}, agency=COUNCIL, subject=ours.incident)

    def child(of: Any) -> dict[str, Any]:
        said = of.data.children[0]
        return {"subject": said.subject, "identity": said.identity}

    strange = draft(other.data.summary, child(other), {"subject": f"subject-{uuid4().hex}"})
    rule = "not-of-this-incident"
    assert await refusal(gateway, strange, arrival=drafter) == (
        422,
        {
            ("/data/content/circumstances", rule),
            ("/data/content/children/0/identity", rule),
            ("/data/content/children/0/subject", rule),
            ("/data/content/children/1/subject", rule),
        },
    )
    (taken,) = await gateway.take(draft(mine.data.summary, child(mine), {}), arrival=drafter)
    assert taken.receipt is not None
    assert taken.receipt.status == "pending", taken.receipt.faults
    (onward,) = await gateway.facts(taken.receipt.submission)
    born_here = onward.data.content.children[1]  # what an earlier draft brought, a later one may name
    again = draft(onward.data.content.circumstances, child(mine), {"subject": born_here.subject})
    (taken,) = await gateway.take(again, arrival=drafter)
    assert taken.receipt is not None
    assert taken.receipt.status == "pending", taken.receipt.faults
