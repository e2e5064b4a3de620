"""Who asks the vault: services, in their own name or on another's behalf; operators; nobody else."""

from typing import Annotated

from fastapi import Depends, Request

from shared.http import not_found
from shared.identity import Caller, caller, on_behalf_of


def service(who: Annotated[Caller, Depends(caller)]) -> Caller:
    """Lets services in. Problem 404 for anyone else: for them there is nothing here."""
    if who.kind != "service" or who.id == "vault":
        raise not_found()
    return who


def behind(request: Request, who: Annotated[Caller, Depends(caller)]) -> Caller:
    """The one in whose name this is asked: a service's word is taken, nobody else's."""
    return on_behalf_of(who, request, door=min(who.roles, default="")) if who.kind == "service" else who


def operator(person: Annotated[Caller, Depends(behind)]) -> Caller:
    """Lets operators in, directly or through a service. Problem 404 for anyone else."""
    if person.kind != "person" or "operator" not in person.roles:
        raise not_found()
    return person


Who = Annotated[Caller, Depends(caller)]
Service = Annotated[Caller, Depends(service)]
Behind = Annotated[Caller, Depends(behind)]
Operator = Annotated[Caller, Depends(operator)]
