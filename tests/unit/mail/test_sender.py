import pytest

from registration.adapters.mail.sender import Sender, parse_sender
from registration.domain.email_address import EmailAddress


@pytest.mark.parametrize(
    "text, name",
    [
        ("Example App <login@example.com>", "Example App"),
        ("  Example App   <login@example.com> ", "Example App"),
        ("Müller & Söhne <login@example.com>", "Müller & Söhne"),
        ("Example, Inc. <login@example.com>", "Example, Inc."),
        ('"Example, Inc." <login@example.com>', "Example, Inc."),
        (r'"The \"App\"" <login@example.com>', 'The "App"'),
        ("<login@example.com>", ""),
        ("login@example.com", ""),
    ],
)
def test_reads_name_and_address(text: str, name: str) -> None:
    assert parse_sender(text) == Sender(name, EmailAddress("login@example.com"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Example App",
        "Example App <>",
        "Example App <login>",
        "Example App login@example.com",
        "A <login@example.com> B",
        "A <login@example.com>, B <other@example.com>",
        "Example\r\nBcc: all@example.com <login@example.com>",
    ],
)
def test_refuses_anything_else_without_repeating_it(text: str) -> None:
    with pytest.raises(
        ValueError, match=r"^(is not of the form `Name <address>`|contains control characters)$"
    ):
        parse_sender(text)


def test_is_called_by_its_domain_where_it_has_no_name() -> None:
    assert parse_sender("login@example.com").display_name == "example.com"
    assert parse_sender("App <login@example.com>").display_name == "App"
