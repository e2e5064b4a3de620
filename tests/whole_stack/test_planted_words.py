"""A name, an address and a phrase in every field that can take words: nothing outside the vault ever holds them."""

import asyncio
import base64
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from kafka import KafkaConsumer

from contracts.catalogue import CATALOGUE, version
from contracts.sealing import marked, marks
from infra.demo.outside_eye import look
from tests.whole_stack.conftest import Event, Exchange, proposal, query, until
from tests.whole_stack.planted_reviews import plant_reviews, plant_the_end

NAME, STREET, PHRASE = "Zebedee-Planted", "Plantedstreet 7", "a planted phrase about the case"
WORDS = f"{PHRASE}, said of {NAME} of {STREET}"
PLANTED = (b"Zebedee-Planted", b"Plantedstreet", b"planted phrase")
METRIC = re.compile(r"^[a-z_]+(\{.*\})? [0-9.e+]+$", re.MULTILINE)
COUNCIL = "partner.northshire-council.outbound"
TOLD = ("safeguarding.incidents", "safeguarding.notifications", "safeguarding.reviews", COUNCIL)
OFFICES = {
    "police-reviewer": "northshire-police",
    "icb-reviewer": "northshire-icb",
    "northshire-academy": "northshire-academy",
    "panel": "panel",
}
"""For which agency an account speaks; the others for the council."""
REFUSED = {("practice-review.unpublished.v1", "/reason")}
"""What is published stays so for a year: no test of today sees that taken."""
IDENTITY = {"name": NAME, "otherNames": [NAME], "dateOfBirth": "2022-03-01", "address": STREET, "localId": NAME}
CONTACT = {"name": NAME, "role": PHRASE, "phone": "01234 567890", "email": "zebedee-planted@northshire.example"}
ENTRY = dict.fromkeys(("event", "voiceOfTheChild", "significance", "sourceSystem", "practitionerRole"), WORDS)
VALUES = {"identity": IDENTITY, "contact": CONTACT, "narrative": WORDS, "place": STREET, "entry": ENTRY}


def _marked_fields() -> set[tuple[str, str]]:
    """Every type and version that somebody may propose, with each of its fields that takes words."""
    proposable = [entry for entry in CATALOGUE.values() if entry.proposers]
    versions = [(f"{entry.name}.v{major}", model) for entry in proposable for major, model in entry.versions()]
    return {(type_, "/" + "/".join(mark.path)) for type_, model in versions for mark in marks(model)}


def planted(event: Event) -> Event:
    """The event with words in each marked field, those that the example leaves out included."""
    data = event["data"]
    for mark in marks(_model(event)):
        data = _put(data, mark.path, VALUES[mark.sealed.kind])
    return event | {"data": data}


def _model(event: Event) -> Any:
    entry, major, _ = version(event["type"])
    return dict(entry.versions())[major]


def _said(event: Event) -> set[tuple[str, str]]:
    """The marked fields that the event has words in."""
    found = marked(_model(event), event["data"])
    return {(event["type"], re.sub(r"/\d+", "/*", pointer)) for pointer, _ in found}


def _put(node: Any, path: tuple[str, ...], value: Any) -> Any:
    if not path:
        return value
    step, rest = path[0], path[1:]
    if step == "*":
        return [_put(item, rest, value) for item in node]
    return {**node, step: _put(node.get(step, {}), rest, value)}


@dataclass
class Planting:
    """Says one thing after another with words in each marked field; what was said and taken, and what was answered."""

    exchange: Exchange
    said: set[tuple[str, str]] = field(default_factory=set)
    refusals: set[tuple[str, str]] = field(default_factory=set)
    answers: list[bytes] = field(default_factory=list)

    def act(self, by: str, type_: str, incident: str, **data: Any) -> str:
        """Propose this, which must be accepted; the id of the fact that it became."""
        event, receipt = self._proposed(by, type_, incident, data)
        assert receipt["status"] == "accepted", (type_, receipt["faults"])
        self.said |= _said(event)
        return str(receipt["facts"][0])

    def refused(self, by: str, type_: str, incident: str, **data: Any) -> None:
        """Propose this, which must be refused once its words are sealed."""
        event, receipt = self._proposed(by, type_, incident, data)
        assert receipt["status"] == "refused", type_
        self.refusals |= _said(event)

    def _proposed(self, by: str, type_: str, incident: str, data: Event) -> tuple[Event, Mapping[str, Any]]:
        made = proposal(type_, OFFICES.get(by, "northshire-council"), incident)
        event = planted(made | {"data": made["data"] | data})
        receipt = self.exchange.settled(by, self.exchange.send(by, event))
        self.answers.append(str(receipt).encode())
        return event, receipt

    def refer(self) -> tuple[Event, str, str]:
        """One incident over HTTPS, and its twin over Kafka."""
        event = planted(proposal("incident.referred.v1", "northshire-police"))
        over_https = self.exchange.send("northshire-police", event)
        twin = planted(event | {"id": f"{event['id']}-twin"})
        over_kafka = self.exchange.topics.send("northshire-police", _json(twin))
        for sent in (over_https, over_kafka):
            assert sent.status == "accepted", sent
        self.said |= _said(event)
        return event, str(over_https.incident), str(over_kafka.incident)

    def child_in(self, incident: str) -> str:
        """The subject that the referral's first child became."""
        told = self.exchange.https.get("authority-approver", f"/v1/incidents/{incident}/timeline").json()
        return str(told["items"][0]["data"]["children"][0]["subject"])

    def file_document(self, incident: str) -> str:
        """A note about the case, under a name that names somebody; its reference."""
        answer = httpx.post(
            f"{self.exchange.stack.urls['gateway']}/v1/documents",
            params={"incident": incident},
            content=WORDS.encode(),
            headers=self.exchange.tokens.headers("authority-notifier")
            | {"content-type": "text/plain", "document-name": f"{NAME}.txt"},
            timeout=60,
        )
        assert answer.status_code == 201, answer.text
        self.answers.append(answer.content)
        return str(answer.json()["ref"])


def _past(**ago: float) -> str:
    return (datetime.now(UTC) - timedelta(**ago)).isoformat()


def _plant_everything(planting: Planting, incident: str, twin: str) -> None:
    """One act after another, so that each type with a marked field is accepted once."""
    act, notifier, approver = planting.act, "authority-notifier", "authority-approver"
    act(approver, "notifiability.decided.v1", incident, becameAwareAt=_past(hours=2), awarenessSource="police")
    corrected = act(approver, "awareness.corrected.v1", incident, awareAt=_past(hours=3))
    content = proposal("notification.drafted.v1")["data"]["content"] | {"becameAwareAt": _past(hours=3)}
    act(notifier, "notification.drafted.v1", incident, content=content)
    act(approver, "notification.approved.v1", incident)
    act(approver, "notification.returned-to-draft.v1", incident)
    act(approver, "notification.approved.v1", incident)
    act(notifier, "notification.submitted.v1", incident, portalTime=_past(minutes=30))
    act(notifier, "notification.delay-explained.v1", incident)
    act(notifier, "notification.amended.v2", incident, content=content, portalTime=_past(minutes=5))
    first_version = {"content": content, "amendedAt": _past(minutes=4), "ground": "S16C_A"}
    act(notifier, "notification.amended.v1", incident, **first_version)
    plant_reviews(planting, incident)
    act(approver, "incident.linked.v1", incident, lead=incident, twin=twin)
    act(approver, "notification.withdrawn.v1", incident, panelToldAt=_past(minutes=1))
    plant_the_end(planting, incident)
    act(approver, "incident.recalled.v1", incident, event=corrected)
    act(approver, "exclusion.proposed.v1", incident)
    pair = {"subjects": [planting.child_in(each) for each in (incident, twin)], "incidents": [incident, twin]}
    act(approver, "subjects.merged.v1", incident, **pair, likeness=None)
    act(approver, "subjects.split.v1", incident, **pair)
    act(approver, "incident.corrected.v1", incident, **_correction())
    planting.file_document(incident)


def _correction() -> dict[str, Any]:
    """Each field of a referral that takes words, said anew: the words are planted with the others."""
    fields = (
        "occurrence",
        "children",
        "furtherChildren",
        "summary",
        "immediateActions",
        "familyAndHousehold",
        "contact",
    )
    referral = proposal("incident.referred.v1")["data"]
    return {
        "abuseOrNeglect": None,
        "homeAuthority": None,
        "cleared": [],
        "occurrence": referral["occurrence"],
        "children": referral["children"],
        "reasons": [{"field": each} for each in fields],
    }


@pytest.fixture(scope="module")
def planting(exchange: Exchange) -> Planting:
    """Plant, in every way there is, and wait until the vault has collected all of it."""
    begun = Planting(exchange)
    event, incident, twin = begun.refer()
    _plant_everything(begun, incident, twin)
    begun.answers += _senseless(exchange, event)
    exchange.topics.send("northshire-police", f"not JSON: {WORDS}".encode())
    exchange.topics.send("northshire-police", _json(event | {"id": "planted-wrong", "type": f"{PHRASE}.v1"}))
    until(lambda: sum(_waiting_parcels(exchange, each) for each in ("gateway", "notifications", "rapid_review")) == 0)
    return begun


def _json(event: Event) -> bytes:
    return httpx.Request("POST", "http://x", json=event).content


def _senseless(exchange: Exchange, event: Event) -> list[bytes]:
    """Words where codes belong, in names of fields, in paths and queries: the refusals must not say them again."""
    wrong = [
        event | {"data": event["data"] | {"nature": PHRASE, "children": NAME}},
        event | {"data": event["data"] | {NAME: WORDS}},
        event | {"type": f"{NAME}.v1"},
        event | {"partnership": PHRASE, "source": f"/agencies/{NAME}"},
        event | {PHRASE: NAME, "classification": WORDS},
    ]
    answers = []
    with httpx.Client(base_url=exchange.stack.urls["gateway"], headers=_headers(exchange)) as http:
        for number, each in enumerate(wrong):
            answer = http.post("/v1/events", content=_json(each | {"id": f"senseless-{number}"}))
            assert 400 <= answer.status_code < 500, answer.text
            answers.append(answer.content)
        answers.append(http.post("/v1/events", content=WORDS.encode()).content)
        answers.append(http.get(f"/v1/incidents/{NAME}").content)
        answers.append(http.get("/v1/submissions", params={"id": PHRASE, "cursor": NAME}).content)
    return answers


def _headers(exchange: Exchange) -> dict[str, str]:
    return exchange.tokens.headers("northshire-police") | {"content-type": "application/cloudevents+json"}


def _waiting_parcels(exchange: Exchange, database: str) -> int:
    waiting = "select count(*) from parcel where collected_at is null"
    return int(asyncio.run(query(exchange, database, waiting))[0][0])


def _found(content: bytes) -> list[bytes]:
    """The planted words in some bytes: as they are, in base64 at any of its three phases, or in hexadecimal."""
    lower = content.lower()
    return [
        word
        for word in PLANTED
        if word.lower() in lower
        or word.hex().encode() in lower
        or any(phase in content for phase in _base64_phases(word))
    ]


def _base64_phases(word: bytes) -> Iterator[bytes]:
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + word)
        yield encoded[4 if shift else 0 : -4]


def test_the_search_finds_words_however_they_are_written() -> None:
    sentence = WORDS.encode()
    for form in (sentence, sentence.hex().encode(), base64.b64encode(b"1" + sentence), base64.b64encode(sentence)):
        assert _found(form)
    assert not _found(b"nothing of the kind")


def test_each_field_that_takes_words_was_planted_and_taken(planting: Planting) -> None:
    assert planting.refusals == REFUSED
    assert planting.said == _marked_fields() - REFUSED


def test_no_topic_no_key_and_no_header_holds_them(exchange: Exchange, planting: Planting) -> None:
    """Nobody's words are on a topic that nobody wrote to: what was said must have come to each kind of topic."""
    kafka = exchange.stack.kafka
    said = {_name(type_) for type_, _ in planting.said}

    def not_there_yet() -> set[tuple[str, str]]:
        there = {(record.topic.partition(".")[0], _name(str(record.event.get("type")))) for record in look(kafka, TOLD)}
        return {(kind, name) for kind in ("safeguarding", "partner") for name in said} - there

    until(not_there_yet, lambda missing: not missing)
    seen = look(kafka, _topics(exchange))
    submitted = {"submissions.notifications", "submissions.rapid-review"}
    assert {record.topic for record in seen} >= {*TOLD, *submitted, "answers", "safeguarding.vault"}
    for record in seen:
        assert not _found(record.content), record.topic
        assert not _found(record.beside), f"{record.topic}, in a key or a header"


def _name(type_: str) -> str:
    """Without its version: what is said in version 1 is recorded in today's."""
    return type_.rpartition(".v")[0]


def _topics(exchange: Exchange) -> list[str]:
    """Every topic that the broker has, but for its own and those that the gateway empties."""
    consumer = KafkaConsumer(**_as_super_user(exchange))
    try:
        return [each for each in consumer.topics() if not each.startswith("__") and not each.endswith(".inbound")]
    finally:
        consumer.close()


def _as_super_user(exchange: Exchange) -> dict[str, Any]:
    kafka = exchange.stack.kafka
    return {
        "bootstrap_servers": kafka.bootstrap,
        "security_protocol": kafka.security_protocol,
        "sasl_mechanism": kafka.sasl_mechanism,
        "sasl_plain_username": kafka.admin_username,
        "sasl_plain_password": kafka.admin_password,
    }


def test_the_inbound_topics_are_empty_once_taken(exchange: Exchange, planting: Planting) -> None:
    topics = [f"partner.{agency}.inbound" for agency in exchange.stack.agencies]

    def left() -> list[bytes]:
        try:
            return [record.content for record in look(exchange.stack.kafka, topics) if record.content]
        except TimeoutError:
            return [b"records went while they were looked at"]

    until(left, lambda found: not found)


@pytest.mark.parametrize("database", ["gateway", "notifications", "rapid_review", "delivery", "vault", "vault_keys"])
async def test_no_database_holds_them_in_the_clear(exchange: Exchange, planting: Planting, database: str) -> None:
    tables = await query(exchange, database, "select tablename from pg_tables where schemaname = 'public'")
    assert tables
    for (table,) in tables:
        for (row,) in await query(exchange, database, f'select t::text from "{table}" t'):
            assert not _found(row.encode()), table


def test_no_log_no_trace_and_no_letter_holds_them(exchange: Exchange, planting: Planting) -> None:
    folder = exchange.stack.home.folder
    files = [*folder.glob("logs/*"), *folder.glob("services/*/traces/*"), *folder.glob("mail/*/*")]
    assert {"logs", "traces", "new"} <= {file.parent.name for file in files}
    for file in files:
        if file.is_file():
            assert not _found(file.read_bytes()), file.name


def test_no_metric_holds_them(exchange: Exchange, planting: Planting) -> None:
    for name, url in exchange.stack.urls.items():
        told = httpx.get(f"{url}/metrics")
        assert METRIC.search(told.text), f"{name} answered {told.status_code} without a figure"
        assert not _found(told.content), name


def test_no_answer_says_them_again(planting: Planting) -> None:
    assert len(planting.answers) > 20
    for answer in planting.answers:
        assert not _found(answer)
