import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registration.address_syntax import InvalidEmailAddress, parse_email_address
from registration.domain.email_address import EmailAddress


@pytest.mark.parametrize(
    "typed, normalised",
    [
        ("Ann@Example.ORG", "ann@example.org"),
        ("ann+Shop@example.org", "ann+shop@example.org"),
        ("E\u0301mile@example.org", "émile@example.org"),
        ("straße@example.org", "straße@example.org"),
        ("ann@BÜCHER.example", "ann@xn--bcher-kva.example"),
        ("ann@xn--bcher-kva.example", "ann@xn--bcher-kva.example"),
        ("ann@straße.example", "ann@xn--strae-oqa.example"),
        ("ann@Ｅxample.org", "ann@example.org"),
        ("o'hara@example.org", "o'hara@example.org"),
        ("ann@service.test", "ann@service.test"),
        ("ann@service.invalid", "ann@service.invalid"),
        ("شخص@example.org", "شخص@example.org"),
    ],
)
def test_every_spelling_becomes_the_one_form(typed: str, normalised: str) -> None:
    assert parse_email_address(typed) == EmailAddress(normalised)


@pytest.mark.parametrize(
    "one, other",
    [
        ("straße@example.org", "strasse@example.org"),
        ("é@example.org", "e@example.org"),
        ("ann@straße.example", "ann@strasse.example"),
        ("ı@example.org", "i@example.org"),
        ("аnn@example.org", "ann@example.org"),
    ],
)
def test_two_addresses_never_become_one(one: str, other: str) -> None:
    assert parse_email_address(one) != parse_email_address(other)


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "ann",
        "ann@",
        "@example.org",
        "ann@localhost",
        "ann@@example.org",
        '"ann smith"@example.org',
        "ann@[127.0.0.1]",
        "ann smith@example.org",
        " ann@example.org",
        "ann@example.org ",
        "ann@example.org\n",
        "ann@example..org",
        "ann@exa_mple.org",
        "Ann <ann@example.org>",
        "ann@example.org,bob@example.org",
        "ann\u202e@example.org",
        "ann\0@example.org",
        "\ud800@example.org",
        "a" * 65 + "@example.org",
        "ann@" + "a" * 250 + ".org",
    ],
)
def test_what_is_no_address_is_refused_without_being_repeated(typed: str) -> None:
    with pytest.raises(InvalidEmailAddress) as refusal:
        parse_email_address(typed)
    assert str(refusal.value) == "is not a valid e-mail address"


@given(
    st.one_of(st.emails(), st.builds(lambda local: f"{local}@example.org", st.text(min_size=1, max_size=20)))
)
def test_normalising_twice_changes_nothing(typed: str) -> None:
    with contextlib.suppress(InvalidEmailAddress):
        once = parse_email_address(typed)
        assert parse_email_address(once.text) == once


@given(st.emails())
def test_capitals_change_nothing(typed: str) -> None:
    with contextlib.suppress(InvalidEmailAddress):
        assert parse_email_address(typed.upper()) == parse_email_address(typed.lower())


@pytest.mark.parametrize(
    "address, mailbox",
    [
        ("ann@example.org", "ann@example.org"),
        ("ann+shop@example.org", "ann@example.org"),
        ("ann+a+b@example.org", "ann@example.org"),
        ("+ann@example.org", "+ann@example.org"),
    ],
)
def test_a_mailbox_is_the_address_without_its_tag(address: str, mailbox: str) -> None:
    assert EmailAddress(address).mailbox == mailbox
