"""How a service stands: each part says ok, warning or failed, with a sentence; a warning keeps it in service."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import JSONResponse, Response

from shared.logs import told

Standing = Literal["ok", "warning", "failed"]
_WORSE = ("ok", "warning", "failed")


@dataclass(frozen=True)
class Health:
    """How one part stands, in a sentence that names the remedy if there is something to mend."""

    status: Standing
    detail: str = ""


Component = Callable[[], Awaitable[Health]]


def health_router(service: str, components: Mapping[str, Component], *, within: float = 3.0) -> APIRouter:
    """Liveness, readiness and metrics; a component that raises or takes longer than `within` seconds has failed."""
    router = APIRouter(include_in_schema=False)

    @router.get("/health/live")
    async def live() -> dict[str, str]:
        return {"service": service, "status": "ok"}

    @router.get("/health/ready")
    async def ready() -> Response:
        found = await asyncio.gather(*(_ask(component, within) for component in components.values()))
        overall = max((health.status for health in found), key=_WORSE.index, default="ok")
        body = {
            "service": service,
            "status": overall,
            "components": {
                name: {"status": health.status, "detail": health.detail}
                for name, health in zip(components, found, strict=True)
            },
        }
        return JSONResponse(body, 503 if overall == "failed" else 200)

    @router.get("/metrics")
    def metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return router


async def _ask(component: Component, within: float) -> Health:
    try:
        async with asyncio.timeout(within):
            return await component()
    except TimeoutError:
        return Health("failed", f"it did not say how it stands within {within:g} s")
    except Exception as error:
        return Health("failed", f"it could not say how it stands ({told(error)})")
