"""Whatever is planted, in whatever form and wherever it stands, is found; and nothing is found where there is none."""

import time
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.review_codes import Found
from contracts.sealing import Contact, Identity
from services.rapid_review.redaction import Age, Finding, Known, counts, scan

PLAIN = """
The review found that practitioners worked hard and that information was not always shared in good time.
It may be that plans were agreed too late: what will be done, by whom, and when, must be clear.
""".split()  # noqa: SIM905
"""Words of a report that tell nobody, with words among them that are names elsewhere."""

NAMES = ["Zebediah", "Featherstone", "Mary-Ann", "O'Hanrahan", "Zoë", "Łukasz", "Siân", "Müller", "Adeyemi", "Nguyen"]
MONTHS = """
January February March April May June July August September October November December
""".split()  # noqa: SIM905
ORDINALS = """
first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth
sixteenth seventeenth eighteenth nineteenth twentieth twenty-first twenty-second twenty-third twenty-fourth twenty-fifth
twenty-sixth twenty-seventh twenty-eighth twenty-ninth thirtieth thirty-first
""".split()  # noqa: SIM905


def plainly(name: str) -> str:
    table = str.maketrans("ëŁâüø", "eLauo")
    return name.translate(table)


def _ordinal(day: int) -> str:
    ending = "th" if day in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
    return f"{day}{ending}"


def forms_of_a_name(name: str) -> list[str]:
    own = [name, name.upper(), name.lower(), plainly(name), f"{name}'s", f"{name}’s", f"{name.upper()}'S"]
    apart = [name.replace("-", " "), name.replace("-", ""), name.replace("-", "‑"), name.replace("'", "’")]
    broken = [
        f"{name[:3]}\u200b{name[3:]}",
        f"{name[:3]}-\n{name[3:]}",
        f"{name[:3]}\u00ad{name[3:]}",
        f"{name[:3]}\u00ad\n{name[3:]}",
    ]
    within = [f"({name})", f"“{name}”", f"{name}_2026.docx", f"x.{name.lower()}@example.org", f"{name}2016", f"{name}s"]
    return [*own, *apart, *within, " ".join(name), *(broken if name[:4].isalpha() else [])]


def forms_of_a_date(day: date) -> list[str]:
    month, year = MONTHS[day.month - 1], day.year
    long = [f"{day.day} {month} {year}", f"{month} {day.day}, {year}", f"{_ordinal(day.day)} of {month} {year}"]
    long += [f"{day.day} {month[:3]} {year}", f"{day.day}-{month[:3]}-{year % 100:02}", f"{day.day}{month[:3]}{year}"]
    long += [f"the {_ordinal(day.day)} {month.upper()}", f"{month} {_ordinal(day.day)}", f"{day:%A} {day.day} {month}"]
    long += [f"{day.day}\u00a0{month}\n{year}", f"{day.day} {month} '{year % 100:02}", f"{month} the {day.day}"]
    long += [f"{day.day}–{day.day + 1} {month} {year}", f"{day.day} and {day.day + 2} {month} {year}"]
    short = [
        day.isoformat(),
        f"{day:%d/%m/%Y}",
        f"{day:%d/%m/%y}",
        f"{day:%d.%m.%Y}",
        f"{day:%d-%m-%y}",
        f"{day:%d%m%Y}",
    ]
    short += [f"{day:%Y%m%d}", f"{day:%d %m %Y}", f"{day.day}/{day.month}/{year}", f"{day:%Y/%m/%d}", f"{day:%d/%m}"]
    vague = [f"{month} {year}", f"{month[:3]} {year}", f"{day:%m/%Y}"]
    ordinal = ORDINALS[day.day - 1]
    words = [f"{ordinal} of {month}", f"{ordinal.replace('-', ' ').upper()} day of {month} {year}"]
    return [*long, *short, *vague, *words]


def forms_of_digits(number: str) -> list[str]:
    three = f"{number[:3]} {number[3:6]} {number[6:]}"
    return [number, three, three.replace(" ", "-"), three.replace(" ", "\u00a0"), f"NHS{number}", f"no.{number}."]


def kinds(found: tuple[Finding, ...]) -> set[Found]:
    return {finding.what for finding in found}


def standing_in(words: list[str], planted: str, at: int) -> str:
    at %= len(words) + 1
    return " ".join([*words[:at], planted, *words[at:]])


WORDS = st.lists(st.sampled_from(PLAIN), max_size=25)


@given(st.data(), st.sampled_from(NAMES), WORDS, st.integers(0, 25))
def test_a_name_is_found_in_every_form_wherever_it_stands(
    data: st.DataObject, name: str, words: list[str], at: int
) -> None:
    form = data.draw(st.sampled_from(forms_of_a_name(name)))
    found = scan(standing_in(words, form, at), Known(names=frozenset({f"Child {name}"})))
    assert Found.NAME in kinds(found), form


@given(st.data(), st.dates(date(2001, 1, 1), date(2029, 12, 31)), WORDS, st.integers(0, 25))
def test_a_date_is_found_in_every_english_form_wherever_it_stands(
    data: st.DataObject, day: date, words: list[str], at: int
) -> None:
    form = data.draw(st.sampled_from(forms_of_a_date(day)))
    found = scan(standing_in(words, form, at), Known(dates=frozenset({day})))
    assert Found.DATE in kinds(found), form


@given(st.data(), st.dates(date(2001, 1, 1), date(2029, 12, 31)), st.integers(32, 300))
def test_another_day_of_another_month_is_not_found(data: st.DataObject, day: date, away: int) -> None:
    other = day + timedelta(days=away)
    if other.month == day.month or (other.day, other.month) == (day.month, day.day):
        return
    for form in (f"{day.day} {MONTHS[day.month - 1]} {day.year}", day.isoformat(), f"{day:%d/%m/%Y}"):
        assert scan(f"It was on {form} that they met.", Known(dates=frozenset({other}))) == (), form


@given(st.data(), st.text("0123456789", min_size=10, max_size=10), WORDS, st.integers(0, 25))
def test_a_number_is_found_however_it_is_spaced(data: st.DataObject, number: str, words: list[str], at: int) -> None:
    form = data.draw(st.sampled_from(forms_of_digits(number)))
    found = scan(standing_in(words, form, at), Known(identifiers=frozenset({number})))
    assert [finding.what for finding in found] == [Found.IDENTIFIER], form


@pytest.mark.parametrize(
    "form", ["AB1 2CD", "ab12cd", "AB1\n2CD", "(AB1 2CD)", "A123456789012", "UPN: a123456789012", "LCS-44-17"]
)
def test_postcodes_pupil_numbers_and_local_ids_are_found(form: str) -> None:
    known = Known(identifiers=frozenset({"AB1 2CD", "A123456789012", "LCS 4417"}))
    assert kinds(scan(f"Seen: {form}.", known)) == {Found.IDENTIFIER}


def test_a_number_within_a_longer_one_is_another() -> None:
    assert scan("Tel. 194347659190", Known(identifiers=frozenset({"9434765919"}))) == ()


@pytest.mark.parametrize(
    "form",
    [
        "12 Acacia Avenue",
        "acacia ave.",
        "ACACIA AVENUE",
        "Acacia\nAvenue",
        "St. Zita's Primary School",
        "Saint Zitas primary school",
    ],
)
def test_a_place_is_found_by_its_words(form: str) -> None:
    known = Known(places=frozenset({"12 Acacia Avenue, Middleton", "St Zita's Primary School"}))
    found = [finding for finding in scan(f"They lived near {form}, they said.", known) if not finding.possible]
    assert kinds(tuple(found)) == {Found.PLACE}


def test_a_telling_word_of_a_place_is_possible_and_a_generic_one_is_nothing() -> None:
    known = Known(places=frozenset({"12 Acacia Avenue, Middleton"}))
    assert [finding.possible for finding in scan("People in Middleton knew.", known)] == [True]
    assert scan("The avenue was quiet, and the primary school was near.", known) == ()


@pytest.mark.parametrize(
    "form",
    ["aged 6", "6 years old", "six-year-old", "6-year-old", "Six years of age", "age 6", "6yo", "aged six", "6 yrs"],
)
def test_an_exact_age_is_found(form: str) -> None:
    assert kinds(scan(f"A child, {form}, was seen.", Known(ages=frozenset({Age(6, "year")})))) == {Found.DATE}
    assert scan(f"A child, {form}, was seen.", Known(ages=frozenset({Age(7, "year"), Age(6, "month")}))) == ()


def test_ages_on_the_days_on_which_things_happened_follow_from_the_date_of_birth() -> None:
    born = Identity(name="Child A", date_of_birth=date(2025, 1, 31))
    known = Known.of([born], dates=[date(2026, 3, 30)])
    assert known.ages == {Age(1, "year"), Age(13, "month"), Age(60, "week"), Age(423, "day")}


@pytest.mark.parametrize(("name", "common"), [("May", "may"), ("Rose", "rose"), ("Will", "will"), ("Mark", "mark")])
def test_a_name_that_is_a_common_word_is_possible_where_it_is_written_large_and_else_nothing(
    name: str, common: str
) -> None:
    known = Known(names=frozenset({f"{name} Featherstone"}))
    assert [(finding.words, finding.possible) for finding in scan(f"Then {name} left.", known)] == [(name, True)]
    assert scan(f"That {common} be so; numbers {common}.", known) == ()


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("Oliver", "Ollie"),
        ("Alfie", "Alfred"),
        ("Jonathan Featherstone", "J.F."),
        ("Jonathan Featherstone", "JF"),
        ("Jonathan Featherstone", "jonathanfeatherstone"),
        ("Jonathan Featherstone", "JFeatherstone"),
        ("Featherstone", "the Featherstones"),
    ],
)
def test_short_forms_initials_and_run_together_names_are_found(name: str, form: str) -> None:
    assert kinds(scan(f"It was {form} who came.", Known(names=frozenset({name})))) == {Found.NAME}


@pytest.mark.parametrize("form", ["O’Hanrahan’s", "OHANRAHAN'S", "O'Hanrahan", "Zoe’s", "Mary‑Ann’s", "ZEBEDIAH"])
def test_a_possessive_is_the_name_for_sure(form: str) -> None:
    found = scan(f"It was {form} turn.", Known(names=frozenset({"Zebediah O'Hanrahan", "Zoë", "Mary-Ann"})))
    assert found
    assert not any(finding.possible for finding in found)


def test_a_name_within_another_word_is_no_name() -> None:
    assert scan("An annual plan for the community, in summary.", Known(names=frozenset({"Ann Mary"}))) == ()


def test_titles_and_particles_alone_name_nobody() -> None:
    known = Known(names=frozenset({"Dr van der Featherstone", "Ali bin Adeyemi"}))
    assert scan("The Dr saw the van; le bin, the al fresco.", known) == ()
    assert kinds(scan("featherstone and Adeyemi", known)) == {Found.NAME}


@given(st.lists(st.sampled_from(PLAIN), max_size=60))
def test_where_nothing_is_planted_nothing_is_found(words: list[str]) -> None:
    known = Known(
        names=frozenset({*NAMES, "Will May", "Rose Good"}),
        dates=frozenset({date(2026, 3, 3)}),
        places=frozenset({"12 Acacia Avenue, Middleton"}),
        identifiers=frozenset({"9434765919", "AB1 2CD"}),
        ages=frozenset({Age(6, "year")}),
    )
    assert scan(" ".join(words), known) == ()


@given(st.text(max_size=200))
def test_any_text_at_all_is_scanned_and_shown_as_it_stands(text: str) -> None:
    planted = f"{text} Zebediah {text}"
    found = [finding for finding in scan(planted, Known(names=frozenset({"Zebediah"}))) if finding.words == "Zebediah"]
    assert any(planted[finding.start : finding.end] == "Zebediah" for finding in found)


def test_what_is_found_is_counted_by_kind_for_the_fact_and_shown_in_its_place_to_the_checker() -> None:
    known = Known(names=frozenset({"Zebediah"}), dates=frozenset({date(2026, 3, 3)}))
    found = scan("On 3 March 2026 Zebediah was seen. Zebediah’s school knew.", known)
    assert [(each.what, each.count) for each in counts(found)] == [(Found.NAME, 2), (Found.DATE, 1)]
    assert found[1].around == "On 3 March 2026 Zebediah was seen. Zebediah’s school knew."
    assert "Zebediah" not in repr(found) + repr(known), "neither may end in a log"


def test_the_known_come_from_identities_contacts_and_places() -> None:
    person = Identity(
        name="Zebediah Featherstone",
        other_names=("Zeb",),
        date_of_birth=date(2019, 5, 4),
        address="12 Acacia Avenue, Middleton, AB1 2CD",
        nhs_number="9434765919",
        local_id="LCS4417",
    )
    known = Known.of([person], contacts=[Contact(name="Siân Müller")], dates=[date(2026, 3, 3)], identifiers=["CR/77"])
    assert known.identifiers == {"9434765919", "LCS4417", "AB1 2CD", "CR/77"}
    assert known.names == {"Zebediah Featherstone", "Zeb", "Siân Müller"}
    assert known.dates == {date(2019, 5, 4), date(2026, 3, 3)}
    assert "AB1" not in " ".join(known.places)


@pytest.mark.parametrize(
    "piece", ["a", "1", "1 ", "a ", "aB", "1, ", "may ", "-\n", "a-\n", "''", "\u00ad", "twenty ", "   ", "O."]
)
def test_no_text_makes_the_scan_slow(piece: str) -> None:
    known = Known(
        names=frozenset({"Zebediah O'Hanrahan"}),
        dates=frozenset({date(2026, 5, 1)}),
        places=frozenset({"12 Acacia Avenue"}),
        identifiers=frozenset({"1111111112"}),
        ages=frozenset({Age(6, "year")}),
    )
    began = time.process_time()
    scan(piece * (60_000 // len(piece)), known)
    assert time.process_time() - began < 2


def test_sixty_pages_are_scanned_within_a_second() -> None:
    page = " ".join(PLAIN * 18)
    text = f"\n{page}\n".join(f"Zebediah was {_ordinal(n)}, seen on 3 March 2026" for n in range(1, 62))
    known = Known(
        names=frozenset(f"{one} {other}" for one in NAMES for other in NAMES),
        dates=frozenset(date(2026, 3, day) for day in range(1, 20)),
        places=frozenset({"12 Acacia Avenue, Middleton"}),
        identifiers=frozenset({"9434765919", "AB1 2CD"}),
        ages=frozenset({Age(6, "year")}),
    )
    assert len(text) > 60 * 3000
    began = time.process_time()
    found = scan(text, known)
    assert time.process_time() - began < 1
    assert counts(found)[0].count == 61


@pytest.mark.parametrize(
    ("form", "possible"),
    [("04/03/2026", [False]), ("03/04/2026", [True]), ("4 March", [True]), ("March 2026", [True]), ("04/03/2025", [])],
)
def test_a_date_that_can_be_read_otherwise_or_lacks_a_part_is_possible(form: str, possible: list[bool]) -> None:
    found = scan(f"It was {form} then.", Known(dates=frozenset({date(2026, 3, 4)})))
    assert [finding.possible for finding in found] == possible
