"""What every service's HTTP looks like: problems, limits, trace, headers, access log, health, metrics."""

import gc
import logging
import re
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from random import getrandbits
from typing import TYPE_CHECKING, Any

import uvicorn
from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from opentelemetry.trace import SpanKind, Status, StatusCode
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Lifespan, Message, Receive, Scope, Send

from shared.database import is_outage
from shared.health import Component, Health, health_router
from shared.pages import Cursors, Page
from shared.problems import TYPE_PREFIX, Fault, Problem, faults_of, not_found, too_fast
from shared.telemetry import context_of, histogram, stop_telemetry, tracer

if TYPE_CHECKING:
    from shared.identity import Verifier
    from shared.settings import Settings

__all__ = [
    "Component",
    "Cursors",
    "Fault",
    "Health",
    "Page",
    "Problem",
    "faults_of",
    "not_found",
    "serve",
    "service_app",
    "too_fast",
]

log = logging.getLogger("http")

BODY_LIMIT = 1024 * 1024
"""Bytes. A route or router that takes more says so with FastAPI's own `max_body_size`."""

_SECURITY_HEADERS = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"strict-transport-security", b"max-age=31536000; includeSubDomains"),
    (b"x-content-type-options", b"nosniff"),
)
_QUIET = ("/health/", "/metrics")
_ROUTINE = re.compile(r"/internal/.*|/v1/sealing-key")
"""Asked by our own services all the time: it is traced and logged only where it is part of something."""

_PROBLEM_SCHEMA = {
    "description": "What is wrong and the remedy (RFC 9457).",
    "content": {
        "application/problem+json": {
            "schema": {
                "type": "object",
                "required": ["type", "title", "status"],
                "properties": {
                    "type": {"type": "string", "format": "uri"},
                    "title": {"type": "string"},
                    "status": {"type": "integer"},
                    "detail": {"type": "string"},
                    "trace": {"type": "string"},
                    "errors": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "required": ["pointer", "rule", "detail"],
                            "properties": {
                                name: {"type": "string"} for name in ("pointer", "rule", "detail", "allowed")
                            },
                        },
                    },
                },
            }
        }
    },
}


def service_app(
    *,
    title: str,
    service: str,
    lifespan: Lifespan[FastAPI] | None = None,
    routers: Sequence[APIRouter] = (),
    verifier: "Verifier | None" = None,
    components: Mapping[str, Component] | None = None,
    body_limit: int = BODY_LIMIT,
    version: str = "1",
) -> FastAPI:
    """A service's app. `components` say how its parts stand for `/health/ready`."""
    app = FastAPI(
        title=title,
        version=version,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        responses={"4XX": _PROBLEM_SCHEMA, "5XX": _PROBLEM_SCHEMA},
        # FastAPI's own spans hold paths and queries, and its log records exceptions' words.
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    app.state.verifier = verifier
    for router in (*routers, health_router(service, components or {})):
        app.include_router(router)
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    # Not FastAPI's own `max_body_size` for the whole app: that stands outside Edge and answers in plain text.
    app.add_middleware(RequestBodyLimitMiddleware, max_body_size=body_limit)
    app.add_middleware(Edge)
    return app


# Handlers that are no coroutines would each be called in a thread of their own.
async def _on_problem(request: Request, problem: Exception) -> Response:
    assert isinstance(problem, Problem)
    request.scope.setdefault("refused", problem.type.removeprefix(TYPE_PREFIX))
    return problem.response()


_BY_STATUS = {
    400: ("malformed", "Malformed request", "The body could not be read; send it as the API describes."),
    404: ("not-found", "Not found", "There is nothing here that you may see."),
    405: ("method-not-allowed", "Method not allowed", "Use one of the methods in the Allow header."),
}


async def _on_http_exception(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    slug, title, remedy = _BY_STATUS.get(error.status_code, ("refused", "Request refused", ""))
    if error.status_code == 413:
        return _too_large().response()
    return Problem(error.status_code, slug, title, remedy, headers=error.headers).response()


async def _on_validation_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    faults = faults_of(error)
    if any(fault.rule == "json_invalid" for fault in faults):
        return Problem(400, "malformed-json", "Malformed JSON", "The body is not JSON; send JSON in UTF-8.").response()
    remedy = "Mend every fault listed and send it again."
    return Problem(422, "invalid", "The request does not fit its schema", remedy, faults).response()


class Edge:
    """The first to see a request and the last to see its answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._tracer = tracer("http")
        self._seconds = histogram(
            "http_server_request_duration",
            description="How long requests took, by route, method and status.",
            buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes one request through, inside its span."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        traceparent = _header(scope, b"traceparent")
        if scope["path"].startswith(_QUIET) or (traceparent is None and _ROUTINE.fullmatch(scope["path"])):
            await self._answer(scope, receive, send, "")
            return
        began = time.perf_counter()
        with self._tracer.start_as_current_span(
            scope["method"],
            context=context_of(traceparent),
            kind=SpanKind.SERVER,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            request_id = f"{span.get_span_context().span_id or getrandbits(64):016x}"
            status = await self._answer(scope, receive, send, request_id)
            route = _route(scope)
            took = time.perf_counter() - began
            labels = {"method": scope["method"], "route": route, "status": str(status)}
            span.update_name(f"{scope['method']} {route}")
            span.set_attributes({"http.route": route, "http.response.status_code": status})
            if status >= 500:
                span.set_status(Status(StatusCode.ERROR))
            self._seconds.record(took, labels)
            extra = labels | {"ms": f"{took * 1000:.1f}", "caller": scope.get("caller", "-"), "request": request_id}
            if "refused" in scope:
                extra["refused"] = scope["refused"]
            log.info("answered", extra=extra)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> int:
        status = 0
        replaced = False

        async def dressed(message: Message) -> None:
            nonlocal status, replaced
            if _is_plain_refusal(message):
                # Starlette's own answer to a body over the limit; the rest of it is dropped
                replaced = True
                await _too_large().response()(scope, receive, put_on)
            elif not replaced:
                await put_on(message)

        async def put_on(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                given = {name for name, _ in message["headers"]}
                ours = [header for header in _SECURITY_HEADERS if header[0] not in given]
                message["headers"] = [*message["headers"], *ours, (b"x-request-id", request_id.encode())]
            await send(message)

        try:
            await self._app(scope, receive, dressed)
        except Exception as error:
            log.exception("a request failed", extra={"request": request_id, "route": _route(scope)})
            if status:
                raise ConnectionAbortedError("the answer had begun") from None
            await _failed(error)(scope, receive, dressed)
        return status


def _header(scope: Scope, name: bytes) -> str | None:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), None)


def _is_plain_refusal(message: Message) -> bool:
    return (
        message["type"] == "http.response.start"
        and message["status"] == 413
        and Headers(raw=message["headers"]).get("content-type", "").startswith("text/plain")
    )


def _too_large() -> Problem:
    remedy = "Send less at once, for example a smaller batch."
    return Problem(413, "too-large", "Body too large", remedy, headers={"Connection": "close"})


def _failed(error: Exception) -> Response:
    """503 where time will mend it, so that the caller tries again; else 500, which is ours to mend."""
    if is_outage(error) and not isinstance(error, FileNotFoundError | PermissionError):
        remedy = "Send the same request again shortly."
        return Problem(503, "not-now", "Cannot be done just now", remedy, headers={"Retry-After": "2"}).response()
    return Problem(500, "unforeseen", "Something failed on our side").response()


def _route(scope: Scope) -> str:
    """The route's template, since a path as it was sent may hold anything."""
    route: Any = scope.get("route")
    return str(getattr(route, "path", "unmatched"))


def _spare_the_collector() -> None:
    """What was made at the start stays: looking through it again and again took a sixth of the time of intake."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


_refused: list[str] = []


def refuse_to_serve(why: str) -> None:
    """End this process in order and as a failure, saying why: an operator must mend it first."""
    _refused.append(why)
    signal.raise_signal(signal.SIGTERM)


def serve(app: FastAPI, settings: "Settings") -> None:
    """Serves an app until the process is told to stop, which is then no failure; its log is ours, not uvicorn's."""
    # uvicorn shuts down and then raises the signal again, which by default kills: end in order instead
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("\n".join(_refused) or 0))
    _spare_the_collector()
    log.info("listening", extra={"host": settings.http_host, "port": settings.http_port})
    try:
        uvicorn.run(
            app,
            host=settings.http_host,
            port=settings.http_port,
            log_config=None,
            access_log=False,
            server_header=False,
            ssl_certfile=settings.http_certificate_file or None,
            ssl_keyfile=settings.http_key_file or None,
            proxy_headers=bool(settings.trusted_proxy),
            forwarded_allow_ips=settings.trusted_proxy or None,
            timeout_graceful_shutdown=10,
        )
    finally:
        stop_telemetry()
        log.info("stopped")
