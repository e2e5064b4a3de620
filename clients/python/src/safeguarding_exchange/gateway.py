"""The gateway as an agency's own system asks it: signed in by its key, patient with a line that fails."""

import random
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx

from safeguarding_exchange.connection import Connection
from safeguarding_exchange.failures import Refused, Unreachable
from safeguarding_exchange.tokens import Tokens, private_key

PATIENCE = 60.0
"""Seconds for which a line that fails is tried again, before the caller is told."""

FIRST_PAUSE, LONGEST_PAUSE = 0.25, 8.0
PASSES = (429, 502, 503, 504)
"""Answers that time mends."""

LONGEST_ANSWER = 45.0
"""Seconds that an answer may take; the gateway holds a request for thirty at most."""


def trust(connection: Connection) -> ssl.SSLContext | bool:
    """What is trusted over HTTPS: the authority in the connection file, else the usual ones."""
    if connection.authority_file is None:
        return True
    return ssl.create_default_context(cafile=str(connection.authority_file))


class Gateway:
    """One agency's way to the gateway; use it in a `with` block. May be shared by threads.

    What time can mend is tried again for `patience` seconds, as long apart as `Retry-After` asks: that is safe, since
    an event is taken once under its id.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        patience: float = PATIENCE,
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.connection = connection
        self._http = httpx.Client(timeout=LONGEST_ANSWER, verify=trust(connection))
        key = private_key(connection.key_pem)
        self.tokens = Tokens(connection.issuer, connection.agency, key, self._http, now=now)
        self._patience = patience
        self._sleep = sleep

    def __enter__(self) -> "Gateway":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End every connection."""
        self._http.close()

    def get(self, path: str, *, headers: Mapping[str, str] | None = None, **query: object) -> Any:
        """What stands at a path, as JSON. Raises Refused, Unreachable, CredentialsRefused."""
        return self.ask("GET", path, headers=headers, params=given(query)).json()

    def post(self, path: str, content: object, *, headers: Mapping[str, str] | None = None) -> Any:
        """The JSON answer to a JSON document. Raises Refused, Unreachable, CredentialsRefused."""
        return self.ask("POST", path, headers=headers, json=content).json()

    def incident(self, incident: str) -> Any:
        """One incident in codes, with its clocks, as your agreement lets you see it."""
        return self.get(f"/v1/incidents/{incident}")

    def ask(self, method: str, path: str, *, headers: Mapping[str, str] | None = None, **more: Any) -> httpx.Response:
        """The answer to one request. Raises Refused, Unreachable, CredentialsRefused."""
        until, pause, renewed = time.monotonic() + self._patience, FIRST_PAUSE, False
        while True:
            try:
                answer = self._http.request(method, self._at(path), headers=self._signed(headers), **more)
                if not answer.is_error:
                    return answer
                if answer.status_code == 401 and not renewed:
                    renewed = True
                    self.tokens.forget()
                    continue
                if answer.status_code not in PASSES:
                    raise Refused(answer.status_code, problem(answer))
                wait, why = _asked_to_wait(answer), f"it answers {answer.status_code}"
            except (httpx.TransportError, Unreachable) as failure:
                wait, why = None, str(failure) or type(failure).__name__
            wait = wait if wait is not None else pause * random.uniform(0.5, 1.0)  # noqa: S311 (not all at one moment)
            pause = min(pause * 2, LONGEST_PAUSE)
            if time.monotonic() + wait > until:
                raise Unreachable(f"The exchange at {self.connection.gateway} cannot be reached just now: {why}")
            self._sleep(wait)

    @contextmanager
    def listening(self, path: str, **query: object) -> Iterator[httpx.Response]:
        """An answer that goes on, such as server-sent events. Raises Refused, Unreachable."""
        headers = self._signed({"accept": "text/event-stream"})
        try:
            with self._http.stream("GET", self._at(path), headers=headers, params=given(query)) as answer:
                if answer.is_error:
                    answer.read()
                    if answer.status_code == 401:
                        self.tokens.forget()
                    if answer.status_code in (*PASSES, 401):
                        raise Unreachable(f"The feed answers {answer.status_code}")
                    raise Refused(answer.status_code, problem(answer))
                yield answer
        except httpx.TransportError as failure:
            raise Unreachable(f"The line failed ({type(failure).__name__})") from failure

    def _at(self, path: str) -> str:
        return f"{self.connection.gateway}{path}"

    def _signed(self, headers: Mapping[str, str] | None) -> dict[str, str]:
        return {"authorization": f"Bearer {self.tokens.get()}", **(headers or {})}


def problem(answer: httpx.Response) -> dict[str, Any]:
    """The problem that an answer tells of."""
    try:
        told = answer.json()
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def given(query: Mapping[str, object]) -> dict[str, str]:
    """A query as it stands in an address: hyphens for underscores, and nothing for what is not said."""
    return {name.replace("_", "-"): str(value) for name, value in query.items() if value is not None}


def _asked_to_wait(answer: httpx.Response) -> float | None:
    told = answer.headers.get("retry-after", "")
    return float(told) if told.isdigit() else None
