"""What every test may ask for: `stack`, a real Kafka and PostgreSQL, started once and only for whoever asks."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.stacks import COMPOSE_FILE, EMBEDDED, OWN, Stack, chosen, chosen_stack

settings.register_profile("ours", deadline=None)  # a busy machine is no counterexample
settings.load_profile("ours")


def pytest_configure() -> None:
    """Refuse a choice of servers that there is not, before anything runs on others."""
    chosen(os.environ)


def pytest_report_header() -> str | None:
    """Which servers were chosen, and that not every test stands on them."""
    servers = chosen(os.environ)
    return None if servers == EMBEDDED else f"servers: {servers}; {OWN}"


@pytest.hookimpl(tryfirst=True)  # xdist reads the groups in this hook of its own
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Side by side (make test), a file stays with one process; what needs a whole stack shares one with its folder.

    They come first: they are the longest, and wait more than they reckon, so the others fit in beside them.
    """
    for item in items:
        item.add_marker(pytest.mark.xdist_group(item.path.parent.name if _needs_all(item) else item.path.name))
    items.sort(key=_needs_all, reverse=True)


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """No file's content in a test's name: it is long, and another each time where the file holds chance."""
    return argname if isinstance(val, bytes) and len(val) > 100 else None


def _needs_all(item: pytest.Item) -> bool:
    return "exchange" in getattr(item, "fixturenames", ())


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
