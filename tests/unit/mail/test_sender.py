from email.header import decode_header, make_header
from email.utils import parseaddr

import pytest
from hypothesis import given
from hypothesis import strategies as st

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


@pytest.mark.parametrize(
    "written, mailbox",
    [
        ("login@example.com", "login@example.com"),
        ("Example App <login@example.com>", "Example App <login@example.com>"),
        ("Müller & Söhne <login@example.com>", "Müller & Söhne <login@example.com>"),
        ("Miller, Sons & Co. <login@example.com>", '"Miller, Sons & Co." <login@example.com>'),
        ("Müller, Söhne <login@example.com>", '"Müller, Söhne" <login@example.com>'),
        (
            r'"back\\slash and \"quote\"" <login@example.com>',
            r'"back\\slash and \"quote\"" <login@example.com>',
        ),
    ],
)
def test_a_mailbox_is_written_so_that_mail_programs_read_it(written: str, mailbox: str) -> None:
    assert parse_sender(written).mailbox == mailbox


@given(name=st.text(st.characters(categories=["L", "M", "N", "P", "S", "Zs"]), min_size=1))
def test_an_ascii_mailbox_brings_any_name_over(name: str) -> None:
    sender = Sender(name, EmailAddress("login@example.com"))
    written = sender.ascii_mailbox
    read, address = parseaddr(written)

    assert written.isascii()
    assert written.isprintable()
    assert all(len(word) <= 75 for word in written.split() if word.startswith("=?"))
    assert address == "login@example.com"
    if not name.isascii():
        assert str(make_header(decode_header(read))) == name


@pytest.mark.parametrize(
    "name, is_garbled", [("Müller", False), ("Miller, Sons", False), ("Müller, Söhne", True), ("", False)]
)
def test_some_providers_garble_a_name_with_both_commas_and_umlauts(name: str, *, is_garbled: bool) -> None:
    assert Sender(name, EmailAddress("login@example.com")).name_is_often_garbled is is_garbled
