"""The two streams of an incident here, and which of them something belongs to."""

from contracts import practice_reviews
from contracts.catalogue import CATALOGUE
from contracts.deadlines import OfDeadline
from contracts.envelope import AnyEvent
from contracts.reviews import LearningNoted
from services.rapid_review import practice_review, review
from services.rapid_review.practice_review.state import T09
from shared.decider import Aggregate

PREFIX, PRACTICE_PREFIX = "review-", "practice-review-"
_OF_PRACTICE = frozenset(
    entry.name for entry in CATALOGUE.values() if entry.model.__module__ == practice_reviews.__name__
)


def _through_judge(*_: object) -> list[object]:
    raise NotImplementedError("what is proposed is judged with its case: proposals.py")


REVIEW: Aggregate[review.Review] = Aggregate(review.UNOPENED, _through_judge, review.evolve)  # type: ignore[arg-type]
PRACTICE: Aggregate[practice_review.PracticeReview] = Aggregate(
    practice_review.UNDECIDED,
    _through_judge,  # type: ignore[arg-type]
    practice_review.evolve,
)
"""How the two streams are folded."""


def review_of(incident: str) -> str:
    """The stream of an incident's rapid review."""
    return PREFIX + incident.removeprefix("incident-")


def practice_of(incident: str) -> str:
    """The stream of an incident's practice review."""
    return PRACTICE_PREFIX + incident.removeprefix("incident-")


def of_practice(event: AnyEvent) -> bool:
    """Whether an event is about the practice review, and not about the rapid one."""
    match event.data:
        case OfDeadline(rule=rule):
            return rule == T09
        case LearningNoted(source=source):
            return source == "practice_review"
        case _:
            return event.name in _OF_PRACTICE


def stream_of(event: AnyEvent) -> str:
    """The stream that an event about an incident belongs to."""
    assert event.subject is not None
    return practice_of(event.subject) if of_practice(event) else review_of(event.subject)


def incident_of(stream: str) -> str:
    """The incident that a stream here is about."""
    return f"incident-{stream.removeprefix(PRACTICE_PREFIX).removeprefix(PREFIX)}"
