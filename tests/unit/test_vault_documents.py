"""What a file really is, and which files the vault does not keep."""

import io
import sys
import zipfile
import zlib
from email.message import EmailMessage

import pikepdf
import pytest

from shared.documents import DOCX, EML, MSG, PDF, PNG, REASONS, TEXT, XLSX, NotAccepted, inspect, inspected

CONTENT_TYPES = "<Types xmlns='http://schemas.openxmlformats.org/package/2006/content-types'>{}</Types>"
PROGRAM = b"MZ" + bytes(58) + b"\x80\x00\x00\x00" + b"This program cannot be run in DOS mode" + bytes(64)


def office(main: str, parts: dict[str, bytes] | None = None, types: str = "") -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", CONTENT_TYPES.format(types))
        archive.writestr(main, "<document>a note</document>")
        for name, content in (parts or {}).items():
            archive.writestr(name, content)
    return written.getvalue()


def pdf(change: object = None, **options: object) -> bytes:
    written = io.BytesIO()
    made = pikepdf.new()
    made.add_blank_page()
    if callable(change):
        change(made)
    made.save(written, **options)  # type: ignore[arg-type]
    return written.getvalue()


def png(width: int = 4, height: int = 4) -> bytes:
    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x08\x02\x00\x00\x00"
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(bytes(13 * 4))), (b"IEND", b"")]
    body = b"".join(
        len(data).to_bytes(4, "big") + name + data + zlib.crc32(name + data).to_bytes(4, "big") for name, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + body


def mail(attachment: bytes | None = None) -> bytes:
    message = EmailMessage()
    message["From"] = "notifier@council.example"
    message["To"] = "duty@police.example"
    message["Subject"] = "strategy meeting"
    message["Date"] = "Fri, 28 Aug 2026 10:00:00 +0100"
    message.set_content("see attached")
    if attachment is not None:
        message.add_attachment(attachment, maintype="application", subtype="octet-stream", filename="a.bin")
    return message.as_bytes()


def with_script(made: pikepdf.Pdf) -> None:
    made.Root.OpenAction = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS=pikepdf.String("app.alert(1)"))


def with_launch(made: pikepdf.Pdf) -> None:
    action = pikepdf.Dictionary(S=pikepdf.Name.Launch, F=pikepdf.String("calc"))
    made.pages[0].Annots = pikepdf.Array([pikepdf.Dictionary(Type=pikepdf.Name.Annot, A=action)])


def with_attachment(made: pikepdf.Pdf) -> None:
    made.attachments["a.txt"] = b"hidden"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (pdf(), PDF),
        (office("word/document.xml"), DOCX),
        (office("xl/workbook.xml"), XLSX),
        (png(), PNG),
        ("Visited at 10, nobody at home. £5".encode(), TEXT),
        ("Visited at 10".encode("utf-16"), TEXT),
        (mail(), EML),
        (mail(pdf()), EML),
        (bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600) + "__properties_version1.0".encode("utf-16-le"), MSG),
    ],
)
def test_the_type_is_told_from_the_content(content: bytes, told: str) -> None:
    assert inspect(content) == told
    assert inspect(content, told) == told


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"", "empty"),
        (PROGRAM, "executable"),
        (b"\x7fELF\x02\x01\x01" + bytes(60), "executable"),
        (b"#!/bin/sh\nrm -rf /\n", "type-not-accepted"),
        (b"<html><script>1</script></html>", "type-not-accepted"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "type-not-accepted"),
        (bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600), "type-not-accepted"),
        (office("a.txt"), "type-not-accepted"),
        (pdf(with_script), "scripts"),
        (pdf(with_script, object_stream_mode=pikepdf.ObjectStreamMode.generate), "scripts"),
        (pdf(with_launch), "scripts"),
        (pdf(with_attachment), "attached-files"),
        (pdf(encryption=pikepdf.Encryption(user="secret", owner="secret")), "encrypted"),
        (pdf()[:200], "damaged"),
        (office("word/document.xml", {"word/vbaProject.bin": b"x"}), "macros"),
        (office("word/document.xml", types="application/vnd.ms-word.document.macroEnabled.main+xml"), "macros"),
        (office("word/document.xml", {"word/embeddings/oleObject1.bin": b"x"}), "attached-files"),
        (office("word/document.xml", {"word/media/bomb": bytes(40_000_000)}), "expands-too-much"),
        (office("word/document.xml", {f"p{n}": b"" for n in range(5_001)}), "expands-too-much"),
        (png(40_000, 40_000), "expands-too-much"),
        (mail(PROGRAM), "executable"),
        (mail(mail(mail(mail()))), "too-complex"),
    ],
)
def test_a_file_that_could_harm_its_reader_is_not_kept(content: bytes, rule: str) -> None:
    with pytest.raises(NotAccepted) as refused:
        inspect(content)
    assert refused.value.rule == rule
    assert str(refused.value) == REASONS[rule]


def test_a_zip_that_lies_about_its_sizes_is_found_out() -> None:
    honest = office("word/document.xml", {"word/media/a": bytes(500_000)})
    size = (500_000).to_bytes(4, "little")
    assert honest.count(size) == 2
    with pytest.raises(NotAccepted) as refused:
        inspect(honest.replace(size, (10).to_bytes(4, "little")))
    assert refused.value.rule == "damaged"


def test_a_file_that_is_not_what_it_says_is_refused() -> None:
    with pytest.raises(NotAccepted) as refused:
        inspect(png(), PDF)
    assert refused.value.rule == "type-not-what-it-says"


async def test_a_file_is_looked_into_in_another_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SX_DATABASE_URL", "a secret that the child must not get")
    assert await inspected(pdf(), PDF) == PDF
    with pytest.raises(NotAccepted) as refused:
        await inspected(pdf(with_script), PDF)
    assert refused.value.rule == "scripts"


async def test_a_process_that_says_nothing_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(NotAccepted) as refused:
        await inspected(pdf(), PDF)
    assert refused.value.rule == "too-complex"
