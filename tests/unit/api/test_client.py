from ipaddress import ip_network

import pytest
from starlette.requests import HTTPConnection

from registration.api.client import client_of

PROXIES = [ip_network("10.0.0.0/8"), ip_network("2001:db8:ffff::/48")]
LOOPBACK = [ip_network("127.0.0.0/8")]


def connection(peer: str | None, *forwarded_for: str, port: int = 40_000) -> HTTPConnection:
    return HTTPConnection(
        {
            "type": "http",
            "client": None if peer is None else (peer, port),
            "headers": [(b"x-forwarded-for", line.encode("latin-1")) for line in forwarded_for],
        }
    )


@pytest.mark.parametrize(
    "peer, client",
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        (None, "unknown"),
        ("", "unknown"),
    ],
)
def test_it_is_the_peers_network(peer: str | None, client: str) -> None:
    assert client_of(connection(peer)) == client


def test_two_addresses_of_one_ipv6_customer_are_one_client() -> None:
    one, two = connection("2001:db8::1"), connection("2001:db8::ffff:2")
    assert client_of(one) == client_of(two)


def test_nobody_is_believed_who_is_not_trusted() -> None:
    assert client_of(connection("192.0.2.1", "198.51.100.7"), PROXIES) == "192.0.2.1"
    assert client_of(connection("10.0.0.1", "198.51.100.7")) == "10.0.0.1"


def test_a_trusted_proxy_is_believed() -> None:
    assert client_of(connection("10.0.0.1", "198.51.100.7"), PROXIES) == "198.51.100.7"
    assert client_of(connection("2001:db8:ffff::1", "2001:db8:1::7"), PROXIES) == "2001:db8:1::/64"


def test_what_a_client_says_of_itself_through_a_proxy_is_not() -> None:
    assert client_of(connection("10.0.0.1", "203.0.113.9, 198.51.100.7"), PROXIES) == "198.51.100.7"


def test_a_chain_of_trusted_proxies_is_followed() -> None:
    chain = connection("10.0.0.1", "203.0.113.9, 198.51.100.7, 10.9.9.9, 10.8.8.8")
    assert client_of(chain, PROXIES) == "198.51.100.7"


def test_the_last_of_several_headers_is_the_nearest() -> None:
    assert client_of(connection("10.0.0.1", "203.0.113.9", "198.51.100.7"), PROXIES) == "198.51.100.7"


def test_from_trusted_proxies_only_the_first_of_them_is_the_client() -> None:
    assert client_of(connection("10.0.0.1", "10.0.0.3, 10.0.0.2"), PROXIES) == "10.0.0.3"


@pytest.mark.parametrize("said", ["", "nonsense", "198.51.100.999", "unknown", "é"])
def test_what_is_no_address_leaves_the_proxy_itself(said: str) -> None:
    assert client_of(connection("10.0.0.1", said), PROXIES) == "10.0.0.1"


@pytest.mark.parametrize("said", ["198.51.100.7:1234", " 198.51.100.7 ", "::ffff:198.51.100.7"])
def test_ports_and_spaces_do_not_matter(said: str) -> None:
    assert client_of(connection("10.0.0.1", said), PROXIES) == "198.51.100.7"


def test_an_ipv6_address_may_come_with_its_port() -> None:
    assert client_of(connection("10.0.0.1", "[2001:db8:1::7]:443"), PROXIES) == "2001:db8:1::/64"


class TestWhatUvicornHasRewritten:
    """Its command line replaces the peer by what X-Forwarded-For says, with port 0, if the peer is loopback."""

    def test_is_not_believed(self) -> None:
        assert client_of(connection("198.51.100.7", "198.51.100.7", port=0)) == "127.0.0.1"

    def test_is_read_again_where_loopback_is_trusted(self) -> None:
        rewritten = connection("203.0.113.9", "203.0.113.9, 198.51.100.7", port=0)
        assert client_of(rewritten, LOOPBACK) == "198.51.100.7"
