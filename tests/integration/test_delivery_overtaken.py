"""A fact of two incidents that comes before one of them is known: topics and partitions keep no order between them."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from contracts.identifiers import mint
from contracts.vault import Likeness, SubjectLikenessNoticed
from tests.deliveries import COUNCIL, ICB, POLICE, SCHOOL, Delivery, delivery_on, listed, new_database, referred_by
from tests.stacks import Stack
from tests.unit.gateway_stories import Story, london

LATER = london("2026-03-11")
LIKENESS = "subject.likeness-noticed.v1"


@pytest.fixture
async def here(stack: Stack) -> AsyncIterator[Delivery]:
    url = await new_database(stack, f"delivery_{uuid4().hex[:8]}")
    async with delivery_on(url) as delivery:
        await listed(delivery)
        yield delivery


def likeness(before: Story, filed: Story) -> SubjectLikenessNoticed:
    """As the vault says it under the incident that was filed last."""
    return SubjectLikenessNoticed(
        subjects=(mint("subject"), mint("subject")),
        incidents=(before.subject, filed.subject),
        likenesses=(Likeness.SAME_NHS_NUMBER,),
    )


@pytest.mark.parametrize("last", ["before", "filed"])
@pytest.mark.parametrize("together", [True, False])
async def test_a_likeness_that_overtook_its_incidents_is_told_once_both_are_known(
    here: Delivery, last: str, together: bool
) -> None:
    before, filed = referred_by(SCHOOL), referred_by(POLICE)
    noticed = here.facts.stated(filed, likeness(before, filed), LATER)
    first, second = (filed, before) if last == "before" else (before, filed)
    batches = [[noticed], first.facts, second.facts]
    for batch in [[fact for each in batches for fact in each]] if together else batches:
        await here.take(*batch)
    assert (await here.shown(COUNCIL)).count(LIKENESS) == 1
    assert LIKENESS not in await here.shown(ICB)
