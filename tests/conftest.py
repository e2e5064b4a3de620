"""What every test may ask for: `stack`, the real Kafka and PostgreSQL, started once and only for whoever asks."""

from collections.abc import Iterator

import pytest

from tests.stacks import Stack, chosen_stack


@pytest.fixture(scope="session")
def stack(request: pytest.FixtureRequest) -> Iterator[Stack]:
    """Kafka and PostgreSQL: embedded ones, unless TEST_STACK or KAFKA_BOOTSTRAP_SERVERS says otherwise."""
    with chosen_stack(request) as started:
        yield started
