"""What a file really is, told from its content, and whether it may be kept.

A file comes from outside and may be made to harm whoever reads it, so it is looked into in a process of its own
(`python -m shared.documents`), which is given no secret, little memory and little time.
"""

import asyncio
import email
import email.policy
import io
import json
import re
import resource
import sys
import zipfile
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pikepdf
import puremagic

SIZE_LIMIT = 25 * 1024 * 1024
"""Bytes: the most a document may have."""

PDF = "application/pdf"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PNG = "image/png"
JPEG = "image/jpeg"
TEXT = "text/plain"
EML = "message/rfc822"
MSG = "application/vnd.ms-outlook"

ACCEPTED = (PDF, DOCX, XLSX, PNG, JPEG, TEXT, EML, MSG)

_MAIN_PART = {"word/document.xml": DOCX, "xl/workbook.xml": XLSX}
_MOST_PARTS = 5_000
_MOST_UNPACKED = 250 * 1024 * 1024
_MOST_TIMES_LARGER = 200
_MOST_PIXELS = 100_000_000
_MOST_OBJECTS = 200_000
_DEEPEST_ATTACHMENT = 3
_MEMORY = 1024 * 1024 * 1024
_CPU_SECONDS = 15
_PATIENCE = 30.0
_HERE = Path(__file__).resolve().parents[1]

_OLE = bytes.fromhex("d0cf11e0a1b11ae1")
_OF_A_MESSAGE = "__properties_version1.0".encode("utf-16-le")
_PROGRAM = re.compile(rb"This program (?:cannot|must) be run (?:in DOS|under Win)|\x7fELF[\x01\x02][\x01\x02]\x01")
_SCRIPT = re.compile(r"\s*(?:#!|<\?|<!doctype|<html|<svg|<script|%PDF|\{\\rtf|@echo off)", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")
_ACTIVE_KEYS = {"/JS": "scripts", "/JavaScript": "scripts", "/RichMedia": "scripts", "/EmbeddedFiles": "attached-files"}
_ACTIVE_ACTIONS = {"/JavaScript": "scripts", "/Launch": "scripts", "/ImportData": "scripts", "/GoToE": "attached-files"}

REASONS = {
    "empty": "The file is empty.",
    "type-not-accepted": "A file of this type is not kept.",
    "type-not-what-it-says": "The content is not of the type that was declared.",
    "executable": "The file is, or holds, a program.",
    "macros": "The file holds macros or active parts: save it without them.",
    "scripts": "The file holds scripts or starts something when opened: print it to a plain PDF.",
    "attached-files": "The file holds other files: send each by itself.",
    "encrypted": "The file is protected by a password: send it without.",
    "expands-too-much": "The file unpacks to far more than it should.",
    "too-complex": "The file takes too much work to look into.",
    "damaged": "The file cannot be read as what it is.",
}
"""Every reason for which a file is refused, in a sentence that names the remedy."""


class NotAccepted(Exception):
    """The file may not be kept; `rule` is a key of `REASONS`."""

    def __init__(self, rule: str) -> None:
        super().__init__(REASONS[rule])
        self.rule = rule


async def inspected(content: bytes, declared: str | None) -> str:
    """The media type of a file that may be kept, told in a process apart. Raises NotAccepted."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "shared.documents",
        declared or "",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        cwd=_HERE,
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
    )
    try:
        async with asyncio.timeout(_PATIENCE):
            said, _ = await process.communicate(content)
        verdict = json.loads(said)
    except (TimeoutError, ValueError):
        raise NotAccepted("too-complex") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if "refused" in verdict:
        raise NotAccepted(verdict["refused"])
    return str(verdict["type"])


def inspect(content: bytes, declared: str | None = None, *, depth: int = 0) -> str:
    """The media type of a file that may be kept. Raises NotAccepted. Not for a process that holds secrets."""
    if not content:
        raise NotAccepted("empty")
    told = told_from(content)
    if told is None:
        raise NotAccepted("executable" if _PROGRAM.search(content[:4096]) else "type-not-accepted")
    wanted = (declared or "").partition(";")[0].strip().lower()
    if wanted not in ("", "application/octet-stream", told):
        raise NotAccepted("type-not-what-it-says")
    if told == PDF:
        _look_into_pdf(content)
    elif told in (DOCX, XLSX):
        _look_into_office(content)
    elif told == PNG and _pixels(content) > _MOST_PIXELS:
        raise NotAccepted("expands-too-much")
    elif told == EML:
        _look_into_mail(content, depth)
    elif told == MSG and _PROGRAM.search(content):
        raise NotAccepted("executable")
    return told


def told_from(content: bytes) -> str | None:
    """Which accepted type the content is, going by nothing else; None if it is none of them."""
    try:
        candidates = {match.mime_type for match in puremagic.magic_string(content)}
    except puremagic.PureError:
        candidates = set()
    for kind in (PDF, PNG, JPEG):
        if kind in candidates:
            return kind
    if DOCX in candidates:
        return _office_type(content)
    if content.startswith(_OLE):
        return MSG if _OF_A_MESSAGE in content else None
    text = _text(content)
    if text is None or _SCRIPT.match(text):
        return None
    return EML if EML in candidates and _is_mail(content) else TEXT


def _text(content: bytes) -> str | None:
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        return None
    return None if _CONTROL.search(text) else text


def _office_type(content: bytes) -> str | None:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, ValueError):
        return None
    if "[Content_Types].xml" not in names:
        return None
    return next((kind for part, kind in _MAIN_PART.items() if part in names), None)


def _look_into_office(content: bytes) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = archive.infolist()
            if any(part.flag_bits & 1 for part in parts):
                raise NotAccepted("encrypted")
            _refuse_bomb(parts, len(content))
            for part in parts:
                _refuse_active_part(part.filename.lower(), archive)
            for part in parts:
                _read_through(archive, part)
    except (zipfile.BadZipFile, ValueError, EOFError, NotImplementedError):
        raise NotAccepted("damaged") from None


def _refuse_bomb(parts: list[zipfile.ZipInfo], size: int) -> None:
    overlapping = sum(part.compress_size for part in parts) > size
    unpacked = sum(part.file_size for part in parts)
    swollen = any(_is_swollen(part) for part in parts)
    if len(parts) > _MOST_PARTS or unpacked > _MOST_UNPACKED or overlapping or swollen:
        raise NotAccepted("expands-too-much")


def _is_swollen(part: zipfile.ZipInfo) -> bool:
    return part.file_size > 1024 * 1024 and part.file_size > max(part.compress_size, 1) * _MOST_TIMES_LARGER


def _refuse_active_part(name: str, archive: zipfile.ZipFile) -> None:
    if name.endswith("vbaproject.bin") or "/activex/" in name or "/macrosheets/" in name:
        raise NotAccepted("macros")
    if "/embeddings/" in name:
        raise NotAccepted("attached-files")
    if name == "[content_types].xml" and b"macroEnabled" in archive.read("[Content_Types].xml"):
        raise NotAccepted("macros")


def _read_through(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> None:
    """The sizes in a zip's directory are a claim; reading to the end, with its checksum, is the proof."""
    with archive.open(part) as unpacking:
        while unpacking.read(1024 * 1024):
            pass


def _look_into_pdf(content: bytes) -> None:
    try:
        with pikepdf.open(io.BytesIO(content)) as pdf:
            if len(pdf.objects) > _MOST_OBJECTS:
                raise NotAccepted("too-complex")
            for thing in pdf.objects:
                for part in _within(thing):
                    _refuse_active_dictionary(part)
    except pikepdf.PasswordError:
        raise NotAccepted("encrypted") from None
    except (pikepdf.PdfError, RecursionError, ValueError):
        raise NotAccepted("damaged") from None


def _within(thing: object) -> Iterator[pikepdf.Object]:
    """The dictionaries of one indirect object; what it refers to comes by itself."""
    waiting = [thing]
    while waiting:
        one = waiting.pop()
        if isinstance(one, pikepdf.Dictionary | pikepdf.Stream):
            yield one
            waiting += [value for _, value in one.items() if not getattr(value, "is_indirect", False)]
        elif isinstance(one, pikepdf.Array):
            waiting += [value for value in one if not getattr(value, "is_indirect", False)]


def _refuse_active_dictionary(part: pikepdf.Object) -> None:
    active = _ACTIVE_KEYS.keys() & set(part.keys())
    if active:
        raise NotAccepted(_ACTIVE_KEYS[min(active)])
    for key in ("/S", "/Type"):
        named = str(part.get(key, ""))
        if key == "/S" and named in _ACTIVE_ACTIONS:
            raise NotAccepted(_ACTIVE_ACTIONS[named])
        if key == "/Type" and named == "/EmbeddedFile":
            raise NotAccepted("attached-files")


def _pixels(png: bytes) -> int:
    return int.from_bytes(png[16:20], "big") * int.from_bytes(png[20:24], "big")


def _is_mail(content: bytes) -> bool:
    headers = email.message_from_bytes(content[:65536], policy=email.policy.default)
    return all(headers.get(name) for name in ("from", "date"))


def _look_into_mail(content: bytes, depth: int) -> None:
    if depth >= _DEEPEST_ATTACHMENT:
        raise NotAccepted("too-complex")
    message = email.message_from_bytes(content, policy=email.policy.default)
    for part in message.walk():
        if part.is_multipart():
            continue
        payload = part.get_payload(decode=True)
        if not isinstance(payload, bytes) or not payload or _is_body(part):
            continue
        inspect(payload, depth=depth + 1)


def _is_body(part: EmailMessage) -> bool:
    """The words of the message itself, which mail programs also write as HTML."""
    return part.get_content_type() in (TEXT, "text/html") and part.get_content_disposition() != "attachment"


def _main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_SECONDS, _CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    content = sys.stdin.buffer.read(SIZE_LIMIT + 1)
    try:
        verdict = {"type": inspect(content, sys.argv[1] or None)}
    except NotAccepted as refused:
        verdict = {"refused": refused.rule}
    except MemoryError:
        verdict = {"refused": "too-complex"}
    except Exception:  # a file that breaks a reader is damaged, whatever the reader called it
        verdict = {"refused": "damaged"}
    sys.stdout.write(json.dumps(verdict))


if __name__ == "__main__":
    _main()
