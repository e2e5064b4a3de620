"""Letters need the directory, whose facts come on another topic: an incident that is ahead of them waits for them."""

from pathlib import Path
from typing import Any, cast

import pytest

from contracts.directory import Directory, directory_from
from services.notifications.surroundings import directory_of
from shared.consumer.errors import TryLater, mended_by_time
from shared.database import Transaction

DEMO = directory_from(Path("infra/demo/agencies.toml").read_text(encoding="utf-8"))


def transaction(known: Directory) -> Transaction:
    made = Transaction(cast(Any, None), None, None)
    made.known["directory"] = known
    return made


async def test_an_incident_of_a_partnership_that_is_not_known_yet_is_tried_again_and_not_parked() -> None:
    with pytest.raises(TryLater) as waits:
        await directory_of(transaction(Directory()), "northshire")
    assert mended_by_time(waits.value)


async def test_a_partnership_that_is_known_holds_nothing_up() -> None:
    assert await directory_of(transaction(DEMO), "northshire") is DEMO
