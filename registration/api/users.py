from fastapi import APIRouter, Request, Response

from registration.api.basic_auth import credentials_of
from registration.api.client import client_of
from registration.api.dependencies import ServicesOfApp
from registration.api.json_route import JsonRoute
from registration.api.openapi import BASIC, problem_responses
from registration.api.problems import invalid_request
from registration.api.representations import active_user, code_sent, user_in_any_state
from registration.api.schemas import (
    USER_EXAMPLES,
    ActivationRequest,
    ActiveUserResponse,
    CodeSentResponse,
    RegistrationRequest,
    UserResponse,
)
from registration.commands.activate_user import ActivateUser
from registration.commands.erase_user import EraseUser
from registration.commands.register_user import RegisterUser
from registration.commands.send_new_code import SendNewCode
from registration.language import best_language
from registration.queries.get_user import GetUser

BODY_PROBLEMS = ("malformed-json", "payload-too-large", "unsupported-media-type")
BUSY_PROBLEMS = ("overloaded", "unavailable")

router = APIRouter(prefix="/v1/users", tags=["users"], route_class=JsonRoute)


@router.post(
    "",
    status_code=202,
    operation_id="registerUser",
    summary="Register",
    response_description="A code is on its way to the address.",
    responses=problem_responses(
        *BODY_PROBLEMS,
        "invalid-request",
        "unacceptable-password",
        "rate-limited",
        "too-many-attempts",
        *BUSY_PROBLEMS,
    ),
)
async def register_user(
    registration: RegistrationRequest, request: Request, services: ServicesOfApp
) -> CodeSentResponse:
    """Register an address with a password and have an activation code mailed to it.

    The answer is the same for an address that is taken; its owner is then mailed a notice, and nothing changes for
    them. Registering a pending address again replaces the password and makes earlier codes void.
    """
    email = registration.email
    client = client_of(request, services.trusted_proxies)
    language = best_language(request.headers.get("accept-language", ""), services.languages)
    command = RegisterUser(email, registration.password, client, language)
    await services.bus.dispatch(command)
    return code_sent(email, services.policy)


@router.post(
    "/activation",
    operation_id="activateUser",
    summary="Activate with the mailed code",
    response_description="The active user.",
    openapi_extra=BASIC,
    responses=problem_responses(
        *BODY_PROBLEMS,
        "invalid-request",
        "invalid-credentials",
        "too-many-attempts",
        "expired-code",
        "incorrect-code",
        "rate-limited",
        *BUSY_PROBLEMS,
    ),
)
async def activate_user(
    activation: ActivationRequest, request: Request, services: ServicesOfApp
) -> ActiveUserResponse:
    """Show the code that was mailed for the password. For a user who is active already any code will do."""
    code, digits = activation.code, services.policy.code_digits
    if len(code) != digits or not (code.isascii() and code.isdecimal()):
        raise invalid_request(("code", f"must be a string of exactly {digits} digits from 0 to 9"))
    shown = credentials_of(request)
    command = ActivateUser(shown.email, shown.password, code, client_of(request, services.trusted_proxies))
    return active_user(await services.bus.dispatch(command))


@router.post(
    "/activation-code",
    status_code=202,
    operation_id="sendNewCode",
    summary="Have a new code mailed",
    response_description="A new code is on its way to the address.",
    openapi_extra=BASIC,
    responses=problem_responses(
        *BODY_PROBLEMS,
        "invalid-credentials",
        "already-active",
        "rate-limited",
        "too-many-attempts",
        *BUSY_PROBLEMS,
    ),
)
async def send_new_code(request: Request, services: ServicesOfApp) -> CodeSentResponse:
    """Make another code; the one that is in the mailbox already goes on working for its own time."""
    shown = credentials_of(request)
    await services.bus.dispatch(
        SendNewCode(shown.email, shown.password, client_of(request, services.trusted_proxies))
    )
    return code_sent(shown.email, services.policy)


@router.get(
    "/me",
    operation_id="getUser",
    summary="Show the user",
    response_description="The user, or the pending registration.",
    openapi_extra=BASIC,
    responses={
        200: {"content": {"application/json": {"examples": USER_EXAMPLES}}},
        **problem_responses(
            *BODY_PROBLEMS,
            "invalid-credentials",
            "rate-limited",
            *BUSY_PROBLEMS,
        ),
    },
)
async def get_user(request: Request, services: ServicesOfApp) -> UserResponse:
    """Show the user; while pending also where the newest code's mail is, and how long that code works."""
    shown = credentials_of(request)
    user = await services.bus.dispatch(
        GetUser(shown.email, shown.password, client_of(request, services.trusted_proxies))
    )
    return user_in_any_state(user)


@router.delete(
    "/me",
    status_code=204,
    response_class=Response,  # the default one has a media type, though there is no content
    operation_id="eraseUser",
    summary="Erase the user",
    response_description="Erased.",
    openapi_extra=BASIC,
    responses=problem_responses(
        *BODY_PROBLEMS,
        "invalid-credentials",
        "rate-limited",
        *BUSY_PROBLEMS,
    ),
)
async def erase_user(request: Request, services: ServicesOfApp) -> None:
    """Remove the user, or the pending registration, that the password belongs to."""
    shown = credentials_of(request)
    await services.bus.dispatch(
        EraseUser(shown.email, shown.password, client_of(request, services.trusted_proxies))
    )
