"""A partnership's own readings are folded from the directory, for it alone, and by its last word."""

from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from contracts.directory import Directory
from contracts.local_rules import DEFAULT, RulesAdopted

AT = datetime(2026, 12, 1, tzinfo=UTC)
ADOPTED = st.builds(
    RulesAdopted,
    rapid_review=st.sampled_from(["T06a", "T06b"]),
    plan=st.just(DEFAULT.plan),
    remind_before=st.integers(0, 10),
    escalate_after=st.integers(1, 10),
)


@given(said=st.lists(st.tuples(st.sampled_from(["northshire", "southmere"]), ADOPTED), max_size=6))
def test_a_partnership_follows_its_last_word_and_one_that_said_nothing_the_default(said: Any) -> None:
    directory = Directory()
    for partnership, rules in said:
        directory = directory.told(partnership, rules, by="business-unit-officer", at=AT)
    last = dict(said)
    for partnership in ("northshire", "southmere", "elsewhere"):
        assert directory.rules_of(partnership) == last.get(partnership, DEFAULT)
    assert directory.edition == len(said)
