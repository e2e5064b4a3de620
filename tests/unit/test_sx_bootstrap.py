"""`sx bootstrap` begins a partnership that can go on by itself: its two files are read by those they are meant for."""

import json
import tomllib
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from safeguarding_exchange.agreements import read_terms
from safeguarding_exchange.bootstrap import SERVICES, agencies_file, identities_file

from contracts.agreements import AgencyListed, Terms
from contracts.catalogue import CATALOGUE
from contracts.codes import AgencyType, Role
from contracts.directory import BadDirectory, Directory, directory_from, said_in
from services.gateway.partnership.faults import NEEDED_TO_AGREE

EXAMPLES = Path("contracts") / "examples" / "proposals"
ASKED = ("westshire", "Westshire Partnership", ["E06000998"], "westshire-council", "Westshire Council", "2027-04-01")


def begun() -> Directory:
    return directory_from(agencies_file(*ASKED))


def test_the_authority_may_say_and_see_all_that_its_kind_may_and_agree_with_others() -> None:
    agreement = begun().agreements["westshire-council", "westshire"]
    kind = AgencyType.LOCAL_AUTHORITY
    assert agreement.may_read == {name for name, entry in CATALOGUE.items() if kind in entry.ceiling.agencies}
    assert agreement.may_propose >= NEEDED_TO_AGREE
    assert begun().authorities["E06000998"].id == "westshire-council"
    assert agreement.review_on == date(2027, 4, 1)


def test_two_different_people_can_agree_and_none_of_them_is_a_demo_account() -> None:
    accounts = tomllib.loads(identities_file("westshire", "westshire-council", "Westshire Council"))
    able = [one["id"] for one in accounts["person"] if {"administrator", "business_unit"} & set(one["roles"])]
    assert len(set(able)) >= 2
    demo = tomllib.loads(Path("infra/demo/identities.toml").read_text(encoding="utf-8"))
    assert not {one["id"] for one in accounts["person"]} & {one["id"] for one in demo["person"]}
    assert {role for one in accounts["person"] for role in one["roles"]} <= {role.value for role in Role}


def test_the_embedded_services_are_those_that_the_demo_has() -> None:
    demo = tomllib.loads(Path("infra/demo/identities.toml").read_text(encoding="utf-8"))
    assert {one["id"]: set(one["may_call"]) for one in demo["service"]} == {
        name: set(calls) for name, calls in SERVICES.items()
    }


@given(
    st.text(st.characters(exclude_categories=["C"]), min_size=2, max_size=60).filter(lambda name: len(name.strip()) > 1)
)
def test_a_name_is_told_as_it_was_given(name: str) -> None:
    text = agencies_file("westshire", name, ["E06000998"], "westshire-council", name, "2027-04-01")
    assert directory_from(text).agencies["westshire-council"].name == name.strip()


def test_what_cannot_be_used_is_said_with_its_place() -> None:
    whole = agencies_file(*ASKED)
    for wrong, said in (
        (whole.replace("E06000998", "Westshire"), "areas"),
        (whole.replace('legal_basis = "Children', 'legal_basis = ""\nignored = "Children'), "legal_basis"),
        (whole.replace('"local_authority"', '"parish"'), "parish"),
        (whole.replace('agency = "westshire-council"', 'agency = "another"'), "no member"),
        ("[[agreement]", "Expected"),
    ):
        with pytest.raises(BadDirectory, match=said):
            said_in(wrong)


def test_names_with_underscores_and_dates_travel_as_events_have_them(tmp_path: Path) -> None:
    file = tmp_path / "agreement.toml"
    file.write_text(
        'agency = "a-school"\nlegal_basis = "Children Act 2004 section 11"\nreview_on = 2027-09-01\n'
        'may_read = ["incident.referred"]\n[fields]\n"incident.referred" = ["nature"]\n'
    )
    terms = Terms.model_validate(read_terms(file))
    assert terms.review_on == date(2027, 9, 1)
    assert terms.fields == {"incident.referred": ("nature",)}


def test_an_agency_stands_until_the_last_partnership_lets_it_go() -> None:
    at = datetime(2026, 9, 1, tzinfo=UTC)
    listed = AgencyListed(agency="a-school", name="A School", type=AgencyType.SCHOOL)
    both = begun().told("westshire", listed, by=None, at=at).told("eastshire", listed, by=None, at=at)
    assert both.agencies["a-school"].partnerships == {"westshire", "eastshire"}
    assert both.edition == begun().edition + 2


def test_terms_are_read_out_of_a_whole_event_too() -> None:
    example = EXAMPLES / "agreement.proposed.v1.json"
    assert Terms.model_validate(read_terms(example)) == Terms.model_validate(json.loads(example.read_text())["data"])
