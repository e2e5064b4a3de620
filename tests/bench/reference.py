"""What intake is held against: a bare FastAPI handler that makes one durable insert and answers."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import uvicorn
from fastapi import FastAPI, Request


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with asyncpg.create_pool(os.environ["REFERENCE_DATABASE_URL"], min_size=8, max_size=8) as pool:
        await pool.execute("create table if not exists taken (id bigserial primary key, body bytea not null)")
        app.state.pool = pool
        yield


# FastAPI's own telemetry sleeps without a provider; off, it does not even look for one.
app = FastAPI(
    lifespan=_lifespan, telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False}
)


@app.post("/v1/events", status_code=202)
async def take(request: Request) -> dict[str, int]:
    """Keeps the body. No sign-in, no check, no trace: only what any handler must do that says it has something."""
    insert = "insert into taken (body) values ($1) returning id"
    return {"taken": await request.app.state.pool.fetchval(insert, await request.body())}


if __name__ == "__main__":
    uvicorn.run(
        app, host="127.0.0.1", port=int(os.environ["REFERENCE_PORT"]), access_log=False, log_level="warning", ws="none"
    )
