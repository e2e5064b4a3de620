"""The first page of a breach report, and a person's own record as a page: whole, and without others' words."""

from datetime import UTC, datetime
from typing import Any

from contracts.access import Party
from contracts.codes import AgencyType
from contracts.corrections import IncidentRecalled
from contracts.directory import Directory
from services.gateway.breach import report
from services.gateway.history import recalls, withheld
from services.gateway.incident.state import Recalled
from services.gateway.queries import IncidentRow
from services.gateway.readable import breach_report, own_record
from services.gateway.sight import Viewer, references_in
from tests.unit.gateway_stories import REASON, Story, event, london, referred, told

AT = london("2026-03-10")
LATER = "2026-03-10T14:00:00+00:00"
ICB, POLICE, SCHOOL = "northbank-icb", "northbank-police", "school-a"


def delivery(
    agency: str,
    event_id: str,
    *ways: tuple[str, str] | tuple[str, str, str | None],
    type_: str = "incident.referred.v1",
) -> dict[str, Any]:
    """What delivery says of one event. Each way with when it was given, and when it was taken where that is another."""
    return {
        "agency": agency,
        "sequence": 1,
        "event": event_id,
        "type": type_,
        "partnership": "northbank",
        "redacted": ["/data/harm"] if agency == POLICE else [],
        "appendedAt": "2026-03-10T10:00:00+00:00",
        "ways": [{"way": way, "first": first, "times": 1, "taken": [first, *more][-1]} for way, first, *more in ways],
    }


def look(agency: str | None, number: int = 1) -> dict[str, Any]:
    return {
        "look": number,
        "at": "2026-03-10T11:00:00+00:00",
        "who": f"{agency}-officer",
        "kind": "person",
        "agency": agency,
        "roles": ["partner"],
        "purpose": "triage",
        "incident": None,
        "service": "gateway",
        "references": [],
    }


def recalled_story() -> tuple[Story, str]:
    story = referred(AT)
    referral = story.facts[0].id
    story.propose(told(ICB, AT), AT)
    data = IncidentRecalled(event=referral, because="wrong_recipient", recipients=(SCHOOL,), reason=REASON)
    recall = event(data, AT, story.subject, source="/services/gateway", id="the-recall")
    story.facts.append(recall)
    return story, referral


def made(of: str | None, story: Story, deliveries: list[Any], looks: list[Any]) -> dict[str, Any]:
    return report(
        incident=story.subject,
        event=of,
        facts=story.facts,
        deliveries=deliveries,
        looks=looks,
        name_of=str.title,
        by="business-unit-manager",
        at=datetime(2026, 3, 12, 9, tzinfo=UTC),
    )


def test_it_says_for_each_agency_what_when_over_which_way_and_whether_they_looked() -> None:
    story, referral = recalled_story()
    kafka, https = ("kafka", "2026-03-10T10:01:00+00:00"), ("https", "2026-03-10T10:02:00+00:00")
    deliveries = [delivery(POLICE, referral, kafka, https), delivery(SCHOOL, referral), delivery(ICB, "another", https)]
    whole = made(None, story, deliveries, [look(SCHOOL), look(None, 2), look("passer-by", 3)])
    agencies = {one["agency"]: one for one in whole["agencies"]}
    assert [one["way"] for one in agencies[POLICE]["received"]] == ["kafka", "https"]
    assert agencies[POLICE]["looks"] == []
    assert agencies[SCHOOL]["received"][0]["way"] is None  # it lies in the feed, not read yet
    assert [one["look"] for one in agencies[SCHOOL]["looks"]] == [1]
    assert {one["type"] for one in agencies[ICB]["received"]} == {"incident.referred.v1", "partner.notified.v1"}
    assert agencies["passer-by"]["received"] == []  # who looked though nothing was sent to them stands there too
    assert whole["recalled"][0]["recipients"] == [SCHOOL]


def test_of_one_event_only_what_was_received_of_it_counts() -> None:
    story, referral = recalled_story()
    https = ("https", "2026-03-10T10:02:00+00:00")
    whole = made(referral, story, [delivery(POLICE, referral, https), delivery(ICB, "another", https)], [])
    assert [one["agency"] for one in whole["agencies"]] == [POLICE]


def test_of_one_event_only_looks_at_its_words_count_and_of_a_notifications_every_look() -> None:
    story, referral = recalled_story()
    (words, *_) = references_in([story.facts[0].model_dump(mode="json")])
    looks = [
        look(POLICE, 1) | {"references": ["vault:" + "1" * 32, words]},
        look(ICB, 2) | {"references": ["vault:" + "1" * 32]},
    ]
    of_it = made(referral, story, [], looks)
    assert [(one["agency"], len(one["looks"])) for one in of_it["agencies"]] == [(POLICE, 1)]
    assert "looks at its words" in breach_report(of_it)
    of_a_notifications = made("a-submission", story, [], looks)
    assert [one["agency"] for one in of_a_notifications["agencies"]] == [ICB, POLICE]
    assert "looks at any words of the incident" in breach_report(of_a_notifications)
    assert [one["agency"] for one in made(None, story, [], looks)["agencies"]] == [ICB, POLICE]


def test_whether_the_recall_itself_was_read_is_told_beside_it() -> None:
    story, referral = recalled_story()
    read = ("https", "2026-03-10T12:00:00+00:00")
    deliveries = [
        delivery(POLICE, referral, read),
        delivery(SCHOOL, referral, read),
        delivery(POLICE, "the-recall", read, type_="incident.recalled.v1"),
        delivery(SCHOOL, "the-recall", type_="incident.recalled.v1"),
        delivery(ICB, referral, read),
        delivery(ICB, "the-recall", ("kafka", read[1], None), type_="incident.recalled.v1"),
    ]
    agencies = {one["agency"]: one for one in made(referral, story, deliveries, [])["agencies"]}
    assert agencies[POLICE]["toldOfRecall"] == [{"event": referral, "readAt": read[1]}]
    assert agencies[SCHOOL]["toldOfRecall"] == [{"event": referral, "readAt": None}]
    assert agencies[ICB]["toldOfRecall"] == [{"event": referral, "readAt": None}]  # published, and nobody took it
    deliveries[-1] = delivery(ICB, "the-recall", ("kafka", read[1], LATER), type_="incident.recalled.v1")
    agencies = {one["agency"]: one for one in made(referral, story, deliveries, [])["agencies"]}
    assert agencies[ICB]["toldOfRecall"] == [{"event": referral, "readAt": LATER}]


def test_the_page_is_marked_and_says_the_same_in_sentences() -> None:
    story, referral = recalled_story()
    https = ("https", "2026-03-10T10:02:00+00:00")
    deliveries = [delivery(POLICE, referral, https), delivery(SCHOOL, referral)]
    deliveries += [delivery(ICB, referral, ("kafka", https[1], taken)) for taken in (None, LATER)]
    deliveries.append(delivery(ICB, referral, ("stream", https[1], None)))
    deliveries.append(delivery(ICB, referral, ("kafka", https[1], None)))
    deliveries[-1]["ways"][0]["times"] = 0
    words_of_it = references_in([story.facts[0].model_dump(mode="json")])
    whole = made(referral, story, deliveries, [look(SCHOOL) | {"references": words_of_it}])
    page = breach_report(whole)
    assert page.startswith("OFFICIAL-SENSITIVE\n")
    assert page.rstrip().endswith("OFFICIAL-SENSITIVE")
    for words in (
        f"Recalled: {referral}, wrong recipient (wrong recipients: school-a)",
        "10 Mar 2026 10:02 GMT  incident.referred.v1  over https, taken 10 Mar 2026 10:02 GMT; left out: /data/harm",
        "over stream, not acknowledged: it may have it",
        "in its feed, not read yet",
        "over kafka, not taken yet",
        "over kafka, taken 10 Mar 2026 14:00 GMT",
        "over kafka, broken off: it may have it",
        "never looked at the words",
        "looked 10 Mar 2026 11:00 GMT: school-a-officer (partner), for triage",
    ):
        assert words in page
    assert "Nobody received anything" in breach_report(made(referral, story, [], []))


def test_a_persons_own_page_names_what_is_held_back_and_why_and_shows_no_word_of_it() -> None:
    thing = {"incident": "incident-1", "agency": POLICE, "filedAt": "2026-03-10T10:00:00+00:00"}
    identity: dict[str, Any] = {"name": "Child A", "dateOfBirth": "2019-03-04", "otherNames": [], "address": None}
    page = own_record(
        {
            "subject": "subject-1",
            "subjects": ["subject-1", "subject-2"],
            "given": [thing | {"reference": "vault:1", "kind": "identity", "status": "present", "value": identity}],
            "codes": [{"incident": "incident-1", "codes": {"lookedAfter": False, "knownTo": ["police"]}}],
            "heldBack": [thing | {"reference": "vault:2", "kind": "narrative", "why": "speaks_of_others"}],
            "looks": [look(POLICE)],
        }
    )
    assert "date of birth: 2019-03-04" in page
    assert "looked after: no" in page
    assert "narrative of 10 Mar 2026 10:00 GMT: speaks of another child; not read for release  [vault:2]" in page
    assert "northbank-police-officer of northbank-police, for triage" in page
    assert "found to be one: subject-2" in page


def viewer(agency: str) -> Viewer:
    party = Party(agency, AgencyType.POLICE_FORCE)
    return Viewer(party, frozenset({"northbank"}), Directory({}, {}, {}))


def test_what_is_recalled_from_some_is_withheld_from_them_and_from_all_where_nobody_is_named() -> None:
    story, referral = recalled_story()
    assert recalls(story.facts)[referral].recipients == {SCHOOL}
    row = IncidentRow(
        story.subject, 1, "northbank", "referred", "E06000001", (), (), (), None, "", (), AT, AT, None, AT, AT
    )
    some, everyone = Recalled("wrong_recipient", frozenset({SCHOOL}), "x"), Recalled("wrong_child", frozenset(), "x")
    assert withheld(viewer(SCHOOL), row, some)
    assert not withheld(viewer(POLICE), row, some)
    assert withheld(viewer(POLICE), row, everyone)
