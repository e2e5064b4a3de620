"""The combined chronology: nothing is lost, duplicates are joined, what agencies differ in stands side by side."""

import random
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from datetime import time as clock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.codes import YesNoNotKnown
from contracts.review_codes import EntryKind
from services.rapid_review.chronology.entries import Entry
from services.rapid_review.chronology.likeness import alike, reading, same_sense
from services.rapid_review.chronology.lines import Differ, Line
from services.rapid_review.chronology.merging import lines

DAY = date(2026, 3, 2)
CHILD = "subject-" + "a" * 32
YES, NO, NOT_KNOWN = YesNoNotKnown
VOCABULARY = ("child", "mother", "school", "visit", "worker", "police", "seen", "home", "spoke", "said")
SENTENCES = (
    "Home visit by the allocated worker, the child was seen alone and spoke about school.",
    "Home visit by the allocated worker: the child was seen alone, and spoke about school",
    "Home visit by the allocated worker, the child was not seen alone and spoke about school.",
    "Was not brought to the appointment.",
    "Telephone call, no answer.",
    "Telephone call, no answer at 2.",
)


def _entry(number: int, agency: str = "northshire-council", **more: object) -> Entry:
    plain = Entry(f"vault:{number:032x}", agency, DAY, SENTENCES[0], subjects=frozenset({CHILD}))
    return replace(plain, **more)  # type: ignore[arg-type]


ENTRIES = st.lists(
    st.builds(
        _entry,
        st.integers(0, 10**6),
        st.sampled_from(["northshire-council", "northshire-police", "northshire-icb"]),
        day=st.sampled_from([DAY, DAY + timedelta(1)]),
        at=st.sampled_from([None, clock(10), clock(10, 20), clock(16)]),
        kind=st.sampled_from([EntryKind.VISIT, EntryKind.CONTACT]),
        child_seen=st.sampled_from(YesNoNotKnown),
        event=st.sampled_from([*SENTENCES, None, "", "…"]),
    ),
    max_size=25,
    unique_by=lambda each: each.id,
)


def _ids(made: Sequence[Line]) -> list[str]:
    return [entry.id for line in made for entry in line.entries]


@given(ENTRIES)
def test_every_entry_is_in_exactly_one_line(entries: list[Entry]) -> None:
    assert sorted(_ids(lines(entries))) == sorted(each.id for each in entries)


@given(ENTRIES, st.randoms())
def test_the_order_of_arrival_changes_nothing(entries: list[Entry], chance: random.Random) -> None:
    shuffled = chance.sample(entries, len(entries))
    assert lines(shuffled) == lines(entries)


@given(ENTRIES)
def test_merging_what_is_merged_changes_nothing_and_what_came_twice_counts_once(entries: list[Entry]) -> None:
    once = lines(entries)
    assert lines([entry for line in once for entry in line.entries]) == once
    assert lines([*entries, *entries]) == once


@given(ENTRIES)
def test_lines_stand_by_day_and_then_by_time_those_without_a_time_last(entries: list[Entry]) -> None:
    places = [(line.day, line.at is None, line.at or clock()) for line in lines(entries)]
    assert places == sorted(places)


@given(ENTRIES)
def test_a_line_is_of_one_day_and_of_the_same_children_and_no_agency_contradicts_itself(entries: list[Entry]) -> None:
    for line in lines(entries):
        assert len({(entry.day, entry.subjects) for entry in line.entries}) == 1
        for statement in line.statements:
            assert len({entry.kind for entry in statement.entries}) == 1
            assert len({entry.at for entry in statement.entries} - {None}) <= 1
            assert len({entry.child_seen for entry in statement.entries} - {NOT_KNOWN}) <= 1
        told = [agency for statement in line.statements for agency in statement.agencies]
        assert len(told) == len(set(told))
        assert (len(line.statements) > 1) == bool(line.differ)


def test_a_duplicate_is_joined_and_both_sources_are_kept() -> None:
    (line,) = lines([_entry(1), _entry(2, "northshire-police", event=SENTENCES[1], at=clock(10))])
    (statement,) = line.statements
    assert statement.agencies == {"northshire-council", "northshire-police"}
    assert {entry.event for entry in statement.entries} == set(SENTENCES[:2])
    assert line.at == clock(10)


@pytest.mark.parametrize(
    "other",
    [
        {"day": DAY + timedelta(1)},
        {"subjects": frozenset[str]()},
        {"event": SENTENCES[3]},
        {"event": None},
        {"at": clock(13, 1)},
    ],
)
def test_another_day_child_or_wording_or_hours_between_make_another_event(other: dict[str, object]) -> None:
    assert len(lines([_entry(1, at=clock(10)), _entry(2, "northshire-police", **other)])) == 2


@pytest.mark.parametrize(
    ("other", "differ"),
    [
        ({"child_seen": NO}, {Differ.CHILD_SEEN}),
        ({"at": clock(10, 20)}, {Differ.TIME}),
        ({"kind": EntryKind.POLICE}, {Differ.KIND}),
        ({"event": SENTENCES[2]}, {Differ.WORDS}),
        ({"child_seen": NO, "at": clock(11), "event": SENTENCES[2]}, {Differ.CHILD_SEEN, Differ.TIME, Differ.WORDS}),
    ],
)
def test_two_agencies_that_differ_about_one_event_stand_side_by_side(
    other: dict[str, object], differ: set[Differ]
) -> None:
    (line,) = lines([_entry(1, at=clock(10), child_seen=YES), _entry(2, "northshire-police", **other)])
    assert line.differ == differ
    assert [each.first.agency for each in line.statements] == ["northshire-council", "northshire-police"]


def test_one_moment_of_one_kind_is_one_event_where_the_child_was_seen_by_one_and_not_by_the_other() -> None:
    seen = _entry(1, at=clock(10), child_seen=YES)
    not_seen = _entry(2, "northshire-police", at=clock(10), child_seen=NO, event="Joint visit.")
    (line,) = lines([seen, not_seen])
    assert line.differ >= {Differ.CHILD_SEEN}
    assert line.child_seen is NO


def test_an_agencys_own_two_calls_are_two_events_and_another_agencys_stands_beside_the_closer_one() -> None:
    one, two = (_entry(number, event=SENTENCES[4], at=clock(hour)) for number, hour in ((1, 10), (2, 11)))
    of_another = _entry(3, "northshire-police", event=SENTENCES[4], at=clock(10, 50))
    first, second = lines([one, two, of_another])
    assert list(first.entries) == [one]
    assert list(second.entries) == [of_another, two]


def test_a_negation_or_a_number_is_never_nearly_the_same() -> None:
    seen, not_seen = reading(SENTENCES[0]), reading(SENTENCES[2])
    assert alike(seen, not_seen)
    assert not same_sense(seen, not_seen)
    assert not same_sense(reading("Flat 12"), reading("Flat 14"))
    assert same_sense(reading("He didn’t come"), reading("he DIDN'T come!"))


def test_words_that_were_erased_are_like_no_others() -> None:
    assert not alike(reading(None), reading(None))
    assert len(lines([_entry(1, event=None), _entry(2, event=None)])) == 2


def _returned(count: int) -> list[Entry]:
    chance = random.Random(count)
    agencies = [f"agency-{number}" for number in range(12)]
    made = []
    for number in range(count):
        words = " ".join(
            chance.choices(
                ["child", "mother", "school", "visit", "worker", "police", "seen", "home", "spoke", "said"], k=30
            )
        )
        made.append(
            _entry(
                number,
                chance.choice(agencies),
                day=DAY + timedelta(chance.randrange(730)),
                at=chance.choice([None, clock(chance.randrange(24), chance.randrange(60))]),
                kind=chance.choice(list(EntryKind)),
                event=words,
            )
        )
    repeated = chance.sample(made, count // 10)
    return made + [replace(each, id=f"{each.id}-again", agency="agency-12") for each in repeated]


def test_merging_grows_no_worse_than_with_the_number_of_entries() -> None:
    few, many = (_returned(count) for count in (500, 5_000))
    assert _seconds(many) < 40 * _seconds(few)  # ten times the entries, on a machine that others use as well


def test_a_sheet_whose_rows_all_bear_one_date_is_merged_as_fast() -> None:
    spread = _returned(5_000)
    crowded = [replace(each, day=DAY) for each in spread]
    assert _seconds(crowded) < 10 * _seconds(spread)
    joined = [line for line in lines(crowded) if len(line.agencies) > 1]
    assert len(joined) > 400  # what was repeated exactly is joined all the same


def _seconds(entries: list[Entry]) -> float:
    found = []
    for _ in range(3):
        began = time.process_time()
        lines(entries)
        found.append(time.process_time() - began)
    return min(found)


def test_in_a_review_of_one_child_an_entry_that_names_nobody_is_compared_as_the_childs() -> None:
    police = _entry(1, "northshire-police", subjects=frozenset(), child_seen=YES)
    council = _entry(2, child_seen=NO)
    assert len(lines([police, council])) == 2
    (line,) = lines([police, council], CHILD)
    assert Differ.CHILD_SEEN in line.differ
    assert line.subjects == {CHILD}
    assert sorted(_ids([line])) == [police.id, council.id]


def test_entries_that_all_name_nobody_stay_so() -> None:
    (line,) = lines([_entry(1, subjects=frozenset()), _entry(2, "northshire-icb", subjects=frozenset())], CHILD)
    assert line.subjects == frozenset()
