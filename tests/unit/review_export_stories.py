"""A review to be copied: its agencies' returns, few or many, and each copy made of them."""

import random
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from contracts.codes import YesNoNotKnown
from contracts.review_codes import CopyTo, EntryKind, LegalBasis, Partner, PartnerView
from contracts.review_exports import (
    AskedAbout,
    Chronology,
    ExportedAdvanceCopy,
    ExportedAgency,
    ExportedChronology,
    ExportedCriterion,
    ExportedDecision,
    ExportedFinding,
    ExportedPack,
    ExportedRecommendation,
    ExportedRequest,
    ExportedReview,
    ExportedSection,
    ExportedView,
)
from services.rapid_review.chronology.combined import combine
from services.rapid_review.chronology.entries import Entry, Return
from services.rapid_review.exports.chronology import exported

CHILDREN = {f"subject-{letter * 32}": f"Child {letter.upper()}" for letter in "ab"}
AGENCIES = {
    "northshire-council": "Northshire Council",
    "northshire-icb": "NHS Northshire Integrated Care Board",
    "northshire-police": "Northshire Police",
    "northshire-primary": "Northshire Primary School",
    "northshire-probation": "Northshire Probation",
}
INCIDENT_ON = date(2026, 3, 10)
SCOPE = (date(2024, 3, 10), INCIDENT_ON)
WORDS = (
    "Home visit by the allocated worker; the kitchen was cold and there was little food in the house.",
    "Telephone call from school: the child came without lunch and was tired.",
    "Was not brought to the appointment at the clinic; a letter was sent, and nobody answered it.",
    "Attended the address after a neighbour's call. Two adults were spoken to and gave advice.",
    "Core group met. The plan goes on unchanged; the mother was not there.",
    "Strategy discussion between the council, the police and health; enquiries are to begin.",
)
COMMON: dict[str, Any] = {
    "incident": f"incident-{'a' * 32}",
    "partnership": "northshire",
    "partnership_name": "Northshire Safeguarding Children Partnership",
    "exported_at": datetime(2026, 4, 9, 10, 0, tzinfo=UTC),
    "exported_by": "northshire-council",
    "exported_as": "business_unit",
    "purpose": "rapid_review",
}


def returns(count: int, agencies: int = 5) -> list[Return]:
    """So many entries of so many agencies, some of them said by two, some in dispute, some outside the period."""
    chance = random.Random(count)
    names = named(agencies)
    entries: dict[str, list[Entry]] = {agency: [] for agency in names}
    for number in range(count):
        agency = chance.choice(list(names))
        day = SCOPE[0] + timedelta(chance.randrange((SCOPE[1] - SCOPE[0]).days + 1))
        unseen = date(2025, 2, 1) < day < date(2025, 4, 20)
        seen = YesNoNotKnown.NO if unseen else chance.choice(list(YesNoNotKnown))
        entry = Entry(
            f"vault:{number:032x}",
            agency,
            day,
            f"{chance.choice(WORDS)} {chance.choice(WORDS)}",
            at=chance.choice([None, time(chance.randrange(8, 20), chance.randrange(60))]),
            kind=chance.choice(list(EntryKind)),
            subjects=frozenset(chance.sample(list(CHILDREN), chance.randrange(1, 3))),
            child_seen=seen,
            key_episode=chance.random() < 0.02,
            voice_of_the_child="I am hungry when I get home." if chance.random() < 0.05 else None,
        )
        entries[agency].append(entry)
        if number % 10 == 3:
            other = chance.choice([each for each in names if each != agency])
            said = chance.choice([entry.child_seen, YesNoNotKnown.NO])
            entries[other].append(replace(entry, id=f"vault:{number + 10**9:032x}", agency=other, child_seen=said))
    entries["northshire-council"].append(
        Entry("vault:early", "northshire-council", date(2011, 5, 1), "The mother was known as a child herself.")
    )
    identity = "Ethnicity and faith were asked about and recorded."
    return [Return(agency, tuple(found), *SCOPE, identity_considered=identity) for agency, found in entries.items()]


def named(agencies: int) -> dict[str, str]:
    """So many agencies, each with its name."""
    return dict(list(AGENCIES.items())[:agencies]) | {
        f"agency-{number}": f"Further Agency {number}" for number in range(6, agencies + 1)
    }


def chronology(count: int = 30, agencies: int = 5) -> Chronology:
    combined = combine(returns(count, agencies), list(CHILDREN), INCIDENT_ON)
    return exported(combined, named(agencies), CHILDREN, INCIDENT_ON)


def chronology_copy(of: Chronology) -> ExportedChronology:
    return ExportedChronology(**COMMON, chronology=of)


def report(of: Chronology | None, words: str = "Words of the report. " * 12) -> ExportedReview:
    headings = (
        *("Child and family", "The incident", "Agencies' involvement", "Key practice episodes"),
        *("Lived experience and the child's voice", "Race, culture, disability and inequalities", "Good practice"),
        *("Immediate actions and learning", "Local and national issues", "Proposed scope", "Contact with the family"),
    )
    return ExportedReview(
        **COMMON,
        version=2,
        status="signed off",
        clock="notified Tue 10 Mar 2026; 15 working days; due end of Tue 31 Mar 2026",
        remarks=("Two returns came after the meeting.",),
        sections=(
            *(ExportedSection(heading=each, text=words) for each in headings[:-1]),
            ExportedSection(heading=headings[-1]),
        ),
        decision=ExportedDecision(
            outcome="practice_review",
            reasons=words,
            criteria=(
                ExportedCriterion(words="Improvements are needed.", met=True, source="SI 2018/789 regulation 11"),
                ExportedCriterion(words="A theme recurs.", met=False, source="SI 2018/789 regulation 11"),
            ),
        ),
        agencies=(
            ExportedAgency(agency="Northshire Council", answer="Returned"),
            ExportedAgency(agency="Northshire Primary School", answer="Nil return"),
            ExportedAgency(
                agency="Northshire Probation", answer="Nothing", note="The chair goes on without it: " + words
            ),
        ),
        meeting="The case group met on 26 March 2026, with all three partners there.",
        views=(
            ExportedView(partner=Partner.LOCAL_AUTHORITY, view=PartnerView.AGREE),
            ExportedView(partner=Partner.ICB, view=PartnerView.DISSENT, dissent=words),
            ExportedView(partner=Partner.POLICE),
        ),
        scrutineer=words,
        panel="The Panel agrees, and advises a local review.",
        chronology=of,
    )


def pack(words: str = "What is said at length. " * 12) -> ExportedPack:
    return ExportedPack(
        **COMMON,
        version=3,
        report=f"vault:{'c' * 32}",
        report_sha256="d" * 64,
        published_on=date(2026, 9, 15),
        copies_by=date(2026, 9, 4),
        form="improvements_only",
        form_reasons=words,
        findings=(ExportedFinding(what=words, why=words), ExportedFinding(what=words, why=words)),
        recommendations=(
            ExportedRecommendation(text=words, to=("Northshire Council", "Northshire Police")),
            ExportedRecommendation(text=words),
        ),
        response=words,
        redaction="Two people have checked version 3; the scanner found nothing in it.",
        copies=(
            ExportedAdvanceCopy(
                recipient=CopyTo.PANEL, version=3, delivered_at=datetime(2026, 9, 1, 9, 30, tzinfo=UTC)
            ),
            ExportedAdvanceCopy(
                recipient=CopyTo.SECRETARY_OF_STATE, version=2, delivered_at=datetime(2026, 8, 20, 9, 30, tzinfo=UTC)
            ),
            ExportedAdvanceCopy(recipient=CopyTo.OFSTED),
        ),
    )


def request(
    words: str = "A child in your area was seriously harmed, and the partners review what can be learnt.",
) -> ExportedRequest:
    return ExportedRequest(
        **COMMON,
        request=f"request-{'b' * 32}",
        agency="northshire-primary",
        agency_name="Northshire Primary School",
        lead="The designated safeguarding lead",
        children=(
            AskedAbout(
                name="Child A",
                born=date(2019, 5, 4),
                addresses=("1 Any Street, Northshire",),
                key_name="UPN",
                key="A123456789012",
            ),
            AskedAbout(name="The mother of Child B", expected=date(2026, 7, 1)),
        ),
        household="Child A's mother and her partner.",
        scope_from=SCOPE[0],
        scope_to=SCOPE[1],
        reason=words,
        legal_basis=(LegalBasis.REVIEW_DUTY, LegalBasis.PUBLIC_TASK, LegalBasis.SAFEGUARDING_CONDITION),
        due=date(2026, 3, 24),
        answer_to="the partnership's business unit",
    )
