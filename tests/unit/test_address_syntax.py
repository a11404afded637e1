import unicodedata
from typing import Literal

import idna
import pytest
from hypothesis import given, reject
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
        ("\u212aim@example.org", "kim@example.org"),  # KELVIN SIGN, which is K in NFC
        ("\u212bsa@example.org", "åsa@example.org"),  # ANGSTROM SIGN
        ("İ@example.org", "i\u0307@example.org"),
        ("İ\u0327@example.org", "i\u0327\u0307@example.org"),  # which lower case alone leaves in disorder
        ("STRAẞE@example.org", "straße@example.org"),
        ("Ǆ@example.org", "ǆ@example.org"),
        ("ǅ@example.org", "ǆ@example.org"),
        ("Ａ@example.org", "ａ@example.org"),
        ("\u1112\u1161\u11ab@example.org", "한@example.org"),
        ("ΟΔΟΣ@example.org", "οδος@example.org"),
        ("ΓΙΏΡΓΟΣ.ΣΑΣ@example.org", "γιώργος.σας@example.org"),
        ("ΣΑΣ+ΣΑΣ@example.org", "σας+σας@example.org"),
        ("ann@BU\u0308CHER.EXAMPLE", "ann@xn--bcher-kva.example"),
        ("ann@XN--BCHER-KVA.EXAMPLE", "ann@xn--bcher-kva.example"),
        ("ann@FAẞ.example", "ann@xn--fa-hia.example"),
        ("ann@例え。テスト", "ann@xn--r8jz45g.xn--zckzah"),
        ("ann@ｅｘａｍｐｌｅ．ｏｒｇ", "ann@example.org"),
        ("ann@\u05d0\u05d1.example", "ann@xn--4dbc.example"),
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
        ("İ@example.org", "i@example.org"),
        ("аnn@example.org", "ann@example.org"),
        ("ann@exаmple.org", "ann@example.org"),
        ("ａnn@example.org", "ann@example.org"),
        ("ﬁona@example.org", "fiona@example.org"),
        ("ann²@example.org", "ann2@example.org"),
        ("ſam@example.org", "sam@example.org"),
        ("σας@example.org", "σασ@example.org"),
        ("ann@βόλος.example", "ann@βόλοσ.example"),
        ("æsa@example.org", "aesa@example.org"),
        ("❤@example.org", "❤\ufe0f@example.org"),
        ("😀@example.org", "😁@example.org"),
        ("ㄱ@example.org", "\u1100@example.org"),  # a letter that does not join, and one that does
        ("a.nn@example.org", "ann@example.org"),
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
        "ann@example.org.",
        "ann@[IPv6:::1]",
        "ann@192.0.2.1",
        "ann＠example.org",
        "ann@❤.example",
        "ann@xn--qei.example",  # a heart
        "ann@xn--example.org",  # no letters come out of it
        "ann@ab--cd.example",
        "ann@1.\u05d0\u05d1.example",  # which is displayed like another
        "Ann <ann@example.org>",
        "ann@example.org,bob@example.org",
        "\ud800@example.org",
    ],
)
def test_what_is_no_address_is_refused_without_being_repeated(typed: str) -> None:
    with pytest.raises(InvalidEmailAddress) as refusal:
        parse_email_address(typed)
    assert str(refusal.value) == "is not a valid e-mail address"


INVISIBLE = [
    "\0",
    "\x1b",
    "\x7f",
    "\x85",
    "\xa0",  # NO-BREAK SPACE
    "\xad",  # SOFT HYPHEN
    "\u200b",  # ZERO WIDTH SPACE
    "\u200c",  # ZERO WIDTH NON-JOINER
    "\u200d",  # ZERO WIDTH JOINER
    "\u200e",  # LEFT-TO-RIGHT MARK
    "\u200f",  # RIGHT-TO-LEFT MARK
    "\u2028",  # LINE SEPARATOR
    "\u202e",  # RIGHT-TO-LEFT OVERRIDE
    "\u2066",  # LEFT-TO-RIGHT ISOLATE
    "\u3000",  # IDEOGRAPHIC SPACE
    "\ufeff",  # ZERO WIDTH NO-BREAK SPACE
    "\ue000",  # private use
    "\U000e0041",  # TAG LATIN CAPITAL LETTER A
]


@pytest.mark.parametrize("character", INVISIBLE, ids=ascii)
@pytest.mark.parametrize(
    "address", ["{}ann@example.org", "an{}n@example.org", "ann@exam{}ple.org", "ann@example.org{}"]
)
def test_nothing_invisible_is_in_an_address(address: str, character: str) -> None:
    with pytest.raises(InvalidEmailAddress):
        parse_email_address(address.format(character))


@pytest.mark.parametrize("joiner", ["\u200c", "\u200d"])
def test_a_joiner_is_not_in_a_domain_even_where_idna_allows_it(joiner: str) -> None:
    """After a virama (RFC 5892, appendix A): a domain without it would look the same in many fonts."""
    label = f"\u0915\u094d{joiner}\u0937"
    encoded = f"xn--{label.encode('punycode').decode()}"
    for domain in (label, encoded):
        with pytest.raises(InvalidEmailAddress):
            parse_email_address(f"ann@{domain}.example")


class TestLength:
    """In octets, and of what is stored: 64 before the `@`, 254 in all."""

    @pytest.mark.parametrize(
        "local", ["a" * 64, "é" * 32, "e\u0301" * 32, "😀" * 16, "ᾇ" * 21, "\u03b1\u0314\u0342\u0345" * 21]
    )
    def test_64_octets_before_the_at_are_accepted_in_every_spelling(self, local: str) -> None:
        assert parse_email_address(f"{local}@example.org")

    @pytest.mark.parametrize(
        "local",
        [
            "a" * 65,
            "é" * 32 + "a",
            "😀" * 17,
            "ᾇ" * 22,
            "Ⱥ" * 22,  # 44 octets, whose lower case has 66
        ],
    )
    def test_more_are_refused(self, local: str) -> None:
        with pytest.raises(InvalidEmailAddress):
            parse_email_address(f"{local}@example.org")

    @pytest.mark.parametrize("local", ["a" * 64, "é" * 32, "e\u0301" * 32])
    def test_254_in_all_are_accepted_and_no_more(self, local: str) -> None:
        domain = ".".join(["b" * 60] * 3 + ["cccccc"])  # 189 octets, with the `@` 190
        assert len(parse_email_address(f"{local}@{domain}").text.encode()) == 254
        with pytest.raises(InvalidEmailAddress):
            parse_email_address(f"{local}@{domain}c")

    def test_so_they_are_of_one_whose_lower_case_is_longer(self) -> None:
        domain = ".".join(["b" * 60] * 3 + ["ccccccc"])  # 190 octets
        assert len(parse_email_address(f"{'Ⱥ' * 21}@{domain}").text.encode()) == 254
        with pytest.raises(InvalidEmailAddress):
            parse_email_address(f"{'Ⱥ' * 21}@{domain}c")

    def test_of_a_domain_what_counts_is_how_it_is_encoded(self) -> None:
        label = "ü" * 50
        assert len(label.encode("punycode")) + len("xn--") <= 63
        assert parse_email_address(f"ann@{label}.example")
        with pytest.raises(InvalidEmailAddress):
            parse_email_address(f"ann@{'.'.join([label] * 5)}.example")

    def test_what_is_too_long_in_any_spelling_is_not_looked_into(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Accents are sorted, in time that grows with the square of their number."""
        normalize, lengths = unicodedata.normalize, [0]

        def measure(form: Literal["NFC", "NFD", "NFKC", "NFKD"], text: str) -> str:
            lengths.append(len(text))
            return normalize(form, text)

        monkeypatch.setattr(unicodedata, "normalize", measure)
        with pytest.raises(InvalidEmailAddress):
            parse_email_address("a" + "\u0301\u0316" * 4000 + "@example.org")
        assert max(lengths) < 2000


LETTERS = st.characters(exclude_categories=["C", "Z"])
TRAPS = st.sampled_from(
    [
        *"aAzZ0.+-_'",
        *"éÉßẞſıİiKkÅåΣσςΑὙᾇﬁ²ａＡаАـאب가ㄱ",
        "\u212a",
        "\u0301",
        "\u0307",
        "\u0327",
        "\u0345",
        "\u1100",
        "\u1161",
        "\ufe0f",
    ]
)
LOCALS = st.text(st.one_of(TRAPS, LETTERS), min_size=1, max_size=12)
DOMAINS = st.builds(
    "{}.{}".format, st.text(st.one_of(TRAPS, LETTERS), min_size=1, max_size=6), st.just("example")
)
ADDRESSES = st.one_of(
    st.emails(), st.builds("{}@example.org".format, LOCALS), st.builds("ann@{}".format, DOMAINS)
)


def parsed(typed: str) -> EmailAddress:
    try:
        return parse_email_address(typed)
    except InvalidEmailAddress:
        reject()


@given(ADDRESSES)
def test_normalising_twice_changes_nothing(typed: str) -> None:
    once = parsed(typed)
    assert parse_email_address(once.text) == once


@given(ADDRESSES)
def test_composed_and_decomposed_spellings_are_one(typed: str) -> None:
    address = parsed(typed)
    assert parse_email_address(unicodedata.normalize("NFD", typed)) == address
    assert parse_email_address(unicodedata.normalize("NFC", typed)) == address


@given(ADDRESSES)
def test_capitals_change_nothing(typed: str) -> None:
    address = parsed(typed)
    assert parse_email_address("".join(map(capital, typed))) == address


def capital(letter: str) -> str:
    """Where a letter has one of its own; that of sigma is the capital of two, and which is meant its place tells."""
    upper = letter.upper()
    return upper if len(upper) == 1 and upper.lower() == letter and upper != "Σ" else letter


@given(DOMAINS)
def test_a_domain_is_one_in_its_own_letters_and_encoded(typed: str) -> None:
    address = parsed(f"ann@{typed}")
    _, _, domain = address.text.rpartition("@")
    assert domain.isascii()
    assert parse_email_address(f"ann@{idna.decode(domain)}") == address
    assert parse_email_address(f"ann@{domain.upper()}") == address


@given(ADDRESSES)
def test_what_is_stored_fits_and_shows_all_that_it_holds(typed: str) -> None:
    address = parsed(typed)
    local, _, domain = address.text.rpartition("@")
    assert len(local.encode()) <= 64
    assert len(address.text.encode()) <= 254
    assert domain.isascii()
    assert not {unicodedata.category(character)[0] for character in address.text} & {"C", "Z"}


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
