"""Pages for people: complete in themselves, without a script, so that no other host sees who reads them."""

import hashlib
from base64 import b64encode
from pathlib import Path

from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup
from starlette.responses import HTMLResponse

from registration.admin import words
from registration.admin.plots import HEIGHT

_HERE = Path(__file__).parent
_STYLE = (_HERE / "static" / "page.css").read_text("utf-8")
_STYLE_HASH = b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS = {
    "content-security-policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}

_templates = Environment(
    loader=FileSystemLoader(_HERE / "templates"), autoescape=True, trim_blocks=True, lstrip_blocks=True
)
_templates.globals |= {
    "height": HEIGHT,
    "style": Markup(_STYLE),  # noqa: S704 - ours, and CSS would not survive escaping
}
_templates.filters |= {
    "clock": words.clock,
    "hour_and_minute": words.hour_and_minute,
    "number": words.number,
    "share": words.share,
}


def page(template: str, **values: object) -> HTMLResponse:
    """Render the template with the values, which are escaped."""
    return HTMLResponse(_templates.get_template(template).render(values), headers=_HEADERS)
