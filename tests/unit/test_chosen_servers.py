"""Which servers tests stand on is said by two variables, and a misspelt choice is no choice for the embedded ones."""

import pytest

from tests.stacks import CONTAINERS, EMBEDDED, SOMEBODYS, chosen

SOME = {"KAFKA_BOOTSTRAP_SERVERS": "kafka.example:9093"}


@pytest.mark.parametrize(
    ("environ", "servers"),
    [
        ({}, EMBEDDED),
        ({"TEST_STACK": ""}, EMBEDDED),
        ({"TEST_STACK": "docker"}, CONTAINERS),
        (SOME, SOMEBODYS),
        (SOME | {"TEST_STACK": "docker"}, CONTAINERS),
    ],
)
def test_two_variables_choose_the_servers(environ: dict[str, str], servers: str) -> None:
    assert chosen(environ) == servers


def test_a_misspelt_choice_is_refused() -> None:
    with pytest.raises(pytest.UsageError, match="TEST_STACK=dokcer: it is docker, or not set"):
        chosen({"TEST_STACK": "dokcer"})
