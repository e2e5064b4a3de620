"""The second act's checker sees whatever an agency is shown too much, too little or otherwise than it is told."""

import tomllib
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from contracts.catalogue import CATALOGUE, parse
from contracts.codes import AgencyType
from infra.demo.act import FOLLOWING, SHUT_OUT, read_exchange
from infra.demo.act_checker import act_differences, read_act, refused
from infra.demo.checker import EXPECTATIONS, BadExpectation
from infra.demo.cuts import Seen, cut, sights
from infra.demo.feeds import Feed
from infra.demo.player import Played
from infra.demo.scenarios import filled
from infra.demo.side_by_side import side_by_side
from infra.demo.ways_in import Sent

INCIDENT = "incident-1111111111111111111111111111111a"
OTHER = "incident-2222222222222222222222222222222b"


def _event(number: int, type_: str, data: Mapping[str, Any], subject: str | None = INCIDENT, **more: Any) -> Any:
    return {"sequence": number, "id": f"event-{type_}", "type": type_, "subject": subject, "data": data, **more}


def _withheld(number: int) -> Any:
    return _event(number, "feed.withheld.v1", {}, None)


WHOLE: Feed = {
    4: _event(4, "incident.referred.v1", {"nature": "other", "harm": [], "hostAuthority": "E06000991", "children": []}),
    5: _event(5, "deadline.set.v1", {"clock": "T05"}),
}
CUT = _event(1, "incident.referred.v1", {"nature": "other"}, redacted=[f"/data/{m}" for m in WHOLE[4]["data"]][1:])


def _cut(feed: Feed, topic: Any = None, **more: Any) -> dict[str, Any]:
    on_topic = [*feed.values()] if topic is None else topic
    return cut(Seen("provider", feed, on_topic, {"incident": 404}, **more), WHOLE, INCIDENT)


def test_what_is_shown_is_told_in_words_beside_the_whole() -> None:
    police = _event(1, "incident.referred.v1", {"nature": "other", "hostAuthority": "E06000991", "children": []})
    assert sights(WHOLE, WHOLE) == {"incident.referred.v1": "everything", "deadline.set.v1": "everything"}
    assert sights({1: police}, WHOLE) == {"incident.referred.v1": "all but harm"}
    assert sights({1: CUT}, WHOLE) == {"incident.referred.v1": "only nature"}


def test_a_fact_too_few_is_told() -> None:
    second = {**WHOLE, 6: _event(6, "deadline.set.v1", {"clock": "T01"}) | {"id": "another"}}
    assert sights({1: WHOLE[5]}, second) == {"deadline.set.v1": "everything, 1 of 2"}


def test_a_feed_that_is_whole_and_says_what_was_taken_out_has_no_fault() -> None:
    assert _cut({1: CUT, 2: _withheld(2)})["faults"] == []


def test_a_gap_is_a_fault() -> None:
    assert _cut({1: CUT, 3: _withheld(3)})["faults"] == ["its feed lacks 2"]


def test_what_was_taken_out_in_silence_is_a_fault() -> None:
    assert _cut({1: CUT | {"redacted": []}})["faults"] == ["1 (incident.referred.v1) says otherwise what was taken out"]


def test_what_an_excluded_agency_saw_leaves_a_tombstone_under_its_number() -> None:
    assert _cut({1: _withheld(1)}, at_first={1: CUT})["faults"] == []
    assert _cut({1: _withheld(1)}, at_first={1: CUT})["saw_at_first"] == {"incident.referred.v1": "only nature"}
    elsewhere = _event(1, "incident.referred.v1", {}, OTHER)
    assert _cut({1: elsewhere}, at_first={1: CUT})["faults"] == ["1 is not withheld"]


def test_a_topic_that_still_holds_what_is_withheld_is_a_fault() -> None:
    faults = _cut({1: _withheld(1)}, at_first={1: CUT}, topic=[CUT, _withheld(1)])["faults"]
    assert faults == ["1 lies on its topic though it is withheld"]


def test_a_topic_that_lacks_something_is_a_fault() -> None:
    assert _cut({1: CUT}, topic=[])["faults"] == ["its topic and HTTPS differ in 1"]


def test_a_link_that_its_reader_does_not_find_is_a_fault() -> None:
    link = f"/v1/incidents/{INCIDENT}"
    assert _cut({1: CUT}, astray=(link,))["faults"] == [f"it is sent to {link}, and does not find it"]


def test_words_on_an_agencys_topic_are_a_fault() -> None:
    assert _cut({1: CUT}, in_the_open=["panel"])["faults"] == ["words that its senders wrote lie on its topic"]


@pytest.fixture
def found() -> dict[str, dict[str, Any]]:
    """What comes of the act when all is well: as expected, with no fault."""
    return {
        agency: {"saw_at_first": {}, "faults": [], **deepcopy(wanted)}
        for agency, wanted in read_act(EXPECTATIONS).items()
    }


def _said(found: Mapping[str, Any]) -> list[str]:
    return [one.sentence() for one in act_differences(read_act(EXPECTATIONS), found)]


def test_what_is_as_expected_differs_in_nothing(found: dict[str, Any]) -> None:
    assert _said(found) == []


@pytest.mark.parametrize(
    ("agency", "key", "value", "sentence"),
    [
        ("panel", "incident", 200, "exchange: panel, incident: expected 404, found 200"),
        (SHUT_OUT, "sees", {"incident.referred.v1": "everything"}, "harbour-homes sees of incident.referred.v1: exp"),
        ("northshire-police", "sees", {}, "northshire-police sees of deadline.met.v1: expected everything, found"),
        (SHUT_OUT, "saw_at_first", {}, "harbour-homes saw at first of incident.referred.v1: expected only host"),
        ("panel", "faults", ["its feed lacks 3"], "exchange: panel: expected no fault, found its feed lacks 3"),
    ],
)
def test_whatever_came_out_otherwise_is_said(
    agency: str, key: str, value: Any, sentence: str, found: dict[str, Any]
) -> None:
    found[agency][key] = value
    assert any(sentence in said for said in _said(found)), _said(found)


def test_a_message_that_was_not_accepted_is_said_with_its_faults() -> None:
    act = read_exchange()
    played = Played(act, {step.name: Sent("accepted") for step in act.steps})
    assert refused(played) == []
    played.sent["triage"] = Sent("refused", 422, {"faults": [{"pointer": "/data/grounds", "rule": "a-rule"}]})
    (said,) = refused(played)
    assert said.sentence() == "exchange: receipt of triage: expected accepted, found refused; /data/grounds a-rule"


def test_an_agency_that_was_not_looked_at_is_said(found: dict[str, Any]) -> None:
    del found["panel"]
    assert _said(found)[0].startswith("exchange: agencies: expected harbour-homes, northshire-council")


def test_a_key_that_nothing_is_checked_by_is_refused(tmp_path: Path) -> None:
    text = (EXPECTATIONS / "acts" / "exchange.toml").read_text()
    (tmp_path / "acts").mkdir()
    (tmp_path / "acts" / "exchange.toml").write_text(text.replace("incident = 404", "incidnet = 404", 1))
    with pytest.raises(BadExpectation, match="incidnet"):
        read_act(tmp_path)


def test_the_expectations_speak_of_four_kinds_that_see_each_its_own_and_one_that_sees_nothing() -> None:
    expected = read_act(EXPECTATIONS)
    assert expected.keys() == {*FOLLOWING, SHUT_OUT}
    kinds = {agency: AgencyType(each["kind"]) for agency, each in expected.items()}
    assert len(set(kinds.values())) == 5
    assert len({str(expected[agency]["sees"]) for agency in FOLLOWING}) == 4
    assert expected[SHUT_OUT]["sees"] == {}
    for agency, each in expected.items():
        for name in each["sees"]:
            assert kinds[agency] in CATALOGUE[name.rpartition(".v")[0]].ceiling.agencies
    assert tomllib.loads((EXPECTATIONS / "acts" / "exchange.toml").read_text())["rests_on"]


def test_the_acts_messages_are_events_of_the_contracts() -> None:
    for step in read_exchange().steps:
        parse(filled(step.event or {}, {"referral": INCIDENT}))


def test_the_cuts_stand_side_by_side_and_no_line_is_too_wide(found: dict[str, Any]) -> None:
    shown = side_by_side(read_exchange(), found, [])
    assert max(map(len, shown.splitlines())) <= 116
    (drafted,) = [line for line in shown.splitlines() if "notification.drafted" in line]
    assert drafted.split() == ["notification.drafted", "everything", "·", "·", "·", "·"]
    assert "Before it was shut out, harbour-homes saw of incident.referred only hostAuthority, nature" in shown
    assert shown.rstrip().endswith("As expected.")
