"""Looking for secrets where none may be."""

import hashlib
import json
import re
from base64 import b64encode
from collections.abc import Collection, Iterable, Iterator
from urllib.parse import quote

NUMBER_BY_ITSELF = rb"(?<![0-9a-fA-F])%b(?![0-9a-fA-F])"
"""Random identifiers in hexadecimal hold any number sooner or later."""


def found(secrets: Iterable[str], places: Collection[bytes]) -> set[str]:
    """Those of the secrets that can be read in one of the places, in whatever spelling."""
    everything = b"\n".join(places)
    return {
        secret for secret in secrets if any(_is_in(spelling, everything) for spelling in _spellings(secret))
    }


def found_digests(secrets: Iterable[str], places: Collection[bytes]) -> set[str]:
    """Those of the secrets that somebody who tries them all would recognise by a plain digest."""
    everything = b"\n".join(places)
    return {secret for secret in secrets if any(digest in everything for digest in _digests(secret))}


def _is_in(spelling: bytes, everything: bytes) -> bool:
    if spelling.isdigit():
        return re.search(NUMBER_BY_ITSELF % spelling, everything) is not None
    return spelling in everything


def _spellings(secret: str) -> set[bytes]:
    plain = secret.encode()
    return {
        plain,
        json.dumps(secret)[1:-1].encode(),
        repr(secret)[1:-1].encode(),
        quote(secret).encode(),
        b64encode(plain),
        *([] if plain.isdigit() else [plain.hex().encode()]),
    }


def _digests(secret: str) -> Iterator[bytes]:
    for algorithm in ("md5", "sha1", "sha224", "sha256", "sha384", "sha512", "blake2b", "sha3_256"):
        digest = hashlib.new(algorithm, secret.encode()).digest()  # what is weak is what is looked for
        yield from (digest, digest.hex().encode(), b64encode(digest))
