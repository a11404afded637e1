from typing import Any

MAIL: dict[str, Any] = {
    "From": {"Email": "login@example.com", "Name": "Example App"},
    "To": [{"Email": "zoe@example.org", "Name": ""}],
    "Subject": "Your code",
    "Text": "Hello,\n\n0042\n\nBye.\n",
    "HTML": "<p>0042</p>",
    "Tags": ["activation-code"],
    "Headers": {"X-Mail-ID": "mail-1"},
}


def mail(**changes: Any) -> dict[str, Any]:
    return MAIL | changes


def to(address: str) -> dict[str, Any]:
    return mail(To=[{"Email": address, "Name": ""}])
