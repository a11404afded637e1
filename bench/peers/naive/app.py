"""A registration service as one is quickly written: clean, and without a thought of load or of what may go wrong.

It hashes on the event loop, sends the mail inside of the request, and keeps the code as it is.
"""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import aiohttp
import aiomysql
import bcrypt
from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.security import HTTPBasic, HTTPBasicCredentials
from pydantic import BaseModel, EmailStr, Field
from pymysql.err import IntegrityError

from bench.peers.settings import BCRYPT_COST, DATABASE, MAIL_URL

CODE_LIFE = timedelta(minutes=1)


class Registration(BaseModel):
    email: EmailStr
    password: str = Field(min_length=8, max_length=72)


class Activation(BaseModel):
    code: str = Field(pattern="^[0-9]{4}$")


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with open_pool() as app.state.pool, aiohttp.ClientSession() as app.state.session:
        yield


def open_pool() -> Any:
    return aiomysql.create_pool(
        host=DATABASE.hostname,
        port=DATABASE.port,
        user=DATABASE.username,
        password=DATABASE.password,
        db=DATABASE.path.removeprefix("/"),
        autocommit=True,
    )


app = FastAPI(lifespan=lifespan)


@app.get("/health/live")
async def live() -> dict[str, str]:
    return {"status": "ok"}


@app.post("/v1/users", status_code=202)
async def register(registration: Registration, request: Request) -> dict[str, str]:
    password_hash = bcrypt.hashpw(registration.password.encode(), bcrypt.gensalt(BCRYPT_COST)).decode()
    code = f"{secrets.randbelow(10_000):04d}"
    async with request.app.state.pool.acquire() as connection, connection.cursor() as cursor:
        await connection.begin()
        try:
            await cursor.execute(
                "INSERT INTO users (email, password_hash, is_active) VALUES (%s, %s, FALSE)",
                (registration.email, password_hash),
            )
            await cursor.execute(
                "INSERT INTO codes (user_id, code, expires_at) VALUES (%s, %s, %s)",
                (cursor.lastrowid, code, datetime.now(UTC).replace(tzinfo=None) + CODE_LIFE),
            )
        except IntegrityError:
            await connection.rollback()
            raise HTTPException(409, "This address is registered already") from None
        await connection.commit()
    await send_code(request.app.state.session, registration.email, code)
    return {"email": registration.email}


@app.post("/v1/users/activation")
async def activate(
    activation: Activation,
    credentials: Annotated[HTTPBasicCredentials, Depends(HTTPBasic())],
    request: Request,
) -> dict[str, str]:
    async with request.app.state.pool.acquire() as connection, connection.cursor() as cursor:
        await cursor.execute(
            "SELECT id, password_hash, code, expires_at FROM users JOIN codes ON user_id = id WHERE email = %s",
            (credentials.username,),
        )
        user = await cursor.fetchone()
        if user is None or not bcrypt.checkpw(credentials.password.encode(), user[1].encode()):
            raise HTTPException(401, headers={"WWW-Authenticate": "Basic"})
        user_id, _, code, expires_at = user
        if activation.code != code or datetime.now(UTC).replace(tzinfo=None) > expires_at:
            raise HTTPException(422, "This code does not work")
        await cursor.execute("UPDATE users SET is_active = TRUE WHERE id = %s", (user_id,))
    return {"email": credentials.username, "status": "active"}


async def send_code(session: aiohttp.ClientSession, email: str, code: str) -> None:
    mail = {
        "From": {"Email": "bench@example.com"},
        "To": [{"Email": email}],
        "Subject": "Your code",
        "Text": f"Welcome! Your code is\n\n{code}\n",
    }
    async with session.post(MAIL_URL, json=mail) as answer:
        answer.raise_for_status()
