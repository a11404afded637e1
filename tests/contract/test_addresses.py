"""That no database takes two addresses for one, or one for two, whatever its collations make of letters."""

import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

from registration.address_syntax import InvalidEmailAddress, parse_email_address
from registration.domain.email_address import EmailAddress
from tests.contract.conftest import Store

ALIKE = [
    ["ann", "ａnn", "аnn", "änn", "ånn", "anṇ", "ann\ufe0f", "an\u034fn", "ann\u3164", "a.nn", "ann+tag"],
    ["ann2", "ann²", "ann₂", "ann②", "ann٢", "ann२"],
    ["strasse", "straße", "ſtrasse", "stras.se"],
    ["fiona", "ﬁona", "fıona", "fi̇ona", "fíona"],
    ["aesa", "æsa", "ǽsa", "oesa", "œsa", "øsa", "osa"],
    ["οδος", "οδοσ", "ὁδος", "όδος"],
    ["はは", "ハハ", "ﾊﾊ", "ばば", "ぱぱ", "はば"],
    ["가", "ㄱㅏ", "ᄀㅏ"],
    ["😀", "😁", "❤", "❤\ufe0f", "𝒶", "a"],
    ["שלום", "שלוֹם", "سلام", "سلٰام"],
    ["a_n", "a%n", "a?n", "a'n", "a`n", "a*n", "a--n", "a#n"],
]
DOMAINS = [
    "example.org",
    "exаmple.org",
    "éxample.org",
    "straße.example",
    "strasse.example",
    "xn--4dbc.example",
]

LOOKALIKES = [f"{local}@example.org" for locals_ in ALIKE for local in locals_] + [
    f"bob@{domain}" for domain in DOMAINS
]

RELATIVES: list[Callable[[str], str]] = [
    str.casefold,
    str.upper,
    str.title,
    lambda text: unicodedata.normalize("NFD", text),
    lambda text: unicodedata.normalize("NFKC", text),
    lambda text: "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c)),
    lambda text: "".join(c for c in text if c not in "\ufe0f\u034f\u3164"),
    lambda text: text.replace("a", "а").replace("o", "ο"),
    lambda text: text.replace("ß", "ss").replace("æ", "ae"),
    lambda text: text.replace("ς", "σ").replace("ı", "i"),
    lambda text: text[::-1],
    lambda text: f"{text}\ufe0f",
]
TRAPS = st.sampled_from(
    [*"aoAO0.+-'_%", *"éßæøıİςσΣᾇ²ﬁａаאب가ハﾊば😀😁", "\u0301", "\u0307", "\ufe0f", "\u034f", "\u3164"]
)
LETTERS = st.characters(exclude_categories=["C", "Z"])


async def test_addresses_that_look_alike_are_as_many_accounts(store: Store) -> None:
    addresses = [parse_email_address(typed) for typed in LOOKALIKES]
    assert len(set(addresses)) == len(LOOKALIKES)
    registered = {address: (await store.register(address))[0] for address in addresses}
    for address in addresses:
        assert (await store.account(address)).registration == registered[address]


@pytest.mark.parametrize(
    "typed, spelled",
    [
        ("Ann@Example.ORG", "ann@example.org"),
        ("ÉMILE@example.org", "e\u0301mile@example.org"),
        ("\u212aim@example.org", "kim@example.org"),
        ("İ@example.org", "i̇@example.org"),
        ("ΓΙΏΡΓΟΣ.ΣΑΣ@example.org", "γιώργος.σας@example.org"),
        ("\u1112\u1161\u11ab@example.org", "한@example.org"),
        ("ann@BÜCHER.example", "ann@xn--bcher-kva.example"),
        ("ann@ｂücher。example", "ann@bu\u0308cher.example"),
    ],
)
async def test_spellings_of_one_address_are_one_account(store: Store, typed: str, spelled: str) -> None:
    registration, _ = await store.register(parse_email_address(typed))
    assert (await store.account(parse_email_address(spelled))).registration == registration


async def test_the_longest_address_is_kept_whole(store: Store) -> None:
    """And another that differs in its last letter is another."""
    label = "b" * 60
    one, other = (parse_email_address(f"{'😀' * 16}@{label}.{label}.{label}.ccccc{end}") for end in "de")
    assert len(one.text.encode()) == 254
    registration, _ = await store.register(one)
    assert (await store.account(one)).registration == registration
    assert (await store.account(other)).registration is None


def parsed(local: str) -> EmailAddress:
    try:
        return parse_email_address(f"{local}@example.org")
    except InvalidEmailAddress:
        reject()


@given(st.text(st.one_of(TRAPS, LETTERS), min_size=1, max_size=8), st.sampled_from(RELATIVES))
@settings(
    max_examples=50,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much],
)
async def test_what_differs_when_normalised_never_meets(
    store: Store, local: str, make_relative: Callable[[str], str]
) -> None:
    """All examples share the tables, so an address meets those of the examples before, too."""
    one, other = parsed(local), parsed(make_relative(local))
    first, _ = await store.register(one)
    second, _ = await store.register(other)
    assert (await store.account(one)).registration == (second if one == other else first)
    assert (await store.account(other)).registration == second
