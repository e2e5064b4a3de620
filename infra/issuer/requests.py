"""A web request as Authlib reads it, and its answer."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from authlib.oauth2.rfc6749 import OAuth2Payload, OAuth2Request
from fastapi.responses import JSONResponse, Response

Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Asked:
    """What came over HTTP. An authorization request has its parameters in the query, a token request in its form."""

    method: str
    uri: str
    headers: Mapping[str, str]
    parameters: Pairs


class Payload(OAuth2Payload):  # type: ignore[misc]
    """The parameters; of one that is given twice the first counts, where Authlib does not refuse it."""

    def __init__(self, pairs: Pairs) -> None:
        self._datalist: defaultdict[str, list[str]] = defaultdict(list)
        for name, value in pairs:
            self._datalist[name].append(value)

    @property
    def data(self) -> dict[str, str]:
        return {name: values[0] for name, values in self._datalist.items()}

    @property
    def datalist(self) -> defaultdict[str, list[str]]:
        return self._datalist


class Request(OAuth2Request):  # type: ignore[misc]
    """Authlib's request over one of ours."""

    def __init__(self, asked: Asked) -> None:
        super().__init__(asked.method, asked.uri, headers=dict(asked.headers))
        self.payload = Payload(asked.parameters)

    @property
    def form(self) -> dict[str, str]:
        return dict(self.payload.data)

    @property
    def args(self) -> dict[str, str]:
        return dict(self.payload.data)


class Answer(Response):
    """An answer whose Location Authlib's extensions may extend."""

    @property
    def location(self) -> str | None:
        return self.headers.get("location")

    @location.setter
    def location(self, value: str) -> None:
        self.headers["location"] = value


def answer(status: int, body: Any, headers: Sequence[tuple[str, str]]) -> Response:
    """What Authlib wants sent, as an HTTP answer."""
    if isinstance(body, dict):
        own = {name: value for name, value in headers if name.lower() != "content-type"}
        return JSONResponse(body, status, own)
    return Answer(body, status, dict(headers))
