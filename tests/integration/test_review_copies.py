"""Copies of reviews and their words, a real vault behind them: who gets them, in how many looks, and what is told."""

import csv
import io
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import httpx
import pytest

from contracts.identifiers import mint, mint_reference
from contracts.practice_reviews import (
    PracticeReviewDecided,
    PracticeReviewDrafted,
    PracticeReviewScoped,
    PublicationPlanned,
    ReviewerAppointed,
)
from contracts.review_codes import Basis, Scale
from contracts.reviews import ChronologyEntry, InformationContributed
from services.rapid_review.api import reviews_router
from services.rapid_review.api_copies import copies_router
from services.rapid_review.copies import Copies
from services.rapid_review.scanning import Scanner, Scanning
from services.rapid_review.shelf import Shelf
from shared.database import Database
from shared.http import service_app
from shared.identity import ON_BEHALF_OF, Caller, caller
from shared.pages import Cursors
from shared.vault_client import Sealable
from tests.integration.review_ground import PARTNERSHIP, Reviews, SetClock, directory_text, review_database
from tests.stacks import Stack
from tests.unit.review_stories import (
    COUNCIL,
    ICB,
    POLICE,
    SCHOOL,
    answer,
    london,
    meeting,
    of_partner,
    of_system,
    question,
    referral,
    report,
    submission,
    view,
)
from tests.vaults import World, vault_world

BEGUN = london("2026-03-10")
HERE = frozenset({PARTNERSHIP})
UNIT = Caller("person", "northbank-unit", COUNCIL, frozenset({"business_unit"}), HERE)
SCRUTINEER = Caller("person", "northbank-scrutineer", COUNCIL, frozenset({"scrutineer"}), HERE)
LEAD = Caller("person", "academy-lead", SCHOOL, frozenset({"lead"}), HERE)
DOCTOR = Caller("person", "icb-partner", ICB, frozenset({"partner"}), HERE)
SYSTEM = Caller("agency", SCHOOL, SCHOOL, partnerships=HERE)
STRANGER = Caller("agency", "southmere-council", "southmere-council", partnerships=frozenset({"southmere"}))


@dataclass
class House:
    """The service's inside, its HTTP, and the vault."""

    reviews: Reviews
    world: World
    http: httpx.AsyncClient
    incident: str = ""
    child: str = field(default_factory=lambda: mint("subject"))
    identity: str = field(default_factory=mint_reference)

    async def ask(self, who: Caller, path: str, by: str = "GET", **params: Any) -> httpx.Response:
        headers = {ON_BEHALF_OF: who.to_header()}
        return await self.http.request(by, path, params={"purpose": "review"} | params, headers=headers)

    async def keep(self, *items: Sealable) -> None:
        await self.world.filed(await self.world.source.send(*items, partnership=PARTNERSHIP))

    async def words(self, *said: str) -> list[str]:
        items = [Sealable(mint_reference(), "narrative", each, incident=self.incident) for each in said]
        await self.keep(*items)
        return [each.ref for each in items]

    async def entries(self, count: int) -> list[ChronologyEntry]:
        """So many entries, each seen on a day of its own."""
        items = [
            Sealable(mint_reference(), "entry", {"event": f"Entry number {n}."}, incident=self.incident)
            for n in range(count)
        ]
        await self.keep(*items)
        first = date(2024, 1, 1)
        return [
            ChronologyEntry(day=first + timedelta(days=n), words=item.ref, subjects=(self.child,))
            for n, item in enumerate(items)
        ]

    async def looks(self) -> int:
        return int((await self.world.rows("select count(*) as n from look"))[0]["n"])

    async def asked(self, agency: str) -> str:
        reason, household = await self.words("A neutral sentence.", "Adult A and Adult B.")
        asks = question(agency, subjects=(self.child,), reason=reason, household=household)
        (fact,) = await self.reviews.propose(self.incident, asks, BEGUN)
        return str(fact.data.request)


@pytest.fixture
async def house(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    service = await review_database(stack)
    database = Database(service.runtime_url, pool_size=6)
    async with vault_world(stack, tmp_path_factory.mktemp("vault"), f"v{mint('x')[-6:]}") as world:
        here = Reviews(database, SetClock(BEGUN))
        await here.know(directory_text())
        shelf = Shelf(database, here.place.log, here.clock)
        copies, scanner = Copies(database, here.place, world.client), Scanner(world.client)
        routers = [reviews_router(shelf, world.client, Cursors(b"k" * 32)), copies_router(shelf, copies, scanner)]
        app = service_app(title="Reviews", service="rapid-review", routers=routers)
        app.dependency_overrides[caller] = lambda: Caller("service", "gateway", roles=frozenset({"gateway"}))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here") as http:
            made = House(here, world, http, mint("incident"))
            await _opened(made)
            yield made
    await database.close()


async def _opened(house: House) -> None:
    identity = {
        "name": "Zebedee Planted",
        "dateOfBirth": "2019-03-04",
        "address": "7 Plantedstreet",
        "upn": "A12345678901B",
    }
    sealed = Sealable(
        house.identity, "identity", identity, under="subject", incident=house.incident, subject=house.child
    )
    await house.keep(sealed)
    said = referral()
    child = said.children[0].model_copy(update={"subject": house.child, "identity": house.identity})
    place = mint_reference()
    await house.keep(Sealable(place, "place", "The park in Plantedtown", incident=house.incident))
    contact = {"name": "A professional", "role": "Nurse"}
    contacted = mint_reference()
    await house.keep(Sealable(contacted, "contact", contact, incident=house.incident))
    where = said.occurrence.model_copy(update={"location": place})
    told = said.model_copy(update={"children": (child,), "occurrence": where, "contact": contacted})
    await house.reviews.hear(house.incident, told, BEGUN)
    await house.reviews.hear(house.incident, submission(BEGUN), BEGUN)


async def test_a_long_chronology_is_one_recorded_look_and_its_copy_is_recorded(house: House) -> None:
    request = await house.asked(SCHOOL)
    entries = await house.entries(700)
    for start in range(0, 600, 200):
        part = InformationContributed(agency=SCHOOL, request=request, entries=tuple(entries[start : start + 200]))
        await house.reviews.propose(house.incident, part, BEGUN, **of_system(SCHOOL))
    whole = answer(SCHOOL, request, entries=tuple(entries[600:]))
    await house.reviews.propose(house.incident, whole, BEGUN, **of_system(SCHOOL))
    before = await house.looks()
    told = await house.ask(UNIT, f"/v1/reviews/{house.incident}/chronology", form="csv")
    assert told.status_code == 200, told.text
    rows = list(csv.DictReader(io.StringIO(told.content.decode("utf-8-sig"))))
    assert [row["event"] for row in rows] == [f"Entry number {n}." for n in range(700)]
    assert {row["children"] for row in rows} == {"Child A"}
    assert await house.looks() == before + 1
    (exported,) = [f for f in await house.reviews.facts(house.incident) if f.name == "review.exported"]
    assert (exported.data.document, exported.data.form, exported.actor) == ("chronology", "csv", UNIT.id)


async def test_every_form_of_the_chronology_is_made(house: House) -> None:
    request = await house.asked(SCHOOL)
    said = answer(SCHOOL, request, entries=tuple(await house.entries(3)))
    await house.reviews.propose(house.incident, said, BEGUN, **of_system(SCHOOL))
    path = f"/v1/reviews/{house.incident}/chronology"
    for form, begins in (("json", b"{"), ("xlsx", b"PK"), ("svg", b"<svg"), ("pdf", b"%PDF")):
        told = await house.ask(UNIT, path, form=form)
        assert told.status_code == 200, told.text
        assert told.content.startswith(begins)


@pytest.mark.parametrize("who", [SCRUTINEER, LEAD, SYSTEM, DOCTOR, STRANGER], ids=lambda who: who.id)
async def test_the_combined_chronology_is_the_authoritys_alone(house: House, who: Caller) -> None:
    await house.asked(SCHOOL)
    before = await house.looks()
    told = await house.ask(who, f"/v1/reviews/{house.incident}/chronology")
    assert told.status_code == 404
    assert await house.looks() == before


async def test_an_agency_reads_its_own_request_with_its_own_key_alone(house: House) -> None:
    own, other = await house.asked(SCHOOL), await house.asked(ICB)
    told = await house.ask(LEAD, f"/v1/reviews/{house.incident}/requests/{own}")
    (child,) = told.json()["children"]
    assert child | {"addresses": None} == {
        "name": "Zebedee Planted",
        "born": "2019-03-04",
        "expected": None,
        "addresses": None,
        "keyName": "UPN",
        "key": "A12345678901B",
    }
    assert told.json()["facts"][0]["data"]["reason"] == "A neutral sentence."
    assert (await house.ask(LEAD, f"/v1/reviews/{house.incident}/requests/{other}")).status_code == 404
    assert (await house.ask(LEAD, f"/v1/reviews/{house.incident}/requests/{other}/letter")).status_code == 404
    letter = await house.ask(LEAD, f"/v1/reviews/{house.incident}/requests/{own}/letter", form="json")
    assert letter.json()["household"] == "Adult A and Adult B."
    standing = (await house.ask(LEAD, f"/v1/reviews/{house.incident}")).json()
    assert [each["request"] for each in standing["review"]["requests"]] == [own]
    assert set(standing["review"]) == {"requests", "waits"}
    assert (await house.ask(STRANGER, f"/v1/reviews/{house.incident}")).status_code == 404
    scrutineer = (await house.ask(SCRUTINEER, f"/v1/reviews/{house.incident}/requests/{own}")).json()
    assert "children" not in scrutineer
    assert "reason" not in scrutineer["facts"][0]["data"]


async def test_the_report_is_handed_over_with_what_each_partner_thinks(house: House) -> None:
    reasons, summary = await house.words("Because of this.", "The child and the family in words.")
    draft = report().model_copy(update={"child_and_family": summary})
    draft = draft.model_copy(update={"decision": draft.decision.model_copy(update={"reasons": reasons})})
    await house.reviews.propose(house.incident, meeting(BEGUN), BEGUN)
    await house.reviews.propose(house.incident, draft, BEGUN)
    await house.reviews.propose(house.incident, view(1), BEGUN, **of_partner(POLICE))
    told = await house.ask(DOCTOR, f"/v1/reviews/{house.incident}/report/json")
    assert told.status_code == 200, told.text
    whole = told.json()
    assert whole["sections"][0]["text"] == "The child and the family in words."
    assert whole["decision"]["reasons"] == "Because of this."
    assert [each["view"] for each in whole["views"]] == [None, None, "agree"]
    assert whole["chronology"] is None
    assert (await house.ask(UNIT, f"/v1/reviews/{house.incident}/report/pdf")).content.startswith(b"%PDF")
    assert (await house.ask(LEAD, f"/v1/reviews/{house.incident}/report/json")).status_code == 404


async def drafted(house: House, content: bytes) -> None:
    """A practice review of three partners with its first draft."""
    (reasons,) = await house.words("Reasons.")
    decided = PracticeReviewDecided(basis=Basis.RAPID_REVIEW, reasons=reasons)
    for agency in (COUNCIL, ICB, POLICE):
        await house.reviews.propose(house.incident, decided, BEGUN, **of_partner(agency))
    scope = PracticeReviewScoped(
        terms=reasons, scale=Scale.SHORT, scale_reasons=reasons, scope_from=date(2025, 1, 1), scope_to=date(2026, 1, 1)
    )
    await house.reviews.propose(house.incident, scope, BEGUN)
    appointed = ReviewerAppointed(contact=mint_reference(), independence=reasons)
    await house.reviews.propose(house.incident, appointed, BEGUN)

    async def chunks() -> AsyncIterator[bytes]:
        yield content

    filed = await house.world.client.file_document(
        chunks(),
        incident=house.incident,
        partnership=PARTNERSHIP,
        caller=UNIT,
        name="report.txt",
        declared="text/plain",
    )
    await house.reviews.propose(house.incident, PracticeReviewDrafted(report=filed.ref), BEGUN)


def scanning(house: House) -> Scanning:
    return Scanning(house.reviews.place, house.reviews.database, Scanner(house.world.client))


async def test_a_draft_is_scanned_by_itself_and_a_checker_sees_where(house: House) -> None:
    await drafted(house, b"The report tells of Zebedee Planted, and of nobody else in this town.")
    assert await scanning(house).one()
    assert not await scanning(house).one()
    (scanned,) = [f for f in await house.reviews.facts(house.incident) if f.name == "redaction.scanned"]
    assert (scanned.data.result, {each.what for each in scanned.data.found} >= {"name"}) == ("found", True)
    assert "Zebedee" not in scanned.to_json().decode()
    told = await house.ask(UNIT, f"/v1/practice-reviews/{house.incident}/scan")
    assert told.status_code == 200, told.text
    assert "Zebedee" in str(told.json()["findings"])
    assert (await house.ask(LEAD, f"/v1/practice-reviews/{house.incident}/scan")).status_code == 404
    assert (await house.ask(SCRUTINEER, f"/v1/practice-reviews/{house.incident}/scan")).status_code == 404


async def test_a_scan_waits_for_the_vault_and_is_begun_again_by_command(house: House) -> None:
    await drafted(
        house, b"Xqzv wvkj zzqp. " * 80
    )  # letters that are no English: a font that does not say which they are
    house.world.vault.stop()
    assert await scanning(house).one()
    assert [f for f in await house.reviews.facts(house.incident) if f.name == "redaction.scanned"] == []
    await house.world.vault.start()
    again = await house.ask(UNIT, f"/v1/practice-reviews/{house.incident}/scan", "POST")
    assert again.status_code == 202, again.text
    assert await scanning(house).one()
    results = [f.data.result for f in await house.reviews.facts(house.incident) if f.name == "redaction.scanned"]
    assert results == ["failed"]
    letters = await house.reviews.rows("select recipient from letter where subject like '%could not be scanned%'")
    assert letters == [("unit@northbank-council.example",)]


async def test_the_pack_names_each_recipient_and_the_last_day_for_their_copies(house: House) -> None:
    await drafted(house, b"A report about one child, for everybody to learn from.")
    planned = PublicationPlanned(on=date(2026, 6, 15))
    await house.reviews.propose(house.incident, planned, BEGUN)
    told = await house.ask(UNIT, f"/v1/practice-reviews/{house.incident}/pack/json")
    assert told.status_code == 200, told.text
    assert told.json()["copiesBy"] == "2026-06-04"
    assert [each["recipient"] for each in told.json()["copies"]] == ["panel", "secretary_of_state", "ofsted"]
    assert (await house.ask(UNIT, f"/v1/practice-reviews/{house.incident}/pack/pdf")).content.startswith(b"%PDF")
