"""How long a proposal takes to its owner's answer, through everything, at a steady pace."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import cycle

import httpx
import orjson

from contracts.envelope import CONTENT_TYPE
from tests.bench.events import AGENCIES, example, referral
from tests.bench.ground import Ground, NotMeasured
from tests.bench.load import Sender
from tests.bench.verdicts import Promise, Row

PACE = 100
GENTLE = 10
TOLD = Promise("for information")
P50 = Promise("p50 under 25 ms", most=25, of="ours")
P99 = Promise("p99 under 150 ms", most=150, of="ours")


def measure(ground: Ground) -> Iterator[Row]:
    """Drafts of notifications, each sent with `Prefer: wait`, so that the response is the owner's verdict."""
    incidents, seconds = (40, 5.0) if ground.quick else (200, 25.0)
    senders = list(_drafts(ground, incidents))
    ground.quiet()
    ground.load(senders, 3.0, pace=GENTLE)
    gentle = ground.load(senders, seconds, pace=GENTLE)
    said = f"p50 {gentle.p50:.1f}, p90 {gentle.p90:.1f}, p99 {gentle.p99:.1f} ms over {gentle.requests:,}"
    yield Row(f"accepted to answered at {GENTLE} a second, p50", TOLD, "ms", gentle.p50, None, "as below", said)
    outcome = ground.load(senders, seconds, pace=PACE)
    conditions = (
        f"{PACE} drafts a second for {seconds:.0f} s over {incidents} incidents and both gateway processes, the whole"
        " stack running; from the moment at which a request was to be sent to the response that carries the verdict of"
        " notifications (Prefer: wait), so intake itself is included"
    )
    note = f"p50 {outcome.p50:.1f}, p90 {outcome.p90:.1f}, p99 {outcome.p99:.1f} ms over {outcome.requests:,}"
    rows = (
        Row("accepted to answered, p50", P50, "ms", outcome.p50, None, conditions, note),
        Row("accepted to answered, p99", P99, "ms", outcome.p99, None, conditions, note),
    )
    yield from rows
    if any(row.met is False for row in rows):
        for process in ("gateway", "notifications"):
            # Slower, since what is profiled takes longer; one that cannot keep up even so has told its tale.
            with suppress(NotMeasured), ground.profile(process, f"answered-{process}"):
                ground.load(senders, 5.0, pace=PACE / 4)


def _drafts(ground: Ground, count: int) -> Iterator[Sender]:
    """A draft for each of so many incidents that were found notifiable, at each gateway in turn."""
    gateways = cycle((ground.stack.urls["gateway"], ground.stack.urls["gateway-2"]))
    token = ground.tokens.of("authority-notifier")
    with httpx.Client(timeout=30) as http:
        incidents = [_notifiable(ground, http, number) for number in range(count)]
    for incident in incidents:
        draft = example("notification.drafted.v1", subject=incident)
        yesterday = (datetime.now(UTC) - timedelta(days=1)).isoformat()
        draft["data"]["content"] |= {"becameAwareAt": yesterday}
        draft["data"]["content"]["occurrence"]["dateFrom"] = _day(3)
        for child in draft["data"]["content"]["children"]:
            del child["ageAtIncident"]
        text = orjson.dumps(draft).decode()
        yield Sender(f"{next(gateways)}/v1/events", token, text, CONTENT_TYPE, prefer="wait=10")


def _notifiable(ground: Ground, http: httpx.Client, number: int) -> str:
    """An incident that was referred and triaged."""
    id_ = f"latency-{number}-{datetime.now(UTC):%H%M%S%f}"
    police = AGENCIES[0]
    incident = _sent(ground, http, police, referral(police).replace("@id", id_))
    decided = example("notifiability.decided.v1", subject=incident, id=f"{id_}-triage")
    decided["data"]["becameAwareAt"] = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    return _sent(ground, http, "authority-approver", orjson.dumps(decided).decode())


def _sent(ground: Ground, http: httpx.Client, who: str, text: str) -> str:
    headers = ground.tokens.headers(who) | {"content-type": CONTENT_TYPE}
    answer = http.post(f"{ground.stack.urls['gateway']}/v1/events", content=text, headers=headers)
    if answer.status_code != 202 or answer.json()["status"] != "accepted":
        raise NotMeasured(f"{answer.status_code} {answer.text[:400]}")
    return str(answer.json()["incident"])


def _day(ago: int) -> str:
    return (datetime.now(UTC) - timedelta(days=ago)).date().isoformat()
