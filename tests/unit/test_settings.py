"""What an operator is told of settings that are wrong."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from config.settings import ServiceSettings, SettingsError, load

SECRET = "hunter2-never-shown"
RIGHT = {
    "database_url": f"mysql://registration:{SECRET}@127.0.0.1:3306/registration",
    "secret_key": f"{SECRET}-and-long-enough-to-be-taken",
    "mail_from": "Example App <login@example.com>",
}
WRONG = {
    "database_url": f"postgres://registration:{SECRET}@127.0.0.1/registration",
    "secret_key": SECRET,
    "mail_from": SECRET,
    "mail_provider": f"postmark,{SECRET}",
    "mail_templates": f"/does/not/exist/{SECRET}",
    "port": SECRET,
    "admin_port": "65536",
    "bcrypt_cost": "17",
    "code_digits": "three",
    "code_ttl_seconds": "0",
    "mail_cooldown_seconds": "-1",
    "mails_per_hour": "many",
    "mails_per_day": "1.5",
    "password_min_length": "65",
    "client_limits": f"register={SECRET}",
    "rate_limit_storage": f"redis://:{SECRET}@host:port/x",
    "trusted_proxies": SECRET,
    "cors_origins": f"https://example.com/{SECRET}",
    "retention_days": "0",
    "log_format": SECRET,
    "log_level": SECRET,
}

Set = Callable[..., None]


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> Set:
    """Set variables: `mail_from` is REGISTRATION_MAIL_FROM. Nothing else of ours is set, but what has to be."""
    for name in list(os.environ):
        if name.startswith("REGISTRATION_"):
            monkeypatch.delenv(name)

    def set_variables(**variables: object) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(f"REGISTRATION_{name.upper()}", str(value))

    set_variables(**RIGHT)
    return set_variables


def faults() -> dict[str, str]:
    """What is wrong with each variable, by the last words of its name."""
    with pytest.raises(SettingsError) as raised:
        load(ServiceSettings)
    for line in raised.value.lines:
        assert line.startswith("REGISTRATION_")
        assert "\n" not in line
        assert SECRET not in line
    told = [line.removeprefix("REGISTRATION_").partition(": ") for line in raised.value.lines]
    faults = {name.lower(): fault for name, _, fault in told}
    assert len(faults) == len(told)
    return faults


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_one_is_named_without_its_value(given: Set, name: str) -> None:
    given(**{name: WRONG[name]})
    assert list(faults()) == [name]


def test_all_that_are_wrong_are_named_at_once(given: Set) -> None:
    given(**WRONG)
    assert set(faults()) == set(WRONG)


def test_all_that_are_missing_are_named_at_once(monkeypatch: pytest.MonkeyPatch, given: Set) -> None:
    for name in RIGHT:
        monkeypatch.delenv(f"REGISTRATION_{name.upper()}")
    assert faults() == dict.fromkeys(RIGHT, "is not set")


@pytest.mark.parametrize(
    "name, value",
    [
        ("cors_origins", f"https://[{SECRET}"),
        ("cors_origins", f"https://{SECRET}\u2100"),  # Python's own message quotes what has such a character
        ("mail_api_url", f"https://{SECRET}\u2100"),
        ("rate_limit_storage", f"redis://:{SECRET}@\u2100:6379/0"),
        ("mail_templates", f"/{SECRET * 100}"),
    ],
)
def test_one_that_python_cannot_even_look_at_is_named_without_its_value(
    given: Set, name: str, value: str
) -> None:
    given(**{name: value})
    assert list(faults()) == [name]


@pytest.mark.parametrize(
    "name", ["secret_key", "database_url", "mail_from", "mail_postmark_api_key", "host", "log_level"]
)
def test_one_that_is_no_text_is_named_here_and_not_where_it_is_used(given: Set, name: str) -> None:
    """An environment holds bytes; what is no UTF-8 among them comes as lone surrogates."""
    no_text = os.fsdecode(b"\xff")
    given(**{name: f"{RIGHT.get(name, SECRET)}{no_text}"})
    assert faults() == {name: "must be text in UTF-8"}


@pytest.mark.parametrize("name", ["admin_port", "mail_templates"])
def test_one_that_may_be_left_out_may_be_empty(given: Set, name: str) -> None:
    given(**{name: ""})
    assert getattr(load(ServiceSettings), name) is None


@pytest.mark.parametrize("name", ["mail_from", "mail_templates", "port"])
def test_faults_elsewhere_do_not_hide_what_a_mail_provider_lacks(given: Set, name: str) -> None:
    given(**{name: WRONG[name]}, mail_provider="postmark")
    assert set(faults()) == {name, "mail_api_key"}


class TestFiles:
    def test_all_that_cannot_be_read_are_named_with_all_other_faults(
        self, monkeypatch: pytest.MonkeyPatch, given: Set, tmp_path: Path
    ) -> None:
        monkeypatch.delenv("REGISTRATION_SECRET_KEY")
        (tmp_path / "no-text").write_bytes(b"\xff\xfe\xfd")
        given(
            secret_key_file=tmp_path / "none",
            mail_api_key_file=tmp_path / "no-text",
            mail_brevo_api_key_file=tmp_path,
            port="http",
        )
        assert faults() == {
            "secret_key_file": "the file cannot be read",
            "mail_api_key_file": "the file cannot be read",
            "mail_brevo_api_key_file": "the file cannot be read",
            "port": "must be a valid integer",
        }

    @pytest.mark.parametrize("file", ["{}", "{}\n", "\ufeff{}\r\n"])
    def test_are_read_where_nothing_else_is_set_whoever_wrote_them(
        self, monkeypatch: pytest.MonkeyPatch, given: Set, tmp_path: Path, file: str
    ) -> None:
        monkeypatch.delenv("REGISTRATION_MAIL_FROM")
        (tmp_path / "from").write_bytes(file.format(RIGHT["mail_from"]).encode())
        given(mail_from_file=tmp_path / "from")
        assert load(ServiceSettings).mail_from == RIGHT["mail_from"]


class TestTheAuthorityOfTheDatabase:
    @pytest.mark.parametrize("path", ["/does/not/exist", "", f"/{SECRET * 100}"])
    def test_must_be_a_file(self, given: Set, path: str) -> None:
        given(database_url=f"{RIGHT['database_url']}?ssl_ca={path}")
        assert faults() == {"database_url": "its ssl_ca names no file that can be read"}

    def test_must_be_a_certificate(self, given: Set, tmp_path: Path) -> None:
        (tmp_path / "ca.pem").write_text("-----BEGIN CERTIFICATE-----\n")
        given(database_url=f"{RIGHT['database_url']}?ssl_ca={tmp_path / 'ca.pem'}")
        assert "holds no certificate" in faults()["database_url"]
