from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from starlette.requests import HTTPConnection

UNKNOWN = "unknown"
"""The one client that all share whose address is not known, as behind a Unix socket."""

Network = IPv4Network | IPv6Network

_HOST_BITS = 64
_LOOPBACK = IPv4Address("127.0.0.1")


def client_of(request: HTTPConnection, trusted_proxies: Sequence[Network] = ()) -> str:
    """The network that the request comes from: an IPv4 address, or an IPv6 /64, which is what one customer is given.

    It is the peer of the connection; where that is a trusted proxy, whoever the proxy says, and so on from the right
    of X-Forwarded-For. What stands further left was said by somebody whom nobody vouches for.
    """
    address = _peer(request)
    if address is None:
        return UNKNOWN
    for forwarded_for in _from_the_right(request):
        if not _is_trusted(address, trusted_proxies):
            break
        said = _parse(forwarded_for)
        if said is None:
            break
        address = said
    return _network_of(address)


def _peer(request: HTTPConnection) -> IPv4Address | IPv6Address | None:
    """Who the connection is with.

    Started by its own command line, uvicorn believes X-Forwarded-For from loopback and puts what it says in the
    peer's place. It is told by the port, which no real peer has 0 of; the peer was then loopback.
    """
    if request.client is None:
        return None
    if request.client.port == 0 and "x-forwarded-for" in request.headers:
        return _LOOPBACK
    return _parse(request.client.host)


def _from_the_right(request: HTTPConnection) -> Iterator[str]:
    for line in reversed(request.headers.getlist("x-forwarded-for")):
        yield from reversed(line.split(","))


def _is_trusted(address: IPv4Address | IPv6Address, trusted_proxies: Sequence[Network]) -> bool:
    return any(address in network for network in trusted_proxies)


def _parse(text: str) -> IPv4Address | IPv6Address | None:
    """Read an address, with a port or without (`192.0.2.1:1234`, `[2001:db8::1]:1234`)."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _network_of(address: IPv4Address | IPv6Address) -> str:
    if isinstance(address, IPv4Address):
        return str(address)
    return str(IPv6Network((int(address) >> _HOST_BITS << _HOST_BITS, 128 - _HOST_BITS)))
