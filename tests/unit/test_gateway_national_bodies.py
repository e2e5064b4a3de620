"""The Panel, the Department and Ofsted take part in what has reached them, and in nothing before (DOMAIN 1.1)."""

from contracts.codes import Ground
from tests.unit.gateway_stories import DEATH, NOT_KNOWN, amendment, london, notifiable, submission

AWARE = london("2026-03-10")
NATIONAL = frozenset({"panel", "department", "ofsted"})


def test_no_national_body_takes_part_before_anything_was_submitted() -> None:
    assert not notifiable(AWARE).now.matter.participants & NATIONAL


def test_all_three_take_part_once_a_section_16c_case_was_submitted() -> None:
    story = notifiable(AWARE)
    story.hear(submission(london("2026-03-12")), london("2026-03-12"))
    assert story.now.matter.participants >= NATIONAL


def test_the_panel_takes_no_part_in_a_case_that_it_does_not_consider_until_it_does() -> None:
    story = notifiable(AWARE, Ground.LAC_DEATH, nature=DEATH, abuse_or_neglect=NOT_KNOWN, child={"looked_after": True})
    story.hear(submission(london("2026-03-12"), Ground.LAC_DEATH), london("2026-03-12"))
    assert story.now.matter.participants & NATIONAL == {"department", "ofsted"}
    added = amendment(london("2026-03-18"), london("2026-03-16"), Ground.LAC_DEATH, Ground.S16C_A)
    story.hear(added, london("2026-03-18"))
    assert story.now.matter.participants >= NATIONAL
