"""How connections are made: the password goes to nobody who may not have it."""

import functools
import ssl
from typing import Any

import aiomysql
from pymysql.constants import CLIENT, CR
from pymysql.err import MySQLError, OperationalError
from pymysql.protocol import FieldDescriptorPacket, MysqlPacket

from registration.adapters.mysql.pool import Connect
from registration.adapters.mysql.server import Server

IN_THE_CLEAR = frozenset({"mysql_clear_password", "mysql_old_password"})
"""Ways to prove a password that show it, or as good as show it, to whoever listens."""

SESSION_SETTINGS = (
    "SET /*M! tx_isolation = 'READ-COMMITTED', max_statement_time = 3, wsrep_sync_wait = 1, */"
    " /*!80000 transaction_isolation = 'READ-COMMITTED', max_execution_time = 3000, */"
    " innodb_lock_wait_timeout = 3,"
    " sql_mode = 'STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION'"
)
"""MariaDB reads the first comment, MySQL the second. `wsrep_sync_wait`: on a Galera node a read first waits for what
other nodes have committed, or a user who has just registered on one of them would be refused."""


def connector(server: Server, connect_seconds: float) -> Connect:
    """Return what makes connections, their sessions set up. TCP has so many seconds; the rest is for the caller to limit.

    What it raises is an OperationalError with a number; `refusals` knows those that no retry mends.
    """
    arguments = _arguments(server, connect_seconds)

    async def connect() -> aiomysql.Connection:
        connection = _GuardedConnection(**arguments)
        try:
            await connection._connect()  # noqa: SLF001 - the driver's function for it knows only the driver's class
        except Exception as error:
            if isinstance(error, MySQLError) and error.args and isinstance(error.args[0], int):
                raise
            raise OperationalError(CR.CR_SERVER_HANDSHAKE_ERR, "what answers is no database") from error
        except BaseException:
            connection.close()  # cancelled half way, where the driver would leave it open
            raise
        return connection

    return connect


class _GuardedConnection(aiomysql.Connection):  # type: ignore[misc]  # the driver is not typed
    """The driver's connection, which looks at whom it is talking to before it says more than hello.

    The driver itself goes on in the clear where a greeting offers no TLS, and shows the password to a server that asks
    for it. But until TLS stands, whoever is on the way may have written what we read.
    """

    @property
    def is_dead(self) -> bool:
        """Whether the other end has gone while the connection was at rest; MySQL says an error before it does."""
        reader = self._reader
        return bool(reader.at_eof() or reader.exception() or reader.eof_received)

    async def _get_server_information(self) -> None:
        await super()._get_server_information()
        if self._ssl_context and not self.server_capabilities & CLIENT.SSL:
            raise OperationalError(CR.CR_SSL_CONNECTION_ERROR, "the server offers no TLS")
        self._refuse_in_the_clear(self._server_auth_plugin)

    async def _process_auth(self, plugin_name: bytes, auth_packet: object) -> object:
        self._refuse_in_the_clear(plugin_name.decode("latin-1"))
        return await super()._process_auth(plugin_name, auth_packet)

    async def _read_packet(self, packet_type: Any = MysqlPacket) -> Any:
        """As the driver does, but a column's description, the same in every answer, is taken apart once."""
        if packet_type is not FieldDescriptorPacket:
            return await super()._read_packet(packet_type)
        packet = await super()._read_packet()
        return _column(packet.get_all_data(), self.encoding)

    def _refuse_in_the_clear(self, way: str) -> None:
        if way in IN_THE_CLEAR and not self._ssl_context:
            raise OperationalError(CR.CR_AUTH_PLUGIN_CANNOT_LOAD, "the password goes over TLS only")


@functools.lru_cache(maxsize=1000)
def _column(description: bytes, encoding: str) -> Any:
    return FieldDescriptorPacket(description, encoding)


def _arguments(server: Server, connect_seconds: float) -> dict[str, Any]:
    return {
        "host": server.host,
        "port": server.port,
        "user": server.user,
        # The driver encodes it as Latin-1; servers compare the bytes of UTF-8.
        "password": server.password.encode().decode("latin-1"),
        "db": server.database,
        "ssl": ssl.create_default_context(cafile=server.ssl_ca) if server.ssl_ca else None,
        "charset": "utf8mb4",
        "autocommit": True,
        "client_flag": CLIENT.FOUND_ROWS,
        "connect_timeout": connect_seconds,
        "init_command": SESSION_SETTINGS,
    }
