import pytest

from config.settings import AdminSettings, SettingsError, load

EVERYWHERE = "0.0.0.0"  # noqa: S104 - nothing is bound
CLASH = "REGISTRATION_ADMIN_PORT: must not be REGISTRATION_PORT: what it tells is not for everybody"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("HOST", "PORT", "ADMIN_HOST", "ADMIN_PORT"):
        monkeypatch.delenv(f"REGISTRATION_{name}", raising=False)
    return monkeypatch


def put(environment: pytest.MonkeyPatch, settings: dict[str, str]) -> None:
    for name, value in settings.items():
        environment.setenv(f"REGISTRATION_{name}", value)


def test_it_is_off_unless_it_is_set() -> None:
    assert load(AdminSettings).admin_port is None


def test_empty_is_off(environment: pytest.MonkeyPatch) -> None:
    put(environment, {"ADMIN_PORT": ""})
    assert load(AdminSettings).admin_port is None


@pytest.mark.parametrize(
    "settings",
    [
        {"ADMIN_PORT": "9000"},
        {"ADMIN_PORT": "9000", "HOST": EVERYWHERE, "ADMIN_HOST": "::"},
        {"ADMIN_PORT": "8000", "HOST": "192.0.2.1"},
    ],
)
def test_an_address_apart_from_the_public_one_will_do(
    environment: pytest.MonkeyPatch, settings: dict[str, str]
) -> None:
    put(environment, settings)
    admin = load(AdminSettings)
    assert admin.admin_port == int(settings["ADMIN_PORT"])
    assert admin.admin_host == settings.get("ADMIN_HOST", "127.0.0.1")


@pytest.mark.parametrize(
    "settings",
    [
        {"ADMIN_PORT": "8000"},
        {"ADMIN_PORT": "9000", "PORT": "9000"},
        {"ADMIN_PORT": "8000", "HOST": EVERYWHERE},
        {"ADMIN_PORT": "8000", "HOST": "192.0.2.1", "ADMIN_HOST": EVERYWHERE},
        {"ADMIN_PORT": "8000", "HOST": "::", "ADMIN_HOST": "::1"},
    ],
)
def test_the_public_address_will_not(environment: pytest.MonkeyPatch, settings: dict[str, str]) -> None:
    put(environment, settings)
    with pytest.raises(SettingsError) as refusal:
        load(AdminSettings)
    assert refusal.value.lines == [CLASH]


@pytest.mark.parametrize("port", ["0", "65536", "-1", "metrics", " "])
def test_what_is_no_port_is_named(environment: pytest.MonkeyPatch, port: str) -> None:
    put(environment, {"ADMIN_PORT": port})
    with pytest.raises(SettingsError) as refusal:
        load(AdminSettings)
    [line] = refusal.value.lines
    assert line.startswith("REGISTRATION_ADMIN_PORT: ")


def test_a_wrong_public_port_is_told_alone(environment: pytest.MonkeyPatch) -> None:
    put(environment, {"PORT": "http", "ADMIN_PORT": "9000"})
    with pytest.raises(SettingsError) as refusal:
        load(AdminSettings)
    [line] = refusal.value.lines
    assert line.startswith("REGISTRATION_PORT: ")
