"""Mails as Mailpit's API shows them (read at v1.30.5)."""

from typing import Any

from registration.sandbox.mailbox import ReceivedMail
from registration.sandbox.submission import Person
from registration.sandbox.times import rfc3339

SNIPPET_LENGTH = 250


def summary(mail: ReceivedMail) -> dict[str, Any]:
    """The mail in a list."""
    return {
        **_common(mail),
        "Read": False,
        "Created": rfc3339(mail.received_at),
        "Attachments": 0,
        "Snippet": " ".join(mail.submission.text.split())[:SNIPPET_LENGTH],
    }


def whole(mail: ReceivedMail) -> dict[str, Any]:
    """The mail by itself."""
    return {
        **_common(mail),
        "ReturnPath": mail.submission.sender.address,
        "ListUnsubscribe": {"Header": "", "Links": [], "Errors": "", "HeaderPost": ""},
        "Date": rfc3339(mail.received_at),
        "Text": mail.submission.text,
        "HTML": mail.submission.html,
        "Inline": [],
        "Attachments": [],
    }


def _common(mail: ReceivedMail) -> dict[str, Any]:
    submission = mail.submission
    return {
        "ID": mail.id,
        "MessageID": (submission.header("Message-ID") or f"{mail.id}@sandbox").strip("<>"),
        "From": _person(submission.sender),
        "To": [_person(person) for person in submission.to],
        "Cc": [],
        "Bcc": [],
        "ReplyTo": [],
        "Subject": submission.subject,
        "Username": "",
        "Tags": list(submission.tags),
        "Size": len(submission.text) + len(submission.html),
    }


def _person(person: Person) -> dict[str, str]:
    return {"Name": person.name, "Address": person.address}
