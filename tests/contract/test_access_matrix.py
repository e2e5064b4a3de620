"""Every cell: role, kind of agency, event type, field, and whose incident it is, against an oracle written by hand.

The oracle is written from DOMAIN section 5 and DESIGN section 7, and shares nothing with `contracts.access` and the
ceilings but their words. A type that it does not know fails here: say first who may see it, and why.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import combinations, product

import pytest

from contracts.access import Agreement, Incidents, Matter, Party, may_propose, visible_fields
from contracts.catalogue import CATALOGUE
from contracts.ceilings import Fields

HERE, AREA = "northshire", "E06000991"
AGENCY, PERSON = "an-agency", "somebody"
KINDS = "local_authority icb police_force school probation provider panel ofsted department".split()  # noqa: SIM905
ROLES = "notifier approver partner business_unit scrutineer lead operator administrator".split()  # noqa: SIM905
SAFEGUARDING_PARTNERS = {"local_authority", "icb", "police_force"}
RELEVANT_AGENCIES = {"school", "probation", "provider"}
NATIONAL_BODIES = {"panel", "ofsted", "department"}

FAMILY = {
    **dict.fromkeys(["incident.referred", "incident.corrected"], "referral"),
    **dict.fromkeys(["incident.linked", "awareness.corrected", "incident.closed", "partner.notified"], "work"),
    "notifiability.decided": "outcome",
    **dict.fromkeys([name for name in CATALOGUE if name.startswith("deadline.")], "clock"),
    **dict.fromkeys(
        ["drafted", "approved", "returned-to-draft", "exported", "likeness-noticed", "merged", "split"], "draft"
    ),
    **dict.fromkeys(["submitted", "delay-explained", "amended", "withdrawn", "acknowledged", "closed"], "filed"),
}
PLAIN = {
    "incident.recalled": "recall",
    "record.read": "look",
    "submission.answered": "nobody's",
    "record.erased": "nobody's",
    **dict.fromkeys(["exclusion.proposed", "exclusion.approved", "exclusion.ended"], "exclusion"),
    **dict.fromkeys(["calendar.day-proposed", "calendar.day-added", "partnership.established"], "register"),
    **dict.fromkeys(["agency.listed", "agency.withdrawn"], "register"),
    **dict.fromkeys(["agreement.proposed", "agreement.approved", "agreement.ended", "rules.adopted"], "register"),
    **dict.fromkeys(["review.submitted", "panel.answered", "review.closed"], "to the panel"),
    **dict.fromkeys(["practice-review.commissioned", "delay.notified", "publication.planned"], "ahead"),
    **dict.fromkeys(["advance-copy.delivered", "practice-review.ended"], "ahead"),
    **dict.fromkeys(["practice-review.published", "practice-review.unpublished"], "public"),
    **dict.fromkeys(["review.drafted", "view.recorded", "review.commented", "review.signed-off"], "report"),
    **dict.fromkeys(["practice-review.drafted", "response.agreed"], "report"),
    **dict.fromkeys(["redaction.scanned", "redaction.checked"], "report"),
}
OF_A_REVIEW = {"review", "practice-review", "reviewer", "meeting", "gaps", "involvement", "learning"}


def family(name: str) -> str:
    thing, _, happened = name.partition(".")
    if name in PLAIN or name in FAMILY:
        return PLAIN.get(name) or FAMILY[name]
    if thing in ("notification", "subject", "subjects"):
        return FAMILY[happened]
    if thing in ("information", "return"):
        return "asked"
    if thing in OF_A_REVIEW:
        return "review"
    raise KeyError(f"say in this test who may see {name}")


WORDS_OF_A_REFERRAL = {"children", "contact", "summary", "immediateActions", "familyAndHousehold", "furtherChildren"}
HEALTH = {"harm", "seriousHarm", "longTerm"}


def kind_is_shown(kind: str, name: str, field: str) -> bool:
    """The rows of DOMAIN section 5, as "receives" and "must not see"."""
    of = family(name)
    if of == "register":
        return True
    if of in ("draft", "exclusion"):
        return kind == "local_authority"  # the authority's own work until it is filed
    if of == "look":  # whoever can have said something; whose words were read narrows it (RecordRead.is_for)
        return kind in {"local_authority", "icb", "police_force"} | RELEVANT_AGENCIES
    if of == "asked":  # one agency each; that narrows it (Addressed.is_for)
        return kind in SAFEGUARDING_PARTNERS | RELEVANT_AGENCIES
    if of == "to the panel":  # "Panel: SIN, RR, LCSPR advance copy"; the Department and Ofsted have no part in it
        return kind in SAFEGUARDING_PARTNERS | {"panel"}
    if of in ("ahead", "public") and kind in SAFEGUARDING_PARTNERS | NATIONAL_BODIES:
        return True  # advance copies go to all three
    if of == "public":  # "their own request and final learning"
        return field != "reason"
    if kind in NATIONAL_BODIES:
        return of == "filed" or (of == "recall" and field not in ("reason", "recipients"))
    if kind in RELEVANT_AGENCIES:  # "their own request and final learning; everything else" not
        if of == "recall":
            return field not in ("reason", "recipients")
        return (of == "referral" and field in ("nature", "hostAuthority", "homeAuthority")) or (
            of == "outcome" and field == "notifiable"
        )
    if of == "nobody's":
        return False
    if kind == "icb":  # "police intelligence beyond relevance"
        hidden = {"referral": {"policeInvestigation"}, "recall": {"reason", "recipients"}}.get(of, set())
    elif kind == "police_force":  # "clinical detail not relevant"
        hidden = {"referral": HEALTH, "recall": {"reason", "recipients"}}.get(of, set())
    else:
        hidden = set()
    corrections = {"reasons"} if name == "incident.corrected" and kind != "local_authority" else set()
    return field not in hidden | corrections


def role_is_shown(role: str, name: str, field: str) -> bool:
    of = family(name)
    if of == "register":
        return True
    if role in ("operator", "administrator"):
        return False
    if of == "nobody's":
        return False
    if of == "draft":
        return role in ("notifier", "approver")
    if of == "exclusion":
        return role in ("approver", "business_unit")
    if of == "look":
        return role in ("notifier", "approver", "partner", "business_unit", "scrutineer")
    if role == "lead":  # answers what its agency is asked, and reads the final learning
        return of == "asked" or (of == "public" and field != "reason")
    if role == "scrutineer" and of == "asked":  # who was asked and whether they answered; not of whom, and not what
        return field in {"agency", "request", "nil", "late", "level", "due"}
    if role == "scrutineer":  # "identifiers unless needed"
        hidden = {
            "review": {"minutes", "contact"},
            "referral": WORDS_OF_A_REFERRAL | {"occurrence"} | ({"reasons"} if name == "incident.corrected" else set()),
            "work": {"reason", "reasons"},
            "outcome": {"reason", "reasons"},
            "filed": {"content", "delayReason", "reason", "reasons"},
            "recall": {"reason"},
            "clock": {"reason"},  # a clock counted anew says why in the words of what moved it
        }
        return field not in hidden.get(of, set())
    return True


@dataclass(frozen=True)
class Relation:
    """How the incident stands to the agency, and whether that opens it under an agreement of every scope."""

    matter: Matter
    opened: bool
    agreement_in: str = HERE
    scopes: frozenset[Incidents] = frozenset(Incidents)


def _matter(**more: frozenset[str]) -> Matter:
    return Matter(**{"partnership": HERE, "participants": frozenset({"another"}), **more})  # type: ignore[arg-type]


ME, MY_AREA = frozenset({AGENCY}), frozenset({AREA})
OWN, TAKES_PART, IN_AREA = (
    _matter(referrers=ME, areas=frozenset({"E06000111"})),
    _matter(participants=ME, areas=frozenset({"E06000111"})),
    _matter(areas=MY_AREA),
)
ALL_THREE = _matter(referrers=ME, participants=ME, areas=MY_AREA)
RELATIONS = {
    "referred by it": Relation(OWN, True),
    "it takes part": Relation(TAKES_PART, True),
    "of its area": Relation(IN_AREA, True),
    "of somebody else": Relation(_matter(areas=frozenset({"E06000111"})), False),
    "own, but only its area's are opened": Relation(OWN, False, scopes=frozenset({Incidents.AREA})),
    "of its area, but only its own are opened": Relation(IN_AREA, False, scopes=frozenset({Incidents.OWN})),
    "of another partnership's area": Relation(IN_AREA, False, agreement_in="southmere"),
    "of another partnership, and it takes part": Relation(TAKES_PART, True, agreement_in="southmere"),
    "of another partnership, and it only referred": Relation(OWN, False, agreement_in="southmere"),
    "its own, and it is shut out": Relation(
        _matter(referrers=ME, participants=ME, areas=MY_AREA, excluded_agencies=ME), False
    ),
}
PERSON_OUT = _matter(referrers=ME, participants=ME, areas=MY_AREA, excluded_people=frozenset({PERSON}))
SOMEBODY_ELSE_OUT = _matter(referrers=ME, participants=ME, areas=MY_AREA, excluded_people=frozenset({"another"}))


def fields_of(name: str) -> list[str]:
    models = [model for _, model in CATALOGUE[name].versions()]
    return sorted({field.alias or own for model in models for own, field in model.model_fields.items()})


def agreement(relation: Relation, fields: dict[str, Fields] | None = None) -> Agreement:
    every = frozenset(CATALOGUE)
    terms = (relation.agreement_in, 1, "a basis", date(2027, 4, 1), every, every, relation.scopes, fields or {})
    return Agreement(AGENCY, *terms)


def callers(kind: str) -> Iterator[tuple[Party, frozenset[str]]]:
    """The agency's system; a person without a role, with one, and with two."""
    yield Party(AGENCY, kind, MY_AREA), frozenset()  # type: ignore[arg-type]
    for roles in [(), *combinations(ROLES, 1), *combinations(ROLES, 2)]:
        yield Party(AGENCY, kind, MY_AREA, PERSON, frozenset(roles)), frozenset(roles)  # type: ignore[arg-type]


def oracle(party: Party, roles: frozenset[str], name: str, field: str) -> bool:
    """Whether the field is shown, in an incident that is opened to the party."""
    if not kind_is_shown(party.agency_type, name, field):
        return False
    return party.person is None or any(role_is_shown(role, name, field) for role in roles)


def no_case_for(roles: frozenset[str]) -> bool:
    return bool(roles) and roles <= {"operator", "administrator"}


def shows(seen: Fields | None, field: str) -> bool:
    return seen is not None and field in seen


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_cell_shows_what_the_rules_say_and_no_more(name: str) -> None:
    register = family(name) == "register"
    fields = fields_of(name)
    for kind in KINDS:
        for party, roles in callers(kind):
            for said, relation in RELATIONS.items():
                if register:
                    continue
                seen = visible_fields(party, name, agreement(relation), relation.matter)
                for field in fields:
                    wanted = relation.opened and not no_case_for(roles) and oracle(party, roles, name, field)
                    assert shows(seen, field) == wanted, (kind, sorted(roles), said, field)
            here = visible_fields(party, name, agreement(RELATIONS["it takes part"]), Matter(HERE))
            for field in fields if register else ():
                assert shows(here, field) == oracle(party, roles, name, field), (kind, sorted(roles), field)


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_person_who_is_shut_out_sees_nothing_and_colleagues_see_what_is_theirs(name: str) -> None:
    if family(name) == "register":
        return
    for kind in KINDS:
        for party, roles in callers(kind):
            relation = Relation(PERSON_OUT, True)
            out = visible_fields(party, name, agreement(relation), PERSON_OUT)
            colleague = visible_fields(party, name, agreement(relation), SOMEBODY_ELSE_OUT)
            for field in fields_of(name):
                wanted = not no_case_for(roles) and oracle(party, roles, name, field)
                assert shows(out, field) == (wanted and party.person is None)
                assert shows(colleague, field) == wanted


@pytest.mark.parametrize("name", CATALOGUE)
def test_an_agreement_that_names_fields_opens_none_that_it_does_not_name(name: str) -> None:
    named = frozenset(fields_of(name)[::2])
    relation = RELATIONS["it takes part"]
    narrow = agreement(relation, fields={name: Fields(named)})
    matter = Matter(HERE) if family(name) == "register" else relation.matter
    for kind in KINDS:
        for party, roles in callers(kind):
            closed = family(name) != "register" and no_case_for(roles)
            seen = visible_fields(party, name, narrow, matter)
            for field in fields_of(name):
                wanted = not closed and field in named and oracle(party, roles, name, field)
                assert shows(seen, field) == wanted, (kind, sorted(roles), field)


def may_say(party: Party, roles: frozenset[str], name: str) -> bool:
    """Who proposes what (DOMAIN section 5 and 4: transitions with their actors)."""
    thing, kind = name.partition(".")[0], party.agency_type
    authority = kind == "local_authority"
    if family(name) in ("asked", "review", "report", "to the panel", "ahead", "public") or name == "rules.adopted":
        return may_say_in_a_review(kind, roles, name)
    if name == "incident.referred":
        return kind in SAFEGUARDING_PARTNERS | RELEVANT_AGENCIES
    if name == "notification.acknowledged":
        return (authority and "notifier" in roles) or kind in NATIONAL_BODIES
    if name in ("agency.listed", "agency.withdrawn") or thing == "agreement":
        return bool(roles & {"administrator", "business_unit"})
    if thing == "calendar":
        return "business_unit" in roles
    if thing == "exclusion":
        return (authority and "approver" in roles) or "business_unit" in roles
    if name == "partner.notified":
        return (authority and bool(roles & {"notifier", "approver"})) or "business_unit" in roles
    approvers = {"awareness.corrected", "notifiability.decided", "notification.approved", "notification.withdrawn"}
    notifiers = {"notification.drafted", "notification.submitted", "notification.amended"}
    either = {"incident.linked", "notification.returned-to-draft", "notification.delay-explained"}
    either |= {"incident.corrected", "incident.recalled", "subjects.merged", "subjects.split"}
    wanted = {
        *({"approver"} if name in approvers | either else ()),
        *({"notifier"} if name in notifiers | either else ()),
    }
    return authority and bool(roles & wanted)


BY_THE_OWNER = {"review.opened", "review.cancelled", "information.chased", "review.signed-off", "review.exported"}
BY_THE_OWNER |= {"practice-review.commissioned", "redaction.scanned"}
ANSWERS = {"information.acknowledged", "information.contributed", "information.returned"}
BY_THE_PARTNERS = {"view.recorded", "practice-review.decided"}
BY_EITHER = {"learning.noted", "practice-review.monitored", "response.agreed", "redaction.checked"}
BY_EITHER |= {"publication.planned", "practice-review.ended"}
BY_EITHER |= {"practice-review.published", "practice-review.unpublished"}


def may_say_in_a_review(kind: str, roles: frozenset[str], name: str) -> bool:
    """The three partners decide and publish; the business unit runs it; an agency answers for itself (DOMAIN 4)."""
    unit = "business_unit" in roles
    partner = kind in SAFEGUARDING_PARTNERS and "partner" in roles
    partner |= kind == "local_authority" and "approver" in roles
    if name in BY_THE_OWNER:
        return False
    if name in ANSWERS:
        return kind in SAFEGUARDING_PARTNERS | RELEVANT_AGENCIES or "lead" in roles or unit
    if name == "review.commented":
        return "scrutineer" in roles
    if name == "panel.answered":
        return unit or kind == "panel"
    if name in BY_THE_PARTNERS:
        return partner
    return unit or (partner and name in BY_EITHER)


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_cell_of_who_may_say_what(name: str) -> None:
    for kind, (said, relation) in product(KINDS, RELATIONS.items()):
        for party, roles in callers(kind):
            known = agreement(relation)
            right = may_say(party, roles, name)
            assert may_propose(party, name, known, None).allowed == right, (kind, sorted(roles))
            within = relation.opened and not no_case_for(roles)
            decision = may_propose(party, name, known, relation.matter)
            assert decision.allowed == (right and within), (kind, sorted(roles), said)
            if not within:
                assert decision.rule == "absent", "what is not theirs does not exist; it is not forbidden"


def test_every_role_and_every_kind_is_walked() -> None:
    from contracts.codes import AgencyType, Role

    assert set(KINDS) == {kind.value for kind in AgencyType}
    assert set(ROLES) == {role.value for role in Role}
