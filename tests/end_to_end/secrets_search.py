"""Looking for secrets where none may be, as somebody would who has the database, the logs and the metrics."""

import hashlib
import hmac
import html
import json
import re
import unicodedata
from base64 import b64encode, urlsafe_b64encode
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from urllib.parse import quote, quote_plus

import bcrypt

from registration.hashing.bcrypt_hasher import prehash

LONG_IDENTIFIER = re.compile(rb"[0-9a-fA-F]{16,}")
"""Random ones in hexadecimal hold any number sooner or later."""

LEGIBLE = re.compile(rb"[\x20-\x7e\x80-\xf4]{6,}")
BCRYPT = re.compile(rb"\$2[abxy]\$\d\d\$[./A-Za-z0-9]{53}")

ENOUGH = 8
"""So many characters of an encoded secret, or bytes of a digest, are nowhere by chance."""

SHOWN_OF_A_LONG_ONE = 32
"""Whoever cuts long texts off shows that much."""

ALGORITHMS = ("md5", "sha1", "sha256", "sha512")
FURTHER_ALGORITHMS = ("sha224", "sha384", "sha3_256", "sha3_512", "blake2b", "blake2s")


def found(secrets: Iterable[str], places: Collection[bytes]) -> set[str]:
    """Those of the secrets that can be read in one of the places, in whatever spelling or encoding.

    Where letters and bytes are encoded, at least eight characters of a secret are needed to recognise it.
    """
    everything = b"\n".join(places)
    numbers = set(re.findall(rb"\d+", LONG_IDENTIFIER.sub(b" ", everything)))
    return {secret for secret in secrets if _is_in(secret, everything, numbers)}


def found_digests(secrets: Mapping[str, Collection[bytes]], places: Collection[bytes]) -> set[str]:
    """Those of the secrets that somebody who tries them all would recognise by a digest, whole or cut off.

    Each comes with what stands beside its digest, if there is one: that may be a salt, or a key which is none.
    """
    everything = b"\n".join(places)
    beginnings: dict[bytes, list[tuple[bytes, str]]] = defaultdict(list)
    for secret, beside in secrets.items():
        for digest in _digests(secret.encode(), beside):
            beginnings[digest[:ENOUGH]].append((digest, secret))
    return {
        secret
        for at in range(len(everything))
        for digest, secret in beginnings.get(everything[at : at + ENOUGH], ())
        if everything.startswith(digest, at)
    }


def found_hashes(passwords: Iterable[str], places: Collection[bytes]) -> set[str]:
    """Those of the passwords that fit a bcrypt hash in one of the places, as they are or over a digest without a key."""
    hashes = {known for place in places for known in BCRYPT.findall(place)}
    return {
        password
        for password in passwords
        if any(bcrypt.checkpw(tried, known) for tried in _prehashed(password) for known in hashes)
    }


def legible(data: bytes) -> bytes:
    """What can be read in a file that is not text, as strings(1) shows it."""
    return b"\n".join(LEGIBLE.findall(data))


def _is_in(secret: str, everything: bytes, numbers: Collection[bytes]) -> bool:
    if secret.isdecimal():
        return secret.encode() in numbers or any(each in everything for each in _encoded(secret))
    return any(each in everything for each in (*_spelled(secret), *_encoded(secret)))


def _spelled(secret: str) -> set[bytes]:
    """As text within text, and that within JSON, and that within JSON."""
    texts = {secret, secret[:SHOWN_OF_A_LONG_ONE], repr(secret)[1:-1], ascii(secret)[1:-1]}
    texts |= {repr(secret.encode())[2:-1], html.escape(secret)}
    texts |= {quote(secret), quote(secret, safe=""), quote_plus(secret)}
    for _ in range(2):
        texts |= {json.dumps(text, ensure_ascii=only)[1:-1] for text in texts for only in (True, False)}
    return {text.encode() for text in texts}


def _encoded(secret: str) -> set[bytes]:
    plain = secret.encode()
    digits = plain.hex().encode()
    forms = {secret.encode("utf-16-le"), secret.encode("utf-16-be"), *_in_base64(plain)}
    for each in (digits, digits.upper()):
        forms |= {each, re.sub(rb"..", rb"%\g<0>", each)}
    return {form for form in forms if len(form) >= ENOUGH}


def _in_base64(plain: bytes) -> Iterator[bytes]:
    """What is the same of it wherever it stands in an encoded text, as a password does in Basic credentials."""
    for before in range(3):
        first, end = -(-before * 8 // 6), (before + len(plain)) * 8 // 6
        for encode in (b64encode, urlsafe_b64encode):
            yield encode(bytes(before) + plain)[first:end]


def _digests(secret: bytes, beside: Collection[bytes]) -> Iterator[bytes]:
    for algorithm in (*ALGORITHMS, *FURTHER_ALGORITHMS):
        yield from _written(hashlib.new(algorithm, secret).digest())
    for salt in beside:
        for algorithm in ALGORITHMS:
            for text in (secret + salt, salt + secret, secret + b":" + salt, salt + b":" + secret):
                yield from _written(hashlib.new(algorithm, text).digest())
            yield from _written(hmac.digest(salt, secret, algorithm))
            yield from _written(hmac.digest(secret, salt, algorithm))


def _written(digest: bytes) -> Iterator[bytes]:
    """In each form so much of the beginning as is nowhere by chance."""
    yield digest[:ENOUGH]
    yield from (digest.hex().encode()[:12], digest.hex().upper().encode()[:12])
    yield from (b64encode(digest)[:10], urlsafe_b64encode(digest)[:10])


def _prehashed(password: str) -> Iterator[bytes]:
    """What bcrypt would be given without a key that is kept."""
    for text in {password, unicodedata.normalize("NFKC", password)}:
        plain = text.encode()
        yield plain[:72]
        yield prehash(text)
        for algorithm in ("sha256", "sha384", "sha512"):
            digest = hashlib.new(algorithm, plain).digest()
            yield from (b64encode(digest)[:72], digest.hex().encode()[:72], digest.replace(b"\0", b"")[:72])
