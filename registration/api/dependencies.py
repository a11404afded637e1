from typing import Annotated

from fastapi import Depends, Request

from registration.api.services import Services


async def _services_of(request: Request) -> Services:
    services: Services = request.state.services
    return services


ServicesOfApp = Annotated[Services, Depends(_services_of)]
"""What the lifespan opened. The only place that knows what `request.state` holds."""
