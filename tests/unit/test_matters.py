"""What others fold an incident to, as far as access depends on it, is what its owner says."""

import pytest
from hypothesis import settings
from hypothesis.stateful import invariant

from contracts.access import Matter
from contracts.incidents import IncidentLinked
from contracts.matters import evolve, incidents_of
from tests.unit.gateway_stories import REASON, Story, event, london, notifiable, referred, told
from tests.unit.test_gateway_walk import Walk


def folded(story: Story) -> Matter | None:
    """From the facts alone, in their order."""
    matter: Matter | None = None
    for fact in story.facts:
        matter = evolve(matter, fact)
    return matter


class MatterWalk(Walk):
    @invariant()
    def others_fold_the_same_matter_as_the_owner(self) -> None:
        if self.story.incident is not None:
            assert folded(self.story) == self.story.now.matter


TestMatterWalk = MatterWalk.TestCase
TestMatterWalk.settings = settings(max_examples=50, stateful_step_count=12, deadline=None)


def test_those_who_must_be_told_take_part_from_the_fact_that_sets_their_clock() -> None:
    story = notifiable(london("2026-03-10"))
    matter = folded(story)
    assert matter is not None
    assert {"northbank-icb", "northbank-police"} <= matter.participants


def test_a_fact_before_the_referral_has_no_matter() -> None:
    story = referred(london("2026-03-10"))
    with pytest.raises(ValueError, match="before the incident was referred"):
        evolve(None, story.facts[1])


def test_a_link_is_of_both_its_incidents() -> None:
    lead, twin = f"incident-{'1' * 32}", f"incident-{'2' * 32}"
    link = event(IncidentLinked(lead=lead, twin=twin, reason=REASON), london("2026-03-10"), lead)
    assert incidents_of(link) == {lead, twin}


def test_a_telling_is_of_its_own_incident_alone() -> None:
    subject = f"incident-{'1' * 32}"
    fact = event(told("northbank-icb", london("2026-03-10")), london("2026-03-10"), subject)
    assert incidents_of(fact) == {subject}
