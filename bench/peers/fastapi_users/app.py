"""A registration service by fastapi-users, put together as its documentation says.

Whoever registers is mailed a token at once, which verifies the address. Its hashes are bcrypt's, as ours are, and not
Argon2's, which it prefers: else two hash functions would be compared.
"""

# Its packages are in an environment of their own, so that mypy knows nothing of them.
# mypy: disable-error-code="import-not-found, misc"

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import aiohttp
from fastapi import Depends, FastAPI, Request
from fastapi_users import BaseUserManager, FastAPIUsers, UUIDIDMixin, schemas
from fastapi_users.authentication import AuthenticationBackend, BearerTransport, JWTStrategy
from fastapi_users.db import SQLAlchemyBaseUserTableUUID, SQLAlchemyUserDatabase
from fastapi_users.password import PasswordHelper
from pwdlib import PasswordHash
from pwdlib.hashers.bcrypt import BcryptHasher
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase

from bench.peers.settings import BCRYPT_COST, DATABASE, MAIL_URL

SECRET = "a key that protects nothing but benchmarks"  # noqa: S105 - as it says

engine = create_async_engine(DATABASE._replace(scheme="mysql+aiomysql").geturl())
new_session = async_sessionmaker(engine, expire_on_commit=False)
passwords = PasswordHelper(PasswordHash((BcryptHasher(rounds=BCRYPT_COST),)))


class Base(DeclarativeBase):
    pass


class User(SQLAlchemyBaseUserTableUUID, Base):
    pass


class UserManager(UUIDIDMixin, BaseUserManager[User, uuid.UUID]):
    verification_token_secret = SECRET
    reset_password_token_secret = SECRET

    async def on_after_register(self, user: User, request: Request | None = None) -> None:
        await self.request_verify(user, request)

    async def on_after_request_verify(self, user: User, token: str, request: Request | None = None) -> None:
        assert request is not None
        await send_token(request.app.state.session, user.email, token)


async def open_session() -> AsyncIterator[AsyncSession]:
    async with new_session() as session:
        yield session


async def open_users(
    session: Annotated[AsyncSession, Depends(open_session)],
) -> AsyncIterator[SQLAlchemyUserDatabase[User, uuid.UUID]]:
    yield SQLAlchemyUserDatabase(session, User)


async def open_manager(
    users: Annotated[SQLAlchemyUserDatabase[User, uuid.UUID], Depends(open_users)],
) -> AsyncIterator[UserManager]:
    yield UserManager(users, passwords)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with aiohttp.ClientSession() as app.state.session:
        yield
    await engine.dispose()


def strategy() -> Any:
    return JWTStrategy(secret=SECRET, lifetime_seconds=3600)


backend = AuthenticationBackend("jwt", BearerTransport(tokenUrl="auth/login"), strategy)
fastapi_users = FastAPIUsers[User, uuid.UUID](open_manager, [backend])
app = FastAPI(lifespan=lifespan)
app.include_router(
    fastapi_users.get_register_router(schemas.BaseUser[uuid.UUID], schemas.BaseUserCreate), prefix="/auth"
)
app.include_router(fastapi_users.get_verify_router(schemas.BaseUser[uuid.UUID]), prefix="/auth")


@app.get("/health/live")
async def live() -> dict[str, str]:
    return {"status": "ok"}


async def send_token(session: aiohttp.ClientSession, email: str, token: str) -> None:
    mail = {
        "From": {"Email": "bench@example.com"},
        "To": [{"Email": email}],
        "Subject": "Your token",
        "Text": f"Welcome! Your token is\n\n{token}\n",
    }
    async with session.post(MAIL_URL, json=mail) as answer:
        answer.raise_for_status()
