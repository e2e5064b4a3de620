"""What the decision of a rapid review is tested against, as dated records: words, source, and how far it is verified.

The records lie beside this file. Source: DOMAIN 3.2; SI 2018/789 regulation 11.
"""

import tomllib
from collections.abc import Iterable, Mapping
from datetime import date
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from contracts.identifiers import PartnershipId
from contracts.review_codes import Criterion
from contracts.rules import Status

RECORDS = Path(__file__).with_name("criteria.toml")
Sentence = Annotated[str, StringConstraints(strip_whitespace=True, min_length=10, max_length=300)]


class CriteriaList(StrEnum):
    """Where a criterion stands: partners must take the first into account, and have regard to the second."""

    REGULATION_11 = "regulation_11"
    REGARD = "regard"


class CriterionRecord(BaseModel):
    """One edition of one criterion, in force from a date up to and including another; words are our own."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    id: Criterion
    edition: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{1,40}$")]
    list: CriteriaList
    words: Sentence
    effective_from: date
    effective_to: date | None = None
    source: str
    status: Status
    note: str | None = None
    last_reviewed: date
    next_review: date
    partnership: PartnershipId | None = None

    @model_validator(mode="after")
    def whole(self) -> Self:
        if self.effective_to is not None and self.effective_to < self.effective_from:
            raise ValueError("effective_to lies before effective_from")
        if self.next_review <= self.last_reviewed:
            raise ValueError("next_review must lie after last_reviewed")
        return self

    @property
    def shown(self) -> str:
        """As people are shown it: what was not verified says so, wherever it is."""
        return f"{self.words} (not verified)" if self.status is Status.UNVERIFIED else self.words

    def in_force(self, on: date) -> bool:
        return self.effective_from <= on and (self.effective_to is None or on <= self.effective_to)


def criteria(
    on: date, partnership: str | None = None, records: Iterable[CriterionRecord] | None = None
) -> Mapping[Criterion, CriterionRecord]:
    """What is in force on a London date, in the lists' order; the partnership's own wording where it has one.

    Raises ValueError where two records of one criterion are in force together.
    """
    known = published() if records is None else tuple(records)
    found = {each: _of(each, on, partnership, known) for each in Criterion}
    return {each: record for each, record in found.items() if record is not None}


def _of(
    criterion: Criterion, on: date, partnership: str | None, known: tuple[CriterionRecord, ...]
) -> CriterionRecord | None:
    today = [each for each in known if each.id is criterion and each.in_force(on)]
    own = [each for each in today if partnership and each.partnership == partnership]
    right = own or [each for each in today if each.partnership is None]
    if len(right) > 1:
        raise ValueError(f"{criterion.value}: {len(right)} editions are in force together")
    return right[0] if right else None


@cache
def published() -> tuple[CriterionRecord, ...]:
    """The records that the exchange comes with."""
    told = tomllib.loads(RECORDS.read_text(encoding="utf-8"))
    return tuple(CriterionRecord.model_validate(record) for record in told["criterion"])
