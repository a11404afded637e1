"""Looks for secrets in the repository, and for packages that are known to be vulnerable.

    python -m tools.audit secrets     in every tracked file, as it is now; needs no network
    python -m tools.audit history     in all that was ever committed; needs no network
    python -m tools.audit packages    asks PyPI for advisories on every package of the lock
    python -m tools.audit             all of it

Ruff's rules on security (S) are part of `make check`, with a reason at each exception.
"""

import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from detect_secrets.core.potential_secret import PotentialSecret
from detect_secrets.core.scan import scan_file
from detect_secrets.settings import default_settings

ROOT = Path(__file__).resolve().parent.parent

EXAMPLES: Mapping[str, str] = {
    "0af7651916cd43dd8448eb211c80319c": "the trace of an example in W3C Trace Context",
    "3fa94c1d88b0": "in tests of what operators are shown, for an address's digest",
    "7f10ece6420a": "in tests of what operators are shown, for an address's digest",
    "b7ad6b7169203331": "the span of the example in W3C Trace Context",
    "change-me": "config/example.env says what to put there",
    "hunter2": "in tests that no fault of a setting shows its value",
    "never-shown": "in tests that no check shows a password",
    "p%40ss%2Fword": "in tests of Redis' URLs, with characters that are encoded there",
    "pass": "in tests of mail providers' URLs",
    "password": "where the form of a database's URL is explained",
    "secret": "in tests of a database that is not there",
    "yes": "compose.yaml has MariaDB make a password of its own",
}
"""What looks like a password and is none, with where it stands."""

HAVE_KEYWORDS_CHECKED_OTHERWISE = {
    ".py": "ruff's S105 to S107 look at assignments to `password` and the like, but in tests, where they are examples",
    ".md": "there is prose about passwords on every page",
}

Report = Mapping[str, Any]
"""What pip-audit says, as JSON."""


class NotAudited(Exception):
    """No verdict could be had; the message says why."""


def secrets_in(folder: Path, paths: Collection[str]) -> Iterator[str]:
    """Yield a line for each secret in these files of the folder: where it is and of what kind, never what it is."""
    with default_settings() as settings:
        # No comment beside a secret hides it: EXAMPLES is the only list of what is none.
        settings.disable_filters("detect_secrets.filters.allowlist.is_line_allowlisted")
        for path in paths:
            for found in scan_file(str(folder / path)):
                if not _is_harmless(found, path):
                    yield f"{path}:{found.line_number}: {found.type}"


def _is_harmless(found: PotentialSecret, path: str) -> bool:
    if found.type == "Secret Keyword" and Path(path).suffix in HAVE_KEYWORDS_CHECKED_OTHERWISE:
        return True
    return found.secret_value in EXAMPLES


def tracked_files(repository: Path) -> list[str]:
    names = _git(repository, "ls-files", "-z").split("\0")
    return [name for name in names if (repository / name).is_file()]


def write_history(repository: Path, folder: Path) -> list[str]:
    """Write every line that a commit added, to the path that it added it to, and all messages; return the paths."""
    added: dict[str, list[str]] = defaultdict(list)
    path = ""
    diffs = _git(repository, "log", "--all", "--patch", "-m", "--unified=0", "--no-renames", "--format=")
    for line in diffs.split("\n"):
        if line.startswith("+++ "):
            path = line.removeprefix("+++ b/")
        elif line.startswith("+"):
            added[path].append(line[1:])
    added["commit-messages"] = [_git(repository, "log", "--all", "--format=%B")]
    for name, lines in added.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("\n".join(lines), "utf-8")
    return list(added)


def _git(repository: Path, *arguments: str) -> str:
    command = ["git", "-c", "core.quotePath=false", "-C", str(repository), *arguments]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode:
        raise NotAudited(done.stderr.decode().strip())
    return done.stdout.decode("utf-8", "replace")


def locked_requirements(lock: Mapping[str, Any]) -> list[str]:
    """Each package of both groups of a Pipfile.lock, with its version and hashes, whatever its markers say."""
    packages = {**lock["develop"], **lock["default"]}
    return [
        " ".join([f"{name}{package['version']}", *(f"--hash={each}" for each in package["hashes"])])
        for name, package in sorted(packages.items())
    ]


def vulnerable(requirements: list[str], ask: Callable[[list[str]], Report]) -> list[str]:
    """Return a line for each package with a known vulnerability.

    Raises NotAudited if there is no advisory to be had on any of them, be it that there is none. The first one is
    asked about alone: where advisories cannot be reached, that is enough to know.
    """
    dependencies = [*_audited(ask(requirements[:1])), *_audited(ask(requirements[1:]))]
    return [
        f"{each['name']} {each['version']}: {flaw['id']}, mended in {' or '.join(flaw['fix_versions']) or 'no version'}"
        for each in dependencies
        for flaw in each["vulns"]
    ]


def _audited(report: Report) -> list[Mapping[str, Any]]:
    dependencies: list[Mapping[str, Any]] = report["dependencies"]
    for each in dependencies:
        if "skip_reason" in each:
            raise NotAudited(
                f"pip-audit has no advisories on {each['name']}; is PyPI's JSON API reachable? {each['skip_reason']}"
            )
    return dependencies


def ask_pip_audit(requirements: Iterable[str]) -> Report:
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("\n".join(requirements))
        file.flush()
        command = [
            sys.executable,
            "-m",
            "pip_audit",
            "--disable-pip",
            "--format=json",
            "--progress-spinner=off",
        ]
        done = subprocess.run(
            [*command, "--requirement", file.name], capture_output=True, text=True, check=False
        )
    try:
        report: Report = json.loads(done.stdout)
    except ValueError:
        last_words = done.stderr.strip().rpartition("\n")[2]
        raise NotAudited(f"pip-audit could not ask PyPI: {last_words}") from None
    return report


def audit_secrets() -> list[str]:
    files = tracked_files(ROOT)
    return _told(list(secrets_in(ROOT, files)), f"{len(files)} tracked files hold no secret.")


def audit_history() -> list[str]:
    with tempfile.TemporaryDirectory() as folder:
        files = write_history(ROOT, Path(folder))
        found = [f"once in {line}" for line in secrets_in(Path(folder), files)]
    return _told(found, f"{len(files)} files, as far back as the history goes, never held a secret.")


def audit_packages() -> list[str]:
    requirements = locked_requirements(json.loads((ROOT / "Pipfile.lock").read_text()))
    found = vulnerable(requirements, ask_pip_audit)
    return _told(found, f"{len(requirements)} locked packages have no known vulnerability.")


def _told(found: list[str], otherwise: str) -> list[str]:
    if not found:
        print(otherwise)
    return found


AUDITS: Mapping[str, Callable[[], list[str]]] = {
    "secrets": audit_secrets,
    "history": audit_history,
    "packages": audit_packages,
}


def main(*names: str) -> int:
    """Do the audits of these names, or all; return the exit status."""
    status = 0
    for name in names or AUDITS:
        try:
            found = AUDITS[name]()
        except NotAudited as reason:
            found = [f"Not audited: {name}. {reason}"]
        for line in found:
            print(line, file=sys.stderr)
            status = 1
    return status


if __name__ == "__main__":
    if not AUDITS.keys() >= set(sys.argv[1:]):
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
