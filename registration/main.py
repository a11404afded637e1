from functools import partial

from fastapi import FastAPI

from config.settings import ServiceSettings, load
from registration.api.app import create_api
from registration.bootstrap import open_services
from registration.observability.logs import configure_logging
from registration.stopping import Stopping


def create_app(settings: ServiceSettings | None = None, stopping: Stopping | None = None) -> FastAPI:
    """Return the service as the settings, or else the environment, want it; everything is opened when it starts.

    Raises SettingsError with every fault of the environment.
    """
    settings = settings or load(ServiceSettings)
    configure_logging(settings.log_format, settings.log_level)
    return create_api(partial(open_services, settings, stopping or Stopping()), settings.allowed_origins)
