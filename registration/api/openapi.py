"""The parts of the OpenAPI document that FastAPI does not derive from the routes: problems, headers, Basic."""

from collections.abc import Iterable, Mapping
from copy import deepcopy
from itertools import groupby
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from registration.api.basic_auth import CHALLENGE
from registration.api.problem_schemas import example_of, schema_of
from registration.api.problem_types import PROBLEM_TYPES
from registration.api.problems import MEDIA_TYPE
from registration.domain.policy import Policy

Json = dict[str, Any]

BASIC: Json = {"security": [{"basic": []}]}
"""For `openapi_extra` of a route that asks for Basic credentials."""

_REF = "#/components/{}/{}"

_ANY_REQUEST_ID: Json = {"type": "string", "examples": ["checkout-7f3a"]}
_REQUEST_ID: Json = {**_ANY_REQUEST_ID, "pattern": "^[A-Za-z0-9._-]{1,128}$"}

_COMPONENTS: Json = {
    "securitySchemes": {
        "basic": {
            "type": "http",
            "scheme": "basic",
            "description": "The e-mail address and the password, in UTF-8 (RFC 7617).",
        }
    },
    "parameters": {
        "RequestId": {
            "name": "X-Request-ID",
            "in": "header",
            "description": (
                "The caller's own id of the request: 1 to 128 of A-Z, a-z, 0-9, `.`, `_` and `-`. "
                "One of another form is replaced."
            ),
            "schema": _ANY_REQUEST_ID,  # no request is refused for it
        }
    },
    "headers": {
        "RequestId": {
            "required": True,
            "description": "The id under which the logs know the request: the caller's own, or a new one.",
            "schema": _REQUEST_ID,
        },
        "NoStore": {
            "required": True,
            "description": "No answer may be kept.",
            "schema": {"type": "string", "const": "no-store"},
        },
        "RetryAfter": {
            "required": True,
            "description": "In how many seconds to try again.",
            "schema": {"type": "integer", "minimum": 1},
        },
        "Challenge": {"required": True, "schema": {"type": "string", "const": CHALLENGE}},
    },
}

_HEADERS_OF_STATUS: Mapping[str, Json] = {
    "401": {"WWW-Authenticate": {"$ref": _REF.format("headers", "Challenge")}},
    "429": {"Retry-After": {"$ref": _REF.format("headers", "RetryAfter")}},
    "503": {"Retry-After": {"$ref": _REF.format("headers", "RetryAfter")}},
}


class Api(FastAPI):
    """FastAPI with a complete OpenAPI document."""

    def openapi(self) -> Json:
        if self.openapi_schema is None:
            self.openapi_schema = _completed(super().openapi())
        return self.openapi_schema


def with_figures_of(policy: Policy, document: Json) -> Json:
    """Return the document of a service with this policy: it says how many digits a code has."""
    document = deepcopy(document)
    request = document["components"]["schemas"]["ActivationRequest"]
    request["properties"]["code"]["pattern"] = f"^[0-9]{{{policy.code_digits}}}$"
    return document


def problem_responses(*codes: str) -> dict[int | str, Json]:
    """For `responses` of a route: the problems that it may answer with, besides `internal-error`."""
    by_status = sorted((*codes, "internal-error"), key=_status_of)
    return {status: _problem_response(list(group)) for status, group in groupby(by_status, key=_status_of)}


def _status_of(code: str) -> int:
    return PROBLEM_TYPES[code].status


def _problem_response(codes: list[str]) -> Json:
    shapes = {schema_of(code).__name__ for code in codes}
    schemas = [{"$ref": _REF.format("schemas", name)} for name in sorted(shapes)]
    return {
        "description": "\n\n".join(f"`{code}`: {PROBLEM_TYPES[code].detail}" for code in codes),
        "content": {
            MEDIA_TYPE: {
                "schema": schemas[0] if len(schemas) == 1 else {"anyOf": schemas},
                "examples": {code: {"value": example_of(code)} for code in codes},
            }
        },
    }


def _completed(document: Json) -> Json:
    components = document.setdefault("components", {})
    components.setdefault("schemas", {}).update(_schemas(map(schema_of, PROBLEM_TYPES)))
    components.update(_COMPONENTS)
    for path, operations in document["paths"].items():
        for operation in operations.values():
            operation.setdefault("parameters", []).append({"$ref": _REF.format("parameters", "RequestId")})
            for status, response in operation["responses"].items():
                response.setdefault("headers", {}).update(_headers(path, status))
    return document


def _schemas(models: Iterable[type[BaseModel]]) -> Json:
    _, schema = models_json_schema(
        [(model, "serialization") for model in models],
        ref_template=_REF.format("schemas", "{model}"),
    )
    definitions: Json = schema["$defs"]
    return definitions


def _headers(path: str, status: str) -> Json:
    headers: Json = {"X-Request-ID": {"$ref": _REF.format("headers", "RequestId")}}
    if path.startswith("/v1/"):
        headers["Cache-Control"] = {"$ref": _REF.format("headers", "NoStore")}
    return headers | _HEADERS_OF_STATUS.get(status, {})
