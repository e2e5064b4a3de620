"""HTML as nested calls: what is put in is escaped, since it is text in a tree and never markup in a string."""

import re
from collections.abc import Iterable
from xml.etree.ElementTree import Element, tostring

Content = Element | str | None | Iterable["Content"]

_WITHIN_A_LINE = frozenset({"a", "code", "strong", "span", "wbr"})
_CODE = re.compile(r"`([^`]+)`")


def element(tag: str, *content: Content, **attributes: str) -> Element:
    """An element; `class_` and the like lose their underscore, other underscores become hyphens."""
    made = Element(tag, {key.rstrip("_").replace("_", "-"): value for key, value in attributes.items()})
    if tag not in _WITHIN_A_LINE:
        made.tail = "\n"
    _fill(made, content)
    return made


def said(text: str) -> list[Content]:
    """A sentence in which `what stands in backticks` is code."""
    return [element("code", part) if number % 2 else part for number, part in enumerate(_CODE.split(text))]


def name(text: str) -> Element:
    """A dotted name or path as code, which may be broken behind its dots and nowhere else."""
    first, *rest = text.split(".")
    return element("code", first, [[".", element("wbr"), part] for part in rest])


def listed(items: Iterable[Content]) -> list[Content]:
    """Items with commas between them."""
    result: list[Content] = []
    for item in items:
        result += [", ", item] if result else [item]
    return result


def table(caption: str, heads: Iterable[Content], rows: Iterable[Iterable[Content]], **attributes: str) -> Element:
    """A table with a caption; the first cell of each row is that row's heading. It scrolls where it is too wide."""
    grid = element(
        "table",
        element("caption", caption),
        element("thead", element("tr", [element("th", head, scope="col") for head in heads])),
        element("tbody", [element("tr", _cells(row)) for row in rows]),
        **attributes,
    )
    return element("div", grid, class_="table", tabindex="0", role="region", aria_label=caption)


def document(title: str, style: str, *content: Content) -> str:
    """A whole page that needs nothing but itself."""
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", title),
        element("style", style),
    )
    page = element("html", "\n", head, element("body", content), lang="en-GB")
    return "<!DOCTYPE html>\n" + tostring(page, encoding="unicode", method="html") + "\n"


def _cells(row: Iterable[Content]) -> Iterable[Element]:
    for number, cell in enumerate(row):
        yield element("th", cell, scope="row") if number == 0 else element("td", cell)


def _fill(parent: Element, content: Content) -> None:
    if isinstance(content, Element):
        parent.append(content)
    elif isinstance(content, str):
        if len(parent):
            parent[-1].tail = (parent[-1].tail or "") + content
        else:
            parent.text = (parent.text or "") + content
    elif content is not None:
        for each in content:
            _fill(parent, each)
