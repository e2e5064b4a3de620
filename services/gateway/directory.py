"""Who a caller is to the partnerships: the party that a token stands for."""

from contracts.access import Party
from contracts.directory import Directory
from shared.identity import Caller

__all__ = ["Directory", "party_of"]


def party_of(directory: Directory, caller: Caller) -> Party | None:
    """The caller as access decisions see it; None for a service, and for an agency that is not known here."""
    if caller.kind == "service":
        return None
    return directory.member(caller.agency or "", caller.id if caller.kind == "person" else None, caller.roles)
