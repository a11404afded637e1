import json

from aiohttp import web


class NotJson(ValueError):
    """The body is not JSON."""


async def read_json(request: web.Request) -> object:
    """The body as JSON, whatever type it says it is. Raises NotJson, HTTPRequestEntityTooLarge."""
    try:
        document: object = json.loads(await request.read())
    except (ValueError, RecursionError) as error:
        raise NotJson("the body is not JSON") from error
    return document
