"""Mailpit's HTTP API, as much of it as the service and its tests use."""

import asyncio
from dataclasses import dataclass

from aiohttp import web

from registration.sandbox.attempts import Attempt, Attempts
from registration.sandbox.console import Tell
from registration.sandbox.faults import Dice, Fault
from registration.sandbox.figures import figure
from registration.sandbox.handed_in import HandedIn
from registration.sandbox.json_body import NotJson, read_json
from registration.sandbox.mailbox import Mailbox
from registration.sandbox.mailpit_json import summary, whole
from registration.sandbox.submission import InvalidSubmission, Submission, parse_submission
from registration.sandbox.times import now

DEFAULT_LIMIT = 50


@dataclass(frozen=True, slots=True)
class MailpitApi:
    """`tell` is called with a line about each mail that is handed in; `stopping` ends what hangs."""

    mailbox: Mailbox
    attempts: Attempts
    dice: Dice
    tell: Tell
    stopping: asyncio.Event

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/api/v1/send", self.send),
            web.get("/api/v1/messages", self.list_messages),
            web.delete("/api/v1/messages", self.delete_messages),
            web.get("/api/v1/message/{id}", self.show_message),
        ]

    async def send(self, request: web.Request) -> web.Response:
        try:
            document = await read_json(request)
            submission = parse_submission(document)
        except (NotJson, InvalidSubmission) as error:
            return _error(400, str(error))
        except web.HTTPRequestEntityTooLarge:
            return _error(413, "http: request body too large")
        attempt = Attempt(submission.header("X-Mail-ID"), now(), self.dice.throw())
        self.attempts.add(attempt)
        return await self._answer(request, submission, HandedIn.of(request, document), attempt)

    async def list_messages(self, request: web.Request) -> web.Response:
        start = figure(request.query.get("start"), 0)
        mails = self.mailbox.newest(start, figure(request.query.get("limit"), DEFAULT_LIMIT))
        total = len(self.mailbox)
        document = {
            "total": total,
            "unread": total,
            "count": len(mails),
            "messages_count": total,
            "messages_unread": total,
            "start": start,
            "tags": [],
            "messages": [summary(mail) for mail in mails],
        }
        return web.json_response(document)

    async def show_message(self, request: web.Request) -> web.Response:
        mail = self.mailbox.get(request.match_info["id"])
        return web.json_response(whole(mail)) if mail else web.Response(status=404, text="404 page not found")

    async def delete_messages(self, request: web.Request) -> web.Response:
        """Those in the list `IDs`, or all without it."""
        try:
            document = await read_json(request)
        except NotJson:
            document = None
        mail_ids = document.get("IDs") if isinstance(document, dict) else None
        if isinstance(mail_ids, list) and mail_ids:
            self.mailbox.remove(str(mail_id) for mail_id in mail_ids)
        else:
            self.mailbox.empty()
        return web.Response(text="ok")

    async def _answer(
        self, request: web.Request, submission: Submission, handed_in: HandedIn, attempt: Attempt
    ) -> web.Response:
        faults = self.dice.faults
        match attempt.fault:
            case Fault.TOO_MANY:
                self._tell(submission, "refused: too many requests")
                return _error(429, "too many requests", {"Retry-After": str(faults.retry_after_seconds)})
            case Fault.ERROR:
                self._tell(submission, "refused: server error")
                return _error(500, "internal server error")
            case Fault.CUT_BEFORE:
                self._tell(submission, "not accepted: connection cut")
                return _cut(request)
            case Fault.HANG:
                self._tell(submission, "not accepted: no answer")
                await self._hang(faults.hang_seconds)
                return _cut(request)
            case Fault.SLOW:
                await asyncio.sleep(faults.slow_seconds)
        answered = attempt.fault is not Fault.CUT_AFTER and _somebody_waits(request)
        mail = self.mailbox.add(submission, now(), handed_in, answered=answered)
        attempt.accept(mail)
        self._tell(submission, submission.code or "no code")
        return web.json_response({"ID": mail.id}) if answered else _cut(request)

    async def _hang(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self.stopping.wait(), seconds)
        except TimeoutError:
            return

    def _tell(self, submission: Submission, what: str) -> None:
        line = f"{submission.to[0].address}  {submission.subject}  {what}"
        self.tell("".join(character if character.isprintable() else "?" for character in line))


def _error(status: int, message: str, headers: dict[str, str] | None = None) -> web.Response:
    return web.json_response({"Error": message}, status=status, headers=headers)


def _somebody_waits(request: web.Request) -> bool:
    """Whether the sender is still there: for a slow answer, it may have given up."""
    return request.transport is not None and not request.transport.is_closing()


def _cut(request: web.Request) -> web.Response:
    """Drop the connection; the response is for the framework only, and reaches nobody."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
