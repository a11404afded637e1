from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from starlette.requests import HTTPConnection

UNKNOWN = "unknown"
"""The one client that all share whose address is not known, as behind a Unix socket."""

_HOST_BITS = 64


def client_of(request: HTTPConnection) -> str:
    """The network that the request comes from: an IPv4 address, or an IPv6 /64, which is what one customer is given.

    It is the peer of the connection; nothing that the caller says of itself is believed.
    """
    if request.client is None:
        return UNKNOWN
    try:
        address = ip_address(request.client.host)
    except ValueError:
        return UNKNOWN
    return _network_of(address)


def _network_of(address: IPv4Address | IPv6Address) -> str:
    if isinstance(address, IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(IPv6Network((int(address) >> _HOST_BITS << _HOST_BITS, 128 - _HOST_BITS)))
