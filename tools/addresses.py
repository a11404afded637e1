"""Where the programs that we start listen."""

import contextlib
import http.client
import os
import random
import socket
from dataclasses import dataclass
from http import HTTPStatus
from typing import Self

LOOPBACK = "127.0.0.1"
# Below the ephemeral range: there a client's socket in TIME_WAIT can hold the port though nothing listens.
PORTS = range(20_000, 32_768)


class AddressTaken(Exception):
    """A program cannot listen where it should; the message names the variable that changes it."""


@dataclass(frozen=True, slots=True)
class Address:
    program: str
    host: str
    port: int
    variable: str

    @classmethod
    def of(cls, program: str, host: str, variable: str, default: int) -> Self:
        """Take the port from the variable, if it is set. Raises AddressTaken if nobody can listen there now."""
        text = os.environ.get(variable) or str(default)
        if not (text.isascii() and text.isdigit() and 0 < int(text) < 2**16):
            raise AddressTaken(f"{variable} must be a port, 1 to 65535")
        address = cls(program, host, int(text), variable)
        address.refuse_if_taken()
        return address

    @property
    def url(self) -> str:
        return f"http://{f'[{self._reached}]' if ':' in self._reached else self._reached}:{self.port}"

    @property
    def _reached(self) -> str:
        """Where it is reached from here, if it listens everywhere."""
        return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104 - nothing is bound

    def refuse_if_taken(self) -> None:
        with socket.socket(socket.AF_INET6 if ":" in self.host else socket.AF_INET) as probe:
            # As servers do: what a connection of the last run has left behind is no obstacle.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((self.host, self.port))
            except OSError as error:
                raise AddressTaken(
                    f"The {self.program} cannot have port {self.port} on {self.host}: {error.strerror}. "
                    f"Free it, or choose another: {self.variable}={self.port % 65535 + 1}"
                ) from error

    def answers(self, path: str) -> bool:
        with contextlib.closing(
            http.client.HTTPConnection(self._reached, self.port, timeout=2)
        ) as connection:
            try:
                connection.request("GET", path)
                return connection.getresponse().status == HTTPStatus.OK
            except (OSError, http.client.HTTPException):
                return False


def free_port() -> int:
    """Return a port of the loopback interface on which nobody listened a moment ago."""
    for port in random.sample(PORTS, 100):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind((LOOPBACK, port))
            return port
    raise AddressTaken(f"No free port was found from {PORTS.start} to {PORTS.stop - 1}.")
