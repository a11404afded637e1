"""Finding the programs of a MariaDB Galera cluster, and installing them where that takes no question."""

import os
import pwd
import shutil
from dataclasses import dataclass
from pathlib import Path

from tools import apt
from tools.server_distribution import Distribution, NoServer, find

PACKAGES = ("mariadb-server", "galera-4")
PROVIDERS = (Path("/usr/lib/galera/libgalera_smm.so"), Path("/usr/lib64/galera-4/libgalera_smm.so"))
ORDINARY_USER = "mysql"  # the package makes it


@dataclass(frozen=True, slots=True)
class GaleraDistribution:
    """A MariaDB server that can be a node, the library that makes it one, and the user to run it as."""

    server: Distribution
    provider: Path
    user: str


def find_galera() -> GaleraDistribution:
    """Find what a node needs; install it where we may. Raises NoServer."""
    if not _is_complete() and not (apt.install_without_services(*PACKAGES) and _is_complete()):
        raise NoServer(
            "A Galera cluster needs MariaDB's server with its rsync transfer and the Galera library "
            f"(on Debian and Ubuntu, as root: apt-get install {' '.join(PACKAGES)})."
        )
    provider = next(filter(Path.exists, PROVIDERS))
    user = ORDINARY_USER if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    return GaleraDistribution(find(), provider, user)


def _is_complete() -> bool:
    programs = ("mariadbd", "wsrep_sst_rsync", "rsync")
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/bin"])
    return all(shutil.which(name, path=path) for name in programs) and any(map(Path.exists, PROVIDERS))
