"""What a reader finds written on a page of a PDF, and where: glyphs told by the table that their font brings along."""

import re
from collections.abc import Iterator
from typing import Any

import pikepdf

_RANGE = re.compile(rb"<(\w+)>\s*<(\w+)>\s*<(\w+)>")
_ONE = re.compile(rb"<(\w+)>\s*<(\w+)>")


def written(page: pikepdf.Page) -> Iterator[tuple[float, str]]:
    """Each run of text on a page, with its height from the bottom of the page, in points."""
    fonts = {name: _characters(font) for name, font in page.resources.get("/Font", {}).items()}
    saved: list[pikepdf.Matrix] = []
    matrix = line = pikepdf.Matrix()
    font: dict[bytes, str] = {}
    for each in pikepdf.parse_content_stream(page):
        match str(each.operator), list(each.operands):
            case "q", _:
                saved.append(matrix)
            case "Q", _:
                matrix = saved.pop()
            case "cm", numbers:
                matrix = pikepdf.Matrix(*(float(n) for n in numbers)) @ matrix
            case "Tf", [name, _]:
                font = fonts[str(name)]
            case "Tm", numbers:
                line = pikepdf.Matrix(*(float(n) for n in numbers))
            case "Tj", [shown]:
                yield (line @ matrix).f, _text(font, [shown])
            case "TJ", [shown]:
                yield (line @ matrix).f, _text(font, shown)


def _text(font: dict[bytes, str], shown: Any) -> str:
    """What a reader sees of it: two bytes a glyph."""
    runs = [bytes(each) for each in shown if isinstance(each, pikepdf.String)]
    return "".join(font[run[at : at + 2]] for run in runs for at in range(0, len(run), 2))


def _characters(font: Any) -> dict[bytes, str]:
    """What each glyph of a font stands for, as the font's own table says."""
    table = font.ToUnicode.read_bytes()
    found = {}
    for block in re.findall(rb"beginbfchar(.*?)endbfchar", table, re.DOTALL):
        for glyph, character in _ONE.findall(block):
            found[bytes.fromhex(glyph.decode())] = _utf16(character)
    for block in re.findall(rb"beginbfrange(.*?)endbfrange", table, re.DOTALL):
        for first, last, character in _RANGE.findall(block):
            for number in range(int(first, 16), int(last, 16) + 1):
                found[number.to_bytes(2)] = chr(ord(_utf16(character)) + number - int(first, 16))
    return found


def _utf16(digits: bytes) -> str:
    return bytes.fromhex(digits.decode()).decode("utf-16-be")
