import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registration.language import DEFAULT_LANGUAGE, LONGEST_HEADER, best_language

AVAILABLE = ["de", "en", "fr", "pt-br", "zh-hant"]


@pytest.mark.parametrize(
    "header, language",
    [
        ("de", "de"),
        ("DE", "de"),
        ("de-AT", "de"),
        ("de-Latn-DE-1996", "de"),
        ("fr-CH, fr;q=0.9, en;q=0.8, de;q=0.7, *;q=0.5", "fr"),
        ("en-GB,en;q=0.9,de;q=0.8", "en"),
        ("pt-BR", "pt-br"),
        ("zh-Hant-TW", "zh-hant"),
        ("it, es, de;q=0.1", "de"),
    ],
)
def test_the_language_that_is_wanted_most_is_taken(header: str, language: str) -> None:
    assert best_language(header, AVAILABLE) == language


@pytest.mark.parametrize(
    "header, language",
    [
        ("de;q=0.3, fr;q=0.7", "fr"),
        ("de;q=0.999, fr", "fr"),
        ("de;q=0.8, fr;q=0.8", "de"),
        ("fr;q=1.000,de", "fr"),
        ("de ; q=0.1 ,\tfr ; Q=0.2", "fr"),
        ("de;q=0., fr;q=0.001", "fr"),
        ("de;q=0.1, fr;q=0.5, de;q=0.9", "fr"),
    ],
)
def test_weights_decide_and_then_the_order(header: str, language: str) -> None:
    assert best_language(header, AVAILABLE) == language


@pytest.mark.parametrize(
    "header", ["", "it", "pt", "zh", "pt-PT", "d", "*", "*;q=0.5", "it, *", "en;q=0", "*;q=0"]
)
def test_without_one_that_there_is_it_is_the_usual(header: str) -> None:
    assert best_language(header, AVAILABLE) == DEFAULT_LANGUAGE


@pytest.mark.parametrize(
    "header, language",
    [
        ("de;q=0, de-AT, fr;q=0.1", "fr"),
        ("en;q=0, fr;q=0.1", "fr"),
        ("en;q=0, *", "de"),
        ("*, fr;q=0.5", "en"),
        ("*;q=0.1, fr;q=0.5", "fr"),
    ],
)
def test_none_that_is_refused_and_any_where_any_will_do(header: str, language: str) -> None:
    assert best_language(header, AVAILABLE) == language


@pytest.mark.parametrize("header", ["zh-Hant-x-private", "zh-hant-u-nu-hanidec", "zh-Hant-a"])
def test_a_single_character_goes_with_what_follows_it(header: str) -> None:
    assert best_language(header, AVAILABLE) == "zh-hant"


@pytest.mark.parametrize(
    "nonsense",
    [
        *(
            "de;q=2",
            "de;q=1.1",
            "de;q=0.1234",
            "de;q=-1",
            "de;q=",
            "de;q",
            "de;p=1",
            "de;q=0.5;x=1",
            "de;q=nan",
        ),
        *(
            "de_AT",
            "de-",
            "-de",
            "abcdefghi",
            "d e",
            "<script>",
            "../../etc",
            "ﬁ",
            "de\n",
            "d\u00e9",
            ";",
            "q=1",
        ),
        *("de-abcdefghi", "*-de", "de fr"),
    ],
)
def test_what_is_not_understood_is_as_if_it_were_not_there(nonsense: str) -> None:
    assert best_language(nonsense, AVAILABLE) == DEFAULT_LANGUAGE
    assert best_language(f"{nonsense}, fr;q=0.1", AVAILABLE) == "fr"


def test_only_the_default_is_there_where_there_is_nothing() -> None:
    assert best_language("de", []) == DEFAULT_LANGUAGE


def test_a_language_is_returned_as_it_is_called_here() -> None:
    assert best_language("PT-br", ["pt-BR"]) == "pt-BR"


def test_what_is_beyond_a_bound_is_not_read() -> None:
    padding = "xx," * (LONGEST_HEADER // 3)

    assert best_language(f"{padding[:-3]}de", AVAILABLE) == "de"
    assert best_language(f"{padding}{padding}de", AVAILABLE) == DEFAULT_LANGUAGE


def test_a_range_that_the_bound_cuts_is_not_read_as_another() -> None:
    header = "xx," * ((LONGEST_HEADER - 1) // 3) + "de-AT"

    assert best_language(header, AVAILABLE) == DEFAULT_LANGUAGE


@pytest.mark.parametrize("part", ["de,", "a-b-c-d-", ";q=0.", "*;q=0,", " ", "\t;", "de-at-", "-a" * 8 + ","])
def test_a_hostile_header_costs_no_time(part: str) -> None:
    began = time.perf_counter()
    best_language(part * 1_000_000, AVAILABLE)

    assert time.perf_counter() - began < 0.5


@given(header=st.text() | st.text("de-fr;q=01.9, *\t", max_size=60))
def test_the_answer_is_one_that_there_is(header: str) -> None:
    assert best_language(header, AVAILABLE) in AVAILABLE
