"""A large rapid review on the whole stack: a copy of its chronology, its look recorded once; and what ticks cost."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import orjson

from contracts.envelope import CONTENT_TYPE
from tests.bench.events import example
from tests.bench.ground import Ground, NotMeasured, child
from tests.bench.verdicts import Promise, Row, Spread

COPY = Promise("merged and rendered within four seconds, its words one recorded look", most=4, of="ours")
TICK = Promise("10,000 open reviews cost a tick nothing extra (at most 1.5 times, against none)", most=1.5)
UNIT, NOTIFIER, APPROVER, ADMINISTRATOR = (
    "business-unit-officer",
    "authority-notifier",
    "authority-approver",
    "partnership-administrator",
)
THERE = ("northshire-council", "northshire-police", "northshire-icb", "northshire-academy", "harbour-homes")
AGENCIES = (*THERE, *(f"bench-agency-{number}" for number in range(7)))
IN_ONE = 200
"""Entries in one contribution: the most that the contract takes."""


def measure(ground: Ground) -> Iterator[Row]:
    """A review that twelve agencies answered, and then ticks beside none and beside many."""
    per_agency = 50 if ground.quick else 417
    yield _copied(ground, per_agency)
    rounds = 50 if ground.quick else 200
    with ground.only():
        job = ground.job() | {"of": "reviews", "few": 0, "many": 10_000, "rounds": rounds}
        got = child("tests.bench.ticking", job, 300)
    beside_many, beside_none = Spread(tuple(got["many"])), Spread(tuple(got["few"]))
    conditions = f"10,000 open reviews, none due (ours), against none (reference); {rounds} ticks of each in turn"
    yield Row("review, one tick", TICK, "ms", beside_many.middle, beside_none.middle, conditions)


def _copied(ground: Ground, per_agency: int) -> Row:
    with httpx.Client(timeout=120) as http:
        reviewed = Reviewed(ground, http)
        reviewed.answered(per_agency)
        ground.until(lambda: not ground.value("gateway", _PARCELS), 120, "the vault did not collect", pause=0.5)
        looks = ground.value("vault", _LOOKS)
        began = time.perf_counter()
        copy = reviewed.asked(f"/v1/reviews/{reviewed.incident}/chronology", form="json")
        took = time.perf_counter() - began
        looks = ground.value("vault", _LOOKS) - looks
    lines = orjson.loads(copy)["chronology"]["lines"]
    entries = sum(len(statement["sources"]) for line in lines for statement in line["statements"])
    if entries != per_agency * len(AGENCIES):
        raise NotMeasured(f"{entries} entries in the copy")
    return Row(
        "review, a copy from asking to bytes",
        COPY,
        "s",
        took,
        None,
        f"{entries:,} entries of {len(AGENCIES)} agencies as JSON through the gateway, one request, the stack at rest",
        f"{looks} recorded looks",
        failed=looks != 1,
    )


_PARCELS = "select exists (select from parcel where collected_at is null)"
_LOOKS = "select count(*) from look"


@dataclass
class Reviewed:
    """A review on its way; everything is keyed in by the business unit."""

    ground: Ground
    http: httpx.Client
    incident: str = ""

    def answered(self, per_agency: int) -> None:
        """Have it open, every agency asked, and every agency's entries there."""
        now = datetime.now(UTC)
        for agency in AGENCIES[len(THERE) :]:
            told = {"agency": agency, "name": agency.replace("-", " ").title()}
            self._say(ADMINISTRATOR, "agency.listed.v1", told, subject="partnership-northshire")
        happened = {"dateFrom": (now - timedelta(days=3)).date().isoformat()}
        referral = example("incident.referred.v1")["data"]
        police = {"source": "/agencies/northshire-police"}
        told = {"occurrence": referral["occurrence"] | happened}
        self.incident = self._say("northshire-police", "incident.referred.v1", told, **police)["incident"]
        aware = (now - timedelta(hours=2)).isoformat()
        self._say(APPROVER, "notifiability.decided.v1", {"becameAwareAt": aware})
        content = example("notification.drafted.v1")["data"]["content"] | {"becameAwareAt": aware}
        self._say(NOTIFIER, "notification.drafted.v1", {"content": content})
        self._say(APPROVER, "notification.approved.v1", {})
        self._say(NOTIFIER, "notification.submitted.v1", {"portalTime": (now - timedelta(hours=1)).isoformat()})
        timeline = orjson.loads(self.asked(f"/v1/incidents/{self.incident}/timeline"))
        subject = timeline["items"][0]["data"]["children"][0]["subject"]
        for agency in AGENCIES:
            asked = {"agency": agency, "subjects": [subject], "due": (now + timedelta(days=5)).date().isoformat()}
            self._say(UNIT, "information.requested.v1", asked)
        stands = orjson.loads(self.asked(f"/v1/reviews/{self.incident}"))
        for request in stands["review"]["requests"]:
            about = {name: request[name] for name in ("agency", "request")}
            for first in range(0, per_agency, IN_ONE):
                entries = [_entry(number, subject) for number in range(first, min(first + IN_ONE, per_agency))]
                self._say(UNIT, "information.contributed.v1", about | {"entries": entries})

    def asked(self, path: str, **query: str) -> bytes:
        """What the business unit is answered. Raises NotMeasured."""
        url = f"{self.ground.stack.urls['gateway']}{path}"
        while True:
            answer = self.http.get(url, params=query | {"purpose": "review"}, headers=self.ground.tokens.headers(UNIT))
            if answer.status_code == 200:
                return answer.content
            if answer.status_code != 503:
                raise NotMeasured(f"{path.rpartition('/')[2]}: {answer.status_code} {answer.text[:200]}")
            time.sleep(0.5)

    def _say(self, who: str, name: str, data: dict[str, Any], **attributes: Any) -> dict[str, Any]:
        event = example(name, **(self._from_the_council() | attributes))
        event["data"] |= data
        sent = {key: value for key, value in event.items() if value is not None and key != "incidentref"}
        headers = self.ground.tokens.headers(who) | {"content-type": CONTENT_TYPE, "prefer": "wait=30"}
        url = f"{self.ground.stack.urls['gateway']}/v1/events"
        answer = self.http.post(url, content=orjson.dumps(sent), headers=headers)
        receipt: dict[str, Any] = answer.json()
        if receipt.get("status") != "accepted":
            raise NotMeasured(f"{name}: {answer.status_code} {answer.text[:300]}")
        return receipt

    def _from_the_council(self) -> dict[str, Any]:
        id_, about = f"bench-{uuid4().hex}", self.incident or None
        return {"id": id_, "source": "/agencies/northshire-council", "subject": about}


def _entry(number: int, subject: str) -> dict[str, Any]:
    day = date(2024, 9, 1) + timedelta(days=number * 7 % 700)
    words = {
        "event": f"Entry {number}: a home visit; the kitchen was cold, and there was little food in the house.",
        "significance": "One of several in one month.",
        "practitionerRole": "Social worker",
    }
    return {"day": day.isoformat(), "kind": "visit", "subjects": [subject], "childSeen": "yes", "words": words}
