"""A practice review's report: drafts, response, the two checkers, advance copies, and publication."""

import json as json_
import mimetypes
from pathlib import Path
from typing import Annotated, Any

import typer

from safeguarding_exchange import shown
from safeguarding_exchange.exchange import Exchange
from safeguarding_exchange.free_text import in_words, on_day, said
from safeguarding_exchange.options import As, Incident, Instant, Json, exchange
from safeguarding_exchange.proposing import propose
from safeguarding_exchange.review_codes import CopyTo, Publication
from safeguarding_exchange.review_copies import DocumentForm, Output, Purpose, copy
from safeguarding_exchange.review_standing import Version, newest_draft, standing

publication = typer.Typer()
FORM = Publication.FULL
Form = Annotated[Publication, typer.Option(help="improvements_only is a departure, with its reasons.")]
Day = Annotated[str, on_day("The day of publication.")]


@publication.command("draft")
def draft(
    incident: Incident,
    document: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The report: PDF or Word (docx).")],
    findings: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="A JSON file: findings (each what and why) and recommendations (each text, and to: agencies).",
        ),
    ] = None,
    account: As = None,
    json: Json = False,
) -> None:
    """File the report, or a further version.

    It is scanned by itself; then two people check it.
    A further version begins again: response, checks and advance copies are each of one version.
    """
    more = _findings(findings) if findings else {}
    with exchange(account) as door:
        ref = filed(door, incident, document)
    propose(account, "practice-review.drafted", {"report": ref, **more}, incident, json)


def filed(door: Exchange, incident: str, document: Path) -> str:
    """File a document about an incident; its reference. Raises Refused."""
    media_type = mimetypes.guess_type(document.name)[0] or "application/octet-stream"
    return str(door.file("/v1/documents", document.read_bytes(), media_type, document.name, incident=incident)["ref"])


def _findings(path: Path) -> dict[str, Any]:
    try:
        told = json_.loads(path.read_text(encoding="utf-8"))
        return {name: told[name] for name in ("findings", "recommendations") if name in told}
    except (ValueError, TypeError):
        raise typer.BadParameter(f"{path} is no JSON object") from None


@publication.command("respond")
def respond(
    incident: Incident,
    response: Annotated[str, in_words("The partnership's response; published with the report.")],
    version: Version = None,
    account: As = None,
    json: Json = False,
) -> None:
    """The partnership's response to the report."""
    newest = _newest(account, incident, version)
    propose(account, "response.agreed", {"version": newest, "response": response}, incident, json)


@publication.command("scan")
def scan(
    incident: Incident,
    purpose: Purpose = "review",
    again: Annotated[bool, typer.Option("--again", help="Have the newest version scanned again.")] = False,
    account: As = None,
) -> None:
    """What the scanner found, and where, as JSON.

    For those who check the newest version; the look is recorded first.
    It assists and decides nothing. What it could not read blocks publication.
    """
    with exchange(account) as door:
        path = f"/v1/practice-reviews/{incident}/scan"
        shown.as_json(door.order(path) if again else door.get(path, purpose=purpose))


@publication.command("check")
def check(
    incident: Incident,
    passed: Annotated[bool, typer.Option("--passed/--failed", help="Whether nothing tells who it is about.")],
    note: Annotated[str | None, in_words("Of --failed: what has to go.")] = None,
    version: Version = None,
    account: As = None,
    json: Json = False,
) -> None:
    """You have read it for what tells who it is.

    Two different people must, each the newest version.
    """
    newest = _newest(account, incident, version)
    data = said(version=newest, result="passed" if passed else "failed", note=note)
    propose(account, "redaction.checked", data, incident, json)


@publication.command("plan-publication")
def plan_publication(
    incident: Incident,
    on: Day,
    form: Form = FORM,
    reasons: Annotated[str | None, in_words("Needed for improvements_only.")] = None,
    account: As = None,
    json: Json = False,
) -> None:
    """When and in which form it is published.

    A later plan takes its place.
    """
    propose(account, "publication.planned", said(on=on, form=form.value, reasons=reasons), incident, json)


@publication.command("advance-copy")
def advance_copy(
    incident: Incident,
    recipient: Annotated[CopyTo, typer.Argument(help="Who has it.")],
    at: Instant,
    version: Version = None,
    account: As = None,
    json: Json = False,
) -> None:
    """A recipient was given a version.

    Seven working days before publication at the latest; a version that changed goes out again.
    """
    newest = _newest(account, incident, version)
    data = {"recipient": recipient.value, "version": newest, "deliveredAt": at}
    propose(account, "advance-copy.delivered", data, incident, json)


@publication.command("publish")
def publish(
    incident: Incident,
    on: Day,
    form: Form = FORM,
    address: Annotated[str | None, typer.Option(help="Where the public reads it, https://…")] = None,
    account: As = None,
    json: Json = False,
) -> None:
    """The public can read it.

    Refused with everything that is missing, and from when it may be.
    """
    propose(account, "practice-review.published", said(on=on, form=form.value, address=address), incident, json)


@publication.command("unpublish")
def unpublish(
    incident: Incident, reason: Annotated[str, in_words("Why.")], account: As = None, json: Json = False
) -> None:
    """Take it from the public, after its year."""
    propose(account, "practice-review.unpublished", {"reason": reason}, incident, json)


@publication.command("pack")
def pack(
    incident: Incident,
    form: Annotated[DocumentForm, typer.Option(help="For people or for programs.")] = DocumentForm.PDF,
    purpose: Purpose = "review",
    output: Output = None,
    account: As = None,
) -> None:
    """The pack that goes with an advance copy.

    Who took it, when and why is recorded first.
    """
    with exchange(account) as door:
        path = f"/v1/practice-reviews/{incident}/pack/{form.value}"
        copy(door, path, f"advance-copy.{form.value}", output, purpose=purpose)


def _newest(account: str | None, incident: str, version: int | None) -> int:
    with exchange(account) as door:
        return newest_draft(standing(door, incident), version, "practiceReview")
