"""The gateway as a signed-in person asks it: reading, and publishing events in their own name."""

import time
from collections.abc import Callable
from datetime import datetime, timezone
from types import TracebackType
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import httpx

from safeguarding_exchange.failures import Refused as Refused
from safeguarding_exchange.failures import Unreachable as Unreachable
from safeguarding_exchange.gateway import given, problem
from safeguarding_exchange.sessions import Session, Sessions
from safeguarding_exchange.signing_in import renewed

CONTENT_TYPE = "application/cloudevents+json"
MAJORS = {"notification.amended": 2}
"""Types whose newest version is not the first."""
WAIT_SECONDS = 10


class Exchange:
    """One person's way to the gateway. Use it in a `with` block."""

    def __init__(self, session: Session, sessions: Sessions, *, transport: httpx.BaseTransport | None = None) -> None:
        self.session = session
        self._sessions = sessions
        self._http = httpx.Client(timeout=40, transport=transport)

    def __enter__(self) -> "Exchange":
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._http.close()

    def get(self, path: str, base: str | None = None, **query: object) -> Any:
        """What stands at a path, as JSON. Raises Refused, Unreachable."""
        return self._ask("GET", path, base, params=given(query)).json()

    def download(self, path: str, **query: object) -> httpx.Response:
        """What stands at a path, as it is."""
        return self._ask("GET", path, None, params=given(query))

    def pages(self, path: str) -> list[Any]:
        """Every item of a list that comes in pages."""
        items: list[Any] = []
        cursor: str | None = None
        while True:
            page = self.get(path, cursor=cursor)
            items += page["items"]
            cursor = page.get("next")
            if not cursor:
                return items

    def order(self, path: str, base: str | None = None, content: object = None) -> Any:
        """An operator's order."""
        return self._ask("POST", path, base, json=content).json()

    def file(self, path: str, content: bytes, media_type: str, name: str, **query: object) -> Any:
        """File a document; what it is known by. Raises Refused."""
        headers = {"content-type": media_type, "document-name": quote(name)}
        return self._ask("POST", path, None, params=given(query), content=content, headers=headers).json()

    def page(self, path: str, content: object = None) -> str:
        """A report as a page of plain text."""
        method = "GET" if content is None else "POST"
        return self._ask(method, path, None, params={"form": "text"}, json=content).text

    def publish(
        self,
        name: str,
        data: dict[str, Any],
        subject: str | None = None,
        *,
        partnership: str | None = None,
        incidentref: str | None = None,
        at: datetime | None = None,
    ) -> dict[str, Any]:
        """Publish an event and return its receipt with the owner's answer. Raises Refused, Unreachable.

        Sent again under the same id when the line broke: the gateway takes it once.
        """
        event = self.event(name, data, subject, partnership=partnership, incidentref=incidentref, at=at)
        return self.send(event)

    def send(self, event: dict[str, Any]) -> dict[str, Any]:
        """Publish an event as it is."""
        headers = {"content-type": CONTENT_TYPE, "prefer": f"wait={WAIT_SECONDS}"}
        receipt: dict[str, Any] = _patiently(
            lambda: self._ask("POST", "/v1/events", None, json=event, headers=headers)
        ).json()
        return receipt

    def event(
        self,
        name: str,
        data: dict[str, Any],
        subject: str | None = None,
        *,
        partnership: str | None = None,
        incidentref: str | None = None,
        at: datetime | None = None,
    ) -> dict[str, Any]:
        """An event of this person's agency, ready to be sent."""
        major = MAJORS.get(name, 1)
        where = partnership or self.session.partnership
        if where is None:
            raise ValueError("You belong to several partnerships: say which with --partnership")
        made: dict[str, Any] = {
            "specversion": "1.0",
            "id": uuid4().hex,
            "source": f"/agencies/{self.session.agency}",
            "type": f"{name}.v{major}",
            "time": (at or datetime.now(timezone.utc)).isoformat(),
            "datacontenttype": "application/json",
            "dataschema": f"urn:safeguarding-exchange:schema:{name}:{major}.0",
            "partnership": where,
        }
        optional = {"subject": subject, "incidentref": incidentref}
        return made | {key: value for key, value in optional.items() if value} | {"data": data}

    def _ask(
        self, method: str, path: str, base: str | None, *, headers: dict[str, str] | None = None, **more: Any
    ) -> httpx.Response:
        if self.session.ends_soon and self.session.refresh_token:
            self.session = renewed(self.session)
            self._sessions.keep(self.session, last=False)
        sent = {"authorization": f"Bearer {self.session.access_token}", **(headers or {})}
        where = f"{(base or self.session.gateway).rstrip('/')}{path}"
        try:
            answer = self._http.request(method, where, headers=sent, **more)
        except httpx.TransportError:
            raise Unreachable(f"Nobody answers at {base or self.session.gateway}: is the stack running?") from None
        if answer.is_error:
            raise Refused(answer.status_code, problem(answer))
        return answer


def _patiently(send: Callable[[], httpx.Response]) -> httpx.Response:
    for pause in (0.5, 1.0, 2.0):
        try:
            return send()
        except Unreachable:
            time.sleep(pause)
        except Refused as refused:
            if refused.status not in (429, 503):
                raise
            time.sleep(pause)
    return send()
