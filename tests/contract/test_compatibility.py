"""What may replace a released schema: optional additions pass, what hurts somebody is refused under the old version."""

import copy
from typing import Any

import pytest

from contracts.catalogue import CATALOGUE
from contracts.compatibility import Change, Level, compare, level
from contracts.schema_forms import Form, schema

DATA = "NotificationSubmitted"


def _released(form: Form) -> dict[str, Any]:
    return schema(CATALOGUE["notification.submitted"], 1, form)


def _changed(form: Form, **properties: Any) -> dict[str, Any]:
    today = copy.deepcopy(_released(form))
    fields = today["$defs"][DATA]["properties"]
    for name, value in properties.items():
        if value is None:
            del fields[name]
        else:
            fields[name] = value
    return today


def _weight(today: dict[str, Any], form: Form) -> Level | None:
    return level(compare(_released(form), today, form))


def test_nothing_changed_weighs_nothing() -> None:
    assert _weight(_released(Form.READ), Form.READ) is None


@pytest.mark.parametrize("form", list(Form))
def test_an_optional_addition_is_minor_in_both_forms(form: Form) -> None:
    assert _weight(_changed(form, urgency={"type": "string"}), form) is Level.MINOR


@pytest.mark.parametrize("form", list(Form))
def test_a_removal_is_major_in_both_forms(form: Form) -> None:
    assert _weight(_changed(form, evidence=None), form) is Level.MAJOR


def test_a_required_addition_is_major_for_those_who_publish() -> None:
    today = _changed(Form.PUBLISH, urgency={"type": "string"})
    today["$defs"][DATA]["required"].append("urgency")
    assert _weight(today, Form.PUBLISH) is Level.MAJOR


def test_what_was_always_there_and_may_be_absent_now_is_major_for_those_who_read() -> None:
    today = copy.deepcopy(_released(Form.READ))
    today["$defs"][DATA]["required"].remove("portalTime")
    assert _weight(today, Form.READ) is Level.MAJOR
    assert _weight_of_optional_in_publishing() is Level.MINOR


def _weight_of_optional_in_publishing() -> Level | None:
    today = copy.deepcopy(_released(Form.PUBLISH))
    today["$defs"][DATA]["required"].remove("portalTime")
    return _weight(today, Form.PUBLISH)


def test_a_new_code_is_major_for_readers_unless_the_field_is_declared_extensible() -> None:
    released, today = _released(Form.READ), copy.deepcopy(_released(Form.READ))
    today["$defs"]["Channel"]["enum"].append("pigeon")
    assert level(compare(released, today, Form.READ)) is Level.MAJOR
    released["$defs"]["Channel"]["x-extensible-enum"] = True
    today["$defs"]["Channel"]["x-extensible-enum"] = True
    assert level(compare(released, today, Form.READ)) is Level.MINOR


def test_a_removed_code_is_major_for_those_who_publish() -> None:
    today = copy.deepcopy(_released(Form.PUBLISH))
    today["$defs"]["Channel"]["enum"].remove("letter")
    assert _weight(today, Form.PUBLISH) is Level.MAJOR


@pytest.mark.parametrize(
    ("form", "limit", "weight"),
    [
        (Form.PUBLISH, 10, Level.MAJOR),
        (Form.PUBLISH, 50_000, Level.MINOR),
    ],
)
def test_a_narrower_limit_hurts_those_who_publish_and_a_wider_one_does_not(
    form: Form, limit: int, weight: Level
) -> None:
    today = copy.deepcopy(_released(form))
    today["$defs"][DATA]["properties"]["delayReason"]["anyOf"][0]["maxLength"] = limit
    assert _weight(today, form) is weight


def test_words_alone_are_a_patch() -> None:
    today = copy.deepcopy(_released(Form.READ))
    today["$defs"][DATA]["description"] = "Said better."
    assert _weight(today, Form.READ) is Level.PATCH


def _default(form: Form, value: Any) -> list[str]:
    """What is said of the field `submittedVia`, whose default is `national_portal`, with another default or none."""
    today = copy.deepcopy(_released(form))
    field = today["$defs"][DATA]["properties"]["submittedVia"]
    field.pop("default")
    if value is not None:
        field["default"] = value
    return [str(change) for change in compare(_released(form), today, form)]


def test_a_default_that_is_removed_is_said_to_be_and_hurts_those_who_leave_the_field_out() -> None:
    where = "/data/submittedVia: default `national_portal`"
    assert _default(Form.PUBLISH, None) == [f"major: {where} removed: whoever leaves it out says something else"]
    assert _default(Form.PUBLISH, "email") == [
        f"major: {where} is `email` now: whoever leaves it out says something else"
    ]
    assert _default(Form.READ, None) == [f"minor: {where} removed: facts say it, so readers lose nothing"]


def test_what_a_list_holds_cannot_change_unnoticed() -> None:
    today = copy.deepcopy(_released(Form.READ))
    del today["$defs"][DATA]["properties"]["recipients"]["items"]
    assert _weight(today, Form.READ) is Level.MAJOR


def test_a_change_knows_the_field_of_data_that_it_is_about() -> None:
    fields = {"/data/content/grounds": "content", "/data/evidence": "evidence", "/data": None, "/actor": None}
    assert {pointer: Change(Level.MAJOR, pointer, "").field for pointer in fields} == fields


def test_each_change_is_said_in_words_with_its_place() -> None:
    changes = compare(_released(Form.READ), _changed(Form.READ, evidence=None), Form.READ)
    assert [str(change) for change in changes] == [
        "major: /data/evidence: removed: who sends it is refused, who reads it misses it"
    ]
