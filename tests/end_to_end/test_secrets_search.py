"""The search for secrets finds them in each form that they could leak in, and nothing where there is none."""

import hashlib
import hmac
import html
import json
from base64 import b32encode, b64encode, urlsafe_b64encode
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import bcrypt
import pytest

from registration.hashing.bcrypt_hasher import prehash
from tests.end_to_end.secrets_search import found, found_digests, found_hashes, legible

CODE = "01357924"
PASSWORD = 'pâss: wörd 🔑 <"quoted">'
LONG_PASSWORD = "never before so long a password was typed by anybody who was in a hurry"
OTHER = "something else entirely"
NOISE = b"\0\xff2026-11-22T12:00:00.123456Z 7f10ece6420a4b1d8f3e5a6c9b0d1e2f {}\n" * 100

FORMS: dict[str, Callable[[str], bytes]] = {
    "plain": str.encode,
    "in JSON": lambda secret: json.dumps({"x": secret}).encode(),
    "in JSON in JSON": lambda secret: json.dumps(json.dumps({"x": secret})).encode(),
    "in JSON of Unicode": lambda secret: json.dumps({"x": secret}, ensure_ascii=False).encode(),
    "in a traceback in JSON": lambda secret: json.dumps(f"ValueError({secret!r})").encode(),
    "in a repr of bytes": lambda secret: repr(secret.encode()).encode(),
    "in HTML": lambda secret: html.escape(secret).encode(),
    "in a URL": lambda secret: quote(secret).encode(),
    "in a query": lambda secret: quote_plus(secret).encode(),
    "percent by percent": lambda secret: "".join(f"%{byte:02x}" for byte in secret.encode()).encode(),
    "in hexadecimal": lambda secret: secret.encode().hex().encode(),
    "in hexadecimal capitals": lambda secret: secret.encode().hex().upper().encode(),
    "in UTF-16": lambda secret: secret.encode("utf-16"),
    "in base64": lambda secret: b64encode(secret.encode()),
    "in base64 for URLs": lambda secret: urlsafe_b64encode(secret.encode()),
    "in Basic credentials": lambda secret: b64encode(f"ann@example.org:{secret}".encode()),
    "in Basic credentials of one letter more": lambda secret: b64encode(
        f"anna@example.org:{secret}".encode()
    ),
    "in Basic credentials of two letters more": lambda secret: b64encode(
        f"annie@example.org:{secret}!".encode()
    ),
    "in JSON in base64": lambda secret: b64encode(f'{{"x": "{secret}", "y": 1}}'.encode()),
}


@pytest.mark.parametrize("secret", [CODE, PASSWORD, LONG_PASSWORD])
@pytest.mark.parametrize("write", FORMS.values(), ids=FORMS)
def test_a_secret_is_found_however_it_is_written(secret: str, write: Callable[[str], bytes]) -> None:
    place = NOISE + write(secret) + NOISE

    assert found([secret, OTHER], [NOISE, place]) == {secret}
    assert found([secret, OTHER], [NOISE, legible(place)]) == (
        {secret} if write is not FORMS["in UTF-16"] else set()
    )
    assert found([secret, OTHER], [NOISE]) == set()


def test_a_long_password_is_found_where_it_was_cut_off() -> None:
    assert found([LONG_PASSWORD], [LONG_PASSWORD[:40].encode()]) == {LONG_PASSWORD}


def test_a_number_is_found_beside_letters_and_not_within_identifiers_or_longer_numbers() -> None:
    assert found([CODE], [f"code{CODE}failed".encode()]) == {CODE}
    assert found([CODE], [f"1{CODE}".encode(), f"7f10ece6420a4b1d{CODE}8f3e".encode()]) == set()


DIGESTS: dict[str, Callable[[bytes, bytes], bytes]] = {
    "MD5": lambda secret, _: hashlib.md5(secret, usedforsecurity=False).digest(),
    "SHA-1": lambda secret, _: hashlib.sha1(secret, usedforsecurity=False).digest(),
    "SHA-256": lambda secret, _: hashlib.sha256(secret).digest(),
    "SHA-256, cut off": lambda secret, _: hashlib.sha256(secret).digest()[:16],
    "SHA-512": lambda secret, _: hashlib.sha512(secret).digest(),
    "SHA3": lambda secret, _: hashlib.sha3_256(secret).digest(),
    "BLAKE2": lambda secret, _: hashlib.blake2b(secret).digest(),
    "salted before": lambda secret, salt: hashlib.sha256(salt + secret).digest(),
    "salted after": lambda secret, salt: hashlib.sha256(secret + b":" + salt).digest(),
    "an HMAC whose key stands beside": lambda secret, salt: hmac.digest(salt, secret, "sha256"),
    "an HMAC of what stands beside": lambda secret, salt: hmac.digest(secret, salt, "sha512"),
}
WRITTEN: dict[str, Callable[[bytes], bytes]] = {
    "as it is": bytes,
    "in hexadecimal": lambda digest: digest.hex().encode(),
    "in hexadecimal capitals": lambda digest: digest.hex().upper().encode(),
    "in hexadecimal, cut off": lambda digest: digest.hex()[:12].encode(),
    "in base64": b64encode,
    "in base64 for URLs": urlsafe_b64encode,
}


@pytest.mark.parametrize("digest", DIGESTS.values(), ids=DIGESTS)
@pytest.mark.parametrize("write", WRITTEN.values(), ids=WRITTEN)
def test_a_digest_that_could_be_tried_is_found(
    digest: Callable[[bytes, bytes], bytes], write: Callable[[bytes], bytes]
) -> None:
    salt = b"of the same row"
    places = [NOISE, b"sha:" + write(digest(CODE.encode(), salt)) + NOISE]

    assert found_digests({CODE: [b"of another", salt], OTHER: [salt]}, places) == {CODE}
    assert found_digests({OTHER: [salt]}, places) == set()


def test_a_digest_with_a_key_that_is_not_there_is_not_found() -> None:
    place = hmac.digest(b"kept elsewhere", CODE.encode(), "sha256")

    assert found_digests({CODE: [b"of the same row"]}, [place]) == set()


HASHED: dict[str, Callable[[str], bytes]] = {
    "as it is": lambda password: password.encode()[:72],
    "over the service's own digest": prehash,
    "over SHA-256 in base64": lambda password: b64encode(hashlib.sha256(password.encode()).digest()),
    "over SHA-512 in hexadecimal": lambda password: (
        hashlib.sha512(password.encode()).hexdigest()[:72].encode()
    ),
}


@pytest.mark.parametrize("password", [PASSWORD, LONG_PASSWORD])
@pytest.mark.parametrize("prepare", HASHED.values(), ids=HASHED)
def test_a_hash_that_could_be_tried_is_found(password: str, prepare: Callable[[str], bytes]) -> None:
    place = NOISE + bcrypt.hashpw(prepare(password), bcrypt.gensalt(4)) + NOISE

    assert found_hashes([password, OTHER], [NOISE, place]) == {password}


def test_what_nobody_looks_for_is_not_found() -> None:
    """A form that the search does not know: the tests above would notice if it found everything."""
    assert found([CODE, PASSWORD], [b32encode(CODE.encode()), PASSWORD[::-1].encode()]) == set()
