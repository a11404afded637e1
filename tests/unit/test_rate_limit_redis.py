import pytest

from config.settings import PolicySettings, SettingsError, load
from registration.adapters.rate_limit_redis import is_redis_uri


@pytest.mark.parametrize(
    "uri",
    [
        "redis://127.0.0.1:6379",
        "redis://127.0.0.1:6379/0",
        "redis://:password@127.0.0.1:6379/0",
        "redis://user:p%40ss%2Fword@redis.example:6379/3",
        "rediss://[::1]:6379/0?ssl_ca_certs=/etc/ssl/redis.pem",
    ],
)
def test_a_uri_of_redis_is_known(uri: str) -> None:
    assert is_redis_uri(uri)


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "memory://x",
        "http://127.0.0.1:6379",
        "redis+cluster://127.0.0.1:6379",
        "redis://:s3cret@127.0.0.1/0",
        "redis://:s3cret@127.0.0.1:port/0",
        "redis://:s3cret@127.0.0.1:99999/0",
        "redis://:s3/cret@127.0.0.1:6379/0",
        "redis://:s3#cret@127.0.0.1:6379/0",
        "redis://:s3cret@127.0.0.1:6379/0?unknown=option",
        "redis://:s3cret@127.0.0.1:6379/0?db=first",
    ],
)
def test_what_could_not_be_asked_is_a_wrong_setting_that_tells_no_password(
    uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not is_redis_uri(uri)
    monkeypatch.setenv("REGISTRATION_RATE_LIMIT_STORAGE", uri)
    with pytest.raises(SettingsError) as error:
        load(PolicySettings)
    assert error.value.lines == [
        "REGISTRATION_RATE_LIMIT_STORAGE: must be memory:// or redis://host:port/number"
    ]
