"""Documents that could harm whoever opens them: refused at the vault's door with the rule, kept nowhere, recorded."""

import io
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path

import pikepdf
import pytest

from contracts.identifiers import mint
from tests.stacks import Stack
from tests.vaults import APPROVER, World, vault_world

NAME = "Zebedee Quillfeather.pdf"
"""A file's name is as private as what is in it."""

OFFICE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


@pytest.fixture(scope="module")
async def world(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with vault_world(stack, tmp_path_factory.mktemp("hostile"), "hostile") as opened:
        yield opened


PROGRAM = b"MZ" + bytes(62) + b"This program cannot be run in DOS mode"


def zip_bomb() -> bytes:
    """Forty megabytes of nothing in forty kilobytes, as a part of a letter."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("word/document.xml", "<document/>")
        archive.writestr("word/media/bomb", bytes(40_000_000))
    return written.getvalue()


def pdf(script: str | None) -> bytes:
    written, made = io.BytesIO(), pikepdf.new()
    made.add_blank_page()
    if script is not None:
        made.Root.OpenAction = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS=pikepdf.String(script))
    made.save(written)
    return written.getvalue()


HOSTILE = {
    "a program that says it is a PDF": (PROGRAM, "application/pdf", "executable"),
    "a note that says it is a PDF": (b"a plain note", "application/pdf", "type-not-what-it-says"),
    "a PDF that says it is a letter": (pdf(None), OFFICE, "type-not-what-it-says"),
    "a page with a script": (b"<html><script>alert(1)</script></html>", "text/plain", "type-not-accepted"),
    "a zip bomb": (zip_bomb(), OFFICE, "expands-too-much"),
    "a PDF with a script": (pdf("app.alert(1)"), "application/pdf", "scripts"),
}


@pytest.mark.parametrize("name", list(HOSTILE))
async def test_it_is_refused_with_the_rule_kept_nowhere_and_written_down(world: World, name: str) -> None:
    content, declared, rule = HOSTILE[name]
    incident = mint("incident")
    headers = await world.as_service(APPROVER) | {"content-type": declared, "document-name": NAME.replace(" ", "%20")}

    answer = await world.http.post(
        "/v1/documents", params={"incident": incident, "partnership": "northshire"}, content=content, headers=headers
    )

    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["errors"][0]["rule"] == rule
    assert answer.json()["detail"]
    assert "Zebedee" not in answer.text
    assert not await world.rows("select 1 from item where incident = $1", incident)
    (line,) = [line for line in _log(world) if incident in line]
    assert "a document was refused" in line
    assert f"rule={rule}" in line
    assert f"by={APPROVER.id}" in line
    assert "Zebedee" not in "".join(_log(world))


async def test_a_sound_one_is_kept_so_the_refusals_are_the_documents(world: World) -> None:
    headers = await world.as_service(APPROVER) | {"content-type": "application/pdf"}
    arguments = {"incident": mint("incident"), "partnership": "northshire"}

    answer = await world.http.post("/v1/documents", params=arguments, content=pdf(None), headers=headers)

    assert answer.status_code == 201


def _log(world: World) -> list[str]:
    return Path(world.vault.log).read_text().splitlines()
