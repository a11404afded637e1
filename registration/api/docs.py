"""The API's documentation, also as a page: Swagger UI from a package's files, so that no other host is asked."""

from importlib.resources import files
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from registration.api.dependencies import ServicesOfApp
from registration.api.openapi import with_figures_of

_OURS = Path(__file__).parent / "static"
_SWAGGER_UI = Path(str(files("fastapi_swagger") / "resources"))

_ASSETS = {
    "docs.js": _OURS,
    "swagger-ui-bundle.js": _SWAGGER_UI,
    "swagger-ui.css": _SWAGGER_UI,
    "favicon-32x32.png": _SWAGGER_UI,
}

# Swagger UI sets styles on its elements and draws its icons from data.
_CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

router = APIRouter(include_in_schema=False)


@router.get("/openapi.json")
async def openapi(request: Request, services: ServicesOfApp) -> JSONResponse:
    return JSONResponse(with_figures_of(services.policy, request.app.openapi()))


class WholeFile(FileResponse):
    """A file that is never sent in parts: what Starlette answers to a part that there is not, is no problem document."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.headers["accept-ranges"] = "none"
        others = [(name, value) for name, value in scope["headers"] if name != b"range"]
        await super().__call__({**scope, "headers": others}, receive, send)


@router.get("/docs")
async def docs() -> WholeFile:
    return WholeFile(_OURS / "docs.html", headers={"Content-Security-Policy": _CONTENT_SECURITY_POLICY})


@router.get("/docs/{name}")
async def asset(name: str) -> WholeFile:
    folder = _ASSETS.get(name)
    if folder is None:
        raise HTTPException(404)
    return WholeFile(folder / name, headers={"Cache-Control": "public, max-age=3600"})
