"""The request as a letter: whoever takes it, it holds what the agency that is asked may learn."""

from datetime import UTC, date, datetime
from typing import Any, cast

from contracts.access import Matter, Party
from contracts.codes import AgencyType
from contracts.identifiers import mint_reference
from services.rapid_review.practice_review import UNDECIDED
from services.rapid_review.requests import letter
from services.rapid_review.shown import Sighted
from services.rapid_review.words import Words
from tests.unit.review_export_stories import COMMON
from tests.unit.review_stories import CHILD, SCHOOL, begun, london, question

WHO, HOUSEHOLD, REASON = (mint_reference() for _ in range(3))
WORDS = Words(
    {
        WHO: {"name": "A Child", "dateOfBirth": "2019-01-01", "address": "1 Some Street"},
        HOUSEHOLD: "The mother, at 1 Some Street",
        REASON: "A review asks.",
    }
)


class _Directory:
    agencies: dict[str, Any] = {}  # noqa: RUF012

    def member(self, agency: str) -> Party:
        return Party(agency, AgencyType.SCHOOL)

    def name_of(self, agency: str) -> str:
        return agency


class _Dossier:
    identities = {CHILD: WHO}  # noqa: RUF012


class _Looker:
    """Of the authority, which may learn everything."""

    authority, dossier, directory = "northbank-council", _Dossier(), _Directory()

    def __init__(self, matter: Matter) -> None:
        self.matter = matter


def printed(matter: Matter) -> str:
    story = begun(london("2026-03-10"))
    request = story.ask(SCHOOL, london("2026-03-11"))
    data = question(SCHOOL, household=HOUSEHOLD, reason=REASON, request=request, due=date(2026, 3, 24))
    now = datetime(2026, 3, 11, tzinfo=UTC)
    sighted = Sighted(cast(Any, _Looker(matter)), story.review, UNDECIDED, [], now)
    return letter(sighted, data, WORDS, COMMON).model_dump_json()


def test_a_letter_to_an_alleged_perpetrators_side_holds_no_address_and_no_words_that_could() -> None:
    whole = printed(Matter("northbank"))
    assert whole.count("1 Some Street") == 2
    kept = printed(Matter("northbank", alleged=frozenset({(SCHOOL, "a-teacher")})))
    assert "1 Some Street" not in kept
    assert "A review asks." in kept
