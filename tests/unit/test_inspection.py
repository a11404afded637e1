import pytest

from registration.adapters.mysql.inspection import parse_version


@pytest.mark.parametrize(
    "told, product, version, is_supported",
    [
        ("10.11.19-MariaDB-0+deb12u1", "MariaDB", "10.11.19", True),
        ("11.8.6-MariaDB-log", "MariaDB", "11.8.6", True),
        ("10.11.0-MariaDB", "MariaDB", "10.11.0", True),
        ("10.6.18-MariaDB", "MariaDB", "10.6.18", False),
        ("9.7.4", "MySQL", "9.7.4", True),
        ("8.4.0-1", "MySQL", "8.4.0", True),
        ("8.0.42", "MySQL", "8.0.42", False),
        ("8.10.1", "MySQL", "8.10.1", True),
        ("something else", "MySQL", "0", False),
    ],
)
def test_a_server_is_told_by_its_version(told: str, product: str, version: str, is_supported: bool) -> None:
    facts = parse_version(told)
    assert (facts.product, facts.version, facts.is_supported) == (product, version, is_supported)
