"""What other services answer to the gateway, or the problem that their refusal is to its caller."""

from contracts.vault import Purpose, may_look_for
from shared.http import Problem
from shared.identity import Caller
from shared.vault_answers import asked, away

__all__ = ["allow", "asked", "away"]


def allow(purpose: Purpose, who: Caller) -> None:
    """Problem 403 for a purpose that the caller's role does not serve: said before anything is looked up, so that it
    says nothing of what there is."""
    if not may_look_for(purpose, who.kind, who.roles):
        open_to_it = [one.value for one in Purpose if may_look_for(one, who.kind, who.roles)]
        detail = f"Open to you, as you are signed in: {', '.join(open_to_it) or 'no purpose'}."
        raise Problem(403, "purpose-not-yours", "Not for this purpose", detail)
