"""What goes on while a part is away, and that all of it is made good by itself once it is back."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from typing import Any

import httpx

from tests.whole_stack.conftest import Exchange, proposal, until


@contextmanager
def away(exchange: Exchange, *parts: str) -> Iterator[None]:
    """Hold parts of the stack, and let them go again whatever happens."""
    for part in parts:
        exchange.stack.hold(part)
    try:
        yield
    finally:
        for part in reversed(parts):
            exchange.stack.let_go(part)


def _ready(exchange: Exchange, name: str) -> bool:
    try:
        return httpx.get(f"{exchange.stack.urls[name]}/health/ready", timeout=5).status_code == 200
    except httpx.HTTPError:
        return False


def _decided(exchange: Exchange) -> str:
    incident = exchange.refer()
    aware = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    decided = proposal("notifiability.decided.v1", None, incident, becameAwareAt=aware)
    assert exchange.settled("authority-approver", exchange.send("authority-approver", decided))["status"] == "accepted"
    return incident


def test_with_kafka_away_intake_answers_and_all_of_it_is_published_later(exchange: Exchange) -> None:
    incident = _decided(exchange)
    with away(exchange, "kafka"):
        sent = exchange.hand_in("authority-notifier", proposal("notification.drafted.v1", None, incident))
        assert sent.http == 202
        assert sent.status == "pending"
        assert exchange.refer().startswith("incident-")
    assert exchange.settled("authority-notifier", sent)["status"] == "accepted"


def test_with_the_vault_away_intake_answers_and_looking_says_try_again(exchange: Exchange) -> None:
    incident = _decided(exchange)
    drafted = exchange.send("authority-notifier", proposal("notification.drafted.v1", None, incident))
    assert exchange.settled("authority-notifier", drafted)["status"] == "accepted"
    path = f"/v1/notifications/{incident}/exports/json"
    purpose: dict[str, Any] = {"purpose": "panel_export"}
    with away(exchange, "vault"):
        assert exchange.refer().startswith("incident-")
        answer = exchange.https.get("authority-notifier", path, purpose)
        assert answer.status_code == 503
        assert "retry-after" in answer.headers
    until(lambda: _ready(exchange, "vault"))
    taken = until(
        lambda: exchange.https.get("authority-notifier", path, purpose), lambda reply: reply.status_code == 200
    )
    assert taken.json()["incident"] == incident
    assert "Child A" in taken.text


def test_with_notifications_away_a_proposal_waits_and_is_answered_once_it_is_back(exchange: Exchange) -> None:
    incident = _decided(exchange)
    with away(exchange, "notifications"):
        sent = exchange.hand_in("authority-notifier", proposal("notification.drafted.v1", None, incident))
        assert sent.status == "pending"
    assert exchange.settled("authority-notifier", sent)["status"] == "accepted"


def test_with_rapid_review_away_a_return_waits_and_is_answered_once_it_is_back(exchange: Exchange) -> None:
    incident, request = exchange.asked("northshire-academy")
    with away(exchange, "rapid-review"):
        nil = proposal("information.returned.v1-nil", "northshire-academy", incident, request=request)
        nil["data"]["agency"] = "northshire-academy"
        sent = exchange.hand_in("northshire-academy", nil)
        assert sent.status == "pending"
    assert exchange.settled("northshire-academy", sent)["status"] == "accepted"


def test_a_gateway_process_that_dies_is_started_again_and_the_other_serves_meanwhile(exchange: Exchange) -> None:
    exchange.stack.kill("gateway-2")
    answer = httpx.get(f"{exchange.stack.urls['gateway']}/health/ready", timeout=10)
    assert answer.status_code == 200
    until(lambda: _ready(exchange, "gateway-2"))


def test_letters_wait_for_the_mail_server_and_come_once_it_is_back_each_once(exchange: Exchange) -> None:
    with away(exchange, "mail"):
        incident = exchange.refer()
        until(lambda: _signal(exchange, "letters_undelivered"))
    until(lambda: _signal(exchange, "letters_waiting") == 0, seconds=60)
    letters = _letters(exchange, incident)
    assert {letter["To"] for letter in letters} == {
        "notifier@northshire-council.example",
        "approver@northshire-council.example",
    }
    assert len({letter["Message-ID"] for letter in letters}) == len(letters) == 2
    assert all("OFFICIAL-SENSITIVE" in str(letter["Subject"]) for letter in letters)


def _signal(exchange: Exchange, name: str) -> float | None:
    """A signal as it is now; None where it cannot be had, which is not the same as nought."""
    url = f"{exchange.stack.urls['notifications']}/operations/signals"
    told = httpx.get(url, headers=exchange.tokens.headers("operator"), timeout=20).json()
    value: float | None = next(one["value"] for one in told["signals"] if one["name"] == name)
    return value


def _letters(exchange: Exchange, incident: str) -> list[Any]:
    files = (exchange.stack.maildir / "new").iterdir()
    letters = [message_from_bytes(file.read_bytes()) for file in files]
    return [letter for letter in letters if incident in str(letter.get_payload())]
