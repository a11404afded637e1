"""Builds the container image and goes the journey on it, run as a careful platform would.

For Debian, as root, with podman, runc and mmdebstrap. No image registry is asked: the base image is made here, once,
to look like `python:3.11-slim-bookworm` (its Python is Debian's own, by a virtual environment in /usr/local). Another
one is used with `python -m tools.image_test --base IMAGE`.
"""

import argparse
import base64
import contextlib
import http.client
import json
import re
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

from tools import processes
from tools.addresses import LOOPBACK, free_port
from tools.environment import ROOT
from tools.private_mariadb import throwaway_server

IMAGE = "localhost/registration:image-test"
BASE = "localhost/python-stand-in:3.11-slim-bookworm"
CACHE = Path("/var/tmp/registration-image-test")  # noqa: S108 - made by root, for root
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
AS_A_CAREFUL_PLATFORM = [
    "--read-only", "--read-only-tmpfs=false", "--cap-drop=all", "--security-opt=no-new-privileges",
    "--network=host",
    # podman asks for more than the hard limits of some machines
    "--ulimit=nofile=20000:20000", "--ulimit=nproc=4096:4096",
]  # fmt: skip
AS_ANYBODY = "--user=54321:54321"
"""Whom a platform makes up, as OpenShift does: not the user that the image names."""

EMAIL, PASSWORD = "Ada@Example.COM", "p:ä🔑" + "x" * 196


class CheckFailed(Exception):
    pass


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tools.image_test", description="Build and try the image."
    )
    parser.add_argument("--base", help="the base image, where one can be pulled")
    base = parser.parse_args().base or _stand_in()
    _timed("build", lambda: _build(base))
    _check_contents()
    with throwaway_server() as server, contextlib.ExitStack() as running:
        api, inbox = free_port(), free_port()
        settings = {
            "REGISTRATION_DATABASE_URL": server.url(),
            "REGISTRATION_SECRET_KEY": secrets.token_hex(32),
            "REGISTRATION_MAIL_API_URL": f"http://{LOOPBACK}:{inbox}",
            "REGISTRATION_MAIL_FROM": "Registration <registration@example.com>",
            "REGISTRATION_PORT": str(api),
        }
        _timed(
            "migrate",
            lambda: _podman(
                "run", "--rm", *AS_A_CAREFUL_PLATFORM, AS_ANYBODY, *_environment(settings), IMAGE, "migrate"
            ),
        )
        running.enter_context(_container("sandbox", {}, "sandbox", "--port", str(inbox)))
        name = running.enter_context(_container("service", settings))
        _timed("start", lambda: _until(lambda: _status(api, "/health/ready") == HTTPStatus.OK))
        _timed("journey", lambda: _go_the_journey(api, inbox))
        _podman("healthcheck", "run", name)
        _timed("stop", lambda: _podman("stop", "--time=30", name))
        status = _podman("inspect", "--format={{.State.ExitCode}}", name)
        if status not in {"0", "143"}:
            raise CheckFailed(f"SIGTERM ended the service with status {status}")
    print("The image is fine.")


def _stand_in() -> str:
    """Make the base image, if it was not made before."""
    if _podman("images", "--quiet", BASE):
        return BASE
    CACHE.mkdir(mode=0o700, exist_ok=True)
    system = CACHE / "base.tar"
    if not system.exists():
        _timed("base image", lambda: _bootstrap(system))
    _podman("import", str(system), BASE)
    return BASE


def _bootstrap(system: Path) -> None:
    indexes = _run("apt-get", "indextargets", "--format=$(REPO_URI) $(RELEASE)", "Created-By: Packages")
    uri = next(line.split()[0] for line in indexes.splitlines() if line.endswith(" bookworm"))
    _run(
        "mmdebstrap",
        "--variant=minbase",
        "--include=python3,python3-venv,ca-certificates",
        '--customize-hook=chroot "$1" python3 -m venv /usr/local',
        # What this machine trusts, the build must trust too: here a mirror may stand between it and the package index.
        f"--customize-hook=copy-in {CERTIFICATES} {Path(CERTIFICATES).parent}",
        f'--customize-hook=printf "[global]\\ncert = {CERTIFICATES}\\n" > "$1/etc/pip.conf"',
        "bookworm",
        str(system),
        f"deb {uri} bookworm main",
    )


def _build(base: str) -> None:
    options = ["--pull=never", "--network=host", "--format=docker", f"--build-arg=PYTHON_IMAGE={base}"]
    _podman("build", *options, f"--tag={IMAGE}", str(ROOT))


def _check_contents() -> None:
    """See that it runs as nobody special, and that nothing in it installs or builds; say what weighs what."""
    code = "import importlib.util, os; print(os.getuid(), bool(importlib.util.find_spec('pip')))"
    found = _podman("run", "--rm", *AS_A_CAREFUL_PLATFORM, "--entrypoint=python", IMAGE, "-c", code)
    tools = _podman(
        "run", "--rm", *AS_A_CAREFUL_PLATFORM, "--entrypoint=sh", IMAGE,
        "-c", "command -v pip pip3 pipenv gcc make; true",
    )  # fmt: skip
    if found != "10001 False" or tools:
        raise CheckFailed(f"user and pip: {found}; tools: {tools}")
    weights = _podman(
        "run", "--rm", *AS_A_CAREFUL_PLATFORM, "--entrypoint=sh", IMAGE,
        "-c", "cd /app; du -sm . ; du -sm registration .venv/bin/* .venv/lib/python*/site-packages/* | sort -rn | head",
    )  # fmt: skip
    print("Megabytes, of all that is put on the base image, and of the heaviest of it:")
    for megabytes, name in (line.split("\t") for line in weights.splitlines()):
        print(f"{megabytes:>6}  {Path(name).name or 'all'}")


@contextlib.contextmanager
def _container(name: str, settings: dict[str, str], *command: str) -> Iterator[str]:
    full_name = f"registration-image-test-{name}"
    _podman("rm", "--force", "--ignore", full_name)
    options = [f"--name={full_name}", "--detach", *AS_A_CAREFUL_PLATFORM, AS_ANYBODY, *_environment(settings)]
    _podman("run", *options, IMAGE, *command)
    try:
        yield full_name
    except Exception:
        print(
            subprocess.run(
                ["podman", "logs", "--tail=30", full_name], capture_output=True, text=True, check=False
            )
        )
        raise
    finally:
        _podman("rm", "--force", "--time=5", full_name)


def _go_the_journey(api: int, inbox: int) -> None:
    """Register with an address in capitals and a password of 200 characters of all kinds, then activate."""
    status, _ = _request(api, "POST", "/v1/users", {"email": EMAIL, "password": PASSWORD})
    _expect(status, HTTPStatus.ACCEPTED)
    _until(lambda: _request(inbox, "GET", "/api/v1/messages")[1]["messages"])
    newest = _request(inbox, "GET", "/api/v1/messages")[1]["messages"][0]
    text = _request(inbox, "GET", f"/api/v1/message/{newest['ID']}")[1]["Text"]
    code = re.search(r"^\s*([0-9]{4})\s*$", text, re.MULTILINE)
    if code is None:
        raise CheckFailed("the mail has no line with a code alone")
    status, user = _request(api, "POST", "/v1/users/activation", {"code": code[1]})
    _expect(status, HTTPStatus.OK)
    _expect(user["status"], "active")


def _request(port: int, method: str, path: str, body: object = None) -> tuple[int, Any]:
    credentials = base64.b64encode(f"{EMAIL}:{PASSWORD}".encode()).decode()
    headers = {"Content-Type": "application/json", "Authorization": f"Basic {credentials}"}
    with contextlib.closing(http.client.HTTPConnection(LOOPBACK, port, timeout=30)) as connection:
        connection.request(method, path, json.dumps(body) if body else None, headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read())


def _status(port: int, path: str) -> int:
    try:
        return _request(port, "GET", path)[0]
    except (OSError, http.client.HTTPException):
        return 0


def _until(is_true: Callable[[], object], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not is_true():
        if time.monotonic() > deadline:
            raise CheckFailed(f"nothing after {seconds:.0f} s")
        time.sleep(0.1)


def _expect(found: object, wanted: object) -> None:
    if found != wanted:
        raise CheckFailed(f"{found!r} instead of {wanted!r}")


def _environment(settings: dict[str, str]) -> list[str]:
    return [f"--env={name}={value}" for name, value in settings.items()]


def _podman(*arguments: str) -> str:
    # Debian's crun does not work where control groups are in hybrid mode; runc works everywhere.
    return _run("podman", f"--runtime={shutil.which('runc', path='/usr/sbin:/usr/bin')}", *arguments)


def _run(*command: str) -> str:
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise CheckFailed(f"{' '.join(command)}\n{result.stdout}{result.stderr}")
    return result.stdout.strip()


def _timed(what: str, work: Callable[[], object]) -> None:
    started = time.monotonic()
    work()
    print(f"{what}: {time.monotonic() - started:.1f} s", flush=True)


if __name__ == "__main__":
    processes.interrupt_on_signals()
    try:
        main()
    except CheckFailed as error:
        sys.exit(f"image test: {error}")
