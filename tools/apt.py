"""Installing Debian's packages, where that takes no question."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

POLICY = Path("/usr/sbin/policy-rc.d")
DENIED = 101


def install(*packages: str) -> bool:
    """Install them through apt-get, if there is one that we may use without a password; say whether that worked."""
    privileged = _privileged()
    if privileged is None or not shutil.which("apt-get"):
        return False
    apt = [
        *privileged,
        "env",
        "DEBIAN_FRONTEND=noninteractive",
        "apt-get",
        "-q",
        "-o",
        "DPkg::Lock::Timeout=120",
    ]
    print(f"Installing {' and '.join(packages)} through apt-get", flush=True)
    subprocess.run([*apt, "update"], capture_output=True, check=False)  # an old list may still do
    command = [*apt, "install", "-y", "--no-install-recommends", *packages]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        print(result.stdout[-2000:], result.stderr[-2000:], sep="\n")
    return result.returncode == 0


def install_without_services(*packages: str) -> bool:
    """Install them if we are root, who may also say that no service is to be started; say whether that worked."""
    if os.geteuid() != 0:
        return False
    with _no_service_started():
        return install(*packages)


@contextlib.contextmanager
def _no_service_started() -> Iterator[None]:
    """Have packages leave their own servers alone: we want the programs, not one more service on this machine."""
    if POLICY.exists():
        yield  # whoever put it there decides
        return
    POLICY.write_text(f"#!/bin/sh\nexit {DENIED}\n")
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink()


def download(package: str, folder: Path) -> Path | None:
    """Put a package's file into the folder, which takes no rights, and install nothing; None if that does not work."""
    if not shutil.which("apt-get"):
        return None
    command = ["apt-get", "-q", "download", package]
    print(f"Fetching {package} through apt-get", flush=True)
    if subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode != 0:
        privileged = _privileged()
        if privileged is None:
            return None
        subprocess.run([*privileged, "apt-get", "-q", "update"], capture_output=True, check=False)
        subprocess.run(command, cwd=folder, capture_output=True, check=False)
    return next(folder.glob("*.deb"), None)


def _privileged() -> list[str] | None:
    """Return what to put before a command that only root may run; None if we are not allowed to."""
    if os.geteuid() == 0:
        return []
    sudo = ["sudo", "-n"]
    if (
        shutil.which("sudo")
        and subprocess.run([*sudo, "true"], capture_output=True, check=False).returncode == 0
    ):
        return sudo
    return None
