"""The generated schemas say what the models say; both forms hold; examples are test, fixture and documentation."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from contracts.catalogue import CATALOGUE, parse
from contracts.names import vague
from contracts.schema_forms import Form, forms, schema
from contracts.sealing import words_left
from infra.contracts.examples import PROPOSALS, as_taken
from infra.contracts.generated import generated

EXAMPLES = sorted(PROPOSALS.glob("*.json"))


def _load(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text())  # type: ignore[no-any-return]


def _schema_of(example: dict[str, Any], form: Form) -> dict[str, Any]:
    name, _, major = example["type"].rpartition(".v")
    return schema(CATALOGUE[name], int(major), form)


def test_every_generated_file_is_current() -> None:
    assert [path for path, text in generated() if not path.exists() or path.read_text() != text] == []


@pytest.mark.parametrize(
    ("name", "major"), [(entry.name, major) for entry in CATALOGUE.values() for major, _ in entry.versions()]
)
def test_every_schema_is_a_json_schema_of_2020_12(name: str, major: int) -> None:
    for form in forms(CATALOGUE[name], major):
        Draft202012Validator.check_schema(schema(CATALOGUE[name], major, form))


def test_every_proposable_version_has_an_example() -> None:
    shown = {_load(path)["type"] for path in EXAMPLES}
    proposable = {f"{e.name}.v{major}" for e in CATALOGUE.values() if e.proposers for major, _ in e.versions()}
    assert proposable - shown == set()


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_valid_for_publishing_and_once_taken_for_reading(path: Path) -> None:
    example = _load(path)
    Draft202012Validator(_schema_of(example, Form.PUBLISH)).validate(example)
    Draft202012Validator(_schema_of(example, Form.READ)).validate(as_taken(example))
    taken = parse(as_taken(example))
    assert words_left(type(taken.data), taken.data.model_dump(mode="json")) == ()


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_publishing_refuses_an_unknown_field_and_reading_lets_it_pass(path: Path) -> None:
    example = _load(path)
    stretched = example | {"data": example["data"] | {"somethingNew": 1}}
    assert not Draft202012Validator(_schema_of(example, Form.PUBLISH)).is_valid(stretched)
    with pytest.raises(ValidationError):
        parse(stretched)
    read = as_taken(example)
    assert Draft202012Validator(_schema_of(example, Form.READ)).is_valid(
        read | {"data": read["data"] | {"somethingNew": 1}}
    )


def test_words_are_refused_where_a_reference_is_read() -> None:
    example = _load(PROPOSALS / "incident.linked.v1.json")
    assert not Draft202012Validator(_schema_of(example, Form.READ)).is_valid(example)


def test_a_refusal_shows_no_value() -> None:
    example = _load(PROPOSALS / "incident.referred.v1.json")
    child = example["data"]["children"][0] | {"identity": {"name": {"planted": "Planted Name"}}}
    with pytest.raises(ValidationError) as refused:
        parse(example | {"data": example["data"] | {"children": [child], "nature": "Planted Phrase"}})
    assert "Planted" not in str(refused.value)


@pytest.mark.parametrize("name", ["incident.updated", "notification.processed", "incident-changed", "review.re-sent"])
def test_vague_names_are_refused(name: str) -> None:
    assert vague(name)


def test_every_name_in_the_catalogue_is_plain() -> None:
    assert [name for name in CATALOGUE if vague(name)] == []
