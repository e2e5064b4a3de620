"""What the rules of import cannot hold: an aggregate asks for no time, a program alone makes what reaches outside."""

import ast
import re
from collections.abc import Iterator
from configparser import ConfigParser
from pathlib import Path

import pytest

SERVICES = [path for path in sorted(Path("services").rglob("*.py")) if "migrations" not in path.parts]
RULES = ConfigParser()
RULES.read(".importlinter")
AGGREGATES = RULES["importlinter:contract:aggregates"]["source_modules"].split()

ASKS_FOR_TIME_OR_CHANCE = {"now", "utcnow", "today", "time", "time_ns", "monotonic", "uuid1", "uuid4", "open"}
READS_SETTINGS = {"environ", "getenv", "settings_from"}
REACHES_OUTSIDE = {
    *("Database", "create_async_engine", "create_engine", "create_pool", "connect"),
    *("KafkaBroker", "AIOKafkaAdminClient", "AIOKafkaConsumer", "AIOKafkaProducer"),
}


def _named(path: Path) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def _is_aggregate(path: Path) -> bool:
    return any(_named(path) == one or _named(path).startswith(f"{one}.") for one in AGGREGATES)


def called(code: str) -> set[str]:
    """The bare names of all that is called."""
    functions = (node.func for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call))
    return {name for function in functions for name in _name(function)}


def mentioned(code: str) -> set[str]:
    """Every name that stands anywhere, bare or behind a dot; imported ones too."""
    return {name for node in ast.walk(ast.parse(code)) for name in _name(node)}


def _name(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name) | ast.alias(name=name):
            yield name


def test_an_aggregate_is_given_the_time_and_its_ids() -> None:
    aggregates = [path for path in SERVICES if _is_aggregate(path)]
    assert aggregates
    assert [_named(path) for path in aggregates if called(path.read_text()) & ASKS_FOR_TIME_OR_CHANCE] == []


def test_whatever_decides_or_folds_is_held_to_the_rules_of_an_aggregate() -> None:
    pure = [path for path in SERVICES if re.search(r"^def (decide|evolve)\(", path.read_text(), re.MULTILINE)]
    assert pure
    assert [_named(path) for path in pure if not _is_aggregate(path)] == []


def test_only_a_program_reads_settings_and_makes_what_reaches_outside() -> None:
    codes = {_named(path): path.read_text() for path in SERVICES}
    wrong = {
        name: called(code) & REACHES_OUTSIDE | mentioned(code) & READS_SETTINGS
        for name, code in codes.items()
        if 'if __name__ == "__main__":' not in code
    }
    assert {name: found for name, found in wrong.items() if found} == {}


def test_no_service_ends_a_transaction_itself() -> None:
    assert [_named(path) for path in SERVICES if called(path.read_text()) & {"commit", "rollback"}] == []


@pytest.mark.parametrize(
    ("planted", "found"),
    [
        ("def decide(): return datetime.now(UTC)", "now"),
        ("async def save(tx): await tx.connection.commit()", "commit"),
        ("engine = create_async_engine(url)", "create_async_engine"),
        ("consumer = aiokafka.AIOKafkaConsumer(**kafka)", "AIOKafkaConsumer"),
        ("url = os.environ['SX_DATABASE_URL']", "environ"),
        ("from os import environ as told", "environ"),
    ],
)
def test_what_is_planted_is_seen(planted: str, found: str) -> None:
    assert found in called(planted) | mentioned(planted)
