"""The catalogue's first page: every type by stream, and at one glance who may read what."""

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from contracts.codes import AgencyType
from infra.contracts.catalogue.described import Described
from infra.contracts.catalogue.markup import Content, element, name, said, table
from infra.contracts.catalogue.pages import TITLE, TO_ROOT, laid_out
from infra.contracts.catalogue.words import joined, plain, stream


def index_page(types: list[Described], feeds_alone: list[Described]) -> str:
    """The page from which all others are found."""
    topics = dict.fromkeys(each["topic"] for each in types)
    return laid_out(
        TITLE,
        [
            element("h1", "Event catalogue"),
            element(
                "p",
                "What agencies and services say to each other about serious child safeguarding incidents: what each"
                " event means, who may say it, who may read which part of it, and what is promised of it.",
                class_="lede",
            ),
            element(
                "p",
                "Events carry codes, dates and references. Names, addresses and everything written about a case stay in"
                " the vault, where each look is recorded. Programs read the same from ",
                element("a", "index.json", href="index.json"),
                ".",
            ),
            element(
                "p",
                said("Every event travels in the same envelope, a CloudEvent in structured JSON: "),
                element("a", "the contracts", href=f"{TO_ROOT}/contracts/README.md"),
                " explain it, and ",
                element("a", "the guide for an agency's developer", href=f"{TO_ROOT}/docs/for-agencies.md"),
                " leads to the first event sent.",
            ),
            [_stream(topic, [each for each in types if each["topic"] == topic]) for topic in topics],
            _feeds(feeds_alone),
            element("section", element("h2", "Who may read what, at most"), list(_sights(types))),
        ],
    )


def _stream(topic: str, types: list[Described]) -> Element:
    return element(
        "section",
        element("h2", stream(topic)),
        table(
            topic,
            ["Event", "Meaning", "Proposed by"],
            [[_link(each), said(each["meaning"]), _proposers(each)] for each in types],
        ),
    )


def _feeds(types: list[Described]) -> Element:
    return element(
        "section",
        element("h2", "In an agency's feed alone"),
        table(
            "partner.<agency>.outbound, and GET /v1/feed",
            ["Event", "Meaning", "Schema"],
            [
                [
                    name(each["name"]),
                    said(each["about"]),
                    element("a", each["type"], href=f"{TO_ROOT}/{each['schema']}"),
                ]
                for each in types
            ],
        ),
    )


def _link(each: Described) -> Element:
    return element("a", name(each["name"]), href=f"{each['name']}.html")


def _proposers(each: Described) -> str:
    """Kinds of agency where their systems may; the roles where only persons may."""
    names = dict.fromkeys(
        plain(one["role"]) if one["role"] else plain(one["agencyType"] or "any agency") for one in each["proposedBy"]
    )
    return joined(list(names)) or f"nobody: said by {each['owner']}"


def _sights(types: list[Described]) -> Iterator[Content]:
    yield element(
        "p",
        "The ceiling, which no sharing agreement reaches above. “All” is every field, “some” are the fields told on the"
        " event's own page, and with a dash the event does not exist for that kind of agency.",
    )
    yield table(
        "By kind of agency",
        ["Event", *(plain(kind) for kind in AgencyType)],
        [[_link(each), *(_sight(each, kind.value) for kind in AgencyType)] for each in types],
        class_="matrix",
    )


def _sight(each: Described, kind: str) -> Element:
    seen = each["readableBy"]["agencyTypes"].get(kind)
    if seen is None:
        return element("span", element("span", "–", aria_hidden="true"), class_="no", aria_label="nothing", role="img")
    return element("span", "all" if seen["everything"] else "some")
