"""The third act: a rapid review over Christmas with five agencies, and on to a published practice review."""

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import typst

from infra.demo.act import read_acts
from infra.demo.feeds import Feed, about, over_https
from infra.demo.player import Played
from infra.demo.reading import NotReadable, Reading
from infra.demo.reviewing_checker import ACT
from infra.demo.scenarios import BadScenario, Scenario
from infra.demo.ways_in import Https
from shared.london import LONDON

UNIT = "business-unit-officer"
AUTHORITY = "northshire-council"
ASKED = (AUTHORITY, "northshire-police", "northshire-icb", "northshire-academy", "harbour-homes")
PURPOSE = {"purpose": "review"}
TRIES = 30
"""A copy may be asked for before the vault has filed what it needs: 503, try again."""

REPORT = Path(__file__).with_name("report.typ")
TITLE = "Practice review: two children, and what was seen"
SECTIONS = (
    ("Purpose", "To learn how children can be kept safer. Nobody is held to account here."),
    ("What happened", "A young girl was seriously hurt at home. Her older brother had looked after her for years."),
    ("What was found", "Three agencies wrote down the same evening on three different days, each in its own record."),
    ("Why", "Each agency read its own record, and none was told what the others wrote."),
    ("Recommendation", "Read missed appointments and reports of brothers and sisters together."),
)
TELLS = "She was born on 17 May 2019."
"""What the first draft says too much, as do the properties of its file; the second leaves both out."""

WEEKEND = ("Saturday", "Sunday")
CLOCK_FACTS = ("deadline.set", "deadline.recomputed")


def read_rapid_review() -> Scenario:
    """The act's messages. Raises BadScenario."""
    (act,) = (act for act in read_acts() if act.name == ACT)
    return act


@cache
def report_pdf(draft: str) -> bytes:
    """The reviewer's document, as it is filed for a step."""
    telling = [("The child", TELLS)] if draft == "draft-1" else []
    told = {
        "title": TITLE,
        "title-of-file": TITLE if telling else "",
        "author-of-file": ["A reviewer's office"] if telling else [],
        "sections": [{"heading": name, "text": text} for name, text in (*telling, *SECTIONS)],
    }
    made = typst.Compiler(REPORT).compile(format="pdf", sys_inputs={"told": json.dumps(told)})
    assert isinstance(made, bytes)
    return made


class RapidReview:
    """Looks up what the act's messages speak of, and reads what became of it, as the business unit does."""

    def __init__(self, https: Https) -> None:
        self._https = https
        self._filed: dict[str, str] = {}

    def look_up(self, played: Played, name: str) -> str:
        """What a placeholder stands for. Raises BadScenario."""
        kind, _, which = name.partition(":")
        incident = next(iter(played.incidents.values()), "")
        found = {"subject": self._subject, "request": self._request, "document": self._document}[kind](incident, which)
        if found is None:
            raise BadScenario(f"there is no {kind} {which}")
        return found

    def _subject(self, incident: str, which: str) -> str | None:
        facts = self._shown(f"/v1/incidents/{incident}/timeline")["items"]
        children = next(fact["data"]["children"] for fact in facts if _name(fact) == "incident.referred")
        return str(children[int(which) - 1]["subject"])

    def _request(self, incident: str, agency: str) -> str | None:
        asked = self._shown(f"/v1/reviews/{incident}")["review"].get("requests", ())
        return next((one["request"] for one in asked if one["agency"] == agency), None)

    def _document(self, incident: str, step: str) -> str | None:
        if step not in self._filed:
            answer = self._https.file(UNIT, incident, report_pdf(step), "application/pdf", f"{step}.pdf")
            if not answer.is_success:
                raise BadScenario(f"a document was answered {answer.status_code}: {answer.text[:200]}")
            self._filed[step] = answer.json()["ref"]
        return self._filed[step]

    def found(self, played: Played, reading: Reading) -> dict[str, Any]:
        """What became of it, in the shape of the expectations. Raises NotReadable."""
        incident = next(iter(played.incidents.values()), "")
        told = self._shown(f"/v1/reviews/{incident}")
        facts = self._shown(f"/v1/reviews/{incident}/detail", PURPOSE)["facts"]
        decided = dict(map(_decided, _of(facts, "practice-review.decided")))
        whole = reading.found(played)
        return {
            "receipts": whole["receipts"],
            "in_the_open": whole["in_the_open"],
            "review": _review(told["review"]),
            "requests": {one["agency"]: _request(one) for one in told["review"]["requests"]},
            "clocks": [*map(_clock, _of(facts, *CLOCK_FACTS))],
            "judged": [*map(_judged, _of(facts, "deadline.met", "deadline.missed"))],
            "warned": [*map(_warned, _of(facts, "deadline.due-soon"))],
            "chased": [*map(_chased, _of(facts, "information.chased"))],
            "practice": _practice(told["practiceReview"]) | {"decided": decided},
            "scans": [fact["data"]["result"] for fact in _of(facts, "redaction.scanned")],
            "feeds": {agency: _feed(agency, about(over_https(self._https, agency), incident)) for agency in ASKED},
        }

    def copies(self, played: Played, folder: Path) -> list[Path]:
        """The copies that the business unit takes, written to a folder. Raises NotReadable."""
        incident = next(iter(played.incidents.values()), "")
        asked = self._request(incident, "harbour-homes")
        at = f"/v1/reviews/{incident}"
        wanted: dict[str, tuple[str, Mapping[str, str]]] = {
            "report.pdf": (f"{at}/report/pdf", PURPOSE),
            "report.json": (f"{at}/report/json", PURPOSE),
            # The version that one partner dissented from, and the scrutineer commented on.
            "report-version-2.pdf": (f"{at}/report/pdf", PURPOSE | {"version": "2"}),
            **{f"chronology.{form}": (f"{at}/chronology", PURPOSE | {"form": form}) for form in ("csv", "xlsx", "svg")},
            "request.pdf": (f"{at}/requests/{asked}/letter", PURPOSE),
            "advance-copy.pdf": (f"/v1/practice-reviews/{incident}/pack/pdf", PURPOSE),
            "advance-copy.json": (f"/v1/practice-reviews/{incident}/pack/json", PURPOSE),
        }
        folder.mkdir(parents=True, exist_ok=True)
        written = []
        for name, (path, params) in wanted.items():
            (folder / name).write_bytes(self._answer(path, params).content)
            written.append(folder / name)
        return written

    def _shown(self, path: str, params: Mapping[str, str] | None = None) -> dict[str, Any]:
        told: dict[str, Any] = self._answer(path, params).json()
        return told

    def _answer(self, path: str, params: Mapping[str, str] | None = None) -> Any:
        for attempt in range(TRIES):
            answer = self._https.get(UNIT, path, params)
            if answer.is_success:
                return answer
            if answer.status_code != 503:
                break
            time.sleep(0.1 * (attempt + 1))
        raise NotReadable(f"GET {path} was answered {answer.status_code}: {answer.text[:300]}")


def _name(fact: Mapping[str, Any]) -> str:
    return str(fact["type"]).rpartition(".v")[0]


def _of(facts: Sequence[Mapping[str, Any]], *names: str) -> list[Mapping[str, Any]]:
    return [fact for fact in facts if _name(fact) in names]


def _decided(fact: Mapping[str, Any]) -> tuple[str, date | None]:
    return fact["data"]["partner"], _day(fact["data"]["decidedOn"])


def _review(told: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "status": told["status"],
        "closed": told["closed"],
        "rule": told["rule"],
        "plan": {one["task"]: _day(one["due"]) for one in told["plan"]},
        "gaps": told["gaps"],
        "quorate": [one["quorate"] for one in told["meetings"]],
        "signed_off": [one["version"] for one in told["versions"] if one["signedOff"]],
        "dissenting": {str(one["version"]): one["dissenting"] for one in told["versions"] if one["dissenting"]},
        "submitted": [f"{one['version']} {_at(one['at'])}: the Panel {one['panel']}" for one in told["submissions"]],
    }


def _request(told: Mapping[str, Any]) -> dict[str, Any]:
    marks = (("nil", "nil"), ("late", "late"), ("afterMeeting", "after the meeting"))
    versions = told["versions"]
    return {
        "status": told["status"],
        "due": _day(told["due"]),
        "versions": [", ".join([said for key, said in marks if each[key]]) or "in time" for each in versions],
        "contributions": told["contributions"],
        "outside_the_period": sum(each["outsideScope"] for each in versions[-1:]),
        "overdue": told["overdue"],
        "chased": told["chased"],
    }


def _practice(told: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "status": told["status"],
        "version": told["draft"]["version"],
        "passed_by": told["draft"]["passedBy"],
        "copies": {who: _day(on) for who, on in told["draft"]["copies"].items()},
        "published_on": _day(told["publishedOn"]),
        "available_until": _day(told["availableUntil"]),
        "unpublished": told["unpublished"],
    }


def _clock(fact: Mapping[str, Any]) -> dict[str, Any]:
    data = fact["data"]
    reckoned = data["reckoned"]
    months = reckoned.get("months")
    return {
        "clock": data["clock"],
        "day0": _day(reckoned["day0"]),
        "due": _day(reckoned["due"]),
        "length": f"{months} months" if months else f"{reckoned['workingDays']} working days",
        "not_counted": [_day(off["day"]) for off in reckoned.get("notCounted", ())],
        "off": {_day(off["day"]): off["why"] for off in reckoned.get("notCounted", ()) if off["why"] not in WEEKEND},
    }


def _judged(fact: Mapping[str, Any]) -> str:
    data = fact["data"]
    if _name(fact) == "deadline.missed":
        return f"{data['clock']} missed"
    return f"{data['clock']} met {_at(data['metAt'])}, {'in time' if data['inTime'] else 'late'}"


def _warned(fact: Mapping[str, Any]) -> str:
    return f"{fact['data']['clock']} {_at(fact['time'])}, working day {fact['data']['workingDay']}"


def _chased(fact: Mapping[str, Any]) -> str:
    return f"{_at(fact['time'])} {fact['data']['agency']} {fact['data']['level']}"


def _feed(agency: str, feed: Feed) -> dict[str, Any]:
    """What of the requests an agency was shown: its own, and of others' nothing."""
    asked = [event for event in feed.values() if "request" in event["data"] and "agency" in event["data"]]
    return {
        "of_others": sorted({event["data"]["agency"] for event in asked} - {agency}),
        "own": sorted({_name(event) for event in asked if event["data"]["agency"] == agency}),
        "besides": _besides(feed.values()) if agency in ("northshire-academy", "harbour-homes") else [],
    }


def _besides(events: Iterable[Mapping[str, Any]]) -> list[str]:
    """What else than its own request an agency outside the three partners was shown of it."""
    return sorted({_name(event) for event in events if "request" not in event["data"]})


def _day(told: str | None) -> date | None:
    return date.fromisoformat(told) if told else None


def _at(told: str) -> str:
    """A moment as people in England read it, so that an expectation can be read beside a calendar."""
    return f"{datetime.fromisoformat(told).astimezone(LONDON):%Y-%m-%d %H:%M}"
