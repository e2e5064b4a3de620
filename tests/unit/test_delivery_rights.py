"""Whether a change takes something from an agency: never missed, and not claimed where nothing is taken."""

from dataclasses import replace
from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.access import Agreement, Incidents, Matter, Party, visible_fields
from contracts.catalogue import CATALOGUE
from contracts.ceilings import Fields
from contracts.codes import AgencyType
from contracts.directory import Directory
from contracts.vault import RecordRead
from services.delivery.rights import Matters, Recall, Rights

AGENCY, AREAS = "an-agency", ("E06000001", "E06000002")
TYPES = ("incident.referred", "notification.amended", "deadline.set", "calendar.day-added")
NAMES = st.frozensets(st.sampled_from(["nature", "summary", "content", "reason", "clock", "due"]))
FIELDS = st.builds(Fields, NAMES, all_but=st.booleans())


@st.composite
def agreements(draw: st.DrawFn) -> Agreement:
    return Agreement(
        agency=AGENCY,
        partnership="a-partnership",
        version=1,
        legal_basis="a basis",
        review_on=date(2027, 4, 1),
        may_read=draw(st.frozensets(st.sampled_from(TYPES))),
        incidents=draw(st.frozensets(st.sampled_from(Incidents))),
        fields=draw(st.dictionaries(st.sampled_from(TYPES), FIELDS)),
    )


@st.composite
def rights(draw: st.DrawFn) -> Rights:
    kind = draw(st.sampled_from([AgencyType.ICB, AgencyType.SCHOOL]))
    served = draw(st.frozensets(st.tuples(st.sampled_from(["a-partnership", "another"]), st.sampled_from(AREAS))))
    party = Party(AGENCY, kind, frozenset(area for _, area in served), served=served)
    agreement = draw(st.none() | agreements())
    return Rights(party, {} if agreement is None else {"a-partnership": agreement})


@st.composite
def changes(draw: st.DrawFn) -> tuple[Rights, Rights]:
    """Rights, and the same with one thing about them different: of two that have little in common all is lost."""
    before, other = draw(rights()), draw(rights())
    mine, theirs = before.agreements.get("a-partnership"), other.agreements.get("a-partnership")
    part = draw(st.sampled_from(["party", "may_read", "incidents", "fields", "everything"]))
    if part == "everything" or mine is None or theirs is None:
        return before, other
    if part == "party":
        return before, replace(before, party=other.party)
    return before, Rights(before.party, {"a-partnership": replace(mine, **{part: getattr(theirs, part)})})


MATTERS = st.builds(
    Matter,
    st.just("a-partnership"),
    st.frozensets(st.sampled_from([AGENCY, "another"])),
    st.frozensets(st.sampled_from([AGENCY, "another"])),
    st.frozensets(st.sampled_from(AREAS)),
)


def seen(of: Rights, name: str, matter: Matter) -> Fields | None:
    agreement = of.agreements.get("a-partnership")
    return visible_fields(of.party, name, agreement, matter) if of.party else None


@settings(max_examples=300)
@given(change=changes(), name=st.sampled_from(TYPES), matter=MATTERS)
def test_what_is_hidden_by_a_change_is_never_missed(change: tuple[Rights, Rights], name: str, matter: Matter) -> None:
    before, after = change
    was, now = seen(before, name, matter), seen(after, name, matter)
    members = {field.alias for field in CATALOGUE[name].model.model_fields.values()}
    hidden = was is not None and (now is None or any(each in was and each not in now for each in members if each))
    assert before.lost_by(after) or not hidden


@given(was=FIELDS, now=FIELDS, name=st.sampled_from(TYPES))
def test_a_field_that_an_agreement_no_longer_opens_is_never_missed(was: Fields, now: Fields, name: str) -> None:
    party = Party(AGENCY, AgencyType.ICB, frozenset(AREAS))
    whole = Agreement(
        AGENCY,
        "a-partnership",
        1,
        "a basis",
        date(2027, 4, 1),
        may_read=frozenset({name}),
        incidents=frozenset(Incidents),
    )
    before, after = (Rights(party, {"a-partnership": replace(whole, fields={name: cut})}) for cut in (was, now))
    matter = Matter("a-partnership", participants=frozenset({AGENCY}))
    shown, still = seen(before, name, matter), seen(after, name, matter)
    assert shown is not None
    assert still is not None
    members = {"nature", "summary", "content", "reason", "clock", "due", "one of tomorrow's"}
    assert before.lost_by(after) or not any(each in shown and each not in still for each in members)


@given(of=rights())
def test_a_renewal_takes_nothing(of: Rights) -> None:
    renewed = {name: replace(each, version=2, review_on=date(2028, 4, 1)) for name, each in of.agreements.items()}
    assert not of.lost_by(Rights(of.party, renewed))


@given(of=rights())
def test_who_had_nothing_loses_nothing(of: Rights) -> None:
    assert not Rights(of.party, {}).lost_by(of)
    assert not Rights(None, {}).lost_by(of)


def test_what_is_recalled_from_all_stays_with_the_authority_that_holds_the_duty() -> None:
    taken = Recall()
    assert not taken.hides_from("council", "council")
    assert taken.hides_from("police", "council")
    assert taken.hides_from("police", None)


def test_what_is_recalled_from_some_stays_with_the_others() -> None:
    taken = Recall(frozenset({"police"}))
    assert taken.hides_from("police", "council")
    assert not taken.hides_from("icb", "council")


def test_a_look_is_told_to_the_authority_of_the_duty_and_to_whose_words_they_were_and_to_no_other() -> None:
    look = {"look": 1, "reader": "x", "kind": "person", "purpose": "triage", "owners": ["police"]}
    told = RecordRead.model_validate(look)
    assert [agency for agency in ("council", "police", "icb", "another-council") if told.is_for(agency, "council")] == [
        "council",
        "police",
    ]
    assert not told.is_for("council", None)


def test_an_incident_that_is_not_known_has_no_authority() -> None:
    assert Matters().authority(Directory(), "incident-1") is None


def test_an_area_served_from_now_on_in_another_partnership_alone_is_lost_here() -> None:
    agreement = Agreement(AGENCY, "a-partnership", 1, "a basis", date(2027, 4, 1))
    here, there = (
        Party(AGENCY, AgencyType.ICB, frozenset(AREAS), served=frozenset((where, area) for area in AREAS))
        for where in ("a-partnership", "another")
    )
    assert Rights(here, {"a-partnership": agreement}).lost_by(Rights(there, {"a-partnership": agreement}))
