"""`sx review` and `sx practice-review`: what a command says is an event of the contracts, and what it shows is read."""

import json
from collections.abc import Iterator, Mapping
from enum import Enum
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console
from safeguarding_exchange import proposing, review_codes, review_report, review_returning, reviews, shown
from safeguarding_exchange.command import app
from typer.testing import CliRunner, Result

from contracts import review_codes as agreed
from contracts.catalogue import CATALOGUE
from contracts.practice_reviews import PracticeReviewDrafted
from contracts.reviews import InformationReturned, ReviewDrafted

INCIDENT = "incident-" + "1" * 32
CHILD = "subject-" + "2" * 32
REQUEST, OTHER = "request-" + "3" * 32, "request-" + "4" * 32
DOCUMENT = "vault:" + "5" * 32
AGENCIES = [
    {"agency": "northshire-council", "type": "local_authority"},
    {"agency": "northshire-police", "type": "police_force"},
    {"agency": "northshire-icb", "type": "icb"},
    {"agency": "northshire-academy", "type": "school"},
]


def _standing() -> dict[str, Any]:
    """What the gateway tells the authority, in the middle of a review; by hand."""
    days = [{"day": "2026-12-15", "why": "day 0 is not counted"}, {"day": "2026-12-16", "workingDay": 1}]
    waits = [{"what": "answer", "due": "2027-01-04", "overdue": True, "agency": "northshire-academy"}]
    asked = {"request": REQUEST, "agency": "northshire-academy", "status": "requested", "due": "2027-01-04"}
    returned = {"version": 2, "at": "2027-01-04T10:00:00+00:00", "nil": False, "late": True, "outsideScope": 3}
    return {
        "incident": INCIDENT,
        "partnership": "northshire",
        "review": {
            "status": "drafted",
            "rule": "T06a",
            "portalTime": "2026-12-15T15:00:00+00:00",
            "due": "2027-01-08",
            "plan": [
                {"task": "requests_out", "day": 1, "due": "2026-12-16"},
                {"task": "returns_due", "day": 10, "due": "2026-12-31"},
                {"task": "other", "title": "See the school", "day": 3, "due": "2026-12-18"},
            ],
            "clocks": [
                {
                    "clock": "T06a",
                    "rule": "T06a",
                    "state": "open",
                    "due": "2027-01-08",
                    "sentence": "15 working days after Tue 15 Dec 2026; Fri 25 Dec is Christmas Day",
                    "days": days,
                }
            ],
            "requests": [
                asked | {"overdue": True, "chased": ["overdue", "reminder"], "versions": []},
                {
                    **asked,
                    "request": OTHER,
                    "agency": "northshire-police",
                    "status": "returned",
                    "versions": [returned],
                },
            ],
            "gaps": ["northshire-academy"],
            "meetings": [{"heldAt": "2027-01-05T10:00:00+00:00", "quorate": True}],
            "versions": [
                {
                    "version": 1,
                    "decision": {"outcome": "practice_review"},
                    "signedOff": False,
                    "views": {"icb": "dissent"},
                }
            ],
            "submissions": [],
            "waits": waits,
        },
        "practiceReview": {
            "status": "draft_report",
            "due": "2027-07-29",
            "decisions": {"icb": {"basis": "rapid_review", "on": "2027-01-29"}},
            "paused": True,
            "scale": "standard",
            "reviewers": ["reviewer-" + "6" * 32],
            "draft": {
                "version": 4,
                "responded": False,
                "scan": "found",
                "found": {"name": 2},
                "passedBy": 1,
                "copies": {"panel": "2027-06-01"},
            },
            "planned": {"on": "2027-06-15", "form": "full"},
            "waits": [{"what": "publish_in_time", "due": "2027-07-29"}],
        },
    }


class Door:
    """The gateway as these commands ask it: it tells how a review stands, and keeps what was said."""

    def __init__(self, agency: str = "northshire-council") -> None:
        self.session = SimpleNamespace(agency=agency, partnership="northshire")
        self.said: list[tuple[str, dict[str, Any], str | None]] = []
        self.asked: list[tuple[str, Mapping[str, Any]]] = []
        self.statuses: Iterator[str] = iter(())

    def __enter__(self) -> "Door":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def get(self, path: str, base: str | None = None, **query: object) -> Any:
        self.asked.append((path, query))
        if path == "/v1/agencies":
            return {"items": AGENCIES}
        if path.endswith("/timeline"):
            older = {"data": {"children": [{"subject": "subject-" + "9" * 32}]}}
            return {"items": [older, {"data": {"children": [{"subject": CHILD}]}}, {"data": {}}]}
        return _standing()

    def pages(self, path: str) -> list[Any]:
        return [_standing()]

    def download(self, path: str, **query: object) -> Any:
        self.asked.append((path, query))
        return SimpleNamespace(content=b"%PDF-", headers={"content-disposition": 'attachment; filename="../copy.pdf"'})

    def file(self, path: str, content: bytes, media_type: str, name: str, **query: object) -> Any:
        self.asked.append((path, query | {"media_type": media_type, "name": name}))
        return {"ref": DOCUMENT}

    def event(self, name: str, data: dict[str, Any], subject: str) -> dict[str, Any]:
        return {"id": f"event-{len(self.said)}-{name}", "type": name, "data": data, "subject": subject}

    def send(self, event: dict[str, Any]) -> dict[str, Any]:
        status = next(self.statuses, "accepted")
        self.said.append((event["type"], event["data"], event["id"]))
        return {"status": status, "submission": "submission-1"}

    def publish(self, name: str, data: dict[str, Any], subject: str | None = None, **_: object) -> dict[str, Any]:
        self.said.append((name, data, subject))
        return {"status": next(self.statuses, "accepted"), "submission": "submission-1"}


@pytest.fixture
def door(monkeypatch: pytest.MonkeyPatch) -> Door:
    door = Door()
    from safeguarding_exchange import practice_publication, practice_reviews, review_information

    for room in (proposing, reviews, review_information, review_report, review_returning):
        monkeypatch.setattr(room, "exchange", lambda account: door)
    for room in (practice_publication, practice_reviews):
        monkeypatch.setattr(room, "exchange", lambda account: door)
    monkeypatch.setattr(shown, "console", Console(width=160, highlight=False))
    return door


def run(*words: str, fails: bool = False) -> Result:
    done = CliRunner().invoke(app, list(words))
    assert (done.exit_code != 0) == fails, done.output
    return done


AT = "2027-01-08T16:00:00+00:00"
ACTS: list[tuple[str, tuple[str, ...]]] = [
    ("review.planned", ("review", "plan", INCIDENT, "--task", "returns_due=8", "--own", "See the home=4")),
    (
        "information.requested",
        ("review", "request", INCIDENT, "northshire-icb", "--from", "2025-01-01", "--to", "2026-12-14"),
    ),
    ("information.acknowledged", ("review", "acknowledge", INCIDENT, "--for", "northshire-academy")),
    ("information.returned", ("review", "return", INCIDENT, "--nil", "--signed-off", "--for", "northshire-academy")),
    ("return.accepted", ("review", "accept", INCIDENT, "northshire-police")),
    ("return.queried", ("review", "query", INCIDENT, "northshire-police", "--reason", "What of March?")),
    ("gaps.recorded", ("review", "gaps", INCIDENT, "--missing", "northshire-academy=It is closed until Monday.")),
    (
        "meeting.held",
        (
            *("review", "meeting", INCIDENT, "--at", AT, "--present", "northshire-police:partner"),
            *("--present", "northshire-icb:partner", "--present", "northshire-council:chair"),
            *("--apologies", "northshire-academy:safeguarding_lead"),
        ),
    ),
    ("view.recorded", ("review", "view", INCIDENT, "dissent", "--dissent", "It leaves out the move.")),
    ("review.commented", ("review", "comment", INCIDENT, "--comment", "Well reasoned, and in time.")),
    ("review.submitted", ("review", "submit", INCIDENT, "--at", AT, "--reference", "RR-1", "--late-reason", "Ill.")),
    ("panel.answered", ("review", "answer", INCIDENT, "queries", "--at", AT, "--advice", "local_review")),
    ("review.closed", ("review", "close", INCIDENT, "no_reply", "--reason", "None came.")),
    ("learning.noted", ("review", "learn", INCIDENT, "changed", "--statement", "Two records of one child.")),
    ("practice-review.decided", ("practice-review", "decide", INCIDENT, "rapid_review", "--reasons", "Themes recur.")),
    (
        "practice-review.scoped",
        (
            *("practice-review", "scope", INCIDENT, "--terms", "What and why.", "--scale", "standard"),
            *("--scale-reasons", "As much as the case needs.", "--from", "2025-01-01", "--to", "2026-12-14"),
            *("--beside", "criminal", "--beside", "inquest"),
        ),
    ),
    (
        "reviewer.appointed",
        ("practice-review", "appoint", INCIDENT, "--name", "Independent reviewer", "--independence", "From elsewhere."),
    ),
    ("reviewer.removed", ("practice-review", "remove", INCIDENT, "reviewer-" + "6" * 32, "--reason", "Ill.")),
    (
        "practice-review.monitored",
        ("practice-review", "monitor", INCIDENT, "--in-time", "--quality", "good", "--asked-for-draft"),
    ),
    (
        "involvement.recorded",
        ("practice-review", "involve", INCIDENT, "family", "invited", "--on", "2027-03-01"),
    ),
    (
        "delay.notified",
        (
            *("practice-review", "delay", INCIDENT, "--reasons", "A trial.", "--expected-on", "2027-09-01"),
            *("--panel-told-at", AT),
        ),
    ),
    ("practice-review.paused", ("practice-review", "pause", INCIDENT, "--reason", "A trial.")),
    ("practice-review.resumed", ("practice-review", "resume", INCIDENT)),
    ("response.agreed", ("practice-review", "respond", INCIDENT, "--response", "We accept all of it.")),
    ("redaction.checked", ("practice-review", "check", INCIDENT, "--failed", "--note", "A street is named.")),
    ("publication.planned", ("practice-review", "plan-publication", INCIDENT, "--on", "2027-06-15")),
    ("advance-copy.delivered", ("practice-review", "advance-copy", INCIDENT, "secretary_of_state", "--at", AT)),
    (
        "practice-review.published",
        ("practice-review", "publish", INCIDENT, "--on", "2027-06-15", "--address", "https://northshire.example/a"),
    ),
    ("practice-review.unpublished", ("practice-review", "unpublish", INCIDENT, "--reason", "Its year has passed.")),
    ("practice-review.ended", ("practice-review", "end", INCIDENT, "--reason", "Another review covers it.")),
]


@pytest.mark.parametrize(("name", "words"), ACTS, ids=[name for name, _ in ACTS])
def test_each_act_says_an_event_of_the_contracts(name: str, words: tuple[str, ...], door: Door) -> None:
    words += ("--reason", "To learn how it came about.") if name == "information.requested" else ()
    run(*words)
    ((said, data, _),) = door.said
    assert said == name
    CATALOGUE[name].model.model_validate(data)


def test_what_a_person_can_say_of_a_review_can_be_said_with_sx() -> None:
    ours = {name for name, entry in CATALOGUE.items() if entry.owner == "rapid-review" and entry.proposers}
    files = {"review.drafted", "practice-review.drafted", "information.contributed"}
    assert ours == {name for name, _ in ACTS} | files


def test_what_is_refused_ends_with_a_status(door: Door) -> None:
    door.statuses = iter(["refused"])
    run("review", "close", INCIDENT, "cancelled", fails=True)


@pytest.mark.parametrize("name", [name for name, one in vars(review_codes).items() if isinstance(one, type)])
def test_the_codes_are_those_of_the_contracts(name: str) -> None:
    codes = getattr(review_codes, name)
    if codes is Enum or not hasattr(agreed, name):
        assert name in ("Enum", "Why", "Category")  # patterns of a field, held by the acts above
        return
    wanted = {one.value for one in getattr(agreed, name)} - ({"other"} if name == "Task" else set())
    assert {one.value for one in codes} == wanted


def test_the_empty_sheets_have_the_contracts_headings(door: Door) -> None:
    report = json.loads(run("review", "headings").output)
    fields = {field.alias or name for name, field in ReviewDrafted.model_fields.items()}
    assert set(report) == fields - {"version"}
    answer = json.loads(run("review", "answer-sheet").output)
    more = {"agency", "request", "nil", "replacesContributions", "entries", "author", "documents"}
    wire = {field.alias or name for name, field in InformationReturned.model_fields.items()}
    assert set(answer) == wire - more - {"version", "late", "afterMeeting"}


def test_a_plan_keeps_what_was_not_named(door: Door) -> None:
    run("review", "plan", INCIDENT, "--task", "returns_due=8", "--without", "requests_out")
    ((_, data, _),) = door.said
    assert data["plan"] == [
        {"task": "other", "title": "See the school", "day": 3},
        {"task": "returns_due", "day": 8},
    ]


def test_a_slip_in_a_tasks_name_is_said_before_anything_is_sent(door: Door) -> None:
    assert "return_due is no task" in " ".join(
        run("review", "plan", INCIDENT, "--task", "return_due=8", fails=True).output.split()
    )
    assert door.said == []


def test_a_request_is_about_the_incidents_children_as_they_are_known_now(door: Door) -> None:
    words = ("--from", "2025-01-01", "--to", "2026-12-14", "--reason", "To learn how it came about.")
    run("review", "request", INCIDENT, "northshire-icb", *words)
    assert door.said[0][1]["subjects"] == [CHILD]


def test_a_period_that_ends_before_it_begins_is_said_before_anything_is_sent(door: Door) -> None:
    words = ("--from", "2026-12-14", "--to", "2025-01-01", "--reason", "To learn how it came about.")
    said = run("review", "request", INCIDENT, "northshire-icb", *words, fails=True)
    assert "ends before it begins" in " ".join(said.output.split())
    assert door.said == []


def test_words_come_out_of_a_file(door: Door, tmp_path: Path) -> None:
    (tmp_path / "why.txt").write_text("The academy is closed until Monday.\n", encoding="utf-8-sig")
    run("review", "gaps", INCIDENT, "--missing", f"northshire-academy=@{tmp_path / 'why.txt'}")
    assert door.said[0][1]["missing"] == [
        {"agency": "northshire-academy", "reason": "The academy is closed until Monday."}
    ]
    (tmp_path / "empty.txt").write_text(" ")
    run("review", "comment", INCIDENT, "--comment", f"@{tmp_path / 'empty.txt'}", fails=True)
    none = run("review", "comment", INCIDENT, "--comment", f"@{tmp_path / 'none.txt'}", fails=True)
    assert "there is no file" in none.output
    assert len(door.said) == 1


def test_each_of_the_three_partners_speaks_for_itself(door: Door) -> None:
    words = ("--at", AT, "--present", "northshire-council:partner", "--present", "northshire-police:partner")
    run("review", "meeting", INCIDENT, *words, "--present", "northshire-police:chair")
    partners = [one.get("partner") for one in door.said[0][1]["attendees"]]
    assert partners == ["local_authority", "police", None]
    run("review", "meeting", INCIDENT, "--at", AT, "--present", "northshire-academy:partner", fails=True)


def test_an_agency_with_two_requests_says_which(door: Door) -> None:
    said = run("review", "acknowledge", INCIDENT, fails=True).output
    assert "--request" in said
    run("review", "acknowledge", INCIDENT, "--request", OTHER)
    assert door.said[0][1] == {"agency": "northshire-police", "request": OTHER}


def test_nothing_and_something_cannot_both_be_returned(door: Door, tmp_path: Path) -> None:
    (tmp_path / "answer.json").write_text("{}")
    run("review", "return", INCIDENT, "--nil", "--answer", str(tmp_path / "answer.json"), "--signed-off", fails=True)
    run("review", "return", INCIDENT, "--signed-off", fails=True)
    run("review", "return", INCIDENT, "--nil", "--for", "northshire-academy", fails=True)
    assert door.said == []


FOR = ("--for", "northshire-academy", "--signed-off")


def test_a_chronology_out_of_a_sheet_is_the_answers(door: Door, tmp_path: Path) -> None:
    sheet, answer = tmp_path / "sheet.csv", tmp_path / "answer.json"
    sheet.write_text("date,event,child\n2026-03-02,Absent from school,Child A\n")
    answer.write_text(json.dumps({"analysis": "What was known was not put together.", "gaps": ""}))
    words = ("--chronology", str(sheet), "--answer", str(answer), "--child", f"Child A={CHILD}")
    run("review", "return", INCIDENT, *words, *FOR)
    ((name, data, _),) = door.said
    told = InformationReturned.model_validate(data)
    assert name == "information.returned"
    assert [entry.subjects for entry in told.entries] == [(CHILD,)]
    assert "gaps" not in data
    assert data["signedOff"] is True


def test_what_mends_refused_rows_is_named_as_it_is_typed(door: Door, tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.csv"
    sheet.write_text("date,child,event\n03/04/2026,,A visit.\n2026-04-05,Sam,A visit.\n2026-04-06,,A visit.\n")
    words = ("review", "return", INCIDENT, "--request", OTHER, "--chronology", str(sheet), "--signed-off")
    said = " ".join(run(*words, fails=True).output.split())
    assert "2 rows were refused" in said
    assert "1 row is kept" in said
    assert "--day-first" in said
    assert "--child NAME=subject-" in said
    assert door.said == []


def test_an_agency_that_was_not_asked_is_told_so(door: Door) -> None:
    said = " ".join(run("review", "accept", INCIDENT, "harbour-homes", fails=True).output.split())
    assert "harbour-homes has not been asked" in said


def test_a_row_that_cannot_be_read_is_refused_by_its_number_and_the_rest_is_kept(door: Door, tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.csv"
    sheet.write_text("date,event\n2026-03-02,Absent\n,Seen at home\n2026-03-04,Well\n")
    said = run("review", "return", INCIDENT, "--chronology", str(sheet), *FOR, fails=True).output
    assert "row 3" in said
    assert door.said == []
    mended = tmp_path / "sheet.draft.refused.csv"
    mended.write_text(
        mended.read_text(encoding="utf-8-sig").replace("Seen at home", "Seen").replace(",,", ",2026-03-03,", 1)
    )
    text = mended.read_text().splitlines()
    assert text[1].startswith("3,")
    header = text[0].split(",")
    cells = dict.fromkeys(header, "") | {"row": "3", "date": "2026-03-03", "event": "Seen at home"}
    mended.write_text(",".join(header) + "\n" + ",".join(cells[name] for name in header) + "\n")
    draft = ("--draft", str(tmp_path / "sheet.draft.json"))
    run("review", "return", INCIDENT, "--chronology", str(mended), *draft, *FOR)
    assert [entry["day"] for entry in door.said[0][1]["entries"]] == ["2026-03-02", "2026-03-03", "2026-03-04"]


def test_a_long_chronology_goes_in_parts_and_goes_on_where_the_line_broke(door: Door, tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.csv"
    rows = "\n".join(f"2026-03-{1 + number % 28:02},Entry {number}" for number in range(450))
    sheet.write_text(f"date,event\n{rows}\n")
    door.statuses = iter(["accepted", "refused"])
    run("review", "return", INCIDENT, "--chronology", str(sheet), *FOR, fails=True)
    kept = tmp_path / "sheet.sending.json"
    assert kept.stat().st_mode & 0o077 == 0
    first = [event for _, _, event in door.said]
    run("review", "return", INCIDENT, "--chronology", str(sheet), *FOR)
    again = [(name, event) for name, _, event in door.said[2:]]
    assert [event for _, event in again][:2] == first
    assert [name for name, _ in again] == ["information.contributed"] * 2 + ["information.returned"]
    assert [len(data["entries"]) for _, data, _ in door.said[2:]] == [200, 200, 50]
    assert not kept.exists()


def test_a_report_is_filed_and_drafted(door: Door, tmp_path: Path) -> None:
    report, findings = tmp_path / "report.pdf", tmp_path / "findings.json"
    report.write_bytes(b"%PDF-")
    findings.write_text(json.dumps({"findings": [{"what": "It was missed.", "why": "Two records."}]}))
    run("practice-review", "draft", INCIDENT, str(report), "--findings", str(findings))
    assert door.asked[0] == (
        "/v1/documents",
        {"incident": INCIDENT, "media_type": "application/pdf", "name": "report.pdf"},
    )
    PracticeReviewDrafted.model_validate(door.said[0][1])


def test_a_draft_leaves_out_what_is_empty(door: Door, tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    decision = {"outcome": "practice_review", "criteria": ["recurrent_themes"], "reasons": "It recurs."}
    file.write_text(json.dumps({"incident": "What happened.", "goodPractice": "", "decision": decision}))
    run("review", "draft", INCIDENT, str(file))
    assert door.said[0][1] == {"incident": "What happened.", "decision": decision}
    ReviewDrafted.model_validate(door.said[0][1])


def test_a_copy_is_for_its_owners_eyes_and_stays_in_this_folder(
    door: Door, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run("review", "export", INCIDENT)
    run("review", "chronology", INCIDENT, "--form", "svg", "--output", "picture.svg")
    run("review", "letter", INCIDENT, "--for", "northshire-academy", "--output", "letter.pdf")
    run("practice-review", "pack", INCIDENT, "--output", "pack.pdf")
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"copy.pdf", "picture.svg", "letter.pdf", "pack.pdf"}
    assert all(path.stat().st_mode & 0o077 == 0 for path in tmp_path.iterdir())
    asked = [path for path, _ in door.asked if "pack" in path or "letter" in path or "report" in path]
    assert asked == [
        f"/v1/reviews/{INCIDENT}/report/pdf",
        f"/v1/reviews/{INCIDENT}/requests/{REQUEST}/letter",
        f"/v1/practice-reviews/{INCIDENT}/pack/pdf",
    ]


def test_people_see_the_clock_the_plan_the_asked_and_what_waits(door: Door) -> None:
    said = " ".join(run("review", "show", INCIDENT, "--days").output.split())
    for words in (
        *("no individual and no agency to account", "Fri 25 Dec is Christmas Day", "working day", "See the school"),
        *("told: reminder, overdue", "2 (late, 3 outside the period)", "goes on without: northshire-academy"),
        *("with all three partners", "icb dissent", "paused: its clock runs on", "2 name", "passed by 1 of 2"),
        *("publication planned for Tue 15 Jun 2027", "panel Tue 1 Jun 2027", "day 0 is not counted", REQUEST),
    ):
        assert words in said, words


def test_whoever_is_asked_alone_is_shown_its_request_alone(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = _standing()
    asked = {"requests": whole["review"]["requests"][:1], "waits": whole["review"]["waits"]}
    told = {"incident": INCIDENT, "partnership": "northshire", "review": asked}
    monkeypatch.setattr(Door, "get", lambda *_, **__: told)
    monkeypatch.setattr(Door, "pages", lambda *_: [told])
    assert REQUEST in run("review", "show", INCIDENT).output
    assert "you are asked" in run("review", "list").output
    asked["waits"] = []
    assert "you were asked" in run("review", "list").output


def test_the_list_tells_what_waits_first(door: Door) -> None:
    said = run("review", "list").output
    assert INCIDENT in said
    assert "answer (northshire-academy)" in said
    assert "overdue" in said
    assert json.loads(run("review", "list", "--json").output)[0]["incident"] == INCIDENT


def test_a_practice_review_is_shown_alone(door: Door) -> None:
    said = run("practice-review", "show", INCIDENT).output
    assert "Practice review" in said
    assert "Rapid review:" not in said
    assert json.loads(run("practice-review", "show", INCIDENT, "--json").output)["status"] == "draft_report"
