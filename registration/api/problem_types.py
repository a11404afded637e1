"""Every problem that an answer can name: what programs are told in the document, and people on its page."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ProblemType:
    status: int
    title: str
    detail: str
    """One sentence for whoever reads the document; the same every time, so it can repeat nothing of the request."""
    meaning: str
    advice: str


PROBLEM_TYPES: Mapping[str, ProblemType] = {
    "malformed-json": ProblemType(
        400,
        "Malformed JSON",
        "The body is not a JSON document in UTF-8.",
        "The request needs a JSON document as its body, and what arrived could not be read as one: it was empty, cut "
        "off, not UTF-8, nested too deeply, or held something that JSON does not have, such as NaN.",
        "Send one JSON object, as a JSON library writes it, with the header Content-Type: application/json.",
    ),
    "invalid-credentials": ProblemType(
        401,
        "Invalid credentials",
        "The address and password are missing, malformed or wrong.",
        "The request needs an e-mail address and its password as HTTP Basic credentials. They are missing, cannot be "
        "read, or do not belong together. Which of these it is remains unsaid, so that nobody can find out who is "
        "registered.",
        "Check the spelling of the address and the password. The password is the one of the latest registration: "
        "registering a pending address again replaces it. Programs send “address:password” in UTF-8 as base64 "
        "(RFC 7617).",
    ),
    "not-found": ProblemType(
        404,
        "Not found",
        "There is nothing at this path.",
        "The service has nothing at the path that was asked for.",
        "Compare the path with the API documentation; there is no slash at the end of any.",
    ),
    "method-not-allowed": ProblemType(
        405,
        "Method not allowed",
        "This path does not support the request's method.",
        "The path exists, but not for the HTTP method of the request.",
        "Use one of the methods that the answer's Allow header lists.",
    ),
    "already-active": ProblemType(
        409,
        "Already active",
        "The user is active and needs no code.",
        "A new activation code was asked for, but the user has been activated already.",
        "Nothing is left to do: the address and password work.",
    ),
    "expired-code": ProblemType(
        410,
        "Expired code",
        "No code works any more.",
        "An activation code works for a short time after its mail was sent. That time is over, or a newer code or "
        "registration has taken its place.",
        "Ask for a new code, and enter it as soon as its mail arrives.",
    ),
    "payload-too-large": ProblemType(
        413,
        "Payload too large",
        "The body is over 16 KiB.",
        "A request's body may have 16 KiB, far more than any request here needs. This one had more and was not read.",
        "Send only the members that the API documentation names.",
    ),
    "unsupported-media-type": ProblemType(
        415,
        "Unsupported media type",
        "The body is not declared as application/json.",
        "The service reads JSON and nothing else, and the request's body says that it is something else, or does not "
        "say what it is.",
        "Send the body as JSON with the header Content-Type: application/json.",
    ),
    "invalid-request": ProblemType(
        422,
        "Invalid request",
        "The body is JSON, but members are missing or not valid; errors lists them.",
        "The body was read, but something in it is missing or has the wrong form. The list “errors” names each field "
        "and says what it needs.",
        "Correct the fields that are listed and send the request again. An e-mail address is written as "
        "name@example.com, and the code is a text of the digits that were mailed, leading zeros included.",
    ),
    "unacceptable-password": ProblemType(
        422,
        "Unacceptable password",
        "The password would be too easily guessed, or is too long; reasons says why.",
        "The password was not accepted. The list “reasons” says why: too-short, too-long (over 256 characters), "
        "too-common (it is on a list of passwords that attackers try first) or contains-email (it holds the address "
        "itself).",
        "Choose another one. A few words that do not belong together are strong and easy to remember; any characters "
        "will do, and there are no further rules.",
    ),
    "incorrect-code": ProblemType(
        422,
        "Incorrect code",
        "The code is not the one that was mailed.",
        "The code is not one that was mailed for this registration. “attempts_left” says how many more wrong codes "
        "may be tried before every code that was mailed stops working.",
        "Copy the code from the newest mail. If there is no such mail, look where unwanted mail is kept, or ask for a "
        "new code.",
    ),
    "rate-limited": ProblemType(
        429,
        "Too many requests",
        "There were too many requests; retry_after says in how many seconds to try again.",
        "There were too many requests for this address or from this network within a short time, for instance for "
        "mails to one mailbox. Nothing was changed.",
        "Wait for as many seconds as “retry_after” and the Retry-After header say, then try again. The mail that was "
        "sent before may still be on its way.",
    ),
    "too-many-attempts": ProblemType(
        429,
        "Too many attempts",
        "Too many wrong codes were tried; retry_after says in how many seconds to try again.",
        "Too many wrong codes were tried for this address, so for now no code is accepted for it. That protects the "
        "address from being registered by somebody who guesses.",
        "Wait for as many seconds as “retry_after” and the Retry-After header say, then ask for a new code. If it was "
        "not you who tried the codes, and it goes on, tell whoever runs this service.",
    ),
    "internal-error": ProblemType(
        500,
        "Internal error",
        "Something went wrong on our side.",
        "Something went wrong that is not the request's fault. It has been recorded under the request's id.",
        "Try again in a moment. If it happens again, tell whoever runs this service the “request_id” of the answer.",
    ),
    "overloaded": ProblemType(
        503,
        "Overloaded",
        "Too many requests are waiting; retry_after says in how many seconds to try again.",
        "More people are registering or signing in than the service can serve at this moment. Nothing was changed.",
        "Wait for as many seconds as “retry_after” and the Retry-After header say, then send the same request again.",
    ),
    "unavailable": ProblemType(
        503,
        "Unavailable",
        "The service cannot reach its database; retry_after says in how many seconds to try again.",
        "The service cannot reach its database at this moment.",
        "Wait for as many seconds as “retry_after” and the Retry-After header say, then send the same request again: "
        "what was asked for twice is not done twice.",
    ),
}
