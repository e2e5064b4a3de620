"""What the vault answers to a service that asks for somebody, or the problem that its refusal is to that caller."""

from collections.abc import Awaitable
from typing import TypeVar

from shared.problems import Problem, not_found
from shared.vault_client import NotYetFiled, VaultAway, VaultRefused

T = TypeVar("T")


async def asked(asking: Awaitable[T]) -> T:
    """What the vault answers. Its 404 is the asking service's own, to the byte."""
    try:
        return await asking
    except NotYetFiled:
        remedy = "What was just sent is still on its way to the vault; ask again in a moment."
        raise Problem(503, "not-yet-filed", "Not yet filed", remedy, headers={"Retry-After": "1"}) from None
    except VaultAway:
        raise away("the vault") from None
    except VaultRefused as refused:
        if refused.status == 404:
            raise not_found() from None
        if refused.status >= 500 or refused.status == 401:
            raise away("the vault") from None
        told = refused.problem
        slug = str(told.get("type", "refused")).rpartition(":")[2]
        title, remedy = str(told.get("title", "The vault refused")), str(told.get("detail", ""))
        more: dict[str, object] = {name: told[name] for name in ("held", "errors") if name in told}
        raise Problem(refused.status, slug, title, remedy, more=more) from None


def away(service: str) -> Problem:
    """503: another service does not answer; nothing of what it would say is shown."""
    remedy = "Nothing can be shown just now; ask again shortly."
    return Problem(503, "away", f"There is no answer from {service}", remedy, headers={"Retry-After": "5"})
