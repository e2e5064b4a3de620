"""Whether a change takes something from an agency: never missed, and not claimed where nothing is taken."""

from dataclasses import replace
from datetime import UTC, date, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.access import Agreement, Incidents, Matter, Party, visible_fields
from contracts.agreements import AgencyListed, AgencyWithdrawn, AgreementApproved, AgreementEnded, Terms
from contracts.catalogue import CATALOGUE
from contracts.ceilings import Fields
from contracts.codes import AgencyType
from contracts.directory import Directory
from contracts.sealing import Model
from contracts.vault import RecordRead
from services.delivery.rights import Matters, Recall, Rights, changed

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


SINCE = datetime(2026, 1, 1, tzinfo=UTC)
HERE, THERE, ELSEWHERE = "northbank", "southbank", "westbank"
LISTED = AgencyListed(agency=AGENCY, name="Both", type=AgencyType.ICB)


def agreed(*names: str) -> AgreementApproved:
    about = {"agency": AGENCY, "legal_basis": "Children Act 2004 section 16E", "review_on": "2027-04-01"}
    terms = Terms(**about, may_read=names, incidents=tuple(Incidents))
    return AgreementApproved(agency=AGENCY, version=1, hash=terms.fingerprint(HERE, 1), agreement=terms)


def told(*said: tuple[str, Model]) -> Directory:
    known = Directory()
    for partnership, data in said:
        known = known.told(partnership, data, by="an-administrator", at=SINCE)
    return known


SAID = st.sampled_from(
    [
        LISTED,
        agreed("incident.referred"),
        agreed("incident.referred", "deadline.set"),
        AgreementEnded(agency=AGENCY, why="A slip"),
        AgencyWithdrawn(agency=AGENCY, why="A slip"),
    ]
)


@given(st.lists(st.tuples(st.sampled_from([HERE, THERE]), SAID), max_size=6), st.sampled_from([HERE, THERE]), SAID)
def test_of_whatever_is_said_of_an_agency_in_any_partnership_nothing_that_it_hides_is_missed(
    said: list[tuple[str, Model]], partnership: str, last: Model
) -> None:
    before = told(*said)
    after = before.told(partnership, last, by="an-administrator", at=SINCE)
    lost = {agency for agency, was, now in changed(before, after) if was.lost_by(now)}
    gained = {agency for agency, was, now in changed(before, after) if now.lost_by(was)}
    for matter in (Matter(name, participants=frozenset({AGENCY})) for name in (HERE, THERE, ELSEWHERE)):
        was, now = (_seen_under(directory, matter) for directory in (before, after))
        assert not was - now or AGENCY in lost
        assert not now - was or AGENCY in gained


def _seen_under(directory: Directory, matter: Matter) -> set[str]:
    party, agreement = directory.member(AGENCY), directory.agreement_on(AGENCY, matter)
    names = ("incident.referred", "deadline.set")
    return {name for name in names if party and visible_fields(party, name, agreement, matter) is not None}


def test_listed_by_another_partnership_without_an_agreement_a_participant_loses_what_it_had_there() -> None:
    before = told((HERE, LISTED), (HERE, agreed("incident.referred")))
    after = before.told(THERE, LISTED, by="an-administrator", at=SINCE)
    ((agency, was, now),) = changed(before, after)
    assert (agency, was.lost_by(now), now.lost_by(was)) == (AGENCY, True, False)
    assert list(changed(after, after)) == []
