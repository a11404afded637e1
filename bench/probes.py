"""What processes and the database have spent, read from outside."""

import contextlib
import os
import pwd
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import pymysql

from config.settings import parse_database_url

PROC = Path("/proc")
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def processor_seconds(pid: int) -> float:
    """Of the process with all its threads and all processes that it has started, user and system."""
    # The name, in parentheses, may hold anything; utime and stime are the 14th and 15th field.
    fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    own = (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND
    return own + sum(processor_seconds(child) for child in _children(pid))


def running_nanoseconds(pid: int) -> int:
    """Time that the process's threads have spent on processors: to the nanosecond, where others count ticks."""
    return sum(int((task / "schedstat").read_text().split()[0]) for task in _tasks(pid))


def event_loop_seconds(pid: int) -> float:
    """Of the process's first thread, which is where a service of one process has its event loop."""
    return int((PROC / str(pid) / "task" / str(pid) / "schedstat").read_text().split()[0]) / 1e9


def wants_a_processor(pid: int) -> bool:
    """Whether any of the process's threads runs or waits for a processor."""
    return any((task / "stat").read_text().rpartition(")")[2].split()[0] == "R" for task in _tasks(pid))


def resident_mb(pid: int) -> float:
    """Memory of the process now, with that of those that it has started."""
    return _memory_mb(pid, "VmRSS")


def peak_memory_mb(pid: int) -> float:
    """The most memory that the process ever had, with that of those that it has started."""
    return _memory_mb(pid, "VmHWM")


def forget_peak_memory(pid: int) -> None:
    """Have the most memory that the process ever had begin with what it has now."""
    (PROC / str(pid) / "clear_refs").write_text("5")


def machine_busy_seconds() -> float:
    """Processor time that anything on this machine has spent."""
    fields = (PROC / "stat").read_text().partition("\n")[0].split()[1:]
    user, nice, system, _idle, _iowait, irq, softirq = map(int, fields[:7])
    return (user + nice + system + irq + softirq) / TICKS_PER_SECOND


def _memory_mb(pid: int, name: str) -> float:
    for line in (PROC / str(pid) / "status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 1024 + sum(_memory_mb(child, name) for child in _children(pid))
    return 0.0


def _children(pid: int) -> list[int]:
    return [int(child) for task in _tasks(pid) for child in (task / "children").read_text().split()]


def _tasks(pid: int) -> Iterator[Path]:
    return (PROC / str(pid) / "task").iterdir()


@dataclass(frozen=True, slots=True)
class DatabaseCounts:
    """Since the server's start, without the probe's own. `commits` are transactions that have written something."""

    statements: int
    commits: int

    def __sub__(self, other: Self) -> "DatabaseCounts":
        return DatabaseCounts(self.statements - other.statements, self.commits - other.commits)


class DatabaseProbe:
    """The administrator of the private server, coming in by its socket as the server's own user may."""

    def __init__(self, url: str) -> None:
        with contextlib.closing(connect(url)) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT @@datadir, @@socket, @@pid_file, VERSION()")
            row: tuple[str, str, str, str] = cursor.fetchone() or ("", "", "", "")
            data, socket, pid_file, self.version = row
        self.pid = int((Path(data) / pid_file).read_text())
        self._connection = pymysql.connect(
            unix_socket=str(Path(data) / socket), user=pwd.getpwuid(os.geteuid()).pw_name, autocommit=True
        )
        self._own_statements = 0
        self.query("SET GLOBAL innodb_monitor_enable = 'trx_rw_commits'")

    def counts(self) -> DatabaseCounts:
        ((_, questions),) = self.query("SHOW GLOBAL STATUS LIKE 'Questions'")
        statements = int(questions) - self._own_statements
        ((commits,),) = self.query(
            "SELECT COUNT FROM information_schema.INNODB_METRICS WHERE NAME = 'trx_rw_commits'"
        )
        return DatabaseCounts(statements, int(commits))

    def query(self, sql: str, *arguments: object) -> tuple[tuple[Any, ...], ...]:
        """Run a statement that is not counted."""
        with self._connection.cursor() as cursor:
            cursor.execute(sql, arguments or None)
            self._own_statements += 1
            return cursor.fetchall()

    def close(self) -> None:
        self._connection.close()


def connect(url: str) -> "pymysql.Connection[Any]":
    """As the service connects."""
    server = parse_database_url(url)
    return pymysql.connect(
        host=server.host,
        port=server.port,
        user=server.user,
        password=server.password,
        database=server.database,
        autocommit=True,
    )
