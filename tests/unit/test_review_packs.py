"""An advance copy holds what its taker may read: an agreement that leaves a part of it out opens none of it."""

from datetime import UTC, date, datetime
from typing import Any, cast

import pytest

from contracts.ceilings import EVERYTHING, Fields, all_but
from contracts.identifiers import mint_reference
from contracts.practice_reviews import Finding, PracticeReviewDrafted, PublicationPlanned, ResponseAgreed
from contracts.sealing import Model
from services.rapid_review.packs import newest, references
from services.rapid_review.practice_review import UNDECIDED
from services.rapid_review.review import UNOPENED
from services.rapid_review.shown import Sighted

WHAT, WHY, RESPONSE, REASONS = (mint_reference() for _ in range(4))
DRAFT = PracticeReviewDrafted(report=mint_reference(), findings=(Finding(what=WHAT, why=WHY),), version=1)


class Fact:
    def __init__(self, data: Model) -> None:
        self.data = data


def sighted(*said: tuple[Model, Fields]) -> Sighted:
    facts = cast(Any, [(Fact(data), seen) for data, seen in said])
    return Sighted(cast(Any, None), UNOPENED, UNDECIDED, facts, datetime(2026, 9, 1, tzinfo=UTC))


def test_the_words_of_a_copy_are_those_that_its_taker_may_read() -> None:
    response, plan = (
        ResponseAgreed(version=1, response=RESPONSE),
        PublicationPlanned(on=date(2026, 9, 1), reasons=REASONS),
    )
    whole = sighted((DRAFT, EVERYTHING), (response, EVERYTHING), (plan, EVERYTHING))
    assert {WHAT, WHY, RESPONSE, REASONS} <= set(references(whole))
    part = sighted((DRAFT, all_but("findings")), (response, all_but("response")), (plan, all_but("reasons")))
    assert not {WHAT, WHY, RESPONSE, REASONS} & set(references(part))


@pytest.mark.parametrize("kept", ["report", "findings", "recommendations"])
def test_who_may_not_read_a_draft_whole_gets_no_copy_of_it(kept: str) -> None:
    assert newest(sighted((DRAFT, EVERYTHING))) is not None
    assert newest(sighted((DRAFT, all_but(kept)))) is None
