"""Words revealed for a copy: looked up by their references, with those that were erased saying so."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from contracts.review_exports import ERASED
from contracts.reviews import EntryWords
from contracts.sealing import Contact, Identity
from contracts.vault import Purpose
from shared.identity import Caller
from shared.vault_answers import asked
from shared.vault_client import VaultClient


@dataclass(frozen=True)
class Words:
    """What the vault showed, by reference."""

    values: Mapping[str, Any]

    def text(self, ref: Any) -> str | None:
        """The words behind a reference; None where nothing was said."""
        return None if ref is None else str(self.values.get(ref, ERASED))

    def said(self, ref: Any) -> str:
        """The words behind a reference that is there."""
        return self.text(ref) or ERASED

    def entry(self, ref: Any) -> EntryWords | None:
        """A chronology entry's words; None where they were erased."""
        return EntryWords.model_validate(self.values[ref]) if ref in self.values else None

    def identity(self, ref: Any) -> Identity | None:
        """Who a child is; None where that was erased."""
        return Identity.model_validate(self.values[ref]) if ref in self.values else None

    def contact(self, ref: Any) -> Contact | None:
        """Whom a contact names; None where there is none, or it was erased."""
        return Contact.model_validate(self.values[ref]) if ref in self.values else None


async def revealed(vault: VaultClient, refs: Collection[Any], purpose: Purpose, caller: Caller, incident: str) -> Words:
    """The words behind these references, in one look that was recorded first. Raises the problem that the vault's
    refusal is."""
    wanted = [ref for ref in refs if isinstance(ref, str)]
    shown = await asked(vault.reveal(wanted, purpose=purpose, caller=caller, incident=incident))
    return Words({ref: one.value for ref, one in shown.items() if one.status == "present"})
