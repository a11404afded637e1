from pathlib import Path

import pytest
from redis import Redis

from tools import apt, private_redis
from tools.private_redis import throwaway_redis


@pytest.fixture
def bin_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The only one on PATH."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def test_it_is_installed_where_that_is_possible(monkeypatch: pytest.MonkeyPatch, bin_folder: Path) -> None:
    program = bin_folder / "redis-check-rdb"

    def install(*packages: str) -> bool:
        assert packages == ("redis-tools",)
        program.touch(mode=0o755)
        return True

    monkeypatch.setattr(apt, "install", install)
    assert private_redis.find() == program


@pytest.mark.usefixtures("bin_folder")
def test_where_it_is_not_one_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apt, "install", lambda *_: False)
    with pytest.raises(private_redis.NoRedis, match="apt-get install redis-tools"):
        private_redis.find()


def test_a_server_that_is_installed_is_preferred(monkeypatch: pytest.MonkeyPatch, bin_folder: Path) -> None:
    for name in ("redis-check-rdb", "redis-server"):
        (bin_folder / name).touch(mode=0o755)
    assert private_redis.find() == bin_folder / "redis-server"


def test_the_program_that_checks_files_is_a_server_under_another_name(
    redis_program: Path, tmp_path: Path
) -> None:
    """Debian's is, and has no service beside it."""
    if redis_program.resolve().name != private_redis.SAME_PROGRAM:
        pytest.skip("here they are two programs")
    with throwaway_redis(redis_program.resolve()) as redis, Redis.from_url(redis.url) as client:
        assert client.ping()
