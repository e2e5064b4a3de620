"""Detail on request, and what follows when something went wrong: through the gateway, with everything running."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx
import pytest

from contracts.identifiers import mint, mint_reference
from tests.vaults import plain
from tests.whole_stack.conftest import Exchange, proposal, until

NOTIFIER, APPROVER, POLICE = "authority-notifier", "authority-approver", "northshire-police"
OFFICER, MANAGER = "business-unit-officer", "business-unit-manager"
STRANGER, SCHOOL, PANEL = "southmere-authority-approver", "northshire-academy", "panel"
TRIAGE = {"purpose": "triage"}


def ask(exchange: Exchange, who: str, method: str, path: str, **more: Any) -> httpx.Response:
    headers = exchange.tokens.headers(who)
    return httpx.request(method, exchange.stack.urls["gateway-2"] + path, headers=headers, timeout=60, **more)


def get(exchange: Exchange, who: str, path: str, **params: str) -> Any:
    """What is answered once the vault has collected what it needs."""
    answer = until(lambda: ask(exchange, who, "GET", path, params=params), lambda told: told.status_code != 503)
    assert answer.status_code == 200, answer.text
    return answer.json()


def act(exchange: Exchange, who: str, type_: str, incident: str, **data: Any) -> None:
    event = proposal(type_, None, incident)
    event |= {"source": "/agencies/northshire-council", "data": data}
    receipt = exchange.settled(who, exchange.send(who, event))
    assert receipt["status"] == "accepted", receipt


def children_of(exchange: Exchange, incident: str) -> list[str]:
    facts = get(exchange, APPROVER, f"/v1/incidents/{incident}/timeline")["items"]
    return [child["subject"] for child in facts[0]["data"]["children"]]


def referral_of(exchange: Exchange, incident: str, who: str = APPROVER) -> dict[str, Any] | None:
    facts = get(exchange, who, f"/v1/incidents/{incident}/timeline")["items"]
    return next((fact for fact in facts if fact["type"] == "incident.referred.v1"), None)


def alike(one: httpx.Response, other: httpx.Response) -> bool:
    """Whether two answers are the same to the byte, but for the id of their trace, which every answer has its own."""
    bodies = [answer.content.replace(answer.json()["trace"].encode(), b"") for answer in (one, other)]
    kept = [{k: v for k, v in answer.headers.items() if k not in ("date", "x-request-id")} for answer in (one, other)]
    return one.status_code == other.status_code == 404 and bodies[0] == bodies[1] and kept[0].keys() == kept[1].keys()


@contextmanager
def unable_to_add_to(exchange: Exchange, table: str) -> Iterator[None]:
    database = exchange.stack.create_database("vault")

    def order(words: str) -> None:
        async def done() -> None:
            owner = await asyncpg.connect(plain(database.owner_url))
            try:
                await owner.execute(words)
            finally:
                await owner.close()

        asyncio.run(done())

    order(f'revoke insert on "{table}" from "{database.runtime_role}"')
    try:
        yield
    finally:
        order(f'grant insert on "{table}" to "{database.runtime_role}"')


@pytest.fixture(scope="module")
def incident(exchange: Exchange) -> str:
    return exchange.refer(summary="Phrase of the detail test")


def test_a_child_is_shown_in_words_for_a_purpose_and_the_look_is_told_to_the_owners(
    exchange: Exchange, incident: str
) -> None:
    (child,) = children_of(exchange, incident)
    told = get(exchange, APPROVER, f"/v1/subjects/{child}", **TRIAGE)
    assert told["incidents"][0]["incident"]["id"] == incident
    assert told["incidents"][0]["child"]["identity"]["name"]
    reads = get(exchange, MANAGER, f"/v1/incidents/{incident}/reads")["items"]
    assert (reads[0]["who"], reads[0]["purpose"]) == (APPROVER, "triage")
    whose = get(exchange, POLICE, f"/v1/incidents/{incident}/reads")["items"]
    assert [read["look"] for read in whose] == [
        read["look"] for read in reads
    ]  # they referred it: the words are theirs
    assert get(exchange, "northshire-icb", f"/v1/incidents/{incident}/reads")["items"] == []


def test_what_is_not_yours_is_answered_as_what_does_not_exist(exchange: Exchange, incident: str) -> None:
    (child,) = children_of(exchange, incident)
    for theirs, none in (
        (f"/v1/subjects/{child}", f"/v1/subjects/{mint('subject')}"),
        (f"/v1/incidents/{incident}/detail", f"/v1/incidents/{mint('incident')}/detail"),
        (f"/v1/incidents/{incident}/reads", f"/v1/incidents/{mint('incident')}/reads"),
    ):
        answers = [ask(exchange, STRANGER, "GET", path, params=TRIAGE) for path in (theirs, none)]
        assert alike(*answers), [answer.text for answer in answers]
    filed = ask(exchange, NOTIFIER, "POST", f"/v1/documents?incident={incident}", content=b"a note of a visit")
    assert filed.status_code == 201, filed.text
    other, ref = exchange.refer(), filed.json()["ref"]
    answers = [
        ask(exchange, APPROVER, "GET", f"/v1/documents/{each}", params=TRIAGE | {"incident": other})
        for each in (ref, mint_reference())
    ]
    assert alike(*answers), [answer.text for answer in answers]


def test_a_purpose_that_the_role_does_not_serve_is_refused_whether_or_not_there_is_anything(
    exchange: Exchange, incident: str
) -> None:
    (child,) = children_of(exchange, incident)
    for path in (
        f"/v1/incidents/{incident}/detail",
        f"/v1/incidents/{mint('incident')}/detail",
        f"/v1/subjects/{child}",
        f"/v1/subjects/{mint('subject')}",
    ):
        answer = ask(exchange, NOTIFIER, "GET", path, params={"purpose": "notification_approval"})
        assert answer.status_code == 403
        assert answer.json()["type"].endswith(":purpose-not-yours")


@pytest.mark.parametrize("table", ["look", "fact"])
def test_where_the_look_cannot_be_recorded_nothing_is_shown(exchange: Exchange, incident: str, table: str) -> None:
    (child,) = children_of(exchange, incident)
    get(exchange, APPROVER, f"/v1/subjects/{child}", **TRIAGE)
    with unable_to_add_to(exchange, table):
        for path in (f"/v1/subjects/{child}", f"/v1/incidents/{incident}/detail"):
            answer = ask(exchange, APPROVER, "GET", path, params=TRIAGE)
            assert answer.status_code == 503
            assert "Phrase of the detail test" not in answer.text
            assert "Child" not in answer.text


def test_a_correction_is_shown_and_what_was_recalled_is_withheld_from_all_but_the_authority(
    exchange: Exchange,
) -> None:
    incident = exchange.refer(summary="Phrase about the wrong child")
    reasons = [{"field": "mediaInterest", "reason": "The press rang."}]
    act(exchange, NOTIFIER, "incident.corrected.v1", incident, mediaInterest="likely", reasons=reasons)
    referral = referral_of(exchange, incident)
    assert referral is not None
    recall = {"event": referral["id"], "because": "wrong_child", "reason": "It was the brother."}
    assert referral_of(exchange, incident, POLICE) is not None
    act(exchange, NOTIFIER, "incident.recalled.v1", incident, **recall)
    assert referral_of(exchange, incident, POLICE) is None
    kept = referral_of(exchange, incident)
    assert kept is not None
    assert kept["recalled"]["because"] == "wrong_child"
    seen = get(exchange, POLICE, f"/v1/incidents/{incident}/timeline")["items"]
    assert [fact["type"] for fact in seen if fact["type"].startswith("incident.")] == [
        "incident.corrected.v1",
        "incident.recalled.v1",
    ]
    assert "reason" not in seen[-1]["data"]
    words = get(exchange, POLICE, f"/v1/incidents/{incident}/detail", **TRIAGE)
    assert "Phrase about the wrong child" not in str(words)
    words = get(exchange, APPROVER, f"/v1/incidents/{incident}/detail", **TRIAGE)
    assert "Phrase about the wrong child" in str(words)
    assert "It was the brother." in str(words)


def test_two_subjects_found_to_be_one_child_are_shown_joined_and_parted_again(exchange: Exchange) -> None:
    one, two = exchange.refer(), exchange.refer()
    (first,), (second,) = children_of(exchange, one), children_of(exchange, two)
    about = {"subjects": [first, second], "incidents": [one, two], "reason": "The same NHS number, confirmed."}
    act(exchange, APPROVER, "subjects.merged.v1", one, **about)
    for subject, other in ((first, second), (second, first)):
        told = get(exchange, APPROVER, f"/v1/subjects/{subject}", **TRIAGE)
        assert told["foundToBe"] == [other]
        assert {each["incident"]["id"] for each in told["incidents"]} == {one, two}
    words = get(exchange, APPROVER, f"/v1/incidents/{two}/detail", **TRIAGE)
    assert "confirmed" in str(words)  # filed under the other incident, shown to whoever may see both
    act(exchange, APPROVER, "subjects.split.v1", two, **about)
    told = get(exchange, APPROVER, f"/v1/subjects/{first}", **TRIAGE)
    assert (told["foundToBe"], len(told["incidents"])) == ([], 1)


def test_the_words_of_a_link_can_be_read_on_both_incidents(exchange: Exchange) -> None:
    lead, twin = exchange.refer(), exchange.refer()
    act(exchange, NOTIFIER, "incident.linked.v1", lead, lead=lead, twin=twin, reason="Phrase of the link")
    for each in (lead, twin):
        assert "Phrase of the link" in str(get(exchange, APPROVER, f"/v1/incidents/{each}/detail", **TRIAGE))


def test_a_breach_report_says_who_received_what_when_and_whether_they_looked(exchange: Exchange) -> None:
    incident = exchange.refer()
    get(exchange, POLICE, f"/v1/incidents/{incident}/detail", **TRIAGE)
    referral = referral_of(exchange, incident)
    assert referral is not None
    path = f"/v1/breach-reports/{referral['id']}"

    def made() -> Any:
        return get(exchange, MANAGER, path)

    report = until(made, lambda told: any(one["received"] for one in told["agencies"]))
    assert (report["incident"], report["event"]) == (incident, referral["id"])
    agencies = {one["agency"]: one for one in report["agencies"]}
    assert [look["purpose"] for look in agencies[POLICE]["looks"]] == ["triage"]
    assert {one["event"] for one in agencies[POLICE]["received"]} <= {referral["id"]}
    answer = ask(exchange, MANAGER, "GET", f"/v1/breach-reports/{incident}", params={"form": "text"})
    assert answer.status_code == 200
    assert answer.text.startswith("OFFICIAL-SENSITIVE")
    assert "looked" in answer.text
    for who in (APPROVER, POLICE, STRANGER, "operator"):
        assert ask(exchange, who, "GET", path).status_code == 404
    assert ask(exchange, MANAGER, "GET", f"/v1/breach-reports/{mint('incident')}").status_code == 404


def filed(exchange: Exchange) -> str:
    """An incident whose notification was filed with the national bodies."""
    incident = exchange.refer()
    aware = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    content = proposal("notification.drafted.v1")["data"]["content"] | {"becameAwareAt": aware}
    steps: dict[str, tuple[str, dict[str, Any]]] = {
        "notifiability.decided.v1": (APPROVER, {"becameAwareAt": aware}),
        "notification.drafted.v1": (NOTIFIER, {"content": content}),
        "notification.approved.v1": (APPROVER, {}),
        "notification.submitted.v1": (NOTIFIER, {"portalTime": datetime.now(UTC).isoformat()}),
    }
    for type_, (who, changed) in steps.items():
        act(exchange, who, type_, incident, **proposal(type_)["data"] | changed)
    return incident


def test_a_national_bodys_system_takes_the_copy_that_its_feed_links_to_and_the_look_is_recorded(
    exchange: Exchange,
) -> None:
    incident = filed(exchange)

    def submitted() -> Any:
        items = get(exchange, PANEL, "/v1/feed", limit="500")["items"]
        return next((one for one in items if one.get("subject") == incident), None)

    link = until(submitted)["dataref"]
    for_the_panel = {"purpose": "panel_export"}
    copy = get(exchange, PANEL, link, **for_the_panel)
    assert (copy["incident"], copy["exportedBy"]) == (incident, PANEL)
    assert "Child A" in str(copy)
    reads = get(exchange, MANAGER, f"/v1/incidents/{incident}/reads")["items"]
    assert (reads[0]["who"], reads[0]["kind"], reads[0]["purpose"]) == (PANEL, "agency", "panel_export")
    assert ask(exchange, PANEL, "GET", link).status_code == 422
    assert ask(exchange, PANEL, "GET", link, params={"purpose": "notification_drafting"}).status_code == 403
    for who, path in (
        (PANEL, link.replace("json", "pdf")),  # a page is for people
        (PANEL, f"/v1/incidents/{incident}/detail"),
        (PANEL, f"/v1/notifications/{filed_nowhere(exchange)}/exports/json"),
        (SCHOOL, link),
        ("southmere-police", link),
    ):
        assert ask(exchange, who, "GET", path, params=for_the_panel).status_code == 404, (who, path)


def filed_nowhere(exchange: Exchange) -> str:
    """An incident whose notification is a draft: nothing of the national bodies'."""
    incident = exchange.refer()
    act(exchange, APPROVER, "notifiability.decided.v1", incident, **proposal("notifiability.decided.v1")["data"])
    act(exchange, NOTIFIER, "notification.drafted.v1", incident, **proposal("notification.drafted.v1")["data"])
    return incident


def test_a_child_is_erased_by_two_people_of_the_business_unit_and_the_timeline_stands(exchange: Exchange) -> None:
    incident = exchange.refer()
    (child,) = children_of(exchange, incident)
    get(exchange, APPROVER, f"/v1/subjects/{child}", **TRIAGE)
    about = {"owner": child, "reason": "Filed for the wrong child; the right one is another record."}
    assert ask(exchange, APPROVER, "POST", "/v1/erasures/proposals", json=about).status_code == 404
    assert ask(exchange, OFFICER, "POST", "/v1/erasures", json=about).status_code == 409
    assert ask(exchange, OFFICER, "POST", "/v1/erasures/proposals", json=about).status_code == 201
    assert ask(exchange, OFFICER, "POST", "/v1/erasures", json=about).status_code == 409
    assert child in str(get(exchange, MANAGER, "/v1/erasures/proposals"))
    erased = ask(exchange, MANAGER, "POST", "/v1/erasures", json=about)
    assert erased.status_code == 200, erased.text
    told = get(exchange, APPROVER, f"/v1/subjects/{child}", **TRIAGE)
    assert told["incidents"][0]["child"]["identity"]["status"] == "erased"
    assert children_of(exchange, incident) == [child]


def test_what_was_erased_is_erased_again_though_both_databases_were_restored_from_before(exchange: Exchange) -> None:
    incident = exchange.refer()
    (child,) = children_of(exchange, incident)
    path = f"/v1/subjects/{child}"
    get(exchange, APPROVER, path, **TRIAGE)
    backup = asyncio.run(rows(exchange, "vault_keys", "select master, wrapped from data_key where owner = $1", child))
    about = {"owner": child, "reason": "Past its time."}
    assert ask(exchange, OFFICER, "POST", "/v1/erasures/proposals", json=about).status_code == 201
    assert ask(exchange, MANAGER, "POST", "/v1/erasures", json=about).status_code == 200
    said = (
        "select 1 from published p, sequence s, fact f where f.stream = $1 and s.fact = f.id"
        " and s.position <= p.position"
    )
    until(lambda: asyncio.run(rows(exchange, "vault", said, f"erasure-{child}")))

    async def restored() -> None:
        again = "update data_key set master = $2, wrapped = $3, destroyed_at = null where owner = $1"
        await rows(exchange, "vault_keys", again, child, *backup[0])
        await rows(exchange, "vault_keys", "delete from tombstone where owner = $1", child)
        await rows(exchange, "vault", "delete from erasure where owner = $1", child)

    asyncio.run(restored())
    assert get(exchange, APPROVER, path, **TRIAGE)["incidents"][0]["child"]["identity"]["name"]
    exchange.stack.kill("vault")
    shown = until(
        lambda: ask(exchange, APPROVER, "GET", path, params=TRIAGE), lambda told: "erased" in told.text, seconds=60
    )
    assert shown.json()["incidents"][0]["child"]["identity"]["status"] == "erased"
    assert asyncio.run(rows(exchange, "vault", "select 1 from erasure where owner = $1", child))


async def rows(exchange: Exchange, database: str, words: str, *values: Any) -> list[Any]:
    owner = await asyncpg.connect(plain(exchange.stack.create_database(database).owner_url))
    try:
        return list(await owner.fetch(words, *values))
    finally:
        await owner.close()


def test_a_persons_own_record_comes_as_a_page_with_others_held_back_and_who_looked(exchange: Exchange) -> None:
    incident = exchange.refer(summary="Phrase held back")
    (child,) = children_of(exchange, incident)
    get(exchange, APPROVER, f"/v1/subjects/{child}", **TRIAGE)
    about = {"subject": child}
    answer = ask(exchange, MANAGER, "POST", "/v1/subject-access", json=about)
    assert answer.status_code == 200, answer.text
    record = answer.json()
    assert [one["kind"] for one in record["given"]] == ["identity"]
    assert record["codes"][0]["incident"] == incident
    assert "Phrase held back" not in answer.text
    page = ask(exchange, MANAGER, "POST", "/v1/subject-access", params={"form": "text"}, json=about).text
    assert "Held back" in page
    assert APPROVER in page
    assert ask(exchange, APPROVER, "POST", "/v1/subject-access", json=about).status_code == 404
    stranger = ask(exchange, "southmere-business-unit-manager", "POST", "/v1/subject-access", json=about)
    assert stranger.status_code == 404


def test_what_is_due_is_listed_for_the_business_unit_with_its_sources(exchange: Exchange, incident: str) -> None:
    told = get(exchange, MANAGER, "/v1/retention/due", until="2090-01-01")
    assert incident in {one["owner"] for one in told["due"]}
    assert {line["status"] for line in told["schedule"]} <= {"V", "L", "D", "U"}
    assert ask(exchange, APPROVER, "GET", "/v1/retention/due").status_code == 404
