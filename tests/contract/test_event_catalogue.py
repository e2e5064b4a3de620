"""The catalogue that people read says what the contracts say, can be read by everybody, and proves what it promises."""

import ast
import json
import re
from functools import cache
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from lxml import html

from contracts.catalogue import CATALOGUE, parse
from contracts.codes import AgencyType
from contracts.feeds import outbound_schema
from contracts.schema_forms import Form, schema
from contracts.sealing import marks, words_left
from infra.contracts import examples
from infra.contracts.agreements import directory
from infra.contracts.catalogue.described import described, of_feeds
from infra.contracts.catalogue.fields import rows
from infra.contracts.catalogue.guarantees import guarantees
from infra.contracts.catalogue.index_page import index_page
from infra.contracts.catalogue.pages import page
from infra.contracts.examples import OWNERS
from infra.contracts.generated import PAGES
from infra.kafka.declared import declared
from tests.bench import __main__ as bench

TYPES = {each["name"]: each for each in described(directory())}
PROMISED = [each for entry in CATALOGUE.values() for each in guarantees(entry)]
PROOFS = sorted({proof for each in PROMISED for proof in each.proofs})
MEASURED = sorted({path for each in PROMISED for path in each.measured})


@cache
def _run(path: str) -> set[str]:
    """The tests in a file that pytest collects and nothing skips."""
    tree = ast.parse(Path(path).read_text(encoding="utf-8"))
    tests = [each for each in tree.body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)]
    skipping = re.compile(r"\b(skip|skipif|xfail)\b")
    return {each.name for each in tests if not any(skipping.search(ast.unparse(by)) for by in each.decorator_list)}


@cache
def _page(name: str) -> Any:
    return html.fromstring(index_page(list(TYPES.values()), of_feeds()) if name == "index" else page(TYPES[name]))


@pytest.mark.parametrize("proof", PROOFS)
def test_what_proves_a_guarantee_is_a_test_that_is_run(proof: str) -> None:
    path, _, name = proof.partition("::")
    assert Path(path).name.startswith("test_")
    assert name.startswith("test_")
    assert name in _run(path)


@pytest.mark.parametrize("path", MEASURED)
def test_what_measures_a_guarantee_is_a_row_of_the_bench(path: str) -> None:
    row = import_module(path.removesuffix(".py").replace("/", "."))
    assert row in [each for each in vars(bench).values() if isinstance(each, ModuleType)]
    assert callable(row.measure)


@pytest.mark.parametrize("entry", CATALOGUE.values(), ids=CATALOGUE)
def test_every_type_has_an_order_key_a_retention_and_a_delivery_that_are_proven(entry: Any) -> None:
    promised = {each.name: each for each in guarantees(entry)}
    assert {"Order", "Nothing is lost", "Retention"} <= promised.keys()
    assert all(each.proofs for each in promised.values() if not each.name.startswith("Maximum delay"))
    assert all(each.proofs or each.measured for each in promised.values())
    assert not any(each.proofs and each.measured for each in promised.values())


def test_the_retention_that_is_promised_is_the_one_that_is_declared() -> None:
    configured = {topic.name: dict(topic.configs)["retention.ms"] for topic in declared(["panel"]).topics}
    assert configured["partner.panel.outbound"] == str(90 * 24 * 60 * 60 * 1000)
    for entry in CATALOGUE.values():
        kept = next(each.says for each in guarantees(entry) if each.name == "Retention")
        assert f"`{entry.topic}` keeps it for ever" in kept
        assert configured[entry.topic] == "-1"
        assert ("outbound topic 90 days" in kept) == bool(entry.ceiling.agencies)


@pytest.mark.parametrize("name", CATALOGUE)
def test_the_fields_of_a_page_are_those_of_the_schema(name: str) -> None:
    entry = CATALOGUE[name]
    data = {field.alias or key for key, field in entry.model.model_fields.items()}
    shown = rows(entry, entry.major)
    assert {row.top for row in shown} == data
    sealed = {".".join(mark.path).replace(".*", "[]") for mark in marks(entry.model)}
    assert sealed <= {row.path for row in shown if row.sealed}
    assert all(any(row.path.startswith(path) for path in sealed) for row in shown if row.sealed)


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_page_shows_each_kind_of_agency_the_fields_of_its_ceiling_and_no_others(name: str) -> None:
    ceiling = CATALOGUE[name].ceiling.agencies
    tops = [row.top for row in rows(CATALOGUE[name], CATALOGUE[name].major)]
    shown = TYPES[name]["readableBy"]["agencyTypes"]
    assert {AgencyType(kind) for kind in shown} == set(ceiling)
    for kind, seen in shown.items():
        assert set(seen["fields"]) == {top for top in tops if top in ceiling[AgencyType(kind)]}


def test_a_field_that_is_kept_from_the_police_says_so_on_the_page() -> None:
    (grid,) = _page("incident.referred").xpath("//table[caption='By kind of agency']")
    heads = [head.text_content() for head in grid.xpath(".//thead//th")]
    cells = {row[0].text_content(): [cell.text_content() for cell in row] for row in grid.xpath(".//tbody/tr")}
    assert cells["harm"][heads.index("Police force")] == "no"
    assert cells["harm"][heads.index("Local authority")] == "yes"
    assert cells["nature"][heads.index("School")] == "yes"


def test_readers_are_those_whose_agreement_reads_that_version() -> None:
    of = TYPES["notification.submitted"]["versions"][-1]["readers"]
    assert {"agency": "panel", "name": "Child Safeguarding Practice Review Panel", "partnership": "northshire"} in of
    assert "harbour-homes" not in {each["agency"] for each in of}


@pytest.mark.parametrize("name", ["index", *CATALOGUE])
def test_a_page_can_be_read_by_everybody_and_needs_nothing_but_itself(name: str) -> None:
    tree = _page(name)
    assert tree.get("lang") == "en-GB"
    assert len(tree.xpath("//h1")) == len(tree.xpath("//main")) == len(tree.xpath("/html/head/title")) == 1
    assert tree.xpath("//a[@class='skip']/@href") == ["#" + tree.xpath("//main/@id")[0]]
    levels = [int(heading.tag[1]) for heading in tree.xpath("//h1|//h2|//h3")]
    assert all(deeper <= before + 1 for before, deeper in pairwise(levels))
    assert all(grid.xpath("./caption") and grid.xpath(".//th[@scope='row']") for grid in tree.xpath("//table"))
    assert all(link.text_content().strip() for link in tree.xpath("//a"))
    assert not tree.xpath("//script|//img|//link|//iframe|//*[@style]")
    ids = tree.xpath("//@id")
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("name", ["index", *CATALOGUE])
def test_every_link_of_a_page_leads_to_a_file_or_a_place_on_it(name: str) -> None:
    tree = _page(name)
    for link in tree.xpath("//a/@href"):
        assert not re.match(r"[a-z]+:", link), "no page leads out of the checkout"
        assert link[1:] in tree.xpath("//@id") if link.startswith("#") else (PAGES / link).exists(), link


def test_what_a_contract_says_is_never_markup() -> None:
    of = TYPES["incident.closed"] | {"meaning": "<script>alert(1)</script> & `<b>`"}
    assert "<script>" not in page(of)
    assert html.fromstring(page(of)).xpath("//p[@class='lede']")[0].text_content() == "<script>alert(1)</script> & <b>"


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_type_shows_an_example(name: str) -> None:
    shown = TYPES[name]["examples"]
    assert shown.get("facts")
    assert bool(CATALOGUE[name].proposers) == ("proposals" in shown)
    for each in (each for several in shown.values() for each in several):
        assert json.loads(Path(each["file"]).read_text()) == each["event"], "the page shows what the file holds"


@pytest.mark.parametrize("path", sorted(OWNERS.glob("*.json")), ids=lambda path: path.stem)
def test_an_owners_example_is_a_valid_fact_of_a_type_that_nobody_proposes(path: Path) -> None:
    told = json.loads(path.read_text())
    fact = parse(told)
    entry = CATALOGUE[fact.name]
    assert not entry.proposers
    assert fact.recordedtime
    assert path.stem == fact.type
    assert told["source"] == f"/services/{'notifications' if entry.owner == 'every owner' else entry.owner}"
    Draft202012Validator(schema(entry, fact.major, Form.READ)).validate(told)
    assert words_left(type(fact.data), fact.data.model_dump(mode="json")) == ()


@pytest.mark.parametrize(
    ("path", "kind", "carried"), [*examples.outbound()], ids=lambda each: getattr(each, "stem", "")
)
def test_an_example_of_a_feed_is_valid_against_its_own_schema_and_cut_to_its_reader(
    path: Path, kind: AgencyType, carried: dict[str, Any]
) -> None:
    name, _, major = carried["type"].rpartition(".v")
    Draft202012Validator(outbound_schema(CATALOGUE[name], int(major))).validate(carried)
    sight = CATALOGUE[name].ceiling.agencies[kind]
    if int(major) == CATALOGUE[name].major:
        assert all(member in sight for member in carried["data"])
        whole = json.loads((examples.FACTS / path.name).read_text())["data"]
        assert {f"/data/{member}" for member in whole if member not in sight} == set(carried.get("redacted", ()))


def test_a_schools_feed_shows_a_referral_thin() -> None:
    shown = next(each for each in TYPES["incident.referred"]["examples"]["outbound"])
    assert shown["to"] == "school"
    assert shown["event"]["data"].keys() <= {"nature", "hostAuthority", "homeAuthority"}
    assert "/data/children" in shown["event"]["redacted"]
