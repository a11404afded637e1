"""From a mail to be sent to the message that a provider is given."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError, select_autoescape

from registration.domain.mail import MailKind
from registration.language import DEFAULT_LANGUAGE
from registration.ports import Message, OutgoingMail

TEMPLATE_VERSION = 1
"""Of the mails that are queued now. A mail keeps the version that it was queued with, so its bytes stay the same."""

SHIPPED = Path(__file__).with_name("templates")

_PARTS = ("subject.txt", "txt", "html")
_BASE = re.compile(rf"(?P<base>\d+/(?P<language>[^/]+)/(?P<kind>{'|'.join(MailKind)}))\.txt")
_LANGUAGE = re.compile(r"(?=.{1,35}$)[a-z]{2,8}(-[a-z0-9]{1,8})*")
"""A tag of RFC 5646 in lower case, as long as one is kept with a mail."""


class TemplateFault(Exception):
    """A template is missing or cannot be used; the message names the file and what is wrong with it."""


@dataclass(frozen=True, slots=True)
class _Rendered:
    subject: str
    text: str = field(repr=False)
    html: str = field(repr=False)


class Renderer:
    """Renders mails from the templates `<version>/<language>/<kind>.{subject.txt,txt,html}`.

    Those in the operator's folder replace the shipped ones of the same path, and may add languages. Each is tried when
    this is made, so that a fault stops the service then and no mail later. Raises TemplateFault.
    """

    def __init__(self, service_name: str, operators_templates: Path | None = None) -> None:
        if operators_templates is not None and not operators_templates.is_dir():
            raise TemplateFault(f"{operators_templates}: is no folder")
        folders = [SHIPPED] if operators_templates is None else [operators_templates, SHIPPED]
        self._service_name = service_name
        self._environment = Environment(
            loader=FileSystemLoader(folders),
            undefined=StrictUndefined,
            autoescape=select_autoescape(["html"], default=False),
            auto_reload=False,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )
        self._paths = frozenset(self._environment.list_templates())
        self._try_all()

    @property
    def languages(self) -> Sequence[str]:
        """Those that every kind of mail can be written in now, for whoever chooses one for a caller."""
        bases = [found for path in self._paths if (found := _BASE.fullmatch(path))]
        return sorted(
            language
            for language in {base["language"] for base in bases}
            if all(self._is_whole(f"{TEMPLATE_VERSION}/{language}/{kind}") for kind in MailKind)
        )

    def render(self, mail: OutgoingMail, code: str | None, code_ttl_seconds: int) -> Message:
        """The message: the same bytes for the same mail and code. Raises TemplateFault for an unknown version."""
        base = self._base(mail.template_version, mail.language, mail.kind)
        rendered = self._render(base, mail.email.text, code, code_ttl_seconds)
        return Message(
            id=mail.id,
            kind=mail.kind,
            to=mail.email,
            subject=rendered.subject,
            text=rendered.text,
            html=rendered.html,
            request_id=mail.request_id,
        )

    def _base(self, version: int, language: str, kind: MailKind) -> str:
        """The path without its ending, in the closest language of which there is every part."""
        for candidate in _closest(language):
            base = f"{version}/{candidate}/{kind}"
            if self._is_whole(base):
                return base
        raise TemplateFault(f"{version}/{DEFAULT_LANGUAGE}/{kind}: is missing")

    def _is_whole(self, base: str) -> bool:
        return all(f"{base}.{part}" in self._paths for part in _PARTS)

    def _render(self, base: str, address: str, code: str | None, code_ttl_seconds: int) -> _Rendered:
        known: dict[str, object] = {"service_name": self._service_name, "address": address}
        if code is not None:
            known |= {"code": code, "code_ttl_seconds": code_ttl_seconds}
        subject, text, html = (self._render_part(f"{base}.{part}", known) for part in _PARTS)
        return _Rendered(" ".join(subject.split()), text, html)

    def _render_part(self, path: str, known: dict[str, object]) -> str:
        try:
            return self._environment.get_template(path).render(known)
        except TemplateError as error:
            raise TemplateFault(f"{path}: {error}") from error

    def _try_all(self) -> None:
        for kind in MailKind:
            self._base(TEMPLATE_VERSION, DEFAULT_LANGUAGE, kind)
        for path in sorted(self._paths):
            if found := _BASE.fullmatch(path):
                if not _LANGUAGE.fullmatch(found["language"]):
                    raise TemplateFault(f"{path}: the folder must be named for a language, as in `pt-br`")
                self._try(found["base"], MailKind(found["kind"]))

    def _try(self, base: str, kind: MailKind) -> None:
        code = "0417" if kind is MailKind.ACTIVATION_CODE else None
        rendered = self._render(base, "somebody@example.org", code, 60)
        if code is not None and code not in rendered.text.splitlines():
            raise TemplateFault(f"{base}.txt: the code must be alone on its line")
        if code is not None and code in rendered.subject:
            raise TemplateFault(f"{base}.subject.txt: a subject is shown on locked screens; no code in it")


def _closest(language: str) -> Iterator[str]:
    """`de-at`, then `de`, then the language that there always is (the lookup of RFC 4647, 3.4)."""
    subtags = language.lower().split("-")
    while subtags:
        yield "-".join(subtags)
        subtags.pop()
    yield DEFAULT_LANGUAGE
