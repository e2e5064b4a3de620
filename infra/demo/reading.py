"""What became of a scenario, as the public API tells the people whose it is, and as the topics show it.

The shape is that of the expectations (`tests/end_to_end/expectations/README.md`), so that the two can be compared.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from infra.demo.outside_eye import Seen, types_by_topic, words_in_the_open
from infra.demo.player import Played
from infra.demo.scenarios import Step
from infra.demo.ways_in import Https, Sent

READERS = {"northshire": "authority-approver", "southmere": "southmere-authority-approver"}
"""Who reads an incident: the director of the partnership that it stands in."""

CALENDAR = "calendar-england-and-wales"


NOTICES = ("deadline.due-soon.", "deadline.missed.")


class NotReadable(Exception):
    """The public API did not show what it should; says what was asked and answered."""


class Reading:
    """Reads outcomes through the gateway, and the topics that an outside eye has seen."""

    def __init__(self, https: Https, seen: Sequence[Seen]) -> None:
        self._https = https
        self._seen = seen

    def found(self, played: Played) -> dict[str, Any]:
        """Everything about a scenario that an expectation can speak of."""
        names = {incident: step for step, incident in played.incidents.items()}
        return {
            "receipts": {step.name: self._receipt(step, played) for step in played.scenario.steps},
            "incidents": {
                step: self._incident(incident, _reader(played, step), names)
                for step, incident in played.incidents.items()
            },
            "calendar": types_by_topic(self._seen, CALENDAR),
            "in_the_open": words_in_the_open(self._seen, played.scenario),
        }

    def _receipt(self, step: Step, played: Played) -> dict[str, Any]:
        sent = played.sent[step.name]
        receipt = self._https.receipt(step.by, sent.submission) if sent.submission else (sent.receipt or {})
        faults = receipt.get("faults", ())
        return {
            "status": receipt.get("status") if sent.submission else sent.status,
            "http": sent.http,
            "faults": [f"{fault['pointer'] or '(whole)'} {fault['rule']}" for fault in faults],
            "allowed": [allowed for fault in faults for allowed in _allowed(fault)],
            "marks": list(receipt.get("marks", ())),
            "waited": sent.status == "waiting",
            "same_as": _first_with(sent, played, step.name),
        }

    def _incident(self, incident: str, reader: str, names: Mapping[str, str]) -> dict[str, Any]:
        shown = self._shown(reader, f"/v1/incidents/{incident}")
        facts = self._shown(reader, f"/v1/incidents/{incident}/timeline")["items"]
        linked_to = shown.get("linkedTo")
        published = types_by_topic(self._seen, incident)
        return {
            "status": shown.get("status"),
            "linked_to": names.get(str(linked_to), linked_to),
            "clocks": {clock["clock"]: _clock(clock, facts) for clock in shown["clocks"]},
            "published": published,
            "notices": [_notice(fact) for fact in facts if str(fact["type"]).startswith(NOTICES)],
        } | self._notification(incident, reader)

    def _notification(self, incident: str, reader: str) -> dict[str, Any]:
        answer = self._https.get(reader, f"/v1/notifications/{incident}")
        if answer.status_code == 404:
            return {"notification": "none", "grounds": [], "recipients": [], "rapid_review": False}
        shown = _body(answer, f"/v1/notifications/{incident}")
        submission = shown.get("submission") or {}
        return {
            "notification": shown["status"],
            "grounds": shown["grounds"],
            "recipients": shown["recipients"],
            "rapid_review": shown["reviewFollows"],
            "without_approval": submission.get("withoutApproval", False),
            "acknowledged_by": shown["acknowledgedBy"],
        }

    def _shown(self, reader: str, path: str) -> dict[str, Any]:
        return _body(self._https.get(reader, path), path)


def _reader(played: Played, referral: str) -> str:
    step = next(step for step in played.scenario.steps if step.name == referral)
    return READERS[(step.event or {})["partnership"]]


def _first_with(sent: Sent, played: Played, name: str) -> str | None:
    same = [step for step, other in played.sent.items() if sent.submission and other.submission == sent.submission]
    return same[0] if same and same[0] != name else None


def _allowed(fault: Mapping[str, Any]) -> Iterable[str]:
    allowed = fault.get("allowed") or ()
    return allowed.split("; ") if isinstance(allowed, str) else allowed


def _clock(clock: Mapping[str, Any], facts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    reckoned = clock["reckoned"] or {}
    own = [
        (str(fact["type"]).rpartition(".v")[0], fact["data"])
        for fact in facts
        if fact["data"].get("clock") == clock["clock"]
    ]
    met = [data for name, data in own if name == "deadline.met"]
    return {
        "state": clock["state"],
        "day0": _day(reckoned.get("day0")),
        "due": _day(clock["due"]),
        "not_counted": [_day(off["day"]) for off in reckoned.get("notCounted", ())],
        "late_from": _instant(clock["lateFrom"]),
        "met_at": _instant(clock["metAt"]),
        "working_days_late": clock["workingDaysLate"],
        "awaiting_reason": clock["awaitingReason"],
        "awaited_reason": any(data.get("awaitingReason") for data in met),
        "judged_again": any(data.get("corrects") for data in met),
        "was_missed": any(name == "deadline.missed" for name, _ in own),
        "warned_on": [data["workingDay"] for name, data in own if name == "deadline.due-soon"],
        "recomputed_because": [data["because"] for name, data in own if name == "deadline.recomputed"],
        "reckoned": clock["reckoned"],
        "because": next((data["because"] for name, data in reversed(own) if name == "deadline.cancelled"), None),
    }


def _notice(fact: Mapping[str, Any]) -> dict[str, Any]:
    """A warning or a miss, as it was told when it was due."""
    data = fact["data"]
    return {
        "at": datetime.fromisoformat(fact["time"]),
        "clock": data["clock"],
        "working_day": data.get("workingDay"),
        "again": data.get("again", False),
    }


def _day(told: str | None) -> date | None:
    return date.fromisoformat(told) if told else None


def _instant(told: str | None) -> datetime | None:
    return datetime.fromisoformat(told) if told else None


def _body(answer: Any, path: str) -> dict[str, Any]:
    if not answer.is_success:
        raise NotReadable(f"GET {path} was answered {answer.status_code}: {answer.text[:200]}")
    told: dict[str, Any] = answer.json()
    return told
