"""The mail providers' settings, as an operator writes them."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from config.settings import FixtureSettings, MailSettings, ServiceSettings, SettingsError, load
from registration.adapters.mail.provider import Provider
from registration.adapters.mail.providers import PROVIDERS
from tests.unit.mail.examples import MESSAGE

SECRET = "never-shown-0123456789"
SES = {
    "mail_ses_region": "eu-west-1",
    "mail_ses_access_key_id": "AKIDEXAMPLE",
    "mail_ses_secret_access_key": SECRET,
}
NEEDS_BESIDES_A_KEY = {"ses": SES, "mailgun": {"mail_mailgun_domain": "mg.example.com"}}

Set = Callable[..., None]


@pytest.fixture(autouse=True)
def given(monkeypatch: pytest.MonkeyPatch) -> Set:
    """Set variables: `mail_from` is REGISTRATION_MAIL_FROM. Nothing else of ours is set, but whom mails are from."""
    for name in list(os.environ):
        if name.startswith("REGISTRATION_"):
            monkeypatch.delenv(name)

    def set_variables(**variables: object) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(f"REGISTRATION_{name.upper()}", str(value))

    set_variables(mail_from="Example App <login@mail.example.com>")
    return set_variables


def providers() -> list[Provider]:
    return list(load(MailSettings).providers)


def urls() -> dict[str, str]:
    return {provider.name: provider.request(MESSAGE).url for provider in providers()}


def faults(group: type[MailSettings] = MailSettings) -> list[str]:
    with pytest.raises(SettingsError) as raised:
        load(group)
    for line in raised.value.lines:
        assert SECRET not in line
        assert "\n" not in line
    return raised.value.lines


class TestOneProvider:
    def test_is_mailpit_on_this_machine_where_nothing_is_said(self) -> None:
        assert urls() == {"mailpit": "http://127.0.0.1:8025/api/v1/send"}

    @pytest.mark.parametrize("name", PROVIDERS)
    def test_has_the_address_and_the_key_that_bear_no_name(self, given: Set, name: str) -> None:
        given(mail_provider=name, mail_api_url="http://provider.test", mail_api_key="user:key")
        given(**NEEDS_BESIDES_A_KEY.get(name, {}))

        assert list(urls()) == [name]
        assert urls()[name].startswith("http://provider.test/")

    def test_may_have_those_that_bear_its_name_as_one_of_several_does(self, given: Set) -> None:
        given(mail_provider="postmark", mail_postmark_api_key="k", mail_postmark_api_url="http://own.test")

        assert urls() == {"postmark": "http://own.test/email"}

    @pytest.mark.parametrize("name", ["postmark", "resend", "brevo"])
    def test_is_refused_without_a_key(self, given: Set, name: str) -> None:
        given(mail_provider=name)

        assert faults() == ["REGISTRATION_MAIL_API_KEY: is not set"]

    def test_takes_an_empty_variable_for_one_that_is_not_set(self, given: Set) -> None:
        given(mail_provider="postmark", mail_api_key="", mail_api_url="")

        assert faults() == ["REGISTRATION_MAIL_API_KEY: is not set"]

    def test_is_refused_without_what_it_needs_besides(self, given: Set) -> None:
        given(mail_provider="mailgun")
        assert set(faults()) == {
            "REGISTRATION_MAIL_MAILGUN_DOMAIN: is not set",
            "REGISTRATION_MAIL_API_KEY: is not set",
        }
        given(mail_provider="ses")
        assert faults() == [
            "REGISTRATION_MAIL_SES_REGION: is not set",
            "REGISTRATION_MAIL_SES_ACCESS_KEY_ID: is not set",
            "REGISTRATION_MAIL_SES_SECRET_ACCESS_KEY: is not set",
        ]

    def test_is_refused_when_a_setting_is_of_another_form(self, given: Set) -> None:
        given(mail_provider="ses", **SES | {"mail_ses_region": SECRET + "/"}, mail_api_url=f"ftp://{SECRET}")
        assert faults() == [
            "REGISTRATION_MAIL_SES_REGION: must be a region as in `eu-west-1`",
            "REGISTRATION_MAIL_API_URL: must be an http or https URL",
        ]

    def test_is_refused_when_it_cannot_send_from_the_address(self, given: Set) -> None:
        given(mail_provider="ses", **SES, mail_from="zoë@example.com")

        assert faults() == ["REGISTRATION_MAIL_FROM: must have an address in ASCII for Amazon SES"]


class TestSeveralProviders:
    def test_are_asked_in_the_order_in_which_they_are_listed(self, given: Set) -> None:
        given(mail_provider=" resend, ses,mailpit ", mail_resend_api_key="re_1", **SES)

        assert [provider.name for provider in providers()] == ["resend", "ses", "mailpit"]

    def test_have_each_their_own_address_and_key(self, given: Set) -> None:
        given(mail_provider="brevo,mailpit", mail_brevo_api_key="k", mail_mailpit_api_url="http://own.test")

        assert urls() == {
            "brevo": "https://api.brevo.com/v3/smtp/email",
            "mailpit": "http://own.test/api/v1/send",
        }

    def test_are_not_all_at_the_address_of_one(self, given: Set) -> None:
        given(
            mail_provider="mailpit,ses", mail_api_url="http://provider.test", mail_api_key="user:key", **SES
        )

        assert urls()["mailpit"] == "http://127.0.0.1:8025/api/v1/send"
        assert urls()["ses"] == "https://email.eu-west-1.amazonaws.com/v2/email/outbound-emails"

    def test_say_everything_that_is_wrong_at_once(self, given: Set) -> None:
        given(
            mail_provider="postmark,mailpit,ses,mailgun",
            mail_api_key="user:key",
            mail_mailpit_api_key=SECRET,
            mail_mailgun_api_key="k",
            mail_mailgun_domain="a/b",
            mail_from="zoë@example.com",
        )

        assert faults() == [
            "REGISTRATION_MAIL_POSTMARK_API_KEY: is not set",
            "REGISTRATION_MAIL_MAILPIT_API_KEY: must be of the form `user:password`",
            "REGISTRATION_MAIL_SES_REGION: is not set",
            "REGISTRATION_MAIL_SES_ACCESS_KEY_ID: is not set",
            "REGISTRATION_MAIL_SES_SECRET_ACCESS_KEY: is not set",
            "REGISTRATION_MAIL_FROM: must have an address in ASCII for Amazon SES",
            "REGISTRATION_MAIL_MAILGUN_DOMAIN: must be a domain name in ASCII",
            "REGISTRATION_MAIL_FROM: must have an address in ASCII for Mailgun",
        ]


@pytest.mark.parametrize(
    "names, problem",
    [
        (
            names,
            "must be one of mailpit, postmark, resend, ses, mailgun, brevo, or several with commas between",
        )
        for names in (SECRET, f"mailpit,{SECRET}", "", ",", "mailpit,", "Postmark", "mailpit;ses")
    ]
    + [("ses,mailpit,ses", "must not name a provider twice")],
)
def test_names_that_are_unknown_or_doubled_are_refused(given: Set, names: str, problem: str) -> None:
    given(mail_provider=names)

    assert faults() == [f"REGISTRATION_MAIL_PROVIDER: {problem}"]


def test_a_providers_faults_are_told_together_with_all_others(given: Set) -> None:
    given(
        mail_provider="ses", mail_ses_region="eu-west-1", mail_from=SECRET, port="http", database_url=SECRET
    )

    named = [line.partition(":")[0].removeprefix("REGISTRATION_") for line in faults(ServiceSettings)]

    assert sorted(named) == [
        "DATABASE_URL",
        "MAIL_FROM",
        "MAIL_SES_ACCESS_KEY_ID",
        "MAIL_SES_SECRET_ACCESS_KEY",
        "PORT",
        "SECRET_KEY",
    ]


def test_all_of_them_can_come_from_files(given: Set, tmp_path: Path) -> None:
    given(mail_provider="postmark,ses,mailgun")
    files = SES | {
        "mail_postmark_api_key": SECRET,
        "mail_postmark_api_url": "http://own.test",
        "mail_mailgun_api_key": SECRET,
        "mail_mailgun_domain": "mg.example.com",
    }
    for name, content in files.items():
        (tmp_path / name).write_text(f"{content}\n")
        given(**{f"{name}_file": tmp_path / name})

    postmark, ses, mailgun = (provider.request(MESSAGE) for provider in providers())

    assert postmark.headers["X-Postmark-Server-Token"] == SECRET
    assert postmark.url == "http://own.test/email"
    assert ses.url == "https://email.eu-west-1.amazonaws.com/v2/email/outbound-emails"
    assert mailgun.url == "https://api.mailgun.net/v3/mg.example.com/messages"


def test_a_file_that_cannot_be_read_is_named(given: Set) -> None:
    given(mail_provider="ses", mail_ses_secret_access_key_file="/does/not/exist")

    assert set(faults()) == {
        "REGISTRATION_MAIL_SES_SECRET_ACCESS_KEY_FILE: the file cannot be read",
        "REGISTRATION_MAIL_SES_REGION: is not set",
        "REGISTRATION_MAIL_SES_ACCESS_KEY_ID: is not set",
    }


def test_no_secret_is_shown(given: Set) -> None:
    given(mail_provider="postmark,ses", mail_postmark_api_key=SECRET, mail_api_key=SECRET, **SES)
    settings = load(MailSettings)

    assert SECRET not in repr(settings)
    assert SECRET not in repr(settings.providers)
    assert SECRET not in repr(settings.model_dump())


def test_fixtures_know_the_same_providers(given: Set) -> None:
    given(mail_provider="pigeon", database_url="mysql://u:p@127.0.0.1/n", secret_key=SECRET * 2)

    with pytest.raises(SettingsError, match="REGISTRATION_MAIL_PROVIDER: must be one of"):
        load(FixtureSettings)
