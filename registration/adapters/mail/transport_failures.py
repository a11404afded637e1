"""What the failures of an HTTP request say about the mail, as measured with aiohttp 3.14."""

import aiohttp

from registration.ports import Outcome, Verdict

_FAILURES: tuple[tuple[type[BaseException], Verdict, str], ...] = (
    # In this order: some of aiohttp's exceptions are parents of others, and mean less.
    (aiohttp.ClientConnectorDNSError, Verdict.RETRY, "host name not found"),
    (aiohttp.ClientConnectorCertificateError, Verdict.PROVIDER_REFUSED, "certificate not trusted"),
    (aiohttp.ClientConnectorSSLError, Verdict.RETRY, "TLS handshake failed"),
    (aiohttp.ClientConnectorError, Verdict.RETRY, "no connection"),
    (aiohttp.ConnectionTimeoutError, Verdict.RETRY, "no connection in time"),
    (aiohttp.SocketTimeoutError, Verdict.UNKNOWN, "no answer in time"),
    # Looks the same whether or not the provider had read everything: never proof that it was not taken.
    (aiohttp.ServerDisconnectedError, Verdict.UNKNOWN, "answer lost"),
    (aiohttp.ClientOSError, Verdict.UNKNOWN, "connection lost"),
    (aiohttp.ClientResponseError, Verdict.UNKNOWN, "answer is not HTTP"),
    (aiohttp.InvalidURL, Verdict.PROVIDER_REFUSED, "provider's URL not usable"),
    (aiohttp.NonHttpUrlClientError, Verdict.PROVIDER_REFUSED, "provider's URL not usable"),
)


def outcome_of_failure(error: aiohttp.ClientError | OSError, *, handed_over: bool) -> Outcome:
    """The outcome of an attempt that brought no status. `handed_over`: the network may have got some of the request."""
    if isinstance(error, aiohttp.ClientConnectorError) and isinstance(error.os_error, ConnectionRefusedError):
        return Outcome(Verdict.RETRY, "connection refused")
    for kind, verdict, reason in _FAILURES:
        if isinstance(error, kind):
            return Outcome(verdict, reason)
    verdict = Verdict.UNKNOWN if handed_over else Verdict.RETRY
    return Outcome(verdict, "out of time" if isinstance(error, TimeoutError) else "connection failed")
