"""Version 1 in the log and on the topic is read by today's services, and a reader of version 1 gets valid version 1."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from contracts.catalogue import CATALOGUE, UnknownType, parse
from contracts.codes import Ground
from contracts.decoding import decode
from contracts.notifications import NotificationAmended, NotificationAmendedV1
from contracts.schema_forms import Form, schema
from contracts.upcasting import DOWN, UP, to_major, to_today
from tests.retiring import retired

FACTS = Path("contracts/examples/facts")


def _fact(name: str) -> dict[str, Any]:
    return json.loads((FACTS / f"{name}.json").read_text())  # type: ignore[no-any-return]


def test_a_version_1_record_is_read_as_version_2() -> None:
    event = decode(json.dumps(_fact("notification.amended.v1")).encode())
    assert event.type == "notification.amended.v2"
    assert event.dataschema == CATALOGUE["notification.amended"].schema
    assert isinstance(event.data, NotificationAmended)
    assert event.data.portal_time.isoformat() == "2026-09-10T08:00:00+00:00"
    assert event.data.content.grounds == {Ground.S16C_A}


def test_a_record_of_a_retired_version_is_read_as_todays() -> None:
    before = decode(json.dumps(_fact("notification.amended.v1")).encode())
    with retired("notification.amended", 1):
        assert decode(json.dumps(_fact("notification.amended.v1")).encode()) == before


def test_a_reader_of_version_1_gets_valid_version_1() -> None:
    old = to_major(parse(_fact("notification.amended.v2")), 1)
    assert isinstance(old.data, NotificationAmendedV1)
    written = json.loads(old.to_json())
    Draft202012Validator(schema(CATALOGUE["notification.amended"], 1, Form.READ)).validate(written)
    assert parse(written) == old


@given(grounds=st.frozensets(st.sampled_from(Ground), min_size=1))
def test_there_and_back_loses_no_ground(grounds: frozenset[Ground]) -> None:
    fact = _fact("notification.amended.v2")
    fact["data"]["content"]["grounds"] = sorted(grounds)
    event = parse(fact)
    assert to_today(to_major(event, 1)).data.content.grounds == grounds


def test_every_earlier_version_has_a_step_up_and_a_step_back() -> None:
    for entry in CATALOGUE.values():
        assert entry.retired <= set(entry.earlier)
        for major in entry.earlier:
            assert (entry.name, major) in UP
            assert (entry.name, major + 1) in DOWN


@pytest.mark.parametrize(
    ("type_", "known"),
    [
        ("notification.amended.v9", ("notification.amended.v1", "notification.amended.v2")),
        ("notification.amended.v1_", ("notification.amended.v1", "notification.amended.v2")),
    ],
)
def test_an_unknown_version_names_the_ones_there_are(type_: str, known: tuple[str, ...]) -> None:
    with pytest.raises(UnknownType) as unknown:
        parse(_fact("notification.amended.v2") | {"type": type_})
    assert unknown.value.known == known
