"""What every test may ask for: `stack`, a real Kafka and PostgreSQL, started once and only for whoever asks."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.stacks import COMPOSE_FILE, Stack, chosen_stack

settings.register_profile("ours", deadline=None)  # a busy machine is no counterexample
settings.load_profile("ours")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Side by side (make test), a file stays with one process; what shares a whole stack shares it with its folder.

    A whole stack for each process would take half of two cores before anything is tested.
    """
    for item in items:
        shares = "exchange" in getattr(item, "fixturenames", ())
        item.add_marker(pytest.mark.xdist_group(item.path.parent.name if shares else item.path.name))


@pytest.fixture(scope="session")
def stack(request: pytest.FixtureRequest) -> Iterator[Stack]:
    """Kafka and PostgreSQL: embedded ones, unless TEST_STACK or KAFKA_BOOTSTRAP_SERVERS says otherwise."""
    with chosen_stack(request) as started:
        yield started


@pytest.fixture(scope="session")
def docker_compose_file() -> str:
    return str(COMPOSE_FILE)


@pytest.fixture(scope="session")
def docker_compose_project_name() -> str:
    return f"safeguarding-exchange-test-{os.getpid()}"


@pytest.fixture(scope="session")
def docker_setup() -> list[str]:
    """The servers alone: tests run their own processes of ours."""
    return ["up --build --wait kafka postgres"]
