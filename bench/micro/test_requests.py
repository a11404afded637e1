"""What is read of every request, and how a refusal is written."""

from base64 import b64encode

from pytest_benchmark.fixture import BenchmarkFixture
from starlette.requests import Request

from registration.adapters.common_passwords import is_common_password
from registration.address_syntax import parse_email_address
from registration.api.basic_auth import credentials_of
from registration.api.problems import Problem, invalid_request, problem_response
from registration.domain.email_address import EmailAddress
from registration.domain.password import check_acceptable

EMAIL = EmailAddress("ada.lovelace@example.org")
PASSWORD = "Crème brûlée: 3 €"  # noqa: S105 - an example


def test_address_is_parsed(benchmark: BenchmarkFixture) -> None:
    assert benchmark(parse_email_address, "Ada.Lovelace@Example.org") == EMAIL


def test_address_beyond_ascii_is_parsed(benchmark: BenchmarkFixture) -> None:
    assert benchmark(parse_email_address, "Zoë@Bücher.example").text == "zoë@xn--bcher-kva.example"


def test_password_is_found_acceptable(benchmark: BenchmarkFixture) -> None:
    benchmark(check_acceptable, PASSWORD, EMAIL, 8, is_common_password)


def test_basic_credentials_are_read(benchmark: BenchmarkFixture) -> None:
    header = b"Basic " + b64encode(f"{EMAIL}:{PASSWORD}".encode())
    scope = {"type": "http", "headers": [(b"host", b"localhost"), (b"authorization", header)]}

    assert benchmark(lambda: credentials_of(Request(scope))).password == PASSWORD


def test_problem_is_rendered(benchmark: BenchmarkFixture) -> None:
    answer = benchmark(lambda: problem_response(Problem("incorrect-code", {"attempts_left": 2})))

    assert answer.status_code == 422


def test_problem_with_errors_is_rendered(benchmark: BenchmarkFixture) -> None:
    errors = [("email", "is not a valid e-mail address"), ("password", "is missing")]

    assert benchmark(lambda: problem_response(invalid_request(*errors))).status_code == 422
