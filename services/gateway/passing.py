"""What another service answers to a caller's question, passed on as it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import httpx
from starlette.responses import Response

from services.gateway.asking import away
from shared.credentials import CredentialsRefused, ServiceCredentials
from shared.identity import ON_BEHALF_OF, Caller, IssuerUnavailable, audience_of
from shared.telemetry import current_traceparent

_PASSED_ON = ("content-type", "content-disposition", "retry-after")


@dataclass(frozen=True)
class Passing:
    """One service, by its name, as the gateway asks it on a caller's behalf. `http` has its base URL."""

    service: str
    http: httpx.AsyncClient
    credentials: ServiceCredentials

    async def ask(
        self, path: str, who: Caller, wanted: Mapping[str, str] | None = None, *, by: Literal["GET", "POST"] = "GET"
    ) -> Response:
        """Its answer. Problem 503 where there is none, or where its fault is not the caller's."""
        try:
            token = await self.credentials.token(audience_of(self.service))
            headers = {"authorization": f"Bearer {token}", ON_BEHALF_OF: who.to_header()}
            if traceparent := current_traceparent():
                headers["traceparent"] = traceparent
            answer = await self.http.request(by, path, params=dict(wanted or {}), headers=headers, timeout=30)
        except (httpx.HTTPError, IssuerUnavailable, CredentialsRefused):
            raise away(self.service) from None
        if answer.status_code == 401 or (answer.status_code >= 500 and answer.status_code != 503):
            raise away(self.service)  # our own standing there is at fault, not the caller
        kept = {name: answer.headers[name] for name in _PASSED_ON if name in answer.headers}
        return Response(answer.content, answer.status_code, kept)
