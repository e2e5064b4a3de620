"""The bench's own reckoning: what counts as kept, what the table says, and how figures are summed up."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bench.profiling import plain
from tests.bench.verdicts import Promise, Row, Spread, missed, quantile, rounded, shown, slope, verdict, warning
from tests.bench.watching import told

AT_LEAST = Promise("at least 0.4 of the reference", least=0.4)
AT_MOST = Promise("under 25 ms", most=25, of="ours")


def row(promise: Promise, ours: float | None, reference: float | None = None, *, failed: bool = False) -> Row:
    return Row("a row", promise, "ms", ours, reference, failed=failed)


@pytest.mark.parametrize(
    ("measured", "met"),
    [
        (row(AT_LEAST, 40, 100), True),
        (row(AT_LEAST, 39.9, 100), False),
        (row(AT_MOST, 25), True),
        (row(AT_MOST, 25.1), False),
        (row(AT_MOST, 30, 1000), False),
        (row(AT_MOST, 1, failed=True), False),
        (row(AT_LEAST, 40), None),
        (row(AT_LEAST, 40, 0), None),
        (row(AT_MOST, None), None),
        (row(Promise("nothing"), 1, 1), None),
    ],
)
def test_a_promise_is_kept_missed_or_not_measured(measured: Row, met: bool | None) -> None:
    assert measured.met is met
    assert measured.to_json()["met"] is met


def test_what_was_not_measured_is_never_called_met() -> None:
    nothing = row(AT_MOST, None)
    assert (verdict(nothing.met), shown(nothing.ours, "ms")) == ("–", "not measured")
    assert missed([nothing]) == []


def test_a_missed_promise_is_said_with_both_figures() -> None:
    (sentence,) = missed([row(AT_LEAST, 30, 100), row(AT_LEAST, 50, 100)])
    assert sentence == "a row: ratio 0.3 (30 ms against 100 ms); promised: at least 0.4 of the reference"


@pytest.mark.parametrize(("load", "said"), [(0.0, False), (0.5, False), (0.6, True), (12.0, True)])
def test_figures_of_a_busy_machine_say_so(load: float, said: bool) -> None:
    assert bool(warning(load, 2)) is said


def test_a_row_in_the_results_has_all_that_was_promised_of_it() -> None:
    names = {"name", "ours", "reference", "unit", "ratio", "promise", "met", "conditions", "note"}
    assert set(row(AT_LEAST, 1, 3).to_json()) == names
    assert row(AT_LEAST, 1, 3).to_json()["ratio"] == 0.333


def test_a_ratio_is_judged_before_it_is_rounded() -> None:
    close = row(AT_LEAST, 39.99, 100)
    assert (close.to_json()["ratio"], close.met) == (0.4, False)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=300), st.floats(0.01, 1))
def test_a_quantile_is_the_least_figure_that_enough_do_not_exceed(figures: list[float], part: float) -> None:
    ordered = sorted(figures)
    found = quantile(ordered, part)
    assert sum(figure <= found for figure in ordered) >= part * len(ordered) - 1e-9
    assert sum(figure < found for figure in ordered) < part * len(ordered) + 1e-9


@given(st.floats(0, 3), st.floats(0.001, 1000))
def test_the_slope_is_the_exponent_of_a_power(exponent: float, factor: float) -> None:
    points = [(x, factor * x**exponent) for x in (50_000.0, 100_000.0, 200_000.0, 400_000.0)]
    assert math.isclose(slope(points), exponent, abs_tol=1e-6)


def test_figures_are_shown_no_finer_than_they_are_known() -> None:
    assert (rounded(1234.56), rounded(12.3456), rounded(None)) == (1235.0, 12.3, None)
    assert (shown(1234.56, "events/s"), shown(0.4321)) == ("1,235 events/s", "0.432")
    assert Spread((1.0, 3.0, 1000.0)).middle == 3.0


def test_a_reader_watched_is_counted_by_its_positions() -> None:
    places = {0: [1, 4, 6], 1: [2, 3, 5]}
    looks = [(0.0, {}), (1.0, {0: 4, 1: 2}), (2.0, {0: 6, 1: 5}), (9.0, {0: 6, 1: 5})]
    seen = told(places, looks)
    assert [count for _, count in seen.applied] == [0, 3, 6]
    assert (seen.done, seen.seconds, seen.count, seen.rate) == (True, 2.0, 6, 3.0)
    assert not told(places, looks[:2]).done


def test_a_profile_names_no_path_of_the_machine() -> None:
    here = __file__.removesuffix("tests/unit/test_bench_verdicts.py")
    text = f" 1 0.1 {here}shared/relay.py:1(run)\n 2 0.2 /opt/x/lib/python3.11/site-packages/fastapi/app.py:3(f)   \n"
    assert plain(text) == " 1 0.1 shared/relay.py:1(run)\n 2 0.2 fastapi/app.py:3(f)\n"
