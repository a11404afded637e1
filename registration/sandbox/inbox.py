"""The inbox page, and what it asks for about a single mail."""

from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from registration.sandbox.attempts import Attempts
from registration.sandbox.mailbox import Mailbox, ReceivedMail

PAGE = Path(__file__).with_name("page")

PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; frame-src 'self'; "
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
MAIL_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"
"""A mail's HTML is somebody else's: no script runs, nothing is fetched, and it is of no origin."""


@dataclass(frozen=True, slots=True)
class Inbox:
    mailbox: Mailbox
    attempts: Attempts

    def routes(self) -> list[web.AbstractRouteDef]:
        return [
            web.get("/", self.page),
            web.static("/page", PAGE),
            web.get("/view/{id}.html", self.html),
            web.get("/sandbox/mails/{id}", self.history),
        ]

    async def page(self, _: web.Request) -> web.FileResponse:
        return web.FileResponse(PAGE / "inbox.html", headers={"Content-Security-Policy": PAGE_POLICY})

    async def html(self, request: web.Request) -> web.Response:
        return web.Response(
            body=self._mail(request).submission.html.encode(errors="replace"),
            content_type="text/html",
            charset="utf-8",
            headers={"Content-Security-Policy": MAIL_POLICY},
        )

    async def history(self, request: web.Request) -> web.Response:
        """How the mail was handed in, and every attempt at handing it in so far."""
        mail = self._mail(request)
        attempts = self.attempts.of(mail.submission.header("X-Mail-ID"), mail.id)
        document = {"request": mail.handed_in.as_json(), "attempts": attempts}
        return web.json_response(document)

    def _mail(self, request: web.Request) -> ReceivedMail:
        mail = self.mailbox.get(request.match_info["id"])
        if mail is None:
            raise web.HTTPNotFound
        return mail
