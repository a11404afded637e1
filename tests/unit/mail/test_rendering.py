import re
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from registration.courier.rendering import SHIPPED, Renderer, TemplateFault
from registration.domain.email_address import EmailAddress
from registration.domain.mail import MailKind
from registration.ports import Message, OutgoingMail

CODE_MAIL = OutgoingMail(
    id=UUID(int=1),
    kind=MailKind.ACTIVATION_CODE,
    email=EmailAddress("zoe@example.org"),
    credential_id=UUID(int=2),
    code_key_id=1,
    language="en",
    template_version=1,
    request_id="req-1",
    trace_parent=None,
    age=timedelta(0),
    attempts=0,
    maybe_sent=False,
    provider=None,
    reason=None,
    is_wanted=True,
    lease=UUID(int=3),
)
NOTICE = replace(CODE_MAIL, kind=MailKind.ADDRESS_TAKEN)
RENDERER = Renderer("Example App")
LANGUAGES = sorted(path.name for path in (SHIPPED / "1").iterdir() if path.is_dir())


def render(
    mail: OutgoingMail = CODE_MAIL, code: str | None = "0042", ttl: int = 60, **changes: Any
) -> Message:
    code = code if mail.kind is MailKind.ACTIVATION_CODE else None
    return RENDERER.render(replace(mail, **changes), code, ttl)


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return folder


@pytest.mark.parametrize("mail", [CODE_MAIL, NOTICE], ids=lambda mail: mail.kind)
def test_the_same_mail_is_the_same_bytes_whoever_renders_it_and_when(mail: OutgoingMail) -> None:
    later = replace(mail, attempts=5, age=timedelta(minutes=9), maybe_sent=True, lease=UUID(int=4))

    assert Renderer("Example App").render(later, "0042", 60) == RENDERER.render(mail, "0042", 60)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("code", ["0000", "0042", "9999", "01234567"])
def test_the_code_is_alone_on_its_line(code: str, language: str) -> None:
    message = render(code=code, language=language)

    assert [line for line in message.text.split("\n") if line.isdigit()] == [code]
    assert re.findall(r"^[0-9]{4,8}$", message.text, re.MULTILINE) == [code]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_code_is_in_the_html_once_and_whole_but_not_where_it_shows_on_a_locked_screen(
    language: str,
) -> None:
    message = render(code="7301", language=language)

    assert message.html.count(">7301<") == 1
    assert message.html.count("7301") == 1
    assert "7301" not in message.subject


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_notice_has_nothing_that_looks_like_a_code(language: str) -> None:
    notice = render(NOTICE, language=language)

    assert not re.search(r"[0-9]{4}", notice.subject + notice.text)
    assert not re.search(r">\s*[0-9]+\s*<", notice.html)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("mail", [CODE_MAIL, NOTICE], ids=lambda mail: mail.kind)
def test_every_part_names_the_service_and_the_address(mail: OutgoingMail, language: str) -> None:
    message = render(mail, language=language)

    assert "Example App" in message.subject
    for part in (message.text, message.html):
        assert "Example App" in part
        assert "zoe@example.org" in part


@pytest.mark.parametrize(
    "language, sentence, durations",
    [
        (
            "en",
            "It works for {}, counted from when this mail was sent.",
            ["one second", "90 seconds", "one minute", "2 minutes"],
        ),
        (
            "de",
            "Er gilt {}, gerechnet ab dem Versand dieser Nachricht.",
            ["eine Sekunde", "90 Sekunden", "eine Minute", "2 Minuten"],
        ),
        (
            "fr",
            "Il est valable {} à compter de l’envoi de ce message.",
            ["une seconde", "90 secondes", "une minute", "2 minutes"],
        ),
    ],
)
def test_says_how_long_the_code_works(language: str, sentence: str, durations: list[str]) -> None:
    for seconds, words in zip([1, 90, 60, 120], durations, strict=True):
        message = render(ttl=seconds, language=language)

        assert f"\n{sentence.format(words)}\n" in message.text
        assert sentence.format(f"<strong>{words}</strong>") in message.html


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("mail", [CODE_MAIL, NOTICE], ids=lambda mail: mail.kind)
def test_html_is_escaped_and_text_is_not(mail: OutgoingMail, language: str) -> None:
    address = EmailAddress("o'neill&co@example.org")
    message = Renderer('<b>"App" & Söhne</b>').render(
        replace(mail, email=address, language=language), "0042", 60
    )

    assert '<b>"App" & Söhne</b>' in message.text
    assert "o'neill&co@example.org" in message.text
    assert "&lt;b&gt;&#34;App&#34; &amp; Söhne&lt;/b&gt;" in message.html
    assert "<b>" not in message.html
    assert "o&#39;neill&amp;co@example.org" in message.html
    assert message.subject.count("\n") == 0


class _Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.open: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        self.attributes += attrs
        if tag not in {"meta", "br", "img"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("mail", [CODE_MAIL, NOTICE], ids=lambda mail: mail.kind)
def test_html_is_well_formed_says_its_language_and_fetches_nothing(mail: OutgoingMail, language: str) -> None:
    html = render(mail, language=language).html
    elements = _Elements()
    elements.feed(html)

    assert elements.open == []
    assert ("lang", language) in elements.attributes
    assert {name for name, _ in elements.attributes}.isdisjoint(
        {"src", "href", "background", "onclick", "onload"}
    )
    assert "url(" not in html
    assert "http" not in html


def _shape(message: Message) -> tuple[list[str], int]:
    elements = _Elements()
    elements.feed(message.html)
    return elements.seen, message.text.count("\n\n")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("mail", [CODE_MAIL, NOTICE], ids=lambda mail: mail.kind)
def test_every_language_has_the_same_parts(mail: OutgoingMail, language: str) -> None:
    assert _shape(render(mail, language=language)) == _shape(render(mail, language="en"))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("mail", [CODE_MAIL, NOTICE], ids=lambda mail: mail.kind)
def test_no_line_of_text_is_too_long_to_be_shown_whole(mail: OutgoingMail, language: str) -> None:
    assert max(len(line) for line in render(mail, language=language).text.splitlines()) <= 79


@pytest.mark.parametrize("mail", [CODE_MAIL, NOTICE], ids=lambda mail: mail.kind)
def test_french_punctuation_never_begins_a_line(mail: OutgoingMail) -> None:
    message = render(mail, language="fr")

    for part in (message.subject, message.text, message.html.partition("<h1")[2]):
        words = re.sub(r'style="[^"]*"', "", part)
        assert not re.search(r" [:;?!]", words)


def test_the_languages_are_those_in_which_there_is_everything(tmp_path: Path) -> None:
    assert RENDERER.languages == ["de", "en", "fr"]

    parts = ("subject.txt", "txt", "html")
    code = {f"1/pt-br/activation-code.{part}": "{{ code }}\n" for part in parts}
    code["1/pt-br/activation-code.subject.txt"] = "o código"
    assert Renderer("Example App", write(tmp_path, code)).languages == ["de", "en", "fr"]

    notice = {f"1/pt-br/address-taken.{part}": "olá" for part in parts}
    assert Renderer("Example App", write(tmp_path, notice)).languages == ["de", "en", "fr", "pt-br"]


@pytest.mark.parametrize("language", ["tlh", "en-GB", "EN", "", "../../../etc", "x" * 35, "zh-Hant-TW"])
def test_a_language_that_there_is_not_falls_back_to_english(language: str) -> None:
    assert render(language=language) == render(language="en")


def test_an_operators_template_takes_the_place_of_ours(tmp_path: Path) -> None:
    own = write(tmp_path, {"1/en/activation-code.subject.txt": "Hello from\n{{ service_name }}\n"})
    message = Renderer("Example App", own).render(CODE_MAIL, "0042", 60)

    assert message.subject == "Hello from Example App"
    assert message.text == render().text


def test_an_operator_can_add_a_language(tmp_path: Path) -> None:
    own = write(
        tmp_path,
        {
            "1/tlh/activation-code.subject.txt": "ngoq",
            "1/tlh/activation-code.txt": "{{ code }}\n",
            "1/tlh/activation-code.html": "<b>{{ code }}</b>",
        },
    )
    renderer = Renderer("Example App", own)

    assert renderer.render(replace(CODE_MAIL, language="tlh-QoNoS"), "0042", 60).text == "0042\n"
    assert renderer.render(replace(NOTICE, language="tlh"), None, 60) == render(NOTICE)


@pytest.mark.parametrize(
    "name, content, fault",
    [
        ("1/en/activation-code.txt", "{{ code", r"1/en/activation-code\.txt: "),
        ("1/en/activation-code.txt", "{{ cod }}", r"1/en/activation-code\.txt: 'cod' is undefined"),
        (
            "1/en/activation-code.txt",
            "code: {{ code }}",
            r"1/en/activation-code\.txt: the code must be alone",
        ),
        (
            "1/en/activation-code.subject.txt",
            "{{ code }}",
            r"1/en/activation-code\.subject\.txt: .* no code",
        ),
        ("1/en/address-taken.html", "{{ code }}", r"1/en/address-taken\.html: 'code' is undefined"),
    ],
)
def test_a_template_that_cannot_be_used_is_named_at_the_start(
    tmp_path: Path, name: str, content: str, fault: str
) -> None:
    with pytest.raises(TemplateFault, match=fault):
        Renderer("Example App", write(tmp_path, {name: content}))


@pytest.mark.parametrize(
    "language", ["pt-BR", "deutsch_at", "d", "x" * 9, "de-" + "-".join(["abcdefgh"] * 4)]
)
def test_a_folder_that_no_mail_would_find_is_named_at_the_start(tmp_path: Path, language: str) -> None:
    with pytest.raises(TemplateFault, match="must be named for a language"):
        Renderer("Example App", write(tmp_path, {f"1/{language}/address-taken.txt": "x"}))


def test_a_folder_that_is_not_there_is_said_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(TemplateFault, match="is no folder"):
        Renderer("Example App", tmp_path / "missing")


def test_a_version_that_this_release_does_not_know_is_a_fault() -> None:
    with pytest.raises(TemplateFault, match="99/en/activation-code: is missing"):
        render(template_version=99)
