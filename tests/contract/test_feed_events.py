"""What a feed carries is valid and holds nothing that may not be seen, in an old version no more than in the new."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker

from contracts.catalogue import CATALOGUE, parse
from contracts.ceilings import EVERYTHING, NOTHING, Fields, all_but, only
from contracts.envelope import AnyEvent
from contracts.feeds import (
    KEPT_FROM_OTHERS,
    NOT_CARRIED,
    OWN,
    Outbound,
    outbound,
    outbound_of,
    outbound_schema,
    standing_test,
    withheld,
)
from contracts.upcasting import DOWN, SOURCES, sources, to_today

FACTS = sorted(Path("contracts/examples/facts").glob("*.json"))
AT = datetime(2026, 9, 20, 12, tzinfo=UTC)


def fact(path: Path, **data: Any) -> AnyEvent:
    """An example fact as its owner would have recorded it, in today's version."""
    told = json.loads(path.read_text())
    acted = {"agency": "northshire-council", "actor": "authority-notifier", "actorrole": "notifier"}
    return to_today(parse(told | acted | {"data": told["data"] | data}))


def written(event: Outbound) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(event.to_json())
    return found


def wire_names(event: AnyEvent) -> list[str]:
    return sorted(event.data.model_dump(mode="json", by_alias=True))


@st.composite
def cuts(draw: st.DrawFn) -> tuple[AnyEvent, Fields, int]:
    """A fact, what somebody may see of it, and the version they read."""
    event = fact(draw(st.sampled_from(FACTS)))
    named = draw(st.frozensets(st.sampled_from(wire_names(event))))
    major = draw(st.sampled_from([number for number, _ in CATALOGUE[event.name].versions()]))
    return event, Fields(named, all_but=draw(st.booleans())), major


@given(cut=cuts(), own=st.booleans())
def test_every_outbound_event_is_valid_against_its_own_schema(cut: tuple[AnyEvent, Fields, int], own: bool) -> None:
    event, fields, major = cut
    sent = outbound(event, fields, major, sequence=7, own=own)
    schema = outbound_schema(CATALOGUE[event.name], major)
    Draft202012Validator(schema, format_checker=FormatChecker()).validate(written(sent))
    assert outbound_of(written(sent)) == sent


@given(cut=cuts())
def test_nothing_outside_the_visible_fields_ever_leaves(cut: tuple[AnyEvent, Fields, int]) -> None:
    event, fields, _ = cut
    sent = outbound(event, fields, CATALOGUE[event.name].major, sequence=1)
    assert all(name in fields for name in sent.data)
    whole = event.data.model_dump(mode="json", by_alias=True, exclude_none=True)
    assert {f"/data/{name}" for name in whole} == {f"/data/{name}" for name in sent.data} | set(sent.redacted)
    assert not {name for name in KEPT_FROM_OTHERS if getattr(sent, name) is not None}
    routed = {name for name in sent.filtering if name not in ("type", "partnership")}
    assert routed <= set(sent.data) | ({"due"} if "reckoned" in sent.data else set())


@given(fields=st.frozensets(st.sampled_from(["reason", "content", "portalTime", "portalReference", "version"])))
def test_what_version_1_shows_does_not_depend_on_what_is_hidden_in_version_2(fields: frozenset[str]) -> None:
    path = Path("contracts/examples/facts/notification.amended.v2.json")
    content = json.loads(path.read_text())["data"]["content"]
    other = {
        "reason": f"vault:{'e' * 32}",
        "content": content | {"nature": "child_death", "grounds": ["LAC_DEATH"], "circumstances": f"vault:{'d' * 32}"},
        "portalTime": "2026-09-19T11:11:00Z",
        "portalReference": "ANOTHER-1",
        "version": 9,
    }
    hidden = {name: value for name, value in other.items() if name not in fields}
    one = written(outbound(fact(path), Fields(fields), 1, sequence=1))
    same = written(outbound(fact(path, **hidden), Fields(fields), 1, sequence=1))
    assert one == same


@pytest.mark.parametrize("fields", [EVERYTHING, NOTHING, only("reason"), all_but("content")])
def test_no_value_is_in_version_1_that_is_not_in_version_2(fields: Fields) -> None:
    for path in FACTS:
        event = fact(path)
        entry = CATALOGUE[event.name]
        newest = _values(outbound(event, fields, entry.major, sequence=1).data)
        for major, _ in entry.versions():
            assert _values(outbound(event, fields, major, sequence=1).data) <= newest, path.stem


def test_every_step_back_says_where_each_of_its_fields_comes_from() -> None:
    assert SOURCES.keys() == DOWN.keys()
    for name, entry in CATALOGUE.items():
        models = dict(entry.versions())
        for (of, newer), fields in SOURCES.items():
            if of == name:
                assert set(fields) == {field.alias for field in models[newer - 1].model_fields.values()}
                known = {field.alias for field in models[newer].model_fields.values()}
                assert frozenset[str]().union(*fields.values()) <= known
        assert sources(name, entry.major, entry.major) is None


def test_the_agency_whose_act_it_was_is_shown_who_acted_and_its_own_number() -> None:
    event = fact(Path("contracts/examples/facts/incident.referred.v1.json"))
    own, others = (outbound(event, NOTHING, 1, sequence=1, own=own) for own in (True, False))
    assert (own.actor, others.actor) == ("authority-notifier", None)
    assert others.agency == "northshire-council"


@pytest.mark.parametrize(
    ("example", "fields", "link"),
    [
        ("notifiability.decided.v1", EVERYTHING, "/v1/incidents/{}/detail"),
        ("notification.submitted.v1", EVERYTHING, "/v1/notifications/{}/exports/json"),
        ("incident.recalled.v1", EVERYTHING, "/v1/incidents/{}/detail"),
        ("incident.recalled.v1", only("event", "because"), None),
        ("calendar.day-added.v1", EVERYTHING, None),
    ],
)
def test_an_event_links_to_the_words_that_its_reader_may_ask_for(example: str, fields: Fields, link: str) -> None:
    """The Panel reads a notification and finds no incident: a link to the incident would lead it nowhere."""
    event = fact(Path(f"contracts/examples/facts/{example}.json"))
    assert outbound(event, fields, 1, sequence=1).dataref == (link and link.format(event.subject))


def test_a_tombstone_has_its_number_and_tells_nothing_else() -> None:
    told = written(withheld("northshire-police", 12, at=AT, partnership="northshire"))
    assert (told["type"], told["sequence"], told["data"]) == ("feed.withheld.v1", 12, {})
    assert not {"subject", "agency", "dataref", "businessdate"} & told.keys()
    again = withheld("northshire-police", 12, at=AT, partnership="northshire")
    assert written(again) == told


@pytest.mark.parametrize("entry", OWN, ids=lambda entry: entry.name)
def test_what_is_of_the_feed_itself_is_valid_against_its_schema(entry: Any) -> None:
    make = withheld if entry.name == "feed.withheld" else standing_test
    sent = make("northshire-police", 3, at=AT, partnership="northshire")
    Draft202012Validator(outbound_schema(entry, 1)).validate(written(sent))
    assert outbound_of(written(sent)) == sent


def _values(node: Any) -> set[str]:
    if isinstance(node, dict):
        return set().union(*(_values(value) for value in node.values()))
    if isinstance(node, list):
        return set().union(*(_values(value) for value in node))
    return {str(node)}


@given(cut=cuts(), own=st.booleans())
def test_no_feed_counts_what_its_owner_stated(cut: tuple[AnyEvent, Fields, int], own: bool) -> None:
    event, fields, major = cut
    counted = event.model_copy(update={"streamversion": 12})
    assert not written(outbound(counted, fields, major, sequence=7, own=own)).keys() & set(NOT_CARRIED)
