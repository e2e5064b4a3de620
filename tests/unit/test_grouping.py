"""Side by side, what belongs together stays with one process; where that fails, nothing else tells."""

import pytest


def test_a_test_carries_the_group_by_which_it_is_handed_out(request: pytest.FixtureRequest) -> None:
    """A pytest and an xdist that do not know each other hand out every test for itself: correct, and half as fast."""
    grouped = request.config.getoption("loadgroup", default=False)
    assert request.node.nodeid.endswith("@test_grouping.py") == bool(grouped)
