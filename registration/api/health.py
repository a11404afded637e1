from fastapi import APIRouter, Response

from registration.api.dependencies import ServicesOfApp
from registration.api.openapi import problem_responses
from registration.api.representations import readiness_response
from registration.api.schemas import LivenessResponse, ReadinessResponse

RETRY_AFTER_SECONDS = 5

router = APIRouter(prefix="/health", tags=["health"])


@router.get(
    "/live",
    operation_id="getLiveness",
    summary="Is the process alive?",
    response_description="It is.",
    responses=problem_responses(),
)
async def live() -> LivenessResponse:
    """Answer without asking anything of anyone: a restart would mend nothing but this process."""
    return LivenessResponse()


@router.get(
    "/ready",
    operation_id="getReadiness",
    summary="Can requests be served?",
    response_description="They can; `degraded` while mails cannot be sent and are kept for later.",
    responses={
        503: {
            "model": ReadinessResponse,
            "description": "They cannot: the database is down, or the service stops.",
        },
        **problem_responses(),
    },
)
async def ready(services: ServicesOfApp, response: Response) -> ReadinessResponse:
    """Say whether to send requests here. The mail provider being down is no reason not to."""
    readiness = await services.readiness()
    if readiness.status == "unavailable":
        response.status_code = 503
        response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return readiness_response(readiness)
