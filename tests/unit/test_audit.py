import json
import subprocess
from base64 import b64encode
from hashlib import sha256
from pathlib import Path

import pytest

from tools.audit import (
    EXAMPLES,
    ROOT,
    NotAudited,
    Report,
    locked_requirements,
    secrets_in,
    tracked_files,
    vulnerable,
    write_history,
)

DIGEST = sha256(b"planted").digest()

# Made from a digest, or of two pieces: the audit of this repository is not to find them here.
PLANTED = {
    "cloud.yaml": f"id: AKIA{DIGEST.hex()[:16].upper()}",
    "key.pem": "-----BEGIN RSA " + "PRIVATE KEY-----",
    "settings.py": f"URL = 'mysql://ann:{DIGEST.hex()[:16]}@host/name'",
    "token.json": f'{{"x": "{b64encode(DIGEST).decode()}"}}',
    "digest.txt": f"'{DIGEST.hex()}'",
    "compose.yaml": "environment:\n  DATABASE_PASSWORD: Tr0ub4dor",
    "hidden.yaml": "password: Tr0ub4dor  # pragma: allowlist secret",
}


@pytest.mark.parametrize("name, text", PLANTED.items(), ids=PLANTED)
def test_a_secret_in_a_file_is_found_and_not_repeated(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(f"\n{text}\n")

    (found,) = set(secrets_in(tmp_path, [name]))

    line, _, secret = text.rpartition("\n")
    assert found.startswith(f"{name}:{3 if line else 2}: ")
    assert not any(word in found for word in secret.split())


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_is_no_secret(tmp_path: Path, example: str) -> None:
    (tmp_path / "settings.env").write_text(f"URL=mysql://user:{example}@host/name\nPASSWORD={example}\n")

    assert list(secrets_in(tmp_path, ["settings.env"])) == []


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Where a secret was committed and removed again, and another is in a commit's message."""

    def git(*arguments: str) -> None:
        command = ["git", "-C", str(tmp_path), "-c", "user.name=Ann", "-c", "user.email=ann@example.org"]
        subprocess.run([*command, *arguments], check=True, capture_output=True)

    git("init")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "zoë.yaml").write_text(PLANTED["compose.yaml"])
    git("add", ".")
    git("commit", "--message", "Begin")
    (tmp_path / "folder" / "zoë.yaml").write_text("nothing")
    git("commit", "--all", "--message", f"Leave\n\n{PLANTED['cloud.yaml']}")
    return tmp_path


def test_the_history_has_what_was_removed_since(
    repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("history")

    now = list(secrets_in(repository, tracked_files(repository)))
    ever = {line.partition(":")[0] for line in secrets_in(folder, write_history(repository, folder))}

    assert now == []
    assert ever == {"folder/zoë.yaml", "commit-messages"}


def test_a_folder_without_git_is_not_audited(tmp_path: Path) -> None:
    with pytest.raises(NotAudited):
        tracked_files(tmp_path)


def test_every_package_of_the_lock_is_asked_about_with_version_and_hashes() -> None:
    lock = json.loads((ROOT / "Pipfile.lock").read_text())

    requirements = locked_requirements(lock)

    assert len(requirements) == len(lock["default"].keys() | lock["develop"].keys())
    assert all("==" in line and "--hash=sha256:" in line for line in requirements)


def report(*requirements: str, flawed: str = "", skipped: str = "") -> Report:
    def dependency(name: str) -> dict[str, object]:
        if name == skipped:
            return {"name": name, "skip_reason": "not found on PyPI"}
        flaws = [{"id": "PYSEC-1", "fix_versions": ["1.1", "2.0"]}] if name == flawed else []
        return {"name": name, "version": "1.0", "vulns": flaws}

    return {"dependencies": [dependency(requirement) for requirement in requirements]}


def test_a_vulnerable_package_is_told_with_the_versions_that_mend_it() -> None:
    found = vulnerable(["a", "b", "c"], lambda asked: report(*asked, flawed="b"))

    assert found == ["b 1.0: PYSEC-1, mended in 1.1 or 2.0"]


def test_packages_without_flaws_are_told_as_none() -> None:
    assert vulnerable(["a", "b"], lambda asked: report(*asked)) == []


def test_a_package_on_which_there_are_no_advisories_is_no_package_without_flaws() -> None:
    with pytest.raises(NotAudited, match="on b;"):
        vulnerable(["a", "b"], lambda asked: report(*asked, skipped="b"))


def test_where_advisories_cannot_be_reached_one_package_is_asked_about_and_no_more() -> None:
    asked_about: list[str] = []

    def ask(asked: list[str]) -> Report:
        asked_about.extend(asked)
        return report(*asked, skipped="a")

    with pytest.raises(NotAudited):
        vulnerable(["a", "b", "c"], ask)
    assert asked_about == ["a"]
