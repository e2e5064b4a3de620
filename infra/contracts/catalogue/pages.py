"""One page of HTML for each event type: for whoever builds against it, and for whoever answers for who sees what."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

from infra.contracts.catalogue.described import Described
from infra.contracts.catalogue.markup import Content, document, element, listed, name, said, table
from infra.contracts.catalogue.words import joined, plain, stream

STYLE = (Path(__file__).parent / "look.css").read_text(encoding="utf-8")
TITLE = "Event catalogue: Safeguarding Exchange"
TO_ROOT = "../.."
"""From the pages to the checkout's root, where the schemas, examples and tests lie."""

_SHOWN = {
    "proposals": ("As proposed", "What an agency sends; sealed fields hold words."),
    "facts": ("As a fact", "The same once taken in: words sealed, references in their places."),
    "outbound": (
        "In an agency's feed",
        "Cut to what that agency may see, numbered, with what was taken out in `redacted` and codes to route by in"
        " `filtering`.",
    ),
}


def page(of: Described) -> str:
    """The page of one type."""
    parts = [
        ("who-proposes", "Who may propose it", list(_proposing(of))),
        ("who-reads", "Who may read which field", list(_reading(of))),
        ("fields", "Fields", list(_fields(of))),
        ("versions", "Versions and who reads them", list(_versions(of))),
        ("guarantees", "What is guaranteed", list(_guarantees(of))),
        ("examples", "Examples", list(_examples(of))),
    ]
    parts = [part for part in parts if part[2]]
    return laid_out(
        f"{of['name']}: {TITLE}",
        [
            element("h1", name(of["name"])),
            element("p", said(of["meaning"]), class_="lede"),
            element("p", said(more)) if (more := of["about"].removeprefix(of["meaning"]).strip()) else None,
            _summary(of),
            element(
                "ul", [element("li", element("a", part, href=f"#{id_}")) for id_, part, _ in parts], class_="contents"
            ),
            [element("section", element("h2", part, id=id_), body) for id_, part, body in parts],
        ],
        element("nav", element("a", "Event catalogue", href="index.html"), " › ", of["name"], aria_label="Breadcrumb"),
    )


def laid_out(title: str, main: Content, trail: Content = None) -> str:
    """A page with what every page has."""
    return document(
        title,
        STYLE,
        element("a", "Skip to the content", href="#content", class_="skip"),
        element("header", element("p", element("a", "Safeguarding Exchange", href="index.html"), " Event catalogue")),
        trail,
        element("main", main, id="content"),
        element(
            "footer",
            element(
                "p",
                said(
                    "Made from the contracts by `make contracts-write`, and held to them in every test run. The"
                    " partnerships and agencies named are the demo's: invented, as is everything in the examples."
                    " Where a text names DOMAIN, it means "
                ),
                element("a", "the domain's rules", href=f"{TO_ROOT}/docs/domain.md"),
                ".",
            ),
        ),
    )


def _summary(of: Described) -> Element:
    today = of["versions"][-1]
    elsewhere: list[tuple[str, Content]] = [
        ("And on", [element("code", each["topic"]), f": {stream(each['topic'])}, said by {each['saidBy']}"])
        for each in of["alsoOn"]
    ]
    terms: list[tuple[str, Content]] = [
        ("Type on the wire", element("code", of["type"])),
        ("Schema", element("code", today["dataschema"])),
        ("Published on", [element("code", of["topic"]), f": {stream(of['topic'])}"]),
        *elsewhere,
        ("Order key", said(f"the event's `{of['orderKey']}`")),
        ("Decided by", of["owner"]),
    ]
    return element("dl", [element("div", element("dt", term), element("dd", words)) for term, words in terms])


def _proposing(of: Described) -> Iterator[Element]:
    if not of["proposedBy"]:
        yield element("p", f"Nobody: its owner ({of['owner']}) says it by itself.")
        return
    yield table(
        "Any of these",
        ["Kind of agency", "Who acts"],
        [
            [
                plain(each["agencyType"]) if each["agencyType"] else "Any kind",
                f"a person as {plain(each['role']).lower()}" if each["role"] else "its own system, or a person of it",
            ]
            for each in of["proposedBy"]
        ],
    )
    yield element(
        "p",
        "This is the ceiling; a sharing agreement may allow less. Under today's agreements: ",
        (_names(of["agenciesThatMayPropose"]) or "nobody"),
        ".",
    )


def _reading(of: Described) -> Iterator[Element]:
    kinds, roles = of["readableBy"]["agencyTypes"], of["readableBy"]["roles"]
    tops = list(dict.fromkeys(row["path"].partition(".")[0].removesuffix("[]") for row in of["fields"]))
    if not kinds:
        yield element("p", "No agency sees it: it travels between the services of the exchange.")
        return
    yield element(
        "p",
        "The most that anyone may ever see. An agency's sharing agreement narrows it further; a person of the agency"
        " sees what both the agency's kind and the person's role allow. For everyone else the event does not exist.",
    )
    if of["readableBy"]["forWhom"]:
        yield element("p", f"Of all these it is for {of['readableBy']['forWhom']}; for others it does not exist.")
    yield from _sight("By kind of agency", kinds, tops)
    if roles:
        yield from _sight("By role of the person", roles, tops)


def _sight(caption: str, seen: dict[str, Any], tops: list[str]) -> Iterator[Element]:
    if all(each["everything"] for each in seen.values()):
        names = joined([plain(code) for code in seen])
        yield element("p", element("strong", f"{caption}: "), f"every field for {names}.")
        return
    yield table(
        caption,
        ["Field of data", *(plain(code) for code in seen)],
        [[name(top), *(_mark(top in each["fields"]) for each in seen.values())] for top in tops],
        class_="matrix",
    )


def _mark(sees: bool) -> Element:
    return element("span", "yes") if sees else element("span", "no", class_="no")


def _fields(of: Described) -> Iterator[Element]:
    if any(row["sealed"] for row in of["fields"]):
        yield element(
            "p",
            "A field that is ",
            element("span", "sealed", class_="sealed"),
            " holds words when it is proposed, and a vault reference for everyone who reads it.",
        )
    yield table(
        "Fields of data", ["Field", "Holds", "Needed", "Meaning"], [_field(row) for row in of["fields"]], class_="wide"
    )


def _field(row: Described) -> list[Content]:
    default = f", else {row['default']}" if row["default"] else ""
    sealed: Content = (
        [" ", element("span", f"sealed: {plain(row['sealed']).lower()}", class_="sealed")] if row["sealed"] else None
    )
    codes = (
        element("span", listed(element("code", code) for code in row["codes"]), class_="codes")
        if row["codes"]
        else None
    )
    return [
        name(row["path"]),
        [said(row["holds"]), sealed, codes],
        "yes" if row["required"] else f"no{default}",
        said(row["meaning"]),
    ]


def _versions(of: Described) -> Iterator[Element]:
    yield table(
        "Versions",
        ["Version", "Standing", "Schemas", "Readers, by the demo's agreements"],
        [
            [
                element("code", each["version"]),
                "today's" if each["today"] else "earlier; still given to whoever reads it",
                listed(element("a", f"{form}", href=f"{TO_ROOT}/{path}") for form, path in each["schemas"].items()),
                _names(each["readers"]) or "none",
            ]
            for each in of["versions"]
        ],
        class_="wide",
    )
    yield element(
        "p",
        "A version cannot be retired while anyone still reads it: ",
        element("code", "make contracts"),
        " asks the agreements of a running installation too.",
    )


def _names(holders: list[dict[str, str]]) -> str:
    """Each agency once, though it reads in several partnerships."""
    return joined(list(dict.fromkeys(holder["name"] for holder in holders)))


def _guarantees(of: Described) -> Iterator[Element]:
    yield table(
        "Each with the tests that prove it, or what measures it",
        ["Guarantee", "What it says", "Proven or measured by"],
        [
            [each["name"], said(each["says"]), [element("p", link) for link in (*_proofs(each), *_measured(each))]]
            for each in of["guarantees"]
        ],
        class_="wide",
    )


def _proofs(guarantee: Described) -> Iterator[Element]:
    for proof in guarantee["proofs"]:
        path, _, test = proof.partition("::")
        yield element("a", test.removeprefix("test_").replace("_", " "), href=f"{TO_ROOT}/{path}", title=proof)


def _measured(guarantee: Described) -> Iterator[Element]:
    for path in guarantee["measuredBy"]:
        yield element("a", f"{path} (measured, not proven)", href=f"{TO_ROOT}/{path}")


def _examples(of: Described) -> Iterator[Element]:
    for shown, several in of["examples"].items():
        heading, words = _SHOWN[shown]
        yield element("h3", heading)
        yield element("p", said(words))
        for each in several:
            file = each["file"].rpartition("/")[2]
            text = json.dumps(each["event"], indent=2, ensure_ascii=False)
            to = f", as the feed of the kind “{plain(each['to'])}” carries it" if "to" in each else None
            yield element("p", element("a", file, href=f"{TO_ROOT}/{each['file']}"), to)
            yield element("pre", text, tabindex="0", role="region", aria_label=f"{heading}: {file}")
