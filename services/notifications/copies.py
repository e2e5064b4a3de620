"""Taking a copy of a notification: revealed on the caller's behalf, recorded before it is handed over."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import uuid4

from contracts.catalogue import CATALOGUE
from contracts.directory import Directory
from contracts.envelope import AnyEvent, Event
from contracts.exports import ExportedNotification, FieldCoverage, Filing, Recipient
from contracts.notifications import NotificationExported
from contracts.vault import Purpose
from services.notifications.case import Case, duty_clock
from services.notifications.coverage import Coverage, coverage
from services.notifications.exports.as_csv import as_csv
from services.notifications.exports.as_pdf import as_pdf
from services.notifications.exports.document import fields, references, show
from services.notifications.notification import Delay, Notification, Written, differs
from services.notifications.recipients import PARTNERS, any_child, recipients
from services.notifications.reckoning import sentence
from services.notifications.views import stream_of
from shared.consumer import Workplace
from shared.database import Database
from shared.decider import Outcome
from shared.identity import Caller
from shared.vault_client import VaultClient

NATIONAL_PORTAL = ("panel", "department", "ofsted")


class Form(StrEnum):
    JSON = "json"
    CSV = "csv"
    PDF = "pdf"


MEDIA_TYPES: Mapping[Form, str] = {
    Form.JSON: "application/json",
    Form.CSV: "text/csv; charset=utf-8",
    Form.PDF: "application/pdf",
}
RENDER: Mapping[Form, Callable[[ExportedNotification], bytes]] = {
    Form.JSON: lambda copy: copy.model_dump_json(indent=2).encode(),
    Form.CSV: as_csv,
    Form.PDF: as_pdf,
}


@dataclass(frozen=True)
class Wanted:
    """Which copy, for whom, why."""

    incident: str
    form: Form
    purpose: Purpose
    caller: Caller


class Copies:
    """Makes copies. Raises what the vault client raises: VaultAway, NotYetFiled, VaultRefused."""

    def __init__(self, database: Database, workplace: Workplace, vault: VaultClient) -> None:
        self._database = database
        self._workplace = workplace
        self._vault = vault

    async def take(
        self, wanted: Wanted, case: Case, state: Notification, written: Written, directory: Directory, delay: Delay
    ) -> bytes:
        """The bytes of a copy of one version; that it was taken is committed before they are returned."""
        needed = references(written.content, delay)
        shown = await self._vault.reveal(needed, purpose=wanted.purpose, caller=wanted.caller, incident=wanted.incident)
        values = {ref: one.value for ref, one in shown.items() if one.status == "present"}
        covered = coverage(written.content)
        copy = self._copy(wanted, case, state, written, values, covered, directory, delay)
        content = RENDER[wanted.form](copy)
        await self._record(wanted, case, written, covered)
        return content

    def _copy(
        self,
        wanted: Wanted,
        case: Case,
        state: Notification,
        written: Written,
        values: Mapping[str, Any],
        covered: Coverage,
        directory: Directory,
        delay: Delay,
    ) -> ExportedNotification:
        clock = duty_clock(case)
        areas = {area: agency.name for area, agency in directory.authorities.items()}
        partnership = directory.partnerships.get(case.partnership)
        return ExportedNotification(
            incident=wanted.incident,
            partnership=case.partnership,
            partnership_name=partnership.name if partnership else case.partnership,
            version=written.number,
            status=(state.status or "draft"),
            grounds=written.content.grounds,
            clock=sentence(clock) if clock else None,
            remarks=tuple(_remarks(case, written)),
            coverage=_covered(covered),
            filing=_filing(state, delay),
            recipients=tuple(_recipients(case, state, written, directory)),
            fields=fields(written.content, values, areas, delay),
            exported_at=self._workplace.clock.now(),
            exported_by=wanted.caller.agency or wanted.caller.id,
            exported_as=", ".join(sorted(wanted.caller.roles)) or wanted.caller.kind,
            purpose=wanted.purpose,
        )

    async def _record(self, wanted: Wanted, case: Case, written: Written, covered: Coverage) -> None:
        now = self._workplace.clock.now()
        taken = NotificationExported(
            version=written.number,
            form=wanted.form,
            purpose=wanted.purpose,
            ready=covered.ready,
            fields=covered.fields,
        )
        entry = CATALOGUE["notification.exported"]
        cause: AnyEvent = Event[NotificationExported](
            id=uuid4().hex,
            source=f"/agencies/{wanted.caller.agency or wanted.caller.id}",
            type=entry.wire_type,
            subject=wanted.incident,
            time=now,
            dataschema=entry.schema,
            partnership=case.partnership,
            agency=wanted.caller.agency,
            actor=wanted.caller.id if wanted.caller.kind == "person" else None,
            actorrole=next(iter(sorted(wanted.caller.roles)), None),
            data=taken,
        )
        async with self._database.transaction(self._workplace.log) as tx:
            work = await self._workplace.work(tx, cause)
            await work.record(stream_of(wanted.incident), [Outcome(taken)])


def _recipients(case: Case, state: Notification, written: Written, directory: Directory) -> list[Recipient]:
    areas = dict.fromkeys((*case.other_areas, *written.content.other_areas_to_notify))
    others = [area for area in areas if area != case.host_authority]
    return [
        _recipient(recipient, case, state, directory)
        for named in recipients(written.content.grounds, others, child=any_child(written.content.children))
        for recipient in (
            [agency.id for agency in directory.partners(case.host_authority)] if named == PARTNERS else [named]
        )
    ]


def _recipient(recipient: str, case: Case, state: Notification, directory: Directory) -> Recipient:
    told = case.told.get(recipient)
    at, how = (told.at, told.channel) if told else (None, None)
    if at is None and state.filed and recipient in NATIONAL_PORTAL:
        at, how = state.filed.portal_time, state.filed.submitted_via.value
    return Recipient(recipient=recipient, name=directory.name_of(recipient), told_at=at, how=how)


def _remarks(case: Case, written: Written) -> Iterator[str]:
    drafted, decided = written.content.became_aware_at, case.became_aware_at
    if differs(drafted, decided):
        shown = (show(at.isoformat().replace("+00:00", "Z"), {}) for at in (drafted, decided) if at)
        yield "Became aware differs: {} in this version, {} as the authority decided.".format(*shown)


def _covered(covered: Coverage) -> FieldCoverage:
    missing = tuple(field.label for field in covered.missing)
    return FieldCoverage(ready=covered.ready, fields=covered.fields, missing=missing, sentence=covered.sentence())


def _filing(state: Notification, delay: Delay) -> Filing | None:
    filed = state.filed
    if filed is None or state.filed_recorded_at is None:
        return None
    return Filing(
        portal_reference=filed.portal_reference,
        portal_time=filed.portal_time,
        recorded_at=state.filed_recorded_at,
        without_approval=filed.without_approval,
        awaiting_reason=delay.awaited,
    )
