"""What a copy of one version of the report says: the reply to that version, and answers as they were."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any, cast

import pytest

from contracts.ceilings import EVERYTHING
from contracts.review_codes import PanelView
from contracts.reviews import PanelAnswered, ReviewCommented, ReviewSubmitted
from services.rapid_review.practice_review import UNDECIDED
from services.rapid_review.reports import answer, panel, remarks, scrutineer
from services.rapid_review.review import UNOPENED
from services.rapid_review.review.state import Answer, Draft, Request, Return
from services.rapid_review.shown import Sighted
from services.rapid_review.words import Words

AT = datetime(2026, 9, 1, tzinfo=UTC)
COMMENT = "vault:" + "1" * 32
WORDS = Words({COMMENT: "A comment"})
ASKED = Request("request", "a-school", AT.date(), date(2024, 9, 1), AT.date(), ("subject",), AT, AT)


class Fact:
    def __init__(self, data: Any) -> None:
        self.data = data
        self.name = type(data).__name__


def sighted(*said: Any) -> Sighted:
    facts = cast(Any, [(Fact(data), EVERYTHING) for data in said])
    return Sighted(cast(Any, None), UNOPENED, UNDECIDED, facts, AT)


def test_a_copy_prints_the_reply_to_its_own_version() -> None:
    queried, agreed = (PanelAnswered(answered_at=AT, view=view) for view in (PanelView.QUERIES, PanelView.AGREES))
    first, second = (ReviewSubmitted(submitted_at=AT, version=version) for version in (2, 3))
    both = sighted(first, queried, second, agreed)
    assert [panel(both, version, WORDS) for version in (1, 2, 3)] == [None, "Queries.", "Agrees."]
    assert panel(sighted(first, queried, second), 3, WORDS) is None, "the reply to another version is none to this"


def test_a_comment_on_an_earlier_version_is_printed_as_one() -> None:
    commented = sighted(ReviewCommented(version=2, comment=COMMENT))
    assert scrutineer(commented, 1, WORDS) is None
    assert scrutineer(commented, 2, WORDS) == "A comment"
    assert scrutineer(commented, 3, WORDS) == "On version 2: A comment"


def test_a_copy_says_of_its_own_version_whether_it_was_submitted_without_a_sign_off() -> None:
    signed = ReviewSubmitted(submitted_at=AT, version=1)
    bare = ReviewSubmitted(submitted_at=AT, version=2, without_sign_off=True)
    drafts = (Draft(1, "a-draft", signed_off=True), Draft(2, "another", signed_off=True))
    both = replace(sighted(signed, bare), review=replace(UNOPENED, drafts=drafts))
    without = "It was submitted without a sign-off of all three partners."
    assert without not in remarks(both, 1)
    assert without in remarks(both, 2), "what was signed off afterwards went without, all the same"


@pytest.mark.parametrize(
    ("status", "nil", "late", "told"),
    [
        (Answer.NIL, True, False, "Nil return"),
        (Answer.ACCEPTED, True, True, "Nil return, late, accepted"),
        (Answer.RETURNED, False, True, "Returned, late"),
        (Answer.QUERIED, False, False, "Returned, asked for more detail"),
    ],
)
def test_a_nil_or_late_answer_stays_one(status: Answer, nil: bool, late: bool, told: str) -> None:
    returned = Return(1, "a-fact", AT, "its content", nil=nil, late=late)
    assert answer(replace(ASKED, status=status, returns=(returned,))) == told
    assert answer(ASKED) == "Nothing"
