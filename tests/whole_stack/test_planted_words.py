"""A name, an address and a phrase in every field that can take words: nothing outside the vault ever holds them."""

import asyncio
import base64
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx
import pytest
from kafka import KafkaConsumer

from contracts.catalogue import CATALOGUE
from contracts.sealing import marks
from infra.demo.outside_eye import ALL, look
from tests.whole_stack.conftest import Event, Exchange, proposal, until

NAME, STREET, PHRASE = "Zebedee-Planted", "Plantedstreet 7", "a planted phrase about the case"
WORDS = f"{PHRASE}, said of {NAME} of {STREET}"
PLANTED = (b"Zebedee-Planted", b"Plantedstreet", b"planted phrase")
IDENTITY = {"name": NAME, "otherNames": [NAME], "dateOfBirth": "2022-03-01", "address": STREET, "localId": NAME}
CONTACT = {"name": NAME, "role": PHRASE, "phone": "01234 567890", "email": "zebedee-planted@northshire.example"}
VALUES = {"identity": IDENTITY, "contact": CONTACT, "narrative": WORDS, "place": STREET}


def planted(event: Event) -> Event:
    """The event with words in each marked field, those that the example leaves out included."""
    name, _, major = event["type"].rpartition(".v")
    model = dict(CATALOGUE[name].versions())[int(major)]
    data = event["data"]
    for mark in marks(model):
        data = _put(data, mark.path, VALUES[mark.sealed.kind])
    return event | {"data": data}


def _put(node: Any, path: tuple[str, ...], value: Any) -> Any:
    if not path:
        return value
    step, rest = path[0], path[1:]
    if step == "*":
        return [_put(item, rest, value) for item in node]
    return {**node, step: _put(node.get(step, {}), rest, value)}


def _past(**ago: float) -> str:
    return (datetime.now(UTC) - timedelta(**ago)).isoformat()


def _everything(incident: str, twin: str) -> Iterator[tuple[str, Event]]:
    """One act after another, so that each type with a marked field is accepted once."""
    yield (
        "authority-approver",
        proposal("notifiability.decided.v1", None, incident, becameAwareAt=_past(hours=2), awarenessSource="police"),
    )
    yield "authority-approver", proposal("awareness.corrected.v1", None, incident, awareAt=_past(hours=3))
    content = proposal("notification.drafted.v1")["data"]["content"] | {"becameAwareAt": _past(hours=3)}
    yield "authority-notifier", proposal("notification.drafted.v1", None, incident, content=content)
    yield "authority-approver", proposal("notification.approved.v1", None, incident)
    yield "authority-approver", proposal("notification.returned-to-draft.v1", None, incident)
    yield "authority-approver", proposal("notification.approved.v1", None, incident)
    yield "authority-notifier", proposal("notification.submitted.v1", None, incident, portalTime=_past(minutes=30))
    yield "authority-notifier", proposal("notification.delay-explained.v1", None, incident)
    yield (
        "authority-notifier",
        proposal("notification.amended.v2", None, incident, content=content, portalTime=_past(minutes=5)),
    )
    yield (
        "authority-notifier",
        proposal(
            "notification.amended.v1", None, incident, content=content, amendedAt=_past(minutes=4), ground="S16C_A"
        ),
    )
    yield "authority-approver", proposal("notification.withdrawn.v1", None, incident, panelToldAt=_past(minutes=1))
    yield "authority-approver", proposal("incident.linked.v1", None, incident, lead=incident, twin=twin)


@pytest.fixture(scope="module")
def replies(exchange: Exchange) -> list[bytes]:
    """Plant, in every way there is, and wait until the vault has collected all of it; what was answered."""
    answers: list[bytes] = []
    event = planted(proposal("incident.referred.v1", "northshire-police"))
    incident = str(exchange.send("northshire-police", event).incident)
    over_kafka = exchange.topics.send("northshire-police", _json(planted(event | {"id": "planted-over-kafka"})))
    assert over_kafka.status == "accepted"
    for by, act in _everything(incident, str(over_kafka.incident)):
        sent = exchange.send(by, planted(act))
        receipt = exchange.settled(by, sent)
        if act["type"] != "incident.linked.v1":
            assert receipt["status"] == "accepted", (act["type"], receipt["faults"])
        answers.append(str(receipt).encode())
    answers += _senseless(exchange, event)
    exchange.topics.send("northshire-police", f"not JSON: {WORDS}".encode())
    exchange.topics.send("northshire-police", _json(event | {"id": "planted-wrong", "type": f"{PHRASE}.v1"}))
    until(lambda: _waiting_parcels(exchange, "gateway") + _waiting_parcels(exchange, "notifications") == 0)
    return answers


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
    return int(asyncio.run(_query(exchange, database, waiting))[0][0])


async def _query(exchange: Exchange, database: str, query: str) -> list[Any]:
    url = exchange.stack.postgres.admin_url.rpartition("/")[0] + f"/{database}"
    connection = await asyncpg.connect(url)
    try:
        return list(await connection.fetch(query))
    finally:
        await connection.close()


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


def test_no_topic_holds_them(exchange: Exchange, replies: list[bytes]) -> None:
    for record in look(exchange.stack.kafka, ALL):
        assert not _found(record.content), record.topic


def test_the_inbound_topics_are_empty_once_taken(exchange: Exchange, replies: list[bytes]) -> None:
    topics = [f"partner.{agency}.inbound" for agency in exchange.stack.agencies]

    def left() -> list[bytes]:
        try:
            return [record.content for record in look(exchange.stack.kafka, topics) if record.content]
        except TimeoutError:
            return [b"records went while they were looked at"]

    until(left, lambda found: not found)


def test_no_key_and_no_header_holds_them(exchange: Exchange, replies: list[bytes]) -> None:
    kafka = exchange.stack.kafka
    consumer = KafkaConsumer(
        *ALL,
        bootstrap_servers=kafka.bootstrap,
        security_protocol=kafka.security_protocol,
        sasl_mechanism=kafka.sasl_mechanism,
        sasl_plain_username=kafka.admin_username,
        sasl_plain_password=kafka.admin_password,
        auto_offset_reset="earliest",
        consumer_timeout_ms=3000,
    )
    seen = 0
    for record in consumer:
        seen += 1
        assert not _found(b" ".join([record.key or b"", *(value or b"" for _, value in record.headers)]))
    consumer.close()
    assert seen > 10


@pytest.mark.parametrize("database", ["gateway", "notifications", "delivery", "vault", "vault_keys"])
async def test_no_database_holds_them_in_the_clear(exchange: Exchange, replies: list[bytes], database: str) -> None:
    tables = await _query(exchange, database, "select tablename from pg_tables where schemaname = 'public'")
    assert tables
    for (table,) in tables:
        for (row,) in await _query(exchange, database, f'select t::text from "{table}" t'):
            assert not _found(row.encode()), table


def test_no_log_no_trace_and_no_letter_holds_them(exchange: Exchange, replies: list[bytes]) -> None:
    folder = exchange.stack.home.folder
    files = [*folder.glob("logs/*"), *folder.glob("services/*/traces/*"), *folder.glob("mail/*/*")]
    assert {"logs", "traces", "new"} <= {file.parent.name for file in files}
    for file in files:
        if file.is_file():
            assert not _found(file.read_bytes()), file.name


def test_no_metric_holds_them(exchange: Exchange, replies: list[bytes]) -> None:
    for name, url in exchange.stack.urls.items():
        assert not _found(httpx.get(f"{url}/metrics").content), name


def test_no_answer_says_them_again(replies: list[bytes]) -> None:
    for answer in replies:
        assert not _found(answer)
