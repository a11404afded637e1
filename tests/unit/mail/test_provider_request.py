from urllib.parse import parse_qs

from registration.adapters.mail.provider import ProviderRequest


def test_a_json_body_is_utf_8_and_says_what_it_is() -> None:
    request = ProviderRequest.with_json("http://provider.test", {"X-Key": "k"}, {"a": "ü"})

    assert request.body == '{"a":"ü"}'.encode()
    assert request.headers == {"X-Key": "k", "Content-Type": "application/json", "Accept": "application/json"}


def test_a_form_carries_any_text() -> None:
    fields = {"from": "Müller, Söhne <a@example.com>", "o:tag": "activation-code", "text": "a=b&c\n+ 0042\n"}

    request = ProviderRequest.with_form("http://provider.test", {}, fields)

    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert parse_qs(request.body.decode()) == {name: [value] for name, value in fields.items()}
