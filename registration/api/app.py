from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from registration.api import docs, health, problem_pages, users
from registration.api.openapi import Api
from registration.api.problems import (
    Problem,
    answer_http_exception,
    answer_problem,
    answer_refusal,
    answer_validation_error,
)
from registration.api.request_boundary import RequestBoundary
from registration.api.services import Services
from registration.domain.errors import Refusal
from registration.version import VERSION

DESCRIPTION = """
Register an e-mail address, receive a four-digit code, show it within a minute of its mail, and be a user.

1. `POST /v1/users` with an address and a password: a code is mailed.
2. `POST /v1/users/activation` with that code, and the address and password as Basic credentials.

Every error is a problem document (RFC 9457) whose `type` is the address of a page that explains it.
"""


def create_api(
    open_services: Callable[[], AbstractAsyncContextManager[Services]], cors_origins: Sequence[str] = ()
) -> FastAPI:
    """Return the HTTP application; it opens the services when it starts and closes them when it stops.

    Pages of `cors_origins` may call it from a browser, and no others.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[dict[str, Services]]:
        async with open_services() as services:
            yield {"services": services}

    return Api(
        title="Registration",
        version=VERSION,
        description=DESCRIPTION,
        openapi_url=None,  # with it goes FastAPI's docs page; ours are in `docs`
        redirect_slashes=False,
        # Not include_router: that would match every request against each router, and then again within it.
        routes=[
            *users.router.routes,
            *health.router.routes,
            *docs.router.routes,
            *problem_pages.router.routes,
        ],
        lifespan=lifespan,
        middleware=[Middleware(RequestBoundary), *_cors(cors_origins)],
        exception_handlers={
            Problem: answer_problem,
            Refusal: answer_refusal,
            RequestValidationError: answer_validation_error,
            HTTPException: answer_http_exception,
        },
        # Its spans have paths and queries as they were sent, its logs the messages of exceptions; ours have neither.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )


def _cors(origins: Sequence[str]) -> list[Middleware]:
    if not origins:
        return []
    return [
        Middleware(
            CORSMiddleware,
            allow_origins=origins,
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "X-Request-ID"],
            expose_headers=["Retry-After", "X-Request-ID"],
        )
    ]
