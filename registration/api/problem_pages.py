"""Pages that explain each problem to a person: complete in themselves, so that no other host sees who reads them."""

import hashlib
import json
from base64 import b64encode
from functools import cache
from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup
from starlette.exceptions import HTTPException

from registration.api.problem_schemas import example_of
from registration.api.problem_types import PROBLEM_TYPES

_HERE = Path(__file__).parent
_STYLE = (_HERE / "static" / "page.css").read_text("utf-8")
_STYLE_HASH = b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}

_templates = Environment(loader=FileSystemLoader(_HERE / "templates"), autoescape=True, trim_blocks=True)
_templates.globals["style"] = Markup(_STYLE)  # noqa: S704 - ours, and CSS would not survive escaping

router = APIRouter(prefix="/problems", include_in_schema=False, default_response_class=HTMLResponse)


@router.get("")
async def problems() -> HTMLResponse:
    return HTMLResponse(_all_problems(), headers=_HEADERS)


@router.get("/{code}")
async def problem(code: str) -> HTMLResponse:
    if code not in PROBLEM_TYPES:
        raise HTTPException(404)
    return HTMLResponse(_one_problem(code), headers=_HEADERS)


@cache
def _all_problems() -> str:
    return _templates.get_template("problems.html").render(problems=PROBLEM_TYPES)


@cache
def _one_problem(code: str) -> str:
    example = json.dumps(example_of(code), indent=2, ensure_ascii=False)
    template = _templates.get_template("problem.html")
    return template.render(code=code, problem=PROBLEM_TYPES[code], example=example)
