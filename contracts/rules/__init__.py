"""Every time rule as a dated record: edition, force, length, recipients, severity, source, and how far it is verified.

The records lie beside this file, one TOML table each (DOMAIN section 1). An edition is never altered once deadlines
name it: a change is a further record that takes over on a date. A partnership's own rule is a further record with the
partnership's name.
"""

import tomllib
from collections.abc import Iterable
from datetime import date
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from contracts.identifiers import PartnershipId


class NoRuleInForce(LookupError):
    """No edition of that rule is in force on that date."""


class Force(StrEnum):
    """What stands behind a rule (DOMAIN D-0)."""

    STATUTE = "statute"
    STATUTORY_GUIDANCE = "statutory-guidance"
    PANEL_EXPECTATION = "panel-expectation"
    LOCAL = "local"


class Unit(StrEnum):
    WORKING_DAYS = "working_days"
    CALENDAR_MONTHS = "calendar_months"


class Direction(StrEnum):
    AFTER = "after"
    BEFORE = "before"


class Severity(StrEnum):
    """How bad a breach is (DOMAIN 1.3): red a duty, amber guidance or regulations, grey local or expected."""

    RED = "red"
    AMBER = "amber"
    GREY = "grey"


class Status(StrEnum):
    """How far a rule is verified: the weakest tag among the sources that its number rests on."""

    READ = "V"
    SECOND_HAND = "L"
    SEED = "S"
    DERIVED = "D"
    UNVERIFIED = "U"


class Rule(BaseModel):
    """One edition of one rule, in force from a date up to and including another.

    `length` is None where no number was found; nothing is then reckoned. `extendable_to` is the total that it may be
    extended to, in the same unit. `dates_verified` tells whether the dates of the edition were read or are assumed.
    `recipients` are codes: panel, department, ofsted, partners and so on. `note`: what to know before relying on it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    id: Annotated[str, Field(pattern=r"^T[0-9]{2}[a-z]?$")]
    edition: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{1,40}$")]
    title: str
    force: Force
    effective_from: date
    effective_to: date | None = None
    dates_verified: bool = False
    trigger: str
    day0: str
    length: Annotated[int, Field(ge=1)] | None = None
    unit: Unit | None = None
    direction: Direction = Direction.AFTER
    extendable_to: Annotated[int, Field(ge=1)] | None = None
    recipients: tuple[str, ...]
    severity: Severity
    source: str
    status: Status
    note: str | None = None
    last_reviewed: date
    next_review: date
    configurable: bool
    partnership: PartnershipId | None = None

    @model_validator(mode="after")
    def whole(self) -> Self:
        if (self.length is None) != (self.unit is None):
            raise ValueError("a length needs its unit, and a unit its length")
        if self.effective_to is not None and self.effective_to < self.effective_from:
            raise ValueError("effective_to lies before effective_from")
        if self.next_review <= self.last_reviewed:
            raise ValueError("next_review must lie after last_reviewed")
        return self

    @property
    def counted(self) -> int:
        """The working days to count, negative where the rule counts back. Raises ValueError for any other unit."""
        if self.length is None or self.unit is not Unit.WORKING_DAYS:
            raise ValueError(f"{self.id} is not counted in working days")
        return -self.length if self.direction is Direction.BEFORE else self.length

    def in_force(self, on: date) -> bool:
        return self.effective_from <= on and (self.effective_to is None or on <= self.effective_to)


class Rules:
    """A set of records, no two of which are in force on one day for one rule and one partnership."""

    def __init__(self, records: Iterable[Rule]) -> None:
        self.records = tuple(records)
        for number, one in enumerate(self.records):
            for other in self.records[number + 1 :]:
                if (one.id, one.partnership) == (other.id, other.partnership) and _overlap(one, other):
                    raise ValueError(f"{one.id}: editions {one.edition} and {other.edition} are in force together")

    def rule(self, rule_id: str, on: date, partnership: str | None = None) -> Rule:
        """The edition in force on a London date; the partnership's own one where there is one. Raises NoRuleInForce."""
        found = {rule.partnership: rule for rule in self.records if rule.id == rule_id and rule.in_force(on)}
        rule = found.get(partnership) or found.get(None)
        if rule is None:
            raise NoRuleInForce(f"no edition of {rule_id} is in force on {on}")
        return rule

    def with_records(self, records: Iterable[Rule]) -> "Rules":
        """These rules and further records, such as a partnership's own."""
        return Rules([*self.records, *records])


def rule(rule_id: str, on: date, partnership: str | None = None) -> Rule:
    """The edition of a published rule in force on a London date. Raises NoRuleInForce."""
    return published().rule(rule_id, on, partnership)


@cache
def published() -> Rules:
    """The records that the exchange comes with."""
    return Rules(record for path in sorted(Path(__file__).parent.glob("*.toml")) for record in read(path))


def read(path: Path) -> list[Rule]:
    """The rules in one file; none in one whose records are of another kind, such as `criteria.toml`."""
    return [Rule.model_validate(record) for record in tomllib.loads(path.read_text(encoding="utf-8")).get("rule", ())]


def _overlap(one: Rule, other: Rule) -> bool:
    return one.in_force(other.effective_from) or other.in_force(one.effective_from)
