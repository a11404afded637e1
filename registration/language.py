"""The language that a caller reads best, of those that there are."""

import re
from collections.abc import Collection, Iterator

DEFAULT_LANGUAGE = "en"

LONGEST_HEADER = 1000
"""Browsers send some dozens of characters. What is beyond is not read."""

_RANGE = re.compile(
    r"(?P<range>\*|[a-z]{1,8}(?:-[a-z0-9]{1,8})*)(?:[ \t]*;[ \t]*q=(?P<quality>0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?))?",
    re.IGNORECASE | re.ASCII,
)
"""A language range (RFC 4647, 2.1) with its weight (RFC 9110, 12.4.2)."""


def best_language(accept_language: str, available: Collection[str]) -> str:
    """The available language that the header `Accept-Language` asks for most, else DEFAULT_LANGUAGE.

    RFC 9110, 12.5.4, with the lookup of RFC 4647, 3.4: `de-AT` finds `de`, and `de` does not find `de-at`. What is
    not understood is as if it were not there. Of any text, however long, in time that has a bound.
    """
    by_lower_case = {language.lower(): language for language in available}
    weights = _weights(accept_language)
    refused = {tag for tag, weight in weights.items() if weight == 0}
    wanted = [tag for tag, weight in sorted(weights.items(), key=lambda pair: -pair[1]) if weight > 0]
    for tag in wanted:
        candidates = [DEFAULT_LANGUAGE, *by_lower_case] if tag == "*" else _shortened(tag)
        for candidate in candidates:
            if candidate in by_lower_case and candidate not in refused:
                return by_lower_case[candidate]
    return DEFAULT_LANGUAGE


def _weights(header: str) -> dict[str, float]:
    """The ranges in lower case, in the order of the header; of one that comes again, the first weight."""
    weights: dict[str, float] = {}
    *whole, last = header[: LONGEST_HEADER + 1].split(",")
    for part in whole if len(header) > LONGEST_HEADER else [*whole, last]:
        if found := _RANGE.fullmatch(part.strip(" \t")):
            weights.setdefault(found["range"].lower(), float(found["quality"] or 1))
    return weights


def _shortened(tag: str) -> Iterator[str]:
    """`zh-hant-tw`, then `zh-hant`, then `zh`; a single character goes with what follows it (RFC 4647, 3.4)."""
    subtags = tag.split("-")
    while subtags:
        yield "-".join(subtags)
        subtags.pop()
        if subtags and len(subtags[-1]) == 1:
            subtags.pop()
