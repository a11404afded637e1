import unicodedata
from collections.abc import Sequence
from typing import Literal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from registration.domain.email_address import EmailAddress
from registration.domain.errors import UnacceptablePassword
from registration.domain.password import check_acceptable, has_forbidden_characters, normalise

ANN = EmailAddress("ann@example.org")
TOO_MANY_ACCENTS = "a" + "\u0301\u0316" * 4000


def faults(password: str, email: EmailAddress = ANN, min_length: int = 8) -> Sequence[str]:
    try:
        check_acceptable(password, email, min_length, is_common=lambda lowered: lowered == "password1")
    except UnacceptablePassword as refusal:
        return refusal.reasons
    return ()


class TestLength:
    @pytest.mark.parametrize(
        "password",
        [
            "12345678",
            "ﬁﬂﬀﬃ",  # 2 + 2 + 2 + 3 characters
            "x" * 256,
            "😀" * 256,
            "é" * 256,
            "e\u0301" * 256,
            "ᾇ" * 256,
            "\u03b1\u0314\u0342\u0345" * 256,
            "ﷺ" * 14,  # 18 characters each
        ],
    )
    def test_it_is_8_to_256_characters_after_normalisation(self, password: str) -> None:
        assert faults(password) == ()

    @pytest.mark.parametrize("password", ["", "1234567", "😀" * 7, "e\u0301" * 7, "ﬁﬁﬁx"])
    def test_fewer_are_too_short(self, password: str) -> None:
        assert faults(password) == ("too-short",)

    @pytest.mark.parametrize(
        "password", ["x" * 257, "😀" * 257, "e\u0301" * 257, "ﷺ" * 15, TOO_MANY_ACCENTS, "x" * 16_000]
    )
    def test_more_are_too_long(self, password: str) -> None:
        assert faults(password) == ("too-long",)

    @given(st.text(st.characters(exclude_categories=["Cs"]), max_size=300))
    @example("\u03b1\u0314\u0342\u0345" * 256)
    def test_no_spelling_of_an_acceptable_one_is_left_unnormalised(self, password: str) -> None:
        forms: tuple[Literal["NFC", "NFD"], ...] = ("NFC", "NFD")
        once = normalise(password)
        assert normalise(once) == once
        if len(once) <= 256:
            assert {normalise(unicodedata.normalize(form, password)) for form in forms} == {once}

    def test_what_is_too_long_in_any_spelling_is_not_normalised(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Accents are sorted, in time that grows with the square of their number."""
        normalize, lengths = unicodedata.normalize, [0]

        def measure(form: Literal["NFC", "NFD", "NFKC", "NFKD"], text: str) -> str:
            lengths.append(len(text))
            return normalize(form, text)

        monkeypatch.setattr(unicodedata, "normalize", measure)
        faults(TOO_MANY_ACCENTS)
        assert max(lengths) < 2000


class TestOneSpelling:
    @pytest.mark.parametrize(
        "one, other",
        [
            ("crème brûlée", "cre\u0300me bru\u0302le\u0301e"),
            ("ﬁve ﬁsh", "five fish"),
            ("ｐａｓｓ", "pass"),
            ("x²", "x2"),
            ("a\u00a0b", "a b"),
            ("한글", "\u1112\u1161\u11ab\u1100\u1173\u11af"),
            ("ﾊﾟｽ", "パス"),
        ],
    )
    def test_one_password_on_different_keyboards_is_one(self, one: str, other: str) -> None:
        assert normalise(one) == normalise(other)

    @pytest.mark.parametrize(
        "one, other",
        [
            ("password", "Password"),
            ("straße", "strasse"),
            ("é", "e"),
            ("pаss", "pass"),
            (" pass", "pass"),
            ("pass ", "pass"),
            ("a\u200db", "ab"),
            ("a\u200fb", "ab"),
            ("x" * 72 + "a", "x" * 72 + "b"),
        ],
    )
    def test_two_passwords_stay_two(self, one: str, other: str) -> None:
        assert normalise(one) != normalise(other)


@pytest.mark.parametrize(
    "password",
    ["before\0after", "tab\there", "new\nline", "\x7f-------", "next\u0085line", "lone \ud800 one"],
)
def test_controls_and_lone_surrogates_are_forbidden(password: str) -> None:
    assert has_forbidden_characters(password)


@pytest.mark.parametrize(
    "password",
    ["סיסמה ארוכה", "كلمة السر الطويلة", "\u202eabc\u202c \u200f!", "👩‍👩‍👧 family", "ไม่เป็นไร", "  spaces  "],
)
def test_every_other_character_may_be_in_it(password: str) -> None:
    assert not has_forbidden_characters(password)
    assert faults(password) == ()


class TestContainingTheAddress:
    @pytest.mark.parametrize(
        "email, password",
        [
            ("ann@example.org", "ann@example.org"),
            ("ann@example.org", "my ANN@Example.ORG!"),
            ("ann@example.org", "ａｎｎ＠ｅｘａｍｐｌｅ．ｏｒｇ"),
            ("ann@example.org", "ＡＮＮ@example.org 1"),
            ("kim@example.org", "\u212aIM@example.org"),
            ("émile@example.org", "e\u0301mile@example.org"),
            ("émile@example.org", "E\u0301MILE@EXAMPLE.ORG"),
            ("straße@example.org", "STRASSE@EXAMPLE.ORG"),
            ("γιώργος.π@example.org", "ΓΙΏΡΓΟΣ.Π@EXAMPLE.ORG"),
            ("ﬁona@example.org", "fiona@example.org"),
            ("ann@xn--bcher-kva.example", "ann@bücher.example"),
            ("ann@xn--bcher-kva.example", "ann@BU\u0308CHER.example"),
            ("ann@xn--bcher-kva.example", "ann@XN--BCHER-KVA.example"),
            ("ann@xn--strae-oqa.example", "ann@straße.example"),
            ("ann@mail.xn--r8jz45g.xn--zckzah", "ann@mail.例え.テスト"),
        ],
    )
    def test_it_is_found_in_every_case_width_and_spelling(self, email: str, password: str) -> None:
        assert faults(password, EmailAddress(email)) == ("contains-email",)

    @pytest.mark.parametrize("password", ["ann at example.org", "аnn@example.org", "ann@example.com"])
    def test_another_is_not(self, password: str) -> None:
        assert faults(password) == ()


def test_every_fault_is_told_at_once() -> None:
    assert faults("Ｐassword1", min_length=10) == ("too-short", "too-common")
    assert faults("ann@example.org " * 17) == ("too-long", "contains-email")
