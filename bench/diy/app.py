"""POST /v1/events the usual way: FastAPI, async SQLAlchemy, PostgreSQL, one commit per request.

Reads the database address from DIY_DATABASE_URL. Each request, in one transaction: find the key,
claim the Idempotency-Key with the stored response, insert the event, add to the usage counter,
charge the rate window. The two rows that all requests share are touched last, so that their locks
are held for the shortest time.
"""

import hashlib
import os
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID, uuid4

from fastapi import Depends, FastAPI, Header, HTTPException, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from bench.diy import queries

app = FastAPI()
engine = create_async_engine(os.environ["DIY_DATABASE_URL"], pool_size=5, max_overflow=0)


class EventIn(BaseModel):
    """The request body."""

    channel_name: str = Field(alias="channelName", min_length=1, max_length=255)
    title: str = Field(min_length=1, max_length=500)
    description: str | None = Field(default=None, max_length=5000)
    tags: list[Annotated[str, Field(max_length=50)]] = Field(default=[], max_length=20)
    metadata: dict[str, Any] = {}
    user_id: str | None = Field(default=None, alias="userId", max_length=255)


async def transaction() -> AsyncIterator[AsyncConnection]:
    """Yield a connection in a transaction that rolls back unless it is committed."""
    async with engine.connect() as db:
        yield db


def event_row(body: EventIn, key_id: UUID, at: datetime) -> dict[str, Any]:
    """Return the row of a new event."""
    return {
        "id": uuid4(),
        "key_id": key_id,
        "channel": body.channel_name,
        "title": body.title,
        "description": body.description,
        "tags": body.tags,
        "properties": body.metadata,
        "user_id": body.user_id,
        "created_at": at,
    }


def accepted(event: dict[str, Any]) -> dict[str, Any]:
    """Return the response body for a stored event."""
    data = {
        "id": str(event["id"]),
        "channelName": event["channel"],
        "title": event["title"],
        "createdAt": event["created_at"].isoformat(),
    }
    return {"success": True, "data": data, "requestId": str(uuid4())}


async def replay(db: AsyncConnection, record: dict[str, Any]) -> Response:
    """Answer a repeated Idempotency-Key with the stored response, or refuse with 409."""
    stored = await queries.find_reply(db, record["key_id"], record["idempotency_key"])
    if stored.request_hash != record["request_hash"]:
        raise HTTPException(409, "Idempotency-Key was used with another body")
    return JSONResponse(stored.response, 201, {"X-Idempotent-Replay": "true"})


@app.post("/v1/events")
async def create_event(
    body: EventIn,
    request: Request,
    db: Annotated[AsyncConnection, Depends(transaction)],
    authorization: Annotated[str, Header()] = "",
    idempotency_key: Annotated[str | None, Header()] = None,
) -> Response:
    """Store an event once."""
    key = await queries.find_key(db, authorization.removeprefix("Bearer "))
    if key is None:
        raise HTTPException(401, "Invalid or missing authentication credentials")
    at = queries.now()
    event = event_row(body, key.id, at)
    reply = accepted(event)
    if idempotency_key is not None:
        record = {
            "key_id": key.id,
            "idempotency_key": idempotency_key,
            "request_hash": hashlib.sha256(await request.body()).digest(),
            "response": reply,
            "created_at": at,
        }
        if not await queries.claim(db, record):
            return await replay(db, record)
    await queries.add_event(db, event)
    await queries.add_usage(db, key.id, at)
    used = await queries.charge(db, key, at)
    if used > key.limit_count:
        raise HTTPException(429, "Rate limit exceeded")
    await db.commit()
    return JSONResponse(reply, 201, {"X-RateLimit-Remaining": str(key.limit_count - used)})
