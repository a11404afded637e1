"""Keeps other sites' pages, which run in the same browser, from using the sandbox in their visitor's name."""

from ipaddress import ip_address
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler

PAGE_HEADER = "X-Sandbox-Page"
"""Only our page sends it: another site's would have to ask first (CORS), and gets no answer to that."""


@web.middleware
async def refuse_other_sites(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Programs send no Origin, and our own page sends ours."""
    origin = request.headers.get("Origin")
    if origin is not None and _authority(origin) != request.host:
        return web.json_response({"Error": "this is for the sandbox's own page"}, status=403)
    return await handler(request)


def comes_from_page(request: web.Request) -> bool:
    """Whether our page sent it, opened from this machine.

    The name in the address bar counts too: another site can let its own name lead here (DNS rebinding), and then its
    page is, to the browser, ours.
    """
    return PAGE_HEADER in request.headers and _is_loopback(request.host)


def _authority(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return None


def _is_loopback(authority: str) -> bool:
    try:
        host = urlsplit(f"//{authority}").hostname or ""
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
